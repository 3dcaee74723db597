//! Every command of the server: what it declares, what it does, and the table that lists them.
//!
//! One file per command (or tight family), in the directory of its group: module doc with the
//! syntax, `SPEC`, `run`, tests. Two lines in the group's `mod.rs` register it: the module and the
//! entry in `COMMANDS`. [`table::Table`] derives everything else from these lists.
//!
//! A command sees a [`Context`]: the keyspace, where its reply goes, where its effects go, and the
//! [`Host`], narrow traits for what lies beyond the keyspace (clients, configuration, statistics).
//! The same `run` serves every caller: a connection, a transaction, a script, a log that is
//! replayed, a primary's stream.
//!
//! Invariants: a command writes its reply or returns an error, never both; it changes values only
//! through a keyspace slot; it says what it changed to [`Effects`]; it reads no clock and no random
//! source but those in the context. It must never know a socket, a thread or a session's buffers.

#![forbid(unsafe_code)]

mod args;
pub mod blocking;
mod catalogue;
mod collection_scan;
mod command;
mod context;
mod effects;
mod error;
mod help;
mod host;
pub mod parameters;
pub mod table;
#[cfg(test)]
mod trial;

pub mod bitmap;
pub mod cluster;
pub mod connection;
pub mod generic;
pub mod geo;
pub mod hash;
pub mod hyperloglog;
pub mod list;
pub mod pubsub;
pub mod replication;
pub mod server;
pub mod set;
pub mod sorted_set;
pub mod stream;
pub mod string;
pub mod transactions;

pub use args::{Args, Cursor};
pub use command::{Command, Run};
pub use context::{Caller, Context};
pub use effects::{Effects, KeyEvent, KeyEventClass};
pub use error::{CommandError, CommandResult};
pub use host::{CpuTimes, Crash, Host, MemoryFigures, NotApplied, ProcessFacts};
pub use server::{Digest, Switches};
pub use table::Table;

/// The version of Redis whose behaviour this server has, as it tells clients.
pub const REDIS_VERSION: &str = "7.2.4";
