//! Keys and their slots:
//!
//! - `CLUSTER COUNTKEYSINSLOT slot`
//! - `CLUSTER GETKEYSINSLOT slot count`
//! - `CLUSTER KEYSLOT key`
//!
//! Source: redis.io, CLUSTER COUNTKEYSINSLOT, CLUSTER GETKEYSINSLOT, CLUSTER KEYSLOT.
//!
//! Differs: Redis lists the keys that came last first; here they come in the order of the table.

use dunlin_slots::{SLOTS, key_slot};
use dunlin_spec::{Arg, CommandSpec, Flags, Group};

use super::{TELLS, require_cluster};
use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::{CommandError, CommandResult};

const COUNTKEYSINSLOT_SPEC: CommandSpec =
    CommandSpec::new("cluster|countkeysinslot", Group::Cluster, 3)
        .summary("Returns the number of keys in a hash slot.")
        .since("3.0.0")
        .complexity("O(1)")
        .flags(&[Flags::STALE])
        .args(&[Arg::integer("slot")]);

const GETKEYSINSLOT_SPEC: CommandSpec =
    CommandSpec::new("cluster|getkeysinslot", Group::Cluster, 4)
        .summary("Returns the key names in a hash slot.")
        .since("3.0.0")
        .complexity("O(N) where N is the number of requested keys")
        .flags(&[Flags::STALE])
        .tips(&["nondeterministic_output"])
        .args(&[Arg::integer("slot"), Arg::integer("count")]);

const KEYSLOT_SPEC: CommandSpec = CommandSpec::new("cluster|keyslot", Group::Cluster, 3)
    .summary("Returns the hash slot for a key.")
    .since("3.0.0")
    .complexity("O(N) where N is the number of bytes in the key")
    .flags(TELLS)
    .args(&[Arg::string("key")]);

pub(super) const COUNTKEYSINSLOT: Command = Command::new(COUNTKEYSINSLOT_SPEC, count);
pub(super) const GETKEYSINSLOT: Command = Command::new(GETKEYSINSLOT_SPEC, list);
pub(super) const KEYSLOT: Command = Command::new(KEYSLOT_SPEC, slot_of);

fn slot_number(value: i64) -> Option<u16> {
    u16::try_from(value).ok().filter(|slot| *slot < SLOTS)
}

fn count(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    require_cluster(cx)?;
    let slot = slot_number(args.integer(2)?);
    let slot = slot.ok_or(CommandError::fixed("ERR Invalid slot"))?;
    let keys = cx.keyspace.database(cx.db).slot_len(slot);
    cx.reply.integer(keys as i64);
    Ok(())
}

fn list(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    require_cluster(cx)?;
    let (slot, count) = (args.integer(2)?, args.integer(3)?);
    let (Some(slot), Ok(count)) = (slot_number(slot), usize::try_from(count)) else {
        return Err(CommandError::fixed("ERR Invalid slot or number of keys"));
    };
    let mark = cx.reply.deferred_array();
    let mut listed = 0;
    for entry in cx.keyspace.database(cx.db).in_slot(slot).take(count) {
        cx.reply.bulk(entry.key());
        listed += 1;
    }
    cx.reply.set_array(mark, listed);
    Ok(())
}

fn slot_of(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    require_cluster(cx)?;
    cx.reply.integer(i64::from(key_slot(args.get(2))));
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::trial::Trial;

    #[test]
    fn keys_of_a_slot() {
        let mut trial = Trial::of_node();
        for key in ["{a}1", "{a}2", "{a}3", "b"] {
            trial.run(&format!("SET {key} x"));
        }
        trial.check(&[
            ("CLUSTER KEYSLOT {a}1", ":15495"),
            ("CLUSTER COUNTKEYSINSLOT 15495", ":3"),
            ("CLUSTER COUNTKEYSINSLOT 0", ":0"),
            ("CLUSTER GETKEYSINSLOT 0 10", "*0"),
            ("CLUSTER GETKEYSINSLOT 15495 0", "*0"),
            ("CLUSTER GETKEYSINSLOT 3300 5", "*1\r\n$1\r\nb"),
        ]);
        assert!(trial.run("CLUSTER GETKEYSINSLOT 15495 2").starts_with("*2\r\n$4\r\n{a}"));
        assert!(trial.run("CLUSTER GETKEYSINSLOT 15495 9").starts_with("*3\r\n$4\r\n{a}"));
    }

    #[test]
    fn what_is_no_slot_or_count() {
        const INTEGER: &str = "-ERR value is not an integer or out of range";
        let mut trial = Trial::of_node();
        trial.check(&[
            ("CLUSTER COUNTKEYSINSLOT x", INTEGER),
            ("CLUSTER COUNTKEYSINSLOT 16384", "-ERR Invalid slot"),
            ("CLUSTER COUNTKEYSINSLOT -1", "-ERR Invalid slot"),
            ("CLUSTER GETKEYSINSLOT x 1", INTEGER),
            ("CLUSTER GETKEYSINSLOT 16384 x", INTEGER),
            ("CLUSTER GETKEYSINSLOT 16384 1", "-ERR Invalid slot or number of keys"),
            ("CLUSTER GETKEYSINSLOT 0 -1", "-ERR Invalid slot or number of keys"),
        ]);
    }
}
