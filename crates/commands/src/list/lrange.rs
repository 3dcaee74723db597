//! LRANGE key start stop
//!
//! Replies the elements from one number to another, both included and counted from the back if
//! negative.
//!
//! Source: Redis documentation, LRANGE.

use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};
use dunlin_values::list::End;

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::CommandError;
use crate::error::CommandResult;
use crate::list::{range_of, reply_range};

const SPEC: CommandSpec = CommandSpec::new("lrange", Group::List, 4)
    .summary("Returns a range of elements from a list.")
    .since("1.0.0")
    .complexity(
        "O(S+N) where S is the distance of start offset from HEAD for small lists, from nearest \
         end (HEAD or TAIL) for large lists; and N is the number of elements in the specified \
         range.",
    )
    .flags(&[Flags::READONLY])
    .categories(&[Categories::LIST])
    .keys(&[KeySpec::at(1, &[KeyFlags::RO, KeyFlags::ACCESS])])
    .args(&[Arg::key("key", 0), Arg::integer("start"), Arg::integer("stop")]);

/// LRANGE's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let (start, stop) = (args.integer(2)?, args.integer(3)?);
    let Some(entry) = cx.keyspace.get(cx.db, args.get(1)) else {
        cx.reply.array(0);
        return Ok(());
    };
    let list = entry.list().ok_or(CommandError::WrongType)?;
    let range = range_of(start, stop, list.len());
    reply_range(cx.reply, list, range.start, range.len(), End::Back);
    Ok(())
}
