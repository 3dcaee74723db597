//! Commands on keys of any type.

use dunlin_keyspace::DatabaseIndex;

use crate::command::Command;
use crate::context::Context;
use crate::error::CommandError;

mod copy;
mod del;
mod dump;
mod exists;
mod expire;
mod expireat;
mod expiretime;
mod keys;
mod migrate;
mod r#move;
mod object;
mod persist;
mod pexpire;
mod pexpireat;
mod pexpiretime;
mod pttl;
mod randomkey;
mod rename;
mod renamenx;
mod restore;
mod restore_asking;
mod scan;
mod sort;
mod sort_ro;
mod sorting;
mod touch;
mod ttl;
mod r#type;
mod unlink;
mod wait;
mod waitaof;

pub use migrate::outcome_of_transfer;
pub(crate) use scan::parse_cursor;

/// The group's part of the command table.
pub const COMMANDS: &[Command] = &[
    copy::COMMAND,
    del::COMMAND,
    dump::COMMAND,
    exists::COMMAND,
    expire::COMMAND,
    expireat::COMMAND,
    expiretime::COMMAND,
    keys::COMMAND,
    migrate::COMMAND,
    r#move::COMMAND,
    object::COMMAND,
    persist::COMMAND,
    pexpire::COMMAND,
    pexpireat::COMMAND,
    pexpiretime::COMMAND,
    pttl::COMMAND,
    randomkey::COMMAND,
    rename::COMMAND,
    renamenx::COMMAND,
    restore::COMMAND,
    restore_asking::COMMAND,
    scan::COMMAND,
    sort::COMMAND,
    sort_ro::COMMAND,
    touch::COMMAND,
    ttl::COMMAND,
    r#type::COMMAND,
    unlink::COMMAND,
    wait::COMMAND,
    waitaof::COMMAND,
];

/// The database that a word of the client's names.
///
/// # Errors
/// [`CommandError::NotInteger`], `ERR value is out of range ...` or `ERR DB index is out of range`.
fn database_index(cx: &Context<'_>, word: &[u8]) -> Result<DatabaseIndex, CommandError> {
    let index = dunlin_stdx::number::parse_i64(word).ok_or(CommandError::NotInteger)?;
    if i32::try_from(index).is_err() {
        return Err(CommandError::fixed(
            "ERR value is out of range, value must between -2147483648 and 2147483647",
        ));
    }
    u32::try_from(index)
        .ok()
        .filter(|index| *index < cx.keyspace.databases())
        .ok_or(CommandError::fixed("ERR DB index is out of range"))
}
