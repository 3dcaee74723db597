//! `XREAD [COUNT count] [BLOCK milliseconds] STREAMS key [key ...] id [id ...]`
//!
//! Replies the entries behind the given IDs, stream by stream; `$` is the last ID a stream has now.
//! Waits for an entry if there is none.
//!
//! Source: Redis documentation, XREAD.

use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec, getkeys};
use dunlin_values::ValueType;
use dunlin_values::stream::{Direction, StreamId};

use crate::args::Args;
use crate::blocking::Awaited;
use crate::command::Command;
use crate::context::Context;
use crate::error::{CommandError, CommandResult};
use crate::stream::id::{Ids, parse_id};
use crate::stream::read_options::{ReadOptions, Reader};
use crate::stream::stream_of;
use crate::stream::streams_reply::StreamsReply;

const SPEC: CommandSpec = CommandSpec::new("xread", Group::Stream, -4)
    .summary(
        "Returns messages from multiple streams with IDs greater than the ones requested. Blocks \
         until a message is available otherwise.",
    )
    .since("5.0.0")
    .flags(&[Flags::BLOCKING, Flags::READONLY, Flags::BLOCKING])
    .categories(&[Categories::STREAM])
    .keys(&[KeySpec::after("STREAMS", 1, &[KeyFlags::RO, KeyFlags::ACCESS]).limit(2)])
    .find_keys_with(getkeys::xread)
    .args(&[
        Arg::integer("count").token("COUNT").optional(),
        Arg::integer("milliseconds").token("BLOCK").optional(),
        Arg::block("streams", &[Arg::key("key", 0).multiple(), Arg::string("id").multiple()])
            .token("STREAMS"),
    ]);

/// XREAD's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let options = ReadOptions::parse(args, Reader::Xread, cx.now)?;
    let since = resolve_ids(cx, options)?;
    let mut reply = StreamsReply::begin(cx.reply);
    for (key, since) in options.keys.iter().zip(&since) {
        // Counted as a second look, as Redis does.
        let Some(entry) = cx.keyspace.get(cx.db, key) else { continue };
        let log = &stream_of(&entry)?.log;
        let Some(first) = since.next().filter(|_| log.has_behind(*since)) else { continue };
        let entries = log.entries(first, StreamId::MAX, Direction::Forward);
        reply.stream(cx.reply, key, entries, options.limit);
    }
    match options.timeout {
        Some(timeout) if reply.is_empty() && cx.may_block() => {
            let keys = options.keys.iter().copied();
            cx.block_on_streams(keys, Awaited::Value(ValueType::Stream), timeout, since.to_vec());
        }
        _ => reply.end(cx.reply),
    }
    Ok(())
}

/// The IDs behind which to read.
fn resolve_ids(cx: &mut Context<'_>, options: ReadOptions<'_>) -> Result<Ids, CommandError> {
    let mut ids = Ids::with_capacity(options.ids.len());
    for (index, (key, id)) in options.keys.iter().zip(options.ids).enumerate() {
        let last_id = match cx.keyspace.get(cx.db, key) {
            Some(entry) => stream_of(&entry)?.log.last_id(),
            None => StreamId::MIN,
        };
        ids.push(match *id {
            // Who has waited reads behind what was last when the wait began.
            b"$" => cx.read_since().map_or(last_id, |since| since[index]),
            b">" => {
                return Err(CommandError::fixed(
                    "ERR The > ID can be specified only when calling XREADGROUP using the GROUP \
                     <group> <consumer> option.",
                ));
            }
            id => parse_id(id, 0)?,
        });
    }
    Ok(ids)
}
