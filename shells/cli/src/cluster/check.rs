//! `check`, `info` and `fix`.

use std::fmt::Write as _;

use dunlin_manager::{Health, Problem, block};
use dunlin_slots::SLOTS;

use super::members::{Members, replied_with_error};
use super::{Failed, Manager, Outcome, fix, join, json, preflight};

/// What a check found.
pub(super) struct Inspection {
    /// How many things are wrong, mended or not.
    pub(super) errors: usize,
    /// Whether the cluster is in order now.
    pub(super) is_good: bool,
}

/// `check`
pub(super) fn run(manager: &Manager<'_>) -> Outcome {
    let mut members = Members::load(manager, &manager.host_from(0)?)?;
    if !manager.console.is_trib() {
        show_info(manager, &mut members);
    }
    let found = inspect(manager, &mut members, Listing::Full)?;
    judge(manager, &found)
}

/// Whether what was found is a failure. redis-trib tells it, and does not fail.
pub(super) fn judge(manager: &Manager<'_>, found: &Inspection) -> Outcome {
    if found.is_good || manager.console.is_trib() { Ok(()) } else { Err(Failed) }
}

/// `fix`: a check that mends.
///
/// Differs: nodes get a moment to hear what others have been told just before. What is mended before
/// they have may be taken back by them.
pub(super) fn run_fix(manager: &Manager<'_>) -> Outcome {
    let host = manager.host_from(0)?;
    let mut members = Members::load(manager, &host)?;
    if !members.is_settled() && join::settle(&mut members, join::GOSSIP) {
        members = Members::load(manager, &host)?;
    }
    if !manager.console.is_trib() {
        show_info(manager, &mut members);
    }
    let found = inspect(manager, &mut members, Listing::Full)?;
    if found.errors > 0 && found.is_good {
        join::wait_until_agreed(manager, &mut members);
    }
    judge(manager, &found)
}

/// `info`
pub(super) fn run_info(manager: &Manager<'_>) -> Outcome {
    let mut members = Members::load(manager, &manager.host_from(0)?)?;
    let keys = show_info(manager, &mut members);
    manager.console.json(|| json::info(&members, &keys));
    Ok(())
}

/// A line for each primary and the sums; less if a node does not tell. Returns the keys of each.
fn show_info(manager: &Manager<'_>, members: &mut Members) -> Vec<(usize, i64)> {
    let mut counts = Vec::new();
    for index in members.view.primaries().collect::<Vec<_>>() {
        let answer = members.ask(index, &[b"DBSIZE"]);
        let node = &members.view.nodes[index];
        let address = node.address();
        let keys = match answer {
            Ok(value) => value.integer().unwrap_or(0),
            Err(error) => {
                replied_with_error(manager, &address, &error);
                return counts;
            }
        };
        let (id, slots) = (&node.id.as_str()[..8], node.slots.len());
        let replicas = node.replicas.unwrap_or(0);
        let line =
            format!("{address} ({id}...) -> {keys} keys | {slots} slots | {replicas} slaves.");
        manager.console.plain(&line);
        counts.push((index, keys));
    }
    let (total, count) = (counts.iter().map(|(_, keys)| keys).sum::<i64>(), counts.len());
    manager.console.good(&format!("[OK] {total} keys in {count} masters."));
    let average = total as f32 / f32::from(SLOTS);
    manager.console.plain(&format!("{average:.2} keys per slot on average."));
    counts
}

/// How much a check shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Listing {
    /// All nodes.
    Full,
    /// What is wrong.
    Brief,
}

/// Checks, and mends if that is the subcommand.
pub(super) fn inspect(
    manager: &Manager<'_>,
    members: &mut Members,
    listing: Listing,
) -> Result<Inspection, Failed> {
    let console = &manager.console;
    let is_fix = manager.command.name == "fix";
    let is_check = ["check", "fix"].contains(&manager.command.name.as_str());
    console.info(&format!(">>> Performing Cluster Check (using node {})", members.address(0)));
    if listing == Listing::Full {
        show_nodes(manager, members);
    }
    if is_check {
        preflight::tell_strangers(manager, members);
    }
    let nodes_agree = members.agree();
    let health = Health::of(&members.view, nodes_agree);
    if nodes_agree {
        console.good("[OK] All nodes agree about slots configuration.");
    }
    let mut is_good = health.is_good();
    let mut told = health
        .problems
        .iter()
        .map(|problem| (problem, problem.text(&members.view, console.dialect)));
    let mut coverage = None;
    if !nodes_agree && let Some((_, text)) = told.next() {
        console.error(&text);
    }
    console.info(">>> Check for open slots...");
    for (problem, text) in told {
        match problem {
            Problem::Uncovered => coverage = Some(text),
            _ => console.error(&text),
        }
    }
    if !health.open.is_empty() {
        tell_open(manager, &health);
        if is_fix {
            is_good = fix::open_slots(manager, members, &health.open)?;
        }
    }
    console.info(">>> Check slots coverage...");
    // What was mended may have got an owner.
    let uncovered = Health::of(&members.view, true).uncovered;
    match coverage.filter(|_| !uncovered.is_empty()) {
        None => console.good(&format!("[OK] All {SLOTS} slots covered.")),
        Some(text) => {
            console.error(&text);
            is_good = is_fix && fix::coverage(manager, members, &uncovered)?;
        }
    }
    if manager.command.search_multiple_owners {
        is_good &= fix::several_owners(manager, members)?;
    }
    if is_check {
        console.json(|| json::check(members, &health, is_good));
    }
    Ok(Inspection { errors: health.problems.len(), is_good })
}

/// A paragraph for each node.
pub(super) fn show_nodes(manager: &Manager<'_>, members: &Members) {
    let mut text = String::new();
    for node in &members.view.nodes {
        let _ = writeln!(text, "{}", block(node, manager.console.dialect, 0));
    }
    manager.console.write(&text);
}

fn tell_open(manager: &Manager<'_>, health: &Health) {
    let slots: Vec<String> = health.open.iter().map(|slot| slot.to_string()).collect();
    let end = if manager.console.is_trib() { "" } else { "." };
    let slots = slots.join(",");
    manager.console.error(&format!("[WARNING] The following slots are open: {slots}{end}"));
}
