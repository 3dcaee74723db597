//! Ending early.

use std::io;

/// Why the check ends with a failure: what is printed then.
#[derive(Debug)]
pub(super) struct Stop {
    pub(super) lines: Vec<String>,
}

impl Stop {
    pub(super) fn line(line: String) -> Self {
        Self { lines: vec![line] }
    }
}

impl From<io::Error> for Stop {
    /// The output cannot be written.
    fn from(error: io::Error) -> Self {
        Self::line(format!("Failed to write: {}", error_text(&error)))
    }
}

/// What the system calls an error, without Rust's `(os error N)`.
pub(super) fn error_text(error: &io::Error) -> String {
    let mut text = error.to_string();
    if let Some(end) = text.rfind(" (os error ") {
        text.truncate(end);
    }
    text
}
