//! A reply as its receiver sees it.

use std::fmt;

/// One reply of either protocol version, owned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// `+OK`
    Simple(Vec<u8>),
    /// `-ERR text`, or the long form of RESP3.
    Error(Vec<u8>),
    /// `:1`
    Integer(i64),
    /// A string of any bytes.
    Bulk(Vec<u8>),
    /// Text with its format, `txt` or `mkd`.
    Verbatim([u8; 3], Vec<u8>),
    /// "There is no such value", of either version.
    Null,
    /// `#t`, `#f`
    Boolean(bool),
    /// A double, as the text that came.
    Double(Vec<u8>),
    /// An integer of any size, as the digits that came.
    BigNumber(Vec<u8>),
    /// An array.
    Array(Vec<Value>),
    /// A set, in the order that it came in.
    Set(Vec<Value>),
    /// A map, in the order that it came in.
    Map(Vec<(Value, Value)>),
    /// A message that no request asked for.
    Push(Vec<Value>),
    /// Attributes, and the value they belong to.
    Attribute(Vec<(Value, Value)>, Box<Value>),
}

impl Value {
    /// Whether it is an error.
    #[must_use]
    pub const fn is_error(&self) -> bool {
        matches!(self, Self::Error(_))
    }

    /// The bytes of a string of any kind, errors left out.
    #[must_use]
    pub fn bytes(&self) -> Option<&[u8]> {
        match self {
            Self::Simple(bytes) | Self::Bulk(bytes) | Self::Verbatim(_, bytes) => Some(bytes),
            _ => None,
        }
    }

    /// An integer.
    #[must_use]
    pub const fn integer(&self) -> Option<i64> {
        match self {
            Self::Integer(value) => Some(*value),
            _ => None,
        }
    }

    /// The elements of an array, a set or a message.
    #[must_use]
    pub fn items(&self) -> Option<&[Self]> {
        match self {
            Self::Array(items) | Self::Set(items) | Self::Push(items) => Some(items),
            _ => None,
        }
    }
}

/// For messages to people: strings as they are, the rest in a short form.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Simple(text)
            | Self::Error(text)
            | Self::Bulk(text)
            | Self::Verbatim(_, text)
            | Self::Double(text)
            | Self::BigNumber(text) => f.write_str(&String::from_utf8_lossy(text)),
            Self::Integer(value) => write!(f, "{value}"),
            Self::Null => f.write_str("nil"),
            Self::Boolean(value) => write!(f, "{value}"),
            Self::Array(items) | Self::Set(items) | Self::Push(items) => {
                write!(f, "({} elements)", items.len())
            }
            Self::Map(pairs) => write!(f, "({} pairs)", pairs.len()),
            Self::Attribute(_, value) => value.fmt(f),
        }
    }
}
