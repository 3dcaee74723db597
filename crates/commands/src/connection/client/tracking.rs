//! `CLIENT GETREDIR` and `CLIENT TRACKINGINFO`
//!
//! No client has tracking on, so these say that it is off.
//!
//! Source: redis.io, CLIENT GETREDIR, CLIENT TRACKINGINFO.

use dunlin_spec::{Categories, CommandSpec, Flags, Group};

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::CommandResult;

const GETREDIR_SPEC: CommandSpec = CommandSpec::new("client|getredir", Group::Connection, 2)
    .summary(
        "Returns the client ID to which the connection's tracking notifications are redirected.",
    )
    .since("6.0.0")
    .complexity("O(1)")
    .flags(&[Flags::NOSCRIPT, Flags::LOADING, Flags::STALE, Flags::SENTINEL])
    .categories(&[Categories::CONNECTION]);

const TRACKINGINFO_SPEC: CommandSpec =
    CommandSpec::new("client|trackinginfo", Group::Connection, 2)
        .summary(
            "Returns information about server-assisted client-side caching for the connection.",
        )
        .since("6.2.0")
        .complexity("O(1)")
        .flags(&[Flags::NOSCRIPT, Flags::LOADING, Flags::STALE, Flags::SENTINEL])
        .categories(&[Categories::CONNECTION]);

pub(super) const GETREDIR: Command = Command::new(GETREDIR_SPEC, run_getredir);
pub(super) const TRACKINGINFO: Command = Command::new(TRACKINGINFO_SPEC, run_trackinginfo);

/// Tracking is off.
const NO_REDIRECTION: i64 = -1;

fn run_getredir(cx: &mut Context<'_>, _: Args<'_>) -> CommandResult {
    cx.reply.integer(NO_REDIRECTION);
    Ok(())
}

fn run_trackinginfo(cx: &mut Context<'_>, _: Args<'_>) -> CommandResult {
    cx.reply.map(3);
    cx.reply.bulk(b"flags");
    cx.reply.set(1);
    cx.reply.bulk(b"off");
    cx.reply.bulk(b"redirect");
    cx.reply.integer(NO_REDIRECTION);
    cx.reply.bulk(b"prefixes");
    cx.reply.array(0);
    Ok(())
}
