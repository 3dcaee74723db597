//! What is going to happen, in the order of time.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use bytes::Bytes;
use dunlin_cluster::LinkId;

use super::wires::WireKey;

/// Something that reaches a machine.
#[derive(Clone, Debug)]
pub(super) enum Input {
    /// A peer has connected.
    Accept { wire: WireKey },
    /// A connection that was asked for is there.
    Connected { link: LinkId, wire: WireKey },
    /// A connection that was asked for is refused.
    ConnectFailed { link: LinkId },
    /// Bytes for this side of a wire.
    Bytes { wire: WireKey, side: usize, bytes: Bytes },
    /// The other side of a wire has closed it, or is gone.
    Closed { wire: WireKey, side: usize },
}

/// Something that is going to happen.
#[derive(Clone, Debug)]
pub(super) enum Event {
    /// A process does what it does every 100 ms.
    Cron { machine: usize },
    /// Something arrives for a process.
    Arrival { machine: usize, life: u64, input: Input },
    /// A request for a connection arrives.
    Request { from: usize, life: u64, link: LinkId, to: usize },
}

/// An event with its time; among those of one time the first that was planned comes first.
#[derive(Clone)]
struct Planned {
    at_us: u64,
    sequence: u64,
    event: Event,
}

impl Planned {
    const fn key(&self) -> Reverse<(u64, u64)> {
        Reverse((self.at_us, self.sequence))
    }
}

impl PartialEq for Planned {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Planned {}

impl PartialOrd for Planned {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Planned {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.key().cmp(&other.key())
    }
}

/// All that is going to happen.
#[derive(Clone, Default)]
pub(super) struct Queue {
    heap: BinaryHeap<Planned>,
    sequence: u64,
}

impl Queue {
    pub(super) fn plan(&mut self, at_us: u64, event: Event) {
        self.sequence += 1;
        self.heap.push(Planned { at_us, sequence: self.sequence, event });
    }

    /// The next event that is due by then.
    pub(super) fn next(&mut self, until_us: u64) -> Option<(u64, Event)> {
        if self.heap.peek()?.at_us > until_us {
            return None;
        }
        self.heap.pop().map(|planned| (planned.at_us, planned.event))
    }
}
