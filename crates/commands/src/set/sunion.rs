//! `SUNION key [key ...]`
//!
//! Replies the members of any of the sets.
//!
//! Source: Redis documentation, SUNION.

use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};
use dunlin_values::set::SetRef;

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::CommandResult;
use crate::set::combine::{Sources, reply_union};
use crate::set::limits;

const SPEC: CommandSpec = CommandSpec::new("sunion", Group::Set, -2)
    .summary("Returns the union of multiple sets.")
    .since("1.0.0")
    .complexity("O(N) where N is the total number of elements in all given sets.")
    .flags(&[Flags::READONLY])
    .categories(&[Categories::SET])
    .keys(&[KeySpec::at(1, &[KeyFlags::RO, KeyFlags::ACCESS]).to(-1)])
    .tips(&["nondeterministic_output_order"])
    .args(&[Arg::key("key", 0).multiple()]);

/// SUNION's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let (sources, limits) = (Sources::read(cx, &args.words()[1..])?, limits(cx));
    let held = sources.hold(cx.keyspace, cx.db);
    let sets: Vec<SetRef<'_>> = held.sets().into_iter().flatten().collect();
    reply_union(cx.reply, &sets, limits);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::trial::Trial;

    #[test]
    fn members_of_any_set_are_replied_once() {
        let mut trial = Trial::new();
        trial.run("SADD a 1 x");
        trial.run("SADD b 1 2");
        trial.check(&[
            ("SUNION a b nosuch", "*3\r\n$1\r\n1\r\n$1\r\nx\r\n$1\r\n2"),
            ("SUNION nosuch", "*0"),
        ]);
    }

    #[test]
    fn large_sets_are_not_put_together_first() {
        let mut trial = Trial::new();
        for n in 0..1000 {
            trial.run(&format!("SADD a {n}"));
            trial.run(&format!("SADD b {}", n * 2));
        }
        assert!(trial.run("SUNION a b").starts_with("*1500\r\n"));
        assert!(trial.run("SUNION a b a b a").starts_with("*1500\r\n"));
        assert!(trial.run("SDIFF a b").starts_with("*500\r\n"));
        assert!(trial.run("SINTER a b").starts_with("*500\r\n"));
    }
}
