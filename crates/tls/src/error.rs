//! Why there is no TLS.

use std::fmt;
use std::io;

use crate::reason;

/// Why a socket did not become a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TlsError {
    /// What was asked for cannot be done: redis-cli's text, with what is wrong behind it where that
    /// is not the whole story.
    Settings(String),
    /// The two sides have not come to terms: `SSL_connect failed: ` and OpenSSL's reason.
    Handshake(String),
}

impl TlsError {
    pub(crate) fn settings(text: impl Into<String>) -> Self {
        Self::Settings(text.into())
    }

    pub(crate) fn handshake(reason: &str) -> Self {
        Self::Handshake(format!("SSL_connect failed: {reason}"))
    }
}

/// An error of [`crate::Stream::handshake`].
impl From<io::Error> for TlsError {
    fn from(error: io::Error) -> Self {
        Self::handshake(&reason::of_io(&error))
    }
}

impl fmt::Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Settings(text) | Self::Handshake(text) => f.write_str(text),
        }
    }
}

impl std::error::Error for TlsError {}
