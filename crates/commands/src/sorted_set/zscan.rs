//! `ZSCAN key cursor [MATCH pattern] [COUNT count]`
//!
//! Walks over the members in steps, replying each with its score. A member that is there from the first
//! step to the last is replied at least once, whatever is added and removed meanwhile; a small sorted
//! set comes in one step.
//!
//! Source: Redis documentation, ZSCAN.

use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};
use dunlin_stdx::number::{format_f64, format_f64_17_digits};
use dunlin_values::IntText;

use crate::args::Args;
use crate::collection_scan::{ScanOptions, reply_step};
use crate::command::Command;
use crate::context::Context;
use crate::error::{CommandError, CommandResult};
use crate::generic::parse_cursor;
use crate::sorted_set::show;

const SPEC: CommandSpec = CommandSpec::new("zscan", Group::SortedSet, -3)
    .summary("Iterates over members and scores of a sorted set.")
    .since("2.8.0")
    .complexity(
        "O(1) for every call. O(N) for a complete iteration, including enough command calls for \
         the cursor to return back to 0. N is the number of elements inside the collection.",
    )
    .flags(&[Flags::READONLY])
    .categories(&[Categories::SORTEDSET])
    .keys(&[KeySpec::at(1, &[KeyFlags::RO, KeyFlags::ACCESS])])
    .tips(&["nondeterministic_output"])
    .args(&[
        Arg::key("key", 0),
        Arg::integer("cursor"),
        Arg::pattern("pattern").token("MATCH").optional(),
        Arg::integer("count").token("COUNT").optional(),
    ]);

/// ZSCAN's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let cursor = parse_cursor(args.get(2))?;
    let step = cx.reply.mark();
    let Some(entry) = cx.keyspace.get(cx.db, args.get(1)) else {
        reply_step(cx.reply, step, 0, 0);
        return Ok(());
    };
    let set = entry.sorted_set().ok_or(CommandError::WrongType)?;
    let options = ScanOptions::parse(args, 3)?;
    let mut found = 0;
    let next = options.walk(cursor, |cursor, visited| {
        set.scan(cursor, |member, score| {
            *visited += 1;
            if options.accepts(member.as_bytes(&mut IntText::default())) {
                show::member(cx.reply, member);
                // The text that each encoding of Redis shows.
                cx.reply.bulk(&if set.is_indexed() {
                    format_f64_17_digits(score)
                } else {
                    format_f64(score)
                });
                found += 2;
            }
        })
    });
    reply_step(cx.reply, step, found, next);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::trial::Trial;

    #[test]
    fn scores_are_shown_as_each_encoding_shows_them() {
        let mut trial = Trial::new();
        trial.check(&[
            ("ZADD z 0.1 a 1 b", ":2"),
            ("ZSCAN z 0 MATCH a", "*2\r\n$1\r\n0\r\n*2\r\n$1\r\na\r\n$3\r\n0.1"),
            ("ZSCAN nosuch 0 COUNT x", "*2\r\n$1\r\n0\r\n*0"),
            ("ZSCAN z x", "-ERR invalid cursor"),
            ("ZSCAN z 0 NOVALUES", "-ERR syntax error"),
        ]);
        trial.config.encodings.zset_max_listpack_entries = 1;
        trial.check(&[
            ("ZADD z 2 c", ":1"),
            ("ZSCAN z 0 MATCH a", "*2\r\n$1\r\n0\r\n*2\r\n$1\r\na\r\n$19\r\n0.10000000000000001"),
        ]);
    }
}
