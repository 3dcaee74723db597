//! `SLAVEOF host port`, `SLAVEOF NO ONE`
//!
//! The old name of REPLICAOF.
//!
//! Source: Redis documentation, SLAVEOF.

use dunlin_spec::{CommandSpec, Group};

use super::replicaof::{ARGS, FLAGS, run};
use crate::command::Command;

const SPEC: CommandSpec = CommandSpec::new("slaveof", Group::Server, 3)
    .summary("Sets a Redis server as a replica of another, or promotes it to being a master.")
    .since("1.0.0")
    .complexity("O(1)")
    .flags(FLAGS)
    .args(ARGS)
    .deprecated("5.0.0", "`REPLICAOF`");

/// SLAVEOF's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);
