//! `TTL key`
//!
//! Replies the seconds until a key expires, -1 if it does not, -2 if there is no such key; TTL, PTTL,
//! EXPIRETIME and PEXPIRETIME are here.
//!
//! Source: Redis documentation, TTL.

use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::CommandResult;

const SPEC: CommandSpec = CommandSpec::new("ttl", Group::Generic, 2)
    .summary("Returns the expiration time in seconds of a key.")
    .since("1.0.0")
    .complexity("O(1)")
    .flags(&[Flags::READONLY, Flags::FAST])
    .categories(&[Categories::KEYSPACE])
    .keys(&[KeySpec::at(1, &[KeyFlags::RO, KeyFlags::ACCESS])])
    .tips(&["nondeterministic_output"])
    .history(&[("2.8.0", "Added the -2 reply.")])
    .args(&[Arg::key("key", 0)]);

/// TTL's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    tell_deadline(cx, args, Form { unit_ms: 1000, from_now: true });
    Ok(())
}

/// How a command of the family tells a deadline.
#[derive(Clone, Copy, Debug)]
pub(super) struct Form {
    /// Milliseconds of a unit; the deadline is rounded to the nearest.
    pub(super) unit_ms: i64,
    /// As time left, or else as a point in time.
    pub(super) from_now: bool,
}

/// Runs a command of the family.
pub(super) fn tell_deadline(cx: &mut Context<'_>, args: Args<'_>, form: Form) {
    let answer = match cx.keyspace.inspect(cx.db, args.get(1)) {
        None => -2,
        Some(entry) => match entry.deadline() {
            None => -1,
            Some(at) => {
                let ms = if form.from_now { (at - cx.now.unix_ms()).max(0) } else { at.0 };
                ms.saturating_add(form.unit_ms / 2) / form.unit_ms
            }
        },
    };
    cx.reply.integer(answer);
}

#[cfg(test)]
mod tests {
    use crate::trial::Trial;

    #[test]
    fn time_left_is_rounded_to_the_nearest_unit() {
        let mut trial = Trial::new();
        trial.at_ms(10_000);
        trial.run("SET k v PXAT 12499");
        assert_eq!(trial.run("TTL k"), ":2\r\n");
        assert_eq!(trial.run("PTTL k"), ":2499\r\n");
        assert_eq!(trial.run("EXPIRETIME k"), ":12\r\n");
        assert_eq!(trial.run("PEXPIRETIME k"), ":12499\r\n");
        trial.run("SET k v PXAT 12500");
        assert_eq!(trial.run("TTL k"), ":3\r\n");
        assert_eq!(trial.run("EXPIRETIME k"), ":13\r\n");
    }

    #[test]
    fn no_deadline_and_no_key_have_numbers_of_their_own() {
        let mut trial = Trial::new();
        trial.run("SET k v");
        for name in ["TTL", "PTTL", "EXPIRETIME", "PEXPIRETIME"] {
            assert_eq!(trial.run(&format!("{name} k")), ":-1\r\n");
            assert_eq!(trial.run(&format!("{name} nosuch")), ":-2\r\n");
        }
    }
}
