//! `HSCAN key cursor [MATCH pattern] [COUNT count]`
//!
//! Walks over the fields of a hash in steps. A field that is there from the first step to the last is
//! replied at least once, whatever is added and removed meanwhile; a small hash comes in one step.
//!
//! Source: Redis documentation, HSCAN.

use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};
use dunlin_values::IntText;

use crate::args::Args;
use crate::collection_scan::{ScanOptions, reply_step};
use crate::command::Command;
use crate::context::Context;
use crate::error::{CommandError, CommandResult};
use crate::generic::parse_cursor;
use crate::hash::{reply_element, seen_at};

const SPEC: CommandSpec = CommandSpec::new("hscan", Group::Hash, -3)
    .summary("Iterates over fields and values of a hash.")
    .since("2.8.0")
    .complexity(
        "O(1) for every call. O(N) for a complete iteration, including enough command calls for \
         the cursor to return back to 0. N is the number of elements inside the collection.",
    )
    .flags(&[Flags::READONLY])
    .categories(&[Categories::HASH])
    .keys(&[KeySpec::at(1, &[KeyFlags::RO, KeyFlags::ACCESS])])
    .tips(&["nondeterministic_output"])
    .args(&[
        Arg::key("key", 0),
        Arg::integer("cursor"),
        Arg::pattern("pattern").token("MATCH").optional(),
        Arg::integer("count").token("COUNT").optional(),
    ]);

/// HSCAN's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let (key, cursor) = (args.get(1), parse_cursor(args.get(2))?);
    let now = seen_at(cx, key, &[]);
    let step = cx.reply.mark();
    let Some(entry) = cx.keyspace.get(cx.db, key) else {
        reply_step(cx.reply, step, 0, 0);
        return Ok(());
    };
    let hash = entry.hash(now).ok_or(CommandError::WrongType)?;
    let options = ScanOptions::parse(args, 3)?;
    let mut found = 0;
    let next = options.walk(cursor, |cursor, visited| {
        hash.scan(cursor, &mut |field| {
            *visited += 1;
            if options.accepts(field.name.as_bytes(&mut IntText::default())) {
                reply_element(cx.reply, field.name);
                reply_element(cx.reply, field.value);
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

    use std::collections::BTreeMap;

    /// The cursor and the fields of a reply.
    fn step(reply: &str) -> (String, BTreeMap<String, String>) {
        let mut words = reply.split("\r\n").filter(|line| !line.starts_with(['*', '$']));
        let cursor = words.next().expect("a cursor").to_owned();
        let mut fields = BTreeMap::new();
        while let Some(name) = words.next().filter(|name| !name.is_empty()) {
            fields.insert(name.to_owned(), words.next().expect("a value").to_owned());
        }
        (cursor, fields)
    }

    #[test]
    fn small_hashes_come_in_one_step() {
        let mut trial = Trial::new();
        trial.run("HSET h a 1 b 2 ab 3");
        let fields = |names: &[(&str, &str)]| -> BTreeMap<String, String> {
            names.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect()
        };
        let all = fields(&[("a", "1"), ("ab", "3"), ("b", "2")]);
        assert_eq!(step(&trial.run("HSCAN h 0 COUNT 1")), ("0".into(), all));
        let some = fields(&[("a", "1"), ("ab", "3")]);
        assert_eq!(step(&trial.run("HSCAN h 0 MATCH a*")), ("0".into(), some));
        trial.check(&[
            ("HSCAN nosuch 0 COUNT x", "*2\r\n$1\r\n0\r\n*0"),
            ("HSCAN h x", "-ERR invalid cursor"),
            ("HSCAN h 0 COUNT 0", "-ERR syntax error"),
            ("HSCAN h 0 NOVALUES", "-ERR syntax error"),
        ]);
    }

    #[test]
    fn a_large_hash_comes_in_steps_of_about_the_count() {
        let mut trial = Trial::new();
        for n in 0..2000 {
            trial.run(&format!("HSET h field:{n} {n}"));
        }
        for count in [1, 10, 500] {
            let (mut cursor, mut seen) = ("0".to_owned(), BTreeMap::new());
            loop {
                let (next, fields) = step(&trial.run(&format!("HSCAN h {cursor} COUNT {count}")));
                assert!(fields.len() < count + 64);
                seen.extend(fields);
                cursor = next;
                if cursor == "0" {
                    break;
                }
            }
            assert_eq!(seen.len(), 2000);
            assert!(seen.iter().all(|(name, value)| *name == format!("field:{value}")));
        }
    }
}
