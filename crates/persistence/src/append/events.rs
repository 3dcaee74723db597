//! What became of requests to the log.

use super::error::AppendError;
use super::rewrite::{Committed, Incremental};

/// Told to the command thread. Offsets are those the caller gave with its writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AppendEvent {
    /// What was queued is written up to this offset; told when no sync follows at once, so that
    /// the end of trouble is heard.
    Written(u64),
    /// What was appended up to this offset will be found after a power loss.
    Synced(u64),
    /// A write failed. Its bytes are kept and wait for [`super::AppendLog::retry`].
    WriteFailed(WriteFailure),
    /// A sync failed; what the system said. Nothing is known of what was appended since the last
    /// [`AppendEvent::Synced`], and this file will not be synced again: only a rewrite with
    /// [`Incremental::Temporary`] helps.
    SyncFailed(String),
    /// What is appended from where the rewrite was begun goes to a new file.
    RewriteBegun(Incremental),
    /// It does not; all goes on as before.
    RewriteNotBegun(AppendError),
    /// The new base is in place.
    RewriteCommitted(Committed),
    /// The new base is not in use. With [`Incremental::Temporary`] no file is open now.
    RewriteNotCommitted(AppendError),
    /// The log is closed, and the job ends. Whether all of it is on the medium.
    Closed(Result<(), String>),
    /// A line for the server's log.
    Log(LogLine),
}

/// What a failed write has left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WriteFailure {
    /// What the system said.
    pub error: String,
    /// Where a part of the bytes was written and could not be cut off again, what the system said
    /// to that. The next write goes on behind that part; a crash before it leaves a file that ends
    /// within a command.
    pub cut_error: Option<String>,
}

/// A line for the server's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// How much it matters.
    pub level: LogLevel,
    /// The line.
    pub text: String,
}

/// How much a line of the log matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogLevel {
    /// What everybody may want to know.
    Notice,
    /// What somebody should look at.
    Warning,
}
