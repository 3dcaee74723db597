//! Clients: what they write, and what they make of the replies.

use std::collections::VecDeque;

use dunlin_sim::WireNumber;
use dunlin_testkit::value::{Decoded, Value, decode};

use crate::checks::marker;
use crate::commands::{self, request, words};
use crate::promises::{Sighting, kept};
use crate::scenario::{HOSTS, Scenario};

/// What the next reply of a client is about.
pub(crate) enum Awaited {
    Other,
    /// The write with this number.
    Write(u64),
    /// How many replicas have it.
    Count(u64),
    /// How many have it on disk; where everybody was before it was made.
    Durable(u64, Vec<Option<Sighting>>),
}

pub(crate) struct Client {
    pub(crate) host: usize,
    wire: WireNumber,
    awaited: VecDeque<Awaited>,
    received: Vec<u8>,
    /// The latest write that was made.
    written: Option<u64>,
}

impl Client {
    /// A client that connects to a server.
    pub(crate) fn new(host: usize, wire: WireNumber) -> Client {
        let (awaited, received) = (VecDeque::new(), Vec::new());
        Client { host, wire, awaited, received, written: None }
    }
}

impl Scenario {
    /// A client reads its replies, or connects again.
    pub(crate) fn read(&mut self, client: usize) {
        let Some(bytes) = self.network.receive(self.clients[client].wire) else {
            return self.connect(client);
        };
        self.clients[client].received.extend(bytes);
        while let Decoded::Whole(reply, len) = decode(&self.clients[client].received) {
            self.clients[client].received.drain(..len);
            self.take_reply(client, &reply);
        }
    }

    /// A client connects to some server, preferably to a primary.
    fn connect(&mut self, client: usize) {
        let any = self.random.usize(..HOSTS * 3);
        let host = if any < HOSTS { any } else { self.primary() };
        let wire = self.network.open(host);
        self.clients[client] = Client::new(host, wire);
    }

    fn take_reply(&mut self, client: usize, reply: &Value) {
        let client = &mut self.clients[client];
        let (host, written) = (client.host, client.written);
        match client.awaited.pop_front() {
            Some(Awaited::Write(number)) => {
                client.written = matches!(reply, Value::Simple(_)).then_some(number);
            }
            Some(Awaited::Count(number)) if written == Some(number) => {
                if let Value::Integer(count) = reply {
                    self.checks.acknowledged(number, host, *count as usize);
                    if self.plot.successions {
                        self.promises.acknowledged(&mut self.network, number, host);
                    }
                }
            }
            Some(Awaited::Durable(number, before)) if written == Some(number) => {
                if let Value::Array(counts) = reply
                    && let [Value::Integer(own), Value::Integer(others)] = counts[..]
                {
                    let told = (own > 0, others as usize);
                    self.promises.durable(&mut self.network, (number, host), told, &before);
                }
            }
            Some(_) => {}
            None => assert!(matches!(reply, Value::Error(_)), "unasked: {reply:?}"),
        }
    }

    /// A server that is a primary, preferably.
    pub(crate) fn primary(&mut self) -> usize {
        let is_primary = |network: &mut dunlin_sim::Network, index: usize| {
            let server = network.server(index);
            server.is_some_and(|server| !server.node.engine_mut().replication.is_replica())
        };
        (0..HOSTS).find(|index| is_primary(&mut self.network, *index)).unwrap_or(0)
    }

    fn send(&mut self, client: usize, words: &[String], awaited: Awaited) {
        let client = &mut self.clients[client];
        self.network.send(client.wire, &request(words));
        client.awaited.push_back(awaited);
    }

    /// A client writes something.
    pub(crate) fn write(&mut self, client: usize) {
        if self.clients[client].awaited.len() > 30 {
            return;
        }
        if self.write_for_plot(client) {
            return;
        }
        match self.random.u8(..20) {
            0 => self.write_and_wait(client),
            1 => {
                let db = self.random.u8(..3);
                self.send(client, &words(&format!("SELECT {db}")), Awaited::Other);
            }
            2 => {
                let (key, ms) = (self.random.u8(..5), self.random.u32(1..3000));
                self.send(client, &words(&format!("SET e{key} v PX {ms}")), Awaited::Other);
            }
            3 => {
                let key = self.random.u8(..5);
                self.send(client, &words(&format!("INCR e{key}")), Awaited::Other);
            }
            4..=6 => {
                self.send(client, &words("MULTI"), Awaited::Other);
                for _ in 0..self.random.u8(1..6) {
                    let command = self.command();
                    self.send(client, &command, Awaited::Other);
                }
                self.send(client, &words("EXEC"), Awaited::Other);
            }
            _ => {
                let command = self.command();
                self.send(client, &command, Awaited::Other);
            }
        }
    }

    /// A random command. None that removes everything where writes are looked for later; none that swaps
    /// databases where replicas have keys of their own, which they know by database and name, as in
    /// Redis.
    fn command(&mut self) -> Vec<String> {
        loop {
            let command = commands::random(&mut self.random);
            let is_spared = match command[0].as_str() {
                "SWAPDB" => self.plot.own_writes,
                "FLUSHDB" | "FLUSHALL" => self.plot.keeps_writes(),
                _ => false,
            };
            if !is_spared {
                return command;
            }
        }
    }

    /// A client writes what only this plot needs; whether it did.
    fn write_for_plot(&mut self, client: usize) -> bool {
        let plot = self.plot;
        if plot.heavy && self.random.u8(..2) == 0 {
            let (key, len) = (self.random.u8(..12), self.random.usize(..20_000));
            let value = self.random.alphanumeric().to_string().repeat(len);
            let command = ["SET".to_owned(), format!("big{key}"), value];
            self.send(client, &command, Awaited::Other);
            return true;
        }
        if plot.keeps_writes() && self.random.u8(..10) == 0 {
            self.write_to_keep(client);
            return true;
        }
        if plot.own_writes && self.random.u8(..30) == 0 {
            self.network.close(self.clients[client].wire);
            self.connect(client);
        }
        if plot.own_writes && self.random.u8(..8) == 0 {
            let (key, ms) = (self.random.u8(..20), self.random.u32(1..3000));
            self.send(client, &words(&format!("SET own:{key} v PX {ms}")), Awaited::Other);
            return true;
        }
        false
    }

    /// A write that nothing removes, and a wait for others to have it.
    fn write_to_keep(&mut self, client: usize) {
        self.writes += 1;
        let number = self.writes;
        let before = Sighting::of_all(&mut self.network);
        let set = format!("SET {} {}", kept(number), marker(number));
        self.send(client, &words(&set), Awaited::Write(number));
        let (count, ms) = (self.random.u8(1..4), self.random.u32(1..2000));
        if self.plot.durable {
            let own = self.random.u8(..2);
            let wait = format!("WAITAOF {own} {} {ms}", count - 1);
            self.send(client, &words(&wait), Awaited::Durable(number, before));
        } else {
            self.send(client, &words(&format!("WAIT {count} {ms}")), Awaited::Count(number));
        }
    }

    fn write_and_wait(&mut self, client: usize) {
        self.writes += 1;
        let number = self.writes;
        self.send(client, &words(&format!("SET w {}", marker(number))), Awaited::Write(number));
        let (count, ms) = (self.random.u8(1..4), self.random.u32(1..2000));
        self.send(client, &words(&format!("WAIT {count} {ms}")), Awaited::Count(number));
    }
}
