//! `PEXPIRE key milliseconds [NX|XX|GT|LT]`
//!
//! As EXPIRE, in milliseconds.
//!
//! Source: Redis documentation, PEXPIRE.

use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::CommandResult;
use crate::generic::expire::{CONDITION, Clock, set_deadline};

const SPEC: CommandSpec = CommandSpec::new("pexpire", Group::Generic, -3)
    .summary("Sets the expiration time of a key in milliseconds.")
    .since("2.6.0")
    .complexity("O(1)")
    .flags(&[Flags::WRITE, Flags::FAST])
    .categories(&[Categories::KEYSPACE])
    .keys(&[KeySpec::at(1, &[KeyFlags::RW, KeyFlags::UPDATE])])
    .history(&[("7.0.0", "Added options: `NX`, `XX`, `GT` and `LT`.")])
    .args(&[Arg::key("key", 0), Arg::integer("milliseconds"), CONDITION]);

/// PEXPIRE's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    set_deadline(cx, args, Clock::FROM_NOW_MS)
}
