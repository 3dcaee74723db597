//! BRPOPLPUSH source destination timeout
//!
//! As RPOPLPUSH; waits for the source if it does not exist.
//!
//! Source: Redis documentation, BRPOPLPUSH.

use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};
use dunlin_values::list::End;

use crate::args::Args;
use crate::blocking::Timeout;
use crate::command::Command;
use crate::context::Context;
use crate::error::CommandResult;
use crate::list::transfer::blocking_transfer;

const SPEC: CommandSpec = CommandSpec::new("brpoplpush", Group::List, 4)
    .summary(
        "Pops an element from a list, pushes it to another list and returns it. Block until an \
         element is available otherwise. Deletes the list if the last element was popped.",
    )
    .since("2.2.0")
    .complexity("O(1)")
    .deprecated("6.2.0", "`BLMOVE` with the `RIGHT` and `LEFT` arguments")
    .flags(&[Flags::WRITE, Flags::DENYOOM, Flags::BLOCKING])
    .categories(&[Categories::LIST])
    .keys(&[
        KeySpec::at(1, &[KeyFlags::RW, KeyFlags::ACCESS, KeyFlags::DELETE]),
        KeySpec::at(2, &[KeyFlags::RW, KeyFlags::INSERT]),
    ])
    .history(&[("6.0.0", "`timeout` is interpreted as a double instead of an integer.")])
    .args(&[Arg::key("source", 0), Arg::key("destination", 1), Arg::double("timeout")]);

/// BRPOPLPUSH's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let timeout = Timeout::seconds(args.get(3), cx.now)?;
    if blocking_transfer(cx, args, End::Back, End::Front, timeout)? {
        cx.effects.rewrite(&[b"RPOPLPUSH", args.get(1), args.get(2)]);
    }
    Ok(())
}
