//! `CLIENT PAUSE timeout [WRITE | ALL]` and `CLIENT UNPAUSE`
//!
//! Commands wait; they are not refused.
//!
//! Source: redis.io, CLIENT PAUSE, CLIENT UNPAUSE.

use dunlin_session::PauseMode;
use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group};

use crate::args::Args;
use crate::blocking::Timeout;
use crate::command::Command;
use crate::context::Context;
use crate::error::{CommandError, CommandResult};

const PAUSE_SPEC: CommandSpec = CommandSpec::new("client|pause", Group::Connection, -3)
    .summary("Suspends commands processing.")
    .since("3.0.0")
    .complexity("O(1)")
    .flags(&[Flags::ADMIN, Flags::NOSCRIPT, Flags::LOADING, Flags::STALE, Flags::SENTINEL])
    .categories(&[Categories::CONNECTION])
    .history(&[("6.2.0", "`CLIENT PAUSE WRITE` mode added along with the `mode` option.")])
    .args(&[
        Arg::integer("timeout"),
        Arg::one_of("mode", &[Arg::literal("write", "WRITE"), Arg::literal("all", "ALL")])
            .optional()
            .since("6.2.0"),
    ]);

const UNPAUSE_SPEC: CommandSpec = CommandSpec::new("client|unpause", Group::Connection, 2)
    .summary("Resumes processing commands from paused clients.")
    .since("6.2.0")
    .complexity("O(N) Where N is the number of paused clients")
    .flags(&[Flags::ADMIN, Flags::NOSCRIPT, Flags::LOADING, Flags::STALE, Flags::SENTINEL])
    .categories(&[Categories::CONNECTION]);

pub(super) const PAUSE: Command = Command::new(PAUSE_SPEC, run_pause);
pub(super) const UNPAUSE: Command = Command::new(UNPAUSE_SPEC, run_unpause);

fn run_pause(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let mode = match args.words() {
        [_, _, _] => PauseMode::All,
        [_, _, _, mode] if mode.eq_ignore_ascii_case(b"write") => PauseMode::Write,
        [_, _, _, mode] if mode.eq_ignore_ascii_case(b"all") => PauseMode::All,
        [_, _, _, _] => {
            return Err(CommandError::fixed("ERR CLIENT PAUSE mode must be WRITE or ALL"));
        }
        _ => return Err(CommandError::subcommand_syntax("CLIENT", args.get(1))),
    };
    let now = cx.now.monotonic;
    let end = Timeout::milliseconds(args.get(2), cx.now)?.deadline.unwrap_or(now);
    cx.sessions.pause.start(mode, end, now);
    cx.reply.ok();
    Ok(())
}

fn run_unpause(cx: &mut Context<'_>, _: Args<'_>) -> CommandResult {
    cx.sessions.pause.stop();
    cx.reply.ok();
    Ok(())
}
