//! `BITOP AND | OR | XOR | NOT destkey key [key ...]`
//!
//! Combines strings bit by bit and keeps the result; replies its length, that of the longest
//! string. Shorter strings and missing keys count as if they ended in zeros; where all are empty,
//! the destination is removed. The sources are read one after the other, never copied as a whole
//! but the first.
//!
//! Source: Redis documentation, BITOP.

use bytes::Bytes;
use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};
use dunlin_values::{INLINE_MAX, IntText, NewValue};

use crate::args::Args;
use crate::bitmap::bits::{Operation, combine, invert};
use crate::command::Command;
use crate::context::Context;
use crate::effects::KeyEventClass;
use crate::error::{CommandError, CommandResult};

const SPEC: CommandSpec = CommandSpec::new("bitop", Group::Bitmap, -4)
    .summary("Performs bitwise operations on multiple strings, and stores the result.")
    .since("2.6.0")
    .complexity("O(N)")
    .flags(&[Flags::WRITE, Flags::DENYOOM])
    .categories(&[Categories::BITMAP])
    .keys(&[
        KeySpec::at(2, &[KeyFlags::OW, KeyFlags::UPDATE]),
        KeySpec::at(3, &[KeyFlags::RO, KeyFlags::ACCESS]).to(-1),
    ])
    .args(&[
        Arg::one_of(
            "operation",
            &[
                Arg::literal("and", "AND"),
                Arg::literal("or", "OR"),
                Arg::literal("xor", "XOR"),
                Arg::literal("not", "NOT"),
            ],
        ),
        Arg::key("destkey", 0),
        Arg::key("key", 1).multiple(),
    ]);

/// BITOP's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

/// Words before the first source.
const SOURCES_AT: usize = 3;

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let operation = parse_operation(args.get(1))?;
    if operation.is_none() && args.len() != SOURCES_AT + 1 {
        return Err(CommandError::fixed("ERR BITOP NOT must be called with a single source key."));
    }
    let mut result = Vec::new();
    for (number, key) in args.words()[SOURCES_AT..].iter().enumerate() {
        let entry = cx.keyspace.get(cx.db, key);
        let mut digits = IntText::default();
        let source = match &entry {
            None => &[],
            Some(entry) => entry.string().ok_or(CommandError::WrongType)?.as_bytes(&mut digits),
        };
        match operation {
            Some(operation) if number > 0 => combine(&mut result, source, operation),
            _ => result.extend_from_slice(source),
        }
    }
    if operation.is_none() {
        invert(&mut result);
    }
    let len = result.len();
    store(cx, args.get(2), result);
    cx.reply.integer(len as i64);
    Ok(())
}

/// `None` stands for NOT, which combines nothing.
fn parse_operation(word: &[u8]) -> Result<Option<Operation>, CommandError> {
    const NAMES: [(&str, Option<Operation>); 4] = [
        ("AND", Some(Operation::And)),
        ("OR", Some(Operation::Or)),
        ("XOR", Some(Operation::Xor)),
        ("NOT", None),
    ];
    NAMES
        .into_iter()
        .find(|(name, _)| name.as_bytes().eq_ignore_ascii_case(word))
        .map(|(_, operation)| operation)
        .ok_or(CommandError::Syntax)
}

fn store(cx: &mut Context<'_>, key: &[u8], result: Vec<u8>) {
    if result.is_empty() {
        if cx.keyspace.delete(cx.db, key, cx.config.memory.lazyfree_lazy_server_del) {
            cx.changed(KeyEventClass::GENERIC, "del", key);
        }
        return;
    }
    let slot = cx.keyspace.slot(cx.db, key);
    if result.len() > INLINE_MAX {
        slot.set(NewValue::shared(Bytes::from(result)), None);
    } else {
        slot.set(NewValue::Raw(&result), None);
    }
    cx.changed(KeyEventClass::STRING, "set", key);
}

#[cfg(test)]
mod tests {
    use crate::trial::Trial;

    #[test]
    fn shorter_strings_end_in_zeros() {
        let mut trial = Trial::new();
        trial.check(&[
            ("MSET a abc b a", "+OK"),
            ("BITOP AND d a b", ":3"),
            ("GET d", "$3\r\na\0\0"),
            ("BITOP or d b a", ":3"),
            ("GET d", "$3\r\nabc"),
            ("BITOP XOR d a b nosuch", ":3"),
            ("GET d", "$3\r\n\0bc"),
            ("BITOP NOT d d", ":3"),
            ("BITCOUNT d", ":17"),
            ("BITOP NOT d a b", "-ERR BITOP NOT must be called with a single source key."),
            ("BITOP NAND d a", "-ERR syntax error"),
        ]);
        assert_eq!(trial.events(), ["set a", "set b", "set d", "set d", "set d", "set d"]);
    }

    #[test]
    fn an_empty_result_removes_the_key() {
        let mut trial = Trial::new();
        trial.check(&[
            ("SET d v", "+OK"),
            ("BITOP OR d nosuch", ":0"),
            ("EXISTS d", ":0"),
            ("BITOP OR d nosuch", ":0"),
        ]);
        assert_eq!(trial.events(), ["set d", "del d"]);
        assert_eq!(trial.propagated(), ["SET d v", "BITOP OR d nosuch"]);
    }
}
