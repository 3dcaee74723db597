//! `SCAN cursor [MATCH pattern] [COUNT count] [TYPE type]`
//!
//! Walks over the keys of the selected database in steps. A key that is there from the first step to
//! the last is replied at least once, whatever is added and removed meanwhile; COUNT bounds the work
//! of a step, not the number of keys it replies. Cursors stay below 2^48: some clients lose bits
//! above 2^53, and proxies shift cursors.
//!
//! Source: Redis documentation, SCAN.
//! Differs: any number is a valid cursor, as in Redis; one that was never handed out may end the scan
//! at once.

use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group};
use dunlin_stdx::glob::{self, Case};
use dunlin_values::{Entry, ValueType};

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::{CommandError, CommandResult};

const SPEC: CommandSpec = CommandSpec::new("scan", Group::Generic, -2)
    .summary("Iterates over the key names in the database.")
    .since("2.8.0")
    .complexity(
        "O(1) for every call. O(N) for a complete iteration, including enough command calls for \
         the cursor to return back to 0. N is the number of elements inside the collection.",
    )
    .flags(&[Flags::READONLY, Flags::TOUCHES_ARBITRARY_KEYS])
    .categories(&[Categories::KEYSPACE])
    .tips(&["nondeterministic_output", "request_policy:special", "response_policy:special"])
    .history(&[("6.0.0", "Added the `TYPE` subcommand.")])
    .args(&[
        Arg::integer("cursor"),
        Arg::pattern("pattern").token("MATCH").optional(),
        Arg::integer("count").token("COUNT").optional(),
        Arg::string("type").token("TYPE").optional().since("6.0.0"),
    ]);

/// SCAN's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

/// Keys a step is asked for if the client names no COUNT.
const COUNT_DEFAULT: usize = 10;

/// What a step replies.
struct Filter<'a> {
    pattern: Option<&'a [u8]>,
    /// The type asked for; none matches a name that is no type.
    value_type: Option<Option<ValueType>>,
}

impl Filter<'_> {
    fn accepts(&self, entry: &Entry) -> bool {
        self.value_type.is_none_or(|wanted| wanted == Some(entry.value_type()))
            && self
                .pattern
                .is_none_or(|pattern| glob::matches(pattern, entry.key(), Case::Sensitive))
    }
}

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let cursor = parse_cursor(args.get(1))?;
    let (filter, count) = parse_options(args)?;
    let step = cx.reply.mark();
    let mut found = 0;
    let next = cx.keyspace.scan(cx.db, cursor, count, |entry| {
        if filter.accepts(entry) {
            cx.reply.bulk(entry.key());
            found += 1;
        }
    });
    // The cursor comes first and is known last: headers are put before the names, back to front.
    cx.reply.set_array(step, found);
    cx.reply.set_bulk_integer(step, next as i64);
    cx.reply.set_array(step, 2);
    Ok(())
}

fn parse_options(args: Args<'_>) -> Result<(Filter<'_>, usize), CommandError> {
    let mut filter = Filter { pattern: None, value_type: None };
    let mut count = COUNT_DEFAULT;
    let mut words = args.cursor(2);
    while let Some(word) = words.next_word() {
        if words.remaining() == 0 {
            return Err(CommandError::Syntax);
        } else if word.eq_ignore_ascii_case(b"match") {
            filter.pattern = Some(words.value()?).filter(|pattern| *pattern != b"*");
        } else if word.eq_ignore_ascii_case(b"count") {
            let wanted = usize::try_from(words.integer()?).ok().filter(|count| *count > 0);
            count = wanted.ok_or(CommandError::Syntax)?;
        } else if word.eq_ignore_ascii_case(b"type") {
            filter.value_type = Some(ValueType::from_name(words.value()?));
        } else {
            return Err(CommandError::Syntax);
        }
    }
    Ok((filter, count))
}

/// Reads a cursor as C's `strtoul` does, which clients have come to rely on: a sign is allowed, and
/// a negative number stands for its two's complement.
///
/// # Errors
/// `ERR invalid cursor`.
pub(crate) fn parse_cursor(word: &[u8]) -> Result<u64, CommandError> {
    let invalid = CommandError::fixed("ERR invalid cursor");
    let text = word.split(|byte| *byte == 0).next().unwrap_or_default();
    let (negative, digits) = match text {
        [] => return Ok(0),
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] | digits => (false, digits),
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return Err(invalid);
    }
    let value = digits.iter().try_fold(0_u64, |value, digit| {
        value.checked_mul(10)?.checked_add(u64::from(digit - b'0'))
    });
    let value = value.ok_or(invalid)?;
    Ok(if negative { value.wrapping_neg() } else { value })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::parse_cursor;
    use crate::trial::Trial;

    #[test]
    fn cursors_are_read_as_strtoul_reads_them() {
        let check = |text: &[u8], expected: Option<u64>| {
            assert_eq!(parse_cursor(text).ok(), expected, "{}", String::from_utf8_lossy(text));
        };
        check(b"0", Some(0));
        check(b"", Some(0));
        check(b"+17", Some(17));
        check(b"0017", Some(17));
        check(b"-1", Some(u64::MAX));
        check(b"18446744073709551615", Some(u64::MAX));
        check(b"18446744073709551616", None);
        check(b"-18446744073709551616", None);
        check(b" 1", None);
        check(b"1 ", None);
        check(b"-", None);
        check(b"+-1", None);
        check(b"0x10", None);
        check(b"5\x00x", Some(5));
    }

    /// The cursor and the names of a reply.
    fn step(reply: &str) -> (String, Vec<String>) {
        let mut lines = reply.split("\r\n").filter(|line| !line.starts_with(['*', '$']));
        let cursor = lines.next().expect("a cursor").to_owned();
        (cursor, lines.filter(|line| !line.is_empty()).map(str::to_owned).collect())
    }

    #[test]
    fn every_key_is_met_and_a_step_is_about_as_long_as_asked() {
        let mut trial = Trial::new();
        for n in 0..2000 {
            trial.run(&format!("SET key:{n} 1"));
        }
        for count in [1, 10, 100, 5000] {
            let (mut cursor, mut seen) = ("0".to_owned(), BTreeSet::new());
            loop {
                let (next, names) = step(&trial.run(&format!("SCAN {cursor} COUNT {count}")));
                assert!(names.len() < count + 64);
                seen.extend(names);
                cursor = next;
                if cursor == "0" {
                    break;
                }
            }
            assert_eq!(seen.len(), 2000, "COUNT {count}");
        }
    }

    #[test]
    fn a_step_replies_what_matches() {
        let mut trial = Trial::new();
        trial.run("SET a 1");
        trial.run("SET b 1");
        let found = |command: &str, trial: &mut Trial| step(&trial.run(command)).1;
        assert_eq!(found("SCAN 0 MATCH a", &mut trial), ["a"]);
        assert_eq!(found("SCAN 0 MATCH a MATCH b", &mut trial), ["b"]);
        assert_eq!(found("SCAN 0 MATCH * TYPE STRING", &mut trial).len(), 2);
        assert!(found("SCAN 0 TYPE nosuch", &mut trial).is_empty());
        assert_eq!(trial.run("SCAN 0 MATCH"), "-ERR syntax error\r\n");
        assert_eq!(trial.run("SCAN 0 COUNT 0"), "-ERR syntax error\r\n");
    }
}
