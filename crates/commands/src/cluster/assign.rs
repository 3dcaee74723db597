//! Which slots this node owns:
//!
//! - `CLUSTER ADDSLOTS slot [slot ...]`
//! - `CLUSTER ADDSLOTSRANGE start-slot end-slot [start-slot end-slot ...]`
//! - `CLUSTER DELSLOTS slot [slot ...]`
//! - `CLUSTER DELSLOTSRANGE start-slot end-slot [start-slot end-slot ...]`
//! - `CLUSTER FLUSHSLOTS`
//!
//! All slots that are named change, or none.
//!
//! Source: redis.io, CLUSTER ADDSLOTS and its kin; order of errors checked against a 7.2.6 server.

use dunlin_cluster::{Cluster, ClusterError};
use dunlin_slots::{SlotRange, SlotSet};
use dunlin_spec::{Arg, CommandSpec, Group};

use super::{ADMIN, administer, refused, slot, with_cluster};
use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::{CommandError, CommandResult};

const SLOT: &[Arg] = &[Arg::integer("slot").multiple()];

const RANGE: &[Arg] =
    &[Arg::block("range", &[Arg::integer("start-slot"), Arg::integer("end-slot")]).multiple()];

const RANGES_COST: &str =
    "O(N) where N is the total number of the slots between the start slot and end slot arguments.";

const ADDSLOTS_SPEC: CommandSpec = CommandSpec::new("cluster|addslots", Group::Cluster, -3)
    .summary("Assigns new hash slots to a node.")
    .since("3.0.0")
    .complexity("O(N) where N is the total number of hash slot arguments")
    .flags(ADMIN)
    .args(SLOT);

const ADDSLOTSRANGE_SPEC: CommandSpec =
    CommandSpec::new("cluster|addslotsrange", Group::Cluster, -4)
        .summary("Assigns new hash slot ranges to a node.")
        .since("7.0.0")
        .complexity(RANGES_COST)
        .flags(ADMIN)
        .args(RANGE);

const DELSLOTS_SPEC: CommandSpec = CommandSpec::new("cluster|delslots", Group::Cluster, -3)
    .summary("Sets hash slots as unbound for a node.")
    .since("3.0.0")
    .complexity("O(N) where N is the total number of hash slot arguments")
    .flags(ADMIN)
    .args(SLOT);

const DELSLOTSRANGE_SPEC: CommandSpec =
    CommandSpec::new("cluster|delslotsrange", Group::Cluster, -4)
        .summary("Sets hash slot ranges as unbound for a node.")
        .since("7.0.0")
        .complexity(RANGES_COST)
        .flags(ADMIN)
        .args(RANGE);

const FLUSHSLOTS_SPEC: CommandSpec = CommandSpec::new("cluster|flushslots", Group::Cluster, 2)
    .summary("Deletes all slots information from a node.")
    .since("3.0.0")
    .complexity("O(1)")
    .flags(ADMIN);

pub(super) const ADDSLOTS: Command =
    Command::new(ADDSLOTS_SPEC, |cx, args| assign(cx, args, named_slots, Change::Add));

pub(super) const ADDSLOTSRANGE: Command =
    Command::new(ADDSLOTSRANGE_SPEC, |cx, args| assign(cx, args, named_ranges, Change::Add));

pub(super) const DELSLOTS: Command =
    Command::new(DELSLOTS_SPEC, |cx, args| assign(cx, args, named_slots, Change::Delete));

pub(super) const DELSLOTSRANGE: Command =
    Command::new(DELSLOTSRANGE_SPEC, |cx, args| assign(cx, args, named_ranges, Change::Delete));

pub(super) const FLUSHSLOTS: Command = Command::new(FLUSHSLOTS_SPEC, flush);

/// What happens to the slots that are named.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Change {
    Add,
    Delete,
}

impl Change {
    /// Adds slots to those that are to change, unless one cannot.
    fn take(
        self,
        cluster: &Cluster,
        slots: &mut SlotSet,
        range: SlotRange,
    ) -> Result<(), CommandError> {
        for slot in range.iter() {
            match (self, cluster.owner(slot).is_some()) {
                (Self::Add, true) => return Err(refused(&ClusterError::SlotIsBusy(slot))),
                (Self::Delete, false) => {
                    return Err(refused(&ClusterError::SlotIsUnassigned(slot)));
                }
                _ if !slots.insert(slot) => {
                    return Err(CommandError::err(format!("Slot {slot} specified multiple times")));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// Reads the slots of a request; the first fault in the order of the words is told.
type Read = fn(&Cluster, Args<'_>, Change) -> Result<SlotSet, CommandError>;

fn assign(cx: &mut Context<'_>, args: Args<'_>, read: Read, change: Change) -> CommandResult {
    with_cluster(cx, |cluster, now, _| {
        let slots = read(cluster, args, change)?;
        match change {
            Change::Add => cluster.add_slots(now, &slots),
            Change::Delete => cluster.del_slots(now, &slots),
        }
        .map_err(|error| refused(&error))
    })?;
    cx.reply.ok();
    Ok(())
}

/// All words must be slots before any of them is looked at.
fn named_slots(cluster: &Cluster, args: Args<'_>, change: Change) -> Result<SlotSet, CommandError> {
    let mut slots = SlotSet::new();
    let named: Result<Vec<u16>, _> = args.words()[2..].iter().map(|word| slot(word)).collect();
    for slot in named? {
        change.take(cluster, &mut slots, single(slot))?;
    }
    Ok(slots)
}

fn named_ranges(
    cluster: &Cluster,
    args: Args<'_>,
    change: Change,
) -> Result<SlotSet, CommandError> {
    let (pairs, rest) = args.words()[2..].as_chunks::<2>();
    if !rest.is_empty() {
        let name = match change {
            Change::Add => ADDSLOTSRANGE_SPEC.name(),
            Change::Delete => DELSLOTSRANGE_SPEC.name(),
        };
        return Err(CommandError::WrongArity(name.into()));
    }
    let mut slots = SlotSet::new();
    for [first, last] in pairs {
        let (first, last) = (slot(first)?, slot(last)?);
        let range = SlotRange::new(first, last).map_err(|_| {
            CommandError::err(format!(
                "start slot number {first} is greater than end slot number {last}"
            ))
        })?;
        change.take(cluster, &mut slots, range)?;
    }
    Ok(slots)
}

fn single(slot: u16) -> SlotRange {
    SlotRange::new(slot, slot).expect("a slot that was read is one")
}

fn flush(cx: &mut Context<'_>, _: Args<'_>) -> CommandResult {
    administer(cx, |cluster, now, facts| cluster.flush_slots(now, facts))
}

#[cfg(test)]
mod tests {
    use crate::trial::Trial;

    #[test]
    fn slots_come_and_go() {
        let mut trial = Trial::of_node();
        trial.check(&[
            ("CLUSTER ADDSLOTS 1 2 0 16383", "+OK"),
            ("CLUSTER ADDSLOTSRANGE 10 12 14 14", "+OK"),
            ("CLUSTER ADDSLOTS 5 2 5", "-ERR Slot 2 is already busy"),
            ("CLUSTER ADDSLOTSRANGE 5 11", "-ERR Slot 10 is already busy"),
            ("CLUSTER DELSLOTS 1", "+OK"),
            ("CLUSTER DELSLOTSRANGE 10 11 16383 16383", "+OK"),
            ("CLUSTER DELSLOTS 2 1", "-ERR Slot 1 is already unassigned"),
        ]);
        assert!(trial.run("CLUSTER NODES").ends_with(" connected 0 2 12 14\n\r\n"));
        trial.check(&[("CLUSTER FLUSHSLOTS", "+OK")]);
        assert!(trial.run("CLUSTER NODES").ends_with(" connected\n\r\n"));
    }

    #[test]
    fn what_is_no_slot_or_named_twice() {
        let mut trial = Trial::of_node();
        trial.check(&[
            ("CLUSTER ADDSLOTS 1 1", "-ERR Slot 1 specified multiple times"),
            ("CLUSTER ADDSLOTS 1 1 x", "-ERR Invalid or out of range slot"),
            ("CLUSTER ADDSLOTS 16384", "-ERR Invalid or out of range slot"),
            ("CLUSTER DELSLOTS -1", "-ERR Invalid or out of range slot"),
            ("CLUSTER ADDSLOTSRANGE 1 5 3 4", "-ERR Slot 3 specified multiple times"),
            (
                "CLUSTER ADDSLOTSRANGE 5 1",
                "-ERR start slot number 5 is greater than end slot number 1",
            ),
            (
                "CLUSTER ADDSLOTSRANGE 1 2 3",
                "-ERR wrong number of arguments for 'cluster|addslotsrange' command",
            ),
            (
                "CLUSTER DELSLOTSRANGE 1 2 3",
                "-ERR wrong number of arguments for 'cluster|delslotsrange' command",
            ),
        ]);
        assert!(trial.run("CLUSTER NODES").ends_with(" connected\n\r\n"));
    }

    #[test]
    fn a_node_with_keys_keeps_its_slots() {
        let mut trial = Trial::of_node();
        trial.run("CLUSTER ADDSLOTSRANGE 0 16383");
        trial.run("SET a 1");
        trial.check(&[(
            "CLUSTER FLUSHSLOTS",
            "-ERR DB must be empty to perform CLUSTER FLUSHSLOTS.",
        )]);
    }
}
