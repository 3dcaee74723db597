//! Why the append-only file cannot be used.

use std::fmt;
use std::io;
use std::path::PathBuf;

use dunlin_aof::ManifestError;

use crate::disk::error_text;

/// Why the append-only file cannot be opened or changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AppendError {
    /// The manifest breaks a rule.
    Manifest(ManifestError),
    /// Another server writes to it; the file whose lock it holds.
    InUse(PathBuf),
    /// A file that the manifest names is not there.
    Missing(String),
    /// The system refused; what Redis logs then.
    System(String),
}

impl AppendError {
    /// `doing` in Redis's words, and what the system said.
    pub(super) fn system(doing: &str, error: &io::Error) -> Self {
        Self::System(format!("{doing}: {}", error_text(error)))
    }

    /// What belongs in the log, line by line: Redis's texts, where it has one.
    #[must_use]
    pub fn log_lines(&self) -> Vec<String> {
        match self {
            Self::Manifest(error) => error.log_lines(),
            _ => vec![self.to_string()],
        }
    }
}

impl fmt::Display for AppendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Manifest(error) => error.fmt(f),
            Self::InUse(path) => write!(
                f,
                "Another server writes to this append-only file: it holds the lock of {}. \
                 Stop it, or use another dir, appenddirname or appendfilename.",
                path.display()
            ),
            Self::Missing(name) => write!(
                f,
                "Unable to obtain the AOF file {name} length. stat: No such file or directory"
            ),
            Self::System(text) => f.write_str(text),
        }
    }
}

impl std::error::Error for AppendError {}

impl From<ManifestError> for AppendError {
    fn from(error: ManifestError) -> Self {
        Self::Manifest(error)
    }
}
