//! `XAUTOCLAIM key group consumer min-idle-time start [COUNT count] [JUSTID]`
//!
//! Makes pending entries another consumer's that nobody has cared for, from an ID on. Replies where
//! to go on (`0-0` at the end), what it got, and what was pending but is no longer in the stream.
//! Propagated as one XCLAIM for each.
//!
//! Source: Redis documentation, XAUTOCLAIM.

use dunlin_keyspace::Slot;
use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};
use dunlin_stdx::number::parse_i64;
use dunlin_stdx::time::UnixMs;
use dunlin_values::stream::{Delivery, IdText, StreamId};

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::{CommandError, CommandResult};
use crate::stream::claim::Claim;
use crate::stream::entry_reply::reply_id;
use crate::stream::groups::{Scene, no_key_or_group};
use crate::stream::id::parse_range_start;
use crate::stream::stream_of;

const SPEC: CommandSpec = CommandSpec::new("xautoclaim", Group::Stream, -6)
    .summary(
        "Changes, or acquires, ownership of messages in a consumer group, as if the messages \
         were delivered to as consumer group member.",
    )
    .since("6.2.0")
    .complexity("O(1) if COUNT is small.")
    .flags(&[Flags::WRITE, Flags::FAST])
    .categories(&[Categories::STREAM])
    .keys(&[KeySpec::at(1, &[KeyFlags::RW, KeyFlags::DELETE])])
    .tips(&["nondeterministic_output"])
    .history(&[(
        "7.0.0",
        "Added an element to the reply array, containing deleted entries the command cleared \
             from the PEL",
    )])
    .args(&[
        Arg::key("key", 0),
        Arg::string("group"),
        Arg::string("consumer"),
        Arg::string("min-idle-time"),
        Arg::string("start"),
        Arg::integer("count").token("COUNT").optional(),
        Arg::literal("justid", "JUSTID").optional(),
    ]);

/// XAUTOCLAIM's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

/// Entries that are claimed if the client names no COUNT.
const COUNT_DEFAULT: u64 = 100;

/// Greatest COUNT: that many attempts, and as many bytes of IDs, fit a signed word.
const COUNT_MAX: u64 = i64::MAX as u64 / 16;

/// Greatest COUNT that 7.2 gets memory for beforehand, which is what it refuses others with: 16
/// bytes each within the 47 bits of a process's addresses.
const COUNT_WITH_MEMORY_MAX: u64 = (1 << 47) / 16;

/// Entries that are looked at for each one that is claimed.
const ATTEMPTS_PER_COUNT: u64 = 10;

struct Options {
    claim: Claim,
    start: StreamId,
    count: u64,
}

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let (key, group_name, now) = (args.get(1), args.get(2), cx.now.unix_ms());
    let Options { claim, start, mut count } = parse(args, now)?;
    let missing = || no_key_or_group(key, group_name);
    let Slot::Occupied(mut slot) = cx.keyspace.slot(cx.db, key) else { return Err(missing()) };
    stream_of(&slot)?.groups.get(group_name).ok_or_else(missing)?;
    if count > COUNT_WITH_MEMORY_MAX {
        return Err(CommandError::err(
            "Insufficient memory, failed allocating transient memory, COUNT too high.",
        ));
    }
    let stream = slot.bookkeeping_mut().into_stream().ok_or(CommandError::WrongType)?;
    let group = stream.groups.get_mut(group_name).ok_or_else(missing)?;
    let scene = Scene { key, group: group_name, now };
    let (consumer, is_made) = scene.consumer(group, args.get(3));
    cx.effects.suppress();
    let entries = cx.reply.mark();
    let (mut claimed, mut gone) = (0, Vec::new());
    let mut attempts = count * ATTEMPTS_PER_COUNT;
    let mut next = Some(start);
    while let Some((id, before)) = next.and_then(|id| group.next_pending(id)) {
        next = Some(id);
        if attempts == 0 || count == 0 {
            break;
        }
        (attempts, next) = (attempts - 1, id.next());
        if !stream.log.contains(id) {
            scene.propagate_claim_of(cx.effects, group, id, before);
            group.acknowledge(id);
            gone.push(id);
        } else if claim.may_take(before.at) {
            let delivery = Delivery { at: now, count: claim.count(before.count), consumer };
            group.deliver(id, delivery);
            group.consumer_mut(consumer).active = Some(now);
            scene.propagate_claim_of(cx.effects, group, id, delivery);
            claim.reply(cx.reply, &stream.log, id);
            claimed += 1;
        } else {
            continue;
        }
        count -= 1;
    }
    let next = next.and_then(|id| group.next_pending(id)).map_or(StreamId::MIN, |(id, _)| id);
    // The place to go on comes first and is known last.
    cx.reply.set_array(entries, claimed);
    cx.reply.set_bulk(entries, next.format(&mut IdText::default()));
    cx.reply.set_array(entries, 3);
    cx.reply.array(gone.len());
    gone.iter().for_each(|id| reply_id(cx.reply, *id));
    cx.effects.changed((claimed + gone.len()) as u64);
    if is_made {
        scene.consumer_made(cx.effects, cx.db);
    }
    Ok(())
}

fn parse(args: Args<'_>, now: UnixMs) -> Result<Options, CommandError> {
    let idle_ms_min = parse_i64(args.get(4))
        .ok_or(CommandError::fixed("ERR Invalid min-idle-time argument for XAUTOCLAIM"))?;
    let claim = Claim { idle_ms_min: idle_ms_min.max(0), only_ids: false, now };
    let start = parse_range_start(args.get(5))?;
    let mut options = Options { claim, start, count: COUNT_DEFAULT };
    let mut words = args.cursor(6);
    while let Some(word) = words.next_word() {
        if word.eq_ignore_ascii_case(b"count") && words.remaining() > 0 {
            let count = parse_i64(words.value()?).and_then(|count| u64::try_from(count).ok());
            options.count = count
                .filter(|count| (1..=COUNT_MAX).contains(count))
                .ok_or(CommandError::fixed("ERR COUNT must be > 0"))?;
        } else if word.eq_ignore_ascii_case(b"justid") {
            options.claim.only_ids = true;
        } else {
            return Err(CommandError::Syntax);
        }
    }
    Ok(options)
}
