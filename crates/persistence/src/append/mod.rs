//! The append-only file on disk: which files it has, and who writes to them.
//!
//! [`AppendFiles`] keeps the directory: a base, incremental files and the manifest that names them.
//! It changes them in an order that leaves, whenever the power goes, a manifest that names whole
//! files only. [`AppendJob`] writes and syncs the last incremental file beside the command thread,
//! which holds its other end, [`AppendLog`].
//!
//! ```text
//!             AppendFiles::open                      AppendFiles::enable
//!                    | LoadPlan                  (CONFIG SET appendonly yes)
//!             (load the files)                              |
//!                    |                                      |
//!             AppendFiles::start                            |  no file is open
//!                    | OpenLog                              |
//!                    +-------> AppendLog, AppendJob <-------+
//!                                      |
//!            begin_rewrite: writes go to a new incremental file
//!                                      |
//!        commit_rewrite: the new base, and what it stands for is removed
//!        abort_rewrite:  all files stay (Listed), or the new one goes (Temporary)
//! ```
//!
//! Where the order matters:
//! - Nothing is touched before the manifest, or its temporary file, is locked: two servers in one
//!   directory never share a log.
//! - A file is whole and synced, and its name too, before a manifest names it.
//! - An incremental file is synced before the next one gets its first byte: so a file that was cut
//!   by a crash is the last one with anything in it.
//! - A file is removed after the manifest that does without it has been synced.
//!
//! Differs: Redis takes no lock; it tells a file that was cut from one that is damaged by its place
//! alone, and refuses a cut file that has an empty one behind it.

mod error;
mod events;
mod files;
mod job;
mod log;
mod manifest_file;
mod open_log;
mod paths;
mod queue;
mod rewrite;
#[cfg(test)]
mod tests;

pub use error::AppendError;
pub use events::{AppendEvent, LogLevel, LogLine, WriteFailure};
pub use files::{AppendFiles, read_plan};
pub use job::AppendJob;
pub use log::{AppendLog, Appended};
pub use open_log::OpenLog;
pub use paths::AppendPaths;
pub use rewrite::{Committed, Incremental};
