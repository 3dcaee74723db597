//! `WATCH key [key ...]`
//!
//! The client's next EXEC fails if one of these keys changes before it. A key whose time comes
//! meanwhile has changed; one whose time had come before has not.
//!
//! Source: redis.io, WATCH; "Transactions", section "Optimistic locking using check-and-set".

use dunlin_session::SessionFlags;
use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};

use crate::args::Args;
use crate::command::Command;
use crate::connection::NO_CONNECTION;
use crate::context::Context;
use crate::error::{CommandError, CommandResult};

const SPEC: CommandSpec = CommandSpec::new("watch", Group::Transactions, -2)
    .summary("Monitors changes to keys to determine the execution of a transaction.")
    .since("2.2.0")
    .complexity("O(1) for every key.")
    .flags(&[Flags::NOSCRIPT, Flags::LOADING, Flags::STALE, Flags::FAST, Flags::ALLOW_BUSY])
    .categories(&[Categories::TRANSACTION])
    .keys(&[KeySpec::at(1, &[KeyFlags::RO]).to(-1)])
    .args(&[Arg::key("key", 0).multiple()]);

/// WATCH's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let token = cx.caller.client().ok_or(NO_CONNECTION)?;
    let session = cx.session().ok_or(NO_CONNECTION)?;
    if session.transaction.is_some() {
        return Err(CommandError::fixed("ERR WATCH inside MULTI is not allowed"));
    }
    if !session.flags.contains(SessionFlags::WATCHED_CHANGED) {
        for key in &args.words()[1..] {
            let existed = cx.keyspace.visible(cx.db, key).is_some();
            cx.sessions.watches.watch(token, cx.db, key, existed);
        }
        cx.keyspace.record_touched(true);
    }
    cx.reply.ok();
    Ok(())
}
