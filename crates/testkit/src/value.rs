//! Replies as values: RESP2 and RESP3, decoded and encoded without the server's codec.

use std::fmt;

use crate::words::escape;

/// One reply. The kinds of RESP3 are kept apart even where they mean the same,
/// since a compatibility test has to see the difference.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Value {
    /// `+OK`
    Simple(Vec<u8>),
    /// `-ERR ...`
    Error(Vec<u8>),
    /// `:1`
    Integer(i64),
    /// `$3\r\nfoo`
    Bulk(Vec<u8>),
    /// `$-1`, the missing string of RESP2
    NullBulk,
    /// `*-1`, the missing array of RESP2
    NullArray,
    /// `_`, the null of RESP3
    Null,
    /// `*2 ...`
    Array(Vec<Value>),
    /// `%1 ...`, as key, value, key, value in the order received
    Map(Vec<(Value, Value)>),
    /// `~2 ...`
    Set(Vec<Value>),
    /// `>2 ...`
    Push(Vec<Value>),
    /// `,1.5`, as text since the digits are what is tested
    Double(Vec<u8>),
    /// `#t`
    Boolean(bool),
    /// `(123`
    BigNumber(Vec<u8>),
    /// `=15\r\ntxt:...`, with its three-letter format
    Verbatim(Vec<u8>),
    /// `!21\r\nERR ...`
    BulkError(Vec<u8>),
    /// `|1 ...`: attributes, and the reply they belong to
    Attribute(Vec<(Value, Value)>, Box<Value>),
}

/// What the bytes received so far amount to.
#[derive(Debug, PartialEq, Eq)]
pub enum Decoded {
    /// A whole reply and the number of bytes it took.
    Whole(Value, usize),
    /// More bytes are needed.
    Incomplete,
    /// This is not RESP; the sentence says why.
    Invalid(String),
}

/// Why [`decode_at`] stopped early.
enum Stop {
    Incomplete,
    Invalid(String),
}

/// Decodes the reply at the start of `bytes`.
pub fn decode(bytes: &[u8]) -> Decoded {
    let mut at = 0;
    match decode_at(bytes, &mut at) {
        Ok(value) => Decoded::Whole(value, at),
        Err(Stop::Incomplete) => Decoded::Incomplete,
        Err(Stop::Invalid(why)) => Decoded::Invalid(why),
    }
}

fn decode_at(bytes: &[u8], at: &mut usize) -> Result<Value, Stop> {
    let line = line_at(bytes, at)?;
    let (&kind, rest) = line.split_first().ok_or_else(|| Stop::Invalid("empty line".into()))?;
    Ok(match kind {
        b'+' => Value::Simple(rest.to_vec()),
        b'-' => Value::Error(rest.to_vec()),
        b':' => Value::Integer(number(rest)?),
        b',' => Value::Double(rest.to_vec()),
        b'(' => Value::BigNumber(rest.to_vec()),
        b'#' => Value::Boolean(rest == b"t"),
        b'_' => Value::Null,
        b'$' if rest == b"-1" => Value::NullBulk,
        b'*' if rest == b"-1" => Value::NullArray,
        b'$' => Value::Bulk(blob_at(bytes, at, number(rest)?)?),
        b'=' => Value::Verbatim(blob_at(bytes, at, number(rest)?)?),
        b'!' => Value::BulkError(blob_at(bytes, at, number(rest)?)?),
        b'*' => Value::Array(items_at(bytes, at, number(rest)?)?),
        b'~' => Value::Set(items_at(bytes, at, number(rest)?)?),
        b'>' => Value::Push(items_at(bytes, at, number(rest)?)?),
        b'%' => Value::Map(pairs_at(bytes, at, number(rest)?)?),
        b'|' => {
            let attributes = pairs_at(bytes, at, number(rest)?)?;
            Value::Attribute(attributes, Box::new(decode_at(bytes, at)?))
        }
        _ => return Err(Stop::Invalid(format!("unknown reply type in '{}'", escape(line)))),
    })
}

fn line_at<'a>(bytes: &'a [u8], at: &mut usize) -> Result<&'a [u8], Stop> {
    let rest = &bytes[*at..];
    let end = rest.windows(2).position(|two| two == b"\r\n").ok_or(Stop::Incomplete)?;
    *at += end + 2;
    Ok(&rest[..end])
}

fn number(digits: &[u8]) -> Result<i64, Stop> {
    std::str::from_utf8(digits)
        .ok()
        .and_then(|text| text.parse().ok())
        .ok_or_else(|| Stop::Invalid(format!("'{}' is not a number", escape(digits))))
}

fn blob_at(bytes: &[u8], at: &mut usize, len: i64) -> Result<Vec<u8>, Stop> {
    let len = usize::try_from(len).map_err(|_| Stop::Invalid(format!("length {len}")))?;
    let end = *at + len;
    if bytes.len() < end + 2 {
        return Err(Stop::Incomplete);
    }
    if &bytes[end..end + 2] != b"\r\n" {
        return Err(Stop::Invalid("string without its line end".into()));
    }
    let blob = bytes[*at..end].to_vec();
    *at = end + 2;
    Ok(blob)
}

fn items_at(bytes: &[u8], at: &mut usize, count: i64) -> Result<Vec<Value>, Stop> {
    (0..count).map(|_| decode_at(bytes, at)).collect()
}

fn pairs_at(bytes: &[u8], at: &mut usize, count: i64) -> Result<Vec<(Value, Value)>, Stop> {
    (0..count).map(|_| Ok((decode_at(bytes, at)?, decode_at(bytes, at)?))).collect()
}

impl Value {
    /// Encodes the value as a server would send it.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.encode_to(&mut out);
        out
    }

    fn encode_to(&self, out: &mut Vec<u8>) {
        match self {
            Value::Simple(text) => line_to(out, b'+', text),
            Value::Error(text) => line_to(out, b'-', text),
            Value::Integer(n) => line_to(out, b':', n.to_string().as_bytes()),
            Value::Double(text) => line_to(out, b',', text),
            Value::BigNumber(text) => line_to(out, b'(', text),
            Value::Boolean(yes) => line_to(out, b'#', if *yes { b"t" } else { b"f" }),
            Value::Null => line_to(out, b'_', b""),
            Value::NullBulk => line_to(out, b'$', b"-1"),
            Value::NullArray => line_to(out, b'*', b"-1"),
            Value::Bulk(blob) => blob_to(out, b'$', blob),
            Value::Verbatim(blob) => blob_to(out, b'=', blob),
            Value::BulkError(blob) => blob_to(out, b'!', blob),
            Value::Array(items) => items_to(out, b'*', items),
            Value::Set(items) => items_to(out, b'~', items),
            Value::Push(items) => items_to(out, b'>', items),
            Value::Map(pairs) => pairs_to(out, b'%', pairs),
            Value::Attribute(pairs, value) => {
                pairs_to(out, b'|', pairs);
                value.encode_to(out);
            }
        }
    }

    /// Whether this is an error reply of either kind.
    pub fn is_error(&self) -> bool {
        matches!(self, Value::Error(_) | Value::BulkError(_))
    }

    /// The integer of an integer reply.
    ///
    /// # Panics
    /// When the reply is something else.
    #[track_caller]
    pub fn integer(&self) -> i64 {
        match self {
            Value::Integer(n) => *n,
            other => panic!("expected an integer reply, got {other}"),
        }
    }

    /// The bytes of a string reply (bulk, simple or verbatim without its format).
    ///
    /// # Panics
    /// When the reply is something else.
    #[track_caller]
    pub fn bytes(&self) -> &[u8] {
        match self {
            Value::Bulk(bytes) | Value::Simple(bytes) => bytes,
            Value::Verbatim(bytes) => bytes.get(4..).unwrap_or_default(),
            other => panic!("expected a string reply, got {other}"),
        }
    }

    /// The bytes of a string reply as text.
    ///
    /// # Panics
    /// When the reply is no string.
    #[track_caller]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(self.bytes()).into_owned()
    }

    /// The elements of an array, set or push reply; the values of a map follow their keys.
    ///
    /// # Panics
    /// When the reply is no aggregate.
    #[track_caller]
    pub fn items(&self) -> Vec<Value> {
        match self {
            Value::Array(items) | Value::Set(items) | Value::Push(items) => items.clone(),
            Value::Map(pairs) => pairs.iter().cloned().flat_map(|(k, v)| [k, v]).collect(),
            other => panic!("expected an aggregate reply, got {other}"),
        }
    }
}

fn line_to(out: &mut Vec<u8>, kind: u8, text: &[u8]) {
    out.push(kind);
    out.extend_from_slice(text);
    out.extend_from_slice(b"\r\n");
}

fn blob_to(out: &mut Vec<u8>, kind: u8, blob: &[u8]) {
    line_to(out, kind, blob.len().to_string().as_bytes());
    out.extend_from_slice(blob);
    out.extend_from_slice(b"\r\n");
}

fn items_to(out: &mut Vec<u8>, kind: u8, items: &[Value]) {
    line_to(out, kind, items.len().to_string().as_bytes());
    for item in items {
        item.encode_to(out);
    }
}

fn pairs_to(out: &mut Vec<u8>, kind: u8, pairs: &[(Value, Value)]) {
    line_to(out, kind, pairs.len().to_string().as_bytes());
    for (key, value) in pairs {
        key.encode_to(out);
        value.encode_to(out);
    }
}

/// The short form that tests compare with: strings bare, `(nil)`, `(error) ...`, `[a, b]`.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Simple(text) | Value::Bulk(text) | Value::Verbatim(text) => {
                f.write_str(&escape(text))
            }
            Value::Error(text) | Value::BulkError(text) => write!(f, "(error) {}", escape(text)),
            Value::Double(text) | Value::BigNumber(text) => f.write_str(&escape(text)),
            Value::Integer(n) => write!(f, "{n}"),
            Value::Boolean(yes) => write!(f, "{yes}"),
            Value::Null | Value::NullBulk | Value::NullArray => f.write_str("(nil)"),
            Value::Array(items) | Value::Set(items) | Value::Push(items) => {
                f.write_str("[")?;
                for (index, item) in items.iter().enumerate() {
                    write!(f, "{}{item}", if index == 0 { "" } else { ", " })?;
                }
                f.write_str("]")
            }
            Value::Map(pairs) => {
                f.write_str("{")?;
                for (index, (key, value)) in pairs.iter().enumerate() {
                    write!(f, "{}{key}: {value}", if index == 0 { "" } else { ", " })?;
                }
                f.write_str("}")
            }
            Value::Attribute(_, value) => write!(f, "{value}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLES: &[&[u8]] = &[
        b"+OK\r\n",
        b"-ERR no\r\n",
        b":-3\r\n",
        b"$3\r\na\r\n\r\n",
        b"$0\r\n\r\n",
        b"$-1\r\n",
        b"*-1\r\n",
        b"_\r\n",
        b"*2\r\n:1\r\n*0\r\n",
        b"%1\r\n+a\r\n,1.5\r\n",
        b"~1\r\n#t\r\n",
        b">1\r\n(12345678901234567890\r\n",
        b"=7\r\ntxt:foo\r\n",
        b"!3\r\nERR\r\n",
        b"|1\r\n+k\r\n+v\r\n:1\r\n",
    ];

    #[test]
    fn round_trip_and_every_prefix_is_incomplete() {
        for sample in SAMPLES {
            let Decoded::Whole(value, len) = decode(sample) else { panic!("{sample:?}") };
            assert_eq!(len, sample.len());
            assert_eq!(value.encode(), *sample);
            for end in 0..sample.len() {
                assert_eq!(decode(&sample[..end]), Decoded::Incomplete, "{sample:?} up to {end}");
            }
        }
    }

    #[test]
    fn says_why_bytes_are_not_resp() {
        assert_eq!(decode(b"hm\r\n"), Decoded::Invalid("unknown reply type in 'hm'".into()));
        assert_eq!(decode(b"$x\r\n"), Decoded::Invalid("'x' is not a number".into()));
    }

    #[test]
    fn shows_replies_briefly() {
        let value = Value::Array(vec![Value::Integer(1), Value::Bulk(b"a".to_vec()), Value::Null]);
        assert_eq!(value.to_string(), "[1, a, (nil)]");
    }
}
