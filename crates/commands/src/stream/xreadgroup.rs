//! `XREADGROUP GROUP group consumer [COUNT count] [BLOCK milliseconds] [NOACK] STREAMS key [key ...]
//! id [id ...]`
//!
//! Replies entries that nobody in the group was given yet (`>`) and notes who has them now; or,
//! behind an ID, those the consumer was given and has not acknowledged. Propagated as what it
//! changed: an XCLAIM for each entry, or with NOACK how far the group is. Waits for an entry if there
//! is none, as long as the group exists.
//!
//! Source: Redis documentation, XREADGROUP.

use dunlin_keyspace::Slot;
use dunlin_resp::Reply;
use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec, getkeys};
use dunlin_values::ValueType;
use dunlin_values::stream::{self, ConsumerIndex, Delivery, Direction, Log, StreamId};

use crate::args::Args;
use crate::blocking::Awaited;
use crate::command::Command;
use crate::context::Context;
use crate::effects::Effects;
use crate::error::{CommandError, CommandResult};
use crate::stream::entry_reply::{reply_entry, reply_id};
use crate::stream::groups::{Scene, c_text, quoting};
use crate::stream::id::{Ids, parse_id};
use crate::stream::read_options::{ReadOptions, Reader};
use crate::stream::stream_of;
use crate::stream::streams_reply::StreamsReply;

const SPEC: CommandSpec = CommandSpec::new("xreadgroup", Group::Stream, -7)
    .summary(
        "Returns new or historical messages from a stream for a consumer in a group. Blocks \
         until a message is available otherwise.",
    )
    .since("5.0.0")
    .complexity(
        "For each stream mentioned: O(M) with M being the number of elements returned. If M is \
         constant (e.g. always asking for the first 10 elements with COUNT), you can consider it \
         O(1). On the other side when XREADGROUP blocks, XADD will pay the O(N) time in order to \
         serve the N clients blocked on the stream getting new data.",
    )
    .flags(&[Flags::BLOCKING, Flags::WRITE])
    .categories(&[Categories::STREAM])
    .keys(&[KeySpec::after("STREAMS", 4, &[KeyFlags::RO, KeyFlags::ACCESS]).limit(2)])
    .find_keys_with(getkeys::xread)
    .args(&[
        Arg::block("group-block", &[Arg::string("group"), Arg::string("consumer")]).token("GROUP"),
        Arg::integer("count").token("COUNT").optional(),
        Arg::integer("milliseconds").token("BLOCK").optional(),
        Arg::literal("noack", "NOACK").optional(),
        Arg::block("streams", &[Arg::key("key", 0).multiple(), Arg::string("id").multiple()])
            .token("STREAMS"),
    ]);

/// XREADGROUP's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

/// What `>` is among IDs, which is also how 7.2 takes the greatest ID.
const NEW: StreamId = StreamId::MAX;

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let options = ReadOptions::parse(args, Reader::Xreadgroup, cx.now)?;
    let (group, consumer) = options.group.ok_or(CommandError::Syntax)?;
    let behind = resolve_ids(cx, options, group)?;
    cx.effects.suppress();
    let mut reply = StreamsReply::begin(cx.reply);
    for (key, behind) in options.keys.iter().zip(behind) {
        let scene = Scene { key, group, now: cx.now.unix_ms() };
        read_one(cx, scene, consumer, behind, options, &mut reply)?;
    }
    match options.timeout {
        Some(timeout) if reply.is_empty() && cx.may_block() => {
            let keys = options.keys.iter().copied();
            cx.block_on(keys, Awaited::ValueOrLoss(ValueType::Stream), timeout);
        }
        _ => reply.end(cx.reply),
    }
    Ok(())
}

/// The IDs behind which to read.
fn resolve_ids(
    cx: &mut Context<'_>,
    options: ReadOptions<'_>,
    group: &[u8],
) -> Result<Ids, CommandError> {
    let mut ids = Ids::with_capacity(options.ids.len());
    for (key, id) in options.keys.iter().zip(options.ids) {
        let missing = || {
            quoting(&[
                b"NOGROUP No such key '",
                c_text(key),
                b"' or consumer group '",
                c_text(group),
                b"' in XREADGROUP with GROUP option",
            ])
        };
        let entry = cx.keyspace.get(cx.db, key).ok_or_else(missing)?;
        stream_of(&entry)?.groups.get(group).ok_or_else(missing)?;
        ids.push(match *id {
            b">" => NEW,
            b"$" => {
                return Err(CommandError::fixed(
                    "ERR The $ ID is meaningless in the context of XREADGROUP: you want to read \
                     the history of this consumer by specifying a proper ID, or use the > ID to \
                     get new messages. The $ ID would just return an empty result set.",
                ));
            }
            id => parse_id(id, 0)?,
        });
    }
    Ok(ids)
}

/// Reads one stream, in which the group exists.
fn read_one(
    cx: &mut Context<'_>,
    scene: Scene<'_>,
    consumer_name: &[u8],
    behind: StreamId,
    options: ReadOptions<'_>,
    reply: &mut StreamsReply,
) -> CommandResult {
    let Slot::Occupied(mut slot) = cx.keyspace.slot(cx.db, scene.key) else { return Ok(()) };
    let stream = slot.bookkeeping_mut().into_stream().ok_or(CommandError::WrongType)?;
    let group = stream.groups.get_mut(scene.group).ok_or(CommandError::NoSuchKey)?;
    let (consumer, is_made) = scene.consumer(group, consumer_name);
    if is_made && options.noack {
        let words = [b"XGROUP", b"CREATECONSUMER".as_slice(), scene.key, scene.group];
        cx.effects.rewrite(&[words[0], words[1], words[2], words[3], consumer_name]);
    }
    let limit = options.limit.unwrap_or(u64::MAX);
    if behind != NEW {
        reply.key(cx.reply, scene.key);
        reply_history(cx.reply, &stream.log, group, consumer, behind, limit, scene);
        cx.effects.changed(1);
    } else if stream.log.has_behind(group.last_id()) {
        reply.key(cx.reply, scene.key);
        let delivery = Delivery { at: scene.now, count: 1, consumer };
        let delivery = (!options.noack).then_some(delivery);
        reply_new(cx.reply, cx.effects, &stream.log, group, delivery, limit, scene);
        cx.effects.changed(1);
    }
    if is_made {
        scene.consumer_made(cx.effects, cx.db);
    }
    Ok(())
}

/// Gives out entries that are new to the group.
fn reply_new(
    reply: &mut Reply,
    effects: &mut Effects,
    log: &Log,
    group: &mut stream::Group,
    delivery: Option<Delivery>,
    limit: u64,
    scene: Scene<'_>,
) {
    let Some(first) = group.last_id().next() else { return reply.array(0) };
    let start = reply.deferred_array();
    let mut entries = log.entries(first, StreamId::MAX, Direction::Forward);
    let mut count = 0;
    while count < limit
        && let Some(id) = entries.next_id()
    {
        group.advance(id, log);
        reply_entry(reply, id, &mut entries);
        if let Some(delivery) = delivery {
            group.deliver(id, delivery);
            group.consumer_mut(delivery.consumer).active = Some(scene.now);
            scene.propagate_claim_of(effects, group, id, delivery);
        }
        count += 1;
    }
    if delivery.is_none() && count > 0 {
        scene.propagate_last_id(effects, group);
    }
    reply.set_array(start, count as usize);
}

/// Gives out again what is pending for a consumer.
fn reply_history(
    reply: &mut Reply,
    log: &Log,
    group: &mut stream::Group,
    consumer: ConsumerIndex,
    behind: StreamId,
    limit: u64,
    scene: Scene<'_>,
) {
    let start = reply.deferred_array();
    let (mut count, mut next) = (0, behind.next());
    while count < limit
        && let Some((id, delivery)) = next.and_then(|id| group.next_pending_of(consumer, id))
    {
        let mut entries = log.entries(id, id, Direction::Forward);
        if entries.next_id().is_some() {
            reply_entry(reply, id, &mut entries);
            let count = delivery.count.wrapping_add(1);
            group.deliver(id, Delivery { at: scene.now, count, consumer });
        } else {
            // It was removed from the stream; its consumer is to know that it has no fields.
            reply.array(2);
            reply_id(reply, id);
            reply.null_array();
        }
        (count, next) = (count + 1, id.next());
    }
    reply.set_array(start, count as usize);
}
