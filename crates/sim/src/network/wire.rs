//! A connection: two ends, and bytes on their way in both directions.

use std::collections::VecDeque;
use std::time::Duration;

use dunlin_node::Token;

/// Bytes on their way in one direction.
#[derive(Default)]
pub(super) struct Pipe {
    in_flight: VecDeque<(Duration, Vec<u8>)>,
    arrived: VecDeque<u8>,
    /// Bytes that were written and not read.
    len: usize,
    /// Nothing overtakes what was written before.
    last_arrival: Duration,
    /// When the other side hears that nothing follows.
    end: Option<Duration>,
}

impl Pipe {
    /// Bytes that fit.
    pub(super) fn room(&self, window: usize) -> usize {
        window.saturating_sub(self.len)
    }

    pub(super) fn write(&mut self, bytes: &[u8], arrival: Duration) {
        if bytes.is_empty() || self.end.is_some() {
            return;
        }
        self.last_arrival = self.last_arrival.max(arrival);
        self.len += bytes.len();
        self.in_flight.push_back((self.last_arrival, bytes.to_vec()));
    }

    /// Nothing follows.
    pub(super) fn finish(&mut self, arrival: Duration) {
        self.last_arrival = self.last_arrival.max(arrival);
        self.end.get_or_insert(self.last_arrival);
    }

    /// What is on its way is lost, and nothing follows.
    pub(super) fn cut(&mut self, now: Duration) {
        self.in_flight.clear();
        self.len = self.arrived.len();
        self.end = Some(now);
    }

    /// Lets arrive what is due.
    pub(super) fn settle(&mut self, now: Duration) {
        while self.in_flight.front().is_some_and(|(arrival, _)| *arrival <= now)
            && let Some((_, bytes)) = self.in_flight.pop_front()
        {
            self.arrived.extend(bytes);
        }
    }

    /// Bytes that can be read.
    pub(super) fn readable(&self) -> usize {
        self.arrived.len()
    }

    pub(super) fn read(&mut self, count: usize) -> impl Iterator<Item = u8> + '_ {
        self.len -= count;
        self.arrived.drain(..count)
    }

    /// Whether all has been read and the end has been heard of.
    pub(super) fn has_ended(&self, now: Duration) -> bool {
        self.arrived.is_empty()
            && self.in_flight.is_empty()
            && self.end.is_some_and(|end| end <= now)
    }
}

/// How far a connection has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// It is being made; when the other side hears of it.
    Asked(Duration),
    /// The other side has taken it; when the one that asked hears of that.
    Taken(Duration),
    Open,
}

/// A connection. Side 0 asked for it.
pub(super) struct Wire {
    /// The servers at its ends; `None` for a client.
    pub(super) hosts: [Option<usize>; 2],
    /// What the ends call it, while they have it.
    pub(super) tokens: [Option<Token>; 2],
    /// What each side has written.
    pub(super) pipes: [Pipe; 2],
    pub(super) stage: Stage,
    /// It was cut: whoever does not read hears of it as well.
    pub(super) is_cut: bool,
    /// A machine at one end is gone without a word.
    pub(super) is_silent: bool,
}

impl Wire {
    pub(super) fn new(from: Option<usize>, token: Option<Token>, to: usize, due: Duration) -> Wire {
        Wire {
            hosts: [from, Some(to)],
            tokens: [token, None],
            pipes: [Pipe::default(), Pipe::default()],
            stage: Stage::Asked(due),
            is_cut: false,
            is_silent: false,
        }
    }

    /// Whether it joins these two servers.
    pub(super) fn joins(&self, one: usize, other: usize) -> bool {
        self.hosts == [Some(one), Some(other)] || self.hosts == [Some(other), Some(one)]
    }
}
