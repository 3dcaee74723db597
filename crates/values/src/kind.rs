//! Types and encodings by the names clients see.

/// Longest string, in bytes, that `OBJECT ENCODING` calls `embstr`; longer ones are `raw`.
///
/// Source: Redis documentation, OBJECT ENCODING.
pub const EMBSTR_MAX: usize = 44;

/// The type of a value, as TYPE names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ValueType {
    /// A binary-safe string, also the integers and bitmaps.
    String,
}

impl ValueType {
    /// The name TYPE replies and SCAN's TYPE option takes.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::String => "string",
        }
    }

    /// The type with this name, in any case, if there is one.
    #[must_use]
    pub fn from_name(name: &[u8]) -> Option<Self> {
        [Self::String].into_iter().find(|kind| kind.name().as_bytes().eq_ignore_ascii_case(name))
    }
}

/// How a value is held, as OBJECT ENCODING names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Encoding {
    /// A string that is an `i64`.
    Int,
    /// A string of at most [`EMBSTR_MAX`] bytes that was set as a whole.
    Embstr,
    /// Any other string.
    Raw,
}

impl Encoding {
    /// The name OBJECT ENCODING replies.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Int => "int",
            Self::Embstr => "embstr",
            Self::Raw => "raw",
        }
    }
}
