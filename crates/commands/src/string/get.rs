//! GET key
//!
//! Replies the string a key holds, or nil.
//!
//! Source: Redis documentation, GET.

use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};

use crate::args::Args;
use crate::context::Context;
use crate::error::CommandResult;
use crate::string::reply_value;
use crate::table::Command;

const SPEC: CommandSpec = CommandSpec::new("get", Group::String, 2)
    .summary("Returns the string value of a key.")
    .since("1.0.0")
    .complexity("O(1)")
    .flags(&[Flags::READONLY, Flags::FAST])
    .categories(&[Categories::STRING])
    .keys(&[KeySpec::at(1, &[KeyFlags::RO, KeyFlags::ACCESS])])
    .args(&[Arg::key("key", 0)]);

/// GET's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    reply_value(cx, args.get(1)).map(|_| ())
}
