//! The file that names the process.

use std::path::{Path, PathBuf};

use dunlin_reactor::os_error_text;

use crate::log::Log;

/// Where a daemon puts it when nothing is configured.
pub(crate) const DEFAULT: &str = "/var/run/redis.pid";

/// A pid file that was written; removed by [`PidFile::remove`].
pub(crate) struct PidFile(PathBuf);

impl PidFile {
    /// Writes the file. Failure is logged and otherwise ignored: a server without its pid file
    /// serves better than none.
    pub(crate) fn write(path: &Path, log: &Log) -> Self {
        // Absolute, because `dir` may change while the server runs.
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        if let Err(error) = std::fs::write(&path, format!("{}\n", std::process::id())) {
            log.notice(format_args!("Failed to write PID file: {}", os_error_text(&error)));
        }
        Self(path)
    }

    pub(crate) fn remove(self, log: &Log) {
        log.notice("Removing the pid file.");
        let _ = std::fs::remove_file(self.0);
    }
}
