//! What can be seen before anything is changed.

use std::collections::BTreeSet;
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::thread;
use std::time::{Duration, Instant};

use dunlin_manager::{
    Node, Probe, Unreached, explain_unreached, loopback_among_others, probes_of_all,
    probes_of_newcomer, probes_of_strangers, waves,
};
use dunlin_resp::Value;

use super::members::{Member, Members, number_of, text};
use super::{Failed, Manager, Outcome};

/// How long a bus port may take to be reached.
const REACH_TIMEOUT: Duration = Duration::from_secs(2);
/// So many are tried at once.
const TRIED_AT_ONCE: usize = 32;
/// When it is known that something is wrong, nodes are asked for more no longer than this.
const PATIENCE: Duration = Duration::from_secs(8);

/// Refuses a node that knows others or has keys, and tells which it is.
pub(super) fn require_empty(manager: &Manager<'_>, member: &mut Member) -> Result<(), Failed> {
    let address = member.node.address();
    let mut ask = |words: &[&[u8]]| match member.link.ask(words) {
        Ok(Value::Error(text)) => Err(String::from_utf8_lossy(&text).into_owned()),
        Ok(value) => Ok(text(&value).unwrap_or_default().to_owned()),
        Err(broken) => Err(broken.to_string()),
    };
    let answers = ask(&[b"INFO", b"keyspace"])
        .and_then(|keyspace| Ok((keyspace, ask(&[b"CLUSTER", b"INFO"])?)));
    let (keyspace, cluster) = answers.map_err(|error| {
        manager.console.error(&format!("[ERR] Node {address} {error}"));
        Failed
    })?;
    let keys = keyspace.lines().find_map(|line| line.strip_prefix("db0:"));
    let others = number_of(&cluster, "cluster_known_nodes").saturating_sub(1);
    if keys.is_none() && others == 0 {
        return Ok(());
    }
    manager.console.error(&format!(
        "[ERR] Node {address} is not empty. Either the node already knows other nodes (check with \
         CLUSTER NODES) or contains some key in database 0."
    ));
    let mut reasons = Vec::new();
    if others > 0 {
        reasons.push(format!("it knows {others} other node(s)"));
    }
    if let Some(count) = keys.and_then(|keys| keys.strip_prefix("keys=")?.split(',').next()) {
        reasons.push(format!("it holds {count} key(s)"));
    }
    manager.console.aside(&format!("{address}: {}", reasons.join(" and ")));
    Err(Failed)
}

/// Asks all nodes whether they reach each other's bus ports; the first `met` ones will be met where
/// they were found here.
///
/// # Errors
/// A node says that it does not reach another one.
pub(super) fn require_reach(manager: &Manager<'_>, members: &mut Members, met: usize) -> Outcome {
    let probes = probes_of_all(&members.view.nodes, met);
    require(manager, members, &probes)
}

/// Asks the last node, which is new, and all others whether they reach each other.
///
/// # Errors
/// A node says that it does not reach another one.
pub(super) fn require_reach_of_newcomer(manager: &Manager<'_>, members: &mut Members) -> Outcome {
    let probes = probes_of_newcomer(&members.view.nodes);
    require(manager, members, &probes)
}

/// Tells, on standard error, why nodes do not see each other, those that do not.
pub(super) fn tell_strangers(manager: &Manager<'_>, members: &mut Members) {
    let Some(views) = members.lines() else { return };
    let probes = probes_of_strangers(&members.view.nodes, &views);
    for Unreached { probe, reason } in ask(members, &probes).unreached {
        let (from, to) = (members.address(probe.asker), members.address(probe.target));
        let Probe { host, port, .. } = probe;
        manager.console.aside(&format!("*** {from} cannot reach {to} at {host}:{port}: {reason}"));
    }
}

fn require(manager: &Manager<'_>, members: &mut Members, probes: &[Probe]) -> Outcome {
    let answers = ask(members, probes);
    if !answers.unreached.is_empty() {
        manager.console.error(&explain_unreached(&members.view.nodes, &answers.unreached));
        return Err(Failed);
    }
    // What no node answers is at least tried from here.
    let unasked: BTreeSet<(usize, &str, u16)> = probes
        .iter()
        .filter(|probe| !answers.asked.contains(&probe.asker))
        .map(|probe| (probe.target, &*probe.host, probe.port))
        .collect();
    let nodes = &members.view.nodes;
    warn_of_unreached(manager, nodes, &unasked.into_iter().collect::<Vec<_>>());
    warn_of_loopback(manager, nodes);
    Ok(())
}

/// What nodes have answered.
#[derive(Default)]
struct Answers {
    /// Who has answered.
    asked: BTreeSet<usize>,
    unreached: Vec<Unreached>,
}

/// Asks in waves, and after a while no more if something is known to be wrong. Only dunlins can be
/// asked.
fn ask(members: &mut Members, probes: &[Probe]) -> Answers {
    let end = Instant::now() + PATIENCE;
    let mut answers = Answers::default();
    let askable = probes.iter().filter(|probe| members.is_dunlin(probe.asker)).cloned().collect();
    for wave in waves(askable) {
        ask_wave(members, wave, &mut answers);
        if !answers.unreached.is_empty() && Instant::now() >= end {
            break;
        }
    }
    answers
}

fn ask_wave(members: &mut Members, wave: Vec<Probe>, answers: &mut Answers) {
    let addressed = wave.into_iter().filter_map(|probe| {
        let address = numeric(&probe.host, probe.port)?;
        Some((probe, address))
    });
    let addressed: Vec<(Probe, SocketAddr)> = addressed.collect();
    let request = |(probe, address): &(Probe, SocketAddr)| {
        (probe.asker, format!("CLUSTER PROBE {} {}", address.ip(), address.port()))
    };
    let replies = members.ask_each(addressed.iter().map(request));
    for ((probe, address), reply) in addressed.into_iter().zip(replies) {
        let prefix = format!("ERR cannot reach {}:{}: ", address.ip(), address.port());
        let reason = match &reply {
            Ok(_) => None,
            Err(text) => match text.strip_prefix(&prefix) {
                // It cannot be asked, or does not answer now.
                None => continue,
                reason => reason,
            },
        };
        answers.asked.insert(probe.asker);
        let unreached = reason.map(|reason| Unreached { probe, reason: reason.to_owned() });
        answers.unreached.extend(unreached);
    }
}

/// Tells, on standard error, which bus ports cannot be reached from here: others may reach them.
fn warn_of_unreached(manager: &Manager<'_>, nodes: &[Node], ends: &[(usize, &str, u16)]) {
    for some in ends.chunks(TRIED_AT_ONCE) {
        let tried: Vec<Result<(), String>> = thread::scope(|scope| {
            let tries: Vec<_> =
                some.iter().map(|(_, host, port)| scope.spawn(|| reach(host, *port))).collect();
            tries.into_iter().map(|one| one.join().unwrap_or(Ok(()))).collect()
        });
        for ((node, _, port), tried) in some.iter().zip(tried) {
            let Err(reason) = tried else { continue };
            let address = nodes[*node].address();
            manager.console.aside(&format!(
                "*** WARNING: the bus port {port} of node {address} cannot be reached from here: \
                 {reason}. Every node must reach it."
            ));
        }
    }
}

/// Tells, on standard error, if a node is known by an address that means another host elsewhere.
fn warn_of_loopback(manager: &Manager<'_>, nodes: &[Node]) {
    if let Some((local, distant)) = loopback_among_others(nodes) {
        let (local, ip, distant) = (local.address(), local.known_host(), distant.address());
        manager.console.aside(&format!(
            "*** WARNING: others would look for {local} at {ip}, which is an address of their own \
             host: {distant} for one. Name nodes by addresses that all hosts can reach, and let them \
             announce such (cluster-announce-ip)."
        ));
    }
}

fn numeric(host: &str, port: u16) -> Option<SocketAddr> {
    (host, port).to_socket_addrs().ok()?.next()
}

fn reach(host: &str, port: u16) -> Result<(), String> {
    let address = numeric(host, port).ok_or("no address")?;
    match TcpStream::connect_timeout(&address, REACH_TIMEOUT) {
        Ok(_) => Ok(()),
        Err(error) => Err(match error.raw_os_error() {
            Some(code) => nix::errno::Errno::from_raw(code).desc().to_owned(),
            None => error.to_string(),
        }),
    }
}
