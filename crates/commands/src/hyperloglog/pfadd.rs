//! `PFADD key [element [element ...]]`
//!
//! Adds elements to a HyperLogLog; replies whether its estimate may have changed. Without elements the
//! key is created.
//!
//! Source: Redis documentation, PFADD.

use dunlin_keyspace::{Occupied, Slot};
use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};
use dunlin_values::NewValue;
use dunlin_values::hyperloglog::{self, Form, Observation};

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::effects::KeyEventClass;
use crate::error::{CommandError, CommandResult};
use crate::hyperloglog::{CORRUPT, parse, sparse_bytes_max};

const SPEC: CommandSpec = CommandSpec::new("pfadd", Group::HyperLogLog, -2)
    .summary("Adds elements to a HyperLogLog key. Creates the key if it doesn't exist.")
    .since("2.8.9")
    .complexity("O(1) to add every element.")
    .flags(&[Flags::WRITE, Flags::DENYOOM, Flags::FAST])
    .categories(&[Categories::HYPERLOGLOG])
    .keys(&[KeySpec::at(1, &[KeyFlags::RW, KeyFlags::INSERT])])
    .args(&[Arg::key("key", 0), Arg::string("element").optional().multiple()]);

/// PFADD's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let (key, elements, limit) = (args.get(1), &args.words()[2..], sparse_bytes_max(cx));
    let changes = match cx.keyspace.slot(cx.db, key) {
        Slot::Occupied(mut slot) => {
            let form = parse(&slot)?.form();
            slot.make_raw();
            match form {
                Form::Dense => add_dense(&mut slot, elements)?,
                Form::Sparse => add_sparse(&mut slot, elements, limit)?,
            }
        }
        Slot::Vacant(slot) => {
            let mut bytes = hyperloglog::new_sparse();
            let added = add_all(&mut bytes, elements, limit)?;
            hyperloglog::mark_out_of_date(&mut bytes);
            slot.insert(NewValue::raw(&mut bytes), None);
            added + 1
        }
    };
    if changes > 0 {
        cx.effects.changed(changes);
        cx.notify(KeyEventClass::STRING, "pfadd", cx.db, key);
    }
    cx.reply.integer(i64::from(changes > 0));
    Ok(())
}

/// The elements that change a register, in order.
fn changing<'e>(slot: &Occupied<'_>, elements: &[&'e [u8]]) -> Result<Vec<&'e [u8]>, CommandError> {
    let value = parse(slot)?;
    let mut changing = Vec::new();
    for &element in elements {
        if value.would_change(Observation::of(element)).map_err(|_| CORRUPT)? {
            changing.push(element);
        }
    }
    Ok(changing)
}

/// Adds elements to a dense value, in place; returns how many changed a register.
fn add_dense(slot: &mut Occupied<'_>, elements: &[&[u8]]) -> Result<u64, CommandError> {
    let changing = changing(slot, elements)?;
    if changing.is_empty() {
        return Ok(0);
    }
    let bytes = slot.edit_string(hyperloglog::DENSE_LEN).ok_or(CommandError::WrongType)?;
    let added = changing
        .iter()
        .filter(|element| hyperloglog::add_dense(bytes, Observation::of(element)))
        .count();
    Ok(added as u64)
}

/// Adds elements to a copy of a sparse value, which is short, and puts it back if it changed.
fn add_sparse(
    slot: &mut Occupied<'_>,
    elements: &[&[u8]],
    limit: usize,
) -> Result<u64, CommandError> {
    let changing = changing(slot, elements)?;
    if changing.is_empty() {
        return Ok(0);
    }
    let text = slot.string().ok_or(CommandError::WrongType)?;
    let mut bytes = text.as_bytes(&mut dunlin_values::IntText::default()).to_vec();
    let added = add_all(&mut bytes, &changing, limit)?;
    slot.assign(NewValue::raw(&mut bytes), slot.deadline());
    Ok(added)
}

/// Adds elements; returns how many changed a register.
fn add_all(bytes: &mut Vec<u8>, elements: &[&[u8]], limit: usize) -> Result<u64, CommandError> {
    let mut added = 0;
    for element in elements {
        let observed = Observation::of(element);
        added += u64::from(hyperloglog::add(bytes, observed, limit).map_err(|_| CORRUPT)?);
    }
    Ok(added)
}

#[cfg(test)]
mod tests {
    use crate::trial::Trial;

    #[test]
    fn a_change_is_told_and_nothing_else() {
        let mut trial = Trial::new();
        trial.check(&[
            ("PFADD h", ":1"),
            ("PFADD h", ":0"),
            ("PFADD h a b", ":1"),
            ("PFADD h a", ":0"),
        ]);
        assert_eq!(trial.events(), ["pfadd h", "pfadd h"]);
        assert_eq!(trial.propagated(), ["PFADD h", "PFADD h a b"]);
        trial.check(&[("OBJECT ENCODING h", "$3\r\nraw"), ("PFCOUNT h", ":2")]);
    }

    #[test]
    fn a_value_grows_dense_and_keeps_its_deadline() {
        let mut trial = Trial::new();
        trial.run("PFADD h x");
        trial.run("EXPIRE h 100");
        for n in 0..2000 {
            trial.run(&format!("PFADD h {n}"));
        }
        trial.check(&[("PFDEBUG ENCODING h", "+dense"), ("TTL h", ":100"), ("STRLEN h", ":12304")]);
    }

    #[test]
    fn what_is_no_hyperloglog_is_refused() {
        let mut trial = Trial::new();
        let refused = "-WRONGTYPE Key is not a valid HyperLogLog string value.";
        trial.check(&[
            ("SET n 1", "+OK"),
            ("PFADD n a", refused),
            ("SET s HYLL", "+OK"),
            ("PFADD s a", refused),
            ("PFADD h a", ":1"),
            ("SETRANGE h 16 \"\\x00\"", ":21"),
            ("PFADD h b c d", "-INVALIDOBJ Corrupted HLL object detected"),
        ]);
    }
}
