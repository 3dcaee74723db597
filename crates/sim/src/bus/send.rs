//! What processes put on the network.

use bytes::Bytes;
use dunlin_cluster::LinkId;

use super::events::{Event, Input};
use super::machine::Power;
use super::wires::WireKey;
use super::{Bus, Latency};

impl Bus {
    /// Asks for a connection.
    pub(super) fn request(&mut self, from: usize, link: LinkId, ip: &str, port: u16) {
        self.machines[from].links.insert(link, None);
        let to = self.by_host.get(ip).filter(|to| self.machines[**to].address.1 + 10_000 == port);
        let (to, life, at_us) = (to.copied(), self.machines[from].life, self.arrival_us());
        let event = match to {
            Some(to) => Event::Request { from, life, link, to },
            None => Event::Arrival { machine: from, life, input: Input::ConnectFailed { link } },
        };
        self.queue.plan(at_us, event);
    }

    /// When what is sent now arrives.
    pub(super) fn arrival_us(&mut self) -> u64 {
        let Latency { min_us, max_us, late_one_in, late_us } = self.latency;
        let mut us = self.random.u64(min_us..max_us);
        if late_one_in > 0 && self.random.u32(..late_one_in) == 0 {
            us += self.random.u64(..=late_us);
        }
        self.now_us + us
    }

    pub(super) fn send(&mut self, from: usize, link: LinkId, bytes: Bytes) {
        self.traffic.messages += 1;
        self.traffic.bytes += bytes.len() as u64;
        let Some((wire, side)) = self.machines[from].links.get(&link).copied().flatten() else {
            return;
        };
        let to = &self.wires.get(wire)[1 - side];
        let (to, is_open) = (to.machine, to.is_open);
        self.checks.sent(from, to, &bytes);
        self.recorder.record(&mut self.random, &bytes);
        if is_open {
            if self.wires.takes(wire, side, &bytes) {
                self.deliver(wire, side, Input::Bytes { wire, side: 1 - side, bytes });
            }
        } else if self.machines[to].power == Power::On && self.wires.joins(from, to) {
            // There is no such connection any more: that is answered.
            self.deliver(wire, 1 - side, Input::Closed { wire, side });
        }
    }

    /// Puts something on its way from one side of a wire to the other, behind what was sent before.
    pub(super) fn deliver(&mut self, wire: WireKey, from_side: usize, input: Input) {
        let at_us = self.arrival_us();
        let wire = self.wires.get_mut(wire);
        let end = &mut wire[from_side];
        end.arrival_us = end.arrival_us.max(at_us);
        let (at_us, to) = (end.arrival_us, &wire[1 - from_side]);
        let (machine, life) = (to.machine, to.life);
        self.queue.plan(at_us, Event::Arrival { machine, life, input });
    }

    /// A process closes a connection: the other side hears of it, if anything gets there.
    pub(super) fn close(&mut self, index: usize, link: LinkId) {
        let Some(Some((wire, side))) = self.machines[index].links.remove(&link) else { return };
        self.hang_up(wire, side);
    }

    pub(super) fn hang_up(&mut self, wire: WireKey, side: usize) {
        let ends = self.wires.get_mut(wire);
        ends[side].is_open = false;
        let (from, to, is_open) =
            (ends[side].machine, ends[1 - side].machine, ends[1 - side].is_open);
        if is_open && self.wires.passes(from, to) {
            self.deliver(wire, side, Input::Closed { wire, side: 1 - side });
        }
    }
}
