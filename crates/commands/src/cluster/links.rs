//! `CLUSTER LINKS`
//!
//! Source: redis.io, CLUSTER LINKS; fields checked against a 7.2.6 server.

use dunlin_cluster::LinkDirection;
use dunlin_spec::{CommandSpec, Group};

use super::{TELLS, require_cluster};
use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::CommandResult;

const SPEC: CommandSpec = CommandSpec::new("cluster|links", Group::Cluster, 2)
    .summary("Returns a list of all TCP links to and from peer nodes.")
    .since("7.0.0")
    .complexity("O(N) where N is the total number of Cluster nodes")
    .flags(TELLS)
    .tips(&["nondeterministic_output"]);

pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, _: Args<'_>) -> CommandResult {
    let links = require_cluster(cx)?.links();
    let reply = &mut *cx.reply;
    reply.array(links.len());
    for link in links {
        reply.map(6);
        reply.bulk(b"direction");
        reply.bulk(match link.direction {
            LinkDirection::To => b"to",
            LinkDirection::From => b"from",
        });
        reply.bulk(b"node");
        reply.bulk(link.node.digits());
        reply.bulk(b"create-time");
        reply.integer(link.created_unix_ms);
        // A link is always read; it waits to be written while something is left to send.
        reply.bulk(b"events");
        reply.bulk(if link.unsent_bytes > 0 { b"rw" } else { b"r" });
        for name in [&b"send-buffer-allocated"[..], b"send-buffer-used"] {
            reply.bulk(name);
            reply.integer(link.unsent_bytes as i64);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::trial::Trial;

    #[test]
    fn a_node_that_is_alone_has_none() {
        Trial::of_node().check(&[("CLUSTER LINKS", "*0")]);
    }
}
