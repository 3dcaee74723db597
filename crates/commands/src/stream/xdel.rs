//! `XDEL key id [id ...]`
//!
//! Removes entries; replies how many there were. A stream without entries stays.
//!
//! Source: Redis documentation, XDEL.

use dunlin_keyspace::Slot;
use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::effects::KeyEventClass;
use crate::error::{CommandError, CommandResult};
use crate::stream::id::parse_ids;
use crate::stream::stream_of;

const SPEC: CommandSpec = CommandSpec::new("xdel", Group::Stream, -3)
    .summary("Returns the number of messages after removing them from a stream.")
    .since("5.0.0")
    .complexity("O(1) for each single item to delete in the stream, regardless of the stream size.")
    .flags(&[Flags::WRITE, Flags::FAST])
    .categories(&[Categories::STREAM])
    .keys(&[KeySpec::at(1, &[KeyFlags::RW, KeyFlags::DELETE])])
    .args(&[Arg::key("key", 0), Arg::string("id").multiple()]);

/// XDEL's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let key = args.get(1);
    let Slot::Occupied(mut slot) = cx.keyspace.slot(cx.db, key) else {
        cx.reply.integer(0);
        return Ok(());
    };
    let stream = stream_of(&slot)?;
    let ids = parse_ids(&args.words()[2..])?;
    let mut removed = 0;
    if ids.iter().any(|id| stream.log.contains(*id)) {
        let stream = slot.value_mut().into_stream().ok_or(CommandError::WrongType)?;
        removed = ids.iter().filter(|id| stream.log.delete(**id)).count();
        cx.effects.changed(removed as u64);
        cx.effects.notify(KeyEventClass::STREAM, "xdel", cx.db, key);
    }
    cx.reply.integer(removed as i64);
    Ok(())
}
