//! `BITCOUNT key [start end [BYTE | BIT]]`
//!
//! Replies how many bits of a string, or of a part of it, are set.
//!
//! Source: Redis documentation, BITCOUNT.

use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};
use dunlin_values::IntText;

use crate::args::Args;
use crate::bitmap::bits::count_ones;
use crate::bitmap::range::{self, Unit};
use crate::command::Command;
use crate::context::Context;
use crate::error::{CommandError, CommandResult};

const SPEC: CommandSpec = CommandSpec::new("bitcount", Group::Bitmap, -2)
    .summary("Counts the number of set bits (population counting) in a string.")
    .since("2.6.0")
    .complexity("O(N)")
    .flags(&[Flags::READONLY])
    .categories(&[Categories::BITMAP])
    .keys(&[KeySpec::at(1, &[KeyFlags::RO, KeyFlags::ACCESS])])
    .history(&[("7.0.0", "Added the `BYTE|BIT` option.")])
    .args(&[
        Arg::key("key", 0),
        Arg::block(
            "range",
            &[
                Arg::integer("start"),
                Arg::integer("end"),
                Arg::one_of("unit", &[Arg::literal("byte", "BYTE"), Arg::literal("bit", "BIT")])
                    .optional()
                    .since("7.0.0"),
            ],
        )
        .optional(),
    ]);

/// BITCOUNT's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

/// As in Redis 7.2, the words behind the key are read only if it exists.
fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let Some(entry) = cx.keyspace.get(cx.db, args.get(1)) else {
        cx.reply.integer(0);
        return Ok(());
    };
    let mut digits = IntText::default();
    let bytes = entry.string().ok_or(CommandError::WrongType)?.as_bytes(&mut digits);
    let range = match args.len() {
        2 => range::bits(0, -1, Unit::Byte, bytes.len()),
        4 | 5 => {
            let (start, end) = (args.integer(2)?, args.integer(3)?);
            if start < 0 && end < 0 && start > end {
                0..0
            } else {
                let unit = if args.len() == 5 { Unit::parse(args.get(4))? } else { Unit::Byte };
                range::bits(start, end, unit, bytes.len())
            }
        }
        _ => return Err(CommandError::Syntax),
    };
    cx.reply.integer(count_ones(bytes, range) as i64);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::trial::Trial;

    #[test]
    fn bits_of_a_part() {
        let mut trial = Trial::new();
        trial.check(&[
            ("SET k foobar", "+OK"),
            ("BITCOUNT k", ":26"),
            ("BITCOUNT k 0 0", ":4"),
            ("BITCOUNT k 1 1 byte", ":6"),
            ("BITCOUNT k 5 30 BIT", ":17"),
            ("BITCOUNT k -1 -2 BOGUS", ":0"),
            ("BITCOUNT k 0 0 BOGUS", "-ERR syntax error"),
            ("BITCOUNT k 0", "-ERR syntax error"),
            ("BITCOUNT nosuch 0", ":0"),
        ]);
    }
}
