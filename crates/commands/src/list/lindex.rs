//! LINDEX key index
//!
//! Replies an element by its number, counted from the back if negative.
//!
//! Source: Redis documentation, LINDEX.

use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::CommandError;
use crate::error::CommandResult;
use crate::list::index_of;
use crate::string::reply_string;

const SPEC: CommandSpec = CommandSpec::new("lindex", Group::List, 3)
    .summary("Returns an element from a list by its index.")
    .since("1.0.0")
    .complexity(
        "O(N) where N is the number of elements to traverse to get to the element at index. This \
         makes asking for the first or the last element of the list O(1).",
    )
    .flags(&[Flags::READONLY])
    .categories(&[Categories::LIST])
    .keys(&[KeySpec::at(1, &[KeyFlags::RO, KeyFlags::ACCESS])])
    .args(&[Arg::key("key", 0), Arg::integer("index")]);

/// LINDEX's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let Some(entry) = cx.keyspace.get(cx.db, args.get(1)) else {
        cx.reply.null();
        return Ok(());
    };
    let list = entry.list().ok_or(CommandError::WrongType)?;
    let found = index_of(args.integer(2)?, list.len())
        .and_then(|index| list.get(index, |element| reply_string(cx.reply, element)));
    if found.is_none() {
        cx.reply.null();
    }
    Ok(())
}
