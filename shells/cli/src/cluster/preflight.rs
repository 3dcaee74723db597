//! What can be seen before anything is changed.

use std::net::{IpAddr, TcpStream, ToSocketAddrs};
use std::time::Duration;

use dunlin_manager::Node;
use dunlin_resp::Value;

use super::members::{Member, number_of, text};
use super::{Failed, Manager};

/// How long a bus port may take to be reached.
const REACH_TIMEOUT: Duration = Duration::from_secs(2);

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

/// Tells, on standard error, what may keep nodes from finding each other: a bus port that cannot be
/// reached from here, an address that other hosts cannot reach.
pub(super) fn warn(manager: &Manager<'_>, nodes: &[Node]) {
    for node in nodes {
        if let Err(reason) = reach(node) {
            let (address, port) = (node.address(), bus_port(node));
            manager.console.aside(&format!(
                "*** WARNING: the bus port {port} of node {address} cannot be reached from here: \
                 {reason}. Every node must reach it."
            ));
        }
    }
    let (local, distant): (Vec<&Node>, Vec<&Node>) =
        nodes.iter().partition(|node| is_loopback(&node.host));
    if let (Some(local), Some(distant)) = (local.first(), distant.first()) {
        let (local, distant) = (local.address(), distant.address());
        manager.console.aside(&format!(
            "*** WARNING: {local} is an address of this host alone: {distant} would look for it on \
             its own host. Name nodes by addresses that all hosts can reach."
        ));
    }
}

/// The port of a node's bus.
pub(super) fn bus_port(node: &Node) -> u16 {
    match node.bus_port {
        0 => node.port.saturating_add(10_000),
        port => port,
    }
}

fn reach(node: &Node) -> Result<(), String> {
    let mut addresses = (node.host.as_str(), bus_port(node))
        .to_socket_addrs()
        .map_err(|error| error.to_string())?;
    let address = addresses.next().ok_or("no address")?;
    match TcpStream::connect_timeout(&address, REACH_TIMEOUT) {
        Ok(_) => Ok(()),
        Err(error) => Err(match error.raw_os_error() {
            Some(code) => nix::errno::Errno::from_raw(code).desc().to_owned(),
            None => error.to_string(),
        }),
    }
}

fn is_loopback(host: &str) -> bool {
    match host.parse::<IpAddr>() {
        Ok(address) => address.is_loopback(),
        Err(_) => host == "localhost",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback() {
        for host in ["127.0.0.1", "127.0.0.2", "::1", "localhost"] {
            assert!(is_loopback(host), "{host}");
        }
        for host in ["10.0.0.1", "example"] {
            assert!(!is_loopback(host), "{host}");
        }
    }
}
