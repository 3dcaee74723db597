//! How the server treats a client: `CLIENT NO-EVICT <ON | OFF>`, `CLIENT NO-TOUCH <ON | OFF>`,
//! `CLIENT REPLY <ON | OFF | SKIP>`.
//!
//! Source: redis.io, CLIENT NO-EVICT, CLIENT NO-TOUCH, CLIENT REPLY.

use dunlin_session::SessionFlags;
use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group};

use super::super::NO_CONNECTION;
use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::{CommandError, CommandResult};

const NO_EVICT_SPEC: CommandSpec = CommandSpec::new("client|no-evict", Group::Connection, 3)
    .summary("Sets the client eviction mode of the connection.")
    .since("7.0.0")
    .complexity("O(1)")
    .flags(&[Flags::ADMIN, Flags::NOSCRIPT, Flags::LOADING, Flags::STALE, Flags::SENTINEL])
    .categories(&[Categories::CONNECTION])
    .args(&[Arg::one_of("enabled", &[Arg::literal("on", "ON"), Arg::literal("off", "OFF")])]);

const NO_TOUCH_SPEC: CommandSpec = CommandSpec::new("client|no-touch", Group::Connection, 3)
    .summary("Controls whether commands sent by the client affect the LRU/LFU of accessed keys.")
    .since("7.2.0")
    .complexity("O(1)")
    .flags(&[Flags::NOSCRIPT, Flags::LOADING, Flags::STALE])
    .categories(&[Categories::CONNECTION])
    .args(&[Arg::one_of("enabled", &[Arg::literal("on", "ON"), Arg::literal("off", "OFF")])]);

const REPLY_SPEC: CommandSpec = CommandSpec::new("client|reply", Group::Connection, 3)
    .summary("Instructs the server whether to reply to commands.")
    .since("3.2.0")
    .complexity("O(1)")
    .flags(&[Flags::NOSCRIPT, Flags::LOADING, Flags::STALE, Flags::SENTINEL])
    .categories(&[Categories::CONNECTION])
    .args(&[Arg::one_of(
        "action",
        &[Arg::literal("on", "ON"), Arg::literal("off", "OFF"), Arg::literal("skip", "SKIP")],
    )]);

pub(super) const NO_EVICT: Command = Command::new(NO_EVICT_SPEC, run_no_evict);
pub(super) const NO_TOUCH: Command = Command::new(NO_TOUCH_SPEC, run_no_touch);
pub(super) const REPLY: Command = Command::new(REPLY_SPEC, run_reply);

fn run_no_evict(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    switch(cx, args, SessionFlags::NO_EVICT)
}

fn run_no_touch(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    switch(cx, args, SessionFlags::NO_TOUCH)
}

fn switch(cx: &mut Context<'_>, args: Args<'_>, flag: SessionFlags) -> CommandResult {
    let on = match args.get(2).to_ascii_lowercase().as_slice() {
        b"on" => true,
        b"off" => false,
        _ => return Err(CommandError::Syntax),
    };
    cx.session().ok_or(NO_CONNECTION)?.flags.set(flag, on);
    cx.reply.ok();
    Ok(())
}

/// Only ON is answered; whoever runs commands leaves out the replies that the flags forbid.
fn run_reply(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let flags = &mut cx.session().ok_or(NO_CONNECTION)?.flags;
    match args.get(2).to_ascii_lowercase().as_slice() {
        b"on" => {
            flags.remove(SessionFlags::REPLY_OFF.union(SessionFlags::REPLY_SKIP));
            cx.reply.ok();
        }
        b"off" => flags.insert(SessionFlags::REPLY_OFF),
        b"skip" => {
            let is_off = flags.contains(SessionFlags::REPLY_OFF);
            flags.set(SessionFlags::REPLY_SKIP_NEXT, !is_off);
        }
        _ => return Err(CommandError::Syntax),
    }
    Ok(())
}
