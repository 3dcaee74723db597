//! `PING [message]`
//!
//! Source: redis.io, PING.

use dunlin_resp::Protocol;
use dunlin_session::SessionFlags;
use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group};

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::{CommandError, CommandResult};

const SPEC: CommandSpec = CommandSpec::new("ping", Group::Connection, -1)
    .summary("Returns the server's liveliness response.")
    .since("1.0.0")
    .complexity("O(1)")
    .flags(&[Flags::FAST, Flags::SENTINEL])
    .categories(&[Categories::CONNECTION])
    .tips(&["request_policy:all_shards", "response_policy:all_succeeded"])
    .args(&[Arg::string("message").optional()]);

/// PING's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    if args.len() > 2 {
        return Err(CommandError::WrongArity("ping".into()));
    }
    let is_subscriber =
        cx.session().is_some_and(|session| session.flags.contains(SessionFlags::PUBSUB));
    if is_subscriber && cx.reply.protocol == Protocol::Resp2 {
        // It reads messages, which are arrays: so is this.
        cx.reply.array(2);
        cx.reply.bulk(b"pong");
        cx.reply.bulk(args.words().get(1).copied().unwrap_or_default());
        return Ok(());
    }
    match args.len() {
        1 => cx.reply.simple("PONG"),
        _ => cx.reply.bulk(args.get(1)),
    }
    Ok(())
}
