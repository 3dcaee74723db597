//! What went wrong with the file of a transfer, in one sentence.

use std::fmt;
use std::io;
use std::path::PathBuf;

use crate::disk::error_text;
use crate::load::LoadError;

/// Why a data set that a primary sent is not one of ours now.
#[derive(Debug)]
pub(super) enum ReceiveError {
    /// The system refuses something.
    System { operation: Operation, path: PathBuf, error: io::Error },
    /// What has arrived cannot be loaded.
    Unsound(LoadError),
}

/// What was done when the disk failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    Create,
    Write,
    Sync,
    Rename,
    SyncDirectory,
}

/// Source: texts of 7.2, which name no file, with the file's name.
impl fmt::Display for ReceiveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (operation, path, error) = match self {
            Self::Unsound(error) => return error.fmt(f),
            Self::System { operation, path, error } => (operation, path.display(), error),
        };
        match operation {
            Operation::Create => {
                write!(
                    f,
                    "Opening the temp file {path} needed for MASTER <-> REPLICA synchronization"
                )
            }
            Operation::Write => write!(
                f,
                "Write error or short write writing to the DB dump file {path} needed for MASTER \
                 <-> REPLICA synchronization"
            ),
            Operation::Sync => write!(
                f,
                "Failed to sync the temporary RDB file {path} to disk in MASTER <-> REPLICA \
                 synchronization"
            ),
            Operation::Rename => write!(
                f,
                "Failed trying to rename the temp DB into {path} in MASTER <-> REPLICA \
                 synchronization"
            ),
            Operation::SyncDirectory => write!(
                f,
                "Failed to sync the directory of {path} in MASTER <-> REPLICA synchronization"
            ),
        }?;
        write!(f, ": {}", error_text(error))
    }
}
