//! `UNLINK key [key ...]`
//!
//! Removes keys like DEL; the memory of large values is given back on another thread, so that the
//! time it takes does not depend on what they hold.
//!
//! Source: Redis documentation, UNLINK.

use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::CommandResult;
use crate::generic::del::delete;

const SPEC: CommandSpec = CommandSpec::new("unlink", Group::Generic, -2)
    .summary("Asynchronously deletes one or more keys.")
    .since("4.0.0")
    .complexity(
        "O(1) for each key removed regardless of its size. Then the command does O(N) work in a \
         different thread in order to reclaim memory, where N is the number of allocations the \
         deleted objects where composed of.",
    )
    .flags(&[Flags::WRITE, Flags::FAST])
    .categories(&[Categories::KEYSPACE])
    .keys(&[KeySpec::at(1, &[KeyFlags::RM, KeyFlags::DELETE]).to(-1)])
    .tips(&["request_policy:multi_shard", "response_policy:agg_sum"])
    .args(&[Arg::key("key", 0).multiple()]);

/// UNLINK's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    delete(cx, args, true);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::trial::Trial;

    #[test]
    fn it_removes_and_is_propagated_as_itself() {
        let mut trial = Trial::new();
        trial.run("SET a 1");
        trial.forget();
        assert_eq!(trial.run("UNLINK a nosuch"), ":1\r\n");
        assert_eq!(trial.propagated(), ["UNLINK a nosuch"]);
        assert_eq!(trial.events(), ["del a"]);
    }
}
