//! `create`: nodes become a cluster.

use std::fmt::Write as _;
use std::net::ToSocketAddrs;
use std::thread::sleep;
use std::time::{Duration, Instant};

use dunlin_manager::{Affinity, Candidate, CreatePlan, InvalidCreation, Node, Tone};
use dunlin_slots::SlotSet;

use super::check::{Listing, inspect, show_nodes};
use super::confirm::{Force, confirm};
use super::members::{Member, Members, connect_first, replied_with_error};
use super::{Failed, Manager, Outcome, join, parse_host, preflight};

/// How long a node may take to know whom it is to follow.
const REPLICATE_TIMEOUT: Duration = Duration::from_secs(10);
/// Up to so many nodes meet each other in pairs: that is faster than gossip.
const NODES_THAT_MEET_MAX: usize = 32;

/// `create`
pub(super) fn run(manager: &Manager<'_>) -> Outcome {
    let console = &manager.console;
    if console.is_trib() {
        console.info(">>> Creating cluster");
    }
    let mut members = empty_nodes(manager)?;
    let plan = plan(manager, &members)?;
    tell_plan(manager, &members, &plan);
    apply(&mut members, &plan);
    show_nodes(manager, &members);
    let met = count_of_met(&members.view.nodes);
    preflight::require_reach(manager, &mut members, met)?;
    if manager.command.dry_run {
        return Ok(());
    }
    if !confirm(manager, "Can I set the above configuration?", Force::Allowed)? {
        return Ok(());
    }
    give_slots(manager, &mut members)?;
    console.info(">>> Nodes configuration updated");
    console.info(">>> Assign a different config epoch to each node");
    for index in 0..members.view.nodes.len() {
        // A node that has one keeps it.
        let _ = members.ask_words(index, &format!("CLUSTER SET-CONFIG-EPOCH {}", index + 1));
    }
    console.info(">>> Sending CLUSTER MEET messages to join the cluster");
    meet(manager, &mut members, met)?;
    join::wait_until_joined(manager, &mut members);
    replicate(manager, &mut members)?;
    let mut members = Members::load(manager, &members.host(0))?;
    // As with redis-cli, what is wrong here does not undo the cluster.
    inspect(manager, &mut members, Listing::Full)?;
    Ok(())
}

fn empty_nodes(manager: &Manager<'_>) -> Result<Members, Failed> {
    let mut members: Vec<Member> = Vec::new();
    for (index, _) in manager.command.arguments.iter().enumerate() {
        let word = manager.argument(index);
        let Some(host) = parse_host(&word) else {
            match manager.console.is_trib() {
                true => return Err(manager.host_at(index).err().unwrap_or(Failed)),
                false => manager.console.aside(&format!("Invalid address format: {word}")),
            }
            return Err(Failed);
        };
        let (mut member, _) = connect_first(manager, &host)?;
        preflight::require_empty(manager, &mut member)?;
        if members.iter().any(|other| other.node.id == member.node.id) {
            manager.console.error(&format!("[ERR] Node {host} was named twice."));
            return Err(Failed);
        }
        members.push(member);
    }
    Ok(Members::of(members, 0))
}

fn plan(manager: &Manager<'_>, members: &Members) -> Result<CreatePlan, Failed> {
    let candidates: Vec<Candidate> =
        members.view.nodes.iter().map(|node| Candidate { host: node.host.clone() }).collect();
    let Ok(replicas) = usize::try_from(manager.command.replicas) else {
        manager.console.error("*** ERROR: The number of replicas must not be negative.");
        return Err(Failed);
    };
    let plan = CreatePlan::new(&candidates, replicas, &mut fastrand::Rng::new());
    plan.map_err(|InvalidCreation { nodes, replicas, required }| {
        let text = format!(
            "*** ERROR: Invalid configuration for cluster creation.\n\
             *** Redis Cluster requires at least 3 master nodes.\n\
             *** This is not possible with {nodes} nodes and {replicas} replicas per node."
        );
        let text = format!("{text}\n*** At least {required} nodes are required.");
        manager.console.say_plain_in_trib(Tone::Error, &text);
        Failed
    })
}

fn tell_plan(manager: &Manager<'_>, members: &Members, plan: &CreatePlan) {
    let console = &manager.console;
    let count = members.view.nodes.len();
    console.info(&format!(">>> Performing hash slots allocation on {count} nodes..."));
    let mut text = String::new();
    if console.is_trib() {
        let _ = writeln!(text, "Using {} masters:", plan.primaries.len());
    }
    for (index, (node, range)) in plan.primaries.iter().enumerate() {
        let _ = match (console.is_trib(), range) {
            (true, _) => writeln!(text, "{}", members.address(*node)),
            (false, Some(range)) => {
                let (first, last) = (range.first(), range.last());
                writeln!(text, "Master[{index}] -> Slots {first} - {last}")
            }
            (false, None) => writeln!(text, "Master[{index}] -> no slots"),
        };
    }
    let mut is_extra = false;
    for one in &plan.assignments {
        if one.is_extra && !is_extra && !console.is_trib() {
            is_extra = true;
            text.push_str("Adding extra replicas...\n");
        }
        let (replica, primary) = (members.address(one.replica), members.address(one.primary));
        let _ = writeln!(text, "Adding replica {replica} to {primary}");
    }
    console.write(&text);
    if plan.affinity != Affinity::Untouched {
        console.info(">>> Trying to optimize slaves allocation for anti-affinity");
    }
    match plan.affinity {
        Affinity::Untouched => {}
        Affinity::Perfect => console.good("[OK] Perfect anti-affinity obtained!"),
        Affinity::WithPrimary => {
            let text = "[WARNING] Some slaves are in the same host as their master";
            console.say_plain_in_trib(Tone::Warning, text);
        }
        Affinity::WithEachOther => {
            let text = "[WARNING] Some slaves of the same master are in the same host";
            console.say_plain_in_trib(Tone::Warning, text);
        }
    }
}

/// Lets the view show what is planned.
fn apply(members: &mut Members, plan: &CreatePlan) {
    let ids: Vec<_> = members.view.nodes.iter().map(|node| node.id).collect();
    for (node, follows) in members.view.nodes.iter_mut().zip(&plan.follows) {
        node.replicas = None;
        node.primary = follows.map(|primary| ids[primary]);
        node.is_planned = follows.is_some();
    }
    for (node, range) in &plan.primaries {
        let mut slots = SlotSet::new();
        range.iter().for_each(|range| slots.insert_range(*range));
        members.view.nodes[*node].slots = slots;
    }
}

fn give_slots(manager: &Manager<'_>, members: &mut Members) -> Outcome {
    for index in 0..members.view.nodes.len() {
        let node = &members.view.nodes[index];
        if node.primary.is_some() || node.slots.is_empty() {
            continue;
        }
        let slots: Vec<String> = node.slots.iter().map(|slot| slot.to_string()).collect();
        members.demand(manager, index, &format!("CLUSTER ADDSLOTS {}", slots.join(" ")))?;
    }
    Ok(())
}

/// How many nodes are met by all behind them: the first one, so that gossip does the rest; where
/// addresses mean the same everywhere, and there are not many, all of them.
fn count_of_met(nodes: &[Node]) -> usize {
    let is_one_host = nodes.iter().all(|node| node.host == nodes[0].host);
    let in_pairs = is_one_host && nodes.len() <= NODES_THAT_MEET_MAX;
    if in_pairs { nodes.len() } else { 1 }
}

fn meet(manager: &Manager<'_>, members: &mut Members, count: usize) -> Outcome {
    for met in 0..count {
        let request = meet_request(manager, &members.view.nodes[met])?;
        for index in met + 1..members.view.nodes.len() {
            let answer = members.ask_words(index, &request);
            if let Err(error) = answer {
                replied_with_error(manager, &members.address(index), &error);
                return Err(Failed);
            }
        }
    }
    Ok(())
}

/// CLUSTER MEET wants an address, not a name; a port of the bus only where it is another than usual,
/// because servers before 4.0 take none.
pub(super) fn meet_request(manager: &Manager<'_>, node: &Node) -> Result<String, Failed> {
    let found = (node.host.as_str(), node.port).to_socket_addrs().ok();
    let Some(address) = found.and_then(|mut addresses| addresses.next()) else {
        let text = format!("Invalid IP address or hostname specified: {}", node.host);
        manager.console.aside(&text);
        return Err(Failed);
    };
    let (ip, port) = (address.ip(), node.port);
    Ok(match node.has_usual_bus_port() {
        true => format!("CLUSTER MEET {ip} {port}"),
        false => format!("CLUSTER MEET {ip} {port} {}", node.bus_port),
    })
}

/// Makes replicas of those that are to be; a node that does not know its primary yet is asked again.
fn replicate(manager: &Manager<'_>, members: &mut Members) -> Outcome {
    let end = Instant::now() + REPLICATE_TIMEOUT;
    for index in 0..members.view.nodes.len() {
        let Some(primary) = members.view.nodes[index].primary else { continue };
        let request = format!("CLUSTER REPLICATE {primary}");
        while let Err(error) = members.ask_words(index, &request) {
            if Instant::now() >= end || !error.contains("Unknown node") {
                replied_with_error(manager, &members.address(index), &error);
                return Err(Failed);
            }
            sleep(Duration::from_millis(20));
        }
    }
    Ok(())
}
