//! Members in replies.

use dunlin_resp::{Protocol, Reply};
use dunlin_values::listpack::Element;

use crate::context::Context;
use crate::error::{CommandError, CommandResult};
use crate::sorted_set::range::Selection;

/// Replies a member.
#[inline]
pub(super) fn member(reply: &mut Reply, member: Element<'_>) {
    match member {
        Element::Int(number) => reply.bulk_integer(number),
        Element::Text(text) => reply.bulk(text),
    }
}

/// Replies the selected members of the sorted set that `key` holds, none if it does not exist.
pub(super) fn reply_selection(
    cx: &mut Context<'_>,
    key: &[u8],
    selection: &Selection<'_>,
) -> CommandResult {
    let Some(entry) = cx.keyspace.get(cx.db, key) else {
        cx.reply.array(0);
        return Ok(());
    };
    let set = entry.sorted_set().ok_or(CommandError::WrongType)?;
    members(cx.reply, selection.members(set), selection.with_scores);
    Ok(())
}

/// Replies members in order; with scores, RESP3 has a pair for each and RESP2 one flat array.
pub(super) fn members<'a>(
    reply: &mut Reply,
    members: impl ExactSizeIterator<Item = (Element<'a>, f64)>,
    with_scores: bool,
) {
    header(reply, members.len(), with_scores);
    for (name, score) in members {
        if reply.output.has_overflowed() {
            return;
        }
        pair(reply, name, score, with_scores);
    }
}

/// The header in front of so many [`pair`]s.
pub(super) fn header(reply: &mut Reply, count: usize, with_scores: bool) {
    let flat = with_scores && reply.protocol == Protocol::Resp2;
    reply.array(if flat { 2 * count } else { count });
}

/// One member, with its score if asked for.
#[inline]
pub(super) fn pair(reply: &mut Reply, name: Element<'_>, score: f64, with_scores: bool) {
    if with_scores && reply.protocol == Protocol::Resp3 {
        reply.array(2);
    }
    member(reply, name);
    if with_scores {
        reply.double(score);
    }
}
