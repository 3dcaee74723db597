//! What must hold before a command may run, each rule with its error.
//!
//! Source: texts checked against a 7.2.6 server.

use dunlin_commands::table::{Lookup, Registered};
use dunlin_commands::{Args, CommandError};
use dunlin_spec::Flags;

/// Bytes of the client's words that an error repeats.
const ECHO_BYTES_MAX: usize = 128;

/// The error for a name that is no command, or no subcommand of its container.
pub(crate) fn unknown(lookup: Lookup, args: Args<'_>) -> CommandError {
    let word = |index: usize| printable(args.get(index));
    if let Lookup::UnknownSubcommand(container) = lookup {
        let name = container.command.spec.name().to_ascii_uppercase();
        let subcommand = word(1);
        return CommandError::err(format!("unknown subcommand '{subcommand}'. Try {name} HELP."));
    }
    let mut beginning = String::new();
    for &word in &args.words()[1..] {
        if beginning.len() >= ECHO_BYTES_MAX {
            break;
        }
        let room = ECHO_BYTES_MAX - beginning.len();
        beginning.push_str(&format!("'{}' ", printable(&word[..word.len().min(room)])));
    }
    let name = word(0);
    CommandError::err(format!("unknown command '{name}', with args beginning with: {beginning}"))
}

/// A word as an error may repeat it: bounded; line ends would break the reply.
fn printable(word: &[u8]) -> String {
    let bounded = &word[..word.len().min(ECHO_BYTES_MAX)];
    String::from_utf8_lossy(bounded).into_owned()
}

/// The number of words fits the command.
pub(crate) fn arity(registered: Registered, args: Args<'_>) -> Result<(), CommandError> {
    let spec = &registered.command.spec;
    if spec.accepts_argc(args.len()) {
        return Ok(());
    }
    Err(CommandError::WrongArity(spec.name().into()))
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
