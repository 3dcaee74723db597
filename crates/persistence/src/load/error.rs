//! Why the data set cannot be loaded.

use std::fmt;
use std::io;

use dunlin_aof::LogError;
use dunlin_rdb::{ReadError, ReadErrorCause};

use crate::disk::error_text;

/// Why a file cannot be loaded.
#[derive(Debug)]
pub struct LoadError {
    /// What the log calls the file.
    pub file: String,
    /// Whether it belongs to an append-only file.
    pub is_append_only: bool,
    /// Where the reason stands, in bytes from the beginning of the file.
    pub offset: u64,
    /// The reason.
    pub cause: LoadErrorCause,
}

/// Why a file cannot be loaded.
#[derive(Debug)]
pub enum LoadErrorCause {
    /// It cannot be opened.
    Open(io::Error),
    /// The system cannot read it.
    Read(io::Error),
    /// Its end, which is not whole, cannot be cut off.
    Truncate(io::Error),
    /// Its snapshot cannot be read.
    Snapshot(ReadErrorCause),
    /// Its snapshot was changed since it was written.
    Checksum {
        /// The sum at its end.
        expected: u64,
        /// The sum of its bytes.
        found: u64,
    },
    /// It holds keys of a database that there is none of.
    Database {
        /// The number of the database.
        number: u64,
        /// How many there are.
        databases: u32,
    },
    /// Bytes follow what should be its end.
    Trailing,
    /// Its commands cannot be read, or end in the middle of one.
    Log(LogError),
    /// Its commands end in the middle of one, and another file follows.
    TruncatedInside(LogError),
}

impl LoadError {
    /// The lines that Redis writes to its log, the first one naming file, place and reason.
    #[must_use]
    pub fn log_lines(&self) -> Vec<String> {
        let mut lines = vec![self.to_string()];
        let file = &self.file;
        match &self.cause {
            LoadErrorCause::Open(error) if self.is_append_only => lines.push(format!(
                "Fatal error: can't open the append log file {file} for reading: {}",
                error_text(error)
            )),
            LoadErrorCause::Open(error) => lines.push(format!(
                "Fatal error: can't open the RDB file {file} for reading: {}",
                error_text(error)
            )),
            LoadErrorCause::Read(error) if self.is_append_only => lines.push(format!(
                "Unrecoverable error reading the append only file {file}: {}",
                error_text(error)
            )),
            LoadErrorCause::Truncate(error) => {
                lines.push(format!("Error truncating the AOF file {file}: {}", error_text(error)));
            }
            LoadErrorCause::Read(_) | LoadErrorCause::Snapshot(_) => {
                lines.extend(self.snapshot_line());
                if !self.is_append_only {
                    let line = "Terminating server after rdb file reading failure.";
                    lines.push(line.to_owned());
                }
            }
            LoadErrorCause::Checksum { expected, found } => lines.extend([
                format!(
                    "Wrong RDB checksum expected: ({expected:x}) but got ({found:x}). Aborting now."
                ),
                format!("Internal error in RDB reading offset {}: RDB CRC error", self.offset),
            ]),
            LoadErrorCause::Database { databases, .. } => lines.push(format!(
                "FATAL: Data file was created with a Redis server configured to handle more than \
                 {databases} databases. Exiting"
            )),
            LoadErrorCause::Log(error) => lines.push(log_line(file, error)),
            LoadErrorCause::Trailing => {}
            LoadErrorCause::TruncatedInside(_) => {
                lines.push("Fatal error: the truncated file is not the last file".to_owned());
            }
        }
        let is_snapshot = !matches!(
            self.cause,
            LoadErrorCause::Open(_)
                | LoadErrorCause::Truncate(_)
                | LoadErrorCause::Log(_)
                | LoadErrorCause::TruncatedInside(_)
        );
        if self.is_append_only && is_snapshot {
            lines.push(format!("Error reading the RDB base file {file}, AOF loading aborted"));
        }
        lines
    }

    /// The lines that the log has where the process goes on without this data set.
    #[must_use]
    pub fn refusal_lines(&self) -> Vec<String> {
        let mut lines = vec![self.to_string()];
        lines.extend(self.snapshot_line());
        lines
    }

    fn snapshot_line(&self) -> Option<String> {
        match &self.cause {
            LoadErrorCause::Snapshot(ReadErrorCause::Signature) => {
                Some("Wrong signature trying to load DB from file".to_owned())
            }
            LoadErrorCause::Snapshot(ReadErrorCause::Version(version)) => {
                Some(format!("Can't handle RDB format version {version}"))
            }
            LoadErrorCause::Snapshot(ReadErrorCause::Ended) | LoadErrorCause::Read(_) => {
                Some("Short read or OOM loading DB. Unrecoverable error, aborting now.".to_owned())
            }
            LoadErrorCause::Snapshot(
                ReadErrorCause::Module(name) | ReadErrorCause::ModuleAux(name),
            ) => Some(format!(
                "The RDB file contains module data I can't load: no matching module type '{name}'"
            )),
            _ => None,
        }
    }
}

/// What Redis says of a log that cannot be read.
fn log_line(file: &str, error: &LogError) -> String {
    if error.fault.is_truncation() {
        format!(
            "Unexpected end of file reading the append only file {file}. You can: 1) Make a backup \
             of your AOF file, then use ./redis-check-aof --fix <filename.manifest>. 2) \
             Alternatively you can set the 'aof-load-truncated' configuration option to yes and \
             restart the server."
        )
    } else {
        format!(
            "Bad file format reading the append only file {file}: make a backup of your AOF file, \
             then use ./redis-check-aof --fix <filename.manifest>"
        )
    }
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} cannot be loaded: at byte {}: {}", self.file, self.offset, self.cause)
    }
}

impl std::error::Error for LoadError {}

impl fmt::Display for LoadErrorCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open(error) | Self::Read(error) | Self::Truncate(error) => {
                f.write_str(&error_text(error))
            }
            Self::Snapshot(cause) => cause.fmt(f),
            Self::Checksum { expected, found } => {
                write!(f, "the checksum is {found:x} instead of {expected:x}")
            }
            Self::Database { number, databases } => {
                write!(f, "database {number}, where there are {databases}")
            }
            Self::Trailing => f.write_str("there are bytes behind its end"),
            Self::Log(error) => error.fault.fmt(f),
            Self::TruncatedInside(error) => write!(f, "{}, and more files follow", error.fault),
        }
    }
}

impl From<ReadError> for LoadErrorCause {
    fn from(error: ReadError) -> Self {
        match error.cause {
            ReadErrorCause::Io(error) => Self::Read(error),
            cause => Self::Snapshot(cause),
        }
    }
}
