//! Lines for the server's log, until somebody writes them.

use dunlin_config::LogLevel;

/// Lines in the order in which they are to be written.
#[derive(Debug, Default)]
pub(crate) struct Journal(Vec<(LogLevel, String)>);

impl Journal {
    pub(crate) fn notice(&mut self, line: impl Into<String>) {
        self.0.push((LogLevel::Notice, line.into()));
    }

    pub(crate) fn warning(&mut self, line: impl Into<String>) {
        self.0.push((LogLevel::Warning, line.into()));
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn take(&mut self) -> Vec<(LogLevel, String)> {
        std::mem::take(&mut self.0)
    }
}
