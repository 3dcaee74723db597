//! `SPUBLISH shardchannel message`
//!
//! Source: redis.io, SPUBLISH.

use dunlin_spec::{Arg, CommandSpec, Flags, Group, KeyFlags, KeySpec};

use super::publish::publish;
use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::CommandResult;

const SPEC: CommandSpec = CommandSpec::new("spublish", Group::PubSub, 3)
    .summary("Post a message to a shard channel")
    .since("7.0.0")
    .complexity("O(N) where N is the number of clients subscribed to the receiving shard channel.")
    .flags(&[Flags::PUBSUB, Flags::LOADING, Flags::STALE, Flags::FAST, Flags::MAY_REPLICATE])
    .keys(&[KeySpec::at(1, &[KeyFlags::NOT_KEY])])
    .args(&[Arg::string("shardchannel"), Arg::string("message")]);

/// SPUBLISH's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    publish(cx, args, true)
}
