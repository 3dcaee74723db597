//! A cluster as its nodes describe themselves.

use dunlin_cluster::NodeId;
use dunlin_slots::SlotSet;

use crate::line::Line;

/// A node that can be asked. What it owns is what it says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Its name.
    pub id: NodeId,
    /// Where it is asked, which need not be what it announces.
    pub host: String,
    /// How it announces its host; empty when it does not.
    pub announced_host: String,
    /// Its port for clients.
    pub port: u16,
    /// Its port for the bus; 0 when it does not say.
    pub bus_port: u16,
    /// Its flags without `myself`, separated by commas.
    pub flags: String,
    /// Whom it follows, or shall follow.
    pub primary: Option<NodeId>,
    /// Version of its claims.
    pub config_epoch: u64,
    /// Slots that it owns, or shall own.
    pub slots: SlotSet,
    /// Slots on their way from it, and where to.
    pub migrating: Vec<(u16, NodeId)>,
    /// Slots on their way to it, and where from.
    pub importing: Vec<(u16, NodeId)>,
    /// How many nodes follow it; `None` until all have been asked.
    pub replicas: Option<usize>,
    /// Whether what it follows is planned and not done.
    pub is_planned: bool,
}

impl Node {
    /// The node at an address, from its own line.
    #[must_use]
    pub fn new(host: &str, port: u16, own: Line) -> Self {
        let flags: Vec<&str> =
            own.flags.iter().map(String::as_str).filter(|flag| *flag != "myself").collect();
        let is_replica = own.has("slave");
        Self {
            id: own.id,
            host: host.to_owned(),
            announced_host: own.host,
            port,
            bus_port: own.bus_port,
            flags: flags.join(","),
            primary: own.primary.filter(|_| is_replica),
            config_epoch: own.config_epoch,
            slots: own.slots,
            migrating: own.migrating,
            importing: own.importing,
            replicas: None,
            is_planned: false,
        }
    }

    /// `host:port`.
    #[must_use]
    pub fn address(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    /// Whether it owns slots or could.
    #[must_use]
    pub fn is_primary(&self) -> bool {
        !self.flags.split(',').any(|flag| flag == "slave") && self.primary.is_none()
    }

    /// Where other nodes look for it.
    #[must_use]
    pub fn known_host(&self) -> &str {
        if self.announced_host.is_empty() { &self.host } else { &self.announced_host }
    }

    /// The port of its bus.
    #[must_use]
    pub fn bus_end(&self) -> u16 {
        match self.bus_port {
            0 => self.port.saturating_add(10_000),
            port => port,
        }
    }

    /// Whether the bus port is the one that follows from the port for clients.
    #[must_use]
    pub fn has_usual_bus_port(&self) -> bool {
        self.bus_port == 0 || u32::from(self.bus_port) == u32::from(self.port) + 10_000
    }
}

/// The nodes of a cluster that answered, the one that was named first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct View {
    /// The nodes.
    pub nodes: Vec<Node>,
    /// How many primaries the first one knows that could not be asked or have failed.
    pub unreachable_primaries: usize,
}

impl View {
    /// A view of these nodes; counts replicas.
    #[must_use]
    pub fn new(mut nodes: Vec<Node>, unreachable_primaries: usize) -> Self {
        let followed: Vec<NodeId> = nodes.iter().filter_map(|node| node.primary).collect();
        for node in &mut nodes {
            node.replicas = Some(followed.iter().filter(|id| **id == node.id).count());
        }
        Self { nodes, unreachable_primaries }
    }

    /// The replicas whose primary did not answer, and its name.
    pub fn orphans(&self) -> impl Iterator<Item = (&Node, NodeId)> {
        self.nodes.iter().filter_map(|node| {
            let primary = node.primary?;
            (!self.nodes.iter().any(|other| other.id == primary)).then_some((node, primary))
        })
    }

    /// The primaries, by their numbers.
    pub fn primaries(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.nodes.len()).filter(|index| self.nodes[*index].is_primary())
    }

    /// The node of a name; letters of either case.
    #[must_use]
    pub fn find(&self, id: &str) -> Option<usize> {
        let id = id.to_ascii_lowercase();
        self.nodes.iter().position(|node| node.id.as_str() == id)
    }

    /// The first node whose name begins so.
    #[must_use]
    pub fn find_by_start(&self, start: &str) -> Option<usize> {
        let start = start.to_ascii_lowercase();
        self.nodes.iter().position(|node| node.id.as_str().starts_with(&start))
    }

    /// The primary with the fewest replicas, the first of several.
    #[must_use]
    pub fn least_followed(&self) -> Option<usize> {
        self.primaries().min_by_key(|index| self.nodes[*index].replicas)
    }

    /// The slots that a node owns.
    #[must_use]
    pub fn covered(&self) -> SlotSet {
        self.nodes.iter().fold(SlotSet::new(), |covered, node| covered | &node.slots)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::line::parse_lines;

    pub(crate) fn id(digit: char) -> NodeId {
        NodeId::parse(digit.to_string().repeat(40).as_bytes()).expect("an id")
    }

    /// A node whose id is one digit repeated: `a master 0-5`, `b slave a`.
    pub(crate) fn node(text: &str) -> Node {
        let words: Vec<&str> = text.split(' ').collect();
        let (primary, slots) = match words[1] {
            "slave" => (words[2].repeat(40), String::new()),
            _ => ("-".to_owned(), words[2..].join(" ")),
        };
        let port = 7000 + u16::from(words[0].as_bytes()[0] - b'a');
        let own = words[0].repeat(40);
        let line = format!(
            "{own} 127.0.0.1:{port}@{} myself,{} {primary} 0 0 1 connected {slots}",
            port + 10_000,
            words[1]
        );
        Node::new("127.0.0.1", port, parse_lines(&line).expect("a line").remove(0))
    }

    pub(crate) fn view(nodes: &[&str]) -> View {
        View::new(nodes.iter().map(|text| node(text)).collect(), 0)
    }

    #[test]
    fn who_is_who() {
        let view = view(&["a master 0-5460", "b master 5461", "c slave a", "d slave f"]);
        assert_eq!(view.primaries().collect::<Vec<_>>(), [0, 1]);
        assert_eq!((view.nodes[0].replicas, view.nodes[1].replicas), (Some(1), Some(0)));
        assert_eq!(view.least_followed(), Some(1));
        assert_eq!(view.find(&"A".repeat(40)), Some(0));
        assert_eq!(
            (view.find("a"), view.find_by_start("bB"), view.find_by_start("x")),
            (None, Some(1), None)
        );
        let orphans: Vec<_> = view.orphans().map(|(node, id)| (node.port, id)).collect();
        assert_eq!(orphans, [(7003, id('f'))]);
        assert_eq!(view.covered().len(), 5462);
        assert!(view.nodes[0].has_usual_bus_port());
    }
}
