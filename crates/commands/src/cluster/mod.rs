//! Redis Cluster, as clients see and change it.
//!
//! What a command changes, the [`Cluster`] decides and does; what follows from it (messages, another
//! role, slots that are dropped) is done by whoever runs commands, once the command has ended.
//!
//! Source: redis.io, "Redis cluster specification", and the CLUSTER commands; texts checked against
//! a 7.2.6 server.

mod asking;
mod assign;
mod endpoint;
mod epoch;
mod facts;
mod failover;
mod help;
mod keys;
mod links;
mod membership;
mod nodes;
mod parameters;
mod probe;
mod readonly;
mod setslot;
mod shards;
mod slots;

use dunlin_cluster::{Cluster, ClusterError, Facts};
use dunlin_slots::SLOTS;
use dunlin_spec::{CommandSpec, Flags, Group};
use dunlin_stdx::number::parse_i64;
use dunlin_stdx::time::Now;

use crate::command::Command;
use crate::context::Context;
use crate::error::{CommandError, CommandResult};

pub use endpoint::preferred_endpoint;
pub use facts::{KeysBySlot, facts};
pub use parameters::{parameters, ports, start};
pub use probe::outcome_of_probe;

/// The group's part of the command table.
pub const COMMANDS: &[Command] =
    &[asking::COMMAND, CLUSTER, readonly::READONLY, readonly::READWRITE];

const SPEC: CommandSpec = CommandSpec::new("cluster", Group::Cluster, -2)
    .summary("A container for Redis Cluster commands.")
    .since("3.0.0")
    .complexity("Depends on subcommand.");

/// The CLUSTER container.
const CLUSTER: Command = Command::container(
    SPEC,
    &[
        assign::ADDSLOTS,
        assign::ADDSLOTSRANGE,
        epoch::BUMPEPOCH,
        nodes::COUNT_FAILURE_REPORTS,
        keys::COUNTKEYSINSLOT,
        assign::DELSLOTS,
        assign::DELSLOTSRANGE,
        failover::COMMAND,
        assign::FLUSHSLOTS,
        membership::FORGET,
        keys::GETKEYSINSLOT,
        help::COMMAND,
        nodes::INFO,
        keys::KEYSLOT,
        links::COMMAND,
        membership::MEET,
        nodes::MYID,
        nodes::MYSHARDID,
        nodes::NODES,
        probe::COMMAND,
        nodes::REPLICAS,
        membership::REPLICATE,
        membership::RESET,
        epoch::SAVECONFIG,
        epoch::SET_CONFIG_EPOCH,
        setslot::COMMAND,
        shards::COMMAND,
        nodes::SLAVES,
        slots::COMMAND,
    ],
);

/// Flags of what an administrator does with a cluster.
const ADMIN: &[Flags] = &[Flags::ADMIN, Flags::STALE, Flags::NO_ASYNC_LOADING];

/// Flags of what a node tells of its cluster, which does not depend on its data: a replica that has
/// just been made one loads a moment later, and whoever has made it one looks at the cluster next.
///
/// Differs: Redis does not answer at all while it loads little, and with LOADING while it loads much.
const TELLS: &[Flags] = &[Flags::STALE, Flags::LOADING_HERE];

/// What every command of a cluster answers where there is none.
const DISABLED: CommandError =
    CommandError::fixed("ERR This instance has cluster support disabled");

/// The cluster that this server is a node of, for commands that only look at it.
fn require_cluster<'a>(cx: &'a Context<'_>) -> Result<&'a Cluster, CommandError> {
    cx.cluster.as_deref().ok_or(DISABLED)
}

/// Makes a wish of the cluster, with what it is told of the server.
fn with_cluster<R>(
    cx: &mut Context<'_>,
    wish: impl FnOnce(&mut Cluster, Now, &Facts<'_>) -> Result<R, CommandError>,
) -> Result<R, CommandError> {
    let cluster = cx.cluster.as_deref_mut().ok_or(DISABLED)?;
    let keys = KeysBySlot(cx.keyspace);
    wish(cluster, cx.now, &facts(&keys, cx.replication))
}

/// Makes a wish that is answered with OK.
fn administer(
    cx: &mut Context<'_>,
    wish: impl FnOnce(&mut Cluster, Now, &Facts<'_>) -> Result<(), ClusterError>,
) -> CommandResult {
    with_cluster(cx, |cluster, now, facts| {
        wish(cluster, now, facts).map_err(|error| refused(&error))
    })?;
    cx.reply.ok();
    Ok(())
}

/// The reply to a wish that the cluster refuses.
fn refused(error: &ClusterError) -> CommandError {
    CommandError::err(error.to_string())
}

/// A word that names a slot.
fn slot(word: &[u8]) -> Result<u16, CommandError> {
    parse_i64(word)
        .and_then(|slot| u16::try_from(slot).ok())
        .filter(|slot| *slot < SLOTS)
        .ok_or(CommandError::fixed("ERR Invalid or out of range slot"))
}

#[cfg(test)]
mod tests {
    use crate::trial::Trial;

    /// The id of the node that another one knows in tests.
    pub(super) const OTHER: &str = "0123456789abcdef0123456789abcdef01234567";

    /// A node that knows another primary.
    pub(super) fn node_that_knows_another() -> Trial {
        let conf = format!(
            "89abcdef0123456789abcdef0123456701234567 :6379@16379 myself,master - 0 0 0 connected\n\
             {OTHER} 10.0.0.2:7001@17001 master - 0 0 2 disconnected\n\
             vars currentEpoch 2 lastVoteEpoch 0\n"
        );
        Trial::of_node_with(Some(&conf))
    }

    #[test]
    fn a_server_on_its_own_has_no_cluster() {
        let mut trial = Trial::of_client();
        for command in [
            "ADDSLOTS 1",
            "ADDSLOTSRANGE 1 x",
            "BUMPEPOCH",
            "COUNT-FAILURE-REPORTS x",
            "COUNTKEYSINSLOT x",
            "FAILOVER x y",
            "GETKEYSINSLOT x 1",
            "HELP",
            "INFO",
            "KEYSLOT a",
            "LINKS",
            "MEET a b c d",
            "MYID",
            "PROBE x y",
            "REPLICAS x",
            "RESET x y",
            "SET-CONFIG-EPOCH x",
            "SETSLOT x y",
            "SHARDS",
            "SLOTS",
        ] {
            let disabled = "-ERR This instance has cluster support disabled\r\n";
            assert_eq!(trial.run(&format!("CLUSTER {command}")), disabled, "{command}");
        }
    }
}
