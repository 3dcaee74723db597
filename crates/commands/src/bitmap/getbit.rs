//! GETBIT key offset
//!
//! Replies the bit at an offset; 0 beyond the end of the string.
//!
//! Source: Redis documentation, GETBIT.

use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};
use dunlin_values::IntText;

use crate::args::Args;
use crate::bitmap::offset;
use crate::command::Command;
use crate::context::Context;
use crate::error::{CommandError, CommandResult};
use crate::string::limit::StringLimit;

const SPEC: CommandSpec = CommandSpec::new("getbit", Group::Bitmap, 3)
    .summary("Returns a bit value by offset.")
    .since("2.2.0")
    .complexity("O(1)")
    .flags(&[Flags::READONLY, Flags::FAST])
    .categories(&[Categories::BITMAP])
    .keys(&[KeySpec::at(1, &[KeyFlags::RO, KeyFlags::ACCESS])])
    .args(&[Arg::key("key", 0), Arg::integer("offset")]);

/// GETBIT's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let offset = offset::parse(args.get(2), StringLimit::of(cx))?;
    let bit = match cx.keyspace.get(cx.db, args.get(1)) {
        None => 0,
        Some(entry) => {
            let string = entry.string().ok_or(CommandError::WrongType)?;
            let mut digits = IntText::default();
            let byte = string.as_bytes(&mut digits).get((offset >> 3) as usize);
            byte.map_or(0, |byte| byte >> (7 - (offset & 7)) & 1)
        }
    };
    cx.reply.integer(i64::from(bit));
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::trial::Trial;

    #[test]
    fn bits_of_text_and_of_integers() {
        let mut trial = Trial::new();
        trial.check(&[
            ("SET k 1", "+OK"),
            ("GETBIT k 2", ":1"),
            ("GETBIT k 0", ":0"),
            ("GETBIT k 7", ":1"),
            ("GETBIT k 8", ":0"),
            ("GETBIT nosuch 4294967295", ":0"),
            ("GETBIT k #1", "-ERR bit offset is not an integer or out of range"),
        ]);
    }
}
