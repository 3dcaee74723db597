//! `SLOWLOG subcommand ...`
//!
//! - `SLOWLOG GET [count]`
//! - `SLOWLOG HELP`
//! - `SLOWLOG LEN`
//! - `SLOWLOG RESET`
//!
//! Source: Redis documentation, "SLOWLOG"; texts and shapes of a 7.2.6 server.

use dunlin_metrics::SlowLogEntry;
use dunlin_resp::Reply;
use dunlin_spec::{Arg, CommandSpec, Flags, Group};
use dunlin_stdx::number::parse_i64;

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::{CommandError, CommandResult};
use crate::help::reply_help;

pub(crate) const SPEC: CommandSpec = CommandSpec::new("slowlog", Group::Server, -2)
    .summary("A container for slow log commands.")
    .since("2.2.12")
    .complexity("Depends on subcommand.");

pub(crate) const GET_SPEC: CommandSpec = CommandSpec::new("slowlog|get", Group::Server, -2)
    .summary("Returns the slow log's entries.")
    .since("2.2.12")
    .complexity("O(N) where N is the number of entries returned")
    .flags(&[Flags::ADMIN, Flags::LOADING, Flags::STALE])
    .tips(&["request_policy:all_nodes", "nondeterministic_output"])
    .history(&[("4.0.0", "Added client IP address, port and name to the reply.")])
    .args(&[Arg::integer("count").optional()]);

pub(crate) const HELP_SPEC: CommandSpec = CommandSpec::new("slowlog|help", Group::Server, 2)
    .summary("Show helpful text about the different subcommands")
    .since("6.2.0")
    .complexity("O(1)")
    .flags(&[Flags::LOADING, Flags::STALE]);

pub(crate) const LEN_SPEC: CommandSpec = CommandSpec::new("slowlog|len", Group::Server, 2)
    .summary("Returns the number of entries in the slow log.")
    .since("2.2.12")
    .complexity("O(1)")
    .flags(&[Flags::ADMIN, Flags::LOADING, Flags::STALE])
    .tips(&["request_policy:all_nodes", "response_policy:agg_sum", "nondeterministic_output"]);

pub(crate) const RESET_SPEC: CommandSpec = CommandSpec::new("slowlog|reset", Group::Server, 2)
    .summary("Clears all entries from the slow log.")
    .since("2.2.12")
    .complexity("O(N) where N is the number of entries in the slowlog")
    .flags(&[Flags::ADMIN, Flags::LOADING, Flags::STALE])
    .tips(&["request_policy:all_nodes", "response_policy:all_succeeded"]);

/// The SLOWLOG container.
pub const COMMAND: Command = Command::container(
    SPEC,
    &[
        Command::new(GET_SPEC, get),
        Command::new(HELP_SPEC, help),
        Command::new(LEN_SPEC, len),
        Command::new(RESET_SPEC, reset),
    ],
);

/// Entries that GET shows unless it is told how many.
const COUNT_DEFAULT: usize = 10;

fn get(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let count = match args.len() {
        2 => COUNT_DEFAULT,
        3 => count(args.get(2))?,
        _ => return Err(CommandError::subcommand_syntax("SLOWLOG", args.get(1))),
    };
    forget_surplus(cx);
    let shown = count.min(cx.metrics.slow_log.len());
    cx.reply.array(shown);
    for entry in cx.metrics.slow_log.iter().take(shown) {
        write_entry(cx.reply, entry);
    }
    Ok(())
}

/// How many entries to show; -1 means all.
fn count(word: &[u8]) -> Result<usize, CommandError> {
    match parse_i64(word) {
        Some(-1) => Ok(usize::MAX),
        Some(count) if count >= 0 => Ok(usize::try_from(count).unwrap_or(usize::MAX)),
        _ => Err(CommandError::fixed("ERR count should be greater than or equal to -1")),
    }
}

/// `slowlog-max-len` may have shrunk since the last entry. While nothing is logged, nothing goes.
fn forget_surplus(cx: &mut Context<'_>) {
    if cx.config.logging.slowlog_log_slower_than < 0 {
        return;
    }
    let len_max = usize::try_from(cx.config.logging.slowlog_max_len).unwrap_or(usize::MAX);
    cx.metrics.slow_log.truncate(len_max);
}

fn write_entry(reply: &mut Reply, entry: &SlowLogEntry) {
    reply.array(6);
    reply.integer(entry.id.cast_signed());
    reply.integer(entry.unix_seconds);
    reply.integer(entry.duration_us.cast_signed());
    reply.array(entry.words.len());
    for word in &entry.words {
        reply.bulk(word);
    }
    reply.bulk(entry.address.as_bytes());
    reply.bulk(&entry.client_name);
}

fn help(cx: &mut Context<'_>, _: Args<'_>) -> CommandResult {
    const LINES: &[&str] = &[
        "GET [<count>]",
        "    Return top <count> entries from the slowlog (default: 10, -1 mean all).",
        "    Entries are made of:",
        "    id, timestamp, time in microseconds, arguments array, client IP and port,",
        "    client name",
        "LEN",
        "    Return the length of the slowlog.",
        "RESET",
        "    Reset the slowlog.",
    ];
    reply_help(cx.reply, "SLOWLOG", LINES);
    Ok(())
}

fn len(cx: &mut Context<'_>, _: Args<'_>) -> CommandResult {
    forget_surplus(cx);
    cx.reply.integer(cx.metrics.slow_log.len() as i64);
    Ok(())
}

fn reset(cx: &mut Context<'_>, _: Args<'_>) -> CommandResult {
    cx.metrics.slow_log.reset();
    cx.reply.ok();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_is_minus_one_or_not_negative() {
        assert_eq!(count(b"-1"), Ok(usize::MAX));
        assert_eq!(count(b"0"), Ok(0));
        assert_eq!(count(b"25"), Ok(25));
        for word in [&b"-2"[..], b"x", b"", b"1.0", b"9223372036854775808"] {
            assert!(count(word).is_err());
        }
    }
}
