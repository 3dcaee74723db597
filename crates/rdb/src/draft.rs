//! Records as the command thread writes them, to be compressed on another one.

use bytes::Bytes;
use dunlin_stdx::lzf::Compressor;
use dunlin_stdx::time::UnixMs;
use dunlin_values::listpack::Element;
use dunlin_values::{AccessHint, IntText};

use crate::format::{MAGIC, Version, length, opcode};
use crate::source::length_at;

/// Shortest string that is tried to be compressed, as in Redis.
const COMPRESSED_MIN: usize = 21;

/// Shortest large string that is shared and not copied: a copy of 8 KB costs about what the hand
/// over of a reference between threads does.
const SHARED_MIN: usize = 8 << 10;

/// Longest text of a 32-bit integer: sign and ten digits.
const INT_TEXT_MAX: usize = 11;

/// How records are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WriteOptions {
    /// The version whose types are used. Hashes whose fields have deadlines are written as those of
    /// [`Version::V12`] all the same: see [`Draft::wrote_field_deadlines`].
    pub version: Version,
    /// Whether the deadlines of fields are left out of hashes: for readers that know none.
    pub plain_hashes: bool,
}

/// Records of a file as the command thread writes them: every string as it is, and noted if it may
/// be compressed. Whoever has time for that calls [`Draft::finish`].
///
/// Writing costs a copy of the bytes; large strings are shared instead.
#[derive(Debug, Default)]
pub struct Draft {
    pub(crate) bytes: Vec<u8>,
    /// Where the lengths of strings stand that compression may shorten, in order.
    strings: Vec<usize>,
    /// Strings that were not copied, with the places in `bytes` where they belong.
    shared: Vec<(usize, Bytes)>,
    shared_bytes: usize,
    wrote_field_deadlines: bool,
}

impl Draft {
    /// An empty draft.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Forgets everything and keeps the memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.strings.clear();
        self.shared.clear();
        self.shared_bytes = 0;
        self.wrote_field_deadlines = false;
    }

    /// Length of the records without compression, in bytes.
    #[must_use]
    pub const fn len_bytes(&self) -> usize {
        self.bytes.len() + self.shared_bytes
    }

    /// Whether there is no record.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Whether a hash was written whose fields have deadlines: only a reader of [`Version::V12`]
    /// understands it.
    #[must_use]
    pub const fn wrote_field_deadlines(&self) -> bool {
        self.wrote_field_deadlines
    }

    pub(crate) const fn note_field_deadlines(&mut self) {
        self.wrote_field_deadlines = true;
    }

    /// The beginning of a file.
    pub fn magic(&mut self, version: Version) {
        self.bytes.extend_from_slice(MAGIC);
        self.bytes.extend_from_slice(format!("{:04}", version.number()).as_bytes());
    }

    /// Something about the file: a name and a value, each a string or a number.
    pub fn aux(&mut self, key: &[u8], value: &[u8]) {
        self.bytes.push(opcode::AUX);
        self.text(key);
        self.text(value);
    }

    /// The source of a library of functions.
    pub fn function(&mut self, source: &[u8]) {
        self.bytes.push(opcode::FUNCTION);
        self.text(source);
    }

    /// The keys that follow are those of this database.
    pub fn select_db(&mut self, number: u64) {
        self.bytes.push(opcode::SELECT_DB);
        self.length(number);
    }

    /// How many keys the database has, and how many of them expire: a hint for readers.
    pub fn resize_db(&mut self, keys: u64, with_deadline: u64) {
        self.bytes.push(opcode::RESIZE_DB);
        self.length(keys);
        self.length(with_deadline);
    }

    /// The end of a file; the checksum of everything up to here follows ([`checksum_bytes`]).
    pub fn end(&mut self) {
        self.bytes.push(opcode::END);
    }

    /// What stands in front of the type of a key.
    pub(crate) fn prefixes(&mut self, deadline: Option<UnixMs>, access: AccessHint) {
        if let Some(deadline) = deadline {
            self.bytes.push(opcode::DEADLINE_MS);
            self.bytes.extend_from_slice(&deadline.0.to_le_bytes());
        }
        match access {
            AccessHint::None => {}
            AccessHint::IdleSeconds(seconds) => {
                self.bytes.push(opcode::IDLE);
                self.length(seconds);
            }
            AccessHint::Frequency(counter) => {
                self.bytes.extend_from_slice(&[opcode::FREQUENCY, counter]);
            }
        }
    }

    /// A length or another number, in its shortest form.
    #[inline]
    pub(crate) fn length(&mut self, number: u64) {
        put_length(&mut self.bytes, number);
    }

    /// A string: as a number if it is the text of one, else as it is.
    #[inline]
    pub(crate) fn text(&mut self, text: &[u8]) {
        if text.len() <= INT_TEXT_MAX
            && let Element::Int(number) = Element::of(text)
            && let Ok(number) = i32::try_from(number)
        {
            return self.small_int(number);
        }
        self.blob(text);
    }

    /// A string that is no number.
    #[inline]
    pub(crate) fn blob(&mut self, blob: &[u8]) {
        if blob.len() >= COMPRESSED_MIN {
            self.strings.push(self.bytes.len());
        }
        self.length(blob.len() as u64);
        self.bytes.extend_from_slice(blob);
    }

    /// A string in memory of its own.
    pub(crate) fn large(&mut self, text: &Bytes) {
        if text.len() < SHARED_MIN {
            return self.text(text);
        }
        self.strings.push(self.bytes.len());
        self.length(text.len() as u64);
        self.shared.push((self.bytes.len(), text.clone()));
        self.shared_bytes += text.len();
    }

    /// A string that is compressed already; `len` is its length before that.
    pub(crate) fn compressed(&mut self, bytes: &[u8], len: usize) {
        put_compressed_header(&mut self.bytes, bytes.len(), len);
        self.bytes.extend_from_slice(bytes);
    }

    /// An element of a listpack, as a string.
    #[inline]
    pub(crate) fn element(&mut self, element: Element<'_>) {
        match element {
            Element::Int(number) => self.int(number),
            Element::Text(text) => self.text(text),
        }
    }

    /// A number, as a string.
    #[inline]
    pub(crate) fn int(&mut self, number: i64) {
        match i32::try_from(number) {
            Ok(number) => self.small_int(number),
            // The text is at most twenty bytes long: nothing to compress.
            Err(_) => self.blob(IntText::default().format(number)),
        }
    }

    #[inline]
    fn small_int(&mut self, number: i32) {
        let bytes = number.to_le_bytes();
        match number {
            -0x80..=0x7f => self.bytes.extend_from_slice(&[length::INT_8, bytes[0]]),
            -0x8000..=0x7fff => {
                self.bytes.extend_from_slice(&[length::INT_16, bytes[0], bytes[1]]);
            }
            _ => {
                self.bytes.push(length::INT_32);
                self.bytes.extend_from_slice(&bytes);
            }
        }
    }

    /// Hands the bytes of the file to `out`, piece by piece; strings that `compressor` makes shorter
    /// are compressed.
    pub fn finish(&self, compressor: Option<&mut Compressor>, out: &mut impl FnMut(&[u8])) {
        let mut written = 0;
        let mut shared = self.shared.iter().peekable();
        if let Some(compressor) = compressor {
            for &at in &self.strings {
                let (len, body_at) = length_at(&self.bytes, at);
                let apart = shared.next_if(|(place, _)| *place == body_at).map(|(_, text)| text);
                let body = match apart {
                    Some(text) => text,
                    None => &self.bytes[body_at..body_at + len],
                };
                if let Some(packed) = compressor.compress(body, compressed_max(len)) {
                    let mut header = Vec::with_capacity(COMPRESSED_HEADER_MAX);
                    put_compressed_header(&mut header, packed.len(), len);
                    out(&self.bytes[written..at]);
                    out(&header);
                    out(packed);
                    written = if apart.is_some() { body_at } else { body_at + len };
                } else if let Some(text) = apart {
                    out(&self.bytes[written..body_at]);
                    out(text);
                    written = body_at;
                }
            }
        }
        for (place, text) in shared {
            out(&self.bytes[written..*place]);
            out(text);
            written = *place;
        }
        out(&self.bytes[written..]);
    }

    /// The bytes of the file without compression.
    #[must_use]
    pub fn to_vec(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.len_bytes());
        self.finish(None, &mut |piece| bytes.extend_from_slice(piece));
        bytes
    }
}

/// What follows [`Draft::end`]: the checksum of everything up to there, none if nobody computed it.
#[must_use]
pub const fn checksum_bytes(checksum: Option<u64>) -> [u8; 8] {
    match checksum {
        Some(checksum) => checksum.to_le_bytes(),
        None => [0; 8],
    }
}

/// Longest compressed form that is worth it: reading it costs more than reading the string.
const fn compressed_max(len: usize) -> usize {
    len - 4 - len / 32
}

/// Most bytes in front of a compressed string.
const COMPRESSED_HEADER_MAX: usize = 1 + 2 * 9;

fn put_compressed_header(bytes: &mut Vec<u8>, compressed_len: usize, len: usize) {
    bytes.push(length::LZF);
    put_length(bytes, compressed_len as u64);
    put_length(bytes, len as u64);
}

#[inline]
fn put_length(bytes: &mut Vec<u8>, number: u64) {
    match number {
        0..=0x3f => bytes.push(number as u8),
        0x40..=0x3fff => bytes.extend_from_slice(&[0x40 | (number >> 8) as u8, number as u8]),
        0x4000..=0xffff_ffff => {
            bytes.push(length::LONG);
            bytes.extend_from_slice(&(number as u32).to_be_bytes());
        }
        _ => {
            bytes.push(length::LONGEST);
            bytes.extend_from_slice(&number.to_be_bytes());
        }
    }
}
