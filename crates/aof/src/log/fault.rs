//! Why the bytes of a log are no commands.

use std::fmt;

/// Why a log cannot be read further, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogError {
    /// Bytes from the beginning of the file to where the fault stands.
    pub offset: u64,
    /// What is wrong there.
    pub fault: LogFault,
}

impl fmt::Display for LogError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at offset {}", self.fault, self.offset)
    }
}

impl std::error::Error for LogError {}

/// What is wrong with a log. The texts are those of redis-check-aof, where it has one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFault {
    /// Neither a command nor an annotation begins here.
    Format,
    /// A header of another kind.
    Prefix {
        /// The kind it should be.
        expected: u8,
        /// The byte that stands there.
        got: u8,
    },
    /// These two bytes instead of a line end.
    LineEnd(u8, u8),
    /// A command of fewer than one word.
    ArgumentCount(i64),
    /// A word of a length that no word has.
    ArgumentLength(i64),
    /// A transaction within a transaction.
    UnexpectedMulti,
    /// The end of a transaction that has not begun.
    UnexpectedExec,
    /// An annotation beyond [`crate::ANNOTATION_BYTES_MAX`].
    AnnotationTooLong,
    /// The file ends between two lines of a command.
    EndInCommand,
    /// The file ends within a header; the bytes where its line should end, or zeros.
    EndInHeader(u8, u8),
    /// The file ends within a word.
    EndInArgument {
        /// Length of the word with its line end, in bytes.
        expected: u64,
        /// Bytes of it in the file.
        got: u64,
    },
    /// The file ends within an annotation: what is appended would become part of it.
    EndInAnnotation,
    /// The file ends within a transaction.
    EndInTransaction,
}

impl LogFault {
    /// Whether a file that was being written when the server died ends like this: what comes before
    /// is good.
    #[must_use]
    pub const fn is_truncation(self) -> bool {
        matches!(
            self,
            Self::EndInCommand
                | Self::EndInHeader(..)
                | Self::EndInArgument { .. }
                | Self::EndInAnnotation
                | Self::EndInTransaction
        )
    }
}

impl fmt::Display for LogFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Format => write!(f, "Neither a command nor an annotation"),
            Self::Prefix { expected, got } => {
                let (expected, got) = (char::from(expected), char::from(got));
                write!(f, "Expected prefix '{expected}', got: '{got}'")
            }
            Self::LineEnd(one, two) | Self::EndInHeader(one, two) => {
                write!(
                    f,
                    "Expected \\r\\n, got: {:02x}{:02x}",
                    sign_extended(one),
                    sign_extended(two)
                )
            }
            Self::ArgumentCount(count) => {
                write!(f, "Expected a command of at least 1 word, got {count}")
            }
            Self::ArgumentLength(len) => write!(
                f,
                "Expected to read string of {len} bytes, which is not in the suitable range"
            ),
            Self::UnexpectedMulti => write!(f, "Unexpected MULTI"),
            Self::UnexpectedExec => write!(f, "Unexpected EXEC"),
            Self::AnnotationTooLong => write!(f, "Expected an annotation of at most 1023 bytes"),
            Self::EndInCommand => write!(f, "Reached EOF between the words of a command"),
            Self::EndInArgument { expected, got } => {
                write!(f, "Expected to read {expected} bytes, got {got} bytes")
            }
            Self::EndInAnnotation => write!(f, "Reached EOF within an annotation"),
            Self::EndInTransaction => write!(f, "Reached EOF before reading EXEC for MULTI"),
        }
    }
}

/// A byte as C prints it where `char` is signed.
const fn sign_extended(byte: u8) -> i32 {
    byte.cast_signed() as i32
}
