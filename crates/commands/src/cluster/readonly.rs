//! `READONLY`, `READWRITE`
//!
//! Whether a replica answers reads of its primary's slots, or sends the client to the primary.
//!
//! Source: redis.io, READONLY and READWRITE.

use dunlin_session::SessionFlags;
use dunlin_spec::{Categories, CommandSpec, Flags, Group};

use super::DISABLED;
use crate::args::Args;
use crate::command::Command;
use crate::connection::NO_CONNECTION;
use crate::context::Context;
use crate::error::CommandResult;

const FLAGS: &[Flags] = &[Flags::LOADING, Flags::STALE, Flags::FAST];

const READONLY_SPEC: CommandSpec = CommandSpec::new("readonly", Group::Cluster, 1)
    .summary("Enables read-only queries for a connection to a Redis Cluster replica node.")
    .since("3.0.0")
    .complexity("O(1)")
    .flags(FLAGS)
    .categories(&[Categories::CONNECTION]);

const READWRITE_SPEC: CommandSpec = CommandSpec::new("readwrite", Group::Cluster, 1)
    .summary("Enables read-write queries for a connection to a Reids Cluster replica node.")
    .since("3.0.0")
    .complexity("O(1)")
    .flags(FLAGS)
    .categories(&[Categories::CONNECTION]);

/// READONLY's entry in the command table.
pub(super) const READONLY: Command = Command::new(READONLY_SPEC, run_readonly);

/// READWRITE's entry in the command table.
pub(super) const READWRITE: Command = Command::new(READWRITE_SPEC, run_readwrite);

fn run_readonly(cx: &mut Context<'_>, _: Args<'_>) -> CommandResult {
    switch(cx, true)
}

fn run_readwrite(cx: &mut Context<'_>, _: Args<'_>) -> CommandResult {
    switch(cx, false)
}

fn switch(cx: &mut Context<'_>, on: bool) -> CommandResult {
    if cx.cluster.is_none() {
        return Err(DISABLED);
    }
    cx.session().ok_or(NO_CONNECTION)?.flags.set(SessionFlags::READONLY, on);
    cx.reply.ok();
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::trial::Trial;

    #[test]
    fn commands_of_a_client_of_a_node() {
        let mut trial = Trial::of_node();
        for command in ["ASKING", "READONLY", "READWRITE"] {
            trial.check(&[(command, "+OK")]);
            let disabled = "-ERR This instance has cluster support disabled\r\n";
            assert_eq!(Trial::of_client().run(command), disabled);
        }
    }

    #[test]
    fn client_list_shows_who_may_read() {
        let mut trial = Trial::of_node();
        trial.run("READONLY");
        assert!(trial.run("CLIENT INFO").contains(" flags=r "));
        trial.run("READWRITE");
        assert!(trial.run("CLIENT INFO").contains(" flags=N "));
        trial.run("READONLY");
        trial.run("RESET");
        assert!(trial.run("CLIENT INFO").contains(" flags=N "));
    }
}
