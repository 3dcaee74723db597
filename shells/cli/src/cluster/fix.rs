//! Mending: open slots, slots of nobody, slots of several.

use std::collections::BTreeMap;

use dunlin_manager::{Dialect, Election, OpenSlot, Remedy, Uncovered, slot_ranges, uncovered};
use dunlin_resp::Value;
use dunlin_slots::{SLOTS, SlotSet};

use super::confirm::{Force, confirm};
use super::members::{Members, replied_with_error};
use super::mover::{self, Way};
use super::{Failed, Manager, Outcome};

/// Mends open slots; whether the last one is mended.
pub(super) fn open_slots(
    manager: &Manager<'_>,
    members: &mut Members,
    slots: &SlotSet,
) -> Result<bool, Failed> {
    require_all_reachable(manager, members, "open slots")?;
    for slot in slots.iter() {
        if !open_slot(manager, members, slot).is_ok_and(|is_mended| is_mended) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// What nodes that do not answer own would be given to others.
fn require_all_reachable(manager: &Manager<'_>, members: &Members, what: &str) -> Outcome {
    let count = members.view.unreachable_primaries;
    if count == 0
        || manager.command.fix_with_unreachable_primaries
        || manager.console.dialect == Dialect::Trib
    {
        return Ok(());
    }
    manager.console.warn(&format!(
        "*** Fixing {what} with {count} unreachable masters is dangerous: redis-cli will assume that \
         slots about masters that are not reachable are not covered, and will try to reassign them to \
         the reachable nodes. This can cause data loss and is rarely what you want to do. If you \
         really want to proceed use the --cluster-fix-with-unreachable-masters option."
    ));
    Err(Failed)
}

fn open_slot(manager: &Manager<'_>, members: &mut Members, slot: u16) -> Result<bool, Failed> {
    manager.console.info(&format!(">>> Fixing open slot {slot}"));
    let keys = members.count_keys(manager, slot)?;
    let open = OpenSlot::new(&members.view, slot, &keys);
    tell(manager, members, &open);
    match &open.election {
        Election::Owned(_) => {}
        Election::Chosen { owner, losers } => install(manager, members, slot, *owner, losers)?,
        Election::Nobody => {
            let text = "[ERR] Can't select a slot owner. Impossible to fix.";
            manager.console.error(text);
            return Ok(false);
        }
    }
    cure(manager, members, &open, &keys)
}

/// Who gives the slot, who gets it, who has keys of it.
fn tell(manager: &Manager<'_>, members: &Members, open: &OpenSlot) {
    let (console, slot) = (&manager.console, open.slot);
    let is_trib = console.is_trib();
    for stray in open.strays.iter().filter(|_| !is_trib) {
        let address = members.address(*stray);
        console.warn(&format!("*** Found keys about slot {slot} in non-owner node {address}!"));
    }
    for keeper in &open.keepers {
        let address = members.address(*keeper);
        console.warn(&format!("*** Found keys about slot {slot} in node {address}!"));
    }
    for (what, nodes) in [("migrating", &open.migrating), ("importing", &open.importing)] {
        if is_trib || !nodes.is_empty() {
            console.plain(&format!("Set as {what} in: {}", addresses(members, nodes)));
        }
    }
    if let Election::Chosen { .. } | Election::Nobody = open.election {
        console.info(match is_trib {
            true => ">>> Nobody claims ownership, selecting an owner...",
            false => ">>> No single clear owner for the slot, selecting an owner by # of keys...",
        });
    }
}

fn addresses(members: &Members, nodes: &[usize]) -> String {
    let addresses: Vec<String> = nodes.iter().map(|node| members.address(*node)).collect();
    addresses.join(",")
}

/// Gives the slot to one node; the others are told, and that keys come from them.
fn install(
    manager: &Manager<'_>,
    members: &mut Members,
    slot: u16,
    owner: usize,
    losers: &[usize],
) -> Outcome {
    let address = members.address(owner);
    manager.console.warn(&format!("*** Configuring {address} as the slot owner"));
    members.demand(manager, owner, &format!("CLUSTER SETSLOT {slot} STABLE"))?;
    take_slot(manager, members, slot, owner)?;
    let id = members.view.nodes[owner].id;
    for loser in losers {
        // It may know no owner; that is as well.
        let _ = members.ask_words(*loser, &format!("CLUSTER DELSLOTS {slot}"));
        members.view.nodes[*loser].slots.remove(slot);
        members.demand(manager, *loser, &format!("CLUSTER SETSLOT {slot} NODE {id}"))?;
        members.demand(manager, *loser, &format!("CLUSTER SETSLOT {slot} IMPORTING {id}"))?;
    }
    Ok(())
}

/// Makes a node the owner of a slot by its own word, with a new config epoch so that others believe
/// it.
fn take_slot(manager: &Manager<'_>, members: &mut Members, slot: u16, owner: usize) -> Outcome {
    members.demand(manager, owner, "MULTI")?;
    for request in [
        format!("CLUSTER DELSLOTS {slot}"),
        format!("CLUSTER ADDSLOTS {slot}"),
        "CLUSTER BUMPEPOCH".to_owned(),
    ] {
        members.demand(manager, owner, &request)?;
    }
    let done = members.demand(manager, owner, "EXEC")?;
    // DELSLOTS may find nothing to do, and so may BUMPEPOCH.
    if let Some(Value::Error(error)) = done.items().and_then(|items| items.get(1)) {
        let error = String::from_utf8_lossy(error).into_owned();
        replied_with_error(manager, &members.address(owner), &error);
        return Err(Failed);
    }
    members.view.nodes[owner].slots.insert(slot);
    Ok(())
}

fn cure(
    manager: &Manager<'_>,
    members: &mut Members,
    open: &OpenSlot,
    keys: &[u64],
) -> Result<bool, Failed> {
    let (slot, remedy) = (open.slot, open.remedy(&members.view, keys));
    match &remedy {
        Remedy::Move { source, target } => {
            let (from, to) = (members.address(*source), members.address(*target));
            case(manager, &format!(">>> Case 1: Moving slot {slot} from {from} to {to}"), None);
            mover::move_one(manager, members, slot, (*source, *target), Way::Whole)?;
        }
        Remedy::Gather { owner, from } => gather(manager, members, slot, *owner, from)?,
        Remedy::MoveAndClose { source, target, close } => {
            let (from, to) = (members.address(*source), members.address(*target));
            let what = "closing it on all the other importing nodes.";
            let text = format!(">>> Case 3: Moving slot {slot} from {from} to {to} and {what}");
            case(manager, &text, None);
            mover::move_one(manager, members, slot, (*source, *target), Way::Whole)?;
            close_on(manager, members, slot, close)?;
        }
        Remedy::CloseAll(nodes) => {
            let what = "on both migrating and importing nodes.";
            case(manager, &format!(">>> Case 3: Closing slot {slot} {what}"), None);
            close_on(manager, members, slot, nodes)?;
        }
        Remedy::Close(node) => {
            let address = members.address(*node);
            case(manager, &format!(">>> Case 4: Closing slot {slot} on {address}"), None);
            close_on(manager, members, slot, &[*node])?;
        }
        Remedy::Unknown => {
            sorry(manager, members, open);
            return Ok(false);
        }
    }
    Ok(true)
}

/// redis-trib does not count its cases.
fn case(manager: &Manager<'_>, text: &str, of_trib: Option<&str>) {
    match (manager.console.is_trib(), of_trib) {
        (false, _) => manager.console.info(text),
        (true, Some(text)) => manager.console.info(text),
        (true, None) => {}
    }
}

/// All keys go to the owner, everybody learns who it is.
fn gather(
    manager: &Manager<'_>,
    members: &mut Members,
    slot: u16,
    owner: usize,
    from: &[usize],
) -> Outcome {
    let (address, id) = (members.address(owner), members.view.nodes[owner].id);
    let what = format!("Moving all the {slot} slot keys to its owner {address}");
    case(manager, &format!(">>> Case 2: {what}"), Some(&format!(">>> {what}")));
    for node in from {
        mover::move_one(manager, members, slot, (*node, owner), Way::KeysOnly)?;
        let address = members.address(*node);
        manager.console.info(&format!(">>> Setting {slot} as STABLE in {address}"));
        close_on(manager, members, slot, &[*node])?;
    }
    for node in members.view.primaries().filter(|node| *node != owner).collect::<Vec<_>>() {
        members.demand(manager, node, &format!("CLUSTER SETSLOT {slot} NODE {id}"))?;
    }
    Ok(())
}

fn close_on(manager: &Manager<'_>, members: &mut Members, slot: u16, nodes: &[usize]) -> Outcome {
    for node in nodes {
        members.demand(manager, *node, &format!("CLUSTER SETSLOT {slot} STABLE"))?;
    }
    Ok(())
}

fn sorry(manager: &Manager<'_>, members: &Members, open: &OpenSlot) {
    let name = if manager.console.is_trib() { "Redis-trib" } else { "redis-cli" };
    let (migrating, importing) =
        (addresses(members, &open.migrating), addresses(members, &open.importing));
    let owner = open.owner().map(|owner| members.address(owner)).unwrap_or_default();
    manager.console.error(&format!(
        "[ERR] Sorry, {name} can't fix this slot yet (work in progress). Slot is set as migrating in \
         {migrating}, as importing in {importing}, owner is {owner}"
    ));
}

/// Gives slots of nobody to somebody; whether any was given.
pub(super) fn coverage(
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
    let found =
        uncovered(&members.view, slots, |node, slot| keys.get(&(node, slot)).copied().unwrap_or(0));
    let fixed = cover(manager, members, &found)?;
    Ok(fixed > 0)
}

/// How many keys each primary holds of each of the slots, where there are any.
fn count(
    manager: &Manager<'_>,
    members: &mut Members,
    slots: &SlotSet,
) -> Result<BTreeMap<(usize, u16), u64>, Failed> {
    let mut keys = BTreeMap::new();
    for node in members.view.primaries().collect::<Vec<_>>() {
        let requests = slots.iter().map(|slot| format!("CLUSTER COUNTKEYSINSLOT {slot}"));
        let counts = members.ask_many(node, requests).map_err(|error| {
            replied_with_error(manager, &members.address(node), &error);
            Failed
        })?;
        let counts = slots.iter().zip(counts.iter().filter_map(Value::integer));
        keys.extend(
            counts
                .filter(|(_, count)| *count > 0)
                .map(|(slot, count)| ((node, slot), count.unsigned_abs())),
        );
    }
    Ok(keys)
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

/// Looks for slots of which several nodes have something, and mends them with `fix`; whether there are
/// none, or none any more.
pub(super) fn several_owners(manager: &Manager<'_>, members: &mut Members) -> Result<bool, Failed> {
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
