//! A server and one that follows it: what one was told, the other one holds too.

#![allow(unreachable_pub, dead_code, reason = "every test file uses its part of the pair")]

use std::collections::BTreeMap;

use dunlin_commands::Digest;
use dunlin_config::Config;
use dunlin_engine::Follower;
use dunlin_keyspace::Keyspace;
use dunlin_stdx::time::UnixMs;
use dunlin_values::Entry;
use dunlin_values::hash::HashRef;
use dunlin_values::stream::{Stream, StreamId};
use fastrand::Rng;

use crate::driver::{Driver, START_UNIX_MS};

/// A server and one that follows it.
pub struct Pair {
    /// The server that is written to.
    pub primary: Driver,
    replica: Driver,
    /// What it has understood of the stream.
    pub follower: Follower,
    /// Where choices come from.
    pub rng: Rng,
}

impl Pair {
    /// `primary` has this configuration; the clock of the other one is off.
    pub fn new(config: Config, clock_offset_ms: i64, seed: u64) -> Self {
        let mut primary = Driver::with(config, START_UNIX_MS);
        primary.node.engine_mut().record_changes(true);
        let replica = Driver::with(Config::default(), START_UNIX_MS + clock_offset_ms);
        Self { primary, replica, follower: Follower::default(), rng: Rng::with_seed(seed) }
    }

    /// Lets time pass on both.
    pub fn advance_ms(&mut self, ms: i64) {
        self.primary.advance_ms(ms);
        self.replica.advance_ms(ms);
    }

    /// Hands over what was recorded, in pieces.
    fn deliver(&mut self) {
        let bytes = self.primary.node.engine_mut().stream.take();
        let mut rest = bytes.as_slice();
        while !rest.is_empty() {
            let (piece, behind) = rest.split_at(self.rng.usize(1..=rest.len().min(300)));
            let outcome = self.replica.node.engine_mut().follow(&mut self.follower, piece);
            if let Err(fault) = outcome {
                panic!("{fault} in {}", String::from_utf8_lossy(&bytes));
            }
            rest = behind;
        }
        assert!(self.follower.is_at_end_of_command());
    }

    /// Both hold the same keys, values and deadlines.
    pub fn assert_equal(&mut self, after: &str) {
        self.deliver();
        let (ours, theirs) = (self.primary.keyspace(), self.replica.keyspace());
        assert_same_deadlines(ours, theirs, after);
        let digests = [ours, theirs].map(|keyspace| Digest::of_keyspace(keyspace).to_hex());
        assert_eq!(digests[0], digests[1], "after {after}");
    }
}

fn assert_same_deadlines(ours: &Keyspace, theirs: &Keyspace, after: &str) {
    for db in 0..ours.databases() {
        assert_eq!(ours.database(db).len(), theirs.database(db).len(), "db {db} after {after}");
        ours.database(db).for_each(|entry| {
            let key = String::from_utf8_lossy(entry.key());
            let other = theirs.held(db, entry.key());
            let other = other.unwrap_or_else(|| panic!("no {key} after {after}"));
            assert_eq!(entry.deadline(), other.deadline(), "{key} after {after}");
            let fields = [entry, &*other].map(field_deadlines);
            assert_eq!(fields[0], fields[1], "{key} after {after}");
            let streams = [entry, &*other].map(|entry| entry.stream().map(stream_state));
            assert_eq!(streams[0], streams[1], "{key} after {after}");
        });
    }
}

/// What a stream remembers beyond its entries: its counters, and how far each group is and who has
/// which entry. Not when and how often: a consumer that reads its history again is not propagated.
fn stream_state(stream: &Stream) -> String {
    let log = &stream.log;
    let mut text = format!(
        "{} first {} last {} deleted {} added {}",
        log.len(),
        log.first_id(),
        log.last_id(),
        log.max_deleted_id(),
        log.entries_added()
    );
    for (name, group) in &stream.groups {
        text += &format!("; {} at {}", String::from_utf8_lossy(name), group.last_id());
        for (id, delivery) in group.pending(StreamId::MIN..=StreamId::MAX) {
            let consumer = group.consumer(delivery.consumer).name();
            text += &format!(", {id} {}", String::from_utf8_lossy(consumer));
        }
    }
    text
}

/// The fields of a hash with their deadlines, whether these have passed or not.
fn field_deadlines(entry: &Entry) -> BTreeMap<Vec<u8>, Option<UnixMs>> {
    let hash = entry.hash(UnixMs(i64::MIN));
    let fields = hash.into_iter().flat_map(HashRef::iter);
    fields.map(|field| (field.name.to_vec(), field.deadline)).collect()
}

/// A request of these words.
pub fn request(words: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = format!("*{}\r\n", words.len()).into_bytes();
    for word in words {
        bytes.extend_from_slice(format!("${}\r\n", word.len()).as_bytes());
        bytes.extend_from_slice(word);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes
}
