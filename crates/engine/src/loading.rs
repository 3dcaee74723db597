//! Loading what was kept: entries go straight into the keyspace, commands run as a stream does.

use dunlin_commands::CommandError;
use dunlin_keyspace::Expiry;
use dunlin_persistence::{LoadBatch, Loaded};
use dunlin_resp::Reply;
use dunlin_stdx::time::Monotonic;

use crate::engine::Engine;
use crate::follow::{Follower, StreamFault};

/// How long loading keeps clients waiting, in microseconds: they are told LOADING in between.
const SLICE_US: u64 = 10_000;

impl Engine {
    /// Begins to load what is on disk. [`Engine::load_slice`] goes on whenever something has arrived.
    pub fn begin_load(&mut self) {
        self.set_loading(true);
        self.begin_as_configured();
        self.persistence.begin_load(&mut self.keyspace, &self.config, self.now);
        self.write_journal();
        if self.persistence.load().is_some() {
            self.log_follower = Some(Box::new(Follower::lenient()));
        } else if !self.persistence.is_lost() {
            self.end_load();
        }
    }

    /// Whether something is being loaded, in place of the data set or beside it.
    #[must_use]
    pub fn has_load(&self) -> bool {
        self.persistence.load().is_some()
    }

    /// Puts in place what has arrived, for a bounded time; when to go on, if that is not only when more
    /// has arrived.
    pub fn load_slice(&mut self) -> Option<Monotonic> {
        let began = self.clock.ticks();
        loop {
            let loaded = match &mut self.links.spare_keyspace() {
                Some(spare) => self.persistence.next_loaded(spare, &self.config, self.now),
                None => self.persistence.next_loaded(&mut self.keyspace, &self.config, self.now),
            };
            match loaded {
                Loaded::Nothing => {
                    self.write_journal();
                    return None;
                }
                Loaded::Waits(until) => {
                    self.write_journal();
                    return Some(until);
                }
                Loaded::Progress => {}
                Loaded::Commands(commands) => self.run_loaded(commands),
                Loaded::Done => {
                    // What was loaded is told before what follows from it.
                    self.write_journal();
                    match self.loads_from_primary() {
                        true => self.end_transfer(),
                        false => self.end_load(),
                    }
                    self.write_journal();
                    return None;
                }
                Loaded::Failed(why) => {
                    self.write_journal();
                    self.transfer_failed(&why);
                    return None;
                }
            }
            if self.persistence.is_lost() {
                self.write_journal();
                return None;
            }
            let ticks = self.clock.ticks().wrapping_sub(began);
            if self.tick_scale.ns(ticks) / 1000 >= SLICE_US {
                self.write_journal();
                return Some(Monotonic(0));
            }
        }
    }

    /// Runs commands of the log.
    fn run_loaded(&mut self, commands: Vec<u8>) {
        let mut follower = self.log_follower.take().unwrap_or_default();
        let before = follower.commands();
        if let Err(fault) = self.follow(&mut follower, &commands) {
            let line = log_line(&fault, self.persistence.file_being_loaded());
            self.persistence.refuse_log(&line);
        }
        let count = follower.commands() - before;
        self.log_follower = Some(follower);
        self.persistence.commands_ran(commands, count);
    }

    /// Everything is loaded: clients may come.
    fn end_load(&mut self) {
        self.log_follower = None;
        self.set_loading(false);
        self.metrics.counters.changes_since_save = 0;
        self.resume_history();
        self.follow_log();
        self.tell_cluster_loaded();
        self.write_journal();
    }

    /// DEBUG LOADAOF: replaces the data set by what the log says.
    pub(crate) fn reload_log(&mut self, reply: &mut Reply) -> Result<(), CommandError> {
        self.flush_stream();
        self.persistence.settle_log(&mut self.keyspace, &self.config, self.now);
        (0..self.keyspace.databases()).for_each(|db| {
            self.keyspace.flush(db, false);
        });
        let is_followed = self.stream.is_wanted();
        self.record_changes(false);
        self.keyspace.set_expiry(Expiry::Ignore);
        let loaded = self.replay_log();
        self.keyspace.set_expiry(Expiry::Remove);
        self.record_changes(is_followed);
        self.write_journal();
        if !loaded {
            return Err(CommandError::fixed(
                "ERR Error trying to load the AOF files, check server logs.",
            ));
        }
        self.metrics.counters.changes_since_save = 0;
        self.host.log_notice("Append Only File loaded by DEBUG LOADAOF");
        reply.ok();
        Ok(())
    }

    /// Reads the log on the spot; whether that went well.
    fn replay_log(&mut self) -> bool {
        let Some(mut reading) = self.persistence.read_log(&self.keyspace, &self.config, self.now)
        else {
            return false;
        };
        let mut follower = Follower::lenient();
        loop {
            match reading.next_batch() {
                Some(LoadBatch::Room(db, room)) => self.keyspace.take_room(db, room),
                Some(LoadBatch::Entries(mut entries)) => {
                    self.persistence.delay_load(&self.config, entries.len() as u64);
                    if self.keyspace.load(&mut entries, false).is_err() {
                        return false;
                    }
                }
                Some(LoadBatch::Commands(commands)) => {
                    let before = follower.commands();
                    if let Err(fault) = self.follow(&mut follower, &commands) {
                        self.persistence.tell_fault(&log_line(&fault, ""));
                        return false;
                    }
                    self.persistence.delay_load(&self.config, follower.commands() - before);
                }
                Some(LoadBatch::Failed(error)) => {
                    error.log_lines().iter().for_each(|line| self.persistence.tell_fault(line));
                    return false;
                }
                Some(LoadBatch::Done(_)) => {
                    self.keyspace.give_room_back();
                    return true;
                }
                Some(_) => {}
                None => return false,
            }
        }
    }
}

/// What Redis says of a command of the log that it cannot run.
fn log_line(fault: &StreamFault, file: &str) -> String {
    let place = format!("reading the append only file {file}");
    match fault {
        StreamFault::Foreign(name) => format!("Unknown command '{name}' {}", place.trim_end()),
        fault => format!("Bad file format {}: {fault}", place.trim_end()),
    }
}
