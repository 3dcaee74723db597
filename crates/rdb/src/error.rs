//! Why bytes cannot be read.

use std::fmt;
use std::io;

/// Why a file or payload cannot be read, and where.
#[derive(Debug)]
pub struct ReadError {
    /// Where, in bytes from the beginning.
    pub offset: u64,
    /// Why.
    pub cause: ReadErrorCause,
}

/// Why a file or payload cannot be read.
#[derive(Debug)]
pub enum ReadErrorCause {
    /// The system cannot read it.
    Io(io::Error),
    /// It ends too early.
    Ended,
    /// It does not begin as files do.
    Signature,
    /// Nobody here knows its version.
    Version(u16),
    /// Nobody here knows this type.
    Kind(u8),
    /// It holds what a module of this name wrote.
    Module(Box<str>),
    /// It holds what a module of this name wrote besides values.
    ModuleAux(Box<str>),
    /// It holds functions as release candidates of 7.0 wrote them.
    FunctionBeforeRelease,
    /// It is not as it should be.
    Corrupt(&'static str),
}

pub(crate) type Result<T> = std::result::Result<T, ReadError>;

impl ReadError {
    pub(crate) const fn corrupt(offset: u64, reason: &'static str) -> Self {
        Self { offset, cause: ReadErrorCause::Corrupt(reason) }
    }

    pub(crate) const fn ended(offset: u64) -> Self {
        Self { offset, cause: ReadErrorCause::Ended }
    }

    /// Whether nothing is wrong: the next bytes have not arrived yet.
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        matches!(&self.cause, ReadErrorCause::Io(error) if error.kind() == io::ErrorKind::WouldBlock)
    }
}

impl fmt::Display for ReadErrorCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => error.fmt(f),
            Self::Ended => f.write_str("unexpected end of data"),
            Self::Signature => f.write_str("wrong signature"),
            Self::Version(number) => write!(f, "can't handle RDB format version {number}"),
            Self::Kind(kind) => write!(f, "unknown RDB type {kind}"),
            Self::Module(name) | Self::ModuleAux(name) => {
                write!(f, "data of module '{name}', which is not there")
            }
            Self::FunctionBeforeRelease => f.write_str("pre-release function format not supported"),
            Self::Corrupt(reason) => f.write_str(reason),
        }
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at byte {}", self.cause, self.offset)
    }
}

impl std::error::Error for ReadError {}
