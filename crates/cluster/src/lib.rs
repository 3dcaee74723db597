//! Redis Cluster without I/O: who is in the cluster, who is alive, who owns which slot, and who takes
//! over when a primary dies.
//!
//! ```text
//!   bytes of links, connections     +-----------+   Action: Connect, Send, Close, SaveConf,
//!   run_cron every 100 ms      ---> |  Cluster  | ---> ReplicateFrom, BecomePrimary, PauseWrites,
//!   before_sleep at a turn's end    |           |      DropKeysInSlots, Publish, Log, ...
//!   CLUSTER commands                +-----------+
//!                                     getters: owner(slot), is_ok(), nodes(), describe_nodes(), ...
//! ```
//!
//! A server makes a [`Cluster`] from its nodes.conf, tells it what happened, with the time and the
//! [`Facts`] that only a server knows, and does the [`Action`]s that follow. Nothing here reads a
//! clock, touches a socket or draws a number that the seed does not give, so a hundred nodes on a
//! simulated network replay from one seed.
//!
//! # Turns
//! 1. After every input, do what [`Cluster::poll_action`] gives until it gives nothing, before any
//!    client's command runs: a pause of writes must hold for the offset that has been promised.
//! 2. At the end of a turn, before sleeping, call [`Cluster::before_sleep`] and poll again. Messages
//!    that were made while something has to be saved wait for that.
//!
//! Source: redis.io, "Redis cluster specification"; the protocol as observed on 7.0.15 and 7.2.6
//! servers.

#![forbid(unsafe_code)]

mod action;
mod address;
mod admin;
pub mod bus;
mod claims;
mod cluster;
pub mod conf;
mod config;
mod cron;
mod describe;
mod error;
mod facts;
mod failover;
mod failure;
mod flags;
mod forget;
mod gossip;
mod id;
mod inputs;
mod links;
mod manual;
mod migration;
mod node;
mod nodes;
mod outbox;
mod probe;
mod rank;
mod reach;
mod receive;
mod roles;
mod send;
mod start;
mod state;
mod stats;
#[cfg(test)]
mod tests;
mod vote;

pub use action::{Action, BusRequest, Line, LinkId, Severity};
pub use address::{Address, BUS_PORT_OFFSET, Ports};
pub use admin::{Bump, FailoverMode, ResetMode, SetSlot};
pub use cluster::{Cluster, Start, StartError};
pub use config::{ClusterConfig, Flaw, Pace};
pub use describe::{LinkDescription, LinkDirection, Shard, SlotCounts, SlotRun};
pub use error::ClusterError;
pub use facts::{Facts, NoKeys, PrimaryLink, SlotKeys};
pub use flags::NodeFlags;
pub use id::NodeId;
pub use node::Node;
pub use reach::Unreachable;
pub use state::DownReason;
pub use stats::Stats;
