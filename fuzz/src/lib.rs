//! What must hold for any bytes. libFuzzer (`cargo +nightly fuzz run NAME --features libfuzzer`)
//! and the plain tests in `tests/` call the same functions.

#![forbid(unsafe_code)]

use dunlin_config::{Config, MemoryFiles, Mode, RewriteState, Source, Text, load};
use dunlin_resp::{Arguments, Batch, Limits, RequestDecoder};

/// The requests in some bytes, and the error that ended them.
type Decoded = (Vec<Vec<Vec<u8>>>, Option<String>);

/// Small limits, so that short inputs reach them.
const LIMITS: Limits =
    Limits { max_bulk_len: 1 << 20, query_buffer_max: 1 << 16, authenticated: true };

/// Decodes `pieces` as they would arrive on one connection.
fn decode(pieces: &[&[u8]], limits: &Limits) -> Decoded {
    let mut decoder = RequestDecoder::new();
    let mut input = Vec::new();
    let mut consumed = 0;
    let mut requests = Vec::new();
    for piece in pieces {
        let mut rest = *piece;
        while !rest.is_empty() {
            let target = decoder.fill_target(&mut input);
            // A large argument takes no more than it needs; the input takes all.
            let large = target.capacity() - target.len();
            let len = if decoder.receives_large() { rest.len().min(large) } else { rest.len() };
            decoder.fill_target(&mut input).extend_from_slice(&rest[..len]);
            rest = &rest[len..];
            loop {
                let mut batch = Batch::new();
                let progress = decoder.decode(&mut input, consumed, limits, &mut batch);
                for index in 0..batch.len() {
                    let mut arguments = Arguments::new();
                    batch.arguments(index, &input, &mut arguments);
                    requests.push(arguments.iter().map(|argument| argument.to_vec()).collect());
                }
                match progress {
                    Ok(progress) => {
                        decoder.compact(&mut input, progress.consumed);
                        consumed = 0;
                        if !progress.more {
                            break;
                        }
                    }
                    Err(error) => return (requests, Some(format!("{error:?}"))),
                }
            }
        }
    }
    (requests, None)
}

/// Decoding in two pieces gives what decoding at once gives, wherever the cut is.
///
/// # Panics
/// When it does not.
pub fn requests(data: &[u8]) {
    let Some((&cut, bytes)) = data.split_first() else { return };
    let cut = usize::from(cut) % (bytes.len() + 1);
    for authenticated in [true, false] {
        let limits = Limits { authenticated, ..LIMITS };
        let whole = decode(&[bytes], &limits);
        let (first, second) = bytes.split_at(cut);
        assert_eq!(decode(&[first, second], &limits), whole, "cut at {cut}");
    }
}

/// A file that loads can be rewritten, and the rewritten file loads to the same values.
///
/// # Panics
/// When it does not.
pub fn config_file(data: &[u8]) {
    let load_bytes = |bytes: &[u8]| {
        let files = MemoryFiles([(b"redis.conf".to_vec(), bytes.to_vec())].into());
        load(&[Source::File(Text::from(b"redis.conf".as_slice()))], Mode::Server, &files)
    };
    let Ok(loaded) = load_bytes(data) else { return };
    let written = loaded.config.rewrite(data, &RewriteState::default());
    let again = load_bytes(&written).unwrap_or_else(|error| {
        panic!("a rewritten file does not load: {error:?}\n{}", String::from_utf8_lossy(&written))
    });
    assert_eq!(shown(&again.config), shown(&loaded.config));
}

/// Every value as CONFIG GET shows it.
fn shown(config: &Config) -> String {
    format!("{config:?}")
}
