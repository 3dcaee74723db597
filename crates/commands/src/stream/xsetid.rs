//! `XSETID key last-id [ENTRIESADDED entries-added] [MAXDELETEDID max-deleted-id]`
//!
//! Overwrites what a stream remembers of entries that are gone.
//!
//! Source: Redis documentation, XSETID.

use dunlin_keyspace::Slot;
use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};
use dunlin_values::stream::{Log, StreamId};

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::{CommandError, CommandResult};
use crate::stream::groups::changed;
use crate::stream::id::parse_id;
use crate::stream::stream_of;

const SPEC: CommandSpec = CommandSpec::new("xsetid", Group::Stream, -3)
    .summary("An internal command for replicating stream values.")
    .since("5.0.0")
    .complexity("O(1)")
    .flags(&[Flags::WRITE, Flags::DENYOOM, Flags::FAST])
    .categories(&[Categories::STREAM])
    .keys(&[KeySpec::at(1, &[KeyFlags::RW, KeyFlags::UPDATE])])
    .history(&[("7.0.0", "Added the `entries_added` and `max_deleted_entry_id` arguments.")])
    .args(&[
        Arg::key("key", 0),
        Arg::string("last-id"),
        Arg::integer("entries-added").token("ENTRIESADDED").optional().since("7.0.0"),
        Arg::string("max-deleted-id").token("MAXDELETEDID").optional().since("7.0.0"),
    ]);

/// XSETID's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

/// What is to be remembered.
struct Memory {
    last_id: StreamId,
    entries_added: Option<u64>,
    max_deleted_id: Option<StreamId>,
}

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let key = args.get(1);
    let memory = parse(args)?;
    let Slot::Occupied(mut slot) = cx.keyspace.slot(cx.db, key) else {
        return Err(CommandError::NoSuchKey);
    };
    check(&memory, &stream_of(&slot)?.log)?;
    let stream = slot.bookkeeping_mut().into_stream().ok_or(CommandError::WrongType)?;
    stream.log.set_last_id(memory.last_id, memory.entries_added, memory.max_deleted_id);
    changed(cx.effects, cx.db, "xsetid", key);
    cx.reply.ok();
    Ok(())
}

fn parse(args: Args<'_>) -> Result<Memory, CommandError> {
    let last_id = parse_id(args.get(2), 0)?;
    let mut memory = Memory { last_id, entries_added: None, max_deleted_id: None };
    let mut words = args.cursor(3);
    while let Some(word) = words.next_word() {
        if word.eq_ignore_ascii_case(b"entriesadded") && words.remaining() > 0 {
            let count = u64::try_from(words.integer()?)
                .map_err(|_| CommandError::fixed("ERR entries_added must be positive"))?;
            memory.entries_added = Some(count);
        } else if word.eq_ignore_ascii_case(b"maxdeletedid") && words.remaining() > 0 {
            let id = parse_id(words.value()?, 0)?;
            if last_id < id {
                return Err(CommandError::fixed(
                    "ERR The ID specified in XSETID is smaller than the provided \
                     max_deleted_entry_id",
                ));
            }
            // 0-0 leaves it as it is.
            memory.max_deleted_id = Some(id).filter(|id| *id != StreamId::MIN);
        } else {
            return Err(CommandError::Syntax);
        }
    }
    Ok(memory)
}

/// The stream's promises hold with the new memory too.
fn check(memory: &Memory, log: &Log) -> CommandResult {
    let refused = if memory.last_id < log.max_deleted_id() {
        "ERR The ID specified in XSETID is smaller than current max_deleted_entry_id"
    } else if log.newest_id().is_some_and(|newest| memory.last_id < newest) {
        "ERR The ID specified in XSETID is smaller than the target stream top item"
    } else if memory.entries_added.is_some_and(|added| added < log.len()) {
        "ERR The entries_added specified in XSETID is smaller than the target stream length"
    } else {
        return Ok(());
    };
    Err(CommandError::fixed(refused))
}
