//! A data set that a primary sends: into a file that is verified before it counts, or straight
//! into the loader.
//!
//! ```text
//!  command thread                 jobs
//!  --------------                 ----
//!  bytes of the --> ReceiveQueue --> ReceiveJob --> temp-<time>.<pid>.rdb --> CheckJob
//!  connection       at most 16 MB        |             right behind: decodes all of it,
//!                                        |             verifies its sum
//!                                        | sync; when it is sound, rename over dbfilename,
//!                                        | sync the directory
//!                                        +--> ReceivedFile --> Loader
//!                       or
//!                   ReceiveQueue ---------------------------> Loader (no file)
//! ```
//!
//! Nothing of a replica's old data is given up before the file has been decoded to its end: what
//! cannot be loaded costs nothing but another attempt, and never takes the place of the snapshot
//! file. The file that was verified is the one that is loaded, whoever gives another one its name
//! meanwhile.

mod arrival;
mod check;
mod error;
mod job;
mod queue;
#[cfg(test)]
mod tests;

pub(crate) use arrival::Arrival;
pub use check::CheckJob;
pub use job::{ReceiveEvent, ReceiveJob, ReceiveRequest, ReceivedFile};
pub(crate) use queue::ReceiveQueue;
