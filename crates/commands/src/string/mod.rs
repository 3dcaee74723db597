//! Commands on strings.

use dunlin_resp::Reply;
use dunlin_values::{INLINE_MAX, NewValue, StringRef};

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::CommandError;

mod append;
mod decr;
mod decrby;
pub(crate) mod expiry;
mod get;
mod getdel;
mod getex;
mod getrange;
mod getset;
mod incr;
mod incrby;
mod incrbyfloat;
mod lcs;
pub(crate) mod limit;
mod mget;
mod mset;
mod msetnx;
mod psetex;
mod set;
mod setex;
mod setnx;
mod setrange;
mod strlen;
mod subsequence;
mod substr;

/// The group's part of the command table.
pub const COMMANDS: &[Command] = &[
    append::COMMAND,
    decr::COMMAND,
    decrby::COMMAND,
    get::COMMAND,
    getdel::COMMAND,
    getex::COMMAND,
    getrange::COMMAND,
    getset::COMMAND,
    incr::COMMAND,
    incrby::COMMAND,
    incrbyfloat::COMMAND,
    lcs::COMMAND,
    mget::COMMAND,
    mset::COMMAND,
    msetnx::COMMAND,
    psetex::COMMAND,
    set::COMMAND,
    setex::COMMAND,
    setnx::COMMAND,
    setrange::COMMAND,
    strlen::COMMAND,
    substr::COMMAND,
];

/// Replies a string as it is held; a large one is shared, not copied.
#[inline]
pub(crate) fn reply_string(reply: &mut Reply, string: StringRef<'_>) {
    match string {
        StringRef::Int(number) => reply.bulk_integer(number),
        StringRef::Bytes(bytes) => reply.bulk(bytes),
        StringRef::Shared(bytes) => reply.bulk_shared(bytes),
    }
}

/// Replies the string a key holds, or nil.
///
/// # Errors
/// [`CommandError::WrongType`]; then nothing is written.
#[inline]
fn reply_value(cx: &mut Context<'_>, key: &[u8]) -> Result<Found, CommandError> {
    match cx.keyspace.get(cx.db, key) {
        None => {
            cx.reply.null();
            Ok(Found::No)
        }
        Some(entry) => {
            reply_string(cx.reply, entry.string().ok_or(CommandError::WrongType)?);
            Ok(Found::Yes)
        }
    }
}

/// Whether a key was there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Found {
    Yes,
    No,
}

/// The word at `index` as a value: shared if it arrived as a large argument, else copied.
#[inline]
fn new_string<'a>(args: Args<'a>, index: usize) -> NewValue<'a> {
    match args.shared(index) {
        Some(bytes) if bytes.len() > INLINE_MAX => NewValue::shared(bytes.clone()),
        _ => NewValue::string(args.get(index)),
    }
}
