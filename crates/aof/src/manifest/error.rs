//! Why a manifest is refused.

use std::fmt;

/// Why a manifest is refused, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManifestError {
    /// The rule that is broken.
    pub fault: ManifestFault,
    /// The number of the line, from 1, and the line without the space around it; `None` where the
    /// fault is not that of a line.
    pub line: Option<(usize, Vec<u8>)>,
}

impl ManifestError {
    /// What Redis logs, line by line, without the empty lines between.
    #[must_use]
    pub fn log_lines(&self) -> Vec<String> {
        let mut lines = vec!["*** FATAL AOF MANIFEST FILE ERROR ***".to_owned()];
        if let Some((number, line)) = &self.line {
            lines.push(format!("Reading the manifest file, at line {number}"));
            lines.push(format!(">>> '{}'", String::from_utf8_lossy(line)));
        }
        lines.push(self.fault.to_string());
        lines
    }
}

impl fmt::Display for ManifestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.line {
            Some((number, line)) => {
                write!(f, "{} at line {number}: '{}'", self.fault, String::from_utf8_lossy(line))
            }
            None => self.fault.fmt(f),
        }
    }
}

impl std::error::Error for ManifestError {}

/// A rule that a manifest breaks. The texts are those of Redis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ManifestFault {
    /// No line at all.
    Empty,
    /// A line of more than 1024 bytes, or a last line without its end.
    LineTooLong,
    /// No words in pairs, one of the three missing, or a number that is none.
    Format,
    /// The name is a path.
    Path,
    /// Two bases.
    DuplicateBase,
    /// An incremental file whose number is not above the one before it.
    NotMonotonic,
    /// Neither `b`, `h` nor `i`.
    UnknownType,
}

impl fmt::Display for ManifestFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "Found an empty AOF manifest",
            Self::LineTooLong => "The AOF manifest file contains too long line",
            Self::Format => "Invalid AOF manifest file format",
            Self::Path => "File can't be a path, just a filename",
            Self::DuplicateBase => "Found duplicate base file information",
            Self::NotMonotonic => "Found a non-monotonic sequence number",
            Self::UnknownType => "Unknown AOF file type",
        })
    }
}
