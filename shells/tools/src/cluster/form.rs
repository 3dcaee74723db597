//! Makes a cluster of servers that do not know each other.

use std::process::Child;
use std::thread;
use std::time::{Duration, Instant};

use dunlin_resp::Value;

use super::connection::Connection;
use super::failure::Failure;
use super::node::{Node, PAUSE};
use super::table::{self, Line, Role};

/// Slots of a cluster.
const SLOTS: usize = 16_384;
/// Nodes greet each other in one or two rounds of 100 ms; this is for machines that are busy.
const KNOWN_WITHIN: Duration = Duration::from_secs(30);
/// A primary waits two seconds after its start before it serves.
const SERVES_WITHIN: Duration = Duration::from_secs(60);

/// Nodes whose servers run, with a connection to each.
pub(super) struct Members<'a> {
    nodes: &'a [Node],
    connections: Vec<Connection>,
}

impl<'a> Members<'a> {
    /// Waits until all servers answer. `children` are their processes.
    pub(super) fn connect(nodes: &'a [Node], children: &mut [Child]) -> Result<Self, Failure> {
        let answer = |(node, child): (&Node, &mut Child)| node.wait_until_it_answers(child);
        let connections = nodes.iter().zip(children).map(answer).collect::<Result<_, _>>()?;
        Ok(Self { nodes, connections })
    }

    /// Whether nobody knows anybody.
    pub(super) fn are_strangers(&mut self) -> Result<bool, Failure> {
        for index in 0..self.nodes.len() {
            if self.lines(index)?.len() > 1 {
                return Ok(false);
            }
        }
        Ok(self.nodes.len() > 1 || self.info(0, "cluster_slots_assigned")? == "0")
    }

    /// Gives out the slots and lets everybody meet everybody, then the last nodes follow the first:
    /// a third of the nodes are primaries if each shall have two replicas.
    pub(super) fn form(&mut self, replicas: u16) -> Result<(), Failure> {
        let count = self.nodes.len();
        let primaries = count / (usize::from(replicas) + 1);
        for index in 0..count {
            // Different from the start, so that nobody has to find a new one.
            self.ok(index, &["CLUSTER", "SET-CONFIG-EPOCH", &(index + 1).to_string()])?;
            if index < primaries {
                let (first, end) = (SLOTS * index / primaries, SLOTS * (index + 1) / primaries);
                let (first, last) = (first.to_string(), (end - 1).to_string());
                self.ok(index, &["CLUSTER", "ADDSLOTSRANGE", &first, &last])?;
            }
            for earlier in 0..index {
                let port = self.nodes[earlier].port.to_string();
                self.ok(index, &["CLUSTER", "MEET", "127.0.0.1", &port])?;
            }
        }
        self.wait("all nodes to know each other", KNOWN_WITHIN, Self::knows_all)?;
        for index in primaries..count {
            let id = self.text(index % primaries, &["CLUSTER", "MYID"])?;
            self.ok(index, &["CLUSTER", "REPLICATE", &id])?;
        }
        let replicas = count - primaries;
        self.wait("all nodes to know who replicates", KNOWN_WITHIN, |members, index| {
            let lines = members.lines(index)?;
            let found = lines.iter().filter(|line| matches!(line.role, Role::Replica { .. }));
            Ok(found.count() == replicas)
        })
    }

    /// Waits until every node reports that the cluster serves, and is in touch with all others.
    pub(super) fn wait_until_they_serve(&mut self) -> Result<(), Failure> {
        self.wait("the cluster to serve", SERVES_WITHIN, |members, index| {
            Ok(members.info(index, "cluster_state")? == "ok" && members.knows_all(index)?)
        })
    }

    /// Whether a node knows all others and hears of them.
    fn knows_all(&mut self, index: usize) -> Result<bool, Failure> {
        let lines = self.lines(index)?;
        Ok(lines.len() == self.nodes.len() && lines.iter().all(|line| line.is_known))
    }

    /// How a node sees the cluster.
    pub(super) fn lines(&mut self, index: usize) -> Result<Vec<Line>, Failure> {
        Ok(table::read(&self.text(index, &["CLUSTER", "NODES"])?))
    }

    /// Waits until a condition holds for every node.
    fn wait(
        &mut self,
        what: &'static str,
        within: Duration,
        mut holds: impl FnMut(&mut Self, usize) -> Result<bool, Failure>,
    ) -> Result<(), Failure> {
        let start = Instant::now();
        for index in 0..self.nodes.len() {
            while !holds(self, index)? {
                if start.elapsed() > within {
                    let log = self.nodes[index].log();
                    let hint = format!("; see {}", log.display());
                    return Err(Failure::TooLong { what, waited: within, hint });
                }
                thread::sleep(PAUSE);
            }
        }
        Ok(())
    }

    /// A field of CLUSTER INFO; empty where there is none.
    fn info(&mut self, index: usize, field: &str) -> Result<String, Failure> {
        let text = self.text(index, &["CLUSTER", "INFO"])?;
        let fields = text.lines().filter_map(|line| line.split_once(':'));
        let value = fields.into_iter().find(|(name, _)| *name == field);
        Ok(value.map_or_else(String::new, |(_, value)| value.to_owned()))
    }

    fn text(&mut self, index: usize, words: &[&str]) -> Result<String, Failure> {
        let reply = self.ask(index, words)?;
        match reply.bytes() {
            Some(text) => Ok(String::from_utf8_lossy(text).into_owned()),
            None => Err(self.nodes[index].refused(words, &reply.to_string())),
        }
    }

    fn ok(&mut self, index: usize, words: &[&str]) -> Result<(), Failure> {
        match self.text(index, words)?.as_str() {
            "OK" => Ok(()),
            other => Err(self.nodes[index].refused(words, other)),
        }
    }

    fn ask(&mut self, index: usize, words: &[&str]) -> Result<Value, Failure> {
        self.connections[index].ask(words).map_err(self.nodes[index].silent())
    }
}
