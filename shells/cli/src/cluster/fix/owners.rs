//! Slots of which several nodes have something.

use dunlin_slots::{SLOTS, SlotSet};

use super::super::members::Members;
use super::super::mover::{self, Way};
use super::super::{Failed, Manager, Outcome};
use super::{close_on, count, take_slot};

/// Looks for slots of which several nodes have something, and mends them with `fix`; whether there are
/// none, or none any more.
pub(in super::super) fn several_owners(
    manager: &Manager<'_>,
    members: &mut Members,
) -> Result<bool, Failed> {
    let console = &manager.console;
    console.info(">>> Check for multiple slot owners...");
    let keys = count(manager, members, &SlotSet::full())?;
    let primaries: Vec<usize> = members.view.primaries().collect();
    let mut left = 0;
    for slot in 0..SLOTS {
        let has = |node: &usize| {
            members.view.nodes[*node].slots.contains(slot) || keys.contains_key(&(*node, slot))
        };
        let owners: Vec<usize> = primaries.iter().copied().filter(has).collect();
        if owners.len() < 2 {
            continue;
        }
        left += 1;
        console.error(&format!("[WARNING] Slot {slot} has {} owners:", owners.len()));
        owners.iter().for_each(|owner| console.error(&format!("    {}", members.address(*owner))));
        if manager.command.name == "fix" {
            let counts = |node: usize| keys.get(&(node, slot)).copied().unwrap_or(0);
            if settle_owner(manager, members, slot, &owners, counts).is_err() {
                console.error(&format!("Failed to fix multiple owners for slot {slot}"));
                break;
            }
            left -= 1;
        }
    }
    if left == 0 {
        console.good("[OK] No multiple owners found.");
    }
    Ok(left == 0)
}

/// The owner with most keys keeps the slot.
fn settle_owner(
    manager: &Manager<'_>,
    members: &mut Members,
    slot: u16,
    owners: &[usize],
    keys: impl Fn(usize) -> u64,
) -> Outcome {
    let console = &manager.console;
    console.info(&format!(">>> Fixing multiple owners for slot {slot}..."));
    let most = owners.iter().copied().rev().max_by_key(|node| keys(*node));
    let owner = most.ok_or(Failed)?;
    let (address, id) = (members.address(owner), members.view.nodes[owner].id);
    console.info(&format!(">>> Setting slot {slot} owner: {address}"));
    take_slot(manager, members, slot, owner)?;
    for node in members.view.primaries().filter(|node| *node != owner).collect::<Vec<_>>() {
        let _ = members.ask_words(node, &format!("CLUSTER DELSLOTS {slot}"));
        members.view.nodes[node].slots.remove(slot);
        members.demand(manager, node, &format!("CLUSTER SETSLOT {slot} NODE {id}"))?;
        if keys(node) == 0 {
            continue;
        }
        members.demand(manager, node, &format!("CLUSTER SETSLOT {slot} IMPORTING {id}"))?;
        mover::move_one(manager, members, slot, (node, owner), Way::KeysOnly)?;
        close_on(manager, members, slot, &[node])?;
    }
    Ok(())
}
