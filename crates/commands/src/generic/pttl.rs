//! `PTTL key`
//!
//! As TTL, in milliseconds.
//!
//! Source: Redis documentation, PTTL.

use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::CommandResult;
use crate::generic::ttl::{Form, tell_deadline};

const SPEC: CommandSpec = CommandSpec::new("pttl", Group::Generic, 2)
    .summary("Returns the expiration time in milliseconds of a key.")
    .since("2.6.0")
    .complexity("O(1)")
    .flags(&[Flags::READONLY, Flags::FAST])
    .categories(&[Categories::KEYSPACE])
    .keys(&[KeySpec::at(1, &[KeyFlags::RO, KeyFlags::ACCESS])])
    .tips(&["nondeterministic_output"])
    .history(&[("2.8.0", "Added the -2 reply.")])
    .args(&[Arg::key("key", 0)]);

/// PTTL's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    tell_deadline(cx, args, Form { unit_ms: 1, from_now: true });
    Ok(())
}
