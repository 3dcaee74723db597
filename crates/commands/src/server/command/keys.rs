//! COMMAND GETKEYS and COMMAND GETKEYSANDFLAGS: the keys among the words of another command.

use dunlin_spec::Keys;

use crate::args::Args;
use crate::context::Context;
use crate::error::{CommandError, CommandResult};
use crate::table::{Lookup, Table};

/// Words in front of the command that is asked about.
const OWN_WORDS: usize = 2;

fn keys_of(table: &Table, words: &[&[u8]]) -> Result<Keys, CommandError> {
    let Lookup::Found(registered) = table.lookup(words) else {
        return Err(CommandError::fixed("ERR Invalid command specified"));
    };
    let keys = registered.command.spec.getkeys(words);
    keys.map_err(|error| CommandError::err(error.message()))
}

/// COMMAND GETKEYS.
pub(super) fn getkeys(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let words = &args.words()[OWN_WORDS..];
    let keys = keys_of(cx.table, words)?;
    cx.reply.array(keys.len());
    for key in keys {
        cx.reply.bulk(words[key.index as usize]);
    }
    Ok(())
}

/// COMMAND GETKEYSANDFLAGS.
pub(super) fn getkeysandflags(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let words = &args.words()[OWN_WORDS..];
    let keys = keys_of(cx.table, words)?;
    cx.reply.array(keys.len());
    for key in keys {
        cx.reply.array(2);
        cx.reply.bulk(words[key.index as usize]);
        cx.reply.set(key.flags.names().count());
        for flag in key.flags.names() {
            cx.reply.simple(flag);
        }
    }
    Ok(())
}
