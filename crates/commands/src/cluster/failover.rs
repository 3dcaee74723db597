//! `CLUSTER FAILOVER [FORCE | TAKEOVER]`
//!
//! Source: redis.io, CLUSTER FAILOVER; texts checked against a 7.2.6 server.

use dunlin_cluster::FailoverMode;
use dunlin_spec::{Arg, CommandSpec, Group};

use super::{ADMIN, administer, require_cluster};
use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::{CommandError, CommandResult};

const SPEC: CommandSpec = CommandSpec::new("cluster|failover", Group::Cluster, -2)
    .summary("Forces a replica to perform a manual failover of its master.")
    .since("3.0.0")
    .complexity("O(1)")
    .flags(ADMIN)
    .args(&[Arg::one_of(
        "options",
        &[Arg::literal("force", "FORCE"), Arg::literal("takeover", "TAKEOVER")],
    )
    .optional()]);

pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    require_cluster(cx)?;
    let mode = match args.words().get(2) {
        _ if args.len() > 3 => return Err(CommandError::subcommand_syntax("CLUSTER", args.get(1))),
        None => FailoverMode::Default,
        Some(_) if args.is(2, "force") => FailoverMode::Force,
        Some(_) if args.is(2, "takeover") => FailoverMode::Takeover,
        Some(_) => return Err(CommandError::Syntax),
    };
    administer(cx, |cluster, now, facts| cluster.manual_failover(now, facts, mode))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{OTHER, node_that_knows_another};

    #[test]
    fn a_replica_takes_over() {
        let mut trial = node_that_knows_another();
        trial.check(&[
            ("CLUSTER FAILOVER", "-ERR You should send CLUSTER FAILOVER to a replica"),
            ("CLUSTER FAILOVER x", "-ERR syntax error"),
            (
                "CLUSTER FAILOVER FORCE x",
                "-ERR unknown subcommand or wrong number of arguments for 'FAILOVER'. \
                 Try CLUSTER HELP.",
            ),
            (&format!("CLUSTER REPLICATE {OTHER}"), "+OK"),
            (
                "CLUSTER FAILOVER",
                "-ERR Master is down or failed, please use CLUSTER FAILOVER FORCE",
            ),
            ("CLUSTER FAILOVER FORCE", "+OK"),
        ]);
        assert!(trial.run("CLUSTER NODES").contains(" myself,slave "));
        trial.check(&[("CLUSTER FAILOVER takeover", "+OK")]);
        assert!(trial.run("CLUSTER NODES").contains(" myself,master "));
    }
}
