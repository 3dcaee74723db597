//! What must hold before a command may run, each rule with its error.
//!
//! Source: texts checked against a 7.2.6 server.

use dunlin_commands::table::{Lookup, Registered};
use dunlin_commands::{Args, CommandError};
use dunlin_config::{ProtectedAction, Security};
use dunlin_resp::Protocol;
use dunlin_session::{Session, SessionFlags};
use dunlin_spec::Flags;

/// Bytes of the client's words that an error repeats.
const ECHO_BYTES_MAX: usize = 128;

/// The error for a name that is no command, or no subcommand of its container.
pub(crate) fn unknown(lookup: Lookup, args: Args<'_>) -> CommandError {
    if let Lookup::UnknownSubcommand(container) = lookup {
        let name = container.command.spec.name().to_ascii_uppercase();
        let subcommand = repeated(args.get(1), ECHO_BYTES_MAX);
        let text =
            [b"ERR unknown subcommand '", subcommand, b"'. Try ", name.as_bytes(), b" HELP."];
        return CommandError::Quoting(text.concat());
    }
    let mut beginning: Vec<u8> = Vec::new();
    for &word in &args.words()[1..] {
        if beginning.len() >= ECHO_BYTES_MAX {
            break;
        }
        let word = repeated(word, ECHO_BYTES_MAX - beginning.len());
        beginning.extend([b"'".as_slice(), word, b"' "].concat());
    }
    let name = repeated(args.get(0), ECHO_BYTES_MAX);
    let text = [b"ERR unknown command '", name, b"', with args beginning with: ", &beginning];
    CommandError::Quoting(text.concat())
}

/// A word as an error repeats it: bounded, and up to a zero byte.
fn repeated(word: &[u8], bytes_max: usize) -> &[u8] {
    let end = word.iter().position(|byte| *byte == 0).unwrap_or(word.len());
    &word[..end.min(bytes_max)]
}

/// The number of words fits the command.
pub(crate) fn arity(registered: Registered, args: Args<'_>) -> Result<(), CommandError> {
    let spec = &registered.command.spec;
    if spec.accepts_argc(args.len()) {
        return Ok(());
    }
    Err(CommandError::WrongArity(spec.name().into()))
}

/// Commands that can do harm run where the configuration lets them: nowhere, from this machine,
/// or from everywhere.
pub(crate) fn protection(
    registered: Registered,
    security: &Security,
    session: &Session,
) -> Result<(), CommandError> {
    let spec = &registered.command.spec;
    if !spec.all_flags().contains(Flags::PROTECTED) {
        return Ok(());
    }
    let (name, parameter, allowed) = match spec.container().unwrap_or(spec.name()) {
        "debug" => ("DEBUG", "enable-debug-command", security.enable_debug_command),
        "module" => ("MODULE", "enable-module-command", security.enable_module_command),
        _ => return Ok(()),
    };
    let is_allowed = match allowed {
        ProtectedAction::Yes => true,
        ProtectedAction::Local => session.peer.is_local,
        ProtectedAction::No => false,
    };
    if is_allowed {
        return Ok(());
    }
    Err(CommandError::err(format!(
        "{name} command not allowed. If the {parameter} option is set to \"local\", you can run it \
         from a local connection, otherwise you need to set this option in the configuration file, \
         and then restart the server."
    )))
}

/// The client's state lets it run the command.
#[inline]
pub(crate) fn state(registered: Registered, session: &Session) -> Result<(), CommandError> {
    const SPECIAL: SessionFlags = SessionFlags::MULTI.union(SessionFlags::PUBSUB);
    if session.flags.intersects(SPECIAL) { special_state(registered, session) } else { Ok(()) }
}

/// As [`state`], as far as it comes before where the keys are.
#[inline]
pub(crate) fn state_before_placement(
    registered: Registered,
    session: &Session,
) -> Result<(), CommandError> {
    if session.flags.contains(SessionFlags::MULTI) { queued(registered) } else { Ok(()) }
}

#[cold]
fn special_state(registered: Registered, session: &Session) -> Result<(), CommandError> {
    if session.flags.contains(SessionFlags::MULTI) {
        queued(registered)?;
    }
    if session.flags.contains(SessionFlags::PUBSUB) && session.reply.protocol == Protocol::Resp2 {
        return subscriber_of_resp2(registered);
    }
    Ok(())
}

/// A subscriber that speaks RESP2 cannot tell replies from messages: it may only run what is
/// answered like a message, and what ends the state.
fn subscriber_of_resp2(registered: Registered) -> Result<(), CommandError> {
    let name = registered.command.spec.name();
    match name {
        "subscribe" | "unsubscribe" | "psubscribe" | "punsubscribe" | "ssubscribe"
        | "sunsubscribe" | "ping" | "quit" | "reset" => Ok(()),
        _ => Err(CommandError::err(format!(
            "Can't execute '{name}': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET \
             are allowed in this context"
        ))),
    }
}

const LOADING: CommandError = CommandError::fixed("LOADING Redis is loading the dataset in memory");

/// The data set is there, or the command can do without.
pub(crate) fn loading(registered: Registered, loading: bool) -> Result<(), CommandError> {
    let allowed = Flags::LOADING.union(Flags::LOADING_HERE);
    if loading && !registered.command.spec.all_flags().intersects(allowed) {
        return Err(LOADING);
    }
    Ok(())
}

/// Whether a command may end a load from the primary: another primary, or none.
pub(crate) fn changes_primary(registered: Registered) -> bool {
    matches!(registered.command.spec.name(), "replicaof" | "slaveof")
}

/// While a data set is loaded beside the one that serves clients, some commands may not run.
pub(crate) fn loading_beside(registered: Registered, loads: bool) -> Result<(), CommandError> {
    if loads && registered.command.spec.all_flags().contains(Flags::NO_ASYNC_LOADING) {
        return Err(LOADING);
    }
    Ok(())
}

/// As [`loading`], for the commands that EXEC would run: `lacking` is that one may not.
pub(crate) const fn loading_queued(lacking: bool) -> Result<(), CommandError> {
    if lacking { Err(LOADING) } else { Ok(()) }
}

/// Some commands cannot be part of a transaction.
fn queued(registered: Registered) -> Result<(), CommandError> {
    let refused = Flags::NO_MULTI.union(Flags::NO_MULTI_HERE);
    if registered.command.spec.all_flags().intersects(refused) {
        return Err(CommandError::fixed("ERR Command not allowed inside a transaction"));
    }
    Ok(())
}

/// Whether a "command" is a line of an HTTP request: somebody makes a browser talk to us.
pub(crate) fn is_attack_across_protocols(name: &[u8]) -> bool {
    name.eq_ignore_ascii_case(b"post") || name.eq_ignore_ascii_case(b"host:")
}

/// The client has authenticated, or the command is one with which it does.
pub(crate) fn authentication(
    registered: Registered,
    authenticated: bool,
) -> Result<(), CommandError> {
    if authenticated || registered.command.spec.all_flags().contains(Flags::NO_AUTH) {
        return Ok(());
    }
    Err(CommandError::fixed("NOAUTH Authentication required."))
}
