//! `ZMSCORE key member [member ...]`
//!
//! Replies the scores of members, nil for each that is not there.
//!
//! Source: Redis documentation, ZMSCORE.

use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::{CommandError, CommandResult};

const SPEC: CommandSpec = CommandSpec::new("zmscore", Group::SortedSet, -3)
    .summary("Returns the score of one or more members in a sorted set.")
    .since("6.2.0")
    .complexity("O(N) where N is the number of members being requested.")
    .flags(&[Flags::READONLY, Flags::FAST])
    .categories(&[Categories::SORTEDSET])
    .keys(&[KeySpec::at(1, &[KeyFlags::RO, KeyFlags::ACCESS])])
    .args(&[Arg::key("key", 0), Arg::string("member").multiple()]);

/// ZMSCORE's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let entry = cx.keyspace.get(cx.db, args.get(1));
    let set = match &entry {
        None => None,
        Some(entry) => Some(entry.sorted_set().ok_or(CommandError::WrongType)?),
    };
    let members = &args.words()[2..];
    cx.reply.array(members.len());
    for member in members {
        match set.and_then(|set| set.score(member)) {
            Some(score) => cx.reply.double(score),
            None => cx.reply.null(),
        }
    }
    Ok(())
}
