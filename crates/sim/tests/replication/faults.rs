//! What goes wrong, and what operators do.

use std::time::Duration;

use dunlin_sim::network::Death;
use dunlin_sim::{Call, Fault};

use crate::checks::position;
use crate::commands::{request, words};
use crate::scenario::{HOSTS, Scenario, TREE, address};

impl Scenario {
    /// Says something to a server over a connection of its own.
    pub(crate) fn tell(&mut self, host: usize, line: &str) {
        self.note(&format!("server {host} is told {line}"));
        let wire = self.network.open(host);
        self.network.send(wire, &request(&words(line)));
        self.network.close(wire);
    }

    pub(crate) fn fault(&mut self) {
        let (one, other) = (self.random.usize(..HOSTS), self.random.usize(..HOSTS));
        match self.random.u16(..400) {
            0..=3 if self.plot.network => {
                self.note(&format!("{one} and {other} lose their connections"));
                self.network.cut(one, other);
            }
            4 if self.plot.network => {
                self.note(&format!("{one} and {other} do not reach each other"));
                self.network.part(one, other);
            }
            5..=8 if self.plot.network => {
                self.note("all reach each other");
                self.network.join();
            }
            10 | 11 if self.plot.deaths => {
                let death = if self.random.u8(..3) == 0 { Death::PowerLoss } else { Death::Kill };
                self.note(&format!("{one}: {death:?}"));
                self.network.end(one, death);
            }
            12 | 13 if self.plot.deaths => {
                let how = self.random.choice(["SAVE", "NOSAVE", "SAVE NOW"]).expect("some");
                self.tell(one, &format!("SHUTDOWN {how}"));
            }
            14..=24 => self.revive(one),
            25 | 26 if self.plot.roles => self.follow(one, Some(other)),
            27 if self.plot.roles => self.follow(one, None),
            28 if self.plot.roles => self.follow(one, TREE[one]),
            29 | 30 => {
                let lines = ["BGSAVE", "BGREWRITEAOF", "CONFIG SET appendonly yes"];
                let line = self.random.choice(lines).expect("some");
                self.tell(one, line);
            }
            31 => self.pace = self.random.usize(1..12),
            32 if self.plot.disks => {
                let disk = self.network.disk(one).clone();
                disk.fail_by_chance(Call::Write, 5_000, Fault::ENOSPC);
                disk.fail_by_chance(Call::Write, 50_000, Fault::Short);
                disk.fail_by_chance(Call::Create, 20_000, Fault::EIO);
                disk.fail_by_chance(Call::Rename, 20_000, Fault::EIO);
            }
            33..=36 => self.network.disk(one).mend(),
            40..=43 if self.plot.hand_overs => self.hand_over(one, other),
            44 | 45 if self.plot.successions => self.succeed(),
            46..=48 if self.plot.heavy => {
                let (call, delay) = (self.random.choice([Call::Write, Call::Read]), 20_000);
                let slow = Fault::Slow(Duration::from_micros(self.random.u64(..delay)));
                self.network.disk(one).fail_by_chance(call.expect("some"), 300_000, slow);
            }
            _ => {}
        }
    }

    /// A primary is told to hand its role over, in one way or another.
    fn hand_over(&mut self, one: usize, other: usize) {
        let primary = self.primary();
        let (host, port) = address(other);
        let ms = self.random.u32(1..4000);
        let (to, line) = match self.random.u8(..12) {
            0..=2 => (primary, "FAILOVER".to_owned()),
            3..=4 => (primary, format!("FAILOVER TIMEOUT {ms}")),
            5..=6 => (primary, format!("FAILOVER TO {host} {port}")),
            7..=8 => (primary, format!("FAILOVER TO {host} {port} TIMEOUT {ms}")),
            9..=10 => (primary, format!("FAILOVER TO {host} {port} FORCE TIMEOUT {ms}")),
            _ => (one, "FAILOVER ABORT".to_owned()),
        };
        self.tell(to, &line);
    }

    /// The primary dies; the replica that has most becomes the primary, and the others follow it.
    fn succeed(&mut self) {
        let dead = self.primary();
        let is_primary = |server: &mut dunlin_sim::SimServer| {
            !server.node.engine_mut().replication.is_replica() && !server.node.is_loading()
        };
        if !self.network.server(dead).is_some_and(is_primary) {
            return;
        }
        let (id, _) = position(&mut self.network, dead);
        let death = if self.random.bool() { Death::PowerLoss } else { Death::Kill };
        self.note(&format!("the primary {dead}: {death:?}"));
        self.network.end(dead, death);
        for _ in 0..self.random.usize(1..40) {
            self.turn();
        }
        let heirs: Vec<usize> =
            (0..HOSTS).filter(|host| *host != dead && self.is_heir(*host, id)).collect();
        let heir = heirs.into_iter().max_by_key(|host| position(&mut self.network, *host).1);
        self.promises.check_heir(&mut self.network, dead, heir);
        let Some(heir) = heir else { return };
        self.follow(heir, None);
        for host in (0..HOSTS).filter(|host| *host != dead && *host != heir) {
            self.follow(host, Some(heir));
        }
        self.network.config(dead).replication.replicaof.0 = Some(address(heir));
        self.network.restart(dead);
    }

    /// Whether a server can go on with this history.
    fn is_heir(&mut self, host: usize, id: crate::checks::Id) -> bool {
        let Some(server) = self.network.server(host) else { return false };
        let is_loading = server.node.is_loading();
        let replication = &server.node.engine_mut().replication;
        let at = replication.saved_position();
        !is_loading && at.is_some_and(|(replid, ..)| *replid.digits() == id)
    }

    pub(crate) fn follow(&mut self, host: usize, primary: Option<usize>) {
        match primary.map(address) {
            Some((name, port)) => self.tell(host, &format!("REPLICAOF {name} {port}")),
            None => self.tell(host, "REPLICAOF NO ONE"),
        }
    }

    /// Starts a server again if it has ended, with its files or without them.
    pub(crate) fn revive(&mut self, host: usize) {
        if self.network.server(host).is_some() {
            return;
        }
        let cannot_load = self.network.log(host).trim_end().ends_with("--- ended ---")
            && self.network.log(host).contains("cannot be loaded");
        if cannot_load || self.random.u8(..4) == 0 {
            self.note(&format!("{host} has lost its files"));
            self.network.replace_disk(host);
        }
        self.note(&format!("{host} is started"));
        self.network.restart(host);
    }
}
