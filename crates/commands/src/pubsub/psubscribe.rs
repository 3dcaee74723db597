//! `PSUBSCRIBE pattern [pattern ...]`
//!
//! Source: redis.io, PSUBSCRIBE.

use dunlin_session::SubscriptionKind;
use dunlin_spec::{Arg, CommandSpec, Flags, Group};

use super::subscription;
use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::CommandResult;

const SPEC: CommandSpec = CommandSpec::new("psubscribe", Group::PubSub, -2)
    .summary("Listens for messages published to channels that match one or more patterns.")
    .since("2.0.0")
    .complexity("O(N) where N is the number of patterns to subscribe to.")
    .flags(&[Flags::PUBSUB, Flags::NOSCRIPT, Flags::LOADING, Flags::STALE, Flags::SENTINEL])
    .args(&[Arg::pattern("pattern").multiple()]);

/// PSUBSCRIBE's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    subscription::subscribe(cx, args, SubscriptionKind::Pattern)
}
