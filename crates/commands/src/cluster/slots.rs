//! `CLUSTER SLOTS`
//!
//! Source: redis.io, CLUSTER SLOTS; nodes and their metadata checked against a 7.2.6 server.

use dunlin_cluster::Node;
use dunlin_config::EndpointType;
use dunlin_resp::Reply;
use dunlin_spec::{CommandSpec, Flags, Group};

use super::require_cluster;
use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::CommandResult;

const SPEC: CommandSpec = CommandSpec::new("cluster|slots", Group::Cluster, 2)
    .summary("Returns the mapping of cluster slots to nodes.")
    .since("3.0.0")
    .complexity("O(N) where N is the total number of Cluster nodes")
    .flags(&[Flags::LOADING, Flags::STALE])
    .tips(&["nondeterministic_output"])
    .history(&[
        ("4.0.0", "Added node IDs."),
        ("7.0.0", "Added additional networking metadata field."),
    ])
    .deprecated("7.0.0", "`CLUSTER SHARDS`");

pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, _: Args<'_>) -> CommandResult {
    require_cluster(cx)?;
    let endpoint = cx.config.cluster.cluster_preferred_endpoint_type;
    let Some(cluster) = cx.cluster.as_deref() else { return Ok(()) };
    let runs = cluster.slots_table();
    cx.reply.array(runs.len());
    for run in runs {
        cx.reply.array(3 + run.replicas.len());
        cx.reply.integer(i64::from(run.range.first()));
        cx.reply.integer(i64::from(run.range.last()));
        reply_node(cx.reply, run.owner, endpoint);
        run.replicas.iter().for_each(|replica| reply_node(cx.reply, replica, endpoint));
    }
    Ok(())
}

/// A node: what to connect to, its port and id, and what else is known of how to reach it.
fn reply_node(reply: &mut Reply, node: &Node, preferred: EndpointType) {
    reply.array(4);
    match preferred {
        EndpointType::Ip => reply.bulk(node.address().ip.as_bytes()),
        EndpointType::Hostname if node.hostname().is_empty() => reply.bulk(b"?"),
        EndpointType::Hostname => reply.bulk(node.hostname().as_bytes()),
        EndpointType::UnknownEndpoint => reply.null(),
    }
    reply.integer(i64::from(node.address().port));
    reply.bulk(node.id().digits());
    let has_ip = preferred != EndpointType::Ip;
    let has_hostname = preferred != EndpointType::Hostname && !node.hostname().is_empty();
    reply.map(usize::from(has_ip) + usize::from(has_hostname));
    if has_ip {
        reply.bulk(b"ip");
        reply.bulk(node.address().ip.as_bytes());
    }
    if has_hostname {
        reply.bulk(b"hostname");
        reply.bulk(node.hostname().as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{OTHER, node_that_knows_another};
    use crate::trial::Trial;

    #[test]
    fn runs_of_slots_with_their_owners() {
        let mut trial = node_that_knows_another();
        trial.check(&[("CLUSTER SLOTS", "*0")]);
        trial.run("CLUSTER ADDSLOTSRANGE 0 5 7 7");
        trial.run(&format!("CLUSTER SETSLOT 6 NODE {OTHER}"));
        let id = trial.run("CLUSTER MYID").replace("$40\r\n", "");
        let id = id.trim_end();
        let mine = format!("*4\r\n$0\r\n\r\n:6379\r\n$40\r\n{id}\r\n*0\r\n");
        let other = format!("*4\r\n$8\r\n10.0.0.2\r\n:7001\r\n$40\r\n{OTHER}\r\n*0\r\n");
        let expected = format!(
            "*3\r\n*3\r\n:0\r\n:5\r\n{mine}*3\r\n:6\r\n:6\r\n{other}*3\r\n:7\r\n:7\r\n{mine}"
        );
        assert_eq!(trial.run("CLUSTER SLOTS"), expected);
    }

    #[test]
    fn what_a_node_is_called() {
        let mut trial = Trial::of_node();
        trial.run("CLUSTER ADDSLOTS 0");
        let mut shown = |settings: &str| {
            trial.run(&format!("CONFIG SET {settings}"));
            let slots = trial.run("CLUSTER SLOTS");
            let (beginning, rest) = slots.split_once(":6379").unwrap();
            let metadata = rest.splitn(4, "\r\n").nth(3).unwrap();
            (beginning.rsplit_once("*4\r\n").unwrap().1.to_owned(), metadata.to_owned())
        };
        let pair = |name: &str, rest: &str| (name.to_owned(), rest.to_owned());
        let preferred = "cluster-preferred-endpoint-type";
        assert_eq!(
            shown(&format!("{preferred} hostname")),
            pair("$1\r\n?\r\n", "*2\r\n$2\r\nip\r\n$0\r\n\r\n")
        );
        let hostname = shown("cluster-announce-hostname a.example.org");
        assert_eq!(hostname, pair("$13\r\na.example.org\r\n", "*2\r\n$2\r\nip\r\n$0\r\n\r\n"));
        let unknown = shown(&format!("{preferred} unknown-endpoint"));
        let both = "*4\r\n$2\r\nip\r\n$0\r\n\r\n$8\r\nhostname\r\n$13\r\na.example.org\r\n";
        assert_eq!(unknown, pair("$-1\r\n", both));
        let ip = shown(&format!("{preferred} ip cluster-announce-ip 10.0.0.1"));
        let name = "*2\r\n$8\r\nhostname\r\n$13\r\na.example.org\r\n";
        assert_eq!(ip, pair("$8\r\n10.0.0.1\r\n", name));
    }
}
