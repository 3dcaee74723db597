//! `HTTL key FIELDS numfields field [field ...]`
//!
//! Replies for each field the seconds until it expires, -1 if it does not, -2 if there is no such
//! field; HTTL, HPTTL, HEXPIRETIME and HPEXPIRETIME are here.
//!
//! Source: Redis documentation, HTTL.

use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::{CommandError, CommandResult};
use crate::hash::field_names::{self, NAMES};
use crate::hash::seen_at;

const SPEC: CommandSpec = CommandSpec::new("httl", Group::Hash, -5)
    .summary("Returns the TTL in seconds of a hash field.")
    .since("7.4.0")
    .complexity("O(N) where N is the number of specified fields")
    .flags(&[Flags::READONLY, Flags::FAST])
    .categories(&[Categories::HASH])
    .keys(&[KeySpec::at(1, &[KeyFlags::RO, KeyFlags::ACCESS])])
    .tips(&["nondeterministic_output"])
    .args(&[Arg::key("key", 0), NAMES]);

/// HTTL's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    tell_deadlines(cx, args, Form { unit_ms: 1000, from_now: true })
}

/// How a command of the family tells a deadline.
#[derive(Clone, Copy, Debug)]
pub(super) struct Form {
    /// Milliseconds of a unit; the deadline is rounded up.
    pub(super) unit_ms: i64,
    /// As time left, or else as a point in time.
    pub(super) from_now: bool,
}

/// Runs a command of the family.
pub(super) fn tell_deadlines(cx: &mut Context<'_>, args: Args<'_>, form: Form) -> CommandResult {
    let (key, names) = (args.get(1), field_names::parse(args, 2)?);
    let now = seen_at(cx, key, names);
    let entry = cx.keyspace.inspect(cx.db, key);
    let hash = match &entry {
        None => None,
        Some(entry) => Some(entry.hash(now).ok_or(CommandError::WrongType)?),
    };
    cx.reply.array(names.len());
    for name in names {
        let answer = match hash.and_then(|hash| hash.get(name)) {
            None => -2,
            Some(field) => field.deadline.map_or(-1, |at| {
                let ms = if form.from_now { (at - cx.now.unix_ms()).max(0) } else { at.0 };
                ms.saturating_add(form.unit_ms - 1) / form.unit_ms
            }),
        };
        cx.reply.integer(answer);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::trial::Trial;

    #[test]
    fn deadlines_are_told_in_both_units_as_time_left_and_as_time() {
        let mut trial = Trial::new();
        trial.at_ms(1_000_500);
        trial.run("HSET h a 1 b 2");
        trial.run("SET k v");
        trial.run("HPEXPIRE h 10001 FIELDS 1 a");
        trial.check(&[
            ("HTTL h FIELDS 3 a b c", "*3\r\n:11\r\n:-1\r\n:-2"),
            ("HPTTL h FIELDS 1 a", "*1\r\n:10001"),
            ("HEXPIRETIME h FIELDS 2 a b", "*2\r\n:1011\r\n:-1"),
            ("HPEXPIRETIME h FIELDS 2 a c", "*2\r\n:1010501\r\n:-2"),
            ("HTTL nosuch FIELDS 1 a", "*1\r\n:-2"),
            (
                "HTTL h FIELDS 2 a",
                "-ERR The `numfields` parameter must match the number of arguments",
            ),
        ]);
        assert!(trial.run("HTTL k FIELDS 1 a").starts_with("-WRONGTYPE "));
        trial.advance_ms(10_001);
        trial.check(&[("HTTL h FIELDS 2 a b", "*2\r\n:-2\r\n:-1")]);
    }
}
