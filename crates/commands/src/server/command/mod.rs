//! `COMMAND [subcommand ...]`
//!
//! - `COMMAND COUNT`
//! - `COMMAND DOCS [command-name [command-name ...]]`
//! - `COMMAND GETKEYS command [arg [arg ...]]`
//! - `COMMAND GETKEYSANDFLAGS command [arg [arg ...]]`
//! - `COMMAND HELP`
//! - `COMMAND INFO [command-name [command-name ...]]`
//! - `COMMAND LIST [FILTERBY <MODULE module-name|ACLCAT category|PATTERN pattern>]`

mod describe;
mod keys;
mod list;
mod specs;

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::CommandResult;
use crate::help::reply_help;

/// COMMAND, which also works on its own.
pub const COMMAND: Command = Command {
    spec: specs::SPEC,
    run: describe::info_of_all,
    subcommands: &[
        Command::new(specs::COUNT_SPEC, count),
        Command::new(specs::DOCS_SPEC, describe::docs),
        Command::new(specs::GETKEYS_SPEC, keys::getkeys),
        Command::new(specs::GETKEYSANDFLAGS_SPEC, keys::getkeysandflags),
        Command::new(specs::HELP_SPEC, help),
        Command::new(specs::INFO_SPEC, describe::info),
        Command::new(specs::LIST_SPEC, list::list),
    ],
};

fn count(cx: &mut Context<'_>, _: Args<'_>) -> CommandResult {
    cx.reply.integer(cx.table.named().count() as i64);
    Ok(())
}

fn help(cx: &mut Context<'_>, _: Args<'_>) -> CommandResult {
    const LINES: &[&str] = &[
        "(no subcommand)",
        "    Return details about all Redis commands.",
        "COUNT",
        "    Return the total number of commands in this Redis server.",
        "LIST",
        "    Return a list of all commands in this Redis server.",
        "INFO [<command-name> ...]",
        "    Return details about multiple Redis commands.",
        "    If no command names are given, documentation details for all",
        "    commands are returned.",
        "DOCS [<command-name> ...]",
        "    Return documentation details about multiple Redis commands.",
        "    If no command names are given, documentation details for all",
        "    commands are returned.",
        "GETKEYS <full-command>",
        "    Return the keys from a full Redis command.",
        "GETKEYSANDFLAGS <full-command>",
        "    Return the keys and the access flags from a full Redis command.",
    ];
    reply_help(cx.reply, "COMMAND", LINES);
    Ok(())
}
