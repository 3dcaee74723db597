//! `SINTERCARD numkeys key [key ...] [LIMIT limit]`
//!
//! Replies how many members all sets have in common, counting no further than LIMIT.
//!
//! Source: Redis documentation, SINTERCARD.

use std::ops::ControlFlow;

use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};
use dunlin_values::set::for_each_common;

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::{CommandError, CommandResult};
use crate::set::combine::Sources;

const SPEC: CommandSpec = CommandSpec::new("sintercard", Group::Set, -3)
    .summary("Returns the number of members of the intersect of multiple sets.")
    .since("7.0.0")
    .complexity(
        "O(N*M) worst case where N is the cardinality of the smallest set and M is the number of \
         sets.",
    )
    .flags(&[Flags::READONLY])
    .categories(&[Categories::SET])
    .keys(&[KeySpec::at(1, &[KeyFlags::RO, KeyFlags::ACCESS]).counted(0, 1)])
    .args(&[
        Arg::integer("numkeys"),
        Arg::key("key", 0).multiple(),
        Arg::integer("limit").token("LIMIT").optional(),
    ]);

/// SINTERCARD's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let (keys, limit) = parse(args)?;
    let sources = Sources::read(cx, keys)?;
    let mut found = 0;
    if sources.all_exist() {
        let held = sources.hold(cx.keyspace, cx.db);
        let sets = held.by_len();
        for_each_common(sets[0], &sets[1..], |_| {
            found += 1;
            if found == limit { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
    }
    cx.reply.integer(found as i64);
    Ok(())
}

/// The keys, and where to stop counting.
fn parse(args: Args<'_>) -> Result<(&[&[u8]], usize), CommandError> {
    let count = args.integer(1).ok().and_then(|count| usize::try_from(count).ok());
    let count = count
        .filter(|count| *count > 0)
        .ok_or(CommandError::fixed("ERR numkeys should be greater than 0"))?;
    let keys = args.words()[2..]
        .get(..count)
        .ok_or(CommandError::fixed("ERR Number of keys can't be greater than number of args"))?;
    let mut limit = 0;
    let mut words = args.cursor(2 + count);
    while let Some(word) = words.next_word() {
        if !word.eq_ignore_ascii_case(b"limit") || words.remaining() == 0 {
            return Err(CommandError::Syntax);
        }
        let value = words.integer().ok().and_then(|limit| usize::try_from(limit).ok());
        limit = value.ok_or(CommandError::fixed("ERR LIMIT can't be negative"))?;
    }
    // None is a limit that no set reaches.
    Ok((keys, if limit == 0 { usize::MAX } else { limit }))
}

#[cfg(test)]
mod tests {
    use crate::trial::Trial;

    #[test]
    fn counting_stops_at_the_limit() {
        let mut trial = Trial::new();
        trial.run("SADD a 1 2 3");
        trial.run("SADD b 2 3 x");
        trial.check(&[
            ("SINTERCARD 2 a b", ":2"),
            ("SINTERCARD 2 a b LIMIT 1", ":1"),
            ("SINTERCARD 2 a b LIMIT 0", ":2"),
            ("SINTERCARD 2 a nosuch", ":0"),
            ("SINTERCARD 0 a", "-ERR numkeys should be greater than 0"),
            ("SINTERCARD x a", "-ERR numkeys should be greater than 0"),
            ("SINTERCARD 2 a", "-ERR Number of keys can't be greater than number of args"),
            ("SINTERCARD 1 a LIMIT", "-ERR syntax error"),
            ("SINTERCARD 1 a b", "-ERR syntax error"),
            ("SINTERCARD 1 a LIMIT -1", "-ERR LIMIT can't be negative"),
        ]);
    }
}
