//! `SET key value [NX | XX] [GET] [EX seconds | PX milliseconds | EXAT unix-time-seconds | PXAT
//! unix-time-milliseconds | KEEPTTL]`
//!
//! Makes a key hold a string, whatever it held before. A deadline that is not worded as PXAT is
//! propagated as PXAT, so that every copy of the key expires at the same instant; GET is left out.
//!
//! Source: Redis documentation, SET.

use dunlin_keyspace::Slot;
use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec, getkeys};
use dunlin_stdx::time::UnixMs;

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::effects::KeyEventClass;
use crate::error::{CommandError, CommandResult};
use crate::string::expiry::{Expiry, Unit};
use crate::string::{new_string, reply_value};

const SPEC: CommandSpec = CommandSpec::new("set", Group::String, -3)
    .summary(
        "Sets the string value of a key, ignoring its type. The key is created if it doesn't \
         exist.",
    )
    .since("1.0.0")
    .complexity("O(1)")
    .flags(&[Flags::WRITE, Flags::DENYOOM])
    .categories(&[Categories::STRING])
    .keys(&[KeySpec::at(
        1,
        &[KeyFlags::RW, KeyFlags::ACCESS, KeyFlags::UPDATE, KeyFlags::VARIABLE_FLAGS],
    )
    .notes("RW and ACCESS due to the optional `GET` argument")])
    .find_keys_with(getkeys::set)
    .history(&[
        ("2.6.12", "Added the `EX`, `PX`, `NX` and `XX` options."),
        ("6.0.0", "Added the `KEEPTTL` option."),
        ("6.2.0", "Added the `GET`, `EXAT` and `PXAT` option."),
        ("7.0.0", "Allowed the `NX` and `GET` options to be used together."),
    ])
    .args(&[
        Arg::key("key", 0),
        Arg::string("value"),
        Arg::one_of("condition", &[Arg::literal("nx", "NX"), Arg::literal("xx", "XX")])
            .optional()
            .since("2.6.12"),
        Arg::literal("get", "GET").optional().since("6.2.0"),
        Arg::one_of(
            "expiration",
            &[
                Arg::integer("seconds").token("EX").since("2.6.12"),
                Arg::integer("milliseconds").token("PX").since("2.6.12"),
                Arg::unix_time("unix-time-seconds").token("EXAT").since("6.2.0"),
                Arg::unix_time("unix-time-milliseconds").token("PXAT").since("6.2.0"),
                Arg::literal("keepttl", "KEEPTTL").since("6.0.0"),
            ],
        )
        .optional(),
    ]);

/// SET's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

/// When a key is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Condition {
    /// Always.
    Always,
    /// If it does not exist.
    IfAbsent,
    /// If it exists.
    IfPresent,
}

/// What becomes of the deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Deadline {
    /// There is none afterwards.
    Clear,
    /// It stays.
    Keep,
    /// It is this one.
    At(UnixMs),
}

/// Whether a key was set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It was.
    Set,
    /// The condition did not hold.
    NotSet,
}

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    if args.len() == 3 {
        let key = args.get(1);
        cx.keyspace.slot(cx.db, key).set(new_string(args, 2), None);
        cx.changed(KeyEventClass::STRING, "set", key);
        cx.reply.ok();
        return Ok(());
    }
    set_with_options(cx, args)
}

fn set_with_options(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let options = Options::parse(args)?;
    let deadline = match options.expiry {
        Some(expiry) => Deadline::At(expiry.deadline(cx.now.unix_ms(), "set")?),
        None if options.keep_ttl => Deadline::Keep,
        None => Deadline::Clear,
    };
    if options.get {
        reply_value(cx, args.get(1))?;
    }
    let outcome = store(cx, args, 2, options.condition, deadline);
    if outcome == Outcome::Set {
        match (deadline, options.expiry) {
            (Deadline::At(at), Some(expiry)) if expiry.unit != Unit::PxAt => {
                propagate_deadline(cx, args, 2, at);
            }
            (Deadline::Clear | Deadline::Keep, _) if options.get => propagate_without_get(cx, args),
            _ => {}
        }
    }
    match outcome {
        _ if options.get => {}
        Outcome::Set => cx.reply.ok(),
        Outcome::NotSet => cx.reply.null(),
    }
    Ok(())
}

/// Sets word 1 to the word at `value` if the condition holds, and tells of it.
pub(super) fn store(
    cx: &mut Context<'_>,
    args: Args<'_>,
    value: usize,
    condition: Condition,
    deadline: Deadline,
) -> Outcome {
    let key = args.get(1);
    let slot = cx.keyspace.slot(cx.db, key);
    match (condition, &slot) {
        (Condition::IfAbsent, Slot::Occupied(_)) | (Condition::IfPresent, Slot::Vacant(_)) => {
            return Outcome::NotSet;
        }
        _ => {}
    }
    let at = match (deadline, &slot) {
        (Deadline::At(at), _) => Some(at),
        (Deadline::Keep, Slot::Occupied(held)) => held.deadline(),
        _ => None,
    };
    slot.set(new_string(args, value), at);
    cx.changed(KeyEventClass::STRING, "set", key);
    if matches!(deadline, Deadline::At(_)) {
        cx.notify(KeyEventClass::GENERIC, "expire", cx.db, key);
    }
    Outcome::Set
}

/// Propagates a SET with its deadline as an instant.
pub(super) fn propagate_deadline(cx: &mut Context<'_>, args: Args<'_>, value: usize, at: UnixMs) {
    let mut digits = itoa::Buffer::new();
    let at = digits.format(at.0).as_bytes();
    cx.effects.rewrite(&[b"SET", args.get(1), args.get(value), b"PXAT", at]);
}

fn propagate_without_get(cx: &mut Context<'_>, args: Args<'_>) {
    let (fixed, options) = args.words().split_at(3);
    let mut words = fixed.to_vec();
    words.extend(options.iter().filter(|word| !word.eq_ignore_ascii_case(b"GET")));
    cx.effects.rewrite(&words);
}

struct Options<'a> {
    condition: Condition,
    expiry: Option<Expiry<'a>>,
    keep_ttl: bool,
    get: bool,
}

impl<'a> Options<'a> {
    fn parse(args: Args<'a>) -> Result<Self, CommandError> {
        let mut options =
            Self { condition: Condition::Always, expiry: None, keep_ttl: false, get: false };
        let mut words = args.cursor(3);
        while let Some(word) = words.next_word() {
            let is = |name: &str| word.eq_ignore_ascii_case(name.as_bytes());
            if let Some(unit) = Unit::from_word(word) {
                // The same option may be repeated: the last one counts.
                if options.keep_ttl || options.expiry.is_some_and(|earlier| earlier.unit != unit) {
                    return Err(CommandError::Syntax);
                }
                options.expiry = Some(Expiry { unit, amount: words.value()? });
            } else if is("NX") && options.condition != Condition::IfPresent {
                options.condition = Condition::IfAbsent;
            } else if is("XX") && options.condition != Condition::IfAbsent {
                options.condition = Condition::IfPresent;
            } else if is("GET") {
                options.get = true;
            } else if is("KEEPTTL") && options.expiry.is_none() {
                options.keep_ttl = true;
            } else {
                return Err(CommandError::Syntax);
            }
        }
        Ok(options)
    }
}

#[cfg(test)]
mod tests {
    use crate::trial::Trial;

    #[test]
    fn conditions() {
        let mut trial = Trial::new();
        trial.check(&[
            ("SET k a XX", "$-1"),
            ("SET k a NX", "+OK"),
            ("SET k b nx", "$-1"),
            ("SET k c xx", "+OK"),
            ("SET k d GET", "$1\r\nc"),
            ("SET new e GET", "$-1"),
            ("SET k f NX GET", "$1\r\nd"),
            ("GET k", "$1\r\nd"),
            ("SET gone g XX GET", "$-1"),
            ("EXISTS gone", ":0"),
        ]);
        assert_eq!(trial.events(), ["set k", "set k", "set k", "set new"]);
        assert_eq!(trial.propagated(), ["SET k a NX", "SET k c xx", "SET k d", "SET new e"]);
    }

    #[test]
    fn deadlines() {
        let mut trial = Trial::new();
        trial.check(&[
            ("SET k v EX 10", "+OK"),
            ("PTTL k", ":10000"),
            ("SET k v KEEPTTL", "+OK"),
            ("PTTL k", ":10000"),
            ("SET k v PXAT 3000", "+OK"),
            ("PTTL k", ":2000"),
            ("SET k v EXAT 3 GET", "$1\r\nv"),
            ("SET k v", "+OK"),
            ("PTTL k", ":-1"),
        ]);
        assert_eq!(
            trial.propagated(),
            [
                "SET k v PXAT 11000",
                "SET k v KEEPTTL",
                "SET k v PXAT 3000",
                "SET k v PXAT 3000",
                "SET k v"
            ]
        );
    }

    #[test]
    fn options_that_exclude_each_other() {
        let mut trial = Trial::new();
        trial.check(&[
            ("SET k v NX XX", "-ERR syntax error"),
            ("SET k v EX 1 PX 1", "-ERR syntax error"),
            ("SET k v EX 1 KEEPTTL", "-ERR syntax error"),
            ("SET k v KEEPTTL EX 1", "-ERR syntax error"),
            ("SET k v EX", "-ERR syntax error"),
            ("SET k v PERSIST", "-ERR syntax error"),
            ("SET k v EX x BOGUS", "-ERR syntax error"),
            ("SET k v EX x", "-ERR value is not an integer or out of range"),
            ("SET k v EX 0", "-ERR invalid expire time in 'set' command"),
            ("EXISTS k", ":0"),
        ]);
        assert!(trial.events().is_empty());
        assert!(trial.propagated().is_empty());
    }
}
