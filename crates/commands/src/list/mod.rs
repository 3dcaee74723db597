//! Commands on lists.

use std::ops::Range;

use dunlin_keyspace::Occupied;
use dunlin_resp::Reply;
use dunlin_values::StringRef;
use dunlin_values::list::{End, ListLimits, ListMut, ListRef};

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::string::reply_string;

mod blmove;
mod blmpop;
mod blpop;
mod brpop;
mod brpoplpush;
mod lindex;
mod linsert;
mod llen;
mod lmove;
mod lmpop;
mod lpop;
mod lpos;
mod lpush;
mod lpushx;
mod lrange;
mod lrem;
mod lset;
mod ltrim;
mod mpop;
mod pop;
mod push;
mod rpop;
mod rpoplpush;
mod rpush;
mod rpushx;
mod transfer;

/// The group's part of the command table.
pub(crate) const COMMANDS: &[Command] = &[
    blmove::COMMAND,
    blmpop::COMMAND,
    blpop::COMMAND,
    brpop::COMMAND,
    brpoplpush::COMMAND,
    lindex::COMMAND,
    linsert::COMMAND,
    llen::COMMAND,
    lmove::COMMAND,
    lmpop::COMMAND,
    lpop::COMMAND,
    lpos::COMMAND,
    lpush::COMMAND,
    lpushx::COMMAND,
    lrange::COMMAND,
    lrem::COMMAND,
    lset::COMMAND,
    ltrim::COMMAND,
    rpop::COMMAND,
    rpoplpush::COMMAND,
    rpush::COMMAND,
    rpushx::COMMAND,
];

/// The parameters of lists.
#[inline]
pub(crate) fn list_limits(cx: &Context<'_>) -> ListLimits {
    ListLimits {
        max_listpack_size: cx.config.encodings.list_max_listpack_size,
        compress_depth: cx.config.encodings.list_compress_depth,
        packed_threshold: usize::try_from(cx.switches.quicklist_packed_threshold_bytes)
            .unwrap_or(usize::MAX),
    }
}

/// The word at `index` as an element, shared if it arrived as a large argument.
#[inline]
fn element<'a>(args: Args<'a>, index: usize) -> StringRef<'a> {
    match args.shared(index) {
        Some(bytes) => StringRef::Shared(bytes),
        None => StringRef::Bytes(args.get(index)),
    }
}

/// Gives a list the form in which it could take `element`, although there is no place for it: Redis
/// changes the form first, and OBJECT ENCODING shows it.
fn widen(mut slot: Occupied<'_>, element: StringRef<'_>, limits: ListLimits) {
    if slot.list().is_some_and(|list| list.is_outgrown_by(element, limits)) {
        ListMut::new(slot.value_mut(), limits).make_room(element);
    }
}

/// The element that a client's number means, counted from the back if negative.
#[inline]
fn index_of(number: i64, len: usize) -> Option<usize> {
    let number = if number < 0 { number.checked_add_unsigned(len as u64)? } else { number };
    usize::try_from(number).ok().filter(|index| *index < len)
}

/// The elements from one of a client's numbers to another, both included.
#[inline]
fn range_of(start: i64, stop: i64, len: usize) -> Range<usize> {
    let from_front = |number: i64| if number < 0 { number + len as i64 } else { number };
    let start = from_front(start).max(0) as usize;
    let end = (from_front(stop).max(-1).saturating_add(1) as usize).min(len);
    if start >= end { 0..0 } else { start..end }
}

/// The first of `count` elements at an end, as they are met from there on.
#[inline]
const fn first_at(end: End, len: usize) -> usize {
    match end {
        End::Front => 0,
        End::Back => len - 1,
    }
}

/// Replies `count` elements from number `from` on, as an array.
#[inline]
fn reply_range(reply: &mut Reply, list: ListRef<'_>, from: usize, count: usize, towards: End) {
    reply.array(count);
    list.visit_range(from, count, towards, |element| reply_string(reply, element));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_count_from_either_end() {
        assert_eq!(index_of(0, 3), Some(0));
        assert_eq!(index_of(2, 3), Some(2));
        assert_eq!(index_of(-1, 3), Some(2));
        assert_eq!(index_of(-3, 3), Some(0));
        for outside in [3, -4, i64::MAX, i64::MIN] {
            assert_eq!(index_of(outside, 3), None);
        }
    }

    #[test]
    fn ranges_are_clipped() {
        assert_eq!(range_of(0, -1, 3), 0..3);
        assert_eq!(range_of(-2, 1, 3), 1..2);
        assert_eq!(range_of(i64::MIN, i64::MAX, 3), 0..3);
        for (start, stop) in [(2, 1), (3, 5), (0, -4), (0, i64::MIN), (i64::MAX, i64::MAX)] {
            assert_eq!(range_of(start, stop, 3), 0..0, "{start} {stop}");
        }
    }
}
