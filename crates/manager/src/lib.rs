//! The manager of Redis clusters (`redis-cli --cluster`, `redis-trib.rb`), without I/O.
//!
//! What nodes say of themselves ([`Line`], [`parse_lines`]) becomes a [`View`]. From a view follow
//! plans, which are values: who gets which slots when a cluster is made ([`CreatePlan`]), which slots
//! change their owner ([`reshard()`], [`rebalance()`]), what mends a slot that stands open
//! ([`OpenSlot`]). What is wrong with a view says [`Health`]. A slot's move is a state machine that
//! asks and is answered ([`SlotMove`]). Whom to ask who reaches whom says [`probes_of_all`]. Texts exist in the wording of two programs ([`Dialect`]).
//!
//! ```
//! use dunlin_manager::{reshard, Source};
//!
//! let sources = [
//!     Source { node: 0, slots: "0-5460".parse().unwrap() },
//!     Source { node: 1, slots: "5461-10922".parse().unwrap() },
//! ];
//! let plan = reshard(&sources, 4);
//! assert_eq!(plan.iter().map(|step| step.slot).collect::<Vec<_>>(), [5461, 5462, 5463, 0]);
//! ```
//!
//! Source: redis.io, "Redis cluster specification" and "Scale with Redis Cluster"; the texts are
//! those that redis-cli 7.2 and redis-trib 4.0 show.

#![forbid(unsafe_code)]

mod affinity;
mod check;
mod create;
mod fix;
mod line;
mod probe;
mod rebalance;
mod reshard;
mod slot_move;
mod text;
mod view;

pub use affinity::Affinity;
pub use check::{Health, Problem, agree, are_settled};
pub use create::{Assignment, Candidate, CreatePlan, InvalidCreation};
pub use fix::{Election, OpenSlot, Remedy, Uncovered, uncovered};
pub use line::{InvalidLine, Line, parse_address, parse_lines};
pub use probe::{
    Probe, Unreached, explain_unreached, loopback_among_others, probes_of_all, probes_of_newcomer,
    probes_of_strangers, waves,
};
pub use rebalance::{Balance, Rebalance, Share, Transfer, Weight, rebalance};
pub use reshard::{Source, Step, reshard};
pub use slot_move::{Credentials, MoveOptions, MoveResult, Party, Peer, Request, SlotMove};
pub use text::{Dialect, Note, Tone, block, slot_ranges};
pub use view::{Node, View};
