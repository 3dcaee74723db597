//! What went wrong with a file, in one sentence.

use std::io;
use std::path::Path;

use crate::disk::error_text;

/// What was done when the disk failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    Create,
    Write,
    Sync,
    Rename,
    SyncDirectory,
    Spill,
    ReadSpill,
    Detour,
}

impl Operation {
    const fn words(self) -> &'static str {
        match self {
            Self::Create => "Failed opening the temporary file",
            Self::Write => "Write error while saving to",
            Self::Sync => "Failed to sync",
            Self::Rename => "Error moving the temporary file to its final name",
            Self::SyncDirectory => "Failed to sync the directory of",
            Self::Spill => "Failed to write a spill file in",
            Self::Detour => "Failed to use a temporary file for a slow replica in",
            Self::ReadSpill => "Failed to read back the spill file of",
        }
    }
}

/// The sentence that the log and the client get.
pub(crate) fn reason(operation: Operation, path: &Path, error: &io::Error) -> String {
    format!("{} {}: {}", operation.words(), path.display(), error_text(error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_names_the_file_and_not_the_number() {
        let full = io::Error::from_raw_os_error(28);
        let text = reason(Operation::Write, Path::new("temp-1.rdb"), &full);
        assert_eq!(text, "Write error while saving to temp-1.rdb: No space left on device");
    }
}
