//! `HPTTL key FIELDS numfields field [field ...]`
//!
//! As HTTL, in milliseconds.
//!
//! Source: Redis documentation, HPTTL.

use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::CommandResult;
use crate::hash::field_names::NAMES;
use crate::hash::httl::{Form, tell_deadlines};

const SPEC: CommandSpec = CommandSpec::new("hpttl", Group::Hash, -5)
    .summary("Returns the TTL in milliseconds of a hash field.")
    .since("7.4.0")
    .complexity("O(N) where N is the number of specified fields")
    .flags(&[Flags::READONLY, Flags::FAST])
    .categories(&[Categories::HASH])
    .keys(&[KeySpec::at(1, &[KeyFlags::RO, KeyFlags::ACCESS])])
    .tips(&["nondeterministic_output"])
    .args(&[Arg::key("key", 0), NAMES]);

/// HPTTL's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    tell_deadlines(cx, args, Form { unit_ms: 1, from_now: true })
}
