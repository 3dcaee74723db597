//! The nodes of a cluster, as a view and as connections.

use dunlin_manager::{Line, Node, View, agree, are_settled, parse_lines};
use dunlin_resp::Value;

use super::{Failed, Host, Manager};
use crate::connection::{Broken, ConnectError, Connection};

/// A node that can be asked.
pub(super) struct Member {
    pub(super) node: Node,
    pub(super) link: Connection,
    /// Whether it is a dunlin, which serves its clients while keys leave it.
    pub(super) is_dunlin: bool,
}

/// Nodes, and what they say of themselves.
pub(super) struct Members {
    pub(super) view: View,
    links: Vec<Connection>,
    /// Which nodes are dunlins.
    dunlins: Vec<bool>,
}

/// What a node answered; errors of commands are told apart.
pub(super) type Answer = Result<Value, String>;

impl Members {
    /// Connects to a node and to all whom it knows.
    pub(super) fn load(manager: &Manager<'_>, host: &Host) -> Result<Self, Failed> {
        let (first, lines) = connect_first(manager, host)?;
        let mut members = vec![first];
        let mut unreachable_primaries = 0;
        for line in lines.iter().filter(|line| !line.has("myself")) {
            let friend = Host { host: line.host.clone(), port: line.port };
            match connect_friend(manager, line, &friend) {
                Some(member) => members.push(member),
                None => unreachable_primaries += usize::from(!line.has("slave")),
            }
        }
        let members = Self::of(members, unreachable_primaries);
        for (node, primary) in members.view.orphans() {
            let address = node.address();
            let text = "claims to be slave of unknown node ID";
            manager.console.warn(&format!("*** WARNING: {address} {text} {primary}."));
        }
        Ok(members)
    }

    /// These nodes.
    pub(super) fn of(members: Vec<Member>, unreachable_primaries: usize) -> Self {
        let dunlins = members.iter().map(|member| member.is_dunlin).collect();
        let (nodes, links) = members.into_iter().map(|member| (member.node, member.link)).unzip();
        Self { view: View::new(nodes, unreachable_primaries), links, dunlins }
    }

    /// One more node.
    pub(super) fn push(&mut self, member: Member) {
        self.dunlins.push(member.is_dunlin);
        self.view.nodes.push(member.node);
        self.links.push(member.link);
    }

    /// Whether a node is a dunlin.
    pub(super) fn is_dunlin(&self, node: usize) -> bool {
        self.dunlins[node]
    }

    /// Whether all nodes are.
    pub(super) fn are_dunlins(&self) -> bool {
        self.dunlins.iter().all(|is_dunlin| *is_dunlin)
    }

    /// The address of a node.
    pub(super) fn address(&self, node: usize) -> String {
        self.view.nodes[node].address()
    }

    /// Where a node is.
    pub(super) fn host(&self, node: usize) -> Host {
        let node = &self.view.nodes[node];
        Host { host: node.host.clone(), port: node.port }
    }

    /// Asks a node.
    pub(super) fn ask(&mut self, node: usize, words: &[&[u8]]) -> Answer {
        ask(&mut self.links[node], words)
    }

    /// Asks a node in words.
    pub(super) fn ask_words(&mut self, node: usize, request: &str) -> Answer {
        let words: Vec<&[u8]> = request.split(' ').map(str::as_bytes).collect();
        self.ask(node, &words)
    }

    /// Asks a node, and tells its refusal.
    pub(super) fn demand(
        &mut self,
        manager: &Manager<'_>,
        node: usize,
        request: &str,
    ) -> Result<Value, Failed> {
        let answer = self.ask_words(node, request);
        answer.map_err(|text| {
            replied_with_error(manager, &self.address(node), &text);
            Failed
        })
    }

    /// Asks a node many things at once.
    pub(super) fn ask_many(
        &mut self,
        node: usize,
        requests: impl Iterator<Item = String>,
    ) -> Result<Vec<Value>, String> {
        let link = &mut self.links[node];
        let mut answers = Vec::new();
        let requests: Vec<String> = requests.collect();
        // So few that neither side waits for the other with full buffers.
        for some in requests.chunks(500) {
            for request in some {
                let words: Vec<&[u8]> = request.split(' ').map(str::as_bytes).collect();
                link.queue(&words);
            }
            link.flush().map_err(|broken| broken.to_string())?;
            for _ in some {
                answers.push(plain(link.receive())?);
            }
        }
        Ok(answers)
    }

    /// Asks all nodes the same, at once.
    pub(super) fn ask_all(&mut self, request: &str) -> Vec<Answer> {
        self.ask_each((0..self.links.len()).map(|node| (node, request)))
    }

    /// Asks these nodes at once, each something.
    pub(super) fn ask_each(
        &mut self,
        requests: impl Iterator<Item = (usize, impl AsRef<str>)>,
    ) -> Vec<Answer> {
        let mut sent: Vec<(usize, Result<(), Broken>)> = Vec::new();
        for (node, request) in requests {
            let words: Vec<&[u8]> = request.as_ref().split(' ').map(str::as_bytes).collect();
            sent.push((node, self.links[node].send(&words)));
        }
        let links = &mut self.links;
        let answers = sent.into_iter();
        answers.map(|(node, sent)| plain(sent.and_then(|()| links[node].receive()))).collect()
    }

    /// What each node says of all; `None` if one does not say anything.
    pub(super) fn lines(&mut self) -> Option<Vec<Vec<Line>>> {
        let answers = self.ask_all("CLUSTER NODES");
        answers.iter().map(|answer| parse_lines(text(answer.as_ref().ok()?)?).ok()).collect()
    }

    /// Whether all nodes name the same owners of all slots.
    pub(super) fn agree(&mut self) -> bool {
        self.links.len() <= 1 || self.lines().is_some_and(|lines| agree(&lines))
    }

    /// Whether they do, and know the config epochs of all owners.
    pub(super) fn is_settled(&mut self) -> bool {
        self.lines().is_some_and(|lines| lines.len() == 1 || are_settled(&lines))
    }

    /// The connections to all nodes.
    pub(super) fn links(&mut self) -> &mut [Connection] {
        &mut self.links
    }

    /// The connection to a node, for what is no request and reply.
    pub(super) fn link(&mut self, node: usize) -> &mut Connection {
        &mut self.links[node]
    }
}

fn ask(link: &mut Connection, words: &[&[u8]]) -> Answer {
    plain(link.ask(words))
}

fn plain(answer: Result<Value, Broken>) -> Answer {
    match answer {
        Ok(Value::Error(text)) => Err(String::from_utf8_lossy(&text).into_owned()),
        Ok(value) => Ok(value),
        Err(broken) => Err(broken.to_string()),
    }
}

/// A string that is text.
pub(super) fn text(value: &Value) -> Option<&str> {
    str::from_utf8(value.bytes()?).ok()
}

/// Tells what a node refused.
pub(super) fn replied_with_error(manager: &Manager<'_>, address: &str, error: &str) {
    match manager.console.is_trib() {
        true => manager.console.error(&format!("[ERR] Node {address} {error}")),
        false => manager.console.error(&format!("Node {address} replied with error:\n{error}")),
    }
}

/// The value of a field of INFO or CLUSTER INFO; 0 if it is not there.
pub(super) fn number_of(info: &str, field: &str) -> u64 {
    let mut lines = info.lines().filter_map(|line| line.split_once(':'));
    let value = lines.find(|(name, _)| *name == field).map(|(_, value)| value.trim());
    value.and_then(|value| value.parse().ok()).unwrap_or(0)
}

/// Connects, and tells if that fails.
pub(super) fn connect(manager: &Manager<'_>, host: &Host) -> Result<Connection, Failed> {
    let opened = Connection::open(&manager.target(host));
    if manager.verbose && manager.console.is_trib() {
        let end = if opened.is_ok() { "OK\n" } else { "" };
        manager.console.write(&format!("Connecting to node {host}: {end}"));
    }
    opened.map_err(|error| {
        match error {
            ConnectError::Refused(_, text) => replied_with_error(manager, &host.to_string(), &text),
            _ if manager.console.is_trib() => {
                manager.console.error(&format!("[ERR] Sorry, can't connect to node {host}"));
            }
            ConnectError::Tls(text) => manager.console.aside(&format!("TLS Error: {text}")),
            error => manager.console.aside(&error.to_string()),
        }
        Failed
    })
}

/// Connects to a node of a cluster, which may know only itself, and reads what it knows.
pub(super) fn connect_first(
    manager: &Manager<'_>,
    host: &Host,
) -> Result<(Member, Vec<Line>), Failed> {
    let link = connect(manager, host)?;
    introduce(manager, host, link)
}

/// Reads what a node knows.
pub(super) fn introduce(
    manager: &Manager<'_>,
    host: &Host,
    mut link: Connection,
) -> Result<(Member, Vec<Line>), Failed> {
    let is_dunlin = require_cluster(manager, host, &mut link)?;
    let answer = ask(&mut link, &[b"CLUSTER", b"NODES"]).map_err(|text| {
        replied_with_error(manager, &host.to_string(), &text);
        Failed
    })?;
    let lines = parse_lines(text(&answer).unwrap_or_default());
    let lines = lines.map_err(|_| {
        manager.console.aside("Error: invalid CLUSTER NODES reply");
        Failed
    })?;
    let Some(own) = lines.iter().find(|line| line.has("myself")) else {
        manager.console.aside("Error: invalid CLUSTER NODES reply");
        return Err(Failed);
    };
    let node = Node::new(&host.host, host.port, own.clone());
    Ok((Member { node, link, is_dunlin }, lines))
}

/// Refuses a server that is no node of a cluster; says whether it is a dunlin.
fn require_cluster(
    manager: &Manager<'_>,
    host: &Host,
    link: &mut Connection,
) -> Result<bool, Failed> {
    let reason = match ask(link, &[b"INFO"]) {
        Ok(info) => {
            let info = text(&info).unwrap_or_default();
            if number_of(info, "cluster_enabled") != 0 {
                return Ok(info.contains("\ndunlin_version:"));
            }
            "is not configured as a cluster node.".to_owned()
        }
        Err(error) => error,
    };
    manager.console.error(&format!("[ERR] Node {host} {reason}"));
    Err(Failed)
}

/// Connects to a node that another one knows; `None` if it cannot be asked or has failed.
fn connect_friend(manager: &Manager<'_>, line: &Line, host: &Host) -> Option<Member> {
    if host.host.is_empty() || host.port == 0 {
        return None;
    }
    // redis-trib does not even try those.
    if manager.console.is_trib() && (line.has("fail") || line.has("noaddr")) {
        return None;
    }
    let mut link = connect(manager, host).ok()?;
    let lines = ask(&mut link, &[b"CLUSTER", b"NODES"]).ok();
    let lines = lines.and_then(|answer| parse_lines(text(&answer)?).ok());
    let own = lines.and_then(|lines| lines.into_iter().find(|line| line.has("myself")));
    let Some(own) = own else {
        manager.console.error(&format!("[ERR] Unable to load info for node {host}"));
        return None;
    };
    if line.has("fail") || line.has("noaddr") {
        return None;
    }
    let info = ask(&mut link, &[b"INFO", b"server"]).ok();
    let info = info.as_ref().and_then(text).unwrap_or_default();
    let is_dunlin = info.contains("\ndunlin_version:");
    Some(Member { node: Node::new(&host.host, host.port, own), link, is_dunlin })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields() {
        let info = "# Cluster\r\ncluster_enabled:1\r\ncluster_known_nodes:3\r\n";
        assert_eq!(number_of(info, "cluster_known_nodes"), 3);
        assert_eq!((number_of(info, "enabled"), number_of("", "x")), (0, 0));
    }
}
