//! `GETEX key [EX seconds | PX milliseconds | EXAT unix-time-seconds | PXAT unix-time-milliseconds
//! | PERSIST]`
//!
//! Replies the string a key holds, or nil, and changes its deadline; without an option it is GET.
//! Propagated as what it does: PEXPIREAT, PERSIST, or DEL where the deadline has passed.
//!
//! Source: Redis documentation, GETEX.

use dunlin_keyspace::Slot;
use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};
use dunlin_stdx::time::UnixMs;

use crate::args::Args;
use crate::command::Command;
use crate::context::{Caller, Context};
use crate::effects::KeyEventClass;
use crate::error::{CommandError, CommandResult};
use crate::string::expiry::{Expiry, Unit};
use crate::string::getdel::remove;
use crate::string::reply_string;

const SPEC: CommandSpec = CommandSpec::new("getex", Group::String, -2)
    .summary("Returns the string value of a key after setting its expiration time.")
    .since("6.2.0")
    .complexity("O(1)")
    .flags(&[Flags::WRITE, Flags::FAST])
    .categories(&[Categories::STRING])
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
    ]);

/// GETEX's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

/// What becomes of the deadline.
#[derive(Clone, Copy, Debug)]
enum Change<'a> {
    None,
    Persist,
    Expire(Expiry<'a>),
}

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let change = parse(args)?;
    let (key, now) = (args.get(1), cx.now.unix_ms());
    let Some(entry) = cx.keyspace.get(cx.db, key) else {
        cx.reply.null();
        return Ok(());
    };
    let string = entry.string().ok_or(CommandError::WrongType)?;
    let expire_at = match change {
        Change::Expire(expiry) => Some((expiry.unit, expiry.deadline(now, "getex")?)),
        Change::None | Change::Persist => None,
    };
    reply_string(cx.reply, string);
    match expire_at {
        Some((unit, at)) if unit.is_absolute() && at <= now && cx.caller != Caller::Stream => {
            remove(cx, key, cx.config.memory.lazyfree_lazy_expire);
        }
        Some((_, at)) => expire(cx, key, at),
        None if matches!(change, Change::Persist) => persist(cx, key),
        None => {}
    }
    Ok(())
}

fn parse(args: Args<'_>) -> Result<Change<'_>, CommandError> {
    let mut change = Change::None;
    let mut words = args.cursor(2);
    while let Some(word) = words.next_word() {
        let unit = Unit::from_word(word);
        change = match (unit, change) {
            (Some(unit), Change::None) => Change::Expire(Expiry { unit, amount: words.value()? }),
            // The same option may be repeated: the last one counts.
            (Some(unit), Change::Expire(earlier)) if earlier.unit == unit => {
                Change::Expire(Expiry { unit, amount: words.value()? })
            }
            (None, Change::None | Change::Persist) if word.eq_ignore_ascii_case(b"PERSIST") => {
                Change::Persist
            }
            _ => return Err(CommandError::Syntax),
        };
    }
    Ok(change)
}

fn expire(cx: &mut Context<'_>, key: &[u8], at: UnixMs) {
    let Slot::Occupied(mut slot) = cx.keyspace.slot(cx.db, key) else { return };
    slot.set_deadline(Some(at));
    drop(slot);
    cx.changed(KeyEventClass::GENERIC, "expire", key);
    let mut digits = itoa::Buffer::new();
    cx.effects.rewrite(&[b"PEXPIREAT", key, digits.format(at.0).as_bytes()]);
}

fn persist(cx: &mut Context<'_>, key: &[u8]) {
    let Slot::Occupied(mut slot) = cx.keyspace.slot(cx.db, key) else { return };
    if slot.deadline().is_none() {
        return;
    }
    slot.set_deadline(None);
    drop(slot);
    cx.changed(KeyEventClass::GENERIC, "persist", key);
    cx.effects.rewrite(&[b"PERSIST", key]);
}

#[cfg(test)]
mod tests {
    use crate::trial::Trial;

    #[test]
    fn a_deadline_comes_moves_and_goes() {
        let mut trial = Trial::new();
        trial.check(&[
            ("GETEX k EX 10", "$-1"),
            ("SET k v", "+OK"),
            ("GETEX k", "$1\r\nv"),
            ("GETEX k EX 10", "$1\r\nv"),
            ("PTTL k", ":10000"),
            ("GETEX k pxat 5000", "$1\r\nv"),
            ("PTTL k", ":4000"),
            ("GETEX k PERSIST", "$1\r\nv"),
            ("PTTL k", ":-1"),
            ("GETEX k PERSIST", "$1\r\nv"),
        ]);
        assert_eq!(trial.events(), ["set k", "expire k", "expire k", "persist k"]);
        assert_eq!(
            trial.propagated(),
            ["SET k v", "PEXPIREAT k 11000", "PEXPIREAT k 5000", "PERSIST k"]
        );
    }

    #[test]
    fn a_deadline_that_has_passed_removes_the_key() {
        let mut trial = Trial::of_client();
        trial.check(&[("SET k v", "+OK"), ("GETEX k PXAT 1000", "$1\r\nv"), ("GET k", "$-1")]);
        assert_eq!(trial.events(), ["set k", "del k"]);
        assert_eq!(trial.propagated(), ["SET k v", "DEL k"]);
    }

    #[test]
    fn one_option_at_a_time() {
        let mut trial = Trial::new();
        trial.check(&[
            ("GETEX k EX 1 PX 1", "-ERR syntax error"),
            ("GETEX k PERSIST EX 1", "-ERR syntax error"),
            ("GETEX k EX", "-ERR syntax error"),
            ("GETEX k EX x", "$-1"),
            ("SET k v", "+OK"),
            ("GETEX k EX x", "-ERR value is not an integer or out of range"),
            ("GETEX k EX 0", "-ERR invalid expire time in 'getex' command"),
            ("GETEX k EX 1 EX 20", "$1\r\nv"),
            ("PTTL k", ":20000"),
        ]);
    }
}
