//! `CLUSTER SHARDS`
//!
//! Source: redis.io, CLUSTER SHARDS; fields checked against a 7.2.6 server.
//!
//! Differs: Redis lists shards in the order of its hash table; here they come in the order of their
//! ids, and a primary before its replicas.

use dunlin_cluster::Node;
use dunlin_config::EndpointType;
use dunlin_resp::Reply;
use dunlin_spec::{CommandSpec, Flags, Group};

use super::{preferred_endpoint, with_cluster};
use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::CommandResult;

const SPEC: CommandSpec = CommandSpec::new("cluster|shards", Group::Cluster, 2)
    .summary("Returns the mapping of cluster slots to shards.")
    .since("7.0.0")
    .complexity("O(N) where N is the total number of cluster nodes")
    .flags(&[Flags::LOADING, Flags::STALE])
    .tips(&["nondeterministic_output"]);

pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, _: Args<'_>) -> CommandResult {
    let own_offset = with_cluster(cx, |_, _, facts| Ok(facts.offset))?;
    let endpoint = cx.config.cluster.cluster_preferred_endpoint_type;
    let Some(cluster) = cx.cluster.as_deref() else { return Ok(()) };
    let shards = cluster.shards();
    cx.reply.array(shards.len());
    for shard in shards {
        cx.reply.map(2);
        cx.reply.bulk(b"slots");
        cx.reply.array(shard.slots.len() * 2);
        for range in shard.slots {
            cx.reply.integer(i64::from(range.first()));
            cx.reply.integer(i64::from(range.last()));
        }
        cx.reply.bulk(b"nodes");
        cx.reply.array(shard.nodes.len());
        for node in shard.nodes {
            let offset = if node.is_myself() { own_offset } else { node.offset() };
            reply_node(cx.reply, node, offset, endpoint);
        }
    }
    Ok(())
}

fn reply_node(reply: &mut Reply, node: &Node, offset: u64, preferred: EndpointType) {
    let address = node.address();
    let fields = reply.deferred_map();
    let mut count = 0;
    let mut text = |reply: &mut Reply, name: &str, value: &str| {
        reply.bulk(name.as_bytes());
        reply.bulk(value.as_bytes());
        count += 1;
    };
    text(reply, "id", node.id().as_str());
    let ports = [("port", address.port), ("tls-port", address.tls_port)];
    let ports = ports.into_iter().filter(|(_, port)| *port != 0);
    let shown = ports.clone().count();
    ports.for_each(|(name, port)| {
        reply.bulk(name.as_bytes());
        reply.integer(i64::from(port));
    });
    text(reply, "ip", &address.ip);
    text(reply, "endpoint", preferred_endpoint(node, preferred));
    if !node.hostname().is_empty() {
        text(reply, "hostname", node.hostname());
    }
    text(reply, "role", if node.is_replica() { "replica" } else { "master" });
    reply.bulk(b"replication-offset");
    reply.integer(offset as i64);
    text(reply, "health", health(node, offset));
    reply.set_map(fields, count + shown + 1);
}

fn health(node: &Node, offset: u64) -> &'static str {
    if node.is_failed() {
        "fail"
    } else if node.is_replica() && offset == 0 {
        "loading"
    } else {
        "online"
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{OTHER, node_that_knows_another};
    use crate::trial::Trial;

    #[test]
    fn a_primary_with_slots() {
        let mut trial = Trial::of_node();
        trial.run("CLUSTER ADDSLOTSRANGE 0 5 7 7");
        let id = trial.run("CLUSTER MYID").replace("$40\r\n", "");
        let fields = [
            ("id", format!("$40\r\n{}", id.trim_end())),
            ("port", ":6379".to_owned()),
            ("ip", "$0\r\n".to_owned()),
            ("endpoint", "$0\r\n".to_owned()),
            ("role", "$6\r\nmaster".to_owned()),
            ("replication-offset", ":0".to_owned()),
            ("health", "$6\r\nonline".to_owned()),
        ];
        let fields: String = fields
            .iter()
            .map(|(name, value)| format!("${}\r\n{name}\r\n{value}\r\n", name.len()))
            .collect();
        let expected = format!(
            "*1\r\n*4\r\n$5\r\nslots\r\n*4\r\n:0\r\n:5\r\n:7\r\n:7\r\n$5\r\nnodes\r\n*1\r\n\
             *14\r\n{fields}"
        );
        assert_eq!(trial.run("CLUSTER SHARDS"), expected);
        trial.run("CONFIG SET cluster-announce-hostname a.b");
        trial.run("CONFIG SET cluster-preferred-endpoint-type hostname");
        let shards = trial.run("CLUSTER SHARDS");
        assert!(shards.contains("$8\r\nendpoint\r\n$3\r\na.b\r\n$8\r\nhostname\r\n$3\r\na.b\r\n"));
    }

    #[test]
    fn a_replica_without_data_is_loading() {
        let mut trial = node_that_knows_another();
        trial.run(&format!("CLUSTER REPLICATE {OTHER}"));
        let shards = trial.run("CLUSTER SHARDS");
        assert!(shards.starts_with("*1\r\n"), "{shards}");
        let (primary, replica) = shards.split_once("$4\r\nrole\r\n$6\r\nmaster").unwrap();
        assert!(primary.contains(OTHER) && replica.contains("$4\r\nrole\r\n$7\r\nreplica"));
        assert!(replica.ends_with("$6\r\nhealth\r\n$7\r\nloading\r\n"), "{replica}");
    }
}
