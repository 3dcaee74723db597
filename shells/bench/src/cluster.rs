//! The primaries of a cluster and their slots.
//!
//! At the start CLUSTER NODES names them. A redirection under load makes the first client that gets
//! it ask for CLUSTER SLOTS; the others take over what it found.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use dunlin_resp::Value;
use dunlin_slots::SLOTS;

use crate::connection::{Connection, Endpoint};
use crate::failure::Failure;
use crate::host::HostConfig;
use crate::options::Target;
use crate::tag::{self, Tag};

/// One primary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Node {
    pub(crate) id: String,
    pub(crate) host: String,
    pub(crate) port: u16,
    /// A slot of its own: all keys that it is asked for lie there, as with redis-benchmark.
    slot: u16,
}

impl Node {
    pub(crate) fn endpoint(&self) -> Endpoint {
        Endpoint::Tcp { host: self.host.clone(), port: self.port }
    }
}

/// The primaries of a cluster that hold slots.
#[derive(Debug)]
pub(crate) struct Cluster {
    nodes: Vec<Node>,
    /// The tags of their slots, in the order of `nodes`.
    tags: Mutex<Vec<Tag>>,
    /// How often they have changed.
    version: AtomicUsize,
}

impl Cluster {
    /// Asks a node for all primaries. One without slots is left out, with a warning.
    ///
    /// # Errors
    /// It cannot be reached, is no cluster, or has fewer than two primaries with slots.
    pub(crate) fn fetch(endpoint: &Endpoint, target: &Target) -> Result<Self, Failure> {
        let mut connection = Connection::open(endpoint, target)?;
        let reply = connection.ask(&[b"CLUSTER", b"NODES"])?;
        let server = endpoint.to_string();
        let text = match &reply {
            Value::Error(text) => {
                let text = String::from_utf8_lossy(text).into_owned();
                return Err(Failure::NoCluster { server, text });
            }
            other => String::from_utf8_lossy(other.bytes().unwrap_or_default()),
        };
        let (nodes, empty) =
            parse(&text, &target.host).map_err(|why| Failure::UnreadableCluster { server, why })?;
        for node in empty {
            eprintln!("WARNING: Master node {node} has no slots, skipping...");
        }
        if nodes.len() < 2 {
            return Err(Failure::SmallCluster { nodes: nodes.len() });
        }
        Ok(Self::new(nodes))
    }

    fn new(nodes: Vec<Node>) -> Self {
        let tags = nodes.iter().map(|node| tag::of_slot(node.slot)).collect();
        Self { nodes, tags: Mutex::new(tags), version: AtomicUsize::new(0) }
    }

    pub(crate) fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// What is printed before the first test.
    pub(crate) fn introduction(&self) -> String {
        let mut text = format!("Cluster has {} master nodes:\n\n", self.nodes.len());
        for (index, node) in self.nodes.iter().enumerate() {
            text += &format!("Master {index}: {} {}\n", node.id, node.endpoint());
        }
        text
    }

    /// Asks each node how it keeps data.
    ///
    /// # Errors
    /// One cannot be reached, or does not let us in.
    pub(crate) fn fetch_configs(
        &self,
        target: &Target,
    ) -> Result<Vec<Option<HostConfig>>, Failure> {
        let fetch = |node: &Node| {
            let (config, _) = HostConfig::fetch(&node.endpoint(), target)?;
            if config.is_none() {
                eprintln!("WARNING: Could not fetch node CONFIG {}", node.endpoint());
            }
            Ok(config)
        };
        self.nodes.iter().map(fetch).collect()
    }

    /// Which version of [`Cluster::tags`] holds.
    pub(crate) fn version(&self) -> usize {
        self.version.load(Ordering::Acquire)
    }

    /// A tag for each node, in the order of [`Cluster::nodes`].
    pub(crate) fn tags(&self) -> Vec<Tag> {
        self.tags.lock().expect("nobody panics with the lock").clone()
    }

    /// A request that was made by this version was redirected: finds out where slots are now, unless
    /// somebody has done so since.
    ///
    /// # Errors
    /// No node tells, or a node is unknown or has no slots left: results would be worth nothing.
    pub(crate) fn refresh(&self, version: usize, target: &Target) -> Result<(), Failure> {
        let mut tags = self.tags.lock().expect("nobody panics with the lock");
        if self.version() != version {
            return Ok(());
        }
        eprintln!("WARNING: Cluster slots configuration changed, fetching new one...");
        // The node that was asked at the start may be gone meanwhile.
        let ask =
            |node: &Node| Connection::open(&node.endpoint(), target)?.ask(&[b"CLUSTER", b"SLOTS"]);
        let (first, others) = self.nodes.split_first().expect("a cluster has nodes");
        let reply = others.iter().fold(ask(first), |found, node| found.or_else(|_| ask(node)))?;
        let slots = first_slots(&reply, &self.nodes).map_err(Failure::Slots)?;
        *tags = slots.into_iter().map(tag::of_slot).collect();
        self.version.fetch_add(1, Ordering::Release);
        Ok(())
    }
}

/// The primaries with slots in the text of CLUSTER NODES, and the addresses of those without.
/// `host` is where the node that answered was reached: it may not know its own address.
fn parse(text: &str, host: &str) -> Result<(Vec<Node>, Vec<String>), &'static str> {
    let (mut nodes, mut empty) = (Vec::new(), Vec::new());
    for line in text.lines() {
        let words: Vec<&str> = line.split(' ').collect();
        let &[id, address, flags, primary, ref rest @ ..] = words.as_slice() else {
            return Err(if words.len() < 3 { "missing flags" } else { "missing addr" });
        };
        if flags.contains("slave") || !primary.starts_with('-') {
            continue;
        }
        let address = address.split(['@', ',']).next().unwrap_or_default();
        let Some((own_host, port)) = address.rsplit_once(':') else { return Err("missing addr") };
        let host = if own_host.is_empty() { host } else { own_host };
        let port = port.parse().map_err(|_| "missing addr")?;
        // Ping, pong, epoch and link state stand before the slots; a slot that moves in brackets.
        let mut ranges = rest.iter().skip(4).filter(|range| !range.starts_with('['));
        match ranges.next() {
            None => empty.push(format!("{host}:{port}")),
            Some(range) => {
                let first = range.split('-').next().and_then(|slot| slot.parse().ok());
                let slot = first.filter(|&slot| slot < SLOTS).ok_or("invalid slots")?;
                nodes.push(Node { id: id.to_owned(), host: host.to_owned(), port, slot });
            }
        }
    }
    Ok((nodes, empty))
}

/// The first slot of each node in a reply to CLUSTER SLOTS.
fn first_slots(reply: &Value, nodes: &[Node]) -> Result<Vec<u16>, String> {
    if let Value::Error(text) = reply {
        return Err(format!("\nCLUSTER SLOTS ERROR: {}", String::from_utf8_lossy(text)));
    }
    let mut slots: Vec<Option<u16>> = vec![None; nodes.len()];
    for range in reply.items().unwrap_or_default() {
        let (first, id) = range_of(range).ok_or(": invalid reply to CLUSTER SLOTS")?;
        let index = nodes.iter().position(|node| node.id == id).ok_or_else(|| {
            format!(": could not find node with ID {id} in current configuration.")
        })?;
        slots[index] = slots[index].or(Some(first));
    }
    let all = nodes.iter().zip(slots).map(|(node, slot)| {
        slot.ok_or_else(|| format!(": node {} has no slots any more", node.endpoint()))
    });
    all.collect()
}

/// The first slot of a range and the id of its primary.
fn range_of(range: &Value) -> Option<(u16, String)> {
    let [first, _, primary, ..] = range.items()? else { return None };
    let first = u16::try_from(first.integer()?).ok().filter(|&slot| slot < SLOTS)?;
    let id = primary.items()?.get(2)?.bytes()?;
    Some((first, String::from_utf8_lossy(id).into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NODES: &str = "\
aa 10.0.0.1:7000@17000,host myself,master - 0 0 1 connected 0-5460 [5461->-bb]
bb :7001@17001 master - 0 0 2 connected 5461 5463-10922
cc 10.0.0.1:7003@17003 slave aa 0 0 1 connected
dd ::1:7004@17004 master - 0 0 0 connected
ee 10.0.0.1:7005@17005 master - 0 0 0 connected [3-<-aa]
";

    #[test]
    fn primaries() {
        let (nodes, empty) = parse(NODES, "me").expect("nodes");
        let shown: Vec<String> = nodes
            .iter()
            .map(|node| format!("{} {} {}", node.id, node.endpoint(), node.slot))
            .collect();
        assert_eq!(shown, ["aa 10.0.0.1:7000 0", "bb me:7001 5461"]);
        assert_eq!(empty, ["::1:7004", "10.0.0.1:7005"]);
        assert_eq!(
            Cluster::new(nodes).introduction(),
            "Cluster has 2 master nodes:\n\nMaster 0: aa 10.0.0.1:7000\nMaster 1: bb me:7001\n"
        );
    }

    #[test]
    fn what_is_no_list_of_nodes() {
        for (text, why) in [
            ("aa", "missing flags"),
            ("aa h:1 master", "missing addr"),
            ("aa h:1@2x master - 0 0 0 connected 99999", "invalid slots"),
            ("aa h master - 0 0 0 connected", "missing addr"),
            ("aa h:x master - 0 0 0 connected", "missing addr"),
        ] {
            assert_eq!(parse(text, "me").map(|_| ()), Err(why), "{text}");
        }
    }

    fn slots(ranges: &[(i64, &str)]) -> Value {
        let range = |&(first, id): &(i64, &str)| {
            let node = [Value::Bulk(b"h".to_vec()), Value::Integer(1), Value::Bulk(id.into())];
            let node = Value::Array(node.to_vec());
            Value::Array(vec![Value::Integer(first), Value::Integer(first + 9), node])
        };
        Value::Array(ranges.iter().map(range).collect())
    }

    #[test]
    fn slots_that_moved() {
        let (nodes, _) = parse(NODES, "me").expect("nodes");
        let first = |ranges: &[(i64, &str)]| first_slots(&slots(ranges), &nodes);
        assert_eq!(first(&[(0, "bb"), (20, "aa"), (50, "bb")]), Ok(vec![20, 0]));
        for (ranges, why) in [
            (&[(0, "xx")][..], ": could not find node with ID xx in current configuration."),
            (&[(0, "aa")], ": node me:7001 has no slots any more"),
            (&[(16_384, "aa")], ": invalid reply to CLUSTER SLOTS"),
        ] {
            assert_eq!(first(ranges), Err(why.to_owned()));
        }
        let error = first_slots(&Value::Error(b"ERR x".to_vec()), &nodes);
        assert_eq!(error, Err("\nCLUSTER SLOTS ERROR: ERR x".to_owned()));
    }
}
