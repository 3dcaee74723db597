//! RPOPLPUSH source destination
//!
//! Moves the last element of a list to the front of another, which may be the same; replies it.
//!
//! Source: Redis documentation, RPOPLPUSH.

use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};
use dunlin_values::list::End;

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::CommandResult;
use crate::list::transfer::transfer;

const SPEC: CommandSpec = CommandSpec::new("rpoplpush", Group::List, 3)
    .summary(
        "Returns the last element of a list after removing and pushing it to another list. \
         Deletes the list if the last element was popped.",
    )
    .since("1.2.0")
    .complexity("O(1)")
    .deprecated("6.2.0", "`LMOVE` with the `RIGHT` and `LEFT` arguments")
    .flags(&[Flags::WRITE, Flags::DENYOOM])
    .categories(&[Categories::LIST])
    .keys(&[
        KeySpec::at(1, &[KeyFlags::RW, KeyFlags::ACCESS, KeyFlags::DELETE]),
        KeySpec::at(2, &[KeyFlags::RW, KeyFlags::INSERT]),
    ])
    .args(&[Arg::key("source", 0), Arg::key("destination", 1)]);

/// RPOPLPUSH's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    if !transfer(cx, args.get(1), args.get(2), End::Back, End::Front)? {
        cx.reply.null();
    }
    Ok(())
}
