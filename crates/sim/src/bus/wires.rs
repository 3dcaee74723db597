//! Connections between machines, and what the network does to them.

use std::collections::BTreeSet;

use bytes::Bytes;
use dunlin_cluster::LinkId;

/// Place of a wire; none is used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct WireKey(u32);

/// So many messages are kept of a direction that is cut; the others are lost, and the connection
/// with them.
const HELD_MAX: usize = 64;

/// One end of a wire.
#[derive(Clone, Debug)]
pub(super) struct End {
    pub(super) machine: usize,
    pub(super) life: u64,
    /// How the process knows it: `None` before it has accepted it.
    pub(super) link: Option<LinkId>,
    /// Whether the process still has it.
    pub(super) is_open: bool,
    /// When the last of what was sent here arrives there.
    pub(super) arrival_us: u64,
    /// What was sent here while the direction was cut: TCP would send it again.
    held: Vec<Bytes>,
    is_stuck: bool,
}

impl End {
    pub(super) const fn new(machine: usize, life: u64, link: Option<LinkId>) -> Self {
        Self {
            machine,
            life,
            link,
            is_open: true,
            arrival_us: 0,
            held: Vec::new(),
            is_stuck: false,
        }
    }
}

/// A connection: side 0 has asked for it, side 1 accepts it.
pub(super) type Wire = [End; 2];

/// What becomes of a connection whose direction is cut no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Recovery {
    /// What was sent meanwhile arrives, late.
    Late,
    /// Both ends hear that it is over.
    Reset,
    /// Nothing gets through any more, and nobody says so.
    Silent,
}

/// All connections, and what the network lets pass.
#[derive(Clone, Default)]
pub(super) struct Wires {
    all: Vec<Wire>,
    /// Those with a direction that is or was cut.
    stuck: BTreeSet<(WireKey, usize)>,
    /// Which side of a partition each machine is on.
    sides: Vec<u8>,
    /// Directions in which everything is lost.
    lost: BTreeSet<(usize, usize)>,
}

impl Wires {
    pub(super) fn add_machine(&mut self) {
        self.sides.push(0);
    }

    pub(super) fn add(&mut self, wire: Wire) -> WireKey {
        self.all.push(wire);
        WireKey(u32::try_from(self.all.len() - 1).expect("fewer than four billion connections"))
    }

    pub(super) fn get(&self, key: WireKey) -> &Wire {
        &self.all[key.0 as usize]
    }

    pub(super) fn get_mut(&mut self, key: WireKey) -> &mut Wire {
        &mut self.all[key.0 as usize]
    }

    /// Whether anything gets from one machine to another.
    pub(super) fn passes(&self, from: usize, to: usize) -> bool {
        self.sides[from] == self.sides[to] && !self.lost.contains(&(from, to))
    }

    /// Whether two machines reach each other.
    pub(super) fn joins(&self, one: usize, other: usize) -> bool {
        self.passes(one, other) && self.passes(other, one)
    }

    pub(super) fn set_sides(&mut self, cut_off: &[usize]) {
        for (index, side) in self.sides.iter_mut().enumerate() {
            *side = u8::from(cut_off.contains(&index));
        }
    }

    pub(super) fn lose(&mut self, from: usize, to: usize) {
        self.lost.insert((from, to));
    }

    pub(super) fn heal(&mut self) {
        self.sides.fill(0);
        self.lost.clear();
    }

    /// Whether what is sent now is on its way; else it is kept for later.
    pub(super) fn takes(&mut self, key: WireKey, side: usize, bytes: &Bytes) -> bool {
        let wire = &self.all[key.0 as usize];
        let passes = self.passes(wire[side].machine, wire[1 - side].machine);
        let end = &mut self.all[key.0 as usize][side];
        if !passes && !end.is_stuck {
            end.is_stuck = true;
            self.stuck.insert((key, side));
        }
        if end.is_stuck && end.held.len() <= HELD_MAX {
            end.held.push(bytes.clone());
        }
        !end.is_stuck
    }

    /// The directions that were cut and are not any more.
    pub(super) fn passable(&self) -> Vec<(WireKey, usize)> {
        let is_passable = |(key, side): &(WireKey, usize)| {
            let wire = self.get(*key);
            self.passes(wire[*side].machine, wire[1 - *side].machine)
        };
        self.stuck.iter().filter(|stuck| is_passable(stuck)).copied().collect()
    }

    /// Ends the cut of a direction; what is to be sent now.
    pub(super) fn recover(&mut self, key: WireKey, side: usize, recovery: Recovery) -> Vec<Bytes> {
        self.stuck.remove(&(key, side));
        let end = &mut self.all[key.0 as usize][side];
        let held = std::mem::take(&mut end.held);
        if recovery != Recovery::Late || held.len() > HELD_MAX {
            return Vec::new();
        }
        end.is_stuck = false;
        held
    }

    /// All wires that are open at both ends.
    pub(super) fn open(&self) -> Vec<WireKey> {
        let is_open = |wire: &Wire| wire.iter().all(|end| end.is_open && end.link.is_some());
        (0..self.all.len() as u32).map(WireKey).filter(|key| is_open(self.get(*key))).collect()
    }
}
