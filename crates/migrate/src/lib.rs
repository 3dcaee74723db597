//! MIGRATE without I/O: keys go to another server, and nobody waits for that but the client that
//! asked for it.
//!
//! ```text
//!   begin(Request)                        +------------+   Action: Connect, Send, Close
//!   connected, connect_failed, received,  |            | ---> whoever moves bytes
//!   drained, closed, time_out        ---> | Migrations |
//!   restore, begin_large, piece, skip     |            |   next_job:   the next key, as a payload
//!                                         +------------+   next_ended: which keys are there now
//! ```
//!
//! A *transfer* is one MIGRATE: AUTH and SELECT where they are needed, then a RESTORE for each key,
//! all without waiting for replies. Payloads are asked for one by one ([`Migrations::next_job`]),
//! and no more of them than [`SEND_BYTES`] while the connection has not taken what it was given: so
//! many small keys leave with one write, and a large value takes little memory.
//! A *link* is a connection. When its transfer has ended it is kept for the next one to the same
//! server, [`IDLE_US`] long. One that breaks before a key was answered is replaced once: it may have
//! been closed by its server long ago.
//!
//! From [`Migrations::begin`] until [`Migrations::release`] the keys of a transfer are *in flight*:
//! whoever changes keys asks [`Migrations::is_in_flight`] and waits. (With COPY, until the last
//! payload was made.) Which keys the target has acknowledged is known when the transfer ends.
//!
//! Invariants: a key counts as acknowledged only if its RESTORE was answered with a status and
//! neither AUTH nor SELECT with an error; a transfer ends once, whatever its link does.
//! This crate must never know sockets, data sets, clients or their replies.
//!
//! Source: redis.io, MIGRATE; retries, cached connections and the order of errors as observed on
//! 7.2.6 servers.

#![forbid(unsafe_code)]

mod action;
mod jobs;
mod link;
mod links;
mod migrations;
mod request;
#[cfg(test)]
mod tests;
mod transfer;

pub use action::{Action, LinkId};
pub use jobs::Job;
pub use links::{IDLE_US, LINKS_MAX};
pub use migrations::Migrations;
pub use request::{Credentials, Request, TransferId};
pub use transfer::{Ended, Outcome, SEND_BYTES};
