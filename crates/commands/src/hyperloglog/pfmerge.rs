//! `PFMERGE destkey [sourcekey [sourcekey ...]]`
//!
//! Makes a HyperLogLog see what others have seen, too.
//!
//! Source: Redis documentation, PFMERGE.

use dunlin_keyspace::Slot;
use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};
use dunlin_values::NewValue;
use dunlin_values::hyperloglog::{self, Form, Registers};

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::effects::KeyEventClass;
use crate::error::{CommandError, CommandResult};
use crate::hyperloglog::{CORRUPT, parse, sparse_bytes_max};

const SPEC: CommandSpec = CommandSpec::new("pfmerge", Group::HyperLogLog, -2)
    .summary("Merges one or more HyperLogLog values into a single key.")
    .since("2.8.9")
    .complexity("O(N) to merge N HyperLogLogs, but with high constant times.")
    .flags(&[Flags::WRITE, Flags::DENYOOM])
    .categories(&[Categories::HYPERLOGLOG])
    .keys(&[
        KeySpec::at(1, &[KeyFlags::RW, KeyFlags::ACCESS, KeyFlags::INSERT]),
        KeySpec::at(2, &[KeyFlags::RO, KeyFlags::ACCESS]).to(-1),
    ])
    .args(&[Arg::key("destkey", 0), Arg::key("sourcekey", 1).optional().multiple()]);

/// PFMERGE's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let (key, limit) = (args.get(1), sparse_bytes_max(cx));
    let mut registers = Registers::default();
    let mut becomes_dense = false;
    for source in &args.words()[1..] {
        if let Some(entry) = cx.keyspace.get(cx.db, source) {
            let value = parse(&entry)?;
            becomes_dense |= value.form() == Form::Dense;
            value.merge_into(&mut registers).map_err(|_| CORRUPT)?;
        }
    }
    let slot = cx.keyspace.slot(cx.db, key);
    let (mut bytes, deadline) = match &slot {
        Slot::Vacant(_) => (hyperloglog::new_sparse(), None),
        Slot::Occupied(slot) => {
            let text = slot.string().ok_or(CommandError::WrongType)?;
            let mut digits = dunlin_values::IntText::default();
            (text.as_bytes(&mut digits).to_vec(), slot.deadline())
        }
    };
    let is_sparse = bytes.len() != hyperloglog::DENSE_LEN;
    if becomes_dense && is_sparse {
        hyperloglog::make_dense(&mut bytes).map_err(|_| CORRUPT)?;
    }
    hyperloglog::raise(&mut bytes, &registers, limit).map_err(|_| CORRUPT)?;
    slot.set(NewValue::raw(&mut bytes), deadline);
    cx.changed(KeyEventClass::STRING, "pfadd", key);
    cx.reply.ok();
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::trial::Trial;

    #[test]
    fn the_destination_is_one_of_the_sources() {
        let mut trial = Trial::new();
        trial.run("PFADD a 1 2 3");
        trial.run("PFADD b 3 4");
        trial.run("EXPIRE a 100");
        trial.forget();
        trial.check(&[
            ("PFMERGE a b nosuch", "+OK"),
            ("PFCOUNT a", ":4"),
            ("TTL a", ":100"),
            ("PFMERGE c", "+OK"),
            ("PFCOUNT c", ":0"),
            ("PFDEBUG TODENSE b", ":1"),
            ("PFMERGE a b", "+OK"),
            ("PFDEBUG ENCODING a", "+dense"),
            ("PFCOUNT a", ":4"),
        ]);
        assert_eq!(trial.events(), ["pfadd a", "pfadd c", "pfadd a"]);
        trial.check(&[("RPUSH l x", ":1")]);
        assert!(trial.run("PFMERGE a l").starts_with("-WRONGTYPE Operation"));
    }
}
