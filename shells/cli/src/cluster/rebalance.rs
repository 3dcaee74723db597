//! `rebalance`: slots are spread by weight.

use dunlin_manager::{Balance, Rebalance, Share, Tone, Transfer, Weight, rebalance};

use super::check::{Listing, inspect};
use super::members::Members;
use super::mover::{Job, Telling, move_slots};
use super::{Failed, Manager, Outcome, join, json};

/// `rebalance host:port`
pub(super) fn run(manager: &Manager<'_>) -> Outcome {
    let console = &manager.console;
    let mut members = Members::load(manager, &manager.host_from(0)?)?;
    let shares = shares(manager, &members)?;
    if inspect(manager, &mut members, Listing::Brief)?.errors > 0 {
        let text = "*** Please fix your cluster problems before rebalancing";
        console.say_plain_in_trib(Tone::Error, text);
        return Err(Failed);
    }
    let threshold = manager.command.threshold as f32;
    match rebalance(&shares, threshold) {
        Rebalance::WithinThreshold => {
            let threshold = match console.is_trib() {
                true => format!("{threshold:?}"),
                false => format!("{threshold:.2}"),
            };
            console.warn(&format!(
                "*** No rebalancing needed! All nodes are within the {threshold}% threshold."
            ));
            console.json(|| json::moves(&members, &[], 0));
            Ok(())
        }
        Rebalance::NoWeight => {
            console.error("*** No master has a weight above 0.");
            Err(Failed)
        }
        Rebalance::Needed { balances, total_weight, transfers } => {
            tell(manager, &members, &balances, total_weight);
            join::settle(&mut members, join::GOSSIP);
            carry_out(manager, &members, transfers)?;
            join::wait_until_agreed(manager, &mut members);
            Ok(())
        }
    }
}

/// The primaries that take part, with their weights.
fn shares(manager: &Manager<'_>, members: &Members) -> Result<Vec<Share>, Failed> {
    let mut weights = vec![Weight::default(); members.view.nodes.len()];
    for word in manager.command.weights.iter().flatten() {
        let (node, weight) = weight(manager, members, word).map_err(|text| {
            manager.console.say_plain_in_trib(Tone::Error, &text);
            Failed
        })?;
        weights[node] = weight;
    }
    let takes_part = |node: &usize| {
        manager.command.use_empty_primaries || !members.view.nodes[*node].slots.is_empty()
    };
    let primaries = members.view.primaries().filter(takes_part);
    Ok(primaries
        .map(|node| Share {
            node,
            slots: members.view.nodes[node].slots.clone(),
            weight: weights[node],
        })
        .collect())
}

/// `id=weight`; the beginning of the id will do.
fn weight(manager: &Manager<'_>, members: &Members, word: &str) -> Result<(usize, Weight), String> {
    let invalid = || format!("*** invalid input {word}");
    let (name, value) = word.split_once('=').ok_or_else(invalid)?;
    let node = members.view.find_by_start(name);
    let node =
        node.filter(|node| !manager.console.is_trib() || is_one_primary(members, *node, name));
    let node = node.ok_or_else(|| format!("*** No such master node {name}"))?;
    let value = crate::number::leading_decimal(value.as_bytes()) as f32;
    Ok((node, Weight::new(value).ok_or_else(invalid)?))
}

/// Whether it is a primary, and no other name begins so.
fn is_one_primary(members: &Members, node: usize, start: &str) -> bool {
    let start = start.to_ascii_lowercase();
    let named = members.view.nodes.iter().filter(|node| node.id.as_str().starts_with(&start));
    members.view.nodes[node].is_primary() && named.count() == 1
}

fn tell(manager: &Manager<'_>, members: &Members, balances: &[Balance], total_weight: f32) {
    let console = &manager.console;
    let total = match console.is_trib() {
        // Weights that were given are no whole numbers there, and so is their sum.
        true if manager.command.weights.is_none() => format!("{total_weight:.0}"),
        true => format!("{total_weight:?}"),
        false => format!("{total_weight:.2}"),
    };
    let count = balances.len();
    console.info(&format!(">>> Rebalancing across {count} nodes. Total weight = {total}"));
    if manager.verbose {
        for Balance { node, excess } in balances {
            console.plain(&format!("{} balance is {excess} slots", members.address(*node)));
        }
    }
}

fn carry_out(manager: &Manager<'_>, members: &Members, transfers: Vec<Transfer>) -> Outcome {
    let jobs: Vec<Job> = transfers
        .into_iter()
        .map(|Transfer { source, target, slots }| Job { source, target, slots })
        .collect();
    if !manager.command.simulate && !manager.command.dry_run {
        return move_slots(manager, members, &jobs, Telling::Marks);
    }
    for Job { source, target, slots } in &jobs {
        let (source, target) = (members.address(*source), members.address(*target));
        let count = slots.len();
        let marks = "#".repeat(count);
        let text = format!("Moving {count} slots from {source} to {target}\n{marks}");
        manager.console.plain(&text);
    }
    manager.console.json(|| json::moves(members, &jobs, 0));
    Ok(())
}
