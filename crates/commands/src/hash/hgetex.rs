//! `HGETEX key [EX seconds | PX milliseconds | EXAT unix-time-seconds | PXAT unix-time-milliseconds
//! | PERSIST] FIELDS numfields field [field ...]`
//!
//! Replies the values of fields, nil for those that are not there, and changes their deadlines.
//! Propagated as what it does: HPEXPIREAT, HPERSIST, or HDEL where the deadline has passed.
//!
//! Source: Redis documentation, HGETEX.

use dunlin_keyspace::{Expiry, Slot};
use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};
use dunlin_stdx::time::UnixMs;

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::effects::KeyEventClass;
use crate::error::{CommandError, CommandResult};
use crate::hash::field_names::{self, NAMES};
use crate::hash::{
    edit, limits, propagate_deadline, propagate_names, propagate_removal, remove_fields,
    reply_values, seen_at,
};
use crate::string::expiry::{Expiry as NewDeadline, Unit};

const SPEC: CommandSpec = CommandSpec::new("hgetex", Group::Hash, -5)
    .summary(
        "Get the value of one or more fields of a given hash key, and optionally set their \
         expiration.",
    )
    .since("8.0.0")
    .complexity("O(N) where N is the number of specified fields")
    .flags(&[Flags::WRITE, Flags::FAST])
    .categories(&[Categories::HASH])
    .keys(&[KeySpec::at(1, &[KeyFlags::RW, KeyFlags::ACCESS, KeyFlags::UPDATE])
        .notes("RW and UPDATE because it changes the TTL")])
    .args(&[
        Arg::key("key", 0),
        Arg::one_of(
            "expiration",
            &[
                Arg::integer("seconds").token("EX"),
                Arg::integer("milliseconds").token("PX"),
                Arg::unix_time("unix-time-seconds").token("EXAT"),
                Arg::unix_time("unix-time-milliseconds").token("PXAT"),
                Arg::literal("persist", "PERSIST"),
            ],
        )
        .optional(),
        NAMES,
    ]);

/// HGETEX's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

/// What becomes of the deadlines.
#[derive(Clone, Copy, Debug)]
enum Change {
    None,
    Persist,
    Expire(UnixMs),
}

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let (change, names) = parse(args, cx.now.unix_ms())?;
    let key = args.get(1);
    let now = seen_at(cx, key, names);
    reply_values(cx, key, names, now)?;
    let has_passed = |at| at <= cx.now.unix_ms() && cx.keyspace.expiry() == Expiry::Remove;
    match change {
        Change::None => {}
        Change::Persist => {
            if change_deadlines(cx, key, names, None, now) {
                cx.notify(KeyEventClass::HASH, "hpersist", cx.db, key);
                propagate_names(cx, &[b"HPERSIST", key], names);
            }
        }
        Change::Expire(at) if has_passed(at) => {
            if remove_fields(cx, key, names, now)? > 0 {
                propagate_removal(cx, key, names);
            }
        }
        Change::Expire(at) => {
            if change_deadlines(cx, key, names, Some(at), now) {
                cx.notify(KeyEventClass::HASH, "hexpire", cx.db, key);
                propagate_deadline(cx, key, at, names);
            }
        }
    }
    Ok(())
}

fn parse<'a>(args: Args<'a>, now: UnixMs) -> Result<(Change, &'a [&'a [u8]]), CommandError> {
    let word = args.get(2);
    if word.eq_ignore_ascii_case(b"FIELDS") {
        return Ok((Change::None, field_names::parse(args, 2)?));
    }
    let (change, at) = if word.eq_ignore_ascii_case(b"PERSIST") {
        (Change::Persist, 3)
    } else if let Some(unit) = Unit::from_word(word) {
        let deadline = NewDeadline { unit, amount: args.get(3) };
        (Change::Expire(deadline.deadline(now, "hgetex")?), 4)
    } else {
        return Err(field_names::missing());
    };
    if Unit::from_word(args.get(at)).is_some() || args.is(at, "PERSIST") {
        return Err(CommandError::fixed(
            "ERR Only one of EX, PX, EXAT, PXAT or PERSIST arguments can be specified",
        ));
    }
    Ok((change, field_names::parse(args, at)?))
}

/// Gives fields this deadline, or none; returns whether that changed anything.
fn change_deadlines(
    cx: &mut Context<'_>,
    key: &[u8],
    names: &[&[u8]],
    deadline: Option<UnixMs>,
    now: UnixMs,
) -> bool {
    let limits = limits(cx);
    let Slot::Occupied(mut slot) = cx.keyspace.slot(cx.db, key) else { return false };
    let mut changed = 0;
    for name in names {
        let field = slot.hash(now).and_then(|hash| hash.get(name));
        if field.is_some_and(|field| field.deadline.is_some() || deadline.is_some()) {
            edit(&mut slot, limits, now).set_deadline(name, deadline);
            changed += 1;
        }
    }
    if changed > 0 {
        slot.field_deadlines_changed();
    }
    drop(slot);
    cx.effects.changed(changed);
    changed > 0
}

#[cfg(test)]
mod tests {
    use crate::trial::Trial;

    #[test]
    fn values_are_replied_and_deadlines_change() {
        let mut trial = Trial::new();
        trial.at_ms(1_000_000);
        trial.run("HSET h a 1 b x");
        trial.run("SET k v");
        trial.forget();
        trial.check(&[
            ("HGETEX h FIELDS 2 a nosuch", "*2\r\n$1\r\n1\r\n$-1"),
            ("HGETEX h EX 10 FIELDS 1 a", "*1\r\n$1\r\n1"),
            ("HPTTL h FIELDS 2 a b", "*2\r\n:10000\r\n:-1"),
            ("HGETEX h pxat 1000500 FIELDS 2 b nosuch", "*2\r\n$1\r\nx\r\n$-1"),
            ("HPTTL h FIELDS 1 b", "*1\r\n:500"),
            ("HGETEX h PERSIST FIELDS 2 a b", "*2\r\n$1\r\n1\r\n$1\r\nx"),
            ("HGETEX h PERSIST FIELDS 1 a", "*1\r\n$1\r\n1"),
            ("HTTL h FIELDS 2 a b", "*2\r\n:-1\r\n:-1"),
            ("HGETEX h EXAT 1 FIELDS 1 a", "*1\r\n$1\r\n1"),
            ("HEXISTS h a", ":0"),
            ("HGETEX nosuch EX 10 FIELDS 1 a", "*1\r\n$-1"),
        ]);
        assert_eq!(trial.events(), ["hexpire h", "hexpire h", "hpersist h", "hdel h"]);
        let told = [
            "HPEXPIREAT h 1010000 FIELDS 1 a",
            "HPEXPIREAT h 1000500 FIELDS 2 b nosuch",
            "HPERSIST h FIELDS 2 a b",
            "HDEL h a",
        ];
        assert_eq!(trial.propagated(), told);
        assert!(trial.run("HGETEX k EX 10 FIELDS 1 a").starts_with("-WRONGTYPE "));
    }

    #[test]
    fn one_deadline_at_most_is_named() {
        let mut trial = Trial::new();
        trial.check(&[
            ("HGETEX h EX 0 FIELDS 1 a", "-ERR invalid expire time in 'hgetex' command"),
            ("HGETEX h EX x FIELDS 1 a", "-ERR value is not an integer or out of range"),
            (
                "HGETEX h EX 10 PERSIST FIELDS 1 a",
                "-ERR Only one of EX, PX, EXAT, PXAT or PERSIST arguments can be specified",
            ),
            (
                "HGETEX h BOGUS FIELDS 1 a",
                "-ERR Mandatory argument FIELDS is missing or not at the right position",
            ),
        ]);
    }
}
