//! One server as a value.
//!
//! A [`Node`] is driven by whoever moves bytes and arms timers: the reactor in the server, a plain
//! loop in a test, the simulator. It never waits and never asks the system for anything.
//!
//! One turn:
//! 1. [`Node::begin_turn`] with the time;
//! 2. [`Node::connect`], [`Node::input`] and [`Node::handle_input`], [`Node::handle_end`] for what
//!    happened on connections; [`Node::handle_deadline`] when [`Node::next_deadline`] has come;
//! 3. [`Node::run`] when all that is readable has been read;
//! 4. [`Node::next_with_output`] and [`Node::output`] until nothing is left: one write for each
//!    connection, however many replies it got;
//! 5. [`Node::next_action`], then [`Node::next_connect`], until nothing is left; what becomes of a
//!    connection that the node wants is told with [`Node::handle_connected`] or
//!    [`Node::handle_connect_failed`];
//! 6. [`Node::end_turn`].
//!
//! A node has links beside its clients, to other nodes of its cluster and for MIGRATE: [`Node::accept_link`], [`Node::link_input`] and
//! their kin are to them what the calls above are to clients.
//!
//! Invariants: output is only ever appended by commands and only ever removed by
//! [`Outgoing::advance`]; a token is not used again before [`Node::handle_end`] or the action
//! [`Action::Close`] has been seen. This crate must never know a socket, a file or a thread.

#![forbid(unsafe_code)]

mod admission;
mod held;
mod links;
mod node;
mod outbound;
mod outgoing;
mod sync_group;

pub use dunlin_session::{Peer, Token};
pub use links::{LinkRequest, LinkToken};
pub use node::{Action, Environment, Node, Refusal};
pub use outbound::ConnectRequest;
pub use outgoing::Outgoing;
