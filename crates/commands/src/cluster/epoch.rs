//! The version of what this node says of its slots, and when that is written down:
//!
//! - `CLUSTER BUMPEPOCH`
//! - `CLUSTER SAVECONFIG`
//! - `CLUSTER SET-CONFIG-EPOCH config-epoch`
//!
//! Source: redis.io, CLUSTER BUMPEPOCH, CLUSTER SAVECONFIG, CLUSTER SET-CONFIG-EPOCH.
//!
//! Differs: nodes.conf is written at the end of the turn, before the reply is sent; a server that
//! cannot write it ends, and does not answer with an error.

use dunlin_cluster::Bump;
use dunlin_spec::{Arg, CommandSpec, Flags, Group};

use super::{ADMIN, administer, require_cluster, with_cluster};
use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::CommandResult;

const BUMPEPOCH_SPEC: CommandSpec = CommandSpec::new("cluster|bumpepoch", Group::Cluster, 2)
    .summary("Advances the cluster config epoch.")
    .since("3.0.0")
    .complexity("O(1)")
    .flags(&[Flags::ADMIN, Flags::STALE, Flags::NO_ASYNC_LOADING])
    .tips(&["nondeterministic_output"]);

const SAVECONFIG_SPEC: CommandSpec = CommandSpec::new("cluster|saveconfig", Group::Cluster, 2)
    .summary("Forces a node to save the cluster configuration to disk.")
    .since("3.0.0")
    .complexity("O(1)")
    .flags(ADMIN);

const SET_CONFIG_EPOCH_SPEC: CommandSpec =
    CommandSpec::new("cluster|set-config-epoch", Group::Cluster, 3)
        .summary("Sets the configuration epoch for a new node.")
        .since("3.0.0")
        .complexity("O(1)")
        .flags(ADMIN)
        .args(&[Arg::integer("config-epoch")]);

pub(super) const BUMPEPOCH: Command = Command::new(BUMPEPOCH_SPEC, bump);
pub(super) const SAVECONFIG: Command = Command::new(SAVECONFIG_SPEC, save);
pub(super) const SET_CONFIG_EPOCH: Command = Command::new(SET_CONFIG_EPOCH_SPEC, set);

fn bump(cx: &mut Context<'_>, _: Args<'_>) -> CommandResult {
    let outcome = with_cluster(cx, |cluster, now, _| Ok(cluster.bump_epoch(now)))?;
    cx.reply.simple(&match outcome {
        Bump::Bumped(epoch) => format!("BUMPED {epoch}"),
        Bump::Still(epoch) => format!("STILL {epoch}"),
    });
    Ok(())
}

fn save(cx: &mut Context<'_>, _: Args<'_>) -> CommandResult {
    administer(cx, |cluster, now, _| {
        cluster.save_conf(now);
        Ok(())
    })
}

fn set(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    require_cluster(cx)?;
    let epoch = args.integer(2)?;
    administer(cx, |cluster, now, _| cluster.set_config_epoch(now, epoch))
}

#[cfg(test)]
mod tests {
    use super::super::tests::node_that_knows_another;
    use crate::trial::Trial;

    #[test]
    fn epochs() {
        let mut trial = Trial::of_node();
        trial.check(&[
            ("CLUSTER SET-CONFIG-EPOCH x", "-ERR value is not an integer or out of range"),
            ("CLUSTER SET-CONFIG-EPOCH -1", "-ERR Invalid config epoch specified: -1"),
            ("CLUSTER SET-CONFIG-EPOCH 7", "+OK"),
            ("CLUSTER SET-CONFIG-EPOCH 8", "-ERR Node config epoch is already non-zero"),
            ("CLUSTER BUMPEPOCH", "+STILL 7"),
            ("CLUSTER SAVECONFIG", "+OK"),
        ]);
        Trial::of_node().check(&[("CLUSTER BUMPEPOCH", "+BUMPED 1")]);
        node_that_knows_another().check(&[(
            "CLUSTER SET-CONFIG-EPOCH 1",
            "-ERR The user can assign a config epoch only when the node does not know any other \
             node.",
        )]);
    }
}
