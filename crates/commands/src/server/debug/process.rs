//! DEBUG's subcommands that reach for the process.

use std::time::Duration;

use dunlin_config::LogLevel;
use dunlin_stdx::number::{parse_f64, parse_i64};

use crate::args::Args;
use crate::context::Context;
use crate::error::{CommandError, CommandResult};
use crate::host::Crash;

/// Longest sleep: a day. More is a slip of the keyboard that would lose the server.
const SLEEP_SECONDS_MAX: f64 = 86_400.0;

pub(super) fn sleep(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let seconds = parse_f64(args.get(2)).unwrap_or(0.0).clamp(0.0, SLEEP_SECONDS_MAX);
    cx.host.sleep(Duration::from_secs_f64(seconds));
    cx.reply.ok();
    Ok(())
}

pub(super) fn log(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let text = String::from_utf8_lossy(args.get(2));
    cx.host.log(LogLevel::Warning, &format!("DEBUG LOG: {text}"));
    cx.reply.ok();
    Ok(())
}

/// Makes the checker of memory leaks find something.
pub(super) fn leak(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    std::mem::forget(args.get(2).to_vec());
    cx.reply.ok();
    Ok(())
}

/// A server that nobody follows has no replication id that anybody could know.
pub(super) fn change_replication_id(cx: &mut Context<'_>, _: Args<'_>) -> CommandResult {
    cx.host.log_notice("Changing replication IDs after receiving DEBUG change-repl-id");
    cx.reply.ok();
    Ok(())
}

pub(super) fn restart(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    if args.len() > 2 && parse_i64(args.get(2)).is_none() {
        return Err(CommandError::NotInteger);
    }
    cx.host.log(LogLevel::Warning, "DEBUG RESTART: this version cannot start itself again.");
    Err(CommandError::fixed("ERR failed to restart the server. Check server logs."))
}

pub(super) fn segfault(cx: &mut Context<'_>, _: Args<'_>) -> CommandResult {
    crash(cx, Crash::SegmentationFault)
}

pub(super) fn panic(cx: &mut Context<'_>, _: Args<'_>) -> CommandResult {
    crash(cx, Crash::Panic)
}

pub(super) fn assert(cx: &mut Context<'_>, _: Args<'_>) -> CommandResult {
    crash(cx, Crash::Assertion)
}

pub(super) fn out_of_memory(cx: &mut Context<'_>, _: Args<'_>) -> CommandResult {
    crash(cx, Crash::OutOfMemory)
}

/// Does not return in a server.
fn crash(cx: &mut Context<'_>, how: Crash) -> CommandResult {
    cx.host.crash(how, cx.now.unix_ms());
    Err(CommandError::fixed("ERR there is no process that could crash"))
}
