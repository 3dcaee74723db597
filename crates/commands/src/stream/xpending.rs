//! `XPENDING key group [[IDLE min-idle-time] start end count [consumer]]`
//!
//! Replies what is pending in a group: how much, from where to where and for whom; or, within a
//! range of IDs, each entry with its consumer, its age and how often it was delivered.
//!
//! Source: Redis documentation, XPENDING.

use std::ops::RangeInclusive;

use dunlin_resp::Reply;
use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};
use dunlin_values::stream::{self, Delivery, StreamId};

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::{CommandError, CommandResult};
use crate::stream::entry_reply::reply_id;
use crate::stream::groups::no_key_or_group;
use crate::stream::id::{parse_range_end, parse_range_start};
use crate::stream::stream_of;

const SPEC: CommandSpec = CommandSpec::new("xpending", Group::Stream, -3)
    .summary(
        "Returns the information and entries from a stream consumer group's pending entries \
         list.",
    )
    .since("5.0.0")
    .complexity(
        "O(N) with N being the number of elements returned, so asking for a small fixed number \
         of entries per call is O(1). O(M), where M is the total number of entries scanned when \
         used with the IDLE filter. When the command returns just the summary and the list of \
         consumers is small, it runs in O(1) time; otherwise, an additional O(N) time for \
         iterating every consumer.",
    )
    .flags(&[Flags::READONLY])
    .categories(&[Categories::STREAM])
    .keys(&[KeySpec::at(1, &[KeyFlags::RO, KeyFlags::ACCESS])])
    .tips(&["nondeterministic_output"])
    .history(&[("6.2.0", "Added the `IDLE` option and exclusive range intervals.")])
    .args(&[
        Arg::key("key", 0),
        Arg::string("group"),
        Arg::block(
            "filters",
            &[
                Arg::integer("min-idle-time").token("IDLE").optional().since("6.2.0"),
                Arg::string("start"),
                Arg::string("end"),
                Arg::integer("count"),
                Arg::string("consumer").optional(),
            ],
        )
        .optional(),
    ]);

/// XPENDING's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

/// Which pending entries are asked for.
struct Filter<'a> {
    range: RangeInclusive<StreamId>,
    limit: u64,
    idle_ms_min: i64,
    consumer: Option<&'a [u8]>,
}

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let filter = parse(args)?;
    let (key, group) = (args.get(1), args.get(2));
    let missing = || no_key_or_group(key, group);
    let entry = cx.keyspace.get(cx.db, key).ok_or_else(missing)?;
    let group = stream_of(&entry)?.groups.get(group).ok_or_else(missing)?;
    match filter {
        None => reply_summary(cx.reply, group),
        Some(filter) => reply_entries(cx.reply, group, &filter, cx.now.unix_ms().0),
    }
    Ok(())
}

fn parse(args: Args<'_>) -> Result<Option<Filter<'_>>, CommandError> {
    match args.len() {
        3 => return Ok(None),
        6..=9 => {}
        _ => return Err(CommandError::Syntax),
    }
    let (mut at, mut idle_ms_min) = (3, 0);
    if args.is(3, "IDLE") {
        idle_ms_min = args.integer(4)?;
        at = 5;
        if args.len() < 8 {
            return Err(CommandError::Syntax);
        }
    }
    let limit = u64::try_from(args.integer(at + 2)?).unwrap_or(0);
    let (start, end) = (parse_range_start(args.get(at))?, parse_range_end(args.get(at + 1))?);
    let consumer = args.words().get(at + 3).copied();
    Ok(Some(Filter { range: start..=end, limit, idle_ms_min, consumer }))
}

fn reply_summary(reply: &mut Reply, group: &stream::Group) {
    reply.array(4);
    reply.integer(group.pending_len() as i64);
    let Some((first, last)) = group.pending_edges() else {
        reply.null();
        reply.null();
        reply.null_array();
        return;
    };
    reply_id(reply, first);
    reply_id(reply, last);
    let busy = || group.consumers().filter(|consumer| consumer.pending_len() > 0);
    reply.array(busy().count());
    for consumer in busy() {
        reply.array(2);
        reply.bulk(consumer.name());
        reply.bulk_integer(consumer.pending_len() as i64);
    }
}

fn reply_entries(reply: &mut Reply, group: &stream::Group, filter: &Filter<'_>, now_ms: i64) {
    let range = filter.range.clone();
    match filter.consumer {
        None => reply_those(reply, group, group.pending(range), filter, now_ms),
        Some(name) => match group.find(name) {
            None => reply.array(0),
            Some(index) => {
                reply_those(reply, group, group.pending_of(index, range), filter, now_ms);
            }
        },
    }
}

fn reply_those(
    reply: &mut Reply,
    group: &stream::Group,
    entries: impl Iterator<Item = (StreamId, Delivery)>,
    filter: &Filter<'_>,
    now_ms: i64,
) {
    let start = reply.deferred_array();
    let mut count = 0;
    for (id, delivery) in entries {
        if count == filter.limit {
            break;
        }
        let idle_ms = now_ms.saturating_sub(delivery.at.0);
        if filter.idle_ms_min != 0 && idle_ms < filter.idle_ms_min {
            continue;
        }
        count += 1;
        reply.array(4);
        reply_id(reply, id);
        reply.bulk(group.consumer(delivery.consumer).name());
        reply.integer(idle_ms.max(0));
        reply.integer(delivery.count as i64);
    }
    reply.set_array(start, count as usize);
}
