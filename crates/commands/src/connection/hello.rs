//! `HELLO [protover [AUTH username password] [SETNAME clientname]]`
//!
//! Source: redis.io, HELLO. Order of the checks as a 7.2.6 server has it: nothing changes unless
//! all of the request is right.

use dunlin_resp::Protocol;
use dunlin_session::{Access, INVALID_NAME, is_valid_attribute};
use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group};

use super::auth::WRONG_PASSWORD;
use super::{NO_CONNECTION, connection};
use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::{CommandError, CommandResult};

const SPEC: CommandSpec = CommandSpec::new("hello", Group::Connection, -1)
    .summary("Handshakes with the Redis server.")
    .since("6.0.0")
    .complexity("O(1)")
    .flags(&[
        Flags::NOSCRIPT,
        Flags::LOADING,
        Flags::STALE,
        Flags::FAST,
        Flags::NO_AUTH,
        Flags::SENTINEL,
        Flags::ALLOW_BUSY,
    ])
    .categories(&[Categories::CONNECTION])
    .history(&[(
        "6.2.0",
        "`protover` made optional; when called without arguments the command reports the \
             current connection's context.",
    )])
    .args(&[Arg::block(
        "arguments",
        &[
            Arg::integer("protover"),
            Arg::block("auth", &[Arg::string("username"), Arg::string("password")])
                .token("AUTH")
                .optional(),
            Arg::string("clientname").token("SETNAME").optional(),
        ],
    )
    .optional()]);

/// HELLO's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

const NOT_LOGGED_IN: CommandError = CommandError::fixed(
    "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO \
     <proto> AUTH <user> <pass> option can be used to authenticate the client and select the RESP \
     protocol version at the same time",
);

/// What the words ask for.
#[derive(Default)]
struct Request<'a> {
    protocol: Option<Protocol>,
    login: Option<(&'a [u8], &'a [u8])>,
    name: Option<&'a [u8]>,
}

fn parse<'a>(args: Args<'a>) -> Result<Request<'a>, CommandError> {
    let mut request = Request::default();
    if args.len() > 1 {
        request.protocol = Some(protocol(args)?);
    }
    let mut words = args.cursor(2);
    while let Some(option) = words.next_word() {
        let more = words.remaining();
        if option.eq_ignore_ascii_case(b"AUTH") && more >= 2 {
            request.login = Some((words.value()?, words.value()?));
        } else if option.eq_ignore_ascii_case(b"SETNAME") && more >= 1 {
            let name = words.value()?;
            if !is_valid_attribute(name) {
                return Err(CommandError::fixed(INVALID_NAME));
            }
            request.name = Some(name);
        } else {
            let option = String::from_utf8_lossy(option);
            return Err(CommandError::err(format!("Syntax error in HELLO option '{option}'")));
        }
    }
    Ok(request)
}

fn protocol(args: Args<'_>) -> Result<Protocol, CommandError> {
    let version = args.integer(1).map_err(|_| {
        CommandError::fixed("ERR Protocol version is not an integer or out of range")
    })?;
    match version {
        2 => Ok(Protocol::Resp2),
        3 => Ok(Protocol::Resp3),
        _ => Err(CommandError::fixed("NOPROTO unsupported protocol version")),
    }
}

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let request = parse(args)?;
    let access = Access { default_password: &cx.config.security.requirepass };
    let session = cx.sessions.get_mut(connection(cx.caller)?).ok_or(NO_CONNECTION)?;
    if let Some((user, password)) = request.login
        && !session.log_in(access, user, password)
    {
        return Err(WRONG_PASSWORD);
    }
    if !session.is_logged_in() {
        return Err(NOT_LOGGED_IN);
    }
    if let Some(name) = request.name {
        session.name = name.into();
    }
    if let Some(protocol) = request.protocol {
        cx.reply.protocol = protocol;
        session.reply.protocol = protocol;
    }
    let mode = if cx.config.cluster.cluster_enabled { "cluster" } else { "standalone" };
    let version = match cx.reply.protocol {
        Protocol::Resp2 => 2,
        Protocol::Resp3 => 3,
    };
    let id = session.id.0 as i64;
    cx.reply.map(7);
    pair(cx, "server", "redis");
    pair(cx, "version", crate::REDIS_VERSION);
    cx.reply.bulk(b"proto");
    cx.reply.integer(version);
    cx.reply.bulk(b"id");
    cx.reply.integer(id);
    pair(cx, "mode", mode);
    pair(cx, "role", "master");
    cx.reply.bulk(b"modules");
    cx.reply.array(0);
    Ok(())
}

fn pair(cx: &mut Context<'_>, name: &str, value: &str) {
    cx.reply.bulk(name.as_bytes());
    cx.reply.bulk(value.as_bytes());
}
