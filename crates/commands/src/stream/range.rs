//! What XRANGE and XREVRANGE share.

use dunlin_values::stream::Direction;

use crate::args::Args;
use crate::context::Context;
use crate::error::{CommandError, CommandResult};
use crate::stream::entry_reply::reply_entries;
use crate::stream::id::{parse_range_end, parse_range_start};
use crate::stream::stream_of;

/// Replies the entries of a range from one of its ends.
pub(super) fn run(cx: &mut Context<'_>, args: Args<'_>, direction: Direction) -> CommandResult {
    let (start, end) = match direction {
        Direction::Forward => (args.get(2), args.get(3)),
        Direction::Backward => (args.get(3), args.get(2)),
    };
    let (start, end) = (parse_range_start(start)?, parse_range_end(end)?);
    let mut limit = None;
    let mut words = args.cursor(4);
    while let Some(word) = words.next_word() {
        if !word.eq_ignore_ascii_case(b"count") || words.remaining() == 0 {
            return Err(CommandError::Syntax);
        }
        // -1 is how 7.2 remembers that there was no COUNT, but what a client sends is cut at 0.
        limit = Some(u64::try_from(words.integer()?).unwrap_or(0));
    }
    let Some(entry) = cx.keyspace.get(cx.db, args.get(1)) else {
        cx.reply.array(0);
        return Ok(());
    };
    let stream = stream_of(&entry)?;
    if limit == Some(0) {
        cx.reply.null_array();
    } else {
        reply_entries(cx.reply, stream.log.entries(start, end, direction), limit);
    }
    Ok(())
}
