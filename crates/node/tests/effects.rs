//! The stream of changes is complete: a second server that repeats it, encoded and parsed again,
//! holds the same data, whatever its own clock says.

mod driver;
mod pair;

use std::collections::HashMap;

use driver::Driver;
use dunlin_commands::Digest;
use dunlin_config::Config;
use dunlin_engine::{Follower, StreamFault};
use dunlin_keyspace::{EvictionOrder, EvictionPolicy, EvictionScope, Keyspace};
use dunlin_node::Token;
use dunlin_rdb::{Version, dump};
use dunlin_spec::{Arg, ArgKind, Flags, Group};
use dunlin_testkit::oracle;
use dunlin_testkit::oracle::script::{Action, Script};
use dunlin_values::stream::Direction;
use fastrand::Rng;
use pair::{Pair, request};
use proptest::prelude::*;

const HOUR_MS: i64 = 3_600_000;

/// Plays a script without looking at the replies.
fn play(pair: &mut Pair, script: &Script) {
    let mut clients: HashMap<&str, Token> = HashMap::new();
    for step in &script.steps {
        pair.advance_ms(1);
        let primary = &mut pair.primary;
        let client = *clients.entry(&step.client).or_insert_with(|| primary.connect());
        match &step.action {
            Action::Exchange(bytes) | Action::Send(bytes) | Action::Block(bytes) => {
                primary.send(client, bytes);
            }
            Action::Close => {
                primary.node.handle_end(client);
                clients.remove(step.client.as_str());
            }
            // What such a request concerns is who is told of changes, not data.
            Action::Read | Action::ExpectClose | Action::Call(_) => {}
        }
        while pair.primary.node.next_action().is_some() {}
    }
}

#[test]
fn every_recorded_script_gives_the_same_data() {
    let root = oracle::directory();
    let mut commands = 0;
    for path in oracle::scripts(&root, None) {
        let script = Script::load(&path).expect("a script");
        for clock_offset_ms in [0, 10 * HOUR_MS, -10 * HOUR_MS] {
            let mut pair = Pair::new(Config::default(), clock_offset_ms, 1);
            play(&mut pair, &script);
            pair.assert_equal(&oracle::name_of(&root, &path));
            commands += pair.follower.commands();
        }
    }
    assert!(commands > 1500, "only {commands} commands were propagated");
}

/// Makes calls that a command declares to take.
struct Calls {
    rng: Rng,
    unix_ms: i64,
    /// What keys are called that the command works on: most calls should meet their type.
    family: &'static str,
    /// Entries that streams have.
    ids: Vec<String>,
    /// What DUMP replies for some key.
    payload: Vec<u8>,
}

/// What DUMP replies for one of the keys of the first database.
fn payload_of(keyspace: &Keyspace, rng: &mut Rng) -> Vec<u8> {
    let mut payload = Vec::new();
    keyspace.database(0).for_each(|entry| {
        if payload.is_empty() || rng.u8(..4) == 0 {
            let version = *rng.choice(&[Version::V10, Version::V11]).expect("two versions");
            payload = dump(entry, version);
        }
    });
    payload
}

/// The newest entries of all streams.
fn ids_of(keyspace: &Keyspace) -> Vec<String> {
    let mut ids = Vec::new();
    for db in 0..keyspace.databases() {
        keyspace.database(db).for_each(|entry| {
            let Some(stream) = entry.stream() else { return };
            let mut entries = stream.log.all(Direction::Backward);
            ids.extend(std::iter::from_fn(|| entries.next_id()).take(8).map(|id| id.to_string()));
        });
    }
    ids
}

/// What the keys of a group's commands are called.
fn family(group: Group) -> &'static str {
    match group {
        Group::List => "list",
        Group::Set => "set",
        Group::Hash => "hash",
        Group::SortedSet | Group::Geo => "zset",
        Group::Stream => "stream",
        Group::String | Group::Bitmap | Group::HyperLogLog => "string",
        _ => "any",
    }
}

impl Calls {
    fn call(&mut self, name: &str, args: &[Arg]) -> Vec<Vec<u8>> {
        let mut words: Vec<Vec<u8>> = name.split('|').map(Vec::from).collect();
        self.sequence(args, &mut words);
        words
    }

    fn sequence(&mut self, args: &[Arg], words: &mut Vec<Vec<u8>>) {
        let mut count_at = None;
        for arg in args {
            if matches!(arg.name(), "numkeys" | "numfields" | "count") && !arg.is_optional() {
                count_at = Some(words.len() + usize::from(arg.token_text().is_some()));
                self.argument(arg, words);
                continue;
            }
            let times = self.argument(arg, words);
            if arg.is_multiple()
                && let Some(at) = count_at.take()
            {
                words[at] = times.to_string().into_bytes();
            }
        }
    }

    /// Adds an argument, and tells how often.
    fn argument(&mut self, arg: &Arg, words: &mut Vec<Vec<u8>>) -> usize {
        if arg.is_optional() && self.rng.bool() {
            return 0;
        }
        let times = if arg.is_multiple() { self.rng.usize(1..4) } else { 1 };
        for time in 0..times {
            if let Some(token) = arg.token_text()
                && (time == 0 || arg.is_multiple_with_token())
            {
                words.push(token.into());
            }
            self.value(arg, words);
        }
        times
    }

    fn value(&mut self, arg: &Arg, words: &mut Vec<Vec<u8>>) {
        if arg.name() == "serialized-value" {
            return words.push(self.payload.clone());
        }
        let word = match arg.kind() {
            ArgKind::PureToken => return,
            ArgKind::OneOf => {
                let choice = self.rng.usize(..arg.args().len());
                self.argument(&arg.args()[choice], words);
                return;
            }
            ArgKind::Block => return self.sequence(arg.args(), words),
            ArgKind::Key => self.key(),
            ArgKind::Integer => self.one_of(&["0", "1", "1", "2", "3", "7", "15", "100", "-1"]),
            ArgKind::Double => self.one_of(&["0.1", "-2.5", "3", "1e3", "0.3333333333333333"]),
            ArgKind::UnixTime => {
                let ms = self.unix_ms + self.rng.i64(-20..200);
                if arg.name().contains("milli") { ms } else { ms / 1000 + 1 }.to_string()
            }
            ArgKind::String | ArgKind::Pattern => self.named(arg.name()),
        };
        words.push(word.into_bytes());
    }

    fn key(&mut self) -> String {
        let families = ["string", "list", "set", "hash", "zset", "stream"];
        let family = match self.family {
            "any" => self.rng.choice(families).expect("six"),
            family if self.rng.u8(..8) > 0 => family,
            _ => "key",
        };
        format!("{family}:{}", self.rng.u8(..4))
    }

    /// A text that suits an argument of this name.
    fn named(&mut self, name: &str) -> String {
        match name {
            "encoding" => self.one_of(&["u8", "i16", "u63", "i5"]),
            "min" | "max" => self.one_of(&["-inf", "+inf", "(1", "3", "-", "+", "[a", "(c"]),
            "id" if self.rng.u8(..4) == 0 => self.one_of(&[">", ">", "$", "0", "7-*"]),
            "id" | "lastid" | "last-id" | "max-deleted-id" | "start" | "threshold" => {
                let id = self.rng.choice(&self.ids).cloned();
                id.unwrap_or_else(|| self.one_of(&["0", "0-0", "1-1", "3", "2"]))
            }
            "min-idle-time" => self.one_of(&["0", "0", "10", "x"]),
            "group" => self.one_of(&["g1", "g2"]),
            "consumer" => self.one_of(&["c1", "c2"]),
            "unit" => self.one_of(&["m", "km"]),
            "member" | "field" | "element" | "pivot" if self.rng.u8(..4) > 0 => {
                self.one_of(&["a", "b", "c", "1", "2", "-7", "1e2", "long".repeat(30).as_str()])
            }
            _ => self.text(),
        }
    }

    fn text(&mut self) -> String {
        match self.rng.u8(..8) {
            0 => "x".repeat(self.rng.usize(40..3000)),
            1 => self.rng.i64(-20_000..20_000).to_string(),
            _ => self.one_of(&["", "0", "17", "2.5", "1e2", "abc", "\r\n"]),
        }
    }

    fn one_of(&mut self, choices: &[&str]) -> String {
        self.rng.choice(choices).copied().unwrap_or_default().to_owned()
    }
}

/// Removes keys that no command names, as the periodic work and a full memory do.
fn remove_some(pair: &mut Pair) {
    let (db, orders) = (
        pair.rng.u32(..4),
        [EvictionOrder::ByClock, EvictionOrder::ByDeadline, EvictionOrder::Random],
    );
    let order = *pair.rng.choice(&orders).expect("three orders");
    let scope = if pair.rng.bool() { EvictionScope::AllKeys } else { EvictionScope::Volatile };
    let evicts = pair.rng.u8(..4) == 0;
    let engine = pair.primary.node.engine_mut();
    engine.keyspace.expire_due(db, &mut 5);
    if evicts {
        engine.keyspace.evict_one(EvictionPolicy { scope, order }, 5);
    }
    engine.propagate_removals();
}

#[test]
fn random_calls_of_every_write_command_give_the_same_data() {
    let mut refused = 0;
    for seed in 0..40 {
        let mut config = Config::default();
        config.memory.lazyfree_lazy_expire = seed % 2 == 1;
        config.memory.lazyfree_lazy_eviction = seed % 3 == 1;
        config.memory.lazyfree_lazy_user_del = seed % 5 == 1;
        let clock_offset_ms = [0, 7 * HOUR_MS, -7 * HOUR_MS, 1][seed as usize % 4];
        let mut pair = Pair::new(config, clock_offset_ms, seed);
        let mut client = pair.primary.connect();
        let mut writes: Vec<(&str, Group, &[Arg])> = Vec::new();
        for registered in pair.primary.node.engine_mut().table().all() {
            let command = registered.command;
            if command.subcommands.is_empty() && command.spec.all_flags().contains(Flags::WRITE) {
                let spec = &command.spec;
                writes.push((spec.name(), spec.group(), spec.arguments()));
            }
        }
        for _ in 0..400 {
            let ms = *pair.rng.choice(&[0, 0, 0, 1, 1, 5, 40]).expect("some");
            pair.advance_ms(ms);
            let unix_ms = pair.primary.unix_ms();
            let mut calls = Calls {
                rng: pair.rng.fork(),
                unix_ms,
                family: "any",
                ids: ids_of(pair.primary.keyspace()),
                payload: Vec::new(),
            };
            let words = match pair.rng.u8(..12) {
                0 => vec![b"SELECT".to_vec(), calls.one_of(&["0", "1", "2", "3"]).into_bytes()],
                1 => vec![b"GET".to_vec(), calls.key().into_bytes()],
                2 => {
                    remove_some(&mut pair);
                    continue;
                }
                _ => {
                    let (name, group, args) = *pair.rng.choice(&writes).expect("there are writes");
                    // Emptying everything is right but leaves little to compare.
                    let rare = name.starts_with("flush") && pair.rng.u8(..8) > 0;
                    if rare {
                        continue;
                    }
                    calls.family = family(group);
                    if name.starts_with("restore") {
                        calls.payload = payload_of(pair.primary.keyspace(), &mut calls.rng);
                    }
                    calls.call(name, args)
                }
            };
            let reply = pair.primary.send(client, &request(&words));
            refused += usize::from(reply.starts_with(b"-"));
            if reply.is_empty() {
                // It waits for a key: somebody else goes on.
                pair.primary.node.handle_end(client);
                client = pair.primary.connect();
            }
            pair.assert_equal(&String::from_utf8_lossy(&words.join(&b' ')));
        }
        assert!(pair.follower.commands() > 60, "{} commands", pair.follower.commands());
    }
    assert!(refused < 40 * 200, "{refused} of 16000 calls were refused");
}

/// A stream for the tests below: three writes in two databases.
const STREAM: &[u8] = b"*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n\
    *5\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\n1\r\n$4\r\nPXAT\r\n$13\r\n1700000000500\r\n\
    *2\r\n$6\r\nSELECT\r\n$1\r\n3\r\n\
    *3\r\n$3\r\nSET\r\n$1\r\nb\r\n$1\r\n2\r\n\
    *2\r\n$4\r\nINCR\r\n$1\r\nb\r\n";

fn follow_all(pieces: &[&[u8]]) -> (Result<(), StreamFault>, String) {
    let mut driver = Driver::new();
    let engine = driver.node.engine_mut();
    let mut follower = Follower::default();
    let mut outcome = Ok(());
    for piece in pieces {
        outcome = engine.follow(&mut follower, piece);
    }
    (outcome, Digest::of_keyspace(&engine.keyspace).to_hex())
}

#[test]
fn pieces_make_no_difference() {
    let (outcome, whole) = follow_all(&[STREAM]);
    assert_eq!(outcome, Ok(()));
    for len in 1..STREAM.len() {
        let pieces: Vec<&[u8]> = STREAM.chunks(len).collect();
        assert_eq!(follow_all(&pieces), (Ok(()), whole.clone()), "in pieces of {len}");
    }
}

#[test]
fn large_values_pass() {
    let mut pair = Pair::new(Config::default(), 0, 1);
    let client = pair.primary.connect();
    let set = [b"SET".to_vec(), b"large".to_vec(), vec![b'v'; 300_000]];
    pair.primary.send(client, &request(&set));
    pair.primary.send(client, &request(&[b"APPEND".to_vec(), b"large".to_vec(), vec![0; 99_999]]));
    pair.assert_equal("a large value");
    assert_eq!(pair.follower.commands(), 3);
}

#[test]
fn what_is_no_change_is_a_fault_and_nothing_follows_it() {
    let check = |bytes: &[u8], expected: &str| {
        let mut driver = Driver::new();
        let engine = driver.node.engine_mut();
        let mut follower = Follower::default();
        engine.follow(&mut follower, STREAM).expect("a sound stream");
        let before = Digest::of_keyspace(&engine.keyspace);
        let fault = engine.follow(&mut follower, bytes).expect_err("a fault");
        assert!(fault.to_string().contains(expected), "{fault}");
        assert_eq!(engine.follow(&mut follower, STREAM), Err(fault));
        assert_eq!(Digest::of_keyspace(&engine.keyspace), before);
    };
    check(b"*1\r\n$8\r\nSHUTDOWN\r\n*1\r\n$8\r\nFLUSHALL\r\n", "'SHUTDOWN' is no change");
    check(b"*2\r\n$5\r\nDEBUG\r\n$8\r\nSEGFAULT\r\n", "'DEBUG' is no change");
    check(b"*1\r\n$6\r\nNOSUCH\r\n", "'NOSUCH' is no change");
    check(b"*1\r\n$3\r\nSET\r\n", "wrong number of arguments");
    check(b"*2\r\n$6\r\nSELECT\r\n$2\r\n99\r\n", "out of range");
    check(b"*1\r\n$9000000000000000000\r\n", "invalid bulk length");
    check(b"*2000000000000\r\n", "invalid multibulk length");
    check(b"*2\r\nxx\r\n", "expected '$'");
}

proptest! {
    /// Damaged in any place, a stream is followed up to the fault or to its end.
    #[test]
    fn damage_never_panics(
        damage in prop::collection::vec((0..STREAM.len(), any::<u8>()), 1..4),
        cut in 0..STREAM.len(),
    ) {
        let mut bytes = STREAM.to_vec();
        for (at, byte) in damage {
            bytes[at] = byte;
        }
        let whole = follow_all(&[&bytes]);
        let halves = follow_all(&[&bytes[..cut], &bytes[cut..]]);
        prop_assert_eq!(whole.1, halves.1);
        prop_assert_eq!(whole.0.is_err(), halves.0.is_err());
    }

    #[test]
    fn garbage_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = follow_all(&[&bytes]);
    }
}
