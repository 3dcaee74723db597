//! `BLMOVE source destination <LEFT|RIGHT> <LEFT|RIGHT> timeout`
//!
//! As LMOVE; waits for the source if it does not exist.
//!
//! Source: Redis documentation, BLMOVE.

use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};

use crate::args::Args;
use crate::blocking::Timeout;
use crate::command::Command;
use crate::context::Context;
use crate::error::CommandResult;
use crate::list::transfer::{blocking_transfer, read_end};

const SPEC: CommandSpec = CommandSpec::new("blmove", Group::List, 6)
    .summary(
        "Pops an element from a list, pushes it to another list and returns it. Blocks until an \
         element is available otherwise. Deletes the list if the last element was moved.",
    )
    .since("6.2.0")
    .complexity("O(1)")
    .flags(&[Flags::WRITE, Flags::DENYOOM, Flags::BLOCKING])
    .categories(&[Categories::LIST])
    .keys(&[
        KeySpec::at(1, &[KeyFlags::RW, KeyFlags::ACCESS, KeyFlags::DELETE]),
        KeySpec::at(2, &[KeyFlags::RW, KeyFlags::INSERT]),
    ])
    .args(&[
        Arg::key("source", 0),
        Arg::key("destination", 1),
        Arg::one_of("wherefrom", &[Arg::literal("left", "LEFT"), Arg::literal("right", "RIGHT")]),
        Arg::one_of("whereto", &[Arg::literal("left", "LEFT"), Arg::literal("right", "RIGHT")]),
        Arg::double("timeout"),
    ]);

/// BLMOVE's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let (from, to) = (read_end(args.get(3))?, read_end(args.get(4))?);
    let timeout = Timeout::seconds(args.get(5), cx.now)?;
    if blocking_transfer(cx, args, from, to, timeout)? {
        cx.effects.rewrite(&[b"LMOVE", args.get(1), args.get(2), args.get(3), args.get(4)]);
    }
    Ok(())
}
