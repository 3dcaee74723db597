//! What happens to machines and connections.

use super::Bus;
use super::events::{Event, Input};
use super::machine::Power;
use super::wires::Recovery;

impl Bus {
    /// The process is killed: the peers' connections end, if they hear of it.
    pub fn kill(&mut self, index: usize) {
        self.end(index);
        for wire in std::mem::take(&mut self.machines[index].links).into_values().flatten() {
            self.hang_up(wire.0, wire.1);
        }
        self.hang_up_unaccepted(index);
    }

    /// The power goes: no peer hears of it, and what was not synced of nodes.conf may be gone.
    pub fn cut_power(&mut self, index: usize) {
        self.hang_up_unaccepted(index);
        self.end(index);
        let machine = &mut self.machines[index];
        machine.power = Power::Off;
        machine.conf.lose_power(&mut self.random);
        self.checks.lost_power(index);
        for (wire, side) in std::mem::take(&mut self.machines[index].links).into_values().flatten()
        {
            self.wires.get_mut(wire)[side].is_open = false;
        }
    }

    fn end(&mut self, index: usize) {
        let machine = &mut self.machines[index];
        machine.cluster = None;
        machine.life += 1;
        self.checks.ended(index);
    }

    /// Connections that the process has not accepted end with it.
    fn hang_up_unaccepted(&mut self, index: usize) {
        for input in self.machines[index].stopped.take().into_iter().flatten() {
            match input {
                Input::Accept { wire } => self.hang_up(wire, 1),
                Input::Connected { wire, .. } => self.hang_up(wire, 0),
                _ => {}
            }
        }
    }

    /// Stops a process: what arrives for it waits.
    pub fn stop(&mut self, index: usize) {
        let machine = &mut self.machines[index];
        if machine.cluster.is_some() {
            machine.stopped.get_or_insert_default();
        }
    }

    /// Lets a process go on with what it knew. What comes first, its cron or what has arrived, is
    /// chance.
    pub fn resume(&mut self, index: usize) {
        let Some(inbox) = self.machines[index].stopped.take() else { return };
        let life = self.machines[index].life;
        self.machines[index].resumed_us = self.now_us;
        self.look_at_reach();
        if self.random.bool() {
            self.cron(index);
        }
        for input in inbox {
            self.handle(Event::Arrival { machine: index, life, input });
        }
        self.plan_cron(index);
    }

    /// Whether a process runs, stopped or not.
    #[must_use]
    pub fn is_up(&self, index: usize) -> bool {
        self.machines[index].cluster.is_some()
    }

    /// Sets a machine's wall clock forward or back.
    pub fn jump_wall_clock(&mut self, index: usize, ms: i64) {
        self.machines[index].wall_jump_us += ms * 1000;
    }

    /// A machine's monotonic clock leaps forward.
    pub fn leap_monotonic(&mut self, index: usize, ms: u64) {
        self.machines[index].monotonic_jump_us += ms * 1000;
    }

    /// Cuts machines off from the others.
    pub fn partition(&mut self, cut_off: &[usize]) {
        self.look_at_reach();
        self.wires.set_sides(cut_off);
        self.look_at_reach();
        self.recover();
    }

    /// Loses all that one machine sends to another.
    pub fn lose(&mut self, from: usize, to: usize) {
        self.look_who_reaches(to);
        self.wires.lose(from, to);
    }

    /// Everybody reaches everybody again. What becomes of connections that have lost something is
    /// chance: it arrives late, the connection is reset, or nothing gets through any more.
    pub fn heal(&mut self) {
        self.wires.heal();
        self.look_at_reach();
        self.recover();
    }

    fn recover(&mut self) {
        for (wire, side) in self.wires.passable() {
            let recoveries = [Recovery::Late, Recovery::Reset, Recovery::Silent];
            let recovery = recoveries[self.random.usize(..recoveries.len())];
            for bytes in self.wires.recover(wire, side, recovery) {
                self.deliver(wire, side, Input::Bytes { wire, side: 1 - side, bytes });
            }
            if recovery == Recovery::Reset {
                self.reset(wire);
            }
        }
    }

    /// Resets some connections: one of so many.
    pub fn reset_some(&mut self, one_in: u32) {
        for wire in self.wires.open() {
            if self.random.u32(..one_in) == 0 {
                self.reset(wire);
            }
        }
    }

    /// Both ends hear that a connection is over.
    fn reset(&mut self, wire: super::wires::WireKey) {
        for side in [0, 1] {
            self.deliver(wire, 1 - side, Input::Closed { wire, side });
        }
    }
}
