//! `UNSUBSCRIBE [channel [channel ...]]`
//!
//! Source: redis.io, UNSUBSCRIBE.

use dunlin_session::SubscriptionKind;
use dunlin_spec::{Arg, CommandSpec, Flags, Group};

use super::subscription;
use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::CommandResult;

const SPEC: CommandSpec = CommandSpec::new("unsubscribe", Group::PubSub, -1)
    .summary("Stops listening to messages posted to channels.")
    .since("2.0.0")
    .complexity("O(N) where N is the number of channels to unsubscribe.")
    .flags(&[Flags::PUBSUB, Flags::NOSCRIPT, Flags::LOADING, Flags::STALE, Flags::SENTINEL])
    .args(&[Arg::string("channel").optional().multiple()]);

/// UNSUBSCRIBE's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    subscription::unsubscribe(cx, args, SubscriptionKind::Channel)
}
