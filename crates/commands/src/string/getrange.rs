//! GETRANGE key start end
//!
//! Replies a part of the string a key holds; both ends are included, and negative ones count from
//! the end. Of a large string only that part is touched.
//!
//! Source: Redis documentation, GETRANGE.

use std::ops::Range;

use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};
use dunlin_values::{IntText, StringRef};

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::{CommandError, CommandResult};

const SPEC: CommandSpec = CommandSpec::new("getrange", Group::String, 4)
    .summary("Returns a substring of the string stored at a key.")
    .since("2.4.0")
    .complexity(
        "O(N) where N is the length of the returned string. The complexity is ultimately \
         determined by the returned length, but because creating a substring from an existing \
         string is very cheap, it can be considered O(1) for small strings.",
    )
    .flags(&[Flags::READONLY])
    .categories(&[Categories::STRING])
    .keys(&[KeySpec::at(1, &[KeyFlags::RO, KeyFlags::ACCESS])])
    .args(&[Arg::key("key", 0), Arg::integer("start"), Arg::integer("end")]);

/// GETRANGE's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

/// GETRANGE, and SUBSTR, its first name.
///
/// # Errors
/// [`CommandError::NotInteger`], [`CommandError::WrongType`].
pub(super) fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let (start, end) = (args.integer(2)?, args.integer(3)?);
    let Some(entry) = cx.keyspace.get(cx.db, args.get(1)) else {
        cx.reply.bulk(b"");
        return Ok(());
    };
    let string = entry.string().ok_or(CommandError::WrongType)?;
    if let StringRef::Shared(bytes) = string {
        cx.reply.bulk_shared(&bytes.slice(included(start, end, bytes.len())));
    } else {
        let mut digits = IntText::default();
        let text = string.as_bytes(&mut digits);
        cx.reply.bulk(&text[included(start, end, text.len())]);
    }
    Ok(())
}

/// The bytes from `start` to `end` of a string of `len` bytes, as far as there are any.
fn included(start: i64, end: i64, len: usize) -> Range<usize> {
    let len = len as i64;
    let from_end = |index: i64| if index < 0 { (len + index).max(0) } else { index };
    let reversed = start < 0 && end < 0 && start > end;
    let (start, end) = (from_end(start), from_end(end).min(len - 1));
    if reversed || start > end {
        return 0..0;
    }
    start as usize..end as usize + 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trial::Trial;

    #[test]
    fn both_ends_are_included_and_negative_ones_count_from_the_end() {
        for (start, end, len, expected) in [
            (0, 0, 5, 0..1),
            (0, -1, 5, 0..5),
            (-3, -1, 5, 2..5),
            (-100, 100, 5, 0..5),
            (-1, -3, 5, 0..0),
            (-100, -99, 5, 0..1),
            (3, 1, 5, 0..0),
            (5, 9, 5, 0..0),
            (4, 4, 5, 4..5),
            (0, -1, 0, 0..0),
            (0, -6, 5, 0..1),
            (i64::MIN, i64::MAX, 5, 0..5),
            (i64::MAX, i64::MIN, 5, 0..0),
        ] {
            assert_eq!(included(start, end, len), expected, "{start} {end} of {len}");
        }
    }

    #[test]
    fn parts_of_text_and_of_integers() {
        let mut trial = Trial::new();
        trial.check(&[
            ("GETRANGE nosuch 0 -1", "$0\r\n"),
            ("SET k 12345", "+OK"),
            ("GETRANGE k 1 -2", "$3\r\n234"),
            ("GETRANGE k 3 1", "$0\r\n"),
            ("GETRANGE k x 1", "-ERR value is not an integer or out of range"),
            ("SUBSTR k -2 -1", "$2\r\n45"),
        ]);
    }
}
