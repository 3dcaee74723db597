//! `SDIFF key [key ...]`
//!
//! Replies the members of the first set that no other has.
//!
//! Source: Redis documentation, SDIFF.

use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::CommandResult;
use crate::set::combine::{Sources, reply_difference};
use crate::set::limits;

const SPEC: CommandSpec = CommandSpec::new("sdiff", Group::Set, -2)
    .summary("Returns the difference of multiple sets.")
    .since("1.0.0")
    .complexity("O(N) where N is the total number of elements in all given sets.")
    .flags(&[Flags::READONLY])
    .categories(&[Categories::SET])
    .keys(&[KeySpec::at(1, &[KeyFlags::RO, KeyFlags::ACCESS]).to(-1)])
    .tips(&["nondeterministic_output_order"])
    .args(&[Arg::key("key", 0).multiple()]);

/// SDIFF's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let keys = &args.words()[1..];
    let (sources, limits) = (Sources::read(cx, keys)?, limits(cx));
    if keys[1..].contains(&keys[0]) {
        // A set without itself is empty.
        cx.reply.set(0);
        return Ok(());
    }
    let held = sources.hold(cx.keyspace, cx.db);
    reply_difference(cx.reply, &held.sets(), limits);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::trial::Trial;

    #[test]
    fn what_others_have_is_left_out() {
        let mut trial = Trial::new();
        trial.run("SADD a 1 2 3 x");
        trial.run("SADD b 2 nosuch");
        trial.run("SADD c x");
        trial.check(&[
            ("SDIFF a b c", "*2\r\n$1\r\n1\r\n$1\r\n3"),
            ("SDIFF a b c b c b c", "*2\r\n$1\r\n1\r\n$1\r\n3"),
            ("SDIFF a b a", "*0"),
            ("SDIFF nosuch a", "*0"),
            ("SDIFF c nosuch", "*1\r\n$1\r\nx"),
        ]);
    }
}
