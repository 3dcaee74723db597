//! `EXPIRETIME key`
//!
//! As TTL, but the deadline itself, in seconds of Unix time.
//!
//! Source: Redis documentation, EXPIRETIME.

use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::CommandResult;
use crate::generic::ttl::{Form, tell_deadline};

const SPEC: CommandSpec = CommandSpec::new("expiretime", Group::Generic, 2)
    .summary("Returns the expiration time of a key as a Unix timestamp.")
    .since("7.0.0")
    .complexity("O(1)")
    .flags(&[Flags::READONLY, Flags::FAST])
    .categories(&[Categories::KEYSPACE])
    .keys(&[KeySpec::at(1, &[KeyFlags::RO, KeyFlags::ACCESS])])
    .args(&[Arg::key("key", 0)]);

/// EXPIRETIME's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    tell_deadline(cx, args, Form { unit_ms: 1000, from_now: false });
    Ok(())
}
