//! Mending: slots that stand open, and what that shares with slots of nobody and of several.

mod coverage;
mod owners;

use std::collections::BTreeMap;

use dunlin_manager::{Dialect, Election, OpenSlot, Remedy, Tone};
use dunlin_resp::Value;
use dunlin_slots::SlotSet;

use super::members::{Members, replied_with_error};
use super::mover::{self, Way};
use super::{Failed, Manager, Outcome};

pub(super) use coverage::coverage;
pub(super) use owners::several_owners;

/// Mends open slots; whether the last one is mended.
pub(super) fn open_slots(
    manager: &Manager<'_>,
    members: &mut Members,
    slots: &SlotSet,
) -> Result<bool, Failed> {
    require_all_reachable(manager, members, "open slots")?;
    let keys = count(manager, members, slots)?;
    let mut left: Vec<Open> =
        slots.iter().map(|slot| Open::new(members, manager.console.dialect, slot, &keys)).collect();
    while let Some(first) = left.first() {
        let pair = first.pair(members);
        let same = left.iter().take(TOGETHER).take_while(|open| open.pair(members) == pair);
        let count = if pair.is_some() { same.count() } else { 1 };
        let rest = left.split_off(count);
        let is_mended = match pair {
            Some(pair) => go_on(manager, members, &left, pair),
            None => open_slot(manager, members, &left[0]),
        };
        if !is_mended.is_ok_and(|is_mended| is_mended) {
            return Ok(false);
        }
        left = rest;
    }
    Ok(true)
}

/// Moves that were broken off between the same nodes are taken up so many at once.
const TOGETHER: usize = 64;

/// An open slot, and how many keys of it each node holds.
struct Open {
    slot: OpenSlot,
    keys: Vec<u64>,
}

impl Open {
    fn new(
        members: &Members,
        dialect: Dialect,
        slot: u16,
        keys: &BTreeMap<(usize, u16), u64>,
    ) -> Self {
        let nodes = 0..members.view.nodes.len();
        let keys: Vec<u64> =
            nodes.map(|node| keys.get(&(node, slot)).copied().unwrap_or(0)).collect();
        Self { slot: OpenSlot::new(&members.view, dialect, slot, &keys), keys }
    }

    /// Between which nodes its move only has to go on, if that is all.
    fn pair(&self, members: &Members) -> Option<(usize, usize)> {
        match (&self.slot.election, self.slot.remedy(&members.view, &self.keys)) {
            (Election::Owned(_), Remedy::Move { source, target }) => Some((source, target)),
            _ => None,
        }
    }
}

/// Case 1 for several slots of one pair.
fn go_on(
    manager: &Manager<'_>,
    members: &mut Members,
    open: &[Open],
    (source, target): (usize, usize),
) -> Result<bool, Failed> {
    let slots: Vec<u16> = open.iter().map(|open| open.slot.slot).collect();
    let done = mover::move_together(manager, members, &slots, (source, target))?;
    let (from, to) = (members.address(source), members.address(target));
    let mut is_mended = true;
    for (open, done) in open.iter().zip(&done) {
        let slot = open.slot.slot;
        manager.console.say_plain_in_trib(Tone::Info, &format!(">>> Fixing open slot {slot}"));
        tell(manager, members, &open.slot);
        case(manager, &format!(">>> Case 1: Moving slot {slot} from {from} to {to}"), None);
        is_mended &= mover::tell(manager, members, (source, target), done).is_ok();
    }
    Ok(is_mended)
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

fn open_slot(
    manager: &Manager<'_>,
    members: &mut Members,
    Open { slot: open, keys }: &Open,
) -> Result<bool, Failed> {
    let slot = open.slot;
    manager.console.say_plain_in_trib(Tone::Info, &format!(">>> Fixing open slot {slot}"));
    tell(manager, members, open);
    match &open.election {
        Election::Owned(_) => {}
        Election::Chosen { owner, losers } => install(manager, members, slot, *owner, losers)?,
        Election::Nobody => {
            let text = "[ERR] Can't select a slot owner. Impossible to fix.";
            manager.console.error(text);
            return Ok(false);
        }
    }
    cure(manager, members, open, keys)
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
    let text = format!("*** Configuring {address} as the slot owner");
    manager.console.say_plain_in_trib(Tone::Warning, &text);
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
