//! One element: how it is written, and what it is when read.

use smallvec::SmallVec;

use crate::entry::IntText;

/// Encoded elements on their way into a listpack; short ones need no allocation.
pub(super) type Encoded = SmallVec<[u8; 128]>;

/// Where encoded elements go.
pub(super) trait Sink {
    /// Adds bytes.
    fn put(&mut self, bytes: &[u8]);
}

impl Sink for Encoded {
    #[inline]
    fn put(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }
}

impl Sink for Vec<u8> {
    #[inline]
    fn put(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }
}

/// What an element holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Element<'a> {
    /// A string that is the canonical decimal form of this integer.
    Int(i64),
    /// Any other string.
    Text(&'a [u8]),
}

impl<'a> Element<'a> {
    /// The string in its tightest form.
    #[must_use]
    #[inline]
    pub fn of(text: &'a [u8]) -> Self {
        /// Sign and digits of the longest `i64`.
        const INT_TEXT_MAX: usize = 20;
        let may_be_int = text.len() <= INT_TEXT_MAX
            && matches!(text.first(), Some(b'0'..=b'9' | b'-'))
            && text.last().is_some_and(u8::is_ascii_digit);
        if may_be_int && let Some(number) = dunlin_stdx::number::parse_i64(text) {
            return Self::Int(number);
        }
        Self::Text(text)
    }

    /// The string; an integer is written into `digits`.
    #[must_use]
    #[inline]
    pub fn as_bytes<'b>(self, digits: &'b mut IntText) -> &'b [u8]
    where
        'a: 'b,
    {
        match self {
            Self::Int(number) => digits.format(number),
            Self::Text(text) => text,
        }
    }

    /// Length of the string in bytes.
    #[must_use]
    pub fn text_len(self) -> usize {
        self.as_bytes(&mut IntText::default()).len()
    }

    /// The string as a vector of its own.
    #[must_use]
    pub fn to_vec(self) -> Vec<u8> {
        self.as_bytes(&mut IntText::default()).to_vec()
    }

    /// Length of encoding and data, without what is behind them for walking backwards.
    #[inline]
    pub(super) const fn body_len(self) -> usize {
        match self {
            Self::Int(0..=127) => 1,
            Self::Int(-4096..=4095) => 2,
            Self::Int(-0x8000..=0x7fff) => 3,
            Self::Int(-0x80_0000..=0x7f_ffff) => 4,
            Self::Int(-0x8000_0000..=0x7fff_ffff) => 5,
            Self::Int(_) => 9,
            Self::Text(text) => match text.len() {
                0..=63 => 1 + text.len(),
                64..=4095 => 2 + text.len(),
                _ => 5 + text.len(),
            },
        }
    }

    /// Writes the element behind `out`.
    #[inline]
    pub(super) fn encode(self, out: &mut impl Sink) {
        match self {
            Self::Int(number) => encode_int(number, out),
            Self::Text(text) => {
                match text.len() {
                    len @ 0..=63 => out.put(&[0x80 | len as u8]),
                    len @ 64..=4095 => out.put(&[0xe0 | (len >> 8) as u8, len as u8]),
                    len => {
                        out.put(&[0xf0]);
                        out.put(&(len as u32).to_le_bytes());
                    }
                }
                out.put(text);
            }
        }
        let (bytes, len) = back_len(self.body_len());
        out.put(&bytes[..len]);
    }
}

#[inline]
fn encode_int(number: i64, out: &mut impl Sink) {
    let bytes = number.to_le_bytes();
    match number {
        0..=127 => out.put(&[bytes[0]]),
        -4096..=4095 => out.put(&[0xc0 | (bytes[1] & 0x1f), bytes[0]]),
        -0x8000..=0x7fff => out.put(&[0xf1, bytes[0], bytes[1]]),
        -0x80_0000..=0x7f_ffff => out.put(&[0xf2, bytes[0], bytes[1], bytes[2]]),
        -0x8000_0000..=0x7fff_ffff => {
            out.put(&[0xf3, bytes[0], bytes[1], bytes[2], bytes[3]]);
        }
        _ => {
            out.put(&[0xf4]);
            out.put(&bytes);
        }
    }
}

/// Bytes that an element takes in a listpack.
#[must_use]
#[inline]
pub const fn encoded_len(element: Element<'_>) -> usize {
    let body = element.body_len();
    body + back_len_len(body)
}

/// Bytes of the length behind an element whose body takes `body` bytes. Redis takes a byte more than
/// needed at 16383, 2097151 and 268435455, and a reader that checks expects it.
#[inline]
pub(super) const fn back_len_len(body: usize) -> usize {
    match body {
        0..=0x7f => 1,
        0x80..=0x3ffe => 2,
        0x3fff..=0x1f_fffe => 3,
        0x1f_ffff..=0x0fff_fffe => 4,
        _ => 5,
    }
}

/// The length of a body, written so that it is read from its last byte: seven bits a byte, all but
/// the first byte marked.
#[inline]
pub(super) const fn back_len(body: usize) -> ([u8; 5], usize) {
    let len = back_len_len(body);
    let mut bytes = [0; 5];
    let mut at = 0;
    while at < len {
        let bits = (body >> (7 * (len - 1 - at))) & 0x7f;
        bytes[at] = bits as u8 | if at == 0 { 0 } else { 0x80 };
        at += 1;
    }
    (bytes, len)
}

/// Reads the element at `at`: what it holds, and the length of its body. `None` if the bytes end
/// before it does, or if the encoding does not exist.
#[inline]
pub(super) fn decode(bytes: &[u8], at: usize) -> Option<(Element<'_>, usize)> {
    let first = *bytes.get(at)?;
    if first < 0x80 {
        return Some((Element::Int(i64::from(first)), 1));
    }
    if first < 0xc0 {
        return text(bytes, at, 1, usize::from(first & 0x3f));
    }
    decode_long(bytes, at, first)
}

fn decode_long(bytes: &[u8], at: usize, first: u8) -> Option<(Element<'_>, usize)> {
    match first {
        0xc0..=0xdf => {
            let bits = (i64::from(first & 0x1f) << 8) | i64::from(*bytes.get(at + 1)?);
            // Thirteen bits in two's complement.
            Some((Element::Int((bits ^ 0x1000) - 0x1000), 2))
        }
        0xe0..=0xef => {
            let len = (usize::from(first & 0x0f) << 8) | usize::from(*bytes.get(at + 1)?);
            text(bytes, at, 2, len)
        }
        0xf0 => {
            let len = u32::from_le_bytes(bytes.get(at + 1..at + 5)?.try_into().ok()?);
            text(bytes, at, 5, len as usize)
        }
        0xf1 => int::<2>(bytes, at),
        0xf2 => int::<3>(bytes, at),
        0xf3 => int::<4>(bytes, at),
        0xf4 => int::<8>(bytes, at),
        _ => None,
    }
}

fn text(bytes: &[u8], at: usize, header: usize, len: usize) -> Option<(Element<'_>, usize)> {
    let from = at + header;
    Some((Element::Text(bytes.get(from..from.checked_add(len)?)?), header + len))
}

fn int<const LEN: usize>(bytes: &[u8], at: usize) -> Option<(Element<'_>, usize)> {
    let data = bytes.get(at + 1..at + 1 + LEN)?;
    let mut wide = [if data[LEN - 1] < 0x80 { 0 } else { 0xff }; 8];
    wide[..LEN].copy_from_slice(data);
    Some((Element::Int(i64::from_le_bytes(wide)), 1 + LEN))
}
