//! Commands about the connection itself.

use dunlin_session::Token;

use crate::command::Command;
use crate::context::Caller;
use crate::error::CommandError;

mod auth;
mod client;
mod echo;
mod hello;
mod ping;
mod quit;
mod reset;
mod select;

/// The group's part of the command table.
pub const COMMANDS: &[Command] = &[
    auth::COMMAND,
    client::COMMAND,
    echo::COMMAND,
    hello::COMMAND,
    ping::COMMAND,
    quit::COMMAND,
    reset::COMMAND,
    select::COMMAND,
];

/// What a command about the connection answers where there is none: such commands are neither
/// logged nor propagated.
pub(crate) const NO_CONNECTION: CommandError =
    CommandError::fixed("ERR This command needs a connection");

/// The connection that a command is about.
fn connection(caller: Caller) -> Result<Token, CommandError> {
    caller.client().ok_or(NO_CONNECTION)
}
