//! `HEXPIRE key seconds [NX|XX|GT|LT] FIELDS numfields field [field ...]`
//!
//! Gives fields a deadline; the whole family HEXPIRE, HPEXPIRE, HEXPIREAT, HPEXPIREAT is here. Replies
//! a number for each field: 1 if the deadline was set, 0 if the condition was not met, 2 if the
//! deadline has passed and the field was removed, -2 if there is no such field. Followers are told the
//! deadline as a point in time (HPEXPIREAT), and removals as HDEL.
//!
//! Source: Redis documentation, HEXPIRE.
//! Differs: the documentation names no texts of errors; these are ours.

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
    edit, limits, propagate_deadline, propagate_removal, remove_if_empty, seen_at, tell_removed,
};

const SPEC: CommandSpec = CommandSpec::new("hexpire", Group::Hash, -6)
    .summary("Set expiry for hash field using relative time to expire (seconds)")
    .since("7.4.0")
    .complexity("O(N) where N is the number of specified fields")
    .flags(&[Flags::WRITE, Flags::DENYOOM, Flags::FAST])
    .categories(&[Categories::HASH])
    .keys(&[KeySpec::at(1, &[KeyFlags::RW, KeyFlags::UPDATE])])
    .args(&[Arg::key("key", 0), Arg::integer("seconds"), CONDITION, NAMES]);

/// HEXPIRE's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    set_deadlines(cx, args, Clock::FROM_NOW_SECONDS)
}

/// The argument of the family that says what the old deadline must be for the new one to be set.
pub(super) const CONDITION: Arg = Arg::one_of(
    "condition",
    &[
        Arg::literal("nx", "NX"),
        Arg::literal("xx", "XX"),
        Arg::literal("gt", "GT"),
        Arg::literal("lt", "LT"),
    ],
)
.optional();

/// How a command of the family counts time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    unit_ms: i64,
    from_now: bool,
    name: &'static str,
}

impl Clock {
    pub(super) const FROM_NOW_SECONDS: Self = Self::new(1000, true, "hexpire");
    pub(super) const UNIX_SECONDS: Self = Self::new(1000, false, "hexpireat");
    pub(super) const FROM_NOW_MS: Self = Self::new(1, true, "hpexpire");
    pub(super) const UNIX_MS: Self = Self::new(1, false, "hpexpireat");

    const fn new(unit_ms: i64, from_now: bool, name: &'static str) -> Self {
        Self { unit_ms, from_now, name }
    }

    /// The point in time that an amount of the client's stands for.
    fn deadline(self, amount: i64, now: UnixMs) -> Result<UnixMs, CommandError> {
        if amount < 0 {
            return Err(CommandError::fixed("ERR invalid expire time, must be >= 0"));
        }
        let since = if self.from_now { now.0 } else { 0 };
        let ms = amount.checked_mul(self.unit_ms).and_then(|ms| ms.checked_add(since));
        ms.map(UnixMs).ok_or(CommandError::InvalidExpire(self.name))
    }
}

/// When a deadline is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Condition {
    Always,
    /// Only if there is none.
    Nx,
    /// Only if there is one.
    Xx,
    /// Only if it is later than the present one; none is later than any.
    Gt,
    /// Only if it is earlier than the present one.
    Lt,
}

impl Condition {
    fn from_word(word: &[u8]) -> Option<Self> {
        const NAMES: [(&[u8], Condition); 4] = [
            (b"NX", Condition::Nx),
            (b"XX", Condition::Xx),
            (b"GT", Condition::Gt),
            (b"LT", Condition::Lt),
        ];
        NAMES.iter().find(|(name, _)| name.eq_ignore_ascii_case(word)).map(|(_, it)| *it)
    }

    fn allows(self, present: Option<UnixMs>, new: UnixMs) -> bool {
        match self {
            Self::Always => true,
            Self::Nx => present.is_none(),
            Self::Xx => present.is_some(),
            Self::Gt => present.is_some_and(|present| new > present),
            Self::Lt => present.is_none_or(|present| new < present),
        }
    }
}

/// What is answered for a field.
mod answer {
    pub(super) const NO_FIELD: i64 = -2;
    pub(super) const NOT_MET: i64 = 0;
    pub(super) const SET: i64 = 1;
    pub(super) const REMOVED: i64 = 2;
}

/// Runs a command of the family.
pub(super) fn set_deadlines(cx: &mut Context<'_>, args: Args<'_>, clock: Clock) -> CommandResult {
    let deadline = clock.deadline(args.integer(2)?, cx.now.unix_ms())?;
    let condition = Condition::from_word(args.get(3));
    let names = field_names::parse(args, if condition.is_some() { 4 } else { 3 })?;
    let condition = condition.unwrap_or(Condition::Always);
    let key = args.get(1);
    let has_passed = deadline <= cx.now.unix_ms() && cx.keyspace.expiry() == Expiry::Remove;
    let (now, limits) = (seen_at(cx, key, names), limits(cx));
    let Slot::Occupied(mut slot) = cx.keyspace.slot(cx.db, key) else {
        cx.reply.array(names.len());
        names.iter().for_each(|_| cx.reply.integer(answer::NO_FIELD));
        return Ok(());
    };
    slot.hash(now).ok_or(CommandError::WrongType)?;
    cx.reply.array(names.len());
    let mut concerned: Vec<&[u8]> = Vec::new();
    for &name in names {
        let field = slot.hash(now).and_then(|hash| hash.get(name));
        let answer = match field {
            None => answer::NO_FIELD,
            Some(field) if !condition.allows(field.deadline, deadline) => answer::NOT_MET,
            Some(_) if has_passed => {
                edit(&mut slot, limits, now).remove(name);
                concerned.push(name);
                answer::REMOVED
            }
            Some(_) => {
                edit(&mut slot, limits, now).set_deadline(name, Some(deadline));
                concerned.push(name);
                answer::SET
            }
        };
        cx.reply.integer(answer);
    }
    if concerned.is_empty() {
        return Ok(());
    }
    if has_passed {
        let is_emptied = remove_if_empty(slot, now, cx.config.memory.lazyfree_lazy_expire);
        tell_removed(cx, key, concerned.len(), is_emptied);
        propagate_removal(cx, key, &concerned);
    } else {
        slot.field_deadlines_changed();
        drop(slot);
        cx.effects.changed(concerned.len() as u64);
        cx.notify(KeyEventClass::HASH, "hexpire", cx.db, key);
        propagate_deadline(cx, key, deadline, &concerned);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::trial::Trial;

    #[test]
    fn every_field_has_an_answer() {
        let mut trial = Trial::new();
        trial.at_ms(1_000_500);
        trial.run("HSET h a 1 b 2 c 3");
        trial.run("SET k v");
        trial.forget();
        trial.check(&[
            ("HEXPIRE h 10 FIELDS 3 a nosuch b", "*3\r\n:1\r\n:-2\r\n:1"),
            ("HPTTL h FIELDS 4 a b c nosuch", "*4\r\n:10000\r\n:10000\r\n:-1\r\n:-2"),
            ("HEXPIRE nosuch 10 FIELDS 2 a b", "*2\r\n:-2\r\n:-2"),
            ("HEXPIRE h 0 FIELDS 3 b b c", "*3\r\n:2\r\n:-2\r\n:2"),
            ("HKEYS h", "*1\r\n$1\r\na"),
            ("HEXPIREAT h 1 FIELDS 1 a", "*1\r\n:2"),
            ("EXISTS h", ":0"),
        ]);
        assert!(trial.run("HEXPIRE k 10 FIELDS 1 a").starts_with("-WRONGTYPE "));
        assert_eq!(trial.events(), ["hexpire h", "hdel h", "hdel h", "del h"]);
        let told = ["HPEXPIREAT h 1010500 FIELDS 2 a b", "HDEL h b c", "HDEL h a"];
        assert_eq!(trial.propagated(), told);
    }

    #[test]
    fn conditions_look_at_the_present_deadline() {
        let check = |present: &str, condition: &str, is_set: bool| {
            let mut trial = Trial::new();
            trial.at_ms(1_000_000);
            trial.run("HSET h f v");
            if !present.is_empty() {
                trial.run(&format!("HPEXPIRE h {present} FIELDS 1 f"));
            }
            let command = format!("HPEXPIRE h 500 {condition} FIELDS 1 f");
            let reply = format!("*1\r\n:{}\r\n", i32::from(is_set));
            assert_eq!(trial.run(&command), reply, "{condition} with {present:?}");
        };
        check("", "", true);
        check("", "NX", true);
        check("", "xx", false);
        check("", "GT", false);
        check("", "lt", true);
        check("500", "NX", false);
        check("500", "XX", true);
        check("500", "GT", false);
        check("500", "LT", false);
        check("499", "GT", true);
        check("501", "LT", true);
    }

    #[test]
    fn words_are_checked_before_the_key() {
        let mut trial = Trial::new();
        let fields = "-ERR Mandatory argument FIELDS is missing or not at the right position";
        let count = "-ERR The `numfields` parameter must match the number of arguments";
        trial.check(&[
            ("HEXPIRE h x FIELDS 1 a", "-ERR value is not an integer or out of range"),
            ("HEXPIRE h -1 FIELDS 1 a", "-ERR invalid expire time, must be >= 0"),
            (
                "HEXPIRE h 9223372036854775807 FIELDS 1 a",
                "-ERR invalid expire time in 'hexpire' command",
            ),
            (
                "HPEXPIRE h 9223372036854775807 FIELDS 1 a",
                "-ERR invalid expire time in 'hpexpire' command",
            ),
            ("HEXPIRE h 1 NX GT FIELDS 1 a", fields),
            ("HEXPIRE h 1 BOGUS FIELDS 1", fields),
            ("HEXPIRE h 1 FIELDS 2 a", count),
            ("HEXPIRE h 1 FIELDS 1 a b", count),
            ("HEXPIRE h 1 NX FIELDS 1", count),
            ("HEXPIRE h 1 FIELDS 0 a", "-ERR Parameter `numFields` should be greater than 0"),
            ("HEXPIRE h 1 FIELDS x a", "-ERR Parameter `numFields` should be greater than 0"),
        ]);
    }

    #[test]
    fn fields_go_when_their_time_comes() {
        for fields in [3, 1000] {
            let mut trial = Trial::new();
            trial.at_ms(1_000_000);
            for n in 0..fields {
                trial.run(&format!("HSET h f{n} {n}"));
            }
            trial.run("HPEXPIRE h 100 FIELDS 2 f0 f1");
            let name = if fields == 3 { "listpackex" } else { "hashtable" };
            trial.check(&[("OBJECT ENCODING h", &format!("${}\r\n{name}", name.len()))]);
            trial.note_removals();
            trial.advance_ms(99);
            trial.check(&[("HLEN h", &format!(":{fields}")), ("HGET h f0", "$1\r\n0")]);
            trial.forget();
            trial.advance_ms(1);
            trial.check(&[
                ("HGET h f0", "$-1"),
                ("HLEN h", &format!(":{}", fields - 2)),
                ("HMGET h f1 f2", "*2\r\n$-1\r\n$1\r\n2"),
            ]);
            assert_eq!(trial.removals(), ["HDEL h f0 f1"]);
            assert_eq!(trial.run("HSETNX h f1 x"), ":1\r\n");
            assert_eq!(trial.run("HTTL h FIELDS 1 f1"), "*1\r\n:-1\r\n");
        }
    }

    #[test]
    fn what_replaces_a_value_clears_its_deadline() {
        let check = |command: &str, ttl: &str| {
            let mut trial = Trial::new();
            trial.at_ms(1_000_000);
            trial.run("HSET h f 1");
            trial.run("HPEXPIRE h 500 FIELDS 1 f");
            trial.run(command);
            assert_eq!(trial.run("HPTTL h FIELDS 1 f"), format!("*1\r\n:{ttl}\r\n"), "{command}");
        };
        check("HSET h f 2", "-1");
        check("HMSET h f 2", "-1");
        check("HSETNX h f 2", "500");
        check("HINCRBY h f 2", "500");
        check("HINCRBYFLOAT h f 2", "500");
        check("HSET h g 2", "500");
        check("HPEXPIRE h 700 FIELDS 1 f", "700");
        check("HPERSIST h FIELDS 1 f", "-1");
        check("RENAME h g", "-2");
    }

    #[test]
    fn deadlines_go_where_the_key_goes() {
        let mut trial = Trial::new();
        trial.at_ms(1_000_000);
        trial.run("HSET h f 1 g 2");
        trial.run("HPEXPIRE h 500 FIELDS 1 f");
        trial.check(&[
            ("COPY h copy", ":1"),
            ("RENAME h renamed", "+OK"),
            ("MOVE renamed 1", ":1"),
            ("HPTTL copy FIELDS 2 f g", "*2\r\n:500\r\n:-1"),
        ]);
        trial.note_removals();
        trial.db = 1;
        trial.check(&[("HPTTL renamed FIELDS 1 f", "*1\r\n:500")]);
        trial.advance_ms(500);
        trial.check(&[("HKEYS renamed", "*1\r\n$1\r\ng")]);
        assert_eq!(trial.removals(), ["HDEL renamed f"]);
    }

    /// A follower waits for the primary's HDEL, whatever its own clock says.
    #[test]
    fn a_follower_keeps_a_deadline_that_has_passed() {
        let mut trial = Trial::new();
        trial.at_ms(1_000_000);
        trial.run("HSET h f v");
        trial.keyspace.set_expiry(dunlin_keyspace::Expiry::Ignore);
        trial.check(&[
            ("HPEXPIREAT h 5 FIELDS 1 f", "*1\r\n:1"),
            ("HPEXPIRETIME h FIELDS 1 f", "*1\r\n:5"),
            ("HGET h f", "$1\r\nv"),
        ]);
        trial.note_removals();
        trial.keyspace.set_expiry(dunlin_keyspace::Expiry::Hide);
        trial.check(&[("HGET h f", "$-1"), ("HLEN h", ":0"), ("EXISTS h", ":1")]);
        assert!(trial.removals().is_empty());
    }
}
