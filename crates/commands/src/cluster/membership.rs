//! Who is in the cluster, and who follows whom:
//!
//! - `CLUSTER FORGET node-id`
//! - `CLUSTER MEET ip port [cluster-bus-port]`
//! - `CLUSTER REPLICATE node-id`
//! - `CLUSTER RESET [HARD | SOFT]`
//!
//! Source: redis.io, CLUSTER FORGET, CLUSTER MEET, CLUSTER REPLICATE, CLUSTER RESET; order of
//! errors checked against a 7.2.6 server.

use dunlin_cluster::{ClusterError, ResetMode};
use dunlin_spec::{Arg, CommandSpec, Flags, Group};

use super::{ADMIN, administer, refused, require_cluster, with_cluster};
use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::{CommandError, CommandResult};

const FORGET_SPEC: CommandSpec = CommandSpec::new("cluster|forget", Group::Cluster, 3)
    .summary("Removes a node from the nodes table.")
    .since("3.0.0")
    .complexity("O(1)")
    .flags(ADMIN)
    .args(&[Arg::string("node-id")]);

const MEET_SPEC: CommandSpec = CommandSpec::new("cluster|meet", Group::Cluster, -4)
    .summary("Forces a node to handshake with another node.")
    .since("3.0.0")
    .complexity("O(1)")
    .flags(ADMIN)
    .history(&[("4.0.0", "Added the optional `cluster_bus_port` argument.")])
    .args(&[
        Arg::string("ip"),
        Arg::integer("port"),
        Arg::integer("cluster-bus-port").since("4.0.0").optional(),
    ]);

const REPLICATE_SPEC: CommandSpec = CommandSpec::new("cluster|replicate", Group::Cluster, 3)
    .summary("Configure a node as replica of a master node.")
    .since("3.0.0")
    .complexity("O(1)")
    .flags(ADMIN)
    .args(&[Arg::string("node-id")]);

const RESET_SPEC: CommandSpec = CommandSpec::new("cluster|reset", Group::Cluster, -2)
    .summary("Resets a node.")
    .since("3.0.0")
    .complexity(
        "O(N) where N is the number of known nodes. The command may execute a FLUSHALL as a side \
         effect.",
    )
    .flags(&[Flags::ADMIN, Flags::NOSCRIPT, Flags::STALE])
    .args(&[Arg::one_of(
        "reset-type",
        &[Arg::literal("hard", "HARD"), Arg::literal("soft", "SOFT")],
    )
    .optional()]);

pub(super) const FORGET: Command = Command::new(FORGET_SPEC, forget);
pub(super) const MEET: Command = Command::new(MEET_SPEC, meet);
pub(super) const REPLICATE: Command = Command::new(REPLICATE_SPEC, replicate);
pub(super) const RESET: Command = Command::new(RESET_SPEC, reset);

fn forget(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    administer(cx, |cluster, now, _| cluster.forget(now, args.get(2)))
}

fn meet(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    require_cluster(cx)?;
    if args.len() > 5 {
        return Err(CommandError::subcommand_syntax("CLUSTER", args.get(1)));
    }
    let number = |index: usize, name: &str| {
        args.integer(index).map_err(|_| {
            let text = [b"ERR Invalid ".as_slice(), name.as_bytes(), b" port specified: "];
            CommandError::Quoting([&text.concat(), args.get(index)].concat())
        })
    };
    let port = number(3, "base")?;
    let bus_port = if args.len() == 5 { Some(number(4, "bus")?) } else { None };
    let text = |index| String::from_utf8_lossy(args.get(index)).into_owned();
    // Ports are repeated as they were given.
    let invalid = || refused(&ClusterError::InvalidAddress(text(2), text(3)));
    let port = u16::try_from(port).map_err(|_| invalid())?;
    let bus_port = bus_port.map(u16::try_from).transpose().map_err(|_| invalid())?;
    with_cluster(cx, |cluster, now, _| {
        cluster.meet(now, &text(2), port, bus_port).map_err(|error| match error {
            ClusterError::InvalidAddress(..) => invalid(),
            error => refused(&error),
        })
    })?;
    cx.reply.ok();
    Ok(())
}

fn replicate(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    administer(cx, |cluster, now, facts| cluster.replicate(now, facts, args.get(2)))
}

fn reset(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    require_cluster(cx)?;
    let mode = match args.words().get(2) {
        _ if args.len() > 3 => return Err(CommandError::subcommand_syntax("CLUSTER", args.get(1))),
        None => ResetMode::Soft,
        Some(_) if args.is(2, "soft") => ResetMode::Soft,
        Some(_) if args.is(2, "hard") => ResetMode::Hard,
        Some(_) => return Err(CommandError::Syntax),
    };
    administer(cx, |cluster, now, facts| cluster.reset(now, facts, mode))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{OTHER, node_that_knows_another};
    use crate::trial::Trial;

    #[test]
    fn where_a_node_is_met() {
        let mut trial = Trial::of_node();
        trial.check(&[
            ("CLUSTER MEET 127.0.0.1 x", "-ERR Invalid base port specified: x"),
            ("CLUSTER MEET 127.0.0.1 7000 x", "-ERR Invalid bus port specified: x"),
            ("CLUSTER MEET 127.0.0.1 0", "-ERR Invalid node address specified: 127.0.0.1:0"),
            ("CLUSTER MEET 127.0.0.1 -1", "-ERR Invalid node address specified: 127.0.0.1:-1"),
            (
                "CLUSTER MEET 127.0.0.1 60000",
                "-ERR Invalid node address specified: 127.0.0.1:60000",
            ),
            (
                "CLUSTER MEET 127.0.0.1 7000 0",
                "-ERR Invalid node address specified: 127.0.0.1:7000",
            ),
            ("CLUSTER MEET 127.0.0.1 070000", "-ERR Invalid base port specified: 070000"),
            ("CLUSTER MEET foo 7000", "-ERR Invalid node address specified: foo:7000"),
            (
                "cluster meet 127.0.0.1 1 2 3",
                "-ERR unknown subcommand or wrong number of arguments for 'meet'. \
                 Try CLUSTER HELP.",
            ),
            ("CLUSTER MEET 127.0.0.1 60000 60001", "+OK"),
            ("CLUSTER MEET ::1 7000", "+OK"),
        ]);
        let nodes = trial.run("CLUSTER NODES");
        assert!(nodes.contains(" 127.0.0.1:60000@60001 handshake "), "{nodes}");
        assert!(nodes.contains(" ::1:7000@17000 handshake "), "{nodes}");
    }

    #[test]
    fn who_is_forgotten_and_followed() {
        let mut trial = node_that_knows_another();
        let id = trial.run("CLUSTER MYID").replace("$40\r\n", "");
        let id = id.trim_end();
        trial.check(&[
            ("CLUSTER FORGET foo", "-ERR Unknown node foo"),
            (&format!("CLUSTER FORGET {id}"), "-ERR I tried hard but I can't forget myself..."),
            ("CLUSTER REPLICATE foo", "-ERR Unknown node foo"),
            (&format!("CLUSTER REPLICATE {id}"), "-ERR Can't replicate myself"),
            ("CLUSTER ADDSLOTS 0", "+OK"),
            (
                &format!("CLUSTER REPLICATE {OTHER}"),
                "-ERR To set a master the node must be empty and without assigned slots.",
            ),
            ("CLUSTER DELSLOTS 0", "+OK"),
            (&format!("CLUSTER REPLICATE {OTHER}"), "+OK"),
            (&format!("CLUSTER FORGET {OTHER}"), "-ERR Can't forget my master!"),
            ("CLUSTER SETSLOT x STABLE", "-ERR Please use SETSLOT only with masters."),
            ("CLUSTER RESET", "+OK"),
        ]);
        assert!(!trial.run("CLUSTER NODES").contains(OTHER));
    }

    #[test]
    fn how_much_is_reset() {
        let mut trial = node_that_knows_another();
        let id = trial.run("CLUSTER MYID");
        trial.check(&[
            ("CLUSTER RESET x", "-ERR syntax error"),
            (
                "CLUSTER RESET HARD x",
                "-ERR unknown subcommand or wrong number of arguments for 'RESET'. \
                 Try CLUSTER HELP.",
            ),
            ("CLUSTER RESET soft", "+OK"),
        ]);
        assert_eq!(trial.run("CLUSTER MYID"), id);
        trial.check(&[("CLUSTER RESET hard", "+OK")]);
        assert_ne!(trial.run("CLUSTER MYID"), id);
        trial.run("SET a 1");
        trial.check(&[(
            "CLUSTER RESET",
            "-ERR CLUSTER RESET can't be called with master nodes containing keys",
        )]);
    }
}
