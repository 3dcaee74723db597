//! What must hold for any bytes. libFuzzer (`cargo +nightly fuzz run NAME --features libfuzzer`)
//! and the plain tests in `tests/` call the same functions.

#![forbid(unsafe_code)]

mod cluster;

pub use cluster::{cluster_bus, nodes_conf};

use std::io::{self, Read};

use dunlin_aof::{Annotation, Commands, Item, LogError, LogReader, Manifest};
use dunlin_config::{Config, MemoryFiles, Mode, RewriteState, Source, Text, load};
use dunlin_rdb::{LoadLimits, Reader, Version, dump, restore_value};
use dunlin_resp::{Arguments, Batch, Limits, RequestDecoder};
use dunlin_values::Entry;

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

/// A manifest that is read can be written, and what is written is read to the same.
///
/// # Panics
/// When it does not.
pub fn manifest(data: &[u8]) {
    let Ok(manifest) = Manifest::parse(data) else { return };
    if manifest.is_empty() && manifest.history().is_empty() {
        return;
    }
    let written = manifest.format();
    // A name that was given without quotes may need them, and then be too long for a line.
    if written.split(|byte| *byte == b'\n').any(|line| line.len() >= dunlin_aof::LINE_BYTES_MAX) {
        return;
    }
    let again = Manifest::parse(&written).expect("a written manifest is read");
    assert_eq!(again.format(), written);
}

/// What was read of a log: the bytes of whole commands, annotations, how far it is good, the end.
type Log = (Vec<u8>, Vec<Annotation>, u64, Result<(), LogError>);

fn read_log(bytes: &[u8], cut: usize) -> Log {
    let mut reader = LogReader::at(0);
    let (mut commands, mut annotations) = (Vec::new(), Vec::new());
    let (mut at, mut arrived) = (0, cut);
    let end = loop {
        match reader.next(&bytes[at..arrived]) {
            Ok(Item::Commands { len_bytes, count }) => {
                let run = &bytes[at..at + len_bytes];
                assert_eq!(Commands::new(run).count() as u64, count);
                commands.extend_from_slice(run);
                at += len_bytes;
            }
            Ok(Item::Annotation { len_bytes, annotation }) => {
                annotations.push(annotation);
                at += len_bytes;
            }
            Ok(Item::Incomplete) if arrived < bytes.len() => arrived = bytes.len(),
            Ok(Item::Incomplete) => break reader.finish(&bytes[at..]),
            Err(error) => break Err(error),
        }
    };
    (commands, annotations, reader.ok_up_to(), end)
}

/// A log in two pieces is read as the whole is, and what is said to be good of it is good.
///
/// # Panics
/// When it is not.
pub fn command_log(data: &[u8]) {
    let Some((&cut, bytes)) = data.split_first() else { return };
    let cut = usize::from(cut) % (bytes.len() + 1);
    let whole = read_log(bytes, bytes.len());
    assert_eq!(read_log(bytes, cut), whole, "cut at {cut}");
    let good = usize::try_from(whole.2).expect("a place in memory");
    let (_, _, ok_up_to, end) = read_log(&bytes[..good], good);
    assert_eq!((ok_up_to, end), (whole.2, Ok(())));
}

/// A snapshot is read to its end or refused, and each of its keys can be written and read again.
///
/// # Panics
/// When one cannot.
pub fn snapshot(data: &[u8]) {
    let Ok(mut reader) = Reader::open(data, load_limits()) else { return };
    reader.skip_modules();
    loop {
        match reader.next_item() {
            Ok(dunlin_rdb::Item::Key { entry, .. }) => written_and_read(&entry),
            Ok(dunlin_rdb::Item::End(_)) => return,
            Ok(_) => {}
            Err(error) => {
                assert!(error.offset <= data.len() as u64, "{error}");
                return;
            }
        }
    }
}

/// A snapshot that arrives in pieces is read as one that is there; its last byte says how large the
/// pieces are.
///
/// # Panics
/// When it is not.
pub fn arriving_snapshot(data: &[u8]) {
    let Some(&size) = data.last() else { return };
    let (bytes, size) = (data, usize::from(size) + 1);
    let mut whole = Vec::new();
    match Reader::open(bytes, load_limits()) {
        Ok(mut reader) => while read_item(&mut reader, &mut whole) == Some(true) {},
        Err(error) => whole.push(error.to_string()),
    }
    let mut pieces = Vec::new();
    let file = Pieces { bytes, size, left: 0, is_whole: false };
    let mut reader = Reader::patient(file, load_limits());
    while read_item(&mut reader, &mut pieces) != Some(false) {}
    assert_eq!(pieces, whole, "in pieces of {size}");
}

/// Reads an item and notes what it was; whether more follow, `None` if it has not arrived.
fn read_item<R: Read>(reader: &mut Reader<R>, found: &mut Vec<String>) -> Option<bool> {
    let (text, is_last) = match reader.next_item() {
        Ok(dunlin_rdb::Item::Key { entry, .. }) => {
            (format!("{:?} {:?}", entry.key(), entry.value_type()), false)
        }
        Ok(item) => (format!("{item:?}"), matches!(item, dunlin_rdb::Item::End(_))),
        Err(error) if error.is_waiting() => return None,
        Err(error) => {
            found.push(error.to_string());
            return Some(false);
        }
    };
    found.push(format!("{text} up to {}", reader.offset()));
    Some(!is_last)
}

/// Gives a piece, then says that the next one has not arrived.
struct Pieces<'a> {
    bytes: &'a [u8],
    size: usize,
    left: usize,
    is_whole: bool,
}

impl Read for Pieces<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 && !self.is_whole {
            self.left = self.size.min(self.bytes.len());
            self.is_whole = self.left == 0;
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let len = buffer.len().min(self.left);
        self.left -= len;
        self.bytes.read(&mut buffer[..len])
    }
}

/// The value of a DUMP payload, without version and checksum, is refused or can be written and read
/// again.
///
/// # Panics
/// When it cannot.
pub fn payload(data: &[u8]) {
    if let Ok(entry) = restore_value(data, b"key", None, load_limits()) {
        written_and_read(&entry);
    }
}

/// Small limits, so that short inputs reach every form.
fn load_limits() -> LoadLimits {
    let mut limits = LoadLimits::default();
    limits.list.max_listpack_size = 4;
    limits.list.compress_depth = 1;
    limits.set.intset_len = 4;
    limits.set.listpack_len = 4;
    limits.hash.listpack_len = 4;
    limits.sorted_set.entries = 4;
    limits
}

fn written_and_read(entry: &Entry) {
    let again = read_again(entry);
    assert_eq!(again.value_type(), entry.value_type());
    // A form that has no type in files becomes another one, once. Then: in another order maybe, but
    // as long.
    let len = dump(&again, Version::V11).len();
    assert_eq!(dump(&read_again(&again), Version::V11).len(), len);
}

fn read_again(entry: &Entry) -> Entry {
    let written = dump(entry, Version::V11);
    let again = restore_value(&written, entry.key(), entry.deadline(), load_limits());
    again.unwrap_or_else(|error| panic!("what was written is refused: {error:?}"))
}
