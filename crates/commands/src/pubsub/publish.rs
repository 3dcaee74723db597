//! `PUBLISH channel message`
//!
//! Source: redis.io, PUBLISH; "Replication" for what replicas hear of it.

use dunlin_session::{Delivery, Message};
use dunlin_spec::{Arg, CommandSpec, Flags, Group};

use crate::args::Args;
use crate::cluster::{KeysBySlot, facts};
use crate::command::Command;
use crate::context::Context;
use crate::error::CommandResult;

const SPEC: CommandSpec = CommandSpec::new("publish", Group::PubSub, 3)
    .summary("Posts a message to a channel.")
    .since("2.0.0")
    .complexity(
        "O(N+M) where N is the number of clients subscribed to the receiving channel and M is \
         the total number of subscribed patterns (by any client).",
    )
    .flags(&[
        Flags::PUBSUB,
        Flags::LOADING,
        Flags::STALE,
        Flags::FAST,
        Flags::MAY_REPLICATE,
        Flags::SENTINEL,
    ])
    .args(&[Arg::string("channel"), Arg::string("message")]);

/// PUBLISH's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    publish(cx, args, false)
}

/// Delivers a message here, passes it on to replicas, and answers how many received it here.
pub(super) fn publish(cx: &mut Context<'_>, args: Args<'_>, to_shard: bool) -> CommandResult {
    let message = Message { channel: args.get(1), content: args.get(2), shared: args.shared(2) };
    let limit = cx.config.network.client_output_buffer_limit.pubsub.hard_bytes;
    let delivery = Delivery { to_shard, output_limit: limit as usize };
    let receivers = cx.sessions.publish(&message, delivery);
    // In a cluster messages travel on the bus, also to replicas.
    match cx.cluster.as_deref_mut() {
        Some(cluster) => {
            let keys = KeysBySlot(cx.keyspace);
            let facts = facts(&keys, cx.replication);
            cluster.publish(cx.now, &facts, message.channel, message.content, to_shard);
        }
        None => cx.effects.propagate_to_replicas(),
    }
    cx.reply.integer(receivers as i64);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::trial::Trial;

    #[test]
    fn receivers_are_counted_and_replicas_told() {
        let mut trial = Trial::of_client();
        trial.run("SUBSCRIBE news");
        trial.run("PSUBSCRIBE n* *s");
        trial.run("SSUBSCRIBE news");
        trial.check(&[
            ("PUBLISH news hello", ":3"),
            ("PUBLISH newt hello", ":1"),
            ("PUBLISH old hello", ":0"),
            ("SPUBLISH news hello", ":1"),
            ("SPUBLISH newt hello", ":0"),
        ]);
        assert_eq!(trial.propagated().len(), 5);
    }
}
