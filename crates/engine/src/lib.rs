//! Dispatch: the one entry point that runs a command for every caller, and what follows from it.
//!
//! [`Engine::run_input`] decodes what arrived from a connection and runs it; [`Engine::execute`]
//! runs one command for anybody: it looks the command up, checks what must hold before it may run,
//! runs it, and hands what it changed to the [`EffectStream`].
//!
//! Invariants: an engine has one owning thread and no locks; a command runs to its end before
//! anything else sees the keyspace; effects are handed out in the order in which they happened.
//! This crate must never know a socket, a file or a thread.

#![forbid(unsafe_code)]

mod account;
mod ahead;
mod blocking;
mod check;
mod clients;
mod cluster;
mod engine;
mod eviction;
mod expiry;
mod follow;
mod input;
mod loading;
mod migrate;
mod monitor;
mod notifications;
mod persistence;
mod plan;
mod redact;
mod redirect;
mod replication;
mod stream;
mod touched;
mod tracking;
mod transaction;

pub use ahead::CONNECTIONS_AHEAD_MAX;
pub use engine::{Engine, Parts};
pub use follow::{Follower, StreamFault};
pub use replication::ShutdownOutcome;
pub use stream::EffectStream;
