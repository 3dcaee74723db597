//! Lines for the server's log, until somebody writes them.

/// How much a line matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// What happens in the course of things.
    Notice,
    /// What somebody should look at.
    Warning,
}

/// A line for the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// How much it matters.
    pub severity: Severity,
    /// What it says.
    pub text: String,
}

impl Line {
    /// A line about what happens in the course of things.
    pub fn notice(text: impl Into<String>) -> Self {
        Self { severity: Severity::Notice, text: text.into() }
    }

    /// A line that somebody should look at.
    pub fn warning(text: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, text: text.into() }
    }
}
