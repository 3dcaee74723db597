//! One server's persistence as a state machine: which snapshot runs, which is due, where the log
//! goes, what INFO shows.
//!
//! [`Persistence`] owns no thread and no file: jobs run where its [`Backend`] lets them, and what
//! became of them comes in by [`Persistence::handle_events`]. Lines for the server's log wait in
//! [`Persistence::take_journal`].
//!
//! ```text
//!  SAVE ----------------> saving: written at once, while everybody waits
//!  BGSAVE, save points -> walk:   keyspace --Encoder--> queue --SnapshotWriter--> file
//!  full synchronisation > walk:   the same, to the connections of replicas or to the snapshot file
//!  BGREWRITEAOF --------> walk, and a new incremental file from the same moment on
//!  changes -------------> log:    EffectStream --AppendLog--> incremental file
//! ```
//!
//! One walk runs at a time. What is asked for meanwhile is scheduled; a snapshot, a rewrite and replicas
//! that wait share the next walk.

mod allowance;
mod journal;
mod lagging;
mod loading;
mod log;
mod plan;
mod receiving;
#[cfg(test)]
mod restart_tests;
mod rewriting;
mod save_points;
mod saving;
mod status;
mod sync_pace;
#[cfg(test)]
mod sync_tests;
mod syncing;
mod walk;

use std::collections::VecDeque;

use dunlin_config::{Config, LogLevel};
use dunlin_keyspace::Keyspace;
use dunlin_stdx::time::{Monotonic, Now};

use self::journal::Journal;
use self::loading::Load;
pub use self::loading::{Loaded, LogReading, Merge, load_limits};
use self::log::Log;
pub use self::receiving::ReceivedSource;
use self::receiving::Receiving;
pub use self::status::{LoadStatus, LoadedKeys, LogStatus, Outcome, SaveStatus, WalkStatus};
pub use self::syncing::{SyncEnded, SyncFilter, SyncRequest, SyncTarget};
pub use self::walk::SliceEnd;
use self::walk::Walk;
use crate::append::AppendEvent;
use crate::backend::Backend;
use crate::events::Events;
use crate::restore::{PayloadRequest, Payloads};
use crate::snapshot::{ReplicationAux, SnapshotEvent};

/// The persistence of one server.
pub struct Persistence {
    backend: Box<dyn Backend>,
    snapshot_events: Events<SnapshotEvent>,
    append_events: Events<AppendEvent>,
    journal: Journal,
    saves: SaveStatus,
    loaded: LoadedKeys,
    load: Option<Load>,
    /// Where in the stream of changes what was loaded is.
    loaded_position: Option<ReplicationAux>,
    receiving: Receiving,
    payloads: Payloads,
    walk: Option<Walk>,
    /// Where the stream of changes is, for the headers of snapshots.
    replication: Option<ReplicationAux>,
    /// Synchronisations that have ended.
    syncs_ended: VecDeque<SyncEnded>,
    /// Replicas wait for the next walk.
    is_sync_wanted: bool,
    log: Log,
    longest_slice_us: u64,
    /// When the last snapshot was completed.
    last_saved: Monotonic,
    /// Changes that a snapshot in the background has brought to disk.
    changes_saved: u64,
    /// Changes since the last snapshot, as of the last round of periodic work.
    changes_noted: u64,
    used_memory_bytes: u64,
    /// Walks begun since the start (`total_forks`).
    walks_begun: u64,
    /// A shutdown that waits for the next round of periodic work.
    pending_shutdown: Option<dunlin_config::ShutdownOptions>,
    /// When a shutdown waits no longer for replicas.
    pub shutdown_deadline: Option<Monotonic>,
    /// The walk that ended last: most bytes that waited in memory.
    queued_bytes_peak: u64,
    /// What the engine is to do when the command or transaction that runs now has ended.
    wishes: VecDeque<Wish>,
    /// The process cannot go on: its exit code.
    fatal: Option<Fatal>,
}

/// What a command asks for that needs more than a command may reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// Write the snapshot file (FLUSHALL).
    Save,
    /// Begin to rewrite the log (BGREWRITEAOF).
    Rewrite,
    /// Switch the log on (CONFIG SET appendonly yes).
    StartLog,
    /// Switch the log off (CONFIG SET appendonly no).
    StopLog,
    /// Replace the data set by what the log says (DEBUG LOADAOF).
    LoadLog,
    /// End the process (SHUTDOWN).
    Shutdown(dunlin_config::ShutdownOptions),
}

/// The process must end at once, without another reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fatal;

impl Persistence {
    /// The persistence of a server that starts at `now`; nothing is read or written yet.
    #[must_use]
    pub fn new(backend: Box<dyn Backend>, now: Now) -> Self {
        let wake = backend.waker();
        let payloads = Payloads::new(wake.clone());
        Self {
            snapshot_events: Events::new(wake.clone()),
            append_events: Events::new(wake),
            backend,
            journal: Journal::default(),
            saves: SaveStatus { last_saved: now.unix_ms(), ..SaveStatus::default() },
            loaded: LoadedKeys::default(),
            load: None,
            loaded_position: None,
            receiving: Receiving::default(),
            payloads,
            walk: None,
            replication: None,
            syncs_ended: VecDeque::new(),
            is_sync_wanted: false,
            log: Log::default(),
            longest_slice_us: 0,
            last_saved: now.monotonic,
            changes_saved: 0,
            changes_noted: 0,
            used_memory_bytes: 0,
            walks_begun: 0,
            pending_shutdown: None,
            shutdown_deadline: None,
            queued_bytes_peak: 0,
            wishes: VecDeque::new(),
            fatal: None,
        }
    }

    /// Lines for the server's log, oldest first.
    pub fn take_journal(&mut self) -> Vec<(LogLevel, String)> {
        if self.journal.is_empty() { Vec::new() } else { self.journal.take() }
    }

    /// Whether the process must end at once, without another reply: what it promised to keep cannot
    /// be kept, or what was kept cannot be loaded.
    #[must_use]
    pub const fn is_lost(&self) -> bool {
        self.fatal.is_some()
    }

    /// Asks for something to be done when the command that runs now has ended, and the transaction
    /// that it is part of: a snapshot never shows half of one.
    pub fn wish(&mut self, wish: Wish) {
        self.wishes.push_back(wish);
    }

    /// Whether something was asked for.
    #[must_use]
    #[inline]
    pub fn has_wish(&self) -> bool {
        !self.wishes.is_empty()
    }

    /// The oldest thing that was asked for, once.
    pub fn take_wish(&mut self) -> Option<Wish> {
        self.wishes.pop_front()
    }

    /// Snapshots, for INFO.
    #[must_use]
    pub const fn saves(&self) -> &SaveStatus {
        &self.saves
    }

    /// The log, for INFO.
    #[must_use]
    pub const fn log(&self) -> &LogStatus {
        &self.log.status
    }

    /// What was loaded last, for INFO.
    #[must_use]
    pub const fn loaded(&self) -> LoadedKeys {
        self.loaded
    }

    /// Where in the stream of changes the data set is that was loaded last, if that is certain: a
    /// snapshot says so, or a log that was closed by [`Persistence::finish`] and not touched since.
    #[must_use]
    pub const fn loaded_position(&self) -> Option<ReplicationAux> {
        self.loaded_position
    }

    /// The load under way.
    #[must_use]
    pub const fn load(&self) -> Option<&LoadStatus> {
        match &self.load {
            Some(load) => Some(&load.status),
            None => None,
        }
    }

    /// What is being loaded does not go into the keyspace that serves clients (`async_loading`).
    pub const fn note_load_beside(&mut self) {
        if let Some(load) = &mut self.load {
            load.is_beside = true;
        }
    }

    /// Whether something is being loaded, and not into the keyspace that serves clients.
    #[must_use]
    pub const fn loads_beside(&self) -> bool {
        matches!(&self.load, Some(load) if load.is_beside)
    }

    /// The longest slice of a walk so far, in microseconds.
    #[must_use]
    pub const fn longest_slice_us(&self) -> u64 {
        self.longest_slice_us
    }

    /// Most bytes that waited in memory during the walk under way, else the last one.
    #[must_use]
    pub fn queued_bytes_peak(&self) -> u64 {
        self.walk.as_ref().map_or(self.queued_bytes_peak, Walk::queued_bytes_peak)
    }

    /// The walk under way, for INFO.
    #[must_use]
    pub fn walk_status(&self, keyspace: &Keyspace) -> Option<WalkStatus> {
        self.walk.as_ref().map(|walk| walk.status(keyspace))
    }

    /// Walks begun since the start, which take the place of forks (`total_forks`).
    #[must_use]
    pub const fn walks_begun(&self) -> u64 {
        self.walks_begun
    }

    /// Ends the process in the next round of periodic work, unless that is taken back.
    pub const fn request_shutdown(&mut self, options: dunlin_config::ShutdownOptions) {
        self.pending_shutdown = Some(options);
    }

    /// Takes back a shutdown that has not begun; whether there was one.
    pub fn abort_shutdown(&mut self) -> bool {
        let was_pending = self.pending_shutdown.take().is_some();
        if was_pending {
            self.journal.notice("Shutdown manually aborted.");
        }
        was_pending
    }

    /// Whether a shutdown waits.
    #[must_use]
    pub const fn has_pending_shutdown(&self) -> bool {
        self.pending_shutdown.is_some()
    }

    /// The shutdown that waits.
    #[must_use]
    pub const fn pending_shutdown(&self) -> Option<dunlin_config::ShutdownOptions> {
        self.pending_shutdown
    }

    /// The shutdown that waits, once.
    pub const fn take_shutdown(&mut self) -> Option<dunlin_config::ShutdownOptions> {
        self.pending_shutdown.take()
    }

    /// Whether a snapshot is being written in the background, to the snapshot file or to replicas.
    #[must_use]
    pub fn is_saving(&self) -> bool {
        let saves = |walk: &Walk| walk.purposes.save.is_some() || walk.sync.is_some();
        self.walk.as_ref().is_some_and(saves)
    }

    /// Whether the log is being rewritten.
    #[must_use]
    pub fn is_rewriting(&self) -> bool {
        self.log.is_rewriting()
    }

    /// Whether a walk is under way, whatever for.
    #[must_use]
    pub const fn is_busy(&self) -> bool {
        self.walk.is_some() || self.log.is_rewriting()
    }

    /// Takes note of what became of jobs.
    pub fn handle_events(&mut self, keyspace: &mut Keyspace, config: &Config, now: Now) {
        while let Some(event) = self.snapshot_events.next() {
            self.handle_snapshot_event(keyspace, &event, config, now);
        }
        while let Some(event) = self.append_events.next() {
            self.handle_append_event(keyspace, event, now);
        }
        self.payloads.handle_events(self.backend.as_mut());
    }

    /// Begins to decode a payload beside the command thread; returns the number to ask
    /// [`Persistence::payloads`] for it, or `None` where only the caller can do that.
    pub fn decode_payload(&mut self, request: &PayloadRequest) -> Option<u64> {
        self.payloads.begin(self.backend.as_mut(), request)
    }

    /// Payloads that were decoded.
    pub const fn payloads(&mut self) -> &mut Payloads {
        &mut self.payloads
    }
}
