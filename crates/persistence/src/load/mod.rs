//! Loading what was kept: files are read and decoded on a thread of their own, the command thread
//! only puts what is ready into its databases.
//!
//! ```text
//!  LoadPlan --> Loader (job) ---- LoadBatch ----> LoadReceiver (command thread)
//!               reads blocks     at most 16 MB    entries: into databases
//!               verifies sums                     commands: run
//!               makes entries  <--- room, used    aux, functions, log lines
//!               finds commands      vectors
//! ```
//!
//! Each file is an RDB file, or commands, or one behind the other: what it is, its first bytes say.
//! A log of commands that was cut while it was written is cut back to its last whole command or
//! transaction, if it is the last file and `aof-load-truncated` says so.
//! [`load_blocking`] does the same on the spot (DEBUG RELOAD).

mod batch;
mod error;
mod loader;
mod log_file;
mod plan;
mod position;
mod queue;
mod snapshot_file;
#[cfg(test)]
mod tests;

pub use batch::{FileReport, LoadBatch, LoadReport, LoadedEntry};
pub use error::{LoadError, LoadErrorCause};
pub use loader::{LoadRules, Loader, load_blocking};
pub use plan::{FileRole, LoadFile, LoadPlan};
pub(crate) use position::PositionFields;
pub use queue::{LoadProgress, LoadReceiver};

/// Bytes that are handed over at once: enough that a hand-over costs nothing, little enough that
/// clients are answered in between.
const BATCH_BYTES: usize = 256 << 10;
