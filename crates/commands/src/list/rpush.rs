//! `RPUSH key element [element ...]`
//!
//! Puts elements behind a list; replies its length.
//!
//! Source: Redis documentation, RPUSH.

use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};
use dunlin_values::list::End;

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::CommandResult;
use crate::list::push::{Missing, push};

const SPEC: CommandSpec = CommandSpec::new("rpush", Group::List, -3)
    .summary("Appends one or more elements to a list. Creates the key if it doesn't exist.")
    .since("1.0.0")
    .complexity(
        "O(1) for each element added, so O(N) to add N elements when the command is called with \
         multiple arguments.",
    )
    .flags(&[Flags::WRITE, Flags::DENYOOM, Flags::FAST])
    .categories(&[Categories::LIST])
    .keys(&[KeySpec::at(1, &[KeyFlags::RW, KeyFlags::INSERT])])
    .history(&[("2.4.0", "Accepts multiple `element` arguments.")])
    .args(&[Arg::key("key", 0), Arg::string("element").multiple()]);

/// RPUSH's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    push(cx, args, End::Back, Missing::Create)
}
