//! What the loader hands to the command thread.

use dunlin_keyspace::{DatabaseIndex, Room};

pub use dunlin_keyspace::LoadedEntry;

use super::error::LoadError;
use crate::append::LogLine;
use crate::snapshot::ReplicationAux;

/// A piece of what was loaded.
#[derive(Debug)]
pub enum LoadBatch {
    /// A file is begun: the one of this number in the plan.
    FileBegins(usize),
    /// Room for the keys of a database that follow.
    Room(DatabaseIndex, Room),
    /// Keys of a snapshot.
    Entries(Vec<LoadedEntry>),
    /// Whole commands, to be run in order. What follows MULTI is to be run when EXEC comes, or
    /// not at all if the file ends before.
    Commands(Vec<u8>),
    /// Something a snapshot says about itself.
    Aux {
        /// Its name.
        name: Box<[u8]>,
        /// Its value.
        value: Box<[u8]>,
    },
    /// Where the stream of changes was when the log was closed: nothing was written to it since.
    Position(ReplicationAux),
    /// The source of a library of functions.
    Function(Box<[u8]>),
    /// A line for the log.
    Log(LogLine),
    /// A file is complete.
    FileDone(FileReport),
    /// Everything is loaded; nothing follows.
    Done(LoadReport),
    /// The data set cannot be loaded; nothing follows.
    Failed(LoadError),
}

/// What was in a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FileReport {
    /// Its number in the plan.
    pub file: usize,
    /// Whether there is no such file.
    pub is_missing: bool,
    /// Bytes of it that were loaded.
    pub len_bytes: u64,
    /// Keys of its snapshot.
    pub keys: u64,
    /// Keys that had expired. They were loaded if the file tells its position, so that the stream of
    /// changes will tell of their removal.
    pub keys_expired: u64,
    /// Keys of empty collections, which were not loaded.
    pub keys_empty: u64,
    /// Commands.
    pub commands: u64,
    /// Bytes that were cut off its end.
    pub truncated_bytes: u64,
}

impl FileReport {
    /// The line that the log has at the end of a snapshot.
    #[must_use]
    pub fn log_line(&self) -> String {
        let Self { keys, keys_expired, keys_empty, .. } = self;
        let mut line =
            format!("Done loading RDB, keys loaded: {keys}, keys expired: {keys_expired}");
        if *keys_empty > 0 {
            line.push_str(&format!(", empty keys skipped: {keys_empty}"));
        }
        line.push('.');
        line
    }
}

/// What was in all files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LoadReport {
    /// One for each file of the plan.
    pub files: Vec<FileReport>,
}
