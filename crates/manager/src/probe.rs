//! Which nodes are asked, before anything is changed, whether they reach which others' bus ports.
//!
//! Each asked node answers one question after the other, so questions are asked in waves of one for
//! each node; in a wave every node asks another one.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::IpAddr;

use crate::line::Line;
use crate::view::Node;

/// So many others each node is asked about: of clusters beyond that, neighbours in a circle stand for
/// all.
const PEERS_MAX: usize = 64;

/// One question: does a node reach the bus port of another one there?
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Probe {
    /// Who is asked.
    pub asker: usize,
    /// About whom.
    pub target: usize,
    /// Address or name.
    pub host: String,
    /// Port of the bus.
    pub port: u16,
}

/// A question that was answered with no.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreached {
    /// The question.
    pub probe: Probe,
    /// Why not.
    pub reason: String,
}

/// All nodes about all others; the first `met` ones will be met where the manager found them.
#[must_use]
pub fn probes_of_all(nodes: &[Node], met: usize) -> Vec<Probe> {
    let count = nodes.len();
    let distances = 1..count.min(PEERS_MAX + 1);
    let pairs =
        distances.flat_map(|far| (0..count).map(move |asker| (asker, (asker + far) % count)));
    pairs.flat_map(|(asker, target)| probes_of_pair(nodes, asker, target, target < met)).collect()
}

/// All nodes about the last one, and that one about all others; it will meet the first.
#[must_use]
pub fn probes_of_newcomer(nodes: &[Node]) -> Vec<Probe> {
    let Some(newcomer) = nodes.len().checked_sub(1) else { return Vec::new() };
    let pairs = (0..newcomer).flat_map(|node| [(node, newcomer), (newcomer, node)]);
    pairs.flat_map(|(asker, target)| probes_of_pair(nodes, asker, target, target == 0)).collect()
}

/// Nodes about those that they do not see, or do not know; `views` is what each says of all.
#[must_use]
pub fn probes_of_strangers(nodes: &[Node], views: &[Vec<Line>]) -> Vec<Probe> {
    let mut probes = Vec::new();
    for (asker, lines) in views.iter().enumerate() {
        for (target, node) in nodes.iter().enumerate().filter(|(target, _)| *target != asker) {
            match lines.iter().find(|line| line.id == node.id) {
                Some(line) if line.connected && !line.has("fail") && !line.has("fail?") => {}
                Some(line) if !line.host.is_empty() && line.bus_port != 0 => {
                    let (host, port) = (line.host.clone(), line.bus_port);
                    probes.push(Probe { asker, target, host, port });
                }
                _ => probes.extend(probes_of_pair(nodes, asker, target, false)),
            }
        }
    }
    probes
}

/// Where others look for a node: where it announces itself, and where it will be met.
fn probes_of_pair(nodes: &[Node], asker: usize, target: usize, is_met: bool) -> Vec<Probe> {
    let node = &nodes[target];
    let mut hosts = vec![node.known_host()];
    if is_met && node.host != hosts[0] {
        hosts.push(&node.host);
    }
    let probe = |host: &str| Probe { asker, target, host: host.to_owned(), port: node.bus_end() };
    hosts.into_iter().map(probe).collect()
}

/// The questions in waves that have one for each asked node.
#[must_use]
pub fn waves(probes: Vec<Probe>) -> Vec<Vec<Probe>> {
    let mut asked: BTreeMap<usize, usize> = BTreeMap::new();
    let mut waves: Vec<Vec<Probe>> = Vec::new();
    for probe in probes {
        let wave = asked.entry(probe.asker).or_default();
        if waves.len() == *wave {
            waves.push(Vec::new());
        }
        waves[*wave].push(probe);
        *wave += 1;
    }
    waves
}

/// Who does not reach whom, and what is to be opened.
#[must_use]
pub fn explain_unreached(nodes: &[Node], unreached: &[Unreached]) -> String {
    let mut places: BTreeMap<(usize, &str, u16), Vec<&Unreached>> = BTreeMap::new();
    for one in unreached {
        let Probe { target, host, port, .. } = &one.probe;
        places.entry((*target, host, *port)).or_default().push(one);
    }
    let mut text =
        String::from("[ERR] Nodes do not reach other nodes' bus ports. Nothing was changed.\n");
    for ((target, host, port), from) in &places {
        let address = nodes[*target].address();
        let _ = writeln!(
            text,
            " - The bus port of node {address} is not reached at {host}:{port} from:"
        );
        for Unreached { probe, reason } in from {
            let _ = writeln!(text, "   {}: {reason}", nodes[probe.asker].address());
        }
    }
    let mut ends: Vec<String> =
        places.keys().map(|(_, host, port)| format!("TCP port {port} of {host}")).collect();
    ends.dedup();
    let _ = write!(
        text,
        "Every node must reach the bus port of every other one. Open {} for all nodes; if that is not \
         where the node is, correct its cluster-announce-ip, cluster-announce-bus-port or cluster-port.",
        ends.join(", ")
    );
    text
}

/// A node that others would look for on their own hosts, and one of those others.
#[must_use]
pub fn loopback_among_others(nodes: &[Node]) -> Option<(&Node, &Node)> {
    nodes.iter().filter(|node| is_loopback(node.known_host())).find_map(|node| {
        let is_elsewhere = |other: &&Node| !is_loopback(&other.host) && other.host != node.host;
        Some((node, nodes.iter().find(is_elsewhere)?))
    })
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
    use crate::line::parse_lines;
    use crate::view::tests::node;

    fn nodes(letters: &str) -> Vec<Node> {
        letters.chars().map(|letter| node(&format!("{letter} master"))).collect()
    }

    /// `0>1 127.0.0.1:17001`
    fn show(probes: &[Probe]) -> Vec<String> {
        let show = |probe: &Probe| {
            format!("{}>{} {}:{}", probe.asker, probe.target, probe.host, probe.port)
        };
        probes.iter().map(show).collect()
    }

    #[test]
    fn every_node_is_asked_about_every_other_one_of_a_few() {
        let probes = probes_of_all(&nodes("abc"), 0);
        let expected = [
            "0>1 127.0.0.1:17001",
            "1>2 127.0.0.1:17002",
            "2>0 127.0.0.1:17000",
            "0>2 127.0.0.1:17002",
            "1>0 127.0.0.1:17000",
            "2>1 127.0.0.1:17001",
        ];
        assert_eq!(show(&probes), expected);
        let waves = waves(probes);
        assert_eq!(waves.iter().map(Vec::len).collect::<Vec<_>>(), [3, 3]);
        assert_eq!(probes_of_all(&nodes("a"), 1), []);
        assert_eq!(probes_of_all(&[], 1), []);
    }

    #[test]
    fn of_many_nodes_each_is_asked_about_some_and_by_as_many() {
        let one = node("a master");
        let many = vec![one; 200];
        let probes = probes_of_all(&many, 1);
        assert_eq!(probes.len(), 200 * PEERS_MAX);
        for node in [0, 77, 199] {
            assert_eq!(probes.iter().filter(|probe| probe.asker == node).count(), PEERS_MAX);
            assert_eq!(probes.iter().filter(|probe| probe.target == node).count(), PEERS_MAX);
        }
        assert!(probes.iter().all(|probe| probe.asker != probe.target));
    }

    #[test]
    fn a_node_is_looked_for_where_it_announces_itself_and_where_it_is_met() {
        let mut nodes = nodes("ab");
        nodes[0].announced_host = "10.0.0.1".to_owned();
        nodes[1].announced_host = "10.0.0.2".to_owned();
        nodes[0].bus_port = 30_000;
        nodes[1].bus_port = 0;
        assert_eq!(
            show(&probes_of_all(&nodes, 1)),
            ["0>1 10.0.0.2:17001", "1>0 10.0.0.1:30000", "1>0 127.0.0.1:30000"]
        );
        assert_eq!(show(&probes_of_newcomer(&nodes)), show(&probes_of_all(&nodes, 1)));
    }

    #[test]
    fn only_those_are_asked_who_do_not_see_each_other() {
        let nodes = nodes("abc");
        let line = |letter: &str, port, rest| {
            format!("{} 127.0.0.1:{port}@{} {rest}\n", letter.repeat(40), port + 10_000)
        };
        let good = "master - 0 0 1 connected";
        let views = [
            line("a", 7000, "myself,master - 0 0 1 connected")
                + &line("b", 7009, "master - 0 0 1 disconnected")
                + &line("c", 7002, good),
            line("a", 7000, good)
                + &line("b", 7001, "myself,master - 0 0 1 connected")
                + &line("c", 7002, "master,fail? - 0 0 1 connected"),
            line("a", 7000, good) + &line("c", 7002, "myself,master - 0 0 1 connected"),
        ];
        let views: Vec<_> = views.iter().map(|text| parse_lines(text).expect("lines")).collect();
        let probes = probes_of_strangers(&nodes, &views);
        assert_eq!(
            show(&probes),
            ["0>1 127.0.0.1:17009", "1>2 127.0.0.1:17002", "2>1 127.0.0.1:17001"]
        );
    }

    #[test]
    fn who_is_told_to_open_what() {
        let nodes = nodes("abc");
        let failed = |asker| Unreached {
            probe: Probe { asker, target: 2, host: "10.0.0.3".to_owned(), port: 17_002 },
            reason: "No route to host".to_owned(),
        };
        assert_eq!(
            explain_unreached(&nodes, &[failed(1), failed(0)]),
            "[ERR] Nodes do not reach other nodes' bus ports. Nothing was changed.\n \
             - The bus port of node 127.0.0.1:7002 is not reached at 10.0.0.3:17002 from:\n   \
             127.0.0.1:7001: No route to host\n   \
             127.0.0.1:7000: No route to host\n\
             Every node must reach the bus port of every other one. Open TCP port 17002 of 10.0.0.3 for \
             all nodes; if that is not where the node is, correct its cluster-announce-ip, \
             cluster-announce-bus-port or cluster-port."
        );
    }

    #[test]
    fn addresses_that_mean_another_host_elsewhere() {
        let found = |hosts: &[(&str, &str)]| {
            let mut nodes = vec![node("a master"); hosts.len()];
            for (node, (host, announced)) in nodes.iter_mut().zip(hosts) {
                (node.host, node.announced_host) = ((*host).to_owned(), (*announced).to_owned());
            }
            loopback_among_others(&nodes)
                .map(|(node, other)| (node.host.clone(), other.host.clone()))
        };
        let pair = |a: &str, b: &str| Some((a.to_owned(), b.to_owned()));
        assert_eq!(found(&[("127.0.0.1", ""), ("::1", ""), ("localhost", "")]), None);
        assert_eq!(found(&[("10.0.0.1", ""), ("127.0.0.2", "")]), pair("127.0.0.2", "10.0.0.1"));
        let both = [("10.0.0.1", "127.0.0.1"), ("10.0.0.2", "127.0.0.1")];
        assert_eq!(found(&both), pair("10.0.0.1", "10.0.0.2"));
        // All on one host, which need not be the manager's.
        assert_eq!(found(&[("10.0.0.1", "127.0.0.1"), ("10.0.0.1", "127.0.0.1")]), None);
        assert_eq!(found(&[("127.0.0.1", "10.0.0.1"), ("10.0.0.2", "")]), None);
    }
}
