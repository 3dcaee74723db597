//! Requests as a connection delivers them: whole, in pieces, and wrong.

use dunlin_resp::{Arguments, Batch, Limits, ProtocolError, RequestDecoder};
use proptest::prelude::*;

/// What a client would see: the requests that run, and then the error, if any.
type Outcome = (Vec<Vec<Vec<u8>>>, Option<ProtocolError>);

/// Feeds the pieces through a decoder the way a connection does.
fn feed<'a>(pieces: impl IntoIterator<Item = &'a [u8]>, limits: &Limits) -> Outcome {
    let (mut decoder, mut batch) = (RequestDecoder::new(), Batch::new());
    let (mut input, mut requests) = (Vec::new(), Vec::new());
    for mut piece in pieces {
        while !piece.is_empty() {
            let large = decoder.receives_large();
            let target = decoder.fill_target(&mut input);
            let room = if large { target.capacity() - target.len() } else { piece.len() };
            assert!(room > 0, "a large argument without room would never end");
            let (now, later) = piece.split_at(room.min(piece.len()));
            target.extend_from_slice(now);
            piece = later;
            let mut from = 0;
            loop {
                batch.clear();
                let progress = decoder.decode(&mut input, from, limits, &mut batch);
                for i in 0..batch.len() {
                    let mut arguments = Arguments::new();
                    batch.arguments(i, &input, &mut arguments);
                    for (number, bytes) in batch.large(i) {
                        assert_eq!(arguments[*number as usize].as_ptr(), bytes.as_ptr());
                    }
                    for (n, argument) in arguments.iter().enumerate() {
                        assert_eq!(batch.argument(i, n, &input), Some(*argument));
                    }
                    requests.push(arguments.iter().map(|argument| argument.to_vec()).collect());
                }
                match progress {
                    Ok(progress) => {
                        from = progress.consumed;
                        if !progress.more {
                            break;
                        }
                    }
                    Err(error) => return (requests, Some(error)),
                }
            }
            decoder.compact(&mut input, from);
        }
    }
    (requests, None)
}

fn encode(request: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = format!("*{}\r\n", request.len()).into_bytes();
    for argument in request {
        bytes.extend_from_slice(format!("${}\r\n", argument.len()).as_bytes());
        bytes.extend_from_slice(argument);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes
}

/// Requests as lines of words, then the error's text: `check(input, "PING|GET k", "")`.
fn check(input: impl AsRef<[u8]>, requests: &str, error: &str) {
    check_with(&Limits::default(), input, requests, error);
}

fn check_with(limits: &Limits, input: impl AsRef<[u8]>, requests: &str, error: &str) {
    let input = input.as_ref();
    let (found, failure) = feed([input], limits);
    let found: Vec<String> = found
        .iter()
        .map(|request| String::from_utf8_lossy(&request.join(&b' ')).into_owned())
        .collect();
    let shown = String::from_utf8_lossy(&input[..input.len().min(60)]).into_owned();
    assert_eq!(found.join("|"), requests, "{shown:?}");
    assert_eq!(failure.map(|error| error.to_string()).unwrap_or_default(), error, "{shown:?}");
}

#[test]
fn whole_requests() {
    check("*1\r\n$4\r\nPING\r\n", "PING", "");
    check("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$0\r\n\r\n*1\r\n$1\r\nx\r\n", "SET k |x", "");
    check("PING\r\nGET k\nSET \"a b\" 'c'\r\n", "PING|GET k|SET a b c", "");
    check("\r\n\n  \r\n*0\r\n*-1\r\n*-5\r\nPING\r\n", "PING", "");
    check("*2\r\n$3\r\nGET\r\n$1\r\n", "", "");
    check("", "", "");
    // Neither the byte behind a carriage return nor the two behind an argument are looked at.
    check("*1\rX$4\rYPINGab*1\r\n$1\r\nx\r\n", "PING|x", "");
    // Long headers, and a header at the very end of the input.
    let key = "k".repeat(12_345);
    check(format!("*2\r\n$3\r\nGET\r\n$12345\r\n{key}\r\n"), &format!("GET {key}"), "");
    let many = "$1\r\na\r\n".repeat(1000);
    check(format!("*1000\r\n{many}"), vec!["a"; 1000].join(" ").as_str(), "");
}

#[test]
fn errors_come_after_the_requests_before_them() {
    let junk = "x".repeat(65 * 1024);
    for (input, error) in [
        ("*abc\r\n", "invalid multibulk length"),
        ("*\r\n", "invalid multibulk length"),
        ("*01\r\n", "invalid multibulk length"),
        ("*+1\r\n", "invalid multibulk length"),
        ("*2147483648\r\n", "invalid multibulk length"),
        ("*20000000000\r\n", "invalid multibulk length"),
        ("*1\r\nfoo\r\n", "expected '$', got 'f'"),
        ("*1\r\n\r\n", "expected '$', got ' '"),
        ("*1\r\n\n\r\n", "expected '$', got ' '"),
        ("*2\r\n$1\r\na\r\n*1\r\n", "expected '$', got '*'"),
        ("*1\r\n$-1\r\n", "invalid bulk length"),
        ("*1\r\n$a\r\n", "invalid bulk length"),
        ("*1\r\n$\r\n", "invalid bulk length"),
        ("*1\r\n$01\r\n", "invalid bulk length"),
        ("*1\r\n$536870913\r\n", "invalid bulk length"),
        ("*1\r\n$9999999999999999999\r\n", "invalid bulk length"),
        ("SET \"a\r\n", "unbalanced quotes in request"),
        ("SET 'a'b\r\n", "unbalanced quotes in request"),
        (&junk, "too big inline request"),
        (&format!("*{junk}"), "too big mbulk count string"),
        (&format!("*1\r\n${junk}"), "too big bulk count string"),
        (&format!("*1\0\r\n{junk}"), "too big mbulk count string"),
        (&format!("PING\0\n{junk}"), "too big inline request"),
    ] {
        check(input, "", error);
        check(format!("*1\r\n$4\r\nPING\r\n{input}"), "PING", error);
    }
    check("*2147483647\r\n", "", "");
    let bytes = ProtocolError::ExpectedBulk(0xff).text().unwrap();
    assert_eq!(*bytes, *b"expected '$', got '\xff'");
}

#[test]
fn limits_before_auth() {
    let limits = Limits { authenticated: false, ..Limits::default() };
    check_with(&limits, "*11\r\n", "", "unauthenticated multibulk length");
    check_with(&limits, "*1\r\n$16385\r\n", "", "unauthenticated bulk length");
    check_with(&limits, "*10\r\n*1\r\n", "", "expected '$', got '*'");
    check_with(&limits, "PING\r\nPING\r\n\r\nPING\r\n", "PING|PING|PING", "");
    let mut batch = Batch::new();
    let mut input = b"AUTH x\r\n*11\r\n".to_vec();
    let progress = RequestDecoder::new().decode(&mut input, 0, &limits, &mut batch).unwrap();
    assert!(progress.more && batch.len() == 1, "what follows AUTH is judged after it");
}

#[test]
fn query_buffer_limit_counts_what_is_not_yet_an_argument() {
    let limits = Limits { query_buffer_max: 100_000, ..Limits::default() };
    let request = encode(&[b"SET".to_vec(), b"k".to_vec(), vec![b'v'; 150_000]]);
    let (requests, error) = feed(request.chunks(16 * 1024), &limits);
    assert_eq!((requests.len(), error), (0, Some(ProtocolError::QueryBufferLimit)));
    let request = encode(&vec![vec![b'v'; 20_000]; 30]);
    let (requests, error) = feed(request.chunks(16 * 1024), &limits);
    assert_eq!((requests.len(), error), (1, None));
}

#[test]
fn a_call_is_bounded() {
    let input = b"PING\r\n".repeat(5000);
    let (requests, error) = feed([&input[..]], &Limits::default());
    assert_eq!((requests.len(), error), (5000, None));
}

#[test]
fn large_arguments_are_received_once() {
    let value: Vec<u8> = (0..300_000u32).map(|i| i as u8).collect();
    let request = encode(&[b"MSET".to_vec(), b"a".to_vec(), value.clone(), b"b".to_vec(), value]);
    let mut pipeline = b"PING\r\n".to_vec();
    pipeline.extend_from_slice(&request);
    pipeline.extend_from_slice(b"PING\r\n");
    let whole = feed([&pipeline[..]], &Limits::default());
    assert_eq!(whole.0.len(), 3);
    for size in [1000, 4096, 16 * 1024, 32 * 1024 + 7, 300_000] {
        assert_eq!(feed(pipeline.chunks(size), &Limits::default()), whole, "pieces of {size}");
    }
}

#[test]
fn a_large_argument_is_handed_over() {
    let (mut decoder, mut batch) = (RequestDecoder::new(), Batch::new());
    let limits = Limits::default();
    let mut input = b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$100000\r\nabc".to_vec();
    let progress = decoder.decode(&mut input, 0, &limits, &mut batch).unwrap();
    assert_eq!((progress.consumed, batch.len()), (0, 0));
    assert!(decoder.receives_large() && decoder.memory_bytes() > 100_000);
    assert_eq!((decoder.receiving_bytes(), decoder.pending_argument_bytes()), (3, 4));
    let target = decoder.fill_target(&mut input);
    assert_eq!(target.capacity() - target.len(), 100_002 - 3);
    let place = target.as_ptr();
    target.resize(100_002, b'x');
    // What was read ahead into the wrong buffer is not lost.
    input.extend_from_slice(b"PING\r\n");
    let progress = decoder.decode(&mut input, 0, &limits, &mut batch).unwrap();
    assert_eq!((progress.consumed, batch.len()), (input.len(), 2));
    let (number, bytes) = &batch.large(0)[0];
    assert_eq!((*number, bytes.as_ptr(), bytes.len()), (2, place, 100_000));
    assert!(batch.large(1).is_empty());
    assert_eq!((decoder.memory_bytes(), size_of::<RequestDecoder>()), (0, 8));
}

#[test]
fn an_announcement_alone_costs_little() {
    let mut input = b"*1\r\n$4000000000\r\n".to_vec();
    let limits = Limits { max_bulk_len: usize::MAX, ..Limits::default() };
    let mut decoder = RequestDecoder::new();
    let _ = decoder.decode(&mut input, 0, &limits, &mut Batch::new()).unwrap();
    assert!(decoder.memory_bytes() < 129 << 20);
}

/// A hundred thousand arguments in small pieces: quadratic work would take minutes.
#[test]
fn many_arguments_in_pieces() {
    let request = encode(&vec![b"argument".to_vec(); 100_000]);
    let (requests, error) = feed(request.chunks(100), &Limits::default());
    assert_eq!((requests.len(), requests[0].len(), error), (1, 100_000, None));
}

fn arguments() -> impl Strategy<Value = Vec<Vec<u8>>> {
    let argument = prop_oneof![
        8 => prop::collection::vec(any::<u8>(), 0..12),
        1 => prop::collection::vec(any::<u8>(), 200..300),
        1 => (32_000usize..34_000).prop_map(|len| vec![b'L'; len]),
    ];
    prop::collection::vec(argument, 1..6)
}

/// Bytes that look like the protocol, right and wrong.
fn protocol_like() -> impl Strategy<Value = Vec<u8>> {
    let token = prop_oneof![
        Just(b"*1\r\n$1\r\na\r\n".to_vec()),
        Just(b"*2\r\n".to_vec()),
        Just(b"$3\r\nabc\r\n".to_vec()),
        Just(b"$12\r\n".to_vec()),
        Just(b"$40000\r\n".to_vec()),
        Just(b"\r\n".to_vec()),
        Just(b"PING \"a\\x41\" 'b'\r\n".to_vec()),
        prop::collection::vec(prop::sample::select(&b"*$019-\r\n\"' a\0"[..]), 1..6),
    ];
    prop::collection::vec(token, 0..12).prop_map(|tokens| tokens.concat())
}

proptest! {
    #[test]
    fn encoded_requests_come_back(requests in prop::collection::vec(arguments(), 0..4)) {
        let bytes: Vec<u8> = requests.iter().flat_map(|request| encode(request)).collect();
        prop_assert_eq!(feed([&bytes[..]], &Limits::default()), (requests, None));
    }

    /// Every split of a short input in two, and a random split in many pieces.
    #[test]
    fn pieces_equal_the_whole(bytes in protocol_like(), size in 1..40usize, authenticated: bool) {
        let limits = Limits { authenticated, ..Limits::default() };
        let whole = feed([&bytes[..]], &limits);
        for split in 0..=bytes.len() {
            let (head, tail) = bytes.split_at(split);
            prop_assert_eq!(&feed([head, tail], &limits), &whole);
        }
        prop_assert_eq!(&feed(bytes.chunks(size), &limits), &whole);
    }

    #[test]
    fn requests_in_pieces(requests in prop::collection::vec(arguments(), 1..4), size in 1..20_000usize) {
        let bytes: Vec<u8> = requests.iter().flat_map(|request| encode(request)).collect();
        prop_assert_eq!(feed(bytes.chunks(size), &Limits::default()), (requests, None));
    }

    #[test]
    fn garbage_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = feed(bytes.chunks(7), &Limits::default());
    }
}

/// A client that stops in the middle of a large argument does not keep the room for the rest.
#[test]
fn a_large_argument_goes_on_after_shrinking() {
    let (mut decoder, mut batch) = (RequestDecoder::new(), Batch::new());
    let mut input = b"*2\r\n$4\r\nECHO\r\n$100000\r\nabc".to_vec();
    let limits = Limits::default();
    let progress = decoder.decode(&mut input, 0, &limits, &mut batch).unwrap();
    assert_eq!(progress.consumed, 0);
    assert!(decoder.memory_bytes() > 100_000);
    decoder.shrink();
    assert!(decoder.memory_bytes() < 1000, "{}", decoder.memory_bytes());
    let mut rest = [vec![b'x'; 99_997], b"\r\n".to_vec()].concat();
    while !rest.is_empty() {
        let target = decoder.fill_target(&mut input);
        let room = (target.capacity() - target.len()).min(rest.len());
        assert!(room > 0);
        target.extend(rest.drain(..room));
    }
    let _ = decoder.decode(&mut input, 0, &limits, &mut batch).unwrap();
    assert_eq!(batch.argument(0, 1, &input).map(<[u8]>::len), Some(100_000));
}
