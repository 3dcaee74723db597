//! A machine: a process with its cluster, its clocks, its nodes.conf, and replication as a number.

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;
use dunlin_cluster::{Cluster, ClusterConfig, LinkId, PrimaryLink};
use dunlin_slots::SlotSet;
use dunlin_stdx::time::{Monotonic, Now};

use super::events::Input;
use super::wires::WireKey;

/// The wall clock when a simulation begins.
const EPOCH_US: i64 = 1_700_000_000_000_000;

/// So many lines of the log are kept.
const LOG_LINES_MAX: usize = 200;

/// So many bytes of nodes.conf files wait for the disk; what is older has been written by itself.
const UNSYNCED_BYTES_MAX: usize = 256 * 1024;

/// nodes.conf on a disk that may lose what is not synced.
#[derive(Clone, Debug, Default)]
pub(super) struct ConfFile {
    synced: String,
    /// What was written since, oldest first: after a power loss any of them may be there.
    unsynced: VecDeque<String>,
}

impl ConfFile {
    pub(super) fn write(&mut self, text: String, fsync: bool) {
        if fsync {
            self.unsynced.clear();
            self.synced = text;
        } else {
            self.unsynced.push_back(text);
        }
        let bytes = self.unsynced.iter().map(String::len).sum::<usize>();
        if bytes > UNSYNCED_BYTES_MAX
            && let Some(oldest) = self.unsynced.pop_front()
        {
            self.synced = oldest;
        }
    }

    pub(super) fn text(&self) -> &str {
        self.unsynced.back().unwrap_or(&self.synced)
    }

    /// The power goes: only what was synced is sure to be there.
    pub(super) fn lose_power(&mut self, random: &mut fastrand::Rng) {
        let kept = random.usize(..=self.unsynced.len());
        self.unsynced.truncate(kept);
        let text = self.text().to_owned();
        self.write(text, true);
    }
}

/// How a process has ended, or that it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Power {
    /// The machine is on, whether the process runs or not.
    On,
    /// The machine is off: nobody is told that nobody is there.
    Off,
}

/// A machine with what a server has beside its cluster. Tests may change what it holds.
#[derive(Clone)]
pub struct Machine {
    /// The cluster of the process, while it runs.
    pub cluster: Option<Cluster>,
    /// With what the process starts.
    pub config: ClusterConfig,
    /// Bytes of the stream of changes.
    pub offset: u64,
    /// The primary's address, as the process was last told.
    pub following: Option<(String, u16)>,
    /// Until when writes are held.
    pub paused_until: Option<Monotonic>,
    /// Messages that came for subscribers.
    pub published: Vec<Bytes>,
    /// The last lines of the log.
    pub log: VecDeque<String>,
    /// Slots whose keys were last to be removed.
    pub dropped: SlotSet,
    pub(super) address: (String, u16),
    pub(super) conf: ConfFile,
    pub(super) power: Power,
    /// Counts starts.
    pub(super) life: u64,
    /// Connections of the process; `None` while they are asked for.
    pub(super) links: BTreeMap<LinkId, Option<(WireKey, usize)>>,
    /// What has arrived while the process is stopped; `None` while it is not.
    pub(super) stopped: Option<VecDeque<Input>>,
    pub(super) next_cron_us: u64,
    pub(super) resumed_us: u64,
    pub(super) wall_jump_us: i64,
    pub(super) monotonic_jump_us: u64,
    last_interaction: Option<Monotonic>,
    down_since: Option<Monotonic>,
}

impl Machine {
    pub(super) fn new(index: usize, config: ClusterConfig) -> Self {
        let (high, low) = ((index + 1) / 256, (index + 1) % 256);
        Self {
            cluster: None,
            config,
            offset: 0,
            following: None,
            paused_until: None,
            published: Vec::new(),
            log: VecDeque::new(),
            dropped: SlotSet::new(),
            address: (format!("10.0.{high}.{low}"), 7000),
            conf: ConfFile::default(),
            power: Power::On,
            life: 0,
            links: BTreeMap::new(),
            stopped: None,
            next_cron_us: 0,
            resumed_us: 0,
            wall_jump_us: 0,
            monotonic_jump_us: 0,
            last_interaction: None,
            down_since: None,
        }
    }

    /// Its clocks at a time of the simulation.
    pub(super) fn now(&self, at_us: u64) -> Now {
        Now {
            unix_us: EPOCH_US + at_us as i64 + self.wall_jump_us,
            monotonic: Monotonic(at_us + self.monotonic_jump_us),
        }
    }

    /// Whether the process runs and is not stopped.
    pub(super) const fn works(&self) -> bool {
        self.cluster.is_some() && self.stopped.is_none()
    }

    /// What a new process knows of replication.
    pub(super) fn forget_replication(&mut self) {
        self.following = None;
        self.paused_until = None;
        self.last_interaction = None;
        self.down_since = None;
    }

    pub(super) fn primary_link(&self) -> PrimaryLink {
        match (self.down_since, self.last_interaction) {
            (_, None) => PrimaryLink::Never,
            (None, Some(last_interaction)) => PrimaryLink::Up { last_interaction },
            (Some(since), Some(_)) => PrimaryLink::Down { since },
        }
    }

    pub(super) fn follow(&mut self, address: (String, u16), at: Monotonic) {
        self.following = Some(address);
        self.down_since = Some(at);
    }

    pub(super) fn hear_primary(&mut self, offset: u64, at: Monotonic) {
        self.offset = offset;
        self.last_interaction = Some(at);
        self.down_since = None;
    }

    pub(super) fn miss_primary(&mut self, at: Monotonic) {
        self.down_since.get_or_insert(at);
    }

    /// Whether writes are held at a time of the simulation.
    pub(super) fn holds_writes(&self, at_us: u64) -> bool {
        self.paused_until.is_some_and(|until| self.now(at_us).monotonic < until)
    }

    pub(super) fn write_log(&mut self, line: String) {
        if self.log.len() == LOG_LINES_MAX {
            self.log.pop_front();
        }
        self.log.push_back(line);
    }
}
