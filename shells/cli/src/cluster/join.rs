//! Waiting until nodes know each other.

use std::collections::{BTreeMap, BTreeSet};
use std::thread::sleep;
use std::time::{Duration, Instant};

use dunlin_cluster::NodeId;
use dunlin_manager::{Line, agree};

use super::members::{Members, text};
use super::{Failed, Manager};

/// Between two looks. redis-cli looks once a second.
const LOOK_EVERY: Duration = Duration::from_millis(25);
/// When nodes have not found each other after so many seconds, something is wrong.
const PATIENCE_S: u64 = 20;

/// After so many seconds nodes are asked why.
const REASONS_AFTER_S: u64 = 2;

/// Waits until all nodes know each other and agree, with a dot for each second; tells who does not
/// reach whom if that takes long, and goes on waiting: somebody may help with CLUSTER MEET.
pub(super) fn wait_until_joined(manager: &Manager<'_>, members: &mut Members) {
    let console = &manager.console;
    let start = Instant::now();
    console.write("Waiting for the cluster to join");
    if !console.is_trib() {
        console.write("\n");
    }
    let (mut dots, mut since_report) = (0, 0);
    let mut told = BTreeSet::new();
    let patience = PATIENCE_S + members.view.nodes.len() as u64 * 15 / 100;
    loop {
        let lines = members.lines();
        if lines.as_ref().is_some_and(|lines| are_joined(members, lines) && agree(lines)) {
            break;
        }
        sleep(LOOK_EVERY);
        if start.elapsed().as_secs() > dots {
            (dots, since_report) = (dots + 1, since_report + 1);
            console.write(".");
            if dots >= REASONS_AFTER_S {
                tell_reasons(manager, members, &mut told);
            }
        }
        if since_report > patience {
            since_report = 0;
            report(manager, members, &lines.unwrap_or_default());
        }
    }
    console.write("\n");
}

/// Nodes that know why they do not reach others (those of dunlin) are asked; each reason is told once.
fn tell_reasons(manager: &Manager<'_>, members: &mut Members, told: &mut BTreeSet<String>) {
    for (index, answer) in members.ask_all("CLUSTER INFO").into_iter().enumerate() {
        let Ok(info) = answer else { continue };
        let lines = text(&info).unwrap_or_default().lines();
        let reasons = lines.filter_map(|line| line.strip_prefix("cluster_unreachable_node_"));
        for (_, reason) in reasons.filter_map(|line| line.split_once(':')) {
            if told.insert(format!("{index} {reason}")) {
                let address = members.address(index);
                manager.console.aside(&format!("\n*** {address} cannot reach {reason}"));
            }
        }
    }
}

/// Waits, silently, until all nodes know each other.
///
/// # Errors
/// They do not in time; who does not reach whom is told.
pub(super) fn wait_until_known(manager: &Manager<'_>, members: &mut Members) -> Result<(), Failed> {
    let patience = PATIENCE_S + members.view.nodes.len() as u64 * 15 / 100;
    let end = Instant::now() + Duration::from_secs(patience);
    loop {
        let lines = members.lines();
        if lines.as_ref().is_some_and(|lines| are_joined(members, lines)) {
            return Ok(());
        }
        if Instant::now() >= end {
            let text = "[ERR] The node was told to join, and not all nodes know each other yet.";
            manager.console.error(text);
            report(manager, members, &lines.unwrap_or_default());
            return Err(Failed);
        }
        sleep(LOOK_EVERY);
    }
}

/// How long nodes usually take, at most, to hear what others have been told.
pub(super) const GOSSIP: Duration = Duration::from_secs(5);

/// Waits, silently, until all nodes name the same owners with the same epochs, but no longer than
/// that; whether they do.
pub(super) fn settle(members: &mut Members, patience: Duration) -> bool {
    let end = Instant::now() + patience;
    loop {
        if members.is_settled() {
            return true;
        }
        if Instant::now() >= end {
            return false;
        }
        sleep(LOOK_EVERY);
    }
}

/// Waits, silently, until what was changed is known everywhere: replicas hear of a slot's new owner by
/// gossip, and what is done next wants nodes that agree.
pub(super) fn wait_until_agreed(manager: &Manager<'_>, members: &mut Members) {
    if !settle(members, Duration::from_secs(PATIENCE_S)) {
        manager.console.aside("*** Not all nodes have heard of the new owners yet.");
    }
}

/// Waits, silently and for some seconds, until a node serves if its cluster does: one that has just
/// joined refuses keys for a moment.
pub(super) fn wait_until_serving(members: &mut Members, node: usize) {
    let end = Instant::now() + GOSSIP;
    let mut serves = |node: usize| {
        let info = members.ask_words(node, "CLUSTER INFO");
        let info = info.ok();
        info.as_ref().and_then(text).is_some_and(|info| info.contains("cluster_state:ok"))
    };
    while serves(0) && !serves(node) && Instant::now() < end {
        sleep(LOOK_EVERY);
    }
}

/// Whether each node knows each by its name, and has a link to it.
fn are_joined(members: &Members, views: &[Vec<Line>]) -> bool {
    let ids: Vec<NodeId> = members.view.nodes.iter().map(|node| node.id).collect();
    views.iter().all(|lines| {
        let known = |id: &NodeId| {
            let line = lines.iter().find(|line| line.id == *id);
            line.is_some_and(|line| !line.has("handshake") && !line.has("noaddr"))
        };
        ids.iter().all(known)
    })
}

/// Who is not reached by whom.
fn report(manager: &Manager<'_>, members: &Members, views: &[Vec<Line>]) {
    let mut missed: BTreeMap<(&str, u16, u16), Vec<String>> = BTreeMap::new();
    for (index, lines) in views.iter().enumerate() {
        let others = lines.iter().filter(|line| !line.has("myself"));
        for line in others.filter(|line| !line.connected || line.has("handshake")) {
            let from = missed.entry((&line.host, line.port, line.bus_port)).or_default();
            from.push(members.address(index));
        }
    }
    if missed.is_empty() {
        return;
    }
    let console = &manager.console;
    console.write("\n");
    console.error(&format!("Warning: {} node(s) may be unreachable", missed.len()));
    for ((host, port, bus_port), from) in missed {
        console.error(&match bus_port {
            0 => format!(" - Node {host}:{port} may be unreachable from:"),
            _ => format!(" - The port {bus_port} of node {host} may be unreachable from:"),
        });
        from.iter().for_each(|address| console.error(&format!("   {address}")));
        console.error(
            "Cluster bus ports must be reachable by every node.\nRemember that cluster bus ports \
             are different from standard instance ports.",
        );
    }
}
