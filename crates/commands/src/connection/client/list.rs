//! Who is connected: `CLIENT ID`, `CLIENT INFO`,
//! `CLIENT LIST [TYPE <NORMAL | MASTER | REPLICA | PUBSUB>] [ID client-id [client-id ...]]`.
//!
//! Source: redis.io, CLIENT ID, CLIENT INFO, CLIENT LIST.

use dunlin_session::{ClientClass, ClientFilter, ClientId, Closing, Running, Token, describe};
use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group};

use super::super::{NO_CONNECTION, connection};
use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::{CommandError, CommandResult};

const ID_SPEC: CommandSpec = CommandSpec::new("client|id", Group::Connection, 2)
    .summary("Returns the unique client ID of the connection.")
    .since("5.0.0")
    .complexity("O(1)")
    .flags(&[Flags::NOSCRIPT, Flags::LOADING, Flags::STALE, Flags::SENTINEL])
    .categories(&[Categories::CONNECTION]);

const INFO_SPEC: CommandSpec = CommandSpec::new("client|info", Group::Connection, 2)
    .summary("Returns information about the connection.")
    .since("6.2.0")
    .complexity("O(1)")
    .flags(&[Flags::NOSCRIPT, Flags::LOADING, Flags::STALE, Flags::SENTINEL])
    .categories(&[Categories::CONNECTION])
    .tips(&["nondeterministic_output"]);

const LIST_SPEC: CommandSpec = CommandSpec::new("client|list", Group::Connection, -2)
    .summary("Lists open connections.")
    .since("2.4.0")
    .complexity("O(N) where N is the number of client connections")
    .flags(&[Flags::ADMIN, Flags::NOSCRIPT, Flags::LOADING, Flags::STALE, Flags::SENTINEL])
    .categories(&[Categories::CONNECTION])
    .tips(&["nondeterministic_output"])
    .history(&[
        ("2.8.12", "Added unique client `id` field."),
        ("5.0.0", "Added optional `TYPE` filter."),
        ("6.0.0", "Added `user` field."),
        (
            "6.2.0",
            "Added `argv-mem`, `tot-mem`, `laddr` and `redir` fields and the optional `ID` \
             filter.",
        ),
        ("7.0.0", "Added `resp`, `multi-mem`, `rbs` and `rbp` fields."),
        ("7.0.3", "Added `ssub` field."),
    ])
    .args(&[
        Arg::one_of(
            "client-type",
            &[
                Arg::literal("normal", "NORMAL"),
                Arg::literal("master", "MASTER"),
                Arg::literal("replica", "REPLICA"),
                Arg::literal("pubsub", "PUBSUB"),
            ],
        )
        .token("TYPE")
        .optional()
        .since("5.0.0"),
        Arg::integer("client-id").token("ID").optional().multiple().since("6.2.0"),
    ]);

pub(super) const ID: Command = Command::new(ID_SPEC, run_id);
pub(super) const INFO: Command = Command::new(INFO_SPEC, run_info);
pub(super) const LIST: Command = Command::new(LIST_SPEC, run_list);

fn run_id(cx: &mut Context<'_>, _: Args<'_>) -> CommandResult {
    let id = cx.session().ok_or(NO_CONNECTION)?.id;
    cx.reply.integer(id.0 as i64);
    Ok(())
}

fn run_info(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let token = connection(cx.caller)?;
    let line = line(cx, args, token);
    cx.reply.verbatim(*b"txt", line.as_bytes());
    Ok(())
}

fn run_list(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let tokens = match args.len() {
        2 => clients(cx, None),
        4 if args.is(2, "TYPE") => clients(cx, Some(client_class(args.get(3))?)),
        4.. if args.is(2, "ID") => clients_by_id(cx, args)?,
        _ => return Err(CommandError::Syntax),
    };
    let text: String = tokens.into_iter().map(|token| line(cx, args, token)).collect();
    cx.reply.verbatim(*b"txt", text.as_bytes());
    Ok(())
}

/// The clients of a class, or all, the oldest first.
fn clients(cx: &Context<'_>, class: Option<ClientClass>) -> Vec<Token> {
    let filter = ClientFilter { class, ..ClientFilter::default() };
    let sessions = cx.sessions.by_age().into_iter();
    sessions.filter(|(_, session)| filter.matches(session)).map(|(token, _)| token).collect()
}

/// Those of the named clients that are there, in the order of the words.
fn clients_by_id(cx: &Context<'_>, args: Args<'_>) -> Result<Vec<Token>, CommandError> {
    const INVALID_ID: CommandError = CommandError::fixed("ERR Invalid client ID");
    let mut tokens = Vec::new();
    for index in 3..args.len() {
        let id = args.integer(index).map_err(|_| INVALID_ID)?;
        tokens.extend(u64::try_from(id).ok().and_then(|id| cx.sessions.token_of(ClientId(id))));
    }
    Ok(tokens)
}

/// The line of one client, its end included; empty if it is about to be closed.
fn line(cx: &Context<'_>, args: Args<'_>, token: Token) -> String {
    let Some(session) = cx.sessions.get(token) else { return String::new() };
    if session.closing == Closing::Now {
        return String::new();
    }
    let running = (cx.caller.client() == Some(token)).then(|| Running {
        reply: &*cx.reply,
        argument_bytes: args.words().iter().map(|word| word.len()).sum(),
    });
    let mut line = describe(session, running, cx.now.monotonic);
    line.push('\n');
    line
}

/// The class with this name.
pub(super) fn client_class(name: &[u8]) -> Result<ClientClass, CommandError> {
    ClientClass::by_name(name).ok_or_else(|| {
        let name = String::from_utf8_lossy(name);
        CommandError::err(format!("Unknown client type '{name}'"))
    })
}
