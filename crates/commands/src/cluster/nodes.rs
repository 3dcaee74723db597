//! What this node knows of all nodes, and of itself:
//!
//! - `CLUSTER COUNT-FAILURE-REPORTS node-id`
//! - `CLUSTER INFO`
//! - `CLUSTER MYID`
//! - `CLUSTER MYSHARDID`
//! - `CLUSTER NODES`
//! - `CLUSTER REPLICAS node-id`, `CLUSTER SLAVES node-id`
//!
//! Source: redis.io, CLUSTER INFO, CLUSTER NODES and their kin.

use dunlin_cluster::Node;
use dunlin_spec::{Arg, CommandSpec, Flags, Group};

use super::{TELLS, refused, require_cluster};
use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::CommandResult;

const NODE_ID: &[Arg] = &[Arg::string("node-id")];

/// Tells of one moment: no two calls need give the same.
const CHANGES: &[&str] = &["nondeterministic_output"];

const COUNT_FAILURE_REPORTS_SPEC: CommandSpec =
    CommandSpec::new("cluster|count-failure-reports", Group::Cluster, 3)
        .summary("Returns the number of active failure reports active for a node.")
        .since("3.0.0")
        .complexity("O(N) where N is the number of failure reports")
        .flags(&[Flags::ADMIN, Flags::STALE])
        .tips(CHANGES)
        .args(NODE_ID);

const INFO_SPEC: CommandSpec = CommandSpec::new("cluster|info", Group::Cluster, 2)
    .summary("Returns information about the state of a node.")
    .since("3.0.0")
    .complexity("O(1)")
    .flags(TELLS)
    .tips(CHANGES);

const MYID_SPEC: CommandSpec = CommandSpec::new("cluster|myid", Group::Cluster, 2)
    .summary("Returns the ID of a node.")
    .since("3.0.0")
    .complexity("O(1)")
    .flags(TELLS);

const MYSHARDID_SPEC: CommandSpec = CommandSpec::new("cluster|myshardid", Group::Cluster, 2)
    .summary("Returns the shard ID of a node.")
    .since("7.2.0")
    .complexity("O(1)")
    .flags(TELLS)
    .tips(CHANGES);

const NODES_SPEC: CommandSpec = CommandSpec::new("cluster|nodes", Group::Cluster, 2)
    .summary("Returns the cluster configuration for a node.")
    .since("3.0.0")
    .complexity("O(N) where N is the total number of Cluster nodes")
    .flags(TELLS)
    .tips(CHANGES);

const REPLICAS_SPEC: CommandSpec = CommandSpec::new("cluster|replicas", Group::Cluster, 3)
    .summary("Lists the replica nodes of a master node.")
    .since("5.0.0")
    .complexity("O(N) where N is the number of replicas.")
    .flags(&[Flags::ADMIN, Flags::STALE, Flags::LOADING_HERE])
    .tips(CHANGES)
    .args(NODE_ID);

const SLAVES_SPEC: CommandSpec = CommandSpec::new("cluster|slaves", Group::Cluster, 3)
    .summary("Lists the replica nodes of a master node.")
    .since("3.0.0")
    .complexity("O(N) where N is the number of replicas.")
    .flags(&[Flags::ADMIN, Flags::STALE, Flags::LOADING_HERE])
    .tips(CHANGES)
    .deprecated("5.0.0", "`CLUSTER REPLICAS`")
    .args(NODE_ID);

pub(super) const COUNT_FAILURE_REPORTS: Command =
    Command::new(COUNT_FAILURE_REPORTS_SPEC, count_failure_reports);
pub(super) const INFO: Command = Command::new(INFO_SPEC, info);
pub(super) const MYID: Command = Command::new(MYID_SPEC, |cx, _| reply_id(cx, Node::id));
pub(super) const MYSHARDID: Command =
    Command::new(MYSHARDID_SPEC, |cx, _| reply_id(cx, Node::shard_id));
pub(super) const NODES: Command = Command::new(NODES_SPEC, nodes);
pub(super) const REPLICAS: Command = Command::new(REPLICAS_SPEC, replicas);
pub(super) const SLAVES: Command = Command::new(SLAVES_SPEC, replicas);

fn count_failure_reports(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let cluster = require_cluster(cx)?;
    let count = cluster.count_failure_reports(args.get(2)).map_err(|error| refused(&error))?;
    cx.reply.integer(count as i64);
    Ok(())
}

fn info(cx: &mut Context<'_>, _: Args<'_>) -> CommandResult {
    let text = require_cluster(cx)?.describe_info();
    cx.reply.verbatim(*b"txt", text.as_bytes());
    Ok(())
}

fn reply_id(cx: &mut Context<'_>, id: fn(&Node) -> &dunlin_cluster::NodeId) -> CommandResult {
    let id = *id(require_cluster(cx)?.myself());
    cx.reply.bulk(id.digits());
    Ok(())
}

fn nodes(cx: &mut Context<'_>, _: Args<'_>) -> CommandResult {
    let text = require_cluster(cx)?.describe_nodes();
    cx.reply.verbatim(*b"txt", text.as_bytes());
    Ok(())
}

fn replicas(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let cluster = require_cluster(cx)?;
    let replicas = cluster.replicas_of(args.get(2)).map_err(|error| refused(&error))?;
    let lines: Vec<String> = replicas.iter().map(|node| cluster.describe_node(node)).collect();
    cx.reply.array(lines.len());
    lines.iter().for_each(|line| cx.reply.bulk(line.as_bytes()));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::tests::{OTHER, node_that_knows_another};
    use crate::trial::Trial;

    #[test]
    fn a_node_that_is_alone() {
        let mut trial = Trial::of_node();
        let id = trial.run("CLUSTER MYID");
        let id = id.strip_prefix("$40\r\n").and_then(|id| id.strip_suffix("\r\n")).unwrap();
        let line = format!("{id} :6379@16379 myself,master - 0 0 0 connected\n");
        assert_eq!(trial.run("CLUSTER NODES"), format!("${}\r\n{line}\r\n", line.len()));
        assert!(trial.run("CLUSTER MYSHARDID").starts_with("$40\r\n"));
        let info = trial.run("CLUSTER INFO");
        assert!(info.contains("\r\ncluster_state:fail\r\ncluster_slots_assigned:0\r\n"), "{info}");
        assert!(info.contains("\r\ncluster_known_nodes:1\r\n"), "{info}");
        trial.check(&[
            (&format!("CLUSTER REPLICAS {id}"), "*0"),
            (&format!("CLUSTER SLAVES {id}"), "*0"),
            (&format!("CLUSTER COUNT-FAILURE-REPORTS {id}"), ":0"),
            ("CLUSTER REPLICAS foo", "-ERR Unknown node foo"),
            ("CLUSTER SLAVES foo", "-ERR Unknown node foo"),
            ("CLUSTER COUNT-FAILURE-REPORTS foo", "-ERR Unknown node foo"),
        ]);
    }

    #[test]
    fn replicas_of_a_primary() {
        let mut trial = node_that_knows_another();
        trial.run(&format!("CLUSTER REPLICATE {OTHER}"));
        let replicas = trial.run(&format!("CLUSTER REPLICAS {OTHER}"));
        assert!(replicas.starts_with("*1\r\n"), "{replicas}");
        assert!(replicas.contains(&format!(" myself,slave {OTHER} ")), "{replicas}");
        let id = replicas.split_ascii_whitespace().nth(2).unwrap().to_owned();
        let of_replica = trial.run(&format!("CLUSTER REPLICAS {id}"));
        assert_eq!(of_replica, "-ERR The specified node is not a master\r\n");
    }
}
