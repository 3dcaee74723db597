//! `WAIT numreplicas timeout`
//!
//! Replies how many replicas have acknowledged the client's writes, as soon as there are so many, or
//! the time is up.
//!
//! Source: redis.io, WAIT; texts checked against a 7.2.6 server.

use dunlin_replication::Wish;
use dunlin_session::TimeoutReply;
use dunlin_spec::{Arg, Categories, CommandSpec, Group};

use crate::args::Args;
use crate::blocking::{Awaited, Timeout, acknowledged};
use crate::command::Command;
use crate::context::Context;
use crate::error::{CommandError, CommandResult};

const SPEC: CommandSpec = CommandSpec::new("wait", Group::Generic, 3)
    .summary(
        "Blocks until the asynchronous replication of all preceding write commands sent by the \
         connection is completed.",
    )
    .since("3.0.0")
    .complexity("O(1)")
    .categories(&[Categories::CONNECTION])
    .tips(&["request_policy:all_shards", "response_policy:agg_min"])
    .args(&[Arg::integer("numreplicas"), Arg::integer("timeout")]);

/// WAIT's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

const ON_REPLICA: CommandError = CommandError::fixed(
    "ERR WAIT cannot be used with replica instances. Please also note that since Redis 4.0 if a \
     replica is configured to be writable (which is not the default) writes to replicas are just \
     local and are not propagated.",
);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    if cx.replication.is_replica() {
        return Err(ON_REPLICA);
    }
    let wanted = args.integer(1)?;
    let timeout = Timeout::milliseconds(args.get(2), cx.now)?;
    let offset = cx.session().map_or(0, |session| session.replicated_up_to);
    let count = acknowledged(offset, cx.replication);
    if wanted <= count || !cx.may_block() {
        cx.reply.integer(count);
        return Ok(());
    }
    let awaited = Awaited::Acknowledgement { offset, replicas: wanted as usize };
    cx.block_for_others(awaited, timeout, TimeoutReply::Acknowledged);
    cx.replication.wish(Wish::AskForAcknowledgement);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::trial::Trial;

    #[test]
    fn without_replicas_nobody_acknowledges() {
        Trial::new().check(&[
            ("WAIT 0 0", ":0"),
            ("WAIT -1 0", ":0"),
            ("WAIT 1 0", ":0"),
            ("WAIT a b", "-ERR value is not an integer or out of range"),
            ("WAIT 1 a", "-ERR timeout is not an integer or out of range"),
            ("WAIT 1 -1", "-ERR timeout is negative"),
        ]);
        let mut client = Trial::of_client();
        client.check(&[("WAIT 0 0", ":0")]);
        assert_eq!(client.run("WAIT 1 0"), "");
    }
}
