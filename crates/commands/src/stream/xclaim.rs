//! `XCLAIM key group consumer min-idle-time id [id ...] [IDLE ms] [TIME unix-time-milliseconds]
//! [RETRYCOUNT count] [FORCE] [JUSTID] [LASTID lastid]`
//!
//! Makes pending entries another consumer's; replies those it got. Each is propagated as an XCLAIM
//! of its own that says how the entry is pending now.
//!
//! Source: Redis documentation, XCLAIM.

use dunlin_keyspace::Slot;
use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};
use dunlin_stdx::number::parse_i64;
use dunlin_stdx::time::UnixMs;
use dunlin_values::stream::{self, ConsumerIndex, Delivery, Log, StreamId};

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::{CommandError, CommandResult};
use crate::stream::claim::Claim;
use crate::stream::groups::{Scene, c_text, no_key_or_group, quoting};
use crate::stream::id::{Ids, parse_id};
use crate::stream::stream_of;

const SPEC: CommandSpec = CommandSpec::new("xclaim", Group::Stream, -6)
    .summary(
        "Changes, or acquires, ownership of a message in a consumer group, as if the message was \
         delivered a consumer group member.",
    )
    .since("5.0.0")
    .complexity("O(log N) with N being the number of messages in the PEL of the consumer group.")
    .flags(&[Flags::WRITE, Flags::FAST])
    .categories(&[Categories::STREAM])
    .keys(&[KeySpec::at(1, &[KeyFlags::RW, KeyFlags::UPDATE])])
    .tips(&["nondeterministic_output"])
    .args(&[
        Arg::key("key", 0),
        Arg::string("group"),
        Arg::string("consumer"),
        Arg::string("min-idle-time"),
        Arg::string("id").multiple(),
        Arg::integer("ms").token("IDLE").optional(),
        Arg::unix_time("unix-time-milliseconds").token("TIME").optional(),
        Arg::integer("count").token("RETRYCOUNT").optional(),
        Arg::literal("force", "FORCE").optional(),
        Arg::literal("justid", "JUSTID").optional(),
        Arg::string("lastid").token("LASTID").optional(),
    ]);

/// XCLAIM's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

/// Index of the first ID.
const IDS_AT: usize = 5;

/// What is claimed, and what is to be noted of it.
struct Options {
    ids: Ids,
    claim: Claim,
    /// When the entries count as delivered.
    at: UnixMs,
    /// How often they count as delivered.
    count: Option<u64>,
    /// Claim also what is not pending.
    force: bool,
    last_id: StreamId,
}

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let (key, group_name, now) = (args.get(1), args.get(2), cx.now.unix_ms());
    let missing = || no_key_or_group(key, group_name);
    let Slot::Occupied(mut slot) = cx.keyspace.slot(cx.db, key) else { return Err(missing()) };
    stream_of(&slot)?.groups.get(group_name).ok_or_else(missing)?;
    let options = parse(args, now)?;
    let stream = slot.bookkeeping_mut().into_stream().ok_or(CommandError::WrongType)?;
    let group = stream.groups.get_mut(group_name).ok_or_else(missing)?;
    let scene = Scene { key, group: group_name, now };
    let mut tells_last_id = group.raise_last_id(options.last_id);
    let (consumer, is_made) = scene.consumer(group, args.get(3));
    cx.effects.suppress();
    let start = cx.reply.deferred_array();
    let (mut claimed, mut changes) = (0, 0);
    for (id, word) in options.ids.iter().zip(&args.words()[IDS_AT..]) {
        let outcome = claim(&stream.log, group, *id, consumer, &options);
        let delivery = match outcome {
            Outcome::Left => continue,
            Outcome::Gone(delivery) | Outcome::Claimed(delivery) => delivery,
        };
        scene.propagate_claim(cx.effects, group, word, delivery);
        (tells_last_id, changes) = (false, changes + 1);
        if matches!(outcome, Outcome::Claimed(_)) {
            options.claim.reply(cx.reply, &stream.log, *id);
            claimed += 1;
        }
    }
    if tells_last_id {
        scene.propagate_last_id(cx.effects, group);
        changes += 1;
    }
    cx.reply.set_array(start, claimed);
    cx.effects.changed(changes);
    if is_made {
        scene.consumer_made(cx.effects, cx.db);
    }
    Ok(())
}

/// What became of one ID.
enum Outcome {
    /// Nothing.
    Left,
    /// The stream no longer has the entry, so it is not pending any more either.
    Gone(Delivery),
    /// The consumer has it.
    Claimed(Delivery),
}

fn claim(
    log: &Log,
    group: &mut stream::Group,
    id: StreamId,
    consumer: ConsumerIndex,
    options: &Options,
) -> Outcome {
    let before = group.delivery(id);
    if !log.contains(id) {
        group.acknowledge(id);
        return before.map_or(Outcome::Left, Outcome::Gone);
    }
    let count = match before {
        Some(before) if !options.claim.may_take(before.at) => return Outcome::Left,
        Some(before) => before.count,
        None if options.force => 1,
        None => return Outcome::Left,
    };
    let count = options.count.unwrap_or_else(|| options.claim.count(count));
    let delivery = Delivery { at: options.at, count, consumer };
    group.deliver(id, delivery);
    group.consumer_mut(consumer).active = Some(options.claim.now);
    Outcome::Claimed(delivery)
}

fn parse(args: Args<'_>, now: UnixMs) -> Result<Options, CommandError> {
    let number = |word: &[u8], what: &str| {
        let wrong = || CommandError::err(format!("Invalid {what} argument for XCLAIM"));
        parse_i64(word).ok_or_else(wrong)
    };
    let idle_ms_min = number(args.get(4), "min-idle-time")?.max(0);
    let ids = args.words()[IDS_AT..].iter().map_while(|word| parse_id(word, 0).ok());
    let mut options = Options {
        ids: ids.collect(),
        claim: Claim { idle_ms_min, only_ids: false, now },
        at: now,
        count: None,
        force: false,
        last_id: StreamId::MIN,
    };
    let mut words = args.cursor(IDS_AT + options.ids.len());
    while let Some(word) = words.next_word() {
        let has_more = words.remaining() > 0;
        if word.eq_ignore_ascii_case(b"force") {
            options.force = true;
        } else if word.eq_ignore_ascii_case(b"justid") {
            options.claim.only_ids = true;
        } else if word.eq_ignore_ascii_case(b"idle") && has_more {
            options.at = UnixMs(now.0.wrapping_sub(number(words.value()?, "IDLE option")?));
        } else if word.eq_ignore_ascii_case(b"time") && has_more {
            options.at = UnixMs(number(words.value()?, "TIME option")?);
        } else if word.eq_ignore_ascii_case(b"retrycount") && has_more {
            let count = number(words.value()?, "RETRYCOUNT option")?;
            options.count = u64::try_from(count).ok();
        } else if word.eq_ignore_ascii_case(b"lastid") && has_more {
            options.last_id = parse_id(words.value()?, 0)?;
        } else {
            return Err(quoting(&[b"ERR Unrecognized XCLAIM option '", c_text(word), b"'"]));
        }
    }
    // A time that cannot be is taken as now: clients' clocks differ.
    if !(0..=now.0).contains(&options.at.0) {
        options.at = now;
    }
    Ok(options)
}
