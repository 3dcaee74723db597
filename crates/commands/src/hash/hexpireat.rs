//! `HEXPIREAT key unix-time-seconds [NX|XX|GT|LT] FIELDS numfields field [field ...]`
//!
//! As HEXPIRE, with the deadline in seconds of Unix time.
//!
//! Source: Redis documentation, HEXPIREAT.

use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::CommandResult;
use crate::hash::field_names::NAMES;
use crate::hash::hexpire::{CONDITION, Clock, set_deadlines};

const SPEC: CommandSpec = CommandSpec::new("hexpireat", Group::Hash, -6)
    .summary("Set expiry for hash field using an absolute Unix timestamp (seconds)")
    .since("7.4.0")
    .complexity("O(N) where N is the number of specified fields")
    .flags(&[Flags::WRITE, Flags::DENYOOM, Flags::FAST])
    .categories(&[Categories::HASH])
    .keys(&[KeySpec::at(1, &[KeyFlags::RW, KeyFlags::UPDATE])])
    .args(&[Arg::key("key", 0), Arg::unix_time("unix-time-seconds"), CONDITION, NAMES]);

/// HEXPIREAT's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    set_deadlines(cx, args, Clock::UNIX_SECONDS)
}
