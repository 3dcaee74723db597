//! `EXPIRE key seconds [NX|XX|GT|LT]`
//!
//! Gives a key a deadline; the whole family EXPIRE, EXPIREAT, PEXPIRE, PEXPIREAT is here. Followers
//! are told the deadline as a point in time, and a deadline that has passed removes the key at once,
//! which they are told as DEL or UNLINK.
//!
//! Source: Redis documentation, EXPIRE, section "Options"; replication form checked against the
//! append-only file of a 7.2.6 server.

use dunlin_keyspace::{Expiry, Slot};
use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};
use dunlin_stdx::time::UnixMs;

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::effects::KeyEventClass;
use crate::error::{CommandError, CommandResult};

const SPEC: CommandSpec = CommandSpec::new("expire", Group::Generic, -3)
    .summary("Sets the expiration time of a key in seconds.")
    .since("1.0.0")
    .complexity("O(1)")
    .flags(&[Flags::WRITE, Flags::FAST])
    .categories(&[Categories::KEYSPACE])
    .keys(&[KeySpec::at(1, &[KeyFlags::RW, KeyFlags::UPDATE])])
    .history(&[("7.0.0", "Added options: `NX`, `XX`, `GT` and `LT`.")])
    .args(&[Arg::key("key", 0), Arg::integer("seconds"), CONDITION]);

/// The last argument of the family: what the old deadline must be for the new one to be set.
pub(super) const CONDITION: Arg = Arg::one_of(
    "condition",
    &[
        Arg::literal("nx", "NX"),
        Arg::literal("xx", "XX"),
        Arg::literal("gt", "GT"),
        Arg::literal("lt", "LT"),
    ],
)
.optional()
.since("7.0.0");

/// EXPIRE's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    set_deadline(cx, args, Clock::FROM_NOW_SECONDS)
}

/// How a command of the family counts time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Clock {
    unit_ms: i64,
    from_now: bool,
    name: &'static str,
}

impl Clock {
    pub(super) const FROM_NOW_SECONDS: Self = Self::new(1000, true, "expire");
    pub(super) const UNIX_SECONDS: Self = Self::new(1000, false, "expireat");
    pub(super) const FROM_NOW_MS: Self = Self::new(1, true, "pexpire");
    pub(super) const UNIX_MS: Self = Self::new(1, false, "pexpireat");

    const fn new(unit_ms: i64, from_now: bool, name: &'static str) -> Self {
        Self { unit_ms, from_now, name }
    }

    /// The point in time that an amount of the client's stands for.
    fn deadline(self, amount: i64, now: UnixMs) -> Result<UnixMs, CommandError> {
        let base = if self.from_now { now.0 } else { 0 };
        let ms = amount.checked_mul(self.unit_ms);
        ms.filter(|ms| *ms <= i64::MAX - base)
            .map(|ms| UnixMs(ms.saturating_add(base)))
            .ok_or(CommandError::InvalidExpire(self.name))
    }
}

bitflags::bitflags! {
    /// When a deadline is set.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    struct Conditions: u8 {
        /// Only if there is none.
        const NX = 1;
        /// Only if there is one.
        const XX = 1 << 1;
        /// Only if it is later than the present one; none is later than any.
        const GT = 1 << 2;
        /// Only if it is earlier than the present one.
        const LT = 1 << 3;
    }
}

impl Conditions {
    fn parse(args: Args<'_>) -> Result<Self, CommandError> {
        let mut conditions = Self::empty();
        for &word in &args.words()[3..] {
            conditions |= match word.to_ascii_lowercase().as_slice() {
                b"nx" => Self::NX,
                b"xx" => Self::XX,
                b"gt" => Self::GT,
                b"lt" => Self::LT,
                _ => {
                    let word = String::from_utf8_lossy(word);
                    return Err(CommandError::err(format!("Unsupported option {word}")));
                }
            };
        }
        if conditions.contains(Self::NX) && conditions != Self::NX {
            return Err(CommandError::fixed(
                "ERR NX and XX, GT or LT options at the same time are not compatible",
            ));
        }
        if conditions.contains(Self::GT | Self::LT) {
            return Err(CommandError::fixed(
                "ERR GT and LT options at the same time are not compatible",
            ));
        }
        Ok(conditions)
    }

    fn allow(self, present: Option<UnixMs>, new: UnixMs) -> bool {
        match present {
            None => !self.intersects(Self::XX | Self::GT),
            Some(present) => {
                !self.contains(Self::NX)
                    && (!self.contains(Self::GT) || new > present)
                    && (!self.contains(Self::LT) || new < present)
            }
        }
    }
}

/// Runs a command of the family.
pub(super) fn set_deadline(cx: &mut Context<'_>, args: Args<'_>, clock: Clock) -> CommandResult {
    let conditions = Conditions::parse(args)?;
    let deadline = clock.deadline(args.integer(2)?, cx.now.unix_ms())?;
    let key = args.get(1);
    let has_passed = deadline <= cx.now.unix_ms() && cx.keyspace.expiry() == Expiry::Remove;
    let Slot::Occupied(mut held) = cx.keyspace.slot(cx.db, key) else {
        cx.reply.integer(0);
        return Ok(());
    };
    if !conditions.allow(held.deadline(), deadline) {
        cx.reply.integer(0);
        return Ok(());
    }
    if has_passed {
        let lazily = cx.config.memory.lazyfree_lazy_expire;
        held.delete(lazily);
        cx.changed(KeyEventClass::GENERIC, "del", key);
        cx.effects.rewrite(&[if lazily { b"UNLINK" } else { b"DEL" }, key]);
    } else {
        held.set_deadline(Some(deadline));
        drop(held);
        cx.changed(KeyEventClass::GENERIC, "expire", key);
        if clock != Clock::UNIX_MS {
            propagate(cx, args, deadline);
        }
    }
    cx.reply.integer(1);
    Ok(())
}

/// Followers see the deadline as a point in time, and the conditions as they were given.
fn propagate(cx: &mut Context<'_>, args: Args<'_>, deadline: UnixMs) {
    let mut digits = itoa::Buffer::new();
    let at = digits.format(deadline.0).as_bytes();
    let mut words: Vec<&[u8]> = vec![b"PEXPIREAT", args.get(1), at];
    words.extend(&args.words()[3..]);
    cx.effects.rewrite(&words);
}

#[cfg(test)]
mod tests {
    use crate::trial::Trial;

    #[test]
    fn deadlines_are_propagated_as_points_in_time() {
        let check = |command: &str, propagated: &str| {
            let mut trial = Trial::new();
            trial.at_ms(1_000_500);
            trial.run("SET k v");
            trial.forget();
            assert_eq!(trial.run(command), ":1\r\n", "{command}");
            assert_eq!(trial.propagated(), [propagated]);
            assert_eq!(trial.events(), ["expire k"]);
        };
        check("EXPIRE k 10", "PEXPIREAT k 1010500");
        check("expire k 10 nx", "PEXPIREAT k 1010500 nx");
        check("PEXPIRE k 10", "PEXPIREAT k 1000510");
        check("EXPIREAT k 2000", "PEXPIREAT k 2000000");
        check("pexpireat k 2000000", "pexpireat k 2000000");
    }

    #[test]
    fn a_deadline_that_has_passed_removes_the_key() {
        let check = |command: &str| {
            let mut trial = Trial::new();
            trial.at_ms(1_000_000);
            trial.run("SET k v");
            trial.forget();
            assert_eq!(trial.run(command), ":1\r\n", "{command}");
            assert_eq!(trial.propagated(), ["DEL k"]);
            assert_eq!(trial.events(), ["del k"]);
            assert_eq!(trial.run("EXISTS k"), ":0\r\n");
        };
        check("EXPIRE k 0");
        check("EXPIRE k -1");
        check("PEXPIRE k -9223372036854775808");
        check("PEXPIREAT k 1000000");
        check("EXPIREAT k 1000");
    }

    #[test]
    fn with_lazy_expiry_the_removal_is_propagated_as_unlink() {
        let mut trial = Trial::new();
        trial.config.memory.lazyfree_lazy_expire = true;
        trial.run("SET k v");
        trial.forget();
        trial.run("EXPIRE k -1");
        assert_eq!(trial.propagated(), ["UNLINK k"]);
    }

    /// A follower waits for the primary's DEL, whatever its own clock says.
    #[test]
    fn a_follower_keeps_a_deadline_that_has_passed() {
        let mut trial = Trial::new();
        trial.at_ms(1_000_000);
        trial.run("SET k v");
        trial.keyspace.set_expiry(dunlin_keyspace::Expiry::Ignore);
        assert_eq!(trial.run("PEXPIREAT k 5"), ":1\r\n");
        assert_eq!(trial.run("PEXPIRETIME k"), ":5\r\n");
    }

    #[test]
    fn overflows_are_refused() {
        let check = |command: &str| {
            let mut trial = Trial::new();
            trial.at_ms(1_000_000);
            trial.run("SET k v");
            let name = command.split(' ').next().unwrap_or_default().to_lowercase();
            let expected = format!("-ERR invalid expire time in '{name}' command\r\n");
            assert_eq!(trial.run(command), expected);
        };
        check("EXPIRE k 9223372036854775807");
        check("EXPIRE k -9223372036854776");
        check("PEXPIRE k 9223372036854775807");
        check("EXPIREAT k 9223372036854776");
    }
}
