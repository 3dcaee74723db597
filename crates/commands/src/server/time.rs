//! `TIME`
//!
//! Replies the server's time: seconds and microseconds of Unix time.
//!
//! Source: Redis documentation, TIME.

use dunlin_spec::{CommandSpec, Flags, Group};

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::CommandResult;

const SPEC: CommandSpec = CommandSpec::new("time", Group::Server, 1)
    .summary("Returns the server time.")
    .since("2.6.0")
    .complexity("O(1)")
    .flags(&[Flags::LOADING, Flags::STALE, Flags::FAST])
    .tips(&["nondeterministic_output"]);

/// TIME's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, _: Args<'_>) -> CommandResult {
    let us = cx.now.unix_us;
    cx.reply.array(2);
    cx.reply.bulk_integer(us.div_euclid(1_000_000));
    cx.reply.bulk_integer(us.rem_euclid(1_000_000));
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::trial::Trial;

    #[test]
    fn seconds_and_microseconds_are_apart() {
        let mut trial = Trial::new();
        trial.at_ms(1_700_000_000_042);
        assert_eq!(trial.run("TIME"), "*2\r\n$10\r\n1700000000\r\n$5\r\n42000\r\n");
    }
}
