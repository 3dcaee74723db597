//! Replies, written once for both protocol versions.

use bytes::Bytes;
use dunlin_stdx::number::format_f64;

use crate::output::{Output, Place};

/// A shared value of at least this length is sent from where it lies; below, copying is cheaper
/// than another slice in the `writev`.
pub const SHARED_BULK_BYTES_MIN: usize = 64 * 1024;

/// The protocol version a client chose with HELLO.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Protocol {
    /// Strings, integers, arrays, errors.
    #[default]
    Resp2,
    /// Also maps, sets, doubles, booleans, verbatim strings, pushes.
    Resp3,
}

/// Writes replies to the [`Output`] of one client.
///
/// Aggregates are written as a header with the count, then that many elements (twice as many for
/// maps). Where the count is known only afterwards: [`Self::deferred`], then `set_array` and its
/// siblings.
#[derive(Debug, Default)]
pub struct Reply {
    /// What is to be sent.
    pub output: Output,
    /// Which version to write.
    pub protocol: Protocol,
}

/// A place in a reply, for a header that is not known yet or for taking back what follows.
///
/// Marks nest: the last one set is filled in first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[must_use]
pub struct Mark(Place);

/// A header or an integer takes at most: kind, 20 digits, line end.
const HEADER_BYTES_MAX: usize = 23;

impl Reply {
    /// An empty reply.
    #[must_use]
    pub const fn new(protocol: Protocol) -> Self {
        Self { output: Output::new(), protocol }
    }

    /// Bytes written and not yet sent.
    #[must_use]
    pub const fn len_bytes(&self) -> usize {
        self.output.len()
    }

    /// `+OK`
    #[inline]
    pub fn ok(&mut self) {
        self.output.extend(b"+OK\r\n");
    }

    /// A status such as `+PONG`; `text` has no line end.
    #[inline]
    pub fn simple(&mut self, text: &str) {
        debug_assert!(!text.contains(['\r', '\n']));
        self.line(b'+', text.as_bytes());
    }

    /// An error with its code first (`ERR syntax error`). Line ends at the end are dropped,
    /// others become spaces, because clients' bytes may be quoted in the text.
    pub fn error(&mut self, text: impl AsRef<[u8]>) {
        let mut text = text.as_ref();
        while let [rest @ .., b'\r' | b'\n'] = text {
            text = rest;
        }
        let tail = self.output.room(text.len() + 3);
        tail.push(b'-');
        tail.extend(text.iter().map(|byte| match byte {
            b'\r' | b'\n' => b' ',
            other => *other,
        }));
        tail.extend_from_slice(b"\r\n");
    }

    /// `:value`
    #[inline]
    pub fn integer(&mut self, value: i64) {
        let tail = self.output.room(HEADER_BYTES_MAX);
        if let 0..=9 = value {
            tail.extend_from_slice(&[b':', b'0' + value as u8, b'\r', b'\n']);
        } else {
            tail.push(b':');
            tail.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
            tail.extend_from_slice(b"\r\n");
        }
    }

    /// A string of any bytes.
    #[inline]
    pub fn bulk(&mut self, bytes: &[u8]) {
        let tail = self.output.room(bytes.len() + HEADER_BYTES_MAX + 2);
        write_header(tail, b'$', bytes.len());
        tail.extend_from_slice(bytes);
        tail.extend_from_slice(b"\r\n");
    }

    /// A string that is sent without copying if it is [`SHARED_BULK_BYTES_MIN`] or longer.
    pub fn bulk_shared(&mut self, bytes: &Bytes) {
        if bytes.len() < SHARED_BULK_BYTES_MIN {
            self.bulk(bytes);
            return;
        }
        write_header(self.output.room(HEADER_BYTES_MAX), b'$', bytes.len());
        self.output.push_shared(bytes.clone());
        self.output.extend(b"\r\n");
    }

    /// An integer as a string: `$2`, `42`.
    #[inline]
    pub fn bulk_integer(&mut self, value: i64) {
        self.bulk(itoa::Buffer::new().format(value).as_bytes());
    }

    /// "There is no such value": `$-1`, in RESP3 `_`.
    #[inline]
    pub fn null(&mut self) {
        self.output.extend(match self.protocol {
            Protocol::Resp2 => b"$-1\r\n",
            Protocol::Resp3 => b"_\r\n",
        });
    }

    /// "There is no such array": `*-1`, in RESP3 `_`.
    #[inline]
    pub fn null_array(&mut self) {
        self.output.extend(match self.protocol {
            Protocol::Resp2 => b"*-1\r\n",
            Protocol::Resp3 => b"_\r\n",
        });
    }

    /// The header of an array.
    #[inline]
    pub fn array(&mut self, count: usize) {
        self.header(b'*', count);
    }

    /// The header of a map of `pairs` keys with values; in RESP2 an array of twice as many.
    #[inline]
    pub fn map(&mut self, pairs: usize) {
        let (kind, count) = self.map_header(pairs);
        self.header(kind, count);
    }

    /// The header of a set; in RESP2 an array.
    #[inline]
    pub fn set(&mut self, count: usize) {
        let kind = self.kind(b'~');
        self.header(kind, count);
    }

    /// The header of an out-of-band message; in RESP2 an array.
    #[inline]
    pub fn push(&mut self, count: usize) {
        let kind = self.kind(b'>');
        self.header(kind, count);
    }

    /// The header of attributes that precede a reply. RESP3 alone has them.
    ///
    /// # Panics
    /// In debug builds, for a RESP2 client.
    pub fn attribute(&mut self, pairs: usize) {
        debug_assert_eq!(self.protocol, Protocol::Resp3, "RESP2 has no attributes");
        self.header(b'|', pairs);
    }

    /// A double: `,3.5`, in RESP2 a string.
    pub fn double(&mut self, value: f64) {
        self.double_text(&format_f64(value));
    }

    /// A number that is already text, such as a long double: `,text`, in RESP2 a string.
    pub fn double_text(&mut self, text: &[u8]) {
        match self.protocol {
            Protocol::Resp2 => self.bulk(text),
            Protocol::Resp3 => self.line(b',', text),
        }
    }

    /// `#t` or `#f`, in RESP2 `:1` or `:0`.
    pub fn boolean(&mut self, value: bool) {
        self.output.extend(match (self.protocol, value) {
            (Protocol::Resp2, true) => b":1\r\n",
            (Protocol::Resp2, false) => b":0\r\n",
            (Protocol::Resp3, true) => b"#t\r\n",
            (Protocol::Resp3, false) => b"#f\r\n",
        });
    }

    /// Text with its format (`txt`, `mkd`); in RESP2 a string without it.
    pub fn verbatim(&mut self, format: [u8; 3], text: &[u8]) {
        if self.protocol == Protocol::Resp2 {
            self.bulk(text);
            return;
        }
        let tail = self.output.room(text.len() + HEADER_BYTES_MAX + 6);
        write_header(tail, b'=', text.len() + 4);
        tail.extend_from_slice(&format);
        tail.push(b':');
        tail.extend_from_slice(text);
        tail.extend_from_slice(b"\r\n");
    }

    /// An integer of any size, as digits: `(123`, in RESP2 a string.
    pub fn big_number(&mut self, digits: &[u8]) {
        match self.protocol {
            Protocol::Resp2 => self.bulk(digits),
            Protocol::Resp3 => self.line(b'(', digits),
        }
    }

    /// Bytes that are already in the protocol, such as another reply.
    #[inline]
    pub fn raw(&mut self, bytes: &[u8]) {
        self.output.extend(bytes);
    }

    /// Marks the place where the header of an aggregate will go once its count is known.
    pub fn deferred(&mut self) -> Mark {
        self.mark()
    }

    /// [`Self::deferred`], to be filled in by [`Self::set_array`].
    pub fn deferred_array(&mut self) -> Mark {
        self.mark()
    }

    /// [`Self::deferred`], to be filled in by [`Self::set_map`].
    pub fn deferred_map(&mut self) -> Mark {
        self.mark()
    }

    /// [`Self::deferred`], to be filled in by [`Self::set_set`].
    pub fn deferred_set(&mut self) -> Mark {
        self.mark()
    }

    /// Puts the header of an array before what was written since the mark.
    pub fn set_array(&mut self, mark: Mark, count: usize) {
        self.insert_header(mark, b'*', count);
    }

    /// Puts the header of a map before what was written since the mark.
    pub fn set_map(&mut self, mark: Mark, pairs: usize) {
        let (kind, count) = self.map_header(pairs);
        self.insert_header(mark, kind, count);
    }

    /// Puts the header of a set before what was written since the mark.
    pub fn set_set(&mut self, mark: Mark, count: usize) {
        let kind = self.kind(b'~');
        self.insert_header(mark, kind, count);
    }

    /// Puts a number, as a bulk string, before what was written since the mark.
    pub fn set_bulk_integer(&mut self, mark: Mark, value: i64) {
        self.set_bulk(mark, itoa::Buffer::new().format(value).as_bytes());
    }

    /// Puts a short string before what was written since the mark.
    pub fn set_bulk(&mut self, mark: Mark, bytes: &[u8]) {
        let mut bulk = Vec::with_capacity(HEADER_BYTES_MAX + bytes.len() + 2);
        write_header(&mut bulk, b'$', bytes.len());
        bulk.extend_from_slice(bytes);
        bulk.extend_from_slice(b"\r\n");
        self.output.insert(mark.0, &bulk);
    }

    /// The end of what has been written.
    pub fn mark(&self) -> Mark {
        Mark(self.output.place())
    }

    /// Bytes written since the mark.
    #[must_use]
    pub fn len_since(&self, mark: Mark) -> usize {
        self.output.len_since(mark.0)
    }

    /// Takes back everything written since the mark.
    pub fn truncate_to(&mut self, mark: Mark) {
        self.output.truncate(mark.0);
    }

    #[inline]
    fn header(&mut self, kind: u8, count: usize) {
        write_header(self.output.room(HEADER_BYTES_MAX), kind, count);
    }

    fn insert_header(&mut self, mark: Mark, kind: u8, count: usize) {
        let mut header = Vec::with_capacity(HEADER_BYTES_MAX);
        write_header(&mut header, kind, count);
        self.output.insert(mark.0, &header);
    }

    #[inline]
    fn line(&mut self, kind: u8, text: &[u8]) {
        let tail = self.output.room(text.len() + 3);
        tail.push(kind);
        tail.extend_from_slice(text);
        tail.extend_from_slice(b"\r\n");
    }

    /// The kind of an aggregate that RESP2 knows as an array only.
    #[inline]
    const fn kind(&self, resp3: u8) -> u8 {
        match self.protocol {
            Protocol::Resp2 => b'*',
            Protocol::Resp3 => resp3,
        }
    }

    #[inline]
    const fn map_header(&self, pairs: usize) -> (u8, usize) {
        match self.protocol {
            Protocol::Resp2 => (b'*', 2 * pairs),
            Protocol::Resp3 => (b'%', pairs),
        }
    }
}

#[inline(always)]
fn write_header(out: &mut Vec<u8>, kind: u8, count: usize) {
    if count < 10 {
        out.extend_from_slice(&[kind, b'0' + count as u8, b'\r', b'\n']);
    } else if count < 100 {
        let digits = [b'0' + (count / 10) as u8, b'0' + (count % 10) as u8];
        out.extend_from_slice(&[kind, digits[0], digits[1], b'\r', b'\n']);
    } else {
        out.push(kind);
        out.extend_from_slice(itoa::Buffer::new().format(count).as_bytes());
        out.extend_from_slice(b"\r\n");
    }
}
