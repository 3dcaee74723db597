//! What a client says of itself: `CLIENT GETNAME`, `CLIENT SETNAME connection-name`,
//! `CLIENT SETINFO <LIB-NAME libname | LIB-VER libver>`.
//!
//! Source: redis.io, CLIENT GETNAME, CLIENT SETNAME, CLIENT SETINFO.

use dunlin_session::{INVALID_NAME, is_valid_attribute};
use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group};

use super::super::{NO_CONNECTION, connection};
use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::{CommandError, CommandResult};

const GETNAME_SPEC: CommandSpec = CommandSpec::new("client|getname", Group::Connection, 2)
    .summary("Returns the name of the connection.")
    .since("2.6.9")
    .complexity("O(1)")
    .flags(&[Flags::NOSCRIPT, Flags::LOADING, Flags::STALE, Flags::SENTINEL])
    .categories(&[Categories::CONNECTION]);

const SETINFO_SPEC: CommandSpec = CommandSpec::new("client|setinfo", Group::Connection, 4)
    .summary("Sets information specific to the client or connection.")
    .since("7.2.0")
    .complexity("O(1)")
    .flags(&[Flags::NOSCRIPT, Flags::LOADING, Flags::STALE, Flags::SENTINEL])
    .categories(&[Categories::CONNECTION])
    .tips(&["request_policy:all_nodes", "response_policy:all_succeeded"])
    .args(&[Arg::one_of(
        "attr",
        &[Arg::string("libname").token("LIB-NAME"), Arg::string("libver").token("LIB-VER")],
    )]);

const SETNAME_SPEC: CommandSpec = CommandSpec::new("client|setname", Group::Connection, 3)
    .summary("Sets the connection name.")
    .since("2.6.9")
    .complexity("O(1)")
    .flags(&[Flags::NOSCRIPT, Flags::LOADING, Flags::STALE, Flags::SENTINEL])
    .categories(&[Categories::CONNECTION])
    .tips(&["request_policy:all_nodes", "response_policy:all_succeeded"])
    .args(&[Arg::string("connection-name")]);

pub(super) const GETNAME: Command = Command::new(GETNAME_SPEC, run_getname);
pub(super) const SETINFO: Command = Command::new(SETINFO_SPEC, run_setinfo);
pub(super) const SETNAME: Command = Command::new(SETNAME_SPEC, run_setname);

fn run_getname(cx: &mut Context<'_>, _: Args<'_>) -> CommandResult {
    let session = cx.sessions.get(connection(cx.caller)?).ok_or(NO_CONNECTION)?;
    match &*session.name {
        b"" => cx.reply.null(),
        name => cx.reply.bulk(name),
    }
    Ok(())
}

fn run_setname(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let name = args.get(2);
    if !is_valid_attribute(name) {
        return Err(CommandError::fixed(INVALID_NAME));
    }
    let session = cx.session().ok_or(NO_CONNECTION)?;
    session.name = name.into();
    cx.reply.ok();
    Ok(())
}

fn run_setinfo(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let (attribute, value) = (args.get(2), args.get(3));
    let shown = String::from_utf8_lossy(attribute);
    let session = cx.session().ok_or(NO_CONNECTION)?;
    let place = if args.is(2, "LIB-NAME") {
        &mut session.lib_name
    } else if args.is(2, "LIB-VER") {
        &mut session.lib_version
    } else {
        return Err(CommandError::err(format!("Unrecognized option '{shown}'")));
    };
    if !is_valid_attribute(value) {
        let text = format!("{shown} cannot contain spaces, newlines or special characters.");
        return Err(CommandError::err(text));
    }
    *place = value.into();
    cx.reply.ok();
    Ok(())
}
