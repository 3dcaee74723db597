//! `LMPOP numkeys key [key ...] <LEFT|RIGHT> [COUNT count]`
//!
//! Takes up to `count` elements (one if not said) from an end of the first list that exists; replies
//! its key and an array of them.
//!
//! Source: Redis documentation, LMPOP.

use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::CommandResult;
use crate::list::mpop::{Query, pop_first};

const SPEC: CommandSpec = CommandSpec::new("lmpop", Group::List, -4)
    .summary(
        "Returns multiple elements from a list after removing them. Deletes the list if the last \
         element was popped.",
    )
    .since("7.0.0")
    .complexity(
        "O(N+M) where N is the number of provided keys and M is the number of elements \
         returned.",
    )
    .flags(&[Flags::WRITE])
    .categories(&[Categories::LIST])
    .keys(&[KeySpec::at(1, &[KeyFlags::RW, KeyFlags::ACCESS, KeyFlags::DELETE]).counted(0, 1)])
    .args(&[
        Arg::integer("numkeys"),
        Arg::key("key", 0).multiple(),
        Arg::one_of("where", &[Arg::literal("left", "LEFT"), Arg::literal("right", "RIGHT")]),
        Arg::integer("count").token("COUNT").optional(),
    ]);

/// LMPOP's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let query = Query::read(args, 1)?;
    if !pop_first(cx, &query)? {
        cx.reply.null_array();
    }
    Ok(())
}
