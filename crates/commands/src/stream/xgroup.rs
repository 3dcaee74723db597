//! `XGROUP subcommand ...`
//!
//! - `XGROUP CREATE key group <id|$> [MKSTREAM] [ENTRIESREAD entries-read]`
//! - `XGROUP CREATECONSUMER key group consumer`
//! - `XGROUP DELCONSUMER key group consumer`
//! - `XGROUP DESTROY key group`
//! - `XGROUP HELP`
//! - `XGROUP SETID key group <id|$> [ENTRIESREAD entries-read]`
//!
//! Source: Redis documentation, XGROUP.

use dunlin_keyspace::{DatabaseIndex, Keyspace, Occupied, Slot};
use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};
use dunlin_values::NewValue;
use dunlin_values::stream::{self, Stream, StreamId};

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::effects::KeyEventClass;
use crate::error::{CommandError, CommandResult};
use crate::help::reply_help;
use crate::stream::groups::{changed, no_group};
use crate::stream::id::{parse_id, parse_id_or_edge};
use crate::stream::stream_of;

const SPEC: CommandSpec = CommandSpec::new("xgroup", Group::Stream, -2)
    .summary("A container for consumer groups commands.")
    .since("5.0.0")
    .complexity("Depends on subcommand.");

const CREATE_SPEC: CommandSpec = CommandSpec::new("xgroup|create", Group::Stream, -5)
    .summary("Creates a consumer group.")
    .since("5.0.0")
    .complexity("O(1)")
    .flags(&[Flags::WRITE, Flags::DENYOOM])
    .categories(&[Categories::STREAM])
    .keys(&[KeySpec::at(2, &[KeyFlags::RW, KeyFlags::INSERT])])
    .history(&[("7.0.0", "Added the `entries_read` named argument.")])
    .args(&[
        Arg::key("key", 0),
        Arg::string("group"),
        Arg::one_of("id-selector", &[Arg::string("id"), Arg::literal("new-id", "$")]),
        Arg::literal("mkstream", "MKSTREAM").optional(),
        Arg::integer("entries-read").token("ENTRIESREAD").optional(),
    ]);

const CREATECONSUMER_SPEC: CommandSpec =
    CommandSpec::new("xgroup|createconsumer", Group::Stream, 5)
        .summary("Creates a consumer in a consumer group.")
        .since("6.2.0")
        .complexity("O(1)")
        .flags(&[Flags::WRITE, Flags::DENYOOM])
        .categories(&[Categories::STREAM])
        .keys(&[KeySpec::at(2, &[KeyFlags::RW, KeyFlags::INSERT])])
        .args(&[Arg::key("key", 0), Arg::string("group"), Arg::string("consumer")]);

const DELCONSUMER_SPEC: CommandSpec = CommandSpec::new("xgroup|delconsumer", Group::Stream, 5)
    .summary("Deletes a consumer from a consumer group.")
    .since("5.0.0")
    .complexity("O(1)")
    .flags(&[Flags::WRITE])
    .categories(&[Categories::STREAM])
    .keys(&[KeySpec::at(2, &[KeyFlags::RW, KeyFlags::DELETE])])
    .args(&[Arg::key("key", 0), Arg::string("group"), Arg::string("consumer")]);

const DESTROY_SPEC: CommandSpec = CommandSpec::new("xgroup|destroy", Group::Stream, 4)
    .summary("Destroys a consumer group.")
    .since("5.0.0")
    .complexity("O(N) where N is the number of entries in the group's pending entries list (PEL).")
    .flags(&[Flags::WRITE])
    .categories(&[Categories::STREAM])
    .keys(&[KeySpec::at(2, &[KeyFlags::RW, KeyFlags::DELETE])])
    .args(&[Arg::key("key", 0), Arg::string("group")]);

const HELP_SPEC: CommandSpec = CommandSpec::new("xgroup|help", Group::Stream, 2)
    .summary("Returns helpful text about the different subcommands.")
    .since("5.0.0")
    .complexity("O(1)")
    .flags(&[Flags::LOADING, Flags::STALE])
    .categories(&[Categories::STREAM]);

const SETID_SPEC: CommandSpec = CommandSpec::new("xgroup|setid", Group::Stream, -5)
    .summary("Sets the last-delivered ID of a consumer group.")
    .since("5.0.0")
    .complexity("O(1)")
    .flags(&[Flags::WRITE])
    .categories(&[Categories::STREAM])
    .keys(&[KeySpec::at(2, &[KeyFlags::RW, KeyFlags::UPDATE])])
    .history(&[("7.0.0", "Added the optional `entries_read` argument.")])
    .args(&[
        Arg::key("key", 0),
        Arg::string("group"),
        Arg::one_of("id-selector", &[Arg::string("id"), Arg::literal("new-id", "$")]),
        Arg::integer("entriesread").token("ENTRIESREAD").display("entries-read").optional(),
    ]);

/// XGROUP's entry in the command table.
pub(super) const COMMAND: Command = Command::container(
    SPEC,
    &[
        Command::new(CREATE_SPEC, create),
        Command::new(CREATECONSUMER_SPEC, create_consumer),
        Command::new(DELCONSUMER_SPEC, delete_consumer),
        Command::new(DESTROY_SPEC, destroy),
        Command::new(HELP_SPEC, help),
        Command::new(SETID_SPEC, set_id),
    ],
);

const HELP: &[&str] = &[
    "CREATE <key> <groupname> <id|$> [option]",
    "    Create a new consumer group. Options are:",
    "    * MKSTREAM",
    "      Create the empty stream if it does not exist.",
    "    * ENTRIESREAD entries_read",
    "      Set the group's entries_read counter (internal use).",
    "CREATECONSUMER <key> <groupname> <consumer>",
    "    Create a new consumer in the specified group.",
    "DELCONSUMER <key> <groupname> <consumer>",
    "    Remove the specified consumer.",
    "DESTROY <key> <groupname>",
    "    Remove the specified group.",
    "SETID <key> <groupname> <id|$> [ENTRIESREAD entries_read]",
    "    Set the current group ID and entries_read counter.",
];

fn help(cx: &mut Context<'_>, _: Args<'_>) -> CommandResult {
    reply_help(cx.reply, "XGROUP", HELP);
    Ok(())
}

fn create(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    /// Most words: each option once.
    const WORDS_MAX: usize = 8;
    let (key, name) = (args.get(2), args.get(3));
    let options = Options::parse(args, true)?;
    let start = || match args.get(4) {
        b"$" => Ok(None),
        _ if args.len() > WORDS_MAX => Err(wrong_words(args)),
        id => parse_id(id, 0).map(Some),
    };
    let group = |last_id| stream::Group::new(last_id, options.entries_read);
    match cx.keyspace.slot(cx.db, key) {
        Slot::Vacant(_) if !options.mkstream => return Err(NO_KEY),
        Slot::Vacant(slot) => {
            let mut stream = Stream::default();
            stream.groups.insert(name.into(), group(start()?.unwrap_or(StreamId::MIN)));
            slot.insert(NewValue::from(stream), None);
        }
        Slot::Occupied(mut slot) => {
            let stream = stream_of(&slot)?;
            let start = start()?.unwrap_or(stream.log.last_id());
            if stream.groups.contains_key(name) {
                return Err(CommandError::fixed("BUSYGROUP Consumer Group name already exists"));
            }
            let stream = slot.bookkeeping_mut().into_stream().ok_or(CommandError::WrongType)?;
            stream.groups.insert(name.into(), group(start));
        }
    }
    cx.changed(KeyEventClass::STREAM, "xgroup-create", key);
    cx.reply.ok();
    Ok(())
}

fn set_id(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    /// Most words: the option once.
    const WORDS_MAX: usize = 7;
    let (key, name) = (args.get(2), args.get(3));
    let options = Options::parse(args, false)?;
    let mut slot = existing(cx.keyspace, cx.db, key)?;
    let stream = stream_of(&slot)?;
    stream.groups.get(name).ok_or_else(|| no_group(key, name))?;
    if args.len() > WORDS_MAX {
        return Err(wrong_words(args));
    }
    let last_id = match args.get(4) {
        b"$" => stream.log.last_id(),
        id => parse_id_or_edge(id, 0)?,
    };
    group_mut(&mut slot, key, name)?.set_last_id(last_id, options.entries_read);
    changed(cx.effects, cx.db, "xgroup-setid", key);
    cx.reply.ok();
    Ok(())
}

fn destroy(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let (key, name) = (args.get(2), args.get(3));
    let mut slot = existing(cx.keyspace, cx.db, key)?;
    let exists = stream_of(&slot)?.groups.contains_key(name);
    if exists {
        let stream = slot.bookkeeping_mut().into_stream().ok_or(CommandError::WrongType)?;
        stream.groups.remove(name);
        changed(cx.effects, cx.db, "xgroup-destroy", key);
        // Those who wait for its entries wait in vain: they are told so.
        cx.sessions.blocking.key_touched(cx.db, key);
    }
    cx.reply.integer(exists.into());
    Ok(())
}

fn create_consumer(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let (key, name, consumer) = (args.get(2), args.get(3), args.get(4));
    let now = cx.now.unix_ms();
    let mut slot = existing(cx.keyspace, cx.db, key)?;
    let group = stream_of(&slot)?.groups.get(name).ok_or_else(|| no_group(key, name))?;
    let is_new = group.find(consumer).is_none();
    if is_new {
        group_mut(&mut slot, key, name)?.add_consumer(consumer, now);
        changed(cx.effects, cx.db, "xgroup-createconsumer", key);
    }
    cx.reply.integer(is_new.into());
    Ok(())
}

fn delete_consumer(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let (key, name, consumer) = (args.get(2), args.get(3), args.get(4));
    let mut slot = existing(cx.keyspace, cx.db, key)?;
    let group = stream_of(&slot)?.groups.get(name).ok_or_else(|| no_group(key, name))?;
    let mut pending = None;
    if group.find(consumer).is_some() {
        pending = group_mut(&mut slot, key, name)?.remove_consumer(consumer);
        changed(cx.effects, cx.db, "xgroup-delconsumer", key);
    }
    cx.reply.integer(pending.unwrap_or(0) as i64);
    Ok(())
}

const NO_KEY: CommandError = CommandError::fixed(
    "ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to use \
     the MKSTREAM option to create an empty stream automatically.",
);

fn wrong_words(args: Args<'_>) -> CommandError {
    CommandError::subcommand_syntax("XGROUP", args.get(1))
}

/// The place of a key that must exist.
fn existing<'k>(
    keyspace: &'k mut Keyspace,
    db: DatabaseIndex,
    key: &'k [u8],
) -> Result<Occupied<'k>, CommandError> {
    match keyspace.slot(db, key) {
        Slot::Occupied(slot) => Ok(slot),
        Slot::Vacant(_) => Err(NO_KEY),
    }
}

/// A group that is known to exist, for changing it.
fn group_mut<'s>(
    slot: &'s mut Occupied<'_>,
    key: &[u8],
    name: &[u8],
) -> Result<&'s mut stream::Group, CommandError> {
    let stream = slot.bookkeeping_mut().into_stream().ok_or(CommandError::WrongType)?;
    stream.groups.get_mut(name).ok_or_else(|| no_group(key, name))
}

/// What may follow the ID of CREATE and SETID.
struct Options {
    mkstream: bool,
    entries_read: Option<u64>,
}

impl Options {
    fn parse(args: Args<'_>, takes_mkstream: bool) -> Result<Self, CommandError> {
        let mut found = Self { mkstream: false, entries_read: None };
        let mut words = args.cursor(5);
        while let Some(word) = words.next_word() {
            if takes_mkstream && word.eq_ignore_ascii_case(b"mkstream") {
                found.mkstream = true;
            } else if word.eq_ignore_ascii_case(b"entriesread") && words.remaining() > 0 {
                found.entries_read = match words.integer()? {
                    -1 => None,
                    read => Some(u64::try_from(read).map_err(|_| {
                        CommandError::fixed("ERR value for ENTRIESREAD must be positive or -1")
                    })?),
                };
            } else {
                return Err(wrong_words(args));
            }
        }
        Ok(found)
    }
}
