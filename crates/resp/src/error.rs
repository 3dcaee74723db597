//! What a client can get wrong on the wire.

use std::borrow::Cow;
use std::fmt;

/// Why a connection cannot go on. The crate's front page has the table of conditions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProtocolError {
    /// An inline request without an end.
    TooBigInlineRequest,
    /// An inline request with an open quote.
    UnbalancedQuotes,
    /// A multibulk count without an end.
    TooBigMultibulkCount,
    /// A multibulk count that is not a number in range.
    InvalidMultibulkLength,
    /// More arguments than a client may send before AUTH.
    UnauthenticatedMultibulkLength,
    /// A bulk length without an end.
    TooBigBulkCount,
    /// This byte where `$` must stand.
    ExpectedBulk(u8),
    /// A bulk length that is not a number in range.
    InvalidBulkLength,
    /// A longer argument than a client may send before AUTH.
    UnauthenticatedBulkLength,
    /// The unfinished request exceeds `client-query-buffer-limit`, or 4 GB of short arguments.
    QueryBufferLimit,
    /// No memory for a large argument.
    OutOfMemory,
}

impl ProtocolError {
    /// The bytes the client gets behind `-ERR Protocol error: `; `None` if the connection closes
    /// without a reply.
    #[must_use]
    pub fn text(self) -> Option<Cow<'static, [u8]>> {
        let text: &'static str = match self {
            Self::TooBigInlineRequest => "too big inline request",
            Self::UnbalancedQuotes => "unbalanced quotes in request",
            Self::TooBigMultibulkCount => "too big mbulk count string",
            Self::InvalidMultibulkLength => "invalid multibulk length",
            Self::UnauthenticatedMultibulkLength => "unauthenticated multibulk length",
            Self::TooBigBulkCount => "too big bulk count string",
            Self::ExpectedBulk(got) => {
                // Line ends cannot stand in an error reply.
                let got = if matches!(got, b'\r' | b'\n') { b' ' } else { got };
                return Some([b"expected '$', got '", &[got][..], b"'"].concat().into());
            }
            Self::InvalidBulkLength => "invalid bulk length",
            Self::UnauthenticatedBulkLength => "unauthenticated bulk length",
            Self::QueryBufferLimit | Self::OutOfMemory => return None,
        };
        Some(Cow::Borrowed(text.as_bytes()))
    }
}

impl fmt::Display for ProtocolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::QueryBufferLimit => f.write_str("query buffer limit reached"),
            Self::OutOfMemory => f.write_str("out of memory for an argument"),
            _ => f.write_str(&String::from_utf8_lossy(&self.text().unwrap_or_default())),
        }
    }
}

impl std::error::Error for ProtocolError {}
