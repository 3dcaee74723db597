//! `PFCOUNT key [key ...]`
//!
//! Replies the estimate of how many different elements were added to a HyperLogLog, or to any of
//! several. That of one is kept in its header, which is a change and is propagated.
//!
//! Source: Redis documentation, PFCOUNT.

use dunlin_keyspace::Slot;
use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};
use dunlin_values::Encoding;
use dunlin_values::hyperloglog::{self, Registers};

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::{CommandError, CommandResult};
use crate::hyperloglog::{CORRUPT, parse};

const SPEC: CommandSpec = CommandSpec::new("pfcount", Group::HyperLogLog, -2)
    .summary(
        "Returns the approximated cardinality of the set(s) observed by the HyperLogLog key(s).",
    )
    .since("2.8.9")
    .complexity(
        "O(1) with a very small average constant time when called with a single key. O(N) with N \
         being the number of keys, and much bigger constant times, when called with multiple \
         keys.",
    )
    .flags(&[Flags::READONLY, Flags::MAY_REPLICATE])
    .categories(&[Categories::HYPERLOGLOG])
    .keys(&[KeySpec::at(1, &[KeyFlags::RW, KeyFlags::ACCESS]).to(-1).notes(
        "RW because it may change the internal representation of the key, and propagate \
                 to replicas",
    )])
    .args(&[Arg::key("key", 0).multiple()]);

/// PFCOUNT's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let count = match args.len() {
        2 => count_one(cx, args.get(1))?,
        _ => count_union(cx, &args.words()[1..])?,
    };
    cx.reply.integer(count.cast_signed());
    Ok(())
}

fn count_one(cx: &mut Context<'_>, key: &[u8]) -> Result<u64, CommandError> {
    let Some(entry) = cx.keyspace.get(cx.db, key) else { return Ok(0) };
    let value = parse(&entry)?;
    let cached = value.cached_count();
    let count = match cached {
        Some(count) => count,
        None => value.count().map_err(|_| CORRUPT)?,
    };
    let is_raw = entry.encoding() == Encoding::Raw;
    if cached.is_some() && is_raw {
        return Ok(count);
    }
    if let Slot::Occupied(mut slot) = cx.keyspace.slot(cx.db, key) {
        slot.make_raw();
        if cached.is_none() {
            let bytes = slot.edit_string(0).ok_or(CommandError::WrongType)?;
            hyperloglog::cache_count(bytes, count);
            cx.effects.changed(1);
        }
    }
    Ok(count)
}

fn count_union(cx: &mut Context<'_>, keys: &[&[u8]]) -> Result<u64, CommandError> {
    let mut registers = Registers::default();
    for key in keys {
        if let Some(entry) = cx.keyspace.get(cx.db, key) {
            parse(&entry)?.merge_into(&mut registers).map_err(|_| CORRUPT)?;
        }
    }
    Ok(registers.count())
}

#[cfg(test)]
mod tests {
    use crate::trial::Trial;

    #[test]
    fn a_count_is_kept_until_something_changes() {
        let mut trial = Trial::new();
        trial.run("PFADD h a b c");
        trial.forget();
        trial.check(&[("PFCOUNT h", ":3"), ("PFCOUNT h", ":3")]);
        assert_eq!(trial.propagated(), ["PFCOUNT h"]);
        assert!(trial.events().is_empty());
        trial.run("PFADD g c d");
        trial.check(&[("PFCOUNT h g", ":4"), ("PFCOUNT nosuch", ":0"), ("PFCOUNT h nosuch", ":3")]);
    }
}
