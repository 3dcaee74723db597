//! Lines of CLUSTER NODES, as a client reads them.

use std::fmt;

use dunlin_cluster::NodeId;
use dunlin_slots::{SlotRange, SlotSet};

/// One line: a node as another node, or itself, sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Its name.
    pub id: NodeId,
    /// Host as announced; empty when it is not known.
    pub host: String,
    /// Port for clients; 0 when it is not known.
    pub port: u16,
    /// Port of the bus; 0 when the line has none, as before 4.0.
    pub bus_port: u16,
    /// Flags as they stand there, `myself` included.
    pub flags: Vec<String>,
    /// Whom it follows.
    pub primary: Option<NodeId>,
    /// Version of its claims.
    pub config_epoch: u64,
    /// Whether the link to it is up.
    pub connected: bool,
    /// Slots that it owns.
    pub slots: SlotSet,
    /// Slots on their way from it, and where to. Only `myself` has them.
    pub migrating: Vec<(u16, NodeId)>,
    /// Slots on their way to it, and where from.
    pub importing: Vec<(u16, NodeId)>,
}

/// A line that is no line of CLUSTER NODES.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidLine(pub String);

impl fmt::Display for InvalidLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no line of CLUSTER NODES: '{}'", self.0)
    }
}

impl std::error::Error for InvalidLine {}

impl Line {
    /// Whether it has a flag.
    #[must_use]
    pub fn has(&self, flag: &str) -> bool {
        self.flags.iter().any(|own| own == flag)
    }
}

/// Reads what CLUSTER NODES said.
///
/// # Errors
/// [`InvalidLine`] with the first line that cannot be read.
pub fn parse_lines(text: &str) -> Result<Vec<Line>, InvalidLine> {
    let lines = text.lines().filter(|line| !line.is_empty());
    lines.map(|line| parse_line(line).ok_or_else(|| InvalidLine(line.to_owned()))).collect()
}

fn parse_line(text: &str) -> Option<Line> {
    let mut words = text.split(' ');
    let id = NodeId::parse(words.next()?.as_bytes())?;
    let (host, port, bus_port) = parse_address(words.next()?)?;
    let flags: Vec<String> = words.next()?.split(',').map(str::to_owned).collect();
    let primary = NodeId::parse(words.next()?.as_bytes());
    let _ping_sent = words.next()?;
    let _pong_received = words.next()?;
    let config_epoch = words.next()?.parse().ok()?;
    let connected = words.next()? == "connected";
    let mut line = Line {
        id,
        host: host.to_owned(),
        port,
        bus_port: bus_port.unwrap_or(0),
        flags,
        primary,
        config_epoch,
        connected,
        slots: SlotSet::new(),
        migrating: Vec::new(),
        importing: Vec::new(),
    };
    for word in words.filter(|word| !word.is_empty()) {
        line.take_slots(word)?;
    }
    Some(line)
}

impl Line {
    /// Takes a word behind the link state: slots, or one that is on its way.
    fn take_slots(&mut self, word: &str) -> Option<()> {
        let Some(open) = word.strip_prefix('[') else {
            self.slots.insert_range(word.parse().ok()?);
            return Some(());
        };
        let open = open.strip_suffix(']')?;
        let (slot, peer, list) = match open.split_once("->-") {
            Some((slot, peer)) => (slot, peer, &mut self.migrating),
            None => {
                let (slot, peer) = open.split_once("-<-")?;
                (slot, peer, &mut self.importing)
            }
        };
        let slot: SlotRange = slot.parse().ok()?;
        list.push((slot.first(), NodeId::parse(peer.as_bytes())?));
        Some(())
    }
}

/// Splits `host:port[@bus[,more]]`. The host may hold colons (IPv6) or be empty.
#[must_use]
pub fn parse_address(text: &str) -> Option<(&str, u16, Option<u16>)> {
    let (client, bus) = match text.rsplit_once('@') {
        Some((client, bus)) => (client, Some(bus.split(',').next()?.parse().ok()?)),
        None => (text, None),
    };
    let (host, port) = client.rsplit_once(':')?;
    Some((host, port.parse().ok()?, bus))
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    const B: &str = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";

    #[test]
    fn lines_of_several_versions() {
        let text = format!(
            "{A} 127.0.0.1:30001@40001,host,tls-port=0 myself,master - 0 0 7 connected \
             0-5460 7000 [5->-{B}] [9-<-{B}]\n\
             {B} ::1:30002 slave,fail {A} 1 2 3 disconnected\n"
        );
        let lines = parse_lines(&text).expect("lines");
        let first = &lines[0];
        assert_eq!((first.host.as_str(), first.port, first.bus_port), ("127.0.0.1", 30001, 40001));
        assert!(first.has("myself") && first.has("master") && first.connected);
        assert_eq!((first.slots.len(), first.config_epoch), (5462, 7));
        let (a, b) = (NodeId::parse(A.as_bytes()).unwrap(), NodeId::parse(B.as_bytes()).unwrap());
        assert_eq!((&first.migrating[..], &first.importing[..]), (&[(5, b)][..], &[(9, b)][..]));
        let second = &lines[1];
        assert_eq!((second.host.as_str(), second.port, second.bus_port), ("::1", 30002, 0));
        assert_eq!((second.primary, second.connected), (Some(a), false));
    }

    #[test]
    fn what_is_no_line() {
        let good = format!("{A} :0@0 master - 0 0 0 connected");
        assert!(parse_lines(&good).is_ok());
        for (from, to) in [
            (A, "a"),
            (":0@0", "0"),
            (":0@0", ":x"),
            (":0@0", ":0@x"),
            (" connected", ""),
            ("0 0 0", "0 0 x"),
            ("connected", "connected 16384"),
            ("connected", "connected 2-1"),
            ("connected", "connected [1]"),
            ("connected", "connected [1->-x]"),
        ] {
            let bad = good.replacen(from, to, 1);
            assert_eq!(parse_lines(&bad), Err(InvalidLine(bad.clone())), "{bad}");
        }
    }

    proptest::proptest! {
        #[test]
        fn anything_is_read_or_refused(text in ".{0,200}") {
            let _ = parse_lines(&text);
            let _ = parse_address(&text);
        }
    }
}
