//! `ZCOUNT key min max`
//!
//! Replies the number of members in a range of scores. O(log n).
//!
//! Source: Redis documentation, ZCOUNT.

use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::{CommandError, CommandResult};
use crate::sorted_set::range::{Bounds, Order};

const SPEC: CommandSpec = CommandSpec::new("zcount", Group::SortedSet, 4)
    .summary("Returns the count of members in a sorted set that have scores within a range.")
    .since("2.0.0")
    .complexity("O(log(N)) with N being the number of elements in the sorted set.")
    .flags(&[Flags::READONLY, Flags::FAST])
    .categories(&[Categories::SORTEDSET])
    .keys(&[KeySpec::at(1, &[KeyFlags::RO, KeyFlags::ACCESS])])
    .args(&[Arg::key("key", 0), Arg::double("min"), Arg::double("max")]);

/// ZCOUNT's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let bounds = Bounds::parse(Order::Score, args.get(2), args.get(3))?;
    let count = match cx.keyspace.get(cx.db, args.get(1)) {
        None => 0,
        Some(entry) => {
            let set = entry.sorted_set().ok_or(CommandError::WrongType)?;
            bounds.ranks(set, false).len()
        }
    };
    cx.reply.integer(count as i64);
    Ok(())
}
