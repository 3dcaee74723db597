//! What happens as time passes.

use dunlin_cluster::LinkId;

use super::events::{Event, Input};
use super::machine::Power;
use super::wires::{End, WireKey};
use super::{Bus, CRON_US};

impl Bus {
    /// Lets time pass.
    pub fn run_ms(&mut self, ms: u64) {
        let end_us = self.now_us + ms * 1000;
        while let Some((at_us, event)) = self.queue.next(end_us) {
            self.now_us = at_us;
            self.handle(event);
        }
        self.now_us = end_us;
    }

    pub(super) fn handle(&mut self, event: Event) {
        match event {
            Event::Cron { machine } => {
                // One that is stopped goes on when it is resumed.
                let host = &mut self.machines[machine];
                if host.next_cron_us == self.now_us && host.works() {
                    host.next_cron_us += CRON_US;
                    self.queue.plan(host.next_cron_us, Event::Cron { machine });
                    self.cron(machine);
                }
            }
            Event::Arrival { machine, life, input } => {
                if self.machines[machine].life != life {
                    return;
                }
                match &mut self.machines[machine].stopped {
                    Some(inbox) => inbox.push_back(input),
                    None => self.take(machine, input),
                }
            }
            Event::Request { from, life, link, to } => {
                if self.machines[from].life == life && self.wires.joins(from, to) {
                    self.connect(from, link, to);
                }
            }
        }
    }

    /// The cron of a process begins at some time within its interval.
    pub(super) fn plan_cron(&mut self, index: usize) {
        let next_us = self.now_us + self.random.u64(..CRON_US);
        self.machines[index].next_cron_us = next_us;
        self.queue.plan(next_us, Event::Cron { machine: index });
    }

    pub(super) fn cron(&mut self, index: usize) {
        self.note(self.now_us << 16 | index as u64);
        self.replicate(index);
        self.turn(index, |cluster, now, facts| cluster.run_cron(now, facts));
        self.check_minority(index);
    }

    /// A request for a connection has reached a machine.
    fn connect(&mut self, from: usize, link: LinkId, to: usize) {
        let (life, machine) = (self.machines[from].life, &self.machines[to]);
        if machine.cluster.is_none() {
            if machine.power == Power::On {
                let at_us = self.arrival_us();
                let input = Input::ConnectFailed { link };
                self.queue.plan(at_us, Event::Arrival { machine: from, life, input });
            }
            return;
        }
        let wire =
            self.wires.add([End::new(from, life, Some(link)), End::new(to, machine.life, None)]);
        self.deliver(wire, 1, Input::Connected { link, wire });
        self.handle(Event::Arrival {
            machine: to,
            life: self.machines[to].life,
            input: Input::Accept { wire },
        });
    }

    /// A process takes what has arrived.
    fn take(&mut self, index: usize, input: Input) {
        match input {
            Input::Accept { wire } => self.accept(index, wire),
            Input::Connected { link, wire } => match self.machines[index].links.get_mut(&link) {
                Some(known) => {
                    *known = Some((wire, 0));
                    let peer = self.wires.get(wire)[1].machine;
                    let peer_ip = self.machines[peer].address.0.clone();
                    self.turn(index, |cluster, now, facts| {
                        cluster.connected(now, facts, link, &peer_ip);
                    });
                }
                None => self.hang_up(wire, 0),
            },
            Input::ConnectFailed { link } => {
                if self.machines[index].links.remove(&link).is_some() {
                    self.turn(index, |cluster, now, _| {
                        cluster.connect_failed(now, link, "Connection refused");
                    });
                }
            }
            Input::Bytes { wire, side, bytes } => {
                let end = &self.wires.get(wire)[side];
                if let Some(link) = end.link.filter(|_| end.is_open) {
                    self.note((bytes.len() as u64) << 32 ^ self.now_us << 8 ^ index as u64);
                    self.turn(index, |cluster, now, facts| {
                        cluster.received(now, facts, link, &bytes);
                    });
                }
            }
            Input::Closed { wire, side } => {
                let end = &mut self.wires.get_mut(wire)[side];
                let link = end.link.filter(|_| end.is_open);
                end.is_open = false;
                if let Some(link) = link {
                    self.machines[index].links.remove(&link);
                    self.turn(index, |cluster, now, _| cluster.closed(now, link));
                }
            }
        }
    }

    fn accept(&mut self, index: usize, wire: WireKey) {
        let [from, to] = self.wires.get(wire);
        if !to.is_open {
            return;
        }
        let peer_ip = self.machines[from.machine].address.0.clone();
        let local_ip = self.machines[index].address.0.clone();
        let machine = &mut self.machines[index];
        let now = machine.now(self.now_us);
        let Some(cluster) = machine.cluster.as_mut() else { return };
        let link = cluster.accepted(now, &peer_ip, &local_ip);
        machine.links.insert(link, Some((wire, 1)));
        self.wires.get_mut(wire)[1].link = Some(link);
        self.act(index);
    }

    /// The stream of changes, as a number.
    fn replicate(&mut self, index: usize) {
        let now = self.machines[index].now(self.now_us).monotonic;
        let Some((ip, port)) = self.machines[index].following.clone() else {
            let takes_writes = self.takes_writes(index);
            self.machines[index].offset += u64::from(takes_writes && self.writes);
            return;
        };
        let source = self.by_host.get(&ip).copied().filter(|source| {
            *source != index
                && self.machines[*source].address.1 == port
                && self.machines[*source].works()
                && self.wires.joins(*source, index)
        });
        match source {
            Some(source) => {
                let offset = self.machines[source].offset;
                self.machines[index].hear_primary(offset, now);
            }
            None => self.machines[index].miss_primary(now),
        }
    }
}
