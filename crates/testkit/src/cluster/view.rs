//! What CLUSTER NODES says, line by line.

use std::fmt;
use std::ops::RangeInclusive;

/// One line of CLUSTER NODES or of a nodes.conf.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeLine {
    /// 40 characters.
    pub id: String,
    /// As it stands there: `ip:port@bus`, and what follows a comma.
    pub address: String,
    /// The port of clients; 0 where none is known.
    pub port: u16,
    /// The port of the bus.
    pub bus_port: u16,
    /// `myself`, `master`, `slave`, `fail`, ...
    pub flags: Vec<String>,
    /// Whom it replicates.
    pub primary: Option<String>,
    /// The config epoch.
    pub epoch: u64,
    /// Whether the link is up.
    pub is_connected: bool,
    /// Slots that it owns.
    pub slots: Vec<RangeInclusive<u16>>,
    /// Slots on their way, as they stand there: `[93->-id]`, `[77-<-id]`.
    pub open_slots: Vec<String>,
}

impl NodeLine {
    /// Reads a line; `None` for one that does not tell of a node.
    pub fn read(line: &str) -> Option<NodeLine> {
        let mut words = line.split(' ');
        let id = words.next().filter(|id| id.len() == 40)?.to_owned();
        let address = words.next()?.to_owned();
        let (port, bus_port) = ports(&address)?;
        let flags = words.next()?.split(',').map(str::to_owned).collect();
        let primary = Some(words.next()?).filter(|&id| id != "-").map(str::to_owned);
        let epoch = words.nth(2)?.parse().ok()?;
        let is_connected = words.next()? == "connected";
        let (open, owned): (Vec<&str>, Vec<&str>) = words.partition(|word| word.starts_with('['));
        let slots = owned.into_iter().map(range).collect::<Option<_>>()?;
        let open_slots = open.into_iter().map(str::to_owned).collect();
        let line = NodeLine {
            id,
            address,
            port,
            bus_port,
            flags,
            primary,
            epoch,
            is_connected,
            slots,
            open_slots,
        };
        Some(line)
    }

    /// Reads all lines of CLUSTER NODES.
    pub fn read_all(text: &str) -> Vec<NodeLine> {
        text.lines().filter_map(NodeLine::read).collect()
    }

    /// Whether a flag is set.
    pub fn has(&self, flag: &str) -> bool {
        self.flags.iter().any(|word| word == flag)
    }

    /// Whether it owns a slot.
    pub fn owns(&self, slot: u16) -> bool {
        self.slots.iter().any(|range| range.contains(&slot))
    }

    /// How many slots it owns.
    pub fn slot_count(&self) -> usize {
        self.slots.iter().map(RangeInclusive::len).sum()
    }

    /// Its slots as they stand in the line.
    pub fn slots_text(&self) -> String {
        let words = self.slots.iter().map(|range| match (range.start(), range.end()) {
            (first, last) if first == last => first.to_string(),
            (first, last) => format!("{first}-{last}"),
        });
        words.collect::<Vec<_>>().join(" ")
    }

    /// Who it is, what it does, and for which slots: what all nodes of a cluster agree about.
    pub fn agreed(&self) -> String {
        let flags: Vec<&str> =
            self.flags.iter().map(String::as_str).filter(|&flag| flag != "myself").collect();
        let primary = self.primary.as_deref().unwrap_or("-");
        let epoch = self.epoch;
        format!("{} {} {primary} {epoch} {}", self.id, flags.join(","), self.slots_text())
    }
}

impl fmt::Display for NodeLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let link = if self.is_connected { "connected" } else { "disconnected" };
        write!(f, "{} {} {link} {}", self.address, self.agreed(), self.open_slots.join(" "))
    }
}

fn ports(address: &str) -> Option<(u16, u16)> {
    let before_names = address.split(',').next()?;
    let (endpoint, bus_port) = before_names.rsplit_once('@')?;
    Some((endpoint.rsplit_once(':')?.1.parse().ok()?, bus_port.parse().ok()?))
}

fn range(word: &str) -> Option<RangeInclusive<u16>> {
    let (first, last) = word.split_once('-').unwrap_or((word, word));
    Some(first.parse().ok()?..=last.parse().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_line_with_everything() {
        let (id, other) = ("a".repeat(40), "b".repeat(40));
        let text = format!(
            "{id} 127.0.0.1:7000@17000,name myself,master - 0 1 7 connected 0-2 5 [93->-{other}]\n\
             vars currentEpoch 7 lastVoteEpoch 0\n{other} :0@0 slave,noaddr {id} 0 0 3 disconnected"
        );
        let lines = NodeLine::read_all(&text);
        assert_eq!(lines.len(), 2);
        let [one, two] = lines.as_slice() else { panic!("{lines:?}") };
        assert_eq!((one.port, one.bus_port, one.epoch, one.slot_count()), (7000, 17000, 7, 4));
        assert!(one.has("myself") && one.owns(1) && !one.owns(3) && one.is_connected);
        assert_eq!((one.slots_text(), one.open_slots.len()), ("0-2 5".to_owned(), 1));
        assert_eq!((two.primary.as_ref(), two.is_connected), (Some(&id), false));
        assert_eq!(one.agreed(), format!("{id} master - 7 0-2 5"));
    }
}
