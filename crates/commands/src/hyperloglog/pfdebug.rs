//! `PFDEBUG subcommand key`
//!
//! What a HyperLogLog looks like inside: `GETREG`, `DECODE`, `ENCODING`; `TODENSE` makes it dense, and
//! so does GETREG, as in Redis.
//!
//! Source: Redis documentation, PFDEBUG.

use dunlin_keyspace::{Occupied, Slot};
use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};
use dunlin_values::NewValue;
use dunlin_values::hyperloglog::{self, Form, Registers};

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::{CommandError, CommandResult};
use crate::hyperloglog::{CORRUPT, parse};

const SPEC: CommandSpec = CommandSpec::new("pfdebug", Group::HyperLogLog, 3)
    .summary("Internal commands for debugging HyperLogLog values.")
    .since("2.8.9")
    .complexity("N/A")
    .system()
    .flags(&[Flags::WRITE, Flags::DENYOOM, Flags::ADMIN])
    .categories(&[Categories::HYPERLOGLOG])
    .keys(&[KeySpec::at(2, &[KeyFlags::RW, KeyFlags::ACCESS])])
    .args(&[Arg::string("subcommand"), Arg::key("key", 0)]);

/// PFDEBUG's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let Slot::Occupied(mut slot) = cx.keyspace.slot(cx.db, args.get(2)) else {
        return Err(CommandError::fixed("ERR The specified key does not exist"));
    };
    let form = parse(&slot)?.form();
    slot.make_raw();
    if args.is(1, "GETREG") {
        let mut registers = Registers::default();
        parse(&slot)?.merge_into(&mut registers).map_err(|_| CORRUPT)?;
        let changed = make_dense(&mut slot)?;
        cx.effects.changed(u64::from(changed));
        cx.reply.array(hyperloglog::REGISTERS);
        registers.as_slice().iter().for_each(|run| cx.reply.integer(i64::from(*run)));
    } else if args.is(1, "DECODE") {
        let runs = parse(&slot)?
            .describe_runs()
            .ok_or(CommandError::fixed("ERR HLL encoding is not sparse"))?;
        cx.reply.bulk(runs.as_bytes());
    } else if args.is(1, "ENCODING") {
        cx.reply.simple(form.name());
    } else if args.is(1, "TODENSE") {
        let changed = make_dense(&mut slot)?;
        cx.effects.changed(u64::from(changed));
        cx.reply.integer(i64::from(changed));
    } else {
        let text = [b"ERR Unknown PFDEBUG subcommand '", args.get(1), b"'"].concat();
        return Err(CommandError::Quoting(text));
    }
    Ok(())
}

/// Makes a sparse value dense; returns whether it was sparse.
fn make_dense(slot: &mut Occupied<'_>) -> Result<bool, CommandError> {
    if parse(slot)?.form() == Form::Dense {
        return Ok(false);
    }
    let text = slot.string().ok_or(CommandError::WrongType)?;
    let mut bytes = text.as_bytes(&mut dunlin_values::IntText::default()).to_vec();
    hyperloglog::make_dense(&mut bytes).map_err(|_| CORRUPT)?;
    slot.assign(NewValue::raw(&mut bytes), slot.deadline());
    Ok(true)
}

#[cfg(test)]
mod tests {
    use crate::trial::Trial;

    #[test]
    fn insides_are_shown() {
        let mut trial = Trial::new();
        trial.run("PFADD h a");
        trial.forget();
        trial.check(&[
            ("PFDEBUG ENCODING h", "+sparse"),
            ("PFDEBUG DECODE h", "$20\r\nZ:12711 v:2,1 Z:3672"),
            ("PFDEBUG TODENSE h", ":1"),
            ("PFDEBUG TODENSE h", ":0"),
            ("PFDEBUG DECODE h", "-ERR HLL encoding is not sparse"),
            ("PFDEBUG BOGUS h", "-ERR Unknown PFDEBUG subcommand 'BOGUS'"),
            ("PFDEBUG BOGUS nosuch", "-ERR The specified key does not exist"),
        ]);
        assert_eq!(trial.propagated(), ["PFDEBUG TODENSE h"]);
        assert!(trial.run("PFDEBUG GETREG h").starts_with("*16384\r\n:0\r\n"));
    }
}
