//! Reading an RDB file into entries.

use std::io::Read;

use dunlin_keyspace::DatabaseIndex;
use dunlin_rdb::{ChecksumOutcome, Item, Reader};
use dunlin_stdx::time::UnixMs;

use super::BATCH_BYTES;
use super::batch::{FileReport, LoadBatch, LoadedEntry};
use super::error::LoadErrorCause;
use super::loader::LoadRules;
use super::position::PositionFields;
use super::queue::LoadQueue;
use crate::append::LogLevel;

/// Entries that are handed over at once: some 100 µs of work for the command thread.
const BATCH_ENTRIES: usize = 512;

/// Fewest keys that room is made for beforehand.
const ROOM_KEYS_MIN: u64 = 1000;

/// Fewest bytes of a file that a key is taken to have, when the file says how many there are: one that
/// lies about that costs no more memory than one that is as long and does not.
const BYTES_PER_KEY_MIN: u64 = 8;

/// Most keys that are believed of a file whose length is not known beforehand: 50 MB of memory.
const KEYS_OF_UNKNOWN_MAX: u64 = 4 << 20;

/// Empty keys that the log tells of, as in Redis.
const EMPTY_KEYS_TOLD: u64 = 10;

/// What a step came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SnapshotStep {
    /// There is more to read.
    More,
    /// What comes next has not arrived yet.
    Waits,
    /// The file has ended.
    End,
}

/// An RDB file that is being read.
pub(super) struct SnapshotFileReader<R> {
    reader: Reader<R>,
    db: DatabaseIndex,
    /// Keys whose deadline is not later are not loaded, unless the file tells its position: whoever
    /// goes on from there has them, and must be told that they are removed.
    expired_at: Option<UnixMs>,
    fields: PositionFields,
    /// Keys that room was made for.
    room_keys: u64,
}

impl<R: Read> SnapshotFileReader<R> {
    /// Begins to read a file; `expired_at` drops keys that have expired by then.
    pub(super) fn open(
        file: R,
        rules: &LoadRules,
        expired_at: Option<UnixMs>,
    ) -> Result<Self, (u64, LoadErrorCause)> {
        let reader =
            Reader::open(file, rules.limits).map_err(|error| (error.offset, error.into()))?;
        Ok(Self::with(reader, rules, expired_at))
    }

    /// Begins to read a file that is still arriving.
    pub(super) fn arriving(file: R, rules: &LoadRules, expired_at: Option<UnixMs>) -> Self {
        Self::with(Reader::patient(file, rules.limits), rules, expired_at)
    }

    fn with(mut reader: Reader<R>, rules: &LoadRules, expired_at: Option<UnixMs>) -> Self {
        if !rules.checksum {
            reader.ignore_checksum();
        }
        Self { reader, db: 0, expired_at, fields: PositionFields::default(), room_keys: 0 }
    }

    /// Reads some items and hands them over.
    pub(super) fn step(
        &mut self,
        queue: &LoadQueue,
        rules: &LoadRules,
        report: &mut FileReport,
    ) -> Result<SnapshotStep, (u64, LoadErrorCause)> {
        let (mut entries, mut bytes) = (queue.spare_entries(), 0);
        let mut outcome = Ok(SnapshotStep::More);
        for _ in 0..BATCH_ENTRIES {
            if bytes >= BATCH_BYTES {
                break;
            }
            let item = self.reader.next_item();
            let Ok(Item::Key { entry, access }) = item else {
                // Entries first: their database is the one named before.
                hand_over(queue, std::mem::take(&mut entries), bytes);
                outcome = match item {
                    Ok(item) => self.other(item, queue, rules, report),
                    Err(error) if error.is_waiting() => Ok(SnapshotStep::Waits),
                    Err(error) => Err((error.offset, error.into())),
                };
                if !matches!(outcome, Ok(SnapshotStep::More)) {
                    return outcome;
                }
                (entries, bytes) = (queue.spare_entries(), 0);
                continue;
            };
            if self.expired_at.is_some_and(|now| entry.deadline().is_some_and(|at| at <= now)) {
                report.keys_expired += 1;
                if self.fields.position(rules.databases).is_none() {
                    continue;
                }
            } else {
                report.keys += 1;
            }
            bytes += entry.heap_bytes();
            entries.push(rules.placer.entry(self.db, entry, access));
        }
        hand_over(queue, entries, bytes);
        outcome
    }

    /// What is not a key.
    fn other(
        &mut self,
        item: Item,
        queue: &LoadQueue,
        rules: &LoadRules,
        report: &mut FileReport,
    ) -> Result<SnapshotStep, (u64, LoadErrorCause)> {
        match item {
            Item::SelectDb(number) => match DatabaseIndex::try_from(number) {
                Ok(db) if db < rules.databases => self.db = db,
                _ => {
                    let databases = rules.databases;
                    let cause = LoadErrorCause::Database { number, databases };
                    return Err((self.reader.offset(), cause));
                }
            },
            Item::Aux { key, value } => {
                self.fields.note(&key, &value);
                tell_aux(queue, rules, &key, &value);
            }
            Item::Function(source) => {
                let len = source.len();
                queue.push(LoadBatch::Function(source.into()), len);
            }
            Item::EmptyKey(key) => {
                report.keys_empty += 1;
                if report.keys_empty <= EMPTY_KEYS_TOLD {
                    let key = String::from_utf8_lossy(&key);
                    let line = format!("rdbLoadObject skipping empty key: {key}");
                    queue.log(LogLevel::Notice, line);
                }
            }
            Item::ResizeDb { keys, .. } => self.make_room(keys, queue, rules),
            Item::Module { .. } => {}
            Item::End(outcome) => {
                if let ChecksumOutcome::Wrong { expected, found } = outcome {
                    let cause = LoadErrorCause::Checksum { expected, found };
                    return Err((self.reader.offset(), cause));
                }
                return Ok(SnapshotStep::End);
            }
            Item::Key { .. } => unreachable!("keys are taken before"),
        }
        Ok(SnapshotStep::More)
    }

    /// The database is said to have so many keys: makes its table as large, on this thread.
    fn make_room(&mut self, keys: u64, queue: &LoadQueue, rules: &LoadRules) {
        let most = match queue.total_bytes() {
            0 => KEYS_OF_UNKNOWN_MAX,
            bytes => bytes / BYTES_PER_KEY_MIN,
        };
        let keys = keys.min(most.saturating_sub(self.room_keys));
        if keys < ROOM_KEYS_MIN {
            return;
        }
        self.room_keys += keys;
        if let Some(room) = rules.placer.room_for(keys as usize) {
            let bytes = room.memory_bytes();
            queue.push(LoadBatch::Room(self.db, room), bytes);
        }
    }

    /// The place of the next byte.
    pub(super) fn offset(&self) -> u64 {
        self.reader.offset()
    }

    /// What was read behind the end, and the rest of the file.
    pub(super) fn into_rest(self) -> (Vec<u8>, R) {
        self.reader.into_rest()
    }
}

fn hand_over(queue: &LoadQueue, entries: Vec<LoadedEntry>, bytes: usize) {
    if entries.is_empty() {
        return;
    }
    let own = entries.capacity() * size_of::<LoadedEntry>();
    queue.push(LoadBatch::Entries(entries), bytes + own);
}

/// Hands over what a file says about itself, with the line that the log has for it.
fn tell_aux(queue: &LoadQueue, rules: &LoadRules, name: &[u8], value: &[u8]) {
    let text = String::from_utf8_lossy(value);
    let number = || dunlin_stdx::number::parse_i64(value);
    let line = match name {
        b"redis-ver" => Some(format!("Loading RDB produced by version {text}")),
        b"ctime" => number().map(|created| {
            let age = rules.now.seconds().saturating_sub(created).max(0);
            format!("RDB age {age} seconds")
        }),
        b"used-mem" => number().map(|bytes| {
            let megabytes = bytes as f64 / (1024.0 * 1024.0);
            format!("RDB memory usage when created {megabytes:.2} Mb")
        }),
        b"aof-base" if value == b"1" => Some("RDB is base AOF".to_owned()),
        b"aof-preamble" if value == b"1" => Some("RDB has an AOF tail".to_owned()),
        [b'%', ..] => Some(format!("RDB '{}': {text}", String::from_utf8_lossy(name))),
        _ => None,
    };
    if let Some(line) = line {
        queue.log(LogLevel::Notice, line);
    }
    let aux = LoadBatch::Aux { name: name.into(), value: value.into() };
    queue.push(aux, name.len() + value.len());
}
