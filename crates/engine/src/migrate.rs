//! MIGRATE, as far as it needs the whole engine: payloads of keys, slice by slice; what follows when
//! a transfer has ended; and clients that wait because of keys in flight.
//!
//! ```text
//!  Node (links) --migration_*--> Migrations --next_job--> payloads of the keyspace
//!    complete_migration: keys that are there now are removed here, DEL to followers, a reply
//!    Connect, Send, Close --next_migration_action--> Node
//! ```
//!
//! While writes are paused (CLIENT PAUSE, a hand-over), transfers go on but do not end: their DEL
//! would be a write.

use std::collections::BTreeMap;

use dunlin_commands::generic::outcome_of_transfer;
use dunlin_commands::table::Registered;
use dunlin_commands::{Args, Caller, KeyEventClass};
use dunlin_keyspace::Expiry;
use dunlin_migrate::{Action, Ended, Job, LinkId, Migrations, TransferId};
use dunlin_rdb::{LargeDump, Version, dump};
use dunlin_session::{Awaited, Modification, SessionFlags, Token};
use dunlin_spec::Flags;
use dunlin_stdx::time::{Monotonic, UnixMs};

use crate::engine::Engine;

/// How long payloads are made in one turn: so long may others wait.
const SLICE_NS: u64 = 100_000;

/// Bytes of a large value that are measured or written before the clock is looked at again.
const PIECE_BYTES: usize = 32 * 1024;

/// What migrations have under way besides what [`Migrations`] knows.
#[derive(Default)]
pub(crate) struct MigrationWork {
    /// Large values on their way.
    dumps: BTreeMap<TransferId, Dump>,
    /// Clients that wait for keys in flight.
    pub(crate) held: Vec<Token>,
    /// The turn that was counted last, and what is left of its slice.
    turn: Monotonic,
    left_ns: u64,
}

/// A large value on its way.
struct Dump {
    key: Box<[u8]>,
    payload: LargeDump,
    is_measured: bool,
}

impl Dump {
    /// Whether this is a key whose payload is being measured.
    fn is_of(&self, key: &[u8]) -> bool {
        !self.is_measured && *self.key == *key
    }
}

impl Engine {
    /// Makes payloads for a slice of time, and ends transfers that are over. To be called when a
    /// turn's commands have run, while [`Migrations::is_empty`] is not.
    pub fn advance_migrations(&mut self) {
        let now = self.now.monotonic;
        if self.migration_work.turn != now {
            (self.migration_work.turn, self.migration_work.left_ns) = (now, SLICE_NS);
        }
        let begun = self.clock.ticks();
        while self.migration_work.left_ns > 0 && self.migrations.has_job() {
            self.make_payload();
            // Looked at afterwards: however slow the machine is, each turn makes something.
            let spent = self.tick_scale.ns(self.clock.ticks().wrapping_sub(begun));
            if spent >= self.migration_work.left_ns {
                self.migration_work.left_ns = 0;
            }
        }
        self.end_transfers();
    }

    /// The next thing to be done for migrations.
    pub fn next_migration_action(&mut self) -> Option<Action> {
        self.migrations.next_action()
    }

    /// A connection that was asked for is there.
    pub fn migration_connected(&mut self, link: LinkId) {
        self.migrations.connected(link, self.now.monotonic);
    }

    /// A connection that was asked for has not come about.
    pub fn migration_connect_failed(&mut self, link: LinkId) {
        self.migrations.connect_failed(link);
        self.end_transfers();
    }

    /// A connection has ended.
    pub fn migration_closed(&mut self, link: LinkId) {
        self.migrations.closed(link, self.now.monotonic);
        self.end_transfers();
    }

    /// All that a connection was given is sent.
    pub fn migration_drained(&mut self, link: LinkId) {
        self.migrations.drained(link, self.now.monotonic);
        self.end_transfers();
    }

    /// Bytes have come over a connection.
    pub fn migration_received(&mut self, link: LinkId, bytes: &[u8]) {
        self.migrations.received(link, bytes, self.now.monotonic);
        self.end_transfers();
    }

    /// Ends transfers whose target has been silent for too long.
    pub fn time_out_migrations(&mut self) {
        self.migrations.time_out(self.now.monotonic);
        self.end_transfers();
    }

    /// The server is a replica from now on: nothing is removed any more because it is elsewhere.
    pub(crate) fn abandon_migrations(&mut self) {
        self.migrations.abandon_all();
        self.migration_work.dumps.clear();
        self.free_keys();
    }

    /// One payload, or a piece of one.
    fn make_payload(&mut self) {
        let now = self.now;
        let dumps = &mut self.migration_work.dumps;
        match self.migrations.next_job(now.monotonic) {
            None => {}
            Some(Job::Key { id, db, key }) => {
                let Some(entry) = self.keyspace.visible(db, key) else {
                    return self.migrations.skip(id);
                };
                let ttl_ms = ttl_ms(entry.deadline(), now.unix_ms());
                let begun = dumps.get_mut(&id).filter(|dump| dump.is_of(key));
                if let Some(dump) = begun {
                    let measured = dump.payload.measure(&entry, PIECE_BYTES);
                    dump.is_measured = matches!(measured, Ok(Some(_)));
                    return match measured {
                        Ok(None) => {}
                        Ok(Some(len)) => self.migrations.begin_large(id, ttl_ms, len),
                        Err(_) => self.migrations.give_up(id),
                    };
                }
                dumps.remove(&id);
                if let Some(payload) = LargeDump::of(&entry, Version::default()) {
                    dumps.insert(id, Dump { key: key.into(), payload, is_measured: false });
                } else {
                    self.migrations.restore(id, ttl_ms, &dump(&entry, Version::default()));
                }
            }
            Some(Job::Piece { id, db, key }) => {
                let (Some(entry), Some(dump)) =
                    (self.keyspace.visible(db, key), dumps.get_mut(&id))
                else {
                    return self.migrations.give_up(id);
                };
                let mut written = Ok(false);
                self.migrations.piece(id, |out| {
                    written = dump.payload.write(&entry, PIECE_BYTES, out);
                });
                if written.is_err() {
                    self.migrations.give_up(id);
                }
            }
        }
    }

    /// Does what follows from the end of transfers, unless nothing may be written now.
    fn end_transfers(&mut self) {
        if self.migrations.has_ended() && self.sessions.pause.mode().is_none() {
            while let Some(ended) = self.migrations.next_ended() {
                self.complete_migration(&ended);
            }
            self.serve_blocked();
        }
        self.free_keys();
    }

    fn complete_migration(&mut self, ended: &Ended) {
        self.migration_work.dumps.remove(&ended.id);
        let token = Token(ended.request.owner as usize);
        let wait = self.sessions.blocking.wait_of(token);
        let still_waits = wait.is_some_and(|wait| wait.awaited == Awaited::Transfer(ended.id.0));
        self.remove_moved(ended, still_waits.then_some(token));
        self.migrations.release(ended);
        if still_waits {
            self.answer_waiting(token, &outcome_of_transfer(&ended.outcome));
        }
    }

    /// Removes the keys that the target has acknowledged, and tells everybody.
    fn remove_moved(&mut self, ended: &Ended, client: Option<Token>) {
        let db = ended.request.db;
        let words: Vec<&[u8]> = [b"DEL".as_slice()].into_iter().chain(ended.moved()).collect();
        let keys = &words[1..];
        if keys.is_empty() {
            return;
        }
        // Also one whose time has come meanwhile is removed because it is elsewhere.
        let expiry = self.keyspace.expiry();
        self.keyspace.set_expiry(Expiry::Ignore);
        for key in keys {
            if self.keyspace.delete(db, key, true) {
                self.add_incidents();
                self.effects.notify(KeyEventClass::GENERIC, "del", db, key);
            }
        }
        self.keyspace.set_expiry(expiry);
        self.effects.changed(keys.len() as u64);
        if self.keyspace.has_touched() {
            self.tell_touched(Modification { current: client, runs: false, by_command: true });
        }
        self.propagate_words(client.map_or(Caller::Stream, Caller::Client), db, &words);
    }

    /// Clients go on that waited for keys in flight, if any key is free again.
    fn free_keys(&mut self) {
        if self.migrations.take_released() {
            self.sessions.pause.hold_keys(self.migrations.is_any_in_flight());
            self.resumed.extend(self.migration_work.held.drain(..));
        }
    }

    /// Whether a command must wait because it would change a key in flight. One that is refused
    /// anyway is refused at once.
    #[cold]
    pub(crate) fn is_held_by_transfer(
        &self,
        token: Token,
        registered: Registered,
        args: Args<'_>,
    ) -> bool {
        let session = self.sessions.get(token);
        let in_transaction =
            session.is_some_and(|session| session.flags.contains(SessionFlags::MULTI));
        let is_queued = in_transaction && registered.command.spec.name() != "exec";
        !is_queued
            && self.migrations.is_any_in_flight()
            && (changes_any_in_flight(&self.migrations, registered, args.words())
                || self.transaction_changes_any_in_flight(token, registered))
            && self.check(Caller::Client(token), registered, args).is_ok()
    }

    fn transaction_changes_any_in_flight(&self, token: Token, registered: Registered) -> bool {
        let changing = Flags::WRITE.union(Flags::MAY_REPLICATE);
        if !self.queues_any(token, registered, changing) {
            return false;
        }
        let session = self.sessions.get(token);
        let Some(transaction) = session.and_then(|session| session.transaction.as_deref()) else {
            return false;
        };
        (0..transaction.len()).any(|i| {
            let (number, words, _) = transaction.request(i);
            let queued = self.table.all().get(usize::from(number));
            queued.is_some_and(|queued| changes_any_in_flight(&self.migrations, *queued, &words))
        })
    }
}

/// What is left of a deadline, as RESTORE takes it: 0 for none, and a millisecond for what ends now.
fn ttl_ms(deadline: Option<UnixMs>, now: UnixMs) -> u64 {
    deadline.map_or(0, |at| u64::try_from(at.0.saturating_sub(now.0)).unwrap_or(0).max(1))
}

/// Whether a command would change a key in flight, or whole databases.
fn changes_any_in_flight(migrations: &Migrations, registered: Registered, words: &[&[u8]]) -> bool {
    let spec = &registered.command.spec;
    let flags = spec.all_flags();
    if !flags.intersects(Flags::WRITE.union(Flags::MAY_REPLICATE)) {
        return false;
    }
    let keys = spec.keys_in(words);
    let is_any = keys.iter().any(|key| migrations.is_in_flight(words[key.index as usize]));
    is_any || keys.is_empty() && flags.contains(Flags::WRITE)
}
