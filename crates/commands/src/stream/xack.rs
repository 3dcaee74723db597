//! `XACK key group id [id ...]`
//!
//! Entries are done with: they are no longer pending. Replies how many were.
//!
//! Source: Redis documentation, XACK.

use dunlin_keyspace::Slot;
use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::{CommandError, CommandResult};
use crate::stream::id::parse_ids;
use crate::stream::stream_of;

const SPEC: CommandSpec = CommandSpec::new("xack", Group::Stream, -4)
    .summary(
        "Returns the number of messages that were successfully acknowledged by the consumer \
         group member of a stream.",
    )
    .since("5.0.0")
    .complexity("O(1) for each message ID processed.")
    .flags(&[Flags::WRITE, Flags::FAST])
    .categories(&[Categories::STREAM])
    .keys(&[KeySpec::at(1, &[KeyFlags::RW, KeyFlags::UPDATE])])
    .args(&[Arg::key("key", 0), Arg::string("group"), Arg::string("id").multiple()]);

/// XACK's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let (key, group_name) = (args.get(1), args.get(2));
    let mut acknowledged = 0;
    if cx.keyspace.get(cx.db, key).is_some()
        && let Slot::Occupied(mut slot) = cx.keyspace.slot(cx.db, key)
        && let Some(group) = stream_of(&slot)?.groups.get(group_name)
    {
        let ids = parse_ids(&args.words()[3..])?;
        if ids.iter().any(|id| group.delivery(*id).is_some()) {
            let stream = slot.bookkeeping_mut().into_stream().ok_or(CommandError::WrongType)?;
            let group = stream.groups.get_mut(group_name).ok_or(CommandError::NoSuchKey)?;
            acknowledged = ids.iter().filter(|id| group.acknowledge(**id).is_some()).count();
        }
    }
    cx.effects.changed(acknowledged as u64);
    cx.reply.integer(acknowledged as i64);
    Ok(())
}
