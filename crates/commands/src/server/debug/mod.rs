//! `DEBUG subcommand ...`
//!
//! What test suites and people who look for a fault ask a server. It runs only where
//! `enable-debug-command` lets it.
//!
//! Source: the texts of DEBUG HELP; replies checked against a 7.2.6 server.
//! Differs: figures about the inside (OBJECT's address and length, HTSTATS, SDSLEN, STRUCTSIZE) are
//! dunlin's own; RESTART and CRASH-AND-RECOVER wait for a supervisor of processes.

mod cluster;
mod help;
mod inside;
mod lists;
mod populate;
mod process;
mod protocol;
mod reload;
mod switches;

use dunlin_spec::{CommandSpec, Flags, Group};

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::{CommandError, CommandResult};
use crate::help::reply_help;
use crate::server::config;
use crate::server::digest::Digest;

pub use switches::Switches;

const SPEC: CommandSpec = CommandSpec::new("debug", Group::Server, -2)
    .summary("A container for debugging commands.")
    .since("1.0.0")
    .complexity("Depends on subcommand.")
    .system()
    .flags(&[Flags::ADMIN, Flags::NOSCRIPT, Flags::LOADING, Flags::STALE, Flags::PROTECTED]);

/// DEBUG's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

/// A subcommand: its name, how many words it takes (both others included), and what it does.
struct Subcommand {
    name: &'static str,
    words: std::ops::RangeInclusive<usize>,
    run: fn(&mut Context<'_>, Args<'_>) -> CommandResult,
}

const ANY: usize = usize::MAX;

/// DEBUG declares no subcommands to COMMAND, so it has a list of its own.
const SUBCOMMANDS: &[Subcommand] = &[
    Subcommand { name: "aof-flush-sleep", words: 3..=3, run: switches::log_flush_sleep },
    Subcommand { name: "assert", words: 2..=ANY, run: process::assert },
    Subcommand { name: "change-repl-id", words: 2..=2, run: process::change_replication_id },
    Subcommand { name: "clusterlink", words: 5..=5, run: cluster::kill_links },
    Subcommand { name: "config-rewrite-force-all", words: 2..=2, run: config::rewrite_all },
    Subcommand { name: "crash-and-recover", words: 2..=ANY, run: process::restart },
    Subcommand { name: "digest", words: 2..=2, run: digest },
    Subcommand { name: "digest-value", words: 2..=ANY, run: digest_value },
    Subcommand { name: "drop-cluster-packet-filter", words: 3..=3, run: cluster::drop_messages },
    Subcommand { name: "error", words: 3..=3, run: error },
    Subcommand { name: "help", words: 2..=2, run: help },
    Subcommand { name: "htstats", words: 3..=ANY, run: inside::table_stats },
    Subcommand { name: "htstats-key", words: 3..=ANY, run: inside::table_stats_of_key },
    Subcommand { name: "leak", words: 3..=3, run: process::leak },
    Subcommand { name: "listpack", words: 3..=3, run: lists::listpack },
    Subcommand { name: "loadaof", words: 2..=ANY, run: reload::load_log },
    Subcommand { name: "log", words: 3..=3, run: process::log },
    Subcommand { name: "object", words: 3..=3, run: inside::object },
    Subcommand { name: "oom", words: 2..=ANY, run: process::out_of_memory },
    Subcommand { name: "panic", words: 2..=ANY, run: process::panic },
    Subcommand { name: "pause-cron", words: 3..=3, run: switches::pause_cron },
    Subcommand { name: "populate", words: 3..=5, run: populate::run },
    Subcommand { name: "protocol", words: 3..=3, run: protocol::run },
    Subcommand { name: "quicklist", words: 3..=4, run: lists::quicklist },
    Subcommand {
        name: "quicklist-packed-threshold",
        words: 3..=3,
        run: switches::quicklist_packed_threshold,
    },
    Subcommand { name: "reload", words: 2..=ANY, run: reload::run },
    Subcommand { name: "replybuffer", words: 4..=4, run: switches::reply_buffer },
    Subcommand { name: "restart", words: 2..=ANY, run: process::restart },
    Subcommand { name: "sdslen", words: 3..=3, run: inside::string_length },
    Subcommand { name: "segfault", words: 2..=ANY, run: process::segfault },
    Subcommand { name: "set-active-expire", words: 3..=3, run: switches::set_active_expire },
    Subcommand {
        name: "set-skip-checksum-validation",
        words: 3..=3,
        run: switches::skip_checksum_validation,
    },
    Subcommand { name: "sleep", words: 3..=3, run: process::sleep },
    Subcommand { name: "stringmatch-test", words: 2..=2, run: inside::try_patterns },
    Subcommand { name: "structsize", words: 2..=2, run: inside::struct_sizes },
];

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let found = SUBCOMMANDS
        .iter()
        .find(|subcommand| args.is(1, subcommand.name) && subcommand.words.contains(&args.len()));
    match found {
        Some(subcommand) => (subcommand.run)(cx, args),
        None => Err(CommandError::subcommand_syntax("DEBUG", args.get(1))),
    }
}

fn help(cx: &mut Context<'_>, _: Args<'_>) -> CommandResult {
    reply_help(cx.reply, "DEBUG", help::LINES);
    Ok(())
}

fn digest(cx: &mut Context<'_>, _: Args<'_>) -> CommandResult {
    cx.reply.simple(&Digest::of_keyspace(cx.keyspace).to_hex());
    Ok(())
}

fn digest_value(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let keys = &args.words()[2..];
    cx.reply.array(keys.len());
    for key in keys {
        cx.reply.simple(&Digest::of_value(cx.keyspace, cx.db, key).to_hex());
    }
    Ok(())
}

/// Replies the client's own text as an error.
fn error(_: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let text = String::from_utf8_lossy(args.get(2)).replace(['\r', '\n'], " ");
    Err(CommandError::Text(text.into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trial::Trial;

    #[test]
    fn subcommands_are_in_order_and_found_in_any_case() {
        assert!(SUBCOMMANDS.is_sorted_by_key(|subcommand| subcommand.name));
        let mut trial = Trial::new();
        assert_eq!(trial.run("debug DiGeSt"), format!("+{}\r\n", "0".repeat(40)));
        let unknown = "unknown subcommand or wrong number of arguments for";
        for command in ["nosuch", "DIGEST x", "SLEEP"] {
            let name = command.split(' ').next().unwrap_or_default();
            let expected = format!("-ERR {unknown} '{name}'. Try DEBUG HELP.\r\n");
            assert_eq!(trial.run(&format!("DEBUG {command}")), expected);
        }
    }

    #[test]
    fn an_error_is_the_clients_own_text() {
        let mut trial = Trial::new();
        assert_eq!(trial.run("DEBUG ERROR \"MY own\\r\\nerror\""), "-MY own  error\r\n");
    }
}
