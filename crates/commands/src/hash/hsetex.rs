//! `HSETEX key [FNX | FXX] [EX seconds | PX milliseconds | EXAT unix-time-seconds |
//! PXAT unix-time-milliseconds | KEEPTTL] FIELDS numfields field value [field value ...]`
//!
//! Sets fields with a deadline, if none (FNX) or all (FXX) of them are there; replies whether it did.
//! Propagated as what it does: HSET and HPEXPIREAT, HSETEX KEEPTTL, or HDEL where the deadline has
//! passed.
//!
//! Source: Redis documentation, HSETEX.

use dunlin_keyspace::{Expiry, Slot};
use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};
use dunlin_stdx::time::UnixMs;
use dunlin_values::hash::HashMut;
use dunlin_values::{Entry, ValueMut};

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::effects::KeyEventClass;
use crate::error::{CommandError, CommandResult};
use crate::hash::field_names;
use crate::hash::{edit, limits, propagate_deadline, propagate_removal, remove_fields, seen_at};
use crate::string::expiry::{Expiry as NewDeadline, Unit};

const SPEC: CommandSpec = CommandSpec::new("hsetex", Group::Hash, -6)
    .summary(
        "Set the value of one or more fields of a given hash key, and optionally set their \
         expiration.",
    )
    .since("8.0.0")
    .complexity("O(N) where N is the number of fields being set.")
    .flags(&[Flags::WRITE, Flags::DENYOOM, Flags::FAST])
    .categories(&[Categories::HASH])
    .keys(&[KeySpec::at(1, &[KeyFlags::RW, KeyFlags::UPDATE])])
    .args(&[
        Arg::key("key", 0),
        Arg::one_of("condition", &[Arg::literal("fnx", "FNX"), Arg::literal("fxx", "FXX")])
            .optional(),
        Arg::one_of(
            "expiration",
            &[
                Arg::integer("seconds").token("EX"),
                Arg::integer("milliseconds").token("PX"),
                Arg::unix_time("unix-time-seconds").token("EXAT"),
                Arg::unix_time("unix-time-milliseconds").token("PXAT"),
                Arg::literal("keepttl", "KEEPTTL"),
            ],
        )
        .optional(),
        Arg::block(
            "fields",
            &[
                Arg::integer("numfields"),
                Arg::block("data", &[Arg::string("field"), Arg::string("value")]).multiple(),
            ],
        )
        .token("FIELDS"),
    ]);

/// HSETEX's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

/// Which fields must be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Condition {
    None,
    All,
}

/// What becomes of the deadlines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Deadline {
    Cleared,
    Kept,
    At(UnixMs),
}

struct Options<'a> {
    condition: Option<Condition>,
    deadline: Deadline,
    /// Names and values in turns.
    words: &'a [&'a [u8]],
}

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let options = Options::parse(args, cx.now.unix_ms())?;
    let (key, words) = (args.get(1), options.words);
    let names: Vec<&[u8]> = words.iter().step_by(2).copied().collect();
    let now = seen_at(cx, key, &names);
    if !options.is_met(cx, key, &names, now)? {
        cx.reply.integer(0);
        return Ok(());
    }
    match options.deadline {
        Deadline::At(at) if at <= cx.now.unix_ms() && cx.keyspace.expiry() == Expiry::Remove => {
            if remove_fields(cx, key, &names, now)? > 0 {
                propagate_removal(cx, key, &names);
            }
        }
        deadline => {
            set(cx, key, words, deadline, now);
            propagate(cx, key, words, deadline, &names);
        }
    }
    cx.reply.integer(1);
    Ok(())
}

fn set(cx: &mut Context<'_>, key: &[u8], words: &[&[u8]], deadline: Deadline, now: UnixMs) {
    let limits = limits(cx);
    let set_all = |hash: &mut HashMut<'_>| {
        hash.expect(words);
        for pair in words.chunks_exact(2) {
            match deadline {
                Deadline::Kept => hash.set_keeping_deadline(pair[0], pair[1]),
                Deadline::Cleared | Deadline::At(_) => hash.set(pair[0], pair[1]),
            };
        }
        if let Deadline::At(at) = deadline {
            words.iter().step_by(2).for_each(|name| hash.set_deadline(name, Some(at)));
        }
    };
    match cx.keyspace.slot(cx.db, key) {
        Slot::Occupied(mut slot) => {
            set_all(&mut edit(&mut slot, limits, now));
            slot.field_deadlines_changed();
        }
        Slot::Vacant(slot) => {
            let mut entry = Entry::new(key, limits.build(&[], &mut Vec::new()).0, None);
            set_all(&mut HashMut::new(ValueMut::new(&mut entry), limits, now));
            slot.insert_entry(entry);
        }
    }
    cx.effects.changed(words.len() as u64 / 2);
    cx.notify(KeyEventClass::HASH, "hset", cx.db, key);
    if matches!(deadline, Deadline::At(_)) {
        cx.notify(KeyEventClass::HASH, "hexpire", cx.db, key);
    }
}

/// Followers are told what became of the fields, whatever the condition was.
fn propagate(
    cx: &mut Context<'_>,
    key: &[u8],
    words: &[&[u8]],
    deadline: Deadline,
    names: &[&[u8]],
) {
    let mut digits = itoa::Buffer::new();
    let mut command: Vec<&[u8]> = vec![b"HSET", key];
    if deadline == Deadline::Kept {
        command = vec![b"HSETEX", key, b"KEEPTTL", b"FIELDS"];
        command.push(digits.format(names.len()).as_bytes());
    }
    command.extend(words);
    cx.effects.rewrite(&command);
    if let Deadline::At(at) = deadline {
        propagate_deadline(cx, key, at, names);
    }
}

impl<'a> Options<'a> {
    fn parse(args: Args<'a>, now: UnixMs) -> Result<Self, CommandError> {
        let (mut condition, mut deadline, mut at) = (None, None, 2);
        while at < args.len() && !args.is(at, "FIELDS") {
            let word = args.get(at);
            at += 1;
            if word.eq_ignore_ascii_case(b"FNX") || word.eq_ignore_ascii_case(b"FXX") {
                let new = if args.is(at - 1, "FNX") { Condition::None } else { Condition::All };
                if condition.replace(new).is_some() {
                    return Err(CommandError::fixed(
                        "ERR Only one of FXX or FNX arguments can be specified",
                    ));
                }
                continue;
            }
            let new = if word.eq_ignore_ascii_case(b"KEEPTTL") {
                Deadline::Kept
            } else if let Some(unit) = Unit::from_word(word)
                && at < args.len()
            {
                at += 1;
                let new = NewDeadline { unit, amount: args.get(at - 1) };
                Deadline::At(new.deadline(now, "hsetex")?)
            } else {
                return Err(field_names::missing());
            };
            if deadline.replace(new).is_some() {
                return Err(CommandError::fixed(
                    "ERR Only one of EX, PX, EXAT, PXAT or KEEPTTL arguments can be specified",
                ));
            }
        }
        let words = field_names::parse_words(args, at, 2)?;
        Ok(Self { condition, deadline: deadline.unwrap_or(Deadline::Cleared), words })
    }

    fn is_met(
        &self,
        cx: &mut Context<'_>,
        key: &[u8],
        names: &[&[u8]],
        now: UnixMs,
    ) -> Result<bool, CommandError> {
        let entry = cx.keyspace.peek(cx.db, key);
        let hash = match &entry {
            None => None,
            Some(entry) => Some(entry.hash(now).ok_or(CommandError::WrongType)?),
        };
        let is_there = |name: &&[u8]| hash.is_some_and(|hash| hash.get(name).is_some());
        Ok(match self.condition {
            None => true,
            Some(Condition::None) => !names.iter().any(is_there),
            Some(Condition::All) => names.iter().all(is_there),
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::trial::Trial;

    #[test]
    fn fields_are_set_with_a_deadline() {
        let mut trial = Trial::new();
        trial.at_ms(1_000_000);
        trial.check(&[
            ("HSETEX h EX 10 FIELDS 2 a 1 b 2", ":1"),
            ("HPTTL h FIELDS 2 a b", "*2\r\n:10000\r\n:10000"),
            ("HSETEX h KEEPTTL FIELDS 2 a 3 c 4", ":1"),
            ("HPTTL h FIELDS 2 a c", "*2\r\n:10000\r\n:-1"),
            ("HSETEX h FIELDS 1 a 5", ":1"),
            ("HPTTL h FIELDS 2 a b", "*2\r\n:-1\r\n:10000"),
            ("HMGET h a b c", "*3\r\n$1\r\n5\r\n$1\r\n2\r\n$1\r\n4"),
            ("HSETEX h PXAT 1 FIELDS 2 b x d y", ":1"),
            ("HEXISTS h b", ":0"),
            ("SET k v", "+OK"),
        ]);
        let events = ["hset h", "hexpire h", "hset h", "hset h", "hdel h", "set k"];
        assert_eq!(trial.events(), events);
        let told = [
            "HSET h a 1 b 2",
            "HPEXPIREAT h 1010000 FIELDS 2 a b",
            "HSETEX h KEEPTTL FIELDS 2 a 3 c 4",
            "HSET h a 5",
            "HDEL h b d",
            "SET k v",
        ];
        assert_eq!(trial.propagated(), told);
        assert!(trial.run("HSETEX k FIELDS 1 a 1").starts_with("-WRONGTYPE "));
    }

    #[test]
    fn conditions_are_about_all_fields_together() {
        let mut trial = Trial::new();
        trial.run("HSET h a 1");
        trial.check(&[
            ("HSETEX h FNX FIELDS 2 a x b x", ":0"),
            ("HSETEX h FXX FIELDS 2 a x b x", ":0"),
            ("HSETEX nosuch FXX FIELDS 1 a x", ":0"),
            ("HGETALL h", "*2\r\n$1\r\na\r\n$1\r\n1"),
            ("EXISTS nosuch", ":0"),
            ("HSETEX h fxx EX 5 FIELDS 1 a y", ":1"),
            ("HSETEX h EX 5 FNX FIELDS 1 b y", ":1"),
            ("HSETEX new FNX FIELDS 1 b y", ":1"),
            ("HLEN h", ":2"),
        ]);
    }

    #[test]
    fn words_are_checked_first() {
        let mut trial = Trial::new();
        let fields = "-ERR Mandatory argument FIELDS is missing or not at the right position";
        let count = "-ERR The `numfields` parameter must match the number of arguments";
        let one = "-ERR Only one of EX, PX, EXAT, PXAT or KEEPTTL arguments can be specified";
        trial.check(&[
            (
                "HSETEX h FNX FXX FIELDS 1 a 1",
                "-ERR Only one of FXX or FNX arguments can be specified",
            ),
            ("HSETEX h EX 60 KEEPTTL FIELDS 1 a 1", one),
            ("HSETEX h EX 1 PX 2 FIELDS 1 a 1", one),
            ("HSETEX h EX 0 FIELDS 1 a 1", "-ERR invalid expire time in 'hsetex' command"),
            ("HSETEX h EX x FIELDS 1 a 1", "-ERR value is not an integer or out of range"),
            ("HSETEX h BOGUS FIELDS 1 a 1", fields),
            ("HSETEX h FNX EX 1 KEEPTT", fields),
            ("HSETEX h FIELDS 2 a 1", count),
            ("HSETEX h FIELDS 1 a 1 b", count),
            ("HSETEX h FIELDS 0 a 1", "-ERR Parameter `numFields` should be greater than 0"),
        ]);
    }
}
