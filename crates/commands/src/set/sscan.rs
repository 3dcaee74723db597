//! `SSCAN key cursor [MATCH pattern] [COUNT count]`
//!
//! Walks over the members of a set in steps. A member that is there from the first step to the last is
//! replied at least once, whatever is added and removed meanwhile; a small set comes in one step.
//!
//! Source: Redis documentation, SSCAN.

use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};
use dunlin_values::IntText;

use crate::args::Args;
use crate::collection_scan::{ScanOptions, reply_step};
use crate::command::Command;
use crate::context::Context;
use crate::error::{CommandError, CommandResult};
use crate::generic::parse_cursor;
use crate::set::reply_member;

const SPEC: CommandSpec = CommandSpec::new("sscan", Group::Set, -3)
    .summary("Iterates over members of a set.")
    .since("2.8.0")
    .complexity(
        "O(1) for every call. O(N) for a complete iteration, including enough command calls for \
         the cursor to return back to 0. N is the number of elements inside the collection.",
    )
    .flags(&[Flags::READONLY])
    .categories(&[Categories::SET])
    .keys(&[KeySpec::at(1, &[KeyFlags::RO, KeyFlags::ACCESS])])
    .tips(&["nondeterministic_output"])
    .args(&[
        Arg::key("key", 0),
        Arg::integer("cursor"),
        Arg::pattern("pattern").token("MATCH").optional(),
        Arg::integer("count").token("COUNT").optional(),
    ]);

/// SSCAN's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let cursor = parse_cursor(args.get(2))?;
    let step = cx.reply.mark();
    let Some(entry) = cx.keyspace.get(cx.db, args.get(1)) else {
        reply_step(cx.reply, step, 0, 0);
        return Ok(());
    };
    let set = entry.set().ok_or(CommandError::WrongType)?;
    let options = ScanOptions::parse(args, 3)?;
    let mut found = 0;
    let next = options.walk(cursor, |cursor, visited| {
        set.scan(cursor, &mut |member| {
            *visited += 1;
            if options.accepts(member.as_bytes(&mut IntText::default())) {
                reply_member(cx.reply, member);
                found += 1;
            }
        })
    });
    reply_step(cx.reply, step, found, next);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::trial::Trial;

    use std::collections::BTreeSet;

    /// The cursor and the members of a reply.
    fn step(reply: &str) -> (String, Vec<String>) {
        let mut lines = reply.split("\r\n").filter(|line| !line.starts_with(['*', '$']));
        let cursor = lines.next().expect("a cursor").to_owned();
        (cursor, lines.filter(|line| !line.is_empty()).map(str::to_owned).collect())
    }

    #[test]
    fn small_sets_come_in_one_step() {
        let mut trial = Trial::new();
        trial.run("SADD s 1 2 3");
        trial.run("SADD t a b ab");
        assert_eq!(
            step(&trial.run("SSCAN s 0 COUNT 1")),
            ("0".into(), vec!["1".into(), "2".into(), "3".into()])
        );
        assert_eq!(
            step(&trial.run("SSCAN t 0 MATCH a*")),
            ("0".into(), vec!["a".into(), "ab".into()])
        );
        trial.check(&[
            ("SSCAN nosuch 0 COUNT x", "*2\r\n$1\r\n0\r\n*0"),
            ("SSCAN s x", "-ERR invalid cursor"),
            ("SSCAN s 0 COUNT 0", "-ERR syntax error"),
            ("SSCAN s 0 TYPE set", "-ERR syntax error"),
        ]);
    }

    #[test]
    fn a_large_set_comes_in_steps_of_about_the_count() {
        let mut trial = Trial::new();
        for n in 0..100 {
            let members: Vec<String> = (0..20).map(|m| format!("member:{n}:{m}")).collect();
            trial.run(&format!("SADD s {}", members.join(" ")));
        }
        for count in [1, 10, 500] {
            let (mut cursor, mut seen) = ("0".to_owned(), BTreeSet::new());
            loop {
                let (next, members) = step(&trial.run(&format!("SSCAN s {cursor} COUNT {count}")));
                assert!(members.len() < count + 64);
                seen.extend(members);
                cursor = next;
                if cursor == "0" {
                    break;
                }
            }
            assert_eq!(seen.len(), 2000);
        }
    }
}
