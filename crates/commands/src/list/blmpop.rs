//! `BLMPOP timeout numkeys key [key ...] <LEFT|RIGHT> [COUNT count]`
//!
//! As LMPOP; waits for one of the lists if there is none.
//!
//! Source: Redis documentation, BLMPOP.

use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};
use dunlin_values::ValueType;

use crate::args::Args;
use crate::blocking::{Awaited, Timeout};
use crate::command::Command;
use crate::context::Context;
use crate::error::CommandResult;
use crate::list::mpop::{Query, pop_first};

const SPEC: CommandSpec = CommandSpec::new("blmpop", Group::List, -5)
    .summary(
        "Pops the first element from one of multiple lists. Blocks until an element is available \
         otherwise. Deletes the list if the last element was popped.",
    )
    .since("7.0.0")
    .complexity(
        "O(N+M) where N is the number of provided keys and M is the number of elements \
         returned.",
    )
    .flags(&[Flags::WRITE, Flags::BLOCKING])
    .categories(&[Categories::LIST])
    .keys(&[KeySpec::at(2, &[KeyFlags::RW, KeyFlags::ACCESS, KeyFlags::DELETE]).counted(0, 1)])
    .args(&[
        Arg::double("timeout"),
        Arg::integer("numkeys"),
        Arg::key("key", 0).multiple(),
        Arg::one_of("where", &[Arg::literal("left", "LEFT"), Arg::literal("right", "RIGHT")]),
        Arg::integer("count").token("COUNT").optional(),
    ]);

/// BLMPOP's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let query = Query::read(args, 2)?;
    let timeout = Timeout::seconds(args.get(1), cx.now)?;
    if pop_first(cx, &query)? {
        return Ok(());
    }
    if cx.may_block() {
        cx.block_on(query.keys.iter().copied(), Awaited::Value(ValueType::List), timeout);
    } else {
        cx.reply.null_array();
    }
    Ok(())
}
