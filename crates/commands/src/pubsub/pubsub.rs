//! Who listens: `PUBSUB CHANNELS [pattern]`, `PUBSUB NUMPAT`,
//! `PUBSUB NUMSUB [channel [channel ...]]`, `PUBSUB SHARDCHANNELS [pattern]`,
//! `PUBSUB SHARDNUMSUB [shardchannel [shardchannel ...]]`.
//!
//! Source: redis.io, PUBSUB and its subcommands.
//!
//! Differs: channels are listed in the order of their names; Redis has none.

use dunlin_session::SubscriptionKind;
use dunlin_spec::{Arg, CommandSpec, Flags, Group};
use dunlin_stdx::glob::{self, Case};

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::{CommandError, CommandResult};
use crate::help::reply_help;

const SPEC: CommandSpec = CommandSpec::new("pubsub", Group::PubSub, -2)
    .summary("A container for Pub/Sub commands.")
    .since("2.8.0")
    .complexity("Depends on subcommand.");

const CHANNELS_SPEC: CommandSpec = CommandSpec::new("pubsub|channels", Group::PubSub, -2)
    .summary("Returns the active channels.")
    .since("2.8.0")
    .complexity(
        "O(N) where N is the number of active channels, and assuming constant time pattern \
         matching (relatively short channels and patterns)",
    )
    .flags(&[Flags::PUBSUB, Flags::LOADING, Flags::STALE])
    .args(&[Arg::pattern("pattern").optional()]);

const HELP_SPEC: CommandSpec = CommandSpec::new("pubsub|help", Group::PubSub, 2)
    .summary("Returns helpful text about the different subcommands.")
    .since("6.2.0")
    .complexity("O(1)")
    .flags(&[Flags::LOADING, Flags::STALE]);

const NUMPAT_SPEC: CommandSpec = CommandSpec::new("pubsub|numpat", Group::PubSub, 2)
    .summary("Returns a count of unique pattern subscriptions.")
    .since("2.8.0")
    .complexity("O(1)")
    .flags(&[Flags::PUBSUB, Flags::LOADING, Flags::STALE]);

const NUMSUB_SPEC: CommandSpec = CommandSpec::new("pubsub|numsub", Group::PubSub, -2)
    .summary("Returns a count of subscribers to channels.")
    .since("2.8.0")
    .complexity("O(N) for the NUMSUB subcommand, where N is the number of requested channels")
    .flags(&[Flags::PUBSUB, Flags::LOADING, Flags::STALE])
    .args(&[Arg::string("channel").optional().multiple()]);

const SHARDCHANNELS_SPEC: CommandSpec = CommandSpec::new("pubsub|shardchannels", Group::PubSub, -2)
    .summary("Returns the active shard channels.")
    .since("7.0.0")
    .complexity(
        "O(N) where N is the number of active shard channels, and assuming constant time pattern \
         matching (relatively short shard channels).",
    )
    .flags(&[Flags::PUBSUB, Flags::LOADING, Flags::STALE])
    .args(&[Arg::pattern("pattern").optional()]);

const SHARDNUMSUB_SPEC: CommandSpec = CommandSpec::new("pubsub|shardnumsub", Group::PubSub, -2)
    .summary("Returns the count of subscribers of shard channels.")
    .since("7.0.0")
    .complexity(
        "O(N) for the SHARDNUMSUB subcommand, where N is the number of requested shard channels",
    )
    .flags(&[Flags::PUBSUB, Flags::LOADING, Flags::STALE])
    .args(&[Arg::string("shardchannel").optional().multiple()]);

/// PUBSUB's entry in the command table.
pub(super) const COMMAND: Command = Command::container(
    SPEC,
    &[
        Command::new(CHANNELS_SPEC, run_channels),
        Command::new(HELP_SPEC, run_help),
        Command::new(NUMPAT_SPEC, run_numpat),
        Command::new(NUMSUB_SPEC, run_numsub),
        Command::new(SHARDCHANNELS_SPEC, run_shardchannels),
        Command::new(SHARDNUMSUB_SPEC, run_shardnumsub),
    ],
);

const HELP: &[&str] = &[
    "CHANNELS [<pattern>]",
    "    Return the currently active channels matching a <pattern> (default: '*').",
    "NUMPAT",
    "    Return number of subscriptions to patterns.",
    "NUMSUB [<channel> ...]",
    "    Return the number of subscribers for the specified channels, excluding",
    "    pattern subscriptions(default: no channels).",
    "SHARDCHANNELS [<pattern>]",
    "    Return the currently active shard level channels matching a <pattern> (default: '*').",
    "SHARDNUMSUB [<shardchannel> ...]",
    "    Return the number of subscribers for the specified shard level channel(s)",
];

fn run_help(cx: &mut Context<'_>, _: Args<'_>) -> CommandResult {
    reply_help(cx.reply, "PUBSUB", HELP);
    Ok(())
}

fn run_numpat(cx: &mut Context<'_>, _: Args<'_>) -> CommandResult {
    let count = cx.sessions.pubsub().len(SubscriptionKind::Pattern);
    cx.reply.integer(count as i64);
    Ok(())
}

fn run_channels(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    list(cx, args, SubscriptionKind::Channel)
}

fn run_shardchannels(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    list(cx, args, SubscriptionKind::ShardChannel)
}

fn run_numsub(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    count_subscribers(cx, args, SubscriptionKind::Channel)
}

fn run_shardnumsub(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    count_subscribers(cx, args, SubscriptionKind::ShardChannel)
}

fn list(cx: &mut Context<'_>, args: Args<'_>, kind: SubscriptionKind) -> CommandResult {
    let pattern = match args.words() {
        [_, _] => None,
        [_, _, pattern] => Some(*pattern),
        _ => return Err(CommandError::subcommand_syntax("PUBSUB", args.get(1))),
    };
    let mut names = cx.sessions.pubsub().names(kind);
    if let Some(pattern) = pattern {
        names.retain(|name| glob::matches(pattern, name, Case::Sensitive));
    }
    cx.reply.array(names.len());
    for name in names {
        cx.reply.bulk(name);
    }
    Ok(())
}

fn count_subscribers(
    cx: &mut Context<'_>,
    args: Args<'_>,
    kind: SubscriptionKind,
) -> CommandResult {
    let names = &args.words()[2..];
    cx.reply.array(2 * names.len());
    for name in names {
        cx.reply.bulk(name);
        cx.reply.integer(cx.sessions.pubsub().subscribers(kind, name) as i64);
    }
    Ok(())
}
