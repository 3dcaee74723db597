//! `CLIENT UNBLOCK client-id [TIMEOUT | ERROR]`
//!
//! Clients that wait for the end of CLIENT PAUSE are not unblocked, in Redis neither.
//!
//! Source: redis.io, CLIENT UNBLOCK.

use dunlin_session::{ClientId, Release};
use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group};

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::{CommandError, CommandResult};

const UNBLOCK_SPEC: CommandSpec = CommandSpec::new("client|unblock", Group::Connection, -3)
    .summary("Unblocks a client blocked by a blocking command from a different connection.")
    .since("5.0.0")
    .complexity("O(log N) where N is the number of client connections")
    .flags(&[Flags::ADMIN, Flags::NOSCRIPT, Flags::LOADING, Flags::STALE, Flags::SENTINEL])
    .categories(&[Categories::CONNECTION])
    .args(&[
        Arg::integer("client-id"),
        Arg::one_of(
            "unblock-type",
            &[Arg::literal("timeout", "TIMEOUT"), Arg::literal("error", "ERROR")],
        )
        .optional(),
    ]);

pub(super) const UNBLOCK: Command = Command::new(UNBLOCK_SPEC, run);

const UNKNOWN_REASON: CommandError =
    CommandError::fixed("ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR");

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let why = match args.words() {
        [_, _, _] => Release::Timeout,
        [_, _, _, reason] => match reason.to_ascii_lowercase().as_slice() {
            b"timeout" => Release::Timeout,
            b"error" => Release::Error,
            _ => return Err(UNKNOWN_REASON),
        },
        _ => return Err(CommandError::subcommand_syntax("CLIENT", args.get(1))),
    };
    let id = args.integer(2)?;
    let token = u64::try_from(id).ok().and_then(|id| cx.sessions.token_of(ClientId(id)));
    let unblocked = token.is_some_and(|token| cx.sessions.blocking.unblock(token, why));
    cx.reply.integer(i64::from(unblocked));
    Ok(())
}
