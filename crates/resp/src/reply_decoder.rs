//! Replies in: what a client of a server reads.

use std::fmt;

use memchr::memchr;

use crate::value::Value;

/// Aggregates within aggregates. Redis's own replies stay below ten; a script's are as deep as its
/// tables, which the server limits as well.
const DEPTH_MAX: usize = 128;
/// A line that has not ended after so many bytes will not: those of Redis are short, but for errors
/// that quote what a client sent.
pub(crate) const LINE_BYTES_MAX: usize = 64 * 1024;
/// The largest string: Redis allows `proto-max-bulk-len` to be no larger than what an `i64` holds;
/// memory is taken as bytes arrive, so this is a check of sanity.
pub(crate) const BULK_BYTES_MAX: u64 = 1 << 40;
/// Elements that are reserved for before any has arrived.
const RESERVED_MAX: usize = 1024;

/// What is no reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplyError {
    /// A reply begins with this byte.
    UnknownKind(u8),
    /// What must be a number is none, or is out of range.
    InvalidNumber,
    /// A line of 64 KB without an end, or with a carriage return in its middle.
    InvalidLine,
    /// A string that does not end where it should.
    InvalidEnd,
    /// Neither `t` nor `f`.
    InvalidBoolean,
    /// Aggregates within aggregates without end.
    TooDeep,
}

impl fmt::Display for ReplyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownKind(kind) => {
                write!(f, "unknown reply type '{}'", kind.escape_ascii())
            }
            Self::InvalidNumber => f.write_str("a length or number in a reply is invalid"),
            Self::InvalidLine => f.write_str("a line of a reply does not end"),
            Self::InvalidEnd => f.write_str("a string in a reply does not end where it should"),
            Self::InvalidBoolean => f.write_str("a boolean in a reply is neither true nor false"),
            Self::TooDeep => f.write_str("a reply is nested too deeply"),
        }
    }
}

impl std::error::Error for ReplyError {}

/// Decodes replies that arrive in pieces. Elements of an aggregate are kept as they come, so that a
/// reply of a million elements is read once, not once per piece.
///
/// ```
/// use dunlin_resp::{ReplyDecoder, Value};
///
/// let mut decoder = ReplyDecoder::new();
/// let mut consumed = 0;
/// let input = b"*2\r\n:1\r\n$5\r\nhel";
/// assert_eq!(decoder.decode(input, &mut consumed), Ok(None));
/// assert_eq!(&input[consumed..], b"$5\r\nhel");
///
/// consumed = 0;
/// let reply = Value::Array(vec![Value::Integer(1), Value::Bulk(b"hello".to_vec())]);
/// assert_eq!(decoder.decode(b"$5\r\nhello\r\n", &mut consumed), Ok(Some(reply)));
/// ```
#[derive(Debug, Default)]
pub struct ReplyDecoder {
    /// Aggregates that have begun, the outermost first.
    open: Vec<Aggregate>,
}

/// An aggregate whose elements are still arriving.
#[derive(Debug)]
struct Aggregate {
    kind: Kind,
    elements: Vec<Value>,
    /// How many elements it will have; keys and values of a map count each.
    wanted: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Array,
    Set,
    Map,
    Push,
    /// The attributes and, as the last element, the value they belong to.
    Attribute,
}

/// What stands at the beginning of the input.
enum Part {
    Whole(Value),
    Begun(Aggregate),
    Incomplete,
}

impl ReplyDecoder {
    /// A decoder at the beginning of a reply.
    #[must_use]
    pub const fn new() -> Self {
        Self { open: Vec::new() }
    }

    /// Whether a reply has begun and not ended.
    #[must_use]
    pub fn is_within_reply(&self) -> bool {
        !self.open.is_empty()
    }

    /// Reads from `input[*consumed..]` on until a reply is complete or the input ends, and moves
    /// `consumed` behind what need not be shown again. `None` means that more has to arrive.
    ///
    /// # Errors
    /// What is no reply. The connection cannot go on.
    pub fn decode(
        &mut self,
        input: &[u8],
        consumed: &mut usize,
    ) -> Result<Option<Value>, ReplyError> {
        loop {
            let mut at = *consumed;
            let mut value = match part(input, &mut at)? {
                Part::Incomplete => return Ok(None),
                Part::Whole(value) => value,
                Part::Begun(aggregate) if aggregate.wanted > 0 => {
                    if self.open.len() == DEPTH_MAX {
                        return Err(ReplyError::TooDeep);
                    }
                    self.open.push(aggregate);
                    *consumed = at;
                    continue;
                }
                Part::Begun(aggregate) => aggregate.close(),
            };
            *consumed = at;
            // The value may be the last one of its aggregate, and that of the one around it.
            loop {
                let Some(around) = self.open.last_mut() else { return Ok(Some(value)) };
                around.elements.push(value);
                if around.elements.len() < around.wanted {
                    break;
                }
                let Some(whole) = self.open.pop() else { unreachable!("it was just there") };
                value = whole.close();
            }
        }
    }
}

impl Aggregate {
    fn new(kind: Kind, count: usize) -> Result<Self, ReplyError> {
        let wanted = match kind {
            Kind::Array | Kind::Set | Kind::Push => Some(count),
            Kind::Map => count.checked_mul(2),
            Kind::Attribute => count.checked_mul(2).and_then(|count| count.checked_add(1)),
        };
        let wanted = wanted.ok_or(ReplyError::InvalidNumber)?;
        Ok(Self { kind, elements: Vec::with_capacity(wanted.min(RESERVED_MAX)), wanted })
    }

    fn close(mut self) -> Value {
        match self.kind {
            Kind::Array => Value::Array(self.elements),
            Kind::Set => Value::Set(self.elements),
            Kind::Push => Value::Push(self.elements),
            Kind::Map => Value::Map(pairs(self.elements)),
            Kind::Attribute => {
                let value = self.elements.pop().unwrap_or(Value::Null);
                Value::Attribute(pairs(self.elements), Box::new(value))
            }
        }
    }
}

fn pairs(elements: Vec<Value>) -> Vec<(Value, Value)> {
    let mut elements = elements.into_iter();
    let mut pairs = Vec::with_capacity(elements.len() / 2);
    while let (Some(key), Some(value)) = (elements.next(), elements.next()) {
        pairs.push((key, value));
    }
    pairs
}

/// Reads one value that is no aggregate, or the head of an aggregate.
fn part(input: &[u8], at: &mut usize) -> Result<Part, ReplyError> {
    let Some((&kind, rest)) = input.get(*at..).and_then(<[u8]>::split_first) else {
        return Ok(Part::Incomplete);
    };
    if !b"+-:$*_#,(=!~%>|".contains(&kind) {
        return Err(ReplyError::UnknownKind(kind));
    }
    let Some(line) = line(rest)? else { return Ok(Part::Incomplete) };
    *at += line.len() + 3;
    let value = match kind {
        b'+' => Value::Simple(line.to_vec()),
        b'-' => Value::Error(line.to_vec()),
        b':' => Value::Integer(number(line)?),
        b'_' => Value::Null,
        b',' => Value::Double(line.to_vec()),
        b'(' => Value::BigNumber(line.to_vec()),
        b'#' => match line {
            b"t" => Value::Boolean(true),
            b"f" => Value::Boolean(false),
            _ => return Err(ReplyError::InvalidBoolean),
        },
        b'$' | b'*' if line == b"-1" => Value::Null,
        b'$' | b'=' | b'!' => return string(kind, input, at, line),
        b'*' => return begun(Kind::Array, line),
        b'~' => return begun(Kind::Set, line),
        b'%' => return begun(Kind::Map, line),
        b'>' => return begun(Kind::Push, line),
        _ => return begun(Kind::Attribute, line),
    };
    Ok(Part::Whole(value))
}

fn begun(kind: Kind, count: &[u8]) -> Result<Part, ReplyError> {
    let count = usize::try_from(number(count)?).map_err(|_| ReplyError::InvalidNumber)?;
    Ok(Part::Begun(Aggregate::new(kind, count)?))
}

/// Reads the bytes of a string whose length has been read; `at` is behind that.
fn string(kind: u8, input: &[u8], at: &mut usize, len: &[u8]) -> Result<Part, ReplyError> {
    let len = u64::try_from(number(len)?).map_err(|_| ReplyError::InvalidNumber)?;
    if len > BULK_BYTES_MAX {
        return Err(ReplyError::InvalidNumber);
    }
    let len = usize::try_from(len).map_err(|_| ReplyError::InvalidNumber)?;
    let Some(bytes) = input.get(*at..*at + len + 2) else {
        // A peer that sends nothing more is not waited for when its first byte tells already.
        let is_wrong = input.get(*at + len).is_some_and(|&byte| byte != b'\r');
        return if is_wrong { Err(ReplyError::InvalidEnd) } else { Ok(Part::Incomplete) };
    };
    let Some(bytes) = bytes.strip_suffix(b"\r\n") else { return Err(ReplyError::InvalidEnd) };
    *at += len + 2;
    Ok(Part::Whole(match kind {
        b'!' => Value::Error(bytes.to_vec()),
        b'=' => match bytes {
            [a, b, c, b':', text @ ..] => Value::Verbatim([*a, *b, *c], text.to_vec()),
            _ => return Err(ReplyError::InvalidEnd),
        },
        _ => Value::Bulk(bytes.to_vec()),
    }))
}

/// The line at the beginning, without its end; `None` while it has not ended.
fn line(rest: &[u8]) -> Result<Option<&[u8]>, ReplyError> {
    let window = &rest[..rest.len().min(LINE_BYTES_MAX)];
    match memchr(b'\r', window) {
        Some(end) => match rest.get(end + 1) {
            Some(b'\n') => Ok(Some(&rest[..end])),
            Some(_) => Err(ReplyError::InvalidLine),
            None => Ok(None),
        },
        None if window.len() == LINE_BYTES_MAX => Err(ReplyError::InvalidLine),
        None => Ok(None),
    }
}

pub(crate) fn number(line: &[u8]) -> Result<i64, ReplyError> {
    let text = str::from_utf8(line).map_err(|_| ReplyError::InvalidNumber)?;
    text.parse().map_err(|_| ReplyError::InvalidNumber)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Decodes what arrives in pieces of `piece` bytes.
    fn decode(bytes: &[u8], piece: usize) -> Result<Vec<Value>, ReplyError> {
        let (mut decoder, mut values) = (ReplyDecoder::new(), Vec::new());
        let mut input = Vec::new();
        for arrived in bytes.chunks(piece) {
            input.extend_from_slice(arrived);
            let mut consumed = 0;
            while let Some(value) = decoder.decode(&input, &mut consumed)? {
                values.push(value);
            }
            input.drain(..consumed);
        }
        if input.is_empty() && !decoder.is_within_reply() {
            Ok(values)
        } else {
            Err(ReplyError::InvalidEnd)
        }
    }

    fn bulk(text: &str) -> Value {
        Value::Bulk(text.into())
    }

    #[test]
    fn every_kind_in_pieces_of_every_size() {
        let bytes = b"+OK\r\n-ERR no\r\n:-3\r\n$3\r\na\r\n\r\n$0\r\n\r\n$-1\r\n*-1\r\n_\r\n\
            *2\r\n:1\r\n*0\r\n%1\r\n+a\r\n,1.5\r\n~1\r\n#t\r\n>1\r\n(12345678901234567890\r\n\
            =7\r\ntxt:foo\r\n!3\r\nERR\r\n|1\r\n+k\r\n+v\r\n*1\r\n#f\r\n";
        let simple = |text: &str| Value::Simple(text.into());
        let expected = [
            simple("OK"),
            Value::Error(b"ERR no".to_vec()),
            Value::Integer(-3),
            bulk("a\r\n"),
            bulk(""),
            Value::Null,
            Value::Null,
            Value::Null,
            Value::Array(vec![Value::Integer(1), Value::Array(vec![])]),
            Value::Map(vec![(simple("a"), Value::Double(b"1.5".to_vec()))]),
            Value::Set(vec![Value::Boolean(true)]),
            Value::Push(vec![Value::BigNumber(b"12345678901234567890".to_vec())]),
            Value::Verbatim(*b"txt", b"foo".to_vec()),
            Value::Error(b"ERR".to_vec()),
            Value::Attribute(
                vec![(simple("k"), simple("v"))],
                Box::new(Value::Array(vec![Value::Boolean(false)])),
            ),
        ];
        for piece in 1..=bytes.len() {
            assert_eq!(decode(bytes, piece).as_deref(), Ok(&expected[..]), "pieces of {piece}");
        }
    }

    #[test]
    fn what_is_no_reply() {
        for (bytes, error) in [
            (&b"hm\r\n"[..], ReplyError::UnknownKind(b'h')),
            (b"$x\r\n", ReplyError::InvalidNumber),
            (b"$-2\r\n", ReplyError::InvalidNumber),
            (b"$9223372036854775807\r\n", ReplyError::InvalidNumber),
            (b"%9223372036854775807\r\n+a\r\n", ReplyError::InvalidEnd),
            (b"|9223372036854775807\r\n", ReplyError::InvalidEnd),
            (b"*-2\r\n", ReplyError::InvalidNumber),
            (b":1\rx\n", ReplyError::InvalidLine),
            (b"#x\r\n", ReplyError::InvalidBoolean),
            (b"$1\r\nabc\r\n", ReplyError::InvalidEnd),
            (b"=3\r\nabc\r\n", ReplyError::InvalidEnd),
        ] {
            assert_eq!(decode(bytes, bytes.len()), Err(error), "{}", bytes.escape_ascii());
        }
        // The first byte of a wrong end is enough; the second may never come.
        let (mut decoder, mut consumed) = (ReplyDecoder::new(), 0);
        assert_eq!(decoder.decode(b"$1\r\na\r", &mut consumed), Ok(None));
        assert_eq!(decoder.decode(b"$1\r\na\n", &mut consumed), Err(ReplyError::InvalidEnd));
        assert_eq!(decode(&[b'+'; 70_000], 1000), Err(ReplyError::InvalidLine));
        let deep = b"*1\r\n".repeat(DEPTH_MAX + 1);
        assert_eq!(decode(&deep, 10), Err(ReplyError::TooDeep));
    }

    proptest! {
        #[test]
        fn hostile_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), piece in 1usize..50) {
            let _ = decode(&bytes, piece);
        }

        #[test]
        fn almost_replies_never_panic(text in "[-+:$*_#,(=!~%>|0-9tf\r\n]{0,200}", piece in 1usize..50) {
            let whole = decode(text.as_bytes(), text.len().max(1));
            if whole.is_ok() {
                prop_assert_eq!(decode(text.as_bytes(), piece), whole);
            }
        }
    }
}
