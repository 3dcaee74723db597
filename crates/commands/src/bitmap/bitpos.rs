//! `BITPOS key bit [start [end [BYTE | BIT]]]`
//!
//! Replies the place of the first bit that is 0 or 1, or -1. A string is followed by zeros without
//! end, unless the caller says where to stop.
//!
//! Source: Redis documentation, BITPOS.

use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};
use dunlin_values::IntText;

use crate::args::Args;
use crate::bitmap::bits::find;
use crate::bitmap::range::{self, Unit};
use crate::command::Command;
use crate::context::Context;
use crate::error::{CommandError, CommandResult};

const SPEC: CommandSpec = CommandSpec::new("bitpos", Group::Bitmap, -3)
    .summary("Finds the first set (1) or clear (0) bit in a string.")
    .since("2.8.7")
    .complexity("O(N)")
    .flags(&[Flags::READONLY])
    .categories(&[Categories::BITMAP])
    .keys(&[KeySpec::at(1, &[KeyFlags::RO, KeyFlags::ACCESS])])
    .history(&[("7.0.0", "Added the `BYTE|BIT` option.")])
    .args(&[
        Arg::key("key", 0),
        Arg::integer("bit"),
        Arg::block(
            "range",
            &[
                Arg::integer("start"),
                Arg::block(
                    "end-unit-block",
                    &[
                        Arg::integer("end"),
                        Arg::one_of(
                            "unit",
                            &[Arg::literal("byte", "BYTE"), Arg::literal("bit", "BIT")],
                        )
                        .optional()
                        .since("7.0.0"),
                    ],
                )
                .optional(),
            ],
        )
        .optional(),
    ]);

/// BITPOS's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

/// As in Redis 7.2, the words behind the bit are read only if the key exists.
fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let wanted = match args.integer(2)? {
        0 => false,
        1 => true,
        _ => return Err(CommandError::fixed("ERR The bit argument must be 1 or 0.")),
    };
    let Some(entry) = cx.keyspace.get(cx.db, args.get(1)) else {
        cx.reply.integer(if wanted { -1 } else { 0 });
        return Ok(());
    };
    let mut digits = IntText::default();
    let bytes = entry.string().ok_or(CommandError::WrongType)?.as_bytes(&mut digits);
    let (start, end, unit) = match args.len() {
        3 => (0, None, Unit::Byte),
        4..=6 => {
            let start = args.integer(3)?;
            let unit = if args.len() == 6 { Unit::parse(args.get(5))? } else { Unit::Byte };
            let end = if args.len() > 4 { Some(args.integer(4)?) } else { None };
            (start, end, unit)
        }
        _ => return Err(CommandError::Syntax),
    };
    let range = range::bits(start, end.unwrap_or(-1), unit, bytes.len());
    let place = match find(bytes, range.clone(), wanted) {
        Some(bit) => bit as i64,
        None if !wanted && end.is_none() && !range.is_empty() => range.end as i64,
        None => -1,
    };
    cx.reply.integer(place);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::trial::Trial;

    #[test]
    fn zeros_without_end_unless_an_end_is_named() {
        let mut trial = Trial::new();
        trial.check(&[
            ("SETRANGE k 0 \"\\xff\\xf0\\x00\"", ":3"),
            ("BITPOS k 0", ":12"),
            ("BITPOS k 1 2", ":-1"),
            ("BITPOS k 1 -3 -1 BIT", ":-1"),
            ("SETRANGE k 0 \"\\xff\\xff\\xff\"", ":3"),
            ("BITPOS k 0", ":24"),
            ("BITPOS k 0 1", ":24"),
            ("BITPOS k 0 0 -1", ":-1"),
            ("BITPOS k 0 9", ":-1"),
            ("BITPOS k 2", "-ERR The bit argument must be 1 or 0."),
            ("BITPOS nosuch 0 x", ":0"),
            ("BITPOS nosuch 1", ":-1"),
        ]);
    }
}
