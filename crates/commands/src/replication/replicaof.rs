//! `REPLICAOF host port`, `REPLICAOF NO ONE`
//!
//! Lets the server follow a primary, or no longer. What it has is replaced by what the primary has;
//! without a primary it keeps what it has and is a primary itself.
//!
//! Source: Redis documentation, REPLICAOF; texts checked against a 7.2.6 server.

use dunlin_config::ReplicaOf;
use dunlin_replication::Wish;
use dunlin_spec::{Arg, CommandSpec, Flags, Group};

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::{CommandError, CommandResult};

pub(super) const FLAGS: &[Flags] =
    &[Flags::ADMIN, Flags::NOSCRIPT, Flags::STALE, Flags::NO_ASYNC_LOADING];

pub(super) const ARGS: &[Arg] = &[Arg::one_of(
    "args",
    &[
        Arg::block("host-port", &[Arg::string("host"), Arg::integer("port")]),
        Arg::block("no-one", &[Arg::literal("no", "NO"), Arg::literal("one", "ONE")]),
    ],
)];

const SPEC: CommandSpec = CommandSpec::new("replicaof", Group::Server, 3)
    .summary("Configures a server as replica of another, or promotes it to a master.")
    .since("5.0.0")
    .complexity("O(1)")
    .flags(FLAGS)
    .args(ARGS);

/// REPLICAOF's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

pub(super) fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    if cx.config.cluster.cluster_enabled {
        return Err(CommandError::fixed("ERR REPLICAOF not allowed in cluster mode."));
    }
    if cx.replication.failover.is_some() {
        return Err(CommandError::fixed("ERR REPLICAOF not allowed while failing over."));
    }
    let wanted = if args.is(1, "no") && args.is(2, "one") {
        ReplicaOf(None)
    } else {
        if cx.is_for_replica() {
            let text = "ERR Command is not valid when client is a replica.";
            return Err(CommandError::fixed(text));
        }
        let port = args.integer(2).ok().and_then(|port| u16::try_from(port).ok());
        let port = port.ok_or(CommandError::fixed("ERR Invalid master port"))?;
        ReplicaOf(Some((String::from_utf8_lossy(args.get(1)).into_owned(), port)))
    };
    if wanted == cx.config.replication.replicaof {
        if wanted.0.is_some() {
            cx.host.log_notice(
                "REPLICAOF would result into synchronization with the master we are already \
                 connected with. No operation performed.",
            );
            cx.reply.simple("OK Already connected to specified master");
        } else {
            cx.reply.ok();
        }
        return Ok(());
    }
    cx.config.replication.replicaof = wanted;
    let client = cx.client_description();
    cx.replication.wish(Wish::FollowConfiguration(client));
    cx.reply.ok();
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::trial::Trial;

    #[test]
    fn the_configuration_names_the_primary() {
        let mut trial = Trial::of_client();
        trial.check(&[
            ("REPLICAOF 127.0.0.1 x", "-ERR Invalid master port"),
            ("REPLICAOF 127.0.0.1 70000", "-ERR Invalid master port"),
            ("REPLICAOF NO ONE", "+OK"),
            ("SLAVEOF 127.0.0.1 6379", "+OK"),
            ("REPLICAOF 127.0.0.1 6379", "+OK Already connected to specified master"),
            ("REPLICAOF no one", "+OK"),
        ]);
        trial.config.cluster.cluster_enabled = true;
        trial.check(&[("REPLICAOF 127.0.0.1 6379", "-ERR REPLICAOF not allowed in cluster mode.")]);
    }
}
