//! Slots that nobody owns.

use std::collections::BTreeMap;

use dunlin_manager::{Dialect, Uncovered, slot_ranges, uncovered};
use dunlin_slots::SlotSet;

use super::super::confirm::{Force, confirm};
use super::super::members::Members;
use super::super::mover::{self, Way};
use super::super::{Failed, Manager, Outcome};
use super::{close_on, count, require_all_reachable, take_slot};

/// Gives slots of nobody to somebody; whether any was given.
pub(in super::super) fn coverage(
    manager: &Manager<'_>,
    members: &mut Members,
    slots: &SlotSet,
) -> Result<bool, Failed> {
    require_all_reachable(manager, members, "slots coverage")?;
    manager.console.info(">>> Fixing slots coverage...");
    if manager.console.is_trib() {
        manager.console.plain(&format!("List of not covered slots: {}", listed(manager, slots)));
    }
    let keys = count(manager, members, slots)?;
    if manager.console.is_trib() {
        tell_holders(manager, members, slots, &keys);
    }
    let found =
        uncovered(&members.view, slots, |node, slot| keys.get(&(node, slot)).copied().unwrap_or(0));
    let fixed = cover(manager, members, &found)?;
    Ok(fixed > 0)
}

/// A line for each slot, which only redis-trib has.
fn tell_holders(
    manager: &Manager<'_>,
    members: &Members,
    slots: &SlotSet,
    keys: &BTreeMap<(usize, u16), u64>,
) {
    for slot in slots.iter() {
        let holders = members.view.primaries().filter(|node| keys.contains_key(&(*node, slot)));
        let holders: Vec<String> = holders.map(|node| members.address(node)).collect();
        let (count, holders) = (holders.len(), holders.join(", "));
        manager.console.plain(&format!("Slot {slot} has keys in {count} nodes: {holders}"));
    }
}

fn listed(manager: &Manager<'_>, slots: &SlotSet) -> String {
    if manager.console.is_trib() {
        let slots: Vec<String> = slots.iter().map(|slot| slot.to_string()).collect();
        return slots.join(",");
    }
    slot_ranges(slots, Dialect::Cli)
}

/// Asks before each kind; how many slots have got an owner.
fn cover(manager: &Manager<'_>, members: &mut Members, found: &Uncovered) -> Result<usize, Failed> {
    let mut fixed = 0;
    let random = "Fix these slots by covering with a random node?";
    if asked(manager, &found.without_keys, "no keys across the cluster", random)? {
        let primaries: Vec<usize> = members.view.primaries().collect();
        let mut rng = fastrand::Rng::new();
        for slot in found.without_keys.iter() {
            let node = *rng.choice(&primaries).ok_or(Failed)?;
            let address = members.address(node);
            manager.console.info(&format!(">>> Covering slot {slot} with {address}"));
            take_slot(manager, members, slot, node)?;
            fixed += 1;
        }
    }
    let slots = found.in_one.iter().map(|(slot, _)| *slot).collect();
    let those = "Fix these slots by covering with those nodes?";
    if asked(manager, &slots, "keys in just one node", those)? {
        for (slot, node) in &found.in_one {
            let address = members.address(*node);
            manager.console.info(&format!(">>> Covering slot {slot} with {address}"));
            take_slot(manager, members, *slot, *node)?;
            fixed += 1;
        }
    }
    let slots = found.in_several.iter().map(|(slot, ..)| *slot).collect();
    let single = "Fix these slots by moving keys into a single node?";
    if asked(manager, &slots, "keys in multiple nodes", single)? {
        for (slot, target, others) in &found.in_several {
            unite(manager, members, *slot, *target, others)?;
            fixed += 1;
        }
    }
    Ok(fixed)
}

/// Lists slots of one kind and asks whether to mend them so; there may be none.
fn asked(
    manager: &Manager<'_>,
    slots: &SlotSet,
    what: &str,
    question: &str,
) -> Result<bool, Failed> {
    if slots.is_empty() {
        return Ok(false);
    }
    // The spelling is redis-trib's.
    let following = if manager.console.is_trib() { "folowing" } else { "following" };
    manager.console.plain(&format!("The {following} uncovered slots have {what}:"));
    manager.console.plain(&listed(manager, slots));
    confirm(manager, question, Force::Never)
}

/// The node with most keys of a slot gets it, and the keys of the others.
fn unite(
    manager: &Manager<'_>,
    members: &mut Members,
    slot: u16,
    target: usize,
    others: &[usize],
) -> Outcome {
    let (address, id) = (members.address(target), members.view.nodes[target].id);
    manager.console.info(&format!(">>> Covering slot {slot} moving keys to {address}"));
    take_slot(manager, members, slot, target)?;
    close_on(manager, members, slot, &[target])?;
    for source in others {
        members.demand(manager, *source, &format!("CLUSTER SETSLOT {slot} NODE {id}"))?;
        // It gives keys; said the other way round, so that MIGRATE is not redirected.
        members.demand(manager, *source, &format!("CLUSTER SETSLOT {slot} IMPORTING {id}"))?;
        mover::move_one(manager, members, slot, (*source, target), Way::KeysOnly)?;
        close_on(manager, members, slot, &[*source])?;
    }
    Ok(())
}
