//! `AUTH [username] password`
//!
//! Source: redis.io, AUTH.

use dunlin_session::{Access, DEFAULT_USER};
use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group};

use super::{NO_CONNECTION, connection};
use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::{CommandError, CommandResult};

const SPEC: CommandSpec = CommandSpec::new("auth", Group::Connection, -2)
    .summary("Authenticates the connection.")
    .since("1.0.0")
    .complexity("O(N) where N is the number of passwords defined for the user")
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
    .history(&[("6.0.0", "Added ACL style (username and password).")])
    .args(&[Arg::string("username").optional().since("6.0.0"), Arg::string("password")]);

/// AUTH's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

const NO_PASSWORD: CommandError = CommandError::fixed(
    "ERR AUTH <password> called without any password configured for the default user. Are you \
     sure your configuration is correct?",
);

/// The answer to a wrong user or password, here and in HELLO.
pub(super) const WRONG_PASSWORD: CommandError =
    CommandError::fixed("WRONGPASS invalid username-password pair or user is disabled.");

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let access = Access { default_password: &cx.config.security.requirepass };
    let (user, password) = match args.words() {
        [_, _] if access.is_open() => return Err(NO_PASSWORD),
        [_, password] => (DEFAULT_USER.as_bytes(), *password),
        [_, user, password] => (*user, *password),
        _ => return Err(CommandError::Syntax),
    };
    let session = cx.sessions.get_mut(connection(cx.caller)?).ok_or(NO_CONNECTION)?;
    if !session.log_in(access, user, password) {
        return Err(WRONG_PASSWORD);
    }
    cx.reply.ok();
    Ok(())
}
