//! `BITFIELD key [GET type offset | [OVERFLOW WRAP | SAT | FAIL] SET type offset value | INCRBY
//! type offset increment ...]`
//!
//! Reads and writes integers of any width at any bit of a string, one after the other; replies the
//! number read, replaced or summed for each, nil for one that did not fit under OVERFLOW FAIL.
//!
//! Differs: where a string was lengthened although nothing was written (OVERFLOW FAIL), Redis 7.2
//! does not propagate the call and its copies stay shorter; here they follow.
//!
//! Source: Redis documentation, BITFIELD.

use dunlin_keyspace::{Occupied, Slot};
use dunlin_resp::Reply;
use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec, getkeys};
use dunlin_values::{IntText, NewValue};

use crate::args::{Args, Cursor};
use crate::bitmap::field::{FieldType, Overflow};
use crate::bitmap::offset;
use crate::command::Command;
use crate::context::Context;
use crate::effects::KeyEventClass;
use crate::error::{CommandError, CommandResult};
use crate::string::limit::StringLimit;

const SPEC: CommandSpec = CommandSpec::new("bitfield", Group::Bitmap, -2)
    .summary("Performs arbitrary bitfield integer operations on strings.")
    .since("3.2.0")
    .complexity("O(1) for each subcommand specified")
    .flags(&[Flags::WRITE, Flags::DENYOOM])
    .categories(&[Categories::BITMAP])
    .keys(&[KeySpec::at(
        1,
        &[KeyFlags::RW, KeyFlags::UPDATE, KeyFlags::ACCESS, KeyFlags::VARIABLE_FLAGS],
    )
    .notes("This command allows both access and modification of the key")])
    .find_keys_with(getkeys::bitfield)
    .args(&[
        Arg::key("key", 0),
        Arg::one_of(
            "operation",
            &[
                Arg::block("get-block", &[Arg::string("encoding"), Arg::integer("offset")])
                    .token("GET"),
                Arg::block(
                    "write",
                    &[
                        Arg::one_of(
                            "overflow-block",
                            &[
                                Arg::literal("wrap", "WRAP"),
                                Arg::literal("sat", "SAT"),
                                Arg::literal("fail", "FAIL"),
                            ],
                        )
                        .token("OVERFLOW")
                        .optional(),
                        Arg::one_of(
                            "write-operation",
                            &[
                                Arg::block(
                                    "set-block",
                                    &[
                                        Arg::string("encoding"),
                                        Arg::integer("offset"),
                                        Arg::integer("value"),
                                    ],
                                )
                                .token("SET"),
                                Arg::block(
                                    "incrby-block",
                                    &[
                                        Arg::string("encoding"),
                                        Arg::integer("offset"),
                                        Arg::integer("increment"),
                                    ],
                                )
                                .token("INCRBY"),
                            ],
                        ),
                    ],
                ),
            ],
        )
        .optional()
        .multiple(),
    ]);

/// BITFIELD's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let operations = parse(args, StringLimit::of(cx))?;
    if operations.iter().all(Operation::is_read) {
        return read_all(cx, args.get(1), &operations);
    }
    run_all(cx, args.get(1), &operations)
}

/// One step of a call.
#[derive(Clone, Copy, Debug)]
pub(super) struct Operation {
    field: FieldType,
    offset: u64,
    action: Action,
}

#[derive(Clone, Copy, Debug)]
enum Action {
    Get,
    Set { number: i64, overflow: Overflow },
    Increase { increment: i64, overflow: Overflow },
}

impl Operation {
    /// Whether it writes nothing.
    pub(super) const fn is_read(&self) -> bool {
        matches!(self.action, Action::Get)
    }

    /// Bytes a string must have to be written to.
    fn bytes_needed(&self) -> usize {
        (self.offset + u64::from(self.field.bits)).div_ceil(8) as usize
    }
}

/// Reads the steps of a call.
///
/// # Errors
/// [`CommandError::Syntax`], [`CommandError::NotInteger`], those of [`offset::parse_field`],
/// `ERR Invalid bitfield type. ...`, `ERR Invalid OVERFLOW type specified`.
pub(super) fn parse(args: Args<'_>, limit: StringLimit) -> Result<Vec<Operation>, CommandError> {
    let mut operations = Vec::new();
    let mut overflow = Overflow::default();
    let mut words = args.cursor(2);
    while let Some(word) = words.next_word() {
        let is = |name: &str, values: usize| {
            word.eq_ignore_ascii_case(name.as_bytes()) && words.remaining() >= values
        };
        if is("OVERFLOW", 1) {
            overflow = parse_overflow(words.value()?)?;
        } else if is("GET", 2) {
            let (field, offset) = parse_place(&mut words, limit)?;
            operations.push(Operation { field, offset, action: Action::Get });
        } else if is("SET", 3) {
            let (field, offset) = parse_place(&mut words, limit)?;
            let action = Action::Set { number: words.integer()?, overflow };
            operations.push(Operation { field, offset, action });
        } else if is("INCRBY", 3) {
            let (field, offset) = parse_place(&mut words, limit)?;
            let action = Action::Increase { increment: words.integer()?, overflow };
            operations.push(Operation { field, offset, action });
        } else {
            return Err(CommandError::Syntax);
        }
    }
    Ok(operations)
}

fn parse_place(
    words: &mut Cursor<'_>,
    limit: StringLimit,
) -> Result<(FieldType, u64), CommandError> {
    let field = FieldType::parse(words.value()?).ok_or(CommandError::fixed(
        "ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported \
         but i64 is.",
    ))?;
    Ok((field, offset::parse_field(words.value()?, field.bits, limit)?))
}

fn parse_overflow(word: &[u8]) -> Result<Overflow, CommandError> {
    const NAMES: [(&str, Overflow); 3] =
        [("WRAP", Overflow::Wrap), ("SAT", Overflow::Saturate), ("FAIL", Overflow::Fail)];
    NAMES
        .into_iter()
        .find(|(name, _)| name.as_bytes().eq_ignore_ascii_case(word))
        .map(|(_, overflow)| overflow)
        .ok_or(CommandError::fixed("ERR Invalid OVERFLOW type specified"))
}

/// Runs steps that only read.
///
/// # Errors
/// [`CommandError::WrongType`].
pub(super) fn read_all(
    cx: &mut Context<'_>,
    key: &[u8],
    operations: &[Operation],
) -> CommandResult {
    let entry = cx.keyspace.get(cx.db, key);
    let mut digits = IntText::default();
    let bytes = match &entry {
        None => &[],
        Some(entry) => entry.string().ok_or(CommandError::WrongType)?.as_bytes(&mut digits),
    };
    cx.reply.array(operations.len());
    for operation in operations {
        cx.reply.integer(operation.field.read(bytes, operation.offset));
    }
    Ok(())
}

fn run_all(cx: &mut Context<'_>, key: &[u8], operations: &[Operation]) -> CommandResult {
    let writes = operations.iter().filter(|operation| !operation.is_read());
    let len = writes.map(Operation::bytes_needed).max().unwrap_or(0);
    let (grown, changes) = match cx.keyspace.slot(cx.db, key) {
        Slot::Vacant(slot) => {
            let mut built = vec![0; len];
            let changes = Fields::Built(&mut built).apply(operations, cx.reply);
            slot.insert(NewValue::raw(&mut built), None);
            (true, changes.all)
        }
        Slot::Occupied(mut slot) => {
            let grown = slot.string().ok_or(CommandError::WrongType)?.len() < len;
            if grown {
                slot.edit_string(len);
            } else {
                slot.make_raw();
            }
            let changes = Fields::Held(&mut slot).apply(operations, cx.reply);
            (grown, if grown { changes.all } else { changes.visible })
        }
    };
    if changes > 0 {
        cx.effects.changed(changes);
        cx.notify(KeyEventClass::STRING, "setbit", cx.db, key);
    } else if grown {
        cx.effects.changed(1);
    }
    Ok(())
}

/// The string that is worked on.
enum Fields<'b, 's> {
    /// One that becomes a new key.
    Built(&'b mut [u8]),
    /// The value of a key; it is only touched where a number changes, because whoever watches the
    /// key is told of each touch.
    Held(&'b mut Occupied<'s>),
}

/// How many numbers were written: Redis counts all of them where the string grew, else those that
/// differ from what was there.
#[derive(Clone, Copy, Debug, Default)]
struct Writes {
    all: u64,
    visible: u64,
}

impl Fields<'_, '_> {
    fn apply(&mut self, operations: &[Operation], reply: &mut Reply) -> Writes {
        let mut writes = Writes::default();
        reply.array(operations.len());
        for &Operation { field, offset, action } in operations {
            let held = self.read(field, offset);
            let (written, replied) = match action {
                Action::Get => (None, Some(held)),
                Action::Set { number, overflow } => {
                    let written = field.convert(number, overflow);
                    (written, written.map(|_| held))
                }
                Action::Increase { increment, overflow } => {
                    let written = field.increase(held, increment, overflow);
                    (written, written)
                }
            };
            if let Some(number) = written {
                writes.all += 1;
                if number != held {
                    writes.visible += 1;
                    self.write(field, offset, number);
                }
            }
            match replied {
                Some(number) => reply.integer(number),
                None => reply.null(),
            }
        }
        writes
    }

    fn read(&self, field: FieldType, offset: u64) -> i64 {
        match self {
            Self::Built(bytes) => field.read(bytes, offset),
            Self::Held(slot) => slot
                .string()
                .map_or(0, |string| field.read(string.as_bytes(&mut IntText::default()), offset)),
        }
    }

    fn write(&mut self, field: FieldType, offset: u64, number: i64) {
        match self {
            Self::Built(bytes) => field.write(bytes, offset, number),
            Self::Held(slot) => {
                if let Some(bytes) = slot.edit_string(0) {
                    field.write(bytes, offset, number);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::trial::Trial;

    #[test]
    fn steps_see_what_steps_before_them_wrote() {
        let mut trial = Trial::new();
        trial.check(&[
            (
                "BITFIELD k SET u8 #1 200 INCRBY u8 #1 100 GET i8 #1 OVERFLOW FAIL INCRBY u8 8 250",
                "*4\r\n:0\r\n:44\r\n:44\r\n$-1",
            ),
            ("STRLEN k", ":2"),
            ("BITFIELD k OVERFLOW SAT INCRBY i4 0 100 SET i4 0 -100", "*2\r\n:7\r\n:7"),
            ("BITFIELD k GET i4 0", "*1\r\n:-8"),
            ("BITFIELD k", "*0"),
        ]);
        assert_eq!(trial.events(), ["setbit k", "setbit k"]);
    }

    #[test]
    fn what_changes_nothing_is_not_told() {
        let mut trial = Trial::new();
        trial.check(&[
            ("BITFIELD k SET u8 0 1", "*1\r\n:0"),
            ("BITFIELD k SET u8 0 1 INCRBY u8 0 0", "*2\r\n:1\r\n:1"),
        ]);
        assert_eq!(trial.events(), ["setbit k"]);
        assert_eq!(trial.propagated(), ["BITFIELD k SET u8 0 1"]);
    }

    #[test]
    fn words_that_are_no_steps() {
        let mut trial = Trial::new();
        trial.check(&[
            ("BITFIELD k GET u64 0", "-ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is."),
            ("BITFIELD k GET u8 -1", "-ERR bit offset is not an integer or out of range"),
            ("BITFIELD k GET u8 #-1", "-ERR bit offset is not an integer or out of range"),
            ("BITFIELD k SET u8 0 x", "-ERR value is not an integer or out of range"),
            ("BITFIELD k SET u8 0", "-ERR syntax error"),
            ("BITFIELD k OVERFLOW no", "-ERR Invalid OVERFLOW type specified"),
            ("BITFIELD k OVERFLOW", "-ERR syntax error"),
            ("EXISTS k", ":0"),
        ]);
        assert!(trial.events().is_empty());
        assert!(trial.propagated().is_empty());
    }
}
