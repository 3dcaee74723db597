//! Commands on strings as arrays of bits. Bit 0 is the highest bit of the first byte.

use crate::command::Command;

mod bitcount;
mod bitfield;
mod bitfield_ro;
mod bitop;
mod bitpos;
mod bits;
mod field;
mod getbit;
mod offset;
mod range;
mod setbit;

/// The group's part of the command table.
pub const COMMANDS: &[Command] = &[
    bitcount::COMMAND,
    bitfield::COMMAND,
    bitfield_ro::COMMAND,
    bitop::COMMAND,
    bitpos::COMMAND,
    getbit::COMMAND,
    setbit::COMMAND,
];
