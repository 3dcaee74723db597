//! `SINTER key [key ...]`
//!
//! Replies the members that all sets have.
//!
//! Source: Redis documentation, SINTER.

use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::CommandResult;
use crate::set::combine::reply_intersection;

const SPEC: CommandSpec = CommandSpec::new("sinter", Group::Set, -2)
    .summary("Returns the intersect of multiple sets.")
    .since("1.0.0")
    .complexity(
        "O(N*M) worst case where N is the cardinality of the smallest set and M is the number of \
         sets.",
    )
    .flags(&[Flags::READONLY])
    .categories(&[Categories::SET])
    .keys(&[KeySpec::at(1, &[KeyFlags::RO, KeyFlags::ACCESS]).to(-1)])
    .tips(&["nondeterministic_output_order"])
    .args(&[Arg::key("key", 0).multiple()]);

/// SINTER's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    reply_intersection(cx, &args.words()[1..])
}

#[cfg(test)]
mod tests {
    use crate::trial::Trial;

    #[test]
    fn members_of_all_sets_are_replied() {
        let mut trial = Trial::new();
        trial.run("SADD a 1 2 3");
        trial.run("SADD b 2 3 x");
        trial.check(&[
            ("SINTER a b", "*2\r\n$1\r\n2\r\n$1\r\n3"),
            ("SINTER a b a", "*2\r\n$1\r\n2\r\n$1\r\n3"),
            ("SINTER a nosuch b", "*0"),
            ("SET k v", "+OK"),
        ]);
        assert!(trial.run("SINTER nosuch k").starts_with("-WRONGTYPE "));
    }
}
