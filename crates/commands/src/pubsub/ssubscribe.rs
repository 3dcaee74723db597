//! `SSUBSCRIBE shardchannel [shardchannel ...]`
//!
//! Source: redis.io, SSUBSCRIBE.

use dunlin_session::SubscriptionKind;
use dunlin_spec::{Arg, CommandSpec, Flags, Group, KeyFlags, KeySpec};

use super::subscription;
use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::{CommandError, CommandResult};

const SPEC: CommandSpec = CommandSpec::new("ssubscribe", Group::PubSub, -2)
    .summary("Listens for messages published to shard channels.")
    .since("7.0.0")
    .complexity("O(N) where N is the number of shard channels to subscribe to.")
    .flags(&[Flags::PUBSUB, Flags::NOSCRIPT, Flags::LOADING, Flags::STALE])
    .keys(&[KeySpec::at(1, &[KeyFlags::NOT_KEY]).to(-1)])
    .args(&[Arg::string("shardchannel").multiple()]);

/// SSUBSCRIBE's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

/// What a caller gets that expects one reply for each command: a transaction, unlike for SUBSCRIBE,
/// and a script.
const ONE_REPLY_EXPECTED: CommandError =
    CommandError::fixed("ERR SSUBSCRIBE isn't allowed for a DENY BLOCKING client");

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    if !cx.may_block() {
        return Err(ONE_REPLY_EXPECTED);
    }
    subscription::subscribe(cx, args, SubscriptionKind::ShardChannel)
}
