//! `CLIENT subcommand ...`
//!
//! Source: redis.io, CLIENT and its subcommands.

use dunlin_spec::{Categories, CommandSpec, Flags, Group};

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::CommandResult;
use crate::help::reply_help;

mod attributes;
mod kill;
mod list;
mod modes;
mod pause;
mod tracking;
mod unblock;

const SPEC: CommandSpec = CommandSpec::new("client", Group::Connection, -2)
    .summary("A container for client connection commands.")
    .since("2.4.0")
    .complexity("Depends on subcommand.")
    .flags(&[Flags::SENTINEL]);

const HELP_SPEC: CommandSpec = CommandSpec::new("client|help", Group::Connection, 2)
    .summary("Returns helpful text about the different subcommands.")
    .since("5.0.0")
    .complexity("O(1)")
    .flags(&[Flags::LOADING, Flags::STALE, Flags::SENTINEL])
    .categories(&[Categories::CONNECTION]);

/// CLIENT's entry in the command table.
pub(super) const COMMAND: Command = Command::container(
    SPEC,
    &[
        tracking::CACHING,
        attributes::GETNAME,
        tracking::GETREDIR,
        Command::new(HELP_SPEC, run_help),
        list::ID,
        list::INFO,
        kill::KILL,
        list::LIST,
        modes::NO_EVICT,
        modes::NO_TOUCH,
        pause::PAUSE,
        modes::REPLY,
        attributes::SETINFO,
        attributes::SETNAME,
        tracking::TRACKING,
        tracking::TRACKINGINFO,
        unblock::UNBLOCK,
        pause::UNPAUSE,
    ],
);

const HELP: &[&str] = &[
    "CACHING (YES|NO)",
    "    Enable/disable tracking of the keys for next command in OPTIN/OPTOUT modes.",
    "GETREDIR",
    "    Return the client ID we are redirecting to when tracking is enabled.",
    "GETNAME",
    "    Return the name of the current connection.",
    "ID",
    "    Return the ID of the current connection.",
    "INFO",
    "    Return information about the current client connection.",
    "KILL <ip:port>",
    "    Kill connection made from <ip:port>.",
    "KILL <option> <value> [<option> <value> [...]]",
    "    Kill connections. Options are:",
    "    * ADDR (<ip:port>|<unixsocket>:0)",
    "      Kill connections made from the specified address",
    "    * LADDR (<ip:port>|<unixsocket>:0)",
    "      Kill connections made to specified local address",
    "    * TYPE (NORMAL|MASTER|REPLICA|PUBSUB)",
    "      Kill connections by type.",
    "    * USER <username>",
    "      Kill connections authenticated by <username>.",
    "    * SKIPME (YES|NO)",
    "      Skip killing current connection (default: yes).",
    "LIST [options ...]",
    "    Return information about client connections. Options:",
    "    * TYPE (NORMAL|MASTER|REPLICA|PUBSUB)",
    "      Return clients of specified type.",
    "UNPAUSE",
    "    Stop the current client pause, resuming traffic.",
    "PAUSE <timeout> [WRITE|ALL]",
    "    Suspend all, or just write, clients for <timeout> milliseconds.",
    "REPLY (ON|OFF|SKIP)",
    "    Control the replies sent to the current connection.",
    "SETNAME <name>",
    "    Assign the name <name> to the current connection.",
    "SETINFO <option> <value>",
    "    Set client meta attr. Options are:",
    "    * LIB-NAME: the client lib name.",
    "    * LIB-VER: the client lib version.",
    "UNBLOCK <clientid> [TIMEOUT|ERROR]",
    "    Unblock the specified blocked client.",
    "TRACKING (ON|OFF) [REDIRECT <id>] [BCAST] [PREFIX <prefix> [...]]",
    "         [OPTIN] [OPTOUT] [NOLOOP]",
    "    Control server assisted client side caching.",
    "TRACKINGINFO",
    "    Report tracking status for the current connection.",
    "NO-EVICT (ON|OFF)",
    "    Protect current client connection from eviction.",
    "NO-TOUCH (ON|OFF)",
    "    Will not touch LRU/LFU stats when this mode is on.",
];

fn run_help(cx: &mut Context<'_>, _: Args<'_>) -> CommandResult {
    reply_help(cx.reply, "CLIENT", HELP);
    Ok(())
}
