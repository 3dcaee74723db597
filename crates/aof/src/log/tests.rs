//! Tests of the scanner.

use dunlin_resp::{Batch, Limits, RequestDecoder};
use proptest::prelude::*;

use super::*;

fn command(words: &[&str]) -> Vec<u8> {
    let mut out = format!("*{}\r\n", words.len()).into_bytes();
    for word in words {
        out.extend_from_slice(format!("${}\r\n{word}\r\n", word.len()).as_bytes());
    }
    out
}

/// What a reader makes of a file.
#[derive(Debug, PartialEq, Eq)]
struct Read {
    /// Bytes of whole commands.
    commands: Vec<u8>,
    count: u64,
    annotations: Vec<Annotation>,
    ok_up_to: u64,
    lines: u64,
    end: Result<(), LogError>,
}

/// Reads `bytes` as they arrive in pieces of these lengths, over and over.
fn read(bytes: &[u8], pieces: &[usize]) -> Read {
    let mut reader = LogReader::at(0);
    let (mut commands, mut annotations, mut count) = (Vec::new(), Vec::new(), 0);
    let (mut start, mut arrived) = (0, 0);
    let mut lengths = pieces.iter().copied().cycle();
    let end = loop {
        match reader.next(&bytes[start..arrived]) {
            Ok(Item::Commands { len_bytes, count: more }) => {
                commands.extend_from_slice(&bytes[start..start + len_bytes]);
                count += more;
                start += len_bytes;
            }
            Ok(Item::Annotation { len_bytes, annotation }) => {
                annotations.push(annotation);
                start += len_bytes;
            }
            Ok(Item::Incomplete) if arrived < bytes.len() => {
                arrived = bytes.len().min(arrived + lengths.next().unwrap_or(1).max(1));
            }
            Ok(Item::Incomplete) => break reader.finish(&bytes[start..]),
            Err(error) => break Err(error),
        }
        assert_eq!(reader.position(), start as u64);
    };
    assert_eq!(reader.commands(), count);
    let (ok_up_to, lines) = (reader.ok_up_to(), reader.lines());
    Read { commands, count, annotations, ok_up_to, lines, end }
}

fn read_whole(bytes: &[u8]) -> Read {
    read(bytes, &[bytes.len()])
}

#[test]
fn runs_end_at_annotations() {
    let set = command(&["SET", "k", "v"]);
    let bytes = [&set[..], &set, b"#TS:7\r\n", &set, b"# so it is\n"].concat();
    let mut reader = LogReader::at(0);
    let mut at = 0;
    let two = Item::Commands { len_bytes: 2 * set.len(), count: 2 };
    assert_eq!(reader.next(&bytes), Ok(two));
    at += 2 * set.len();
    let time = Item::Annotation { len_bytes: 7, annotation: Annotation::Timestamp(7) };
    assert_eq!(reader.next(&bytes[at..]), Ok(time));
    at += 7;
    let one = Item::Commands { len_bytes: set.len(), count: 1 };
    assert_eq!(reader.next(&bytes[at..]), Ok(one));
    at += set.len();
    let other = Item::Annotation { len_bytes: 11, annotation: Annotation::Other };
    assert_eq!(reader.next(&bytes[at..]), Ok(other));
    assert_eq!(reader.next(&[]), Ok(Item::Incomplete));
    assert_eq!((reader.finish(&[]), reader.ok_up_to()), (Ok(()), bytes.len() as u64));
}

/// What the reader says of a file that begins with a PING and goes on with `tail`.
fn check(tail: &str, offset: u64, text: &str) {
    let ping = command(&["PING"]);
    let bytes = [&ping[..], tail.as_bytes()].concat();
    let read = read_whole(&bytes);
    let error = read.end.expect_err(tail);
    assert_eq!((error.offset, error.fault.to_string().as_str()), (offset, text), "{tail:?}");
    assert!(read.commands.starts_with(&ping), "{tail:?}");
    assert_eq!(read.ok_up_to, 14, "{tail:?}");
}

#[test]
fn faults_and_their_places() {
    check("xx", 14, "Neither a command nor an annotation");
    check("*2\r\n*1", 18, "Expected prefix '$', got: '*'");
    check("*2\r\n$3abc\r\n", 18, "Expected \\r\\n, got: 6162");
    check("*2\n$3", 14, "Expected \\r\\n, got: 0a00");
    check("*1\r\n$1\r\nabc", 22, "Expected \\r\\n, got: 6263");
    check("*0\r\n", 14, "Expected a command of at least 1 word, got 0");
    check("*-1\r\n", 14, "Expected a command of at least 1 word, got -1");
    let range = "Expected to read string of -1 bytes, which is not in the suitable range";
    check("*1\r\n$-1\r\n", 18, range);
    check("*1\r\n$4\r\nEXEC\r\n", 22, "Unexpected EXEC");
    let long = format!("#{}", "x".repeat(ANNOTATION_BYTES_MAX));
    check(&long, 14, "Expected an annotation of at most 1023 bytes");
}

#[test]
fn ends_and_their_places() {
    check("*3\r\n$3\r\nSET\r\n$1\r\na\r\n$5\r\nab", 38, "Expected to read 7 bytes, got 2 bytes");
    check("*3", 14, "Expected \\r\\n, got: 0000");
    check("*3\r", 14, "Expected \\r\\n, got: 0d00");
    check("*3\r\n", 18, "Reached EOF between the words of a command");
    check("#TS:12", 14, "Reached EOF within an annotation");
    let multi = String::from_utf8(command(&["multi"])).expect("text");
    check(&multi, 29, "Reached EOF before reading EXEC for MULTI");
    // As redis-check-aof does, the end of the word is named first.
    check(&format!("{multi}*1\r\n$3\r\nSE"), 37, "Expected to read 5 bytes, got 2 bytes");
}

#[test]
fn a_high_byte_is_printed_as_by_c() {
    let bytes = [&command(&["PING"])[..], b"*1\r\n$1\r\na\xff\xfe"].concat();
    let error = read_whole(&bytes).end.expect_err("no line end");
    assert_eq!(error.fault.to_string(), "Expected \\r\\n, got: fffffffffffffffe");
}

#[test]
fn a_transaction_is_good_as_a_whole() {
    let (multi, set, exec) = (command(&["MULTI"]), command(&["SET", "k", "v"]), command(&["exec"]));
    let bytes = [&set[..], &multi, b"#TS:5\r\n", &set, &exec, &set].concat();
    let (before, behind) = (set.len(), bytes.len() - set.len());
    for cut in 0..=bytes.len() {
        let read = read_whole(&bytes[..cut]);
        let good = match cut {
            _ if cut < before => 0,
            _ if cut < behind => before,
            _ if cut < bytes.len() => behind,
            _ => cut,
        };
        assert_eq!(read.ok_up_to, good as u64, "cut at {cut}");
        assert_eq!(read.end.is_ok(), cut == good, "cut at {cut}");
        let is_truncation = read.end.err().is_none_or(|error| error.fault.is_truncation());
        assert!(is_truncation, "cut at {cut}");
    }
    let nested = [&multi[..], &set, &multi].concat();
    let error = read_whole(&nested).end.expect_err("nested");
    assert_eq!(error.fault, LogFault::UnexpectedMulti);
}

#[test]
fn a_reader_begins_behind_a_preamble() {
    let mut reader = LogReader::at(100);
    assert_eq!(reader.next(b"x").expect_err("no command").offset, 100);
    let mut reader = LogReader::at(100);
    let ping = command(&["PING"]);
    assert!(reader.next(&ping).is_ok());
    assert_eq!((reader.position(), reader.ok_up_to()), (114, 114));
}

#[test]
fn needed_bytes_are_those_of_the_word() {
    let mut reader = LogReader::at(0);
    assert_eq!(reader.next(b"*1\r\n$1000\r\nabc"), Ok(Item::Incomplete));
    assert_eq!(reader.needed_bytes(), 999);
}

fn any_log() -> impl Strategy<Value = Vec<u8>> {
    let word = prop_oneof![
        Just("MULTI".to_owned()),
        Just("EXEC".to_owned()),
        Just("SET".to_owned()),
        "[a-z\\r\\n*$#]{0,120}",
    ];
    let one = prop_oneof![
        8 => prop::collection::vec(word, 1..12).prop_map(|words| {
            command(&words.iter().map(String::as_str).collect::<Vec<_>>())
        }),
        1 => (0..3000i64).prop_map(|time| format!("#TS:{time}\r\n").into_bytes()),
    ];
    prop::collection::vec(one, 0..12).prop_map(|items| items.concat())
}

fn any_bytes() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(prop::sample::select(&b"*$#012-\r\n\r\nEXECmulti\xff"[..]), 0..60)
}

proptest! {
    #[test]
    fn pieces_read_as_the_whole(
        bytes in prop_oneof![any_log(), any_bytes(), (any_log(), any_bytes()).prop_map(|(log, more)| [log, more].concat())],
        pieces in prop::collection::vec(1..40usize, 1..6),
    ) {
        prop_assert_eq!(read(&bytes, &pieces), read_whole(&bytes));
    }

    #[test]
    fn every_cut_keeps_what_was_whole(log in any_log()) {
        let whole = read_whole(&log);
        let end = whole.ok_up_to as usize;
        for cut in 0..=end {
            let read = read_whole(&log[..cut]);
            prop_assert!(read.ok_up_to <= cut as u64);
            // What is kept is good in itself, and as much as can be.
            let kept = read_whole(&log[..read.ok_up_to as usize]);
            prop_assert_eq!((kept.end, kept.ok_up_to), (Ok(()), read.ok_up_to));
            prop_assert_eq!(&whole.commands[..kept.commands.len()], &kept.commands[..]);
        }
    }

    #[test]
    fn the_decoder_of_requests_agrees(log in any_log()) {
        let read = read_whole(&log);
        let mut input = read.commands;
        let (mut decoder, mut requests, mut consumed) = (RequestDecoder::new(), 0, 0);
        loop {
            let mut batch = Batch::new();
            let progress = decoder.decode(&mut input, consumed, &Limits::default(), &mut batch);
            let progress = progress.expect("requests");
            requests += batch.len() as u64;
            consumed = progress.consumed;
            if !progress.more {
                break;
            }
        }
        prop_assert_eq!((requests, consumed), (read.count, input.len()));
    }
}
