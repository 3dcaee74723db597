//! `WAIT numreplicas timeout`
//!
//! Replies how many replicas have acknowledged the client's writes. There are none, so whoever asks
//! for one waits until the time is up.
//!
//! Source: redis.io, WAIT.

use dunlin_session::TimeoutReply;
use dunlin_spec::{Arg, Categories, CommandSpec, Group};

use crate::args::Args;
use crate::blocking::Timeout;
use crate::command::Command;
use crate::context::Context;
use crate::error::CommandResult;

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

/// Replicas that have acknowledged.
const ACKNOWLEDGED: i64 = 0;

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let wanted = args.integer(1)?;
    let timeout = Timeout::milliseconds(args.get(2), cx.now)?;
    if wanted > ACKNOWLEDGED && cx.may_block() {
        cx.block_for_acknowledgement(timeout, TimeoutReply::Count(ACKNOWLEDGED));
    } else {
        cx.reply.integer(ACKNOWLEDGED);
    }
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
