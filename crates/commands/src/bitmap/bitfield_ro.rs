//! `BITFIELD_RO key [GET type offset ...]`
//!
//! BITFIELD that only reads, for replicas.
//!
//! Source: Redis documentation, BITFIELD_RO.

use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};

use crate::args::Args;
use crate::bitmap::bitfield::{Operation, parse, read_all};
use crate::command::Command;
use crate::context::Context;
use crate::error::{CommandError, CommandResult};
use crate::string::limit::StringLimit;

const SPEC: CommandSpec = CommandSpec::new("bitfield_ro", Group::Bitmap, -2)
    .summary("Performs arbitrary read-only bitfield integer operations on strings.")
    .since("6.0.0")
    .complexity("O(1) for each subcommand specified")
    .flags(&[Flags::READONLY, Flags::FAST])
    .categories(&[Categories::BITMAP])
    .keys(&[KeySpec::at(1, &[KeyFlags::RO, KeyFlags::ACCESS])])
    .args(&[
        Arg::key("key", 0),
        Arg::block("get-block", &[Arg::string("encoding"), Arg::integer("offset")])
            .token("GET")
            .optional()
            .multiple_token(),
    ]);

/// BITFIELD_RO's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let operations = parse(args, StringLimit::of(cx))?;
    if !operations.iter().all(Operation::is_read) {
        return Err(CommandError::fixed("ERR BITFIELD_RO only supports the GET subcommand"));
    }
    read_all(cx, args.get(1), &operations)
}

#[cfg(test)]
mod tests {
    use crate::trial::Trial;

    #[test]
    fn only_reads() {
        let mut trial = Trial::new();
        trial.check(&[
            ("SET k A", "+OK"),
            ("BITFIELD_RO k GET u8 0 GET i2 1 GET u8 100", "*3\r\n:65\r\n:-2\r\n:0"),
            ("BITFIELD_RO k SET u8 0 1", "-ERR BITFIELD_RO only supports the GET subcommand"),
            ("BITFIELD_RO k SET u8 0 x", "-ERR value is not an integer or out of range"),
            ("BITFIELD_RO k OVERFLOW SAT", "*0"),
        ]);
    }
}
