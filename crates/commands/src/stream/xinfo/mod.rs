//! `XINFO subcommand ...`
//!
//! - `XINFO CONSUMERS key group`
//! - `XINFO GROUPS key`
//! - `XINFO HELP`
//! - `XINFO STREAM key [FULL [COUNT count]]`
//!
//! Source: Redis documentation, XINFO.

use dunlin_resp::Reply;
use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};
use dunlin_stdx::time::UnixMs;
use dunlin_values::stream::{self, Log, Stream};

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::{CommandError, CommandResult};
use crate::help::reply_help;
use crate::stream::entry_reply::reply_id;
use crate::stream::groups::no_group;
use crate::stream::stream_of;

mod stream_info;

const SPEC: CommandSpec = CommandSpec::new("xinfo", Group::Stream, -2)
    .summary("A container for stream introspection commands.")
    .since("5.0.0")
    .complexity("Depends on subcommand.");

const CONSUMERS_SPEC: CommandSpec = CommandSpec::new("xinfo|consumers", Group::Stream, 4)
    .summary("Returns a list of the consumers in a consumer group.")
    .since("5.0.0")
    .complexity("O(1)")
    .flags(&[Flags::READONLY])
    .categories(&[Categories::STREAM])
    .keys(&[KeySpec::at(2, &[KeyFlags::RO, KeyFlags::ACCESS])])
    .tips(&["nondeterministic_output"])
    .history(&[("7.2.0", "Added the `inactive` field.")])
    .args(&[Arg::key("key", 0), Arg::string("group")]);

const GROUPS_SPEC: CommandSpec = CommandSpec::new("xinfo|groups", Group::Stream, 3)
    .summary("Returns a list of the consumer groups of a stream.")
    .since("5.0.0")
    .complexity("O(1)")
    .flags(&[Flags::READONLY])
    .categories(&[Categories::STREAM])
    .keys(&[KeySpec::at(2, &[KeyFlags::RO, KeyFlags::ACCESS])])
    .history(&[("7.0.0", "Added the `entries-read` and `lag` fields")])
    .args(&[Arg::key("key", 0)]);

const HELP_SPEC: CommandSpec = CommandSpec::new("xinfo|help", Group::Stream, 2)
    .summary("Returns helpful text about the different subcommands.")
    .since("5.0.0")
    .complexity("O(1)")
    .flags(&[Flags::LOADING, Flags::STALE])
    .categories(&[Categories::STREAM]);

const STREAM_SPEC: CommandSpec = CommandSpec::new("xinfo|stream", Group::Stream, -3)
    .summary("Returns information about a stream.")
    .since("5.0.0")
    .complexity("O(1)")
    .flags(&[Flags::READONLY])
    .categories(&[Categories::STREAM])
    .keys(&[KeySpec::at(2, &[KeyFlags::RO, KeyFlags::ACCESS])])
    .history(&[
        ("6.0.0", "Added the `FULL` modifier."),
        (
            "7.0.0",
            "Added the `max-deleted-entry-id`, `entries-added`, `recorded-first-entry-id`, \
             `entries-read` and `lag` fields",
        ),
        ("7.2.0", "Added the `active-time` field, and changed the meaning of `seen-time`."),
    ])
    .args(&[
        Arg::key("key", 0),
        Arg::block(
            "full-block",
            &[Arg::literal("full", "FULL"), Arg::integer("count").token("COUNT").optional()],
        )
        .optional(),
    ]);

/// XINFO's entry in the command table.
pub(super) const COMMAND: Command = Command::container(
    SPEC,
    &[
        Command::new(CONSUMERS_SPEC, consumers),
        Command::new(GROUPS_SPEC, groups),
        Command::new(HELP_SPEC, help),
        Command::new(STREAM_SPEC, stream),
    ],
);

const HELP: &[&str] = &[
    "CONSUMERS <key> <groupname>",
    "    Show consumers of <groupname>.",
    "GROUPS <key>",
    "    Show the stream consumer groups.",
    "STREAM <key> [FULL [COUNT <count>]",
    "    Show information about the stream.",
];

fn help(cx: &mut Context<'_>, _: Args<'_>) -> CommandResult {
    reply_help(cx.reply, "XINFO", HELP);
    Ok(())
}

fn stream(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let entry = cx.keyspace.get(cx.db, args.get(2)).ok_or(CommandError::NoSuchKey)?;
    let stream = stream_of(&entry)?;
    match stream_info::Detail::parse(args)? {
        None => stream_info::reply_short(cx.reply, stream),
        Some(detail) => stream_info::reply_full(cx.reply, stream, detail),
    }
    Ok(())
}

fn groups(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let entry = cx.keyspace.get(cx.db, args.get(2)).ok_or(CommandError::NoSuchKey)?;
    let Stream { log, groups, .. } = stream_of(&entry)?;
    cx.reply.array(groups.len());
    for (name, group) in groups {
        cx.reply.map(6);
        field(cx.reply, "name").bulk(name);
        field(cx.reply, "consumers").integer(group.consumers_len() as i64);
        field(cx.reply, "pending").integer(group.pending_len() as i64);
        reply_progress(cx.reply, group, log);
    }
    Ok(())
}

fn consumers(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let (key, name, now) = (args.get(2), args.get(3), cx.now.unix_ms());
    let entry = cx.keyspace.get(cx.db, key).ok_or(CommandError::NoSuchKey)?;
    let group = stream_of(&entry)?.groups.get(name).ok_or_else(|| no_group(key, name))?;
    let since = |time: UnixMs| now.0.saturating_sub(time.0);
    cx.reply.array(group.consumers_len());
    for consumer in group.consumers() {
        cx.reply.map(4);
        field(cx.reply, "name").bulk(consumer.name());
        field(cx.reply, "pending").integer(consumer.pending_len() as i64);
        field(cx.reply, "idle").integer(since(consumer.seen).max(0));
        field(cx.reply, "inactive").integer(consumer.active.map_or(-1, since));
    }
    Ok(())
}

/// How far a group is: three fields.
fn reply_progress(reply: &mut Reply, group: &stream::Group, log: &Log) {
    field(reply, "last-delivered-id");
    reply_id(reply, group.last_id());
    field(reply, "entries-read");
    match group.entries_read() {
        Some(read) => reply.integer(read as i64),
        None => reply.null(),
    }
    field(reply, "lag");
    match group.lag(log) {
        Some(lag) => reply.integer(lag),
        None => reply.null(),
    }
}

/// Writes the name of a field; its value follows.
fn field<'r>(reply: &'r mut Reply, name: &str) -> &'r mut Reply {
    reply.bulk(name.as_bytes());
    reply
}
