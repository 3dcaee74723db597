//! `LMOVE source destination <LEFT|RIGHT> <LEFT|RIGHT>`
//!
//! Moves an element from an end of one list to an end of another, which may be the same; replies it.
//!
//! Source: Redis documentation, LMOVE.

use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::CommandResult;
use crate::list::transfer::{read_end, transfer};

const SPEC: CommandSpec = CommandSpec::new("lmove", Group::List, 5)
    .summary(
        "Returns an element after popping it from one list and pushing it to another. Deletes \
         the list if the last element was moved.",
    )
    .since("6.2.0")
    .complexity("O(1)")
    .flags(&[Flags::WRITE, Flags::DENYOOM])
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
    ]);

/// LMOVE's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let (from, to) = (read_end(args.get(3))?, read_end(args.get(4))?);
    if !transfer(cx, args.get(1), args.get(2), from, to)? {
        cx.reply.null();
    }
    Ok(())
}
