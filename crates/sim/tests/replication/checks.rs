//! What must hold after every turn of every server.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use dunlin_sim::Network;

use crate::hand_overs::HandOvers;
use crate::plot::Plot;
use crate::taints::Taints;

pub(crate) type Id = [u8; 40];

/// The bytes of a history, as far as anybody has shown them.
#[derive(Default)]
struct Stream {
    /// Offset of the first one.
    from: u64,
    bytes: Vec<Option<u8>>,
}

impl Stream {
    /// Compares these bytes with what others had there; offset of the first one that differs.
    fn add(&mut self, offset: u64, bytes: &[u8]) -> Result<(), u64> {
        if self.bytes.is_empty() {
            self.from = offset;
        }
        if offset < self.from {
            let gap = (self.from - offset) as usize;
            self.bytes.splice(0..0, std::iter::repeat_n(None, gap));
            self.from = offset;
        }
        let begin = (offset - self.from) as usize;
        let end = begin + bytes.len();
        self.bytes.resize(end.max(self.bytes.len()), None);
        for (index, byte) in bytes.iter().enumerate() {
            match &mut self.bytes[begin + index] {
                Some(known) if known != byte => return Err(offset + index as u64),
                place => *place = Some(*byte),
            }
        }
        Ok(())
    }

    /// Text around an offset.
    fn around(&self, offset: u64) -> String {
        let at = (offset - self.from) as usize;
        let part = &self.bytes[at.saturating_sub(120)..self.bytes.len().min(at + 60)];
        let bytes: Vec<u8> = part.iter().map(|byte| byte.unwrap_or(b'?')).collect();
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

/// The histories of all.
#[derive(Default)]
pub(crate) struct Streams(HashMap<Id, Stream>);

impl Streams {
    /// The bytes of a history from one offset up to another.
    pub(crate) fn text(&self, id: Id, from: u64, end: u64) -> Vec<u8> {
        let Some(stream) = self.0.get(&id) else { return Vec::new() };
        let place = |offset: u64| offset.saturating_sub(stream.from) as usize;
        let bytes = stream.bytes.get(place(from)..place(end)).unwrap_or_default();
        bytes.iter().map(|byte| byte.unwrap_or(b'?')).collect()
    }
}

/// What one server was last seen at.
#[derive(Default)]
struct Seen {
    life: u32,
    at: Option<(Id, u64)>,
    /// The same, also for a primary whose stream nobody keeps.
    held_at: Option<(Id, u64)>,
    /// Data sets that it took.
    transfers: usize,
    /// Whether one of them came in the latest turn.
    is_another: bool,
    turns: u64,
}

/// What was held at a position.
struct Held {
    digest: String,
    by: usize,
    picture: Option<BTreeMap<String, String>>,
}

/// A write whose replicas are counted.
#[derive(Default)]
struct Counted {
    /// Where it is in which histories.
    positions: Vec<(Id, u64)>,
    /// Servers, each in one of its lives: a primary may not have heard yet that one is over, and
    /// counts both.
    held_by: BTreeSet<(usize, u32)>,
}

/// What was seen of all servers.
#[derive(Default)]
pub(crate) struct Checks {
    streams: Streams,
    taints: Option<Taints>,
    pub(crate) hand_overs: HandOvers,
    held: HashMap<(Id, u64), Held>,
    seen: Vec<Seen>,
    counted: BTreeMap<u64, Counted>,
    keeps_pictures: bool,
    /// Data are compared every so many turns.
    rests_turns: u64,
    /// Positions at which two servers were compared.
    pub(crate) compared: usize,
}

/// The key of a write that is counted.
pub(crate) fn marker(number: u64) -> String {
    format!("wait:{number}:")
}

impl Checks {
    pub(crate) fn new(hosts: usize, plot: Plot) -> Checks {
        let keeps_pictures = std::env::var_os("SIM_SEED").is_some();
        let seen = (0..hosts).map(|_| Seen::default()).collect();
        let taints = plot.own_writes.then(|| Taints::new(hosts));
        let hand_overs = HandOvers::new(hosts);
        // What is large takes long to compare.
        let rests_turns = if plot.heavy { 5 } else { 1 };
        Checks { seen, keeps_pictures, taints, hand_overs, rests_turns, ..Checks::default() }
    }

    /// Whether a server may hold something else than its position says.
    pub(crate) fn is_tainted(&self, index: usize) -> bool {
        self.taints.as_ref().is_some_and(|taints| taints.is_tainted(index))
    }

    /// Looks at a server after its turn.
    pub(crate) fn observe(&mut self, network: &mut Network, index: usize) {
        let life = network.lives(index);
        if network.server(index).is_none() {
            return;
        }
        if self.seen[index].life != life {
            self.seen[index] = Seen { life, ..Seen::default() };
        }
        self.check_direction(network, index);
        self.check_stream(network, index);
        self.hand_overs.observe(network, index, &self.streams);
        if let Some(taints) = &mut self.taints {
            taints.observe(network, index);
        }
        self.check_data(network, index);
        self.inherit(network, index);
        self.count(network, index);
        let at = position(network, index);
        let is_somewhere = !is_between(network, index);
        let replication = &network.server(index).expect("looked at").node.engine_mut().replication;
        let is_unheard = replication.link.is_none() && replication.backlog.is_none();
        self.seen[index].at = is_somewhere.then_some(at);
        self.seen[index].held_at = (is_somewhere || is_unheard).then_some(at);
        self.seen[index].turns += 1;
    }

    /// Within one life an offset goes back only with another data set.
    fn check_direction(&mut self, network: &mut Network, index: usize) {
        let (id, offset) = position(network, index);
        let server = network.server(index).expect("looked at");
        let transfers = server.logged("Discarding previously cached master state");
        let seen = &mut self.seen[index];
        let is_another = std::mem::replace(&mut seen.transfers, transfers) != transfers;
        seen.is_another = is_another;
        if let Some((old, before)) = seen.at
            && old == id
            && !is_another
            && !server.node.is_loading()
        {
            assert!(before <= offset, "server {index} went back from {before} to {offset}");
        }
    }

    /// Equal positions mean equal bytes.
    fn check_stream(&mut self, network: &mut Network, index: usize) {
        let seen = self.seen[index].at;
        let replication = &network.server(index).expect("looked at").node.engine_mut().replication;
        let Some(backlog) = &replication.backlog else { return };
        let history = &replication.history;
        let second_end = u64::try_from(history.second_offset()).unwrap_or(0);
        let ranges = [
            (*history.replid().digits(), backlog.next()),
            (*history.second_replid().digits(), second_end.min(backlog.next())),
        ];
        for (id, end) in ranges {
            let known = seen.filter(|seen| seen.0 == id).map_or(0, |seen| seen.1 + 1);
            let from = known.max(backlog.resident_from());
            if from >= end {
                continue;
            }
            let mut bytes = Vec::new();
            backlog.read(from, (end - from) as usize, |piece| bytes.extend_from_slice(piece));
            self.find_markers(&bytes, (id, from), index);
            let stream = self.streams.0.entry(id).or_default();
            if let Err(at) = stream.add(from, &bytes) {
                let here = (at - from) as usize;
                let part = &bytes[here.saturating_sub(120)..bytes.len().min(here + 60)];
                panic!(
                    "server {index} has other bytes at {} {at}:\n{}\nelsewhere:\n{}",
                    String::from_utf8_lossy(&id),
                    String::from_utf8_lossy(part),
                    stream.around(at)
                );
            }
        }
    }

    fn find_markers(&mut self, bytes: &[u8], (id, from): (Id, u64), index: usize) {
        let life = self.seen[index].life;
        let mut at = 0;
        while let Some(place) = bytes[at..].windows(5).position(|part| part == b"wait:") {
            at += place + 5;
            let digits: String =
                bytes[at..].iter().map(|byte| char::from(*byte)).take(12).collect();
            let number = digits.split(':').next().and_then(|number| number.parse().ok());
            let Some(number) = number else { continue };
            let counted = self.counted.entry(number).or_default();
            counted.held_by.insert((index, life));
            // Whoever has come so far has applied the command: there is nothing between the two.
            counted.positions.push((id, from + at as u64));
        }
    }

    /// What a server holds when it goes on under another id belongs to that history too.
    fn inherit(&mut self, network: &mut Network, index: usize) {
        let (id, _) = position(network, index);
        let Seen { life, held_at, is_another, .. } = self.seen[index];
        let Some((_, before)) = held_at.filter(|at| at.0 != id && !is_another) else { return };
        for counted in self.counted.values_mut().rev().take(100) {
            let is_known = counted.positions.iter().any(|(of, _)| *of == id);
            if counted.held_by.contains(&(index, life)) && !is_known {
                counted.positions.push((id, before));
            }
        }
    }

    /// Servers that have got past a write have it.
    fn count(&mut self, network: &mut Network, index: usize) {
        let (id, offset) = position(network, index);
        if is_between(network, index) {
            return;
        }
        for counted in self.counted.values_mut().rev().take(100) {
            if counted.positions.iter().any(|(of, at)| *of == id && *at <= offset) {
                counted.held_by.insert((index, self.seen[index].life));
            }
        }
    }

    /// So many replicas of a server were said to have a write.
    pub(crate) fn acknowledged(&mut self, number: u64, primary: usize, replicas: usize) {
        // A write from before there was a stream reached them with the data set.
        let Some(Counted { held_by, .. }) = self.counted.get(&number) else { return };
        let others = held_by.iter().filter(|(index, _)| *index != primary).count();
        assert!(
            others >= replicas,
            "WAIT told server {primary}'s client of {replicas} replicas with write {number}: {held_by:?}"
        );
    }

    /// Equal positions mean equal data.
    fn check_data(&mut self, network: &mut Network, index: usize) {
        if is_between(network, index) || self.is_tainted(index) {
            return;
        }
        let at = position(network, index);
        let turns = self.seen[index].turns;
        let is_old = self.seen[index].at == Some(at) && !turns.is_multiple_of(8);
        if is_old || !turns.is_multiple_of(self.rests_turns) {
            return;
        }
        let server = network.server(index).expect("looked at");
        let digest = server.digest();
        let picture = self.keeps_pictures.then(|| server.describe());
        let Some(held) = self.held.get(&at) else {
            self.held.insert(at, Held { digest, by: index, picture });
            return;
        };
        self.compared += usize::from(held.by != index);
        if held.digest != digest {
            let difference = match (&held.picture, &picture) {
                (Some(there), Some(here)) => difference(there, here),
                _ => String::new(),
            };
            let by = held.by;
            panic!(
                "server {index} holds something else at {} {} than server {by} did:\n{difference}",
                String::from_utf8_lossy(&at.0),
                at.1
            );
        }
    }
}

/// What differs, key by key.
pub(crate) fn difference(
    there: &BTreeMap<String, String>,
    here: &BTreeMap<String, String>,
) -> String {
    let keys: BTreeSet<&String> = there.keys().chain(here.keys()).collect();
    let lines = keys.into_iter().filter(|key| there.get(*key) != here.get(*key));
    lines.map(|key| format!("{key}: {:?}, here {:?}\n", there.get(key), here.get(key))).collect()
}

/// The history that a server is on, and how far it has come.
pub(crate) fn position(network: &mut Network, index: usize) -> (Id, u64) {
    let server = network.server(index).expect("it runs");
    let history = &server.node.engine_mut().replication.history;
    (*history.replid().digits(), history.offset())
}

/// Whether what a server holds is not what its position says: it takes a data set.
fn is_between(network: &mut Network, index: usize) -> bool {
    let node = &mut network.server(index).expect("it runs").node;
    let replication = &node.engine_mut().replication;
    let is_unknown = replication.saved_position().is_none() || replication.unfed_bytes > 0;
    is_unknown || node.is_loading()
}
