//! The replicas of a primary: what each has got, and what it has acknowledged.

use dunlin_stdx::time::Monotonic;

use crate::announcement::Announcement;

/// A replica, named by the place of its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReplicaNumber(pub usize);

/// How far a replica has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SyncState {
    /// It waits for a snapshot to begin.
    WaitsForStart,
    /// It waits for a snapshot in a file to be complete.
    WaitsForFile,
    /// It is being sent a snapshot.
    Receives,
    /// It has the snapshot and is loading it: the stream begins when it says so.
    Loads,
    /// It follows the stream.
    Online,
}

impl SyncState {
    /// As INFO shows it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::WaitsForStart | Self::WaitsForFile => "wait_bgsave",
            Self::Receives => "send_bulk",
            Self::Loads | Self::Online => "online",
        }
    }

    /// Whether it counts as online: it has a data set.
    #[must_use]
    pub const fn is_online(self) -> bool {
        matches!(self, Self::Loads | Self::Online)
    }
}

/// A replica.
#[derive(Clone, Debug)]
pub struct Replica {
    /// Its connection.
    pub number: ReplicaNumber,
    /// The address of its connection, without the port.
    pub peer_address: String,
    /// What it said of itself.
    pub announcement: Announcement,
    /// How far it has come.
    pub state: SyncState,
    /// Offset of the next byte of the stream that it is to be sent.
    pub next: u64,
    /// Bytes of the stream that it has acknowledged.
    pub acknowledged: u64,
    /// Whether it has acknowledged anything: before that it may still load its data set.
    pub has_acknowledged: bool,
    /// Bytes of the stream that it has acknowledged to be on its disk; `None` if nothing at all.
    pub durable: Option<u64>,
    /// When it last acknowledged something, or was last known to be alive.
    pub last_ack: Monotonic,
    /// When it began to wait for a snapshot.
    pub waits_since: Monotonic,
    /// Whether it came with SYNC, and acknowledges nothing.
    pub is_old: bool,
    /// Since when it has been behind by more than the soft limit.
    pub behind_since: Option<Monotonic>,
}

impl Replica {
    /// A replica that waits for a snapshot.
    #[must_use]
    pub const fn new(
        number: ReplicaNumber,
        peer_address: String,
        announcement: Announcement,
        now: Monotonic,
    ) -> Self {
        Self {
            number,
            peer_address,
            announcement,
            state: SyncState::WaitsForStart,
            next: 0,
            acknowledged: 0,
            has_acknowledged: false,
            durable: None,
            last_ack: now,
            waits_since: now,
            is_old: false,
            behind_since: None,
        }
    }

    /// Its address, as it announced it.
    #[must_use]
    pub fn address(&self) -> &str {
        self.announcement.address.as_deref().unwrap_or(&self.peer_address)
    }

    /// Its name in the log.
    #[must_use]
    pub fn name(&self) -> String {
        self.announcement.name(&self.peer_address)
    }

    /// Seconds since it last acknowledged something.
    #[must_use]
    pub const fn lag_seconds(&self, now: Monotonic) -> u64 {
        now.since_us(self.last_ack) / 1_000_000
    }

    /// Whether the stream is kept for it.
    #[must_use]
    pub const fn needs_stream(&self) -> bool {
        !matches!(self.state, SyncState::WaitsForStart) && !self.announcement.snapshot_only
    }
}

/// All replicas, in the order in which they came.
#[derive(Debug, Default)]
pub struct Replicas {
    all: Vec<Replica>,
}

impl Replicas {
    /// Number of replicas.
    #[must_use]
    #[inline]
    pub const fn len(&self) -> usize {
        self.all.len()
    }

    /// Whether there is none.
    #[must_use]
    #[inline]
    pub const fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// All of them.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Replica> {
        self.all.iter()
    }

    /// All of them, for changing them.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut Replica> {
        self.all.iter_mut()
    }

    /// The replica at a place, in the order in which they came.
    #[must_use]
    pub fn at(&self, place: usize) -> Option<&Replica> {
        self.all.get(place)
    }

    /// The replica of a connection.
    #[must_use]
    pub fn get(&self, number: ReplicaNumber) -> Option<&Replica> {
        self.all.iter().find(|replica| replica.number == number)
    }

    /// The replica of a connection, for changing it.
    pub fn get_mut(&mut self, number: ReplicaNumber) -> Option<&mut Replica> {
        self.all.iter_mut().find(|replica| replica.number == number)
    }

    /// A replica has come.
    pub fn insert(&mut self, replica: Replica) {
        debug_assert!(self.get(replica.number).is_none(), "a connection is one replica");
        self.all.push(replica);
    }

    /// A replica is gone.
    pub fn remove(&mut self, number: ReplicaNumber) -> Option<Replica> {
        let place = self.all.iter().position(|replica| replica.number == number)?;
        Some(self.all.remove(place))
    }

    /// A replica acknowledges the stream up to `offset`, and up to `durable` on its disk. Neither
    /// runs backwards. Whether it is a replica at all.
    pub fn acknowledge(
        &mut self,
        number: ReplicaNumber,
        offset: u64,
        durable: Option<u64>,
        now: Monotonic,
    ) -> bool {
        let Some(replica) = self.get_mut(number) else { return false };
        replica.acknowledged = replica.acknowledged.max(offset);
        replica.has_acknowledged = true;
        replica.durable = replica.durable.max(durable);
        replica.last_ack = now;
        true
    }

    /// How many have acknowledged the stream up to `offset` (WAIT).
    #[must_use]
    pub fn count_acknowledged(&self, offset: u64) -> usize {
        self.count(|replica| replica.has_acknowledged && replica.acknowledged >= offset)
    }

    /// How many have it on disk up to `offset` (WAITAOF).
    #[must_use]
    pub fn count_durable(&self, offset: u64) -> usize {
        self.count(|replica| replica.durable.is_some_and(|durable| durable >= offset))
    }

    /// How many have acknowledged something within the last `lag_max` seconds.
    #[must_use]
    pub fn count_good(&self, lag_max: u32, now: Monotonic) -> usize {
        self.count(|replica| replica.lag_seconds(now) <= u64::from(lag_max))
    }

    fn count(&self, holds: impl Fn(&Replica) -> bool) -> usize {
        self.all.iter().filter(|replica| replica.state.is_online() && holds(replica)).count()
    }

    /// The offset from which on the stream is still needed by one of them.
    #[must_use]
    pub fn needed_from(&self) -> Option<u64> {
        self.all.iter().filter(|replica| replica.needs_stream()).map(|replica| replica.next).min()
    }

    /// Whether all of them take deadlines of hash fields.
    #[must_use]
    pub fn take_field_deadlines(&self) -> bool {
        self.all.iter().all(|replica| replica.announcement.capabilities.field_deadlines)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn replica(number: usize, state: SyncState) -> Replica {
        let now = Monotonic(0);
        let announcement = Announcement { port: 7000, ..Announcement::default() };
        let new = Replica::new(ReplicaNumber(number), "10.0.0.1".into(), announcement, now);
        Replica { state, ..new }
    }

    #[test]
    fn acknowledgements_never_run_backwards_and_count_when_online() {
        let mut replicas = Replicas::default();
        replicas.insert(replica(1, SyncState::Online));
        replicas.insert(replica(2, SyncState::Receives));
        let at = Monotonic(5_000_000);
        assert!(replicas.acknowledge(ReplicaNumber(1), 100, Some(50), at));
        assert!(replicas.acknowledge(ReplicaNumber(1), 90, Some(10), at));
        assert!(replicas.acknowledge(ReplicaNumber(2), 100, None, at));
        assert!(!replicas.acknowledge(ReplicaNumber(3), 100, None, at));
        replicas.insert(replica(4, SyncState::Loads));
        assert_eq!((replicas.count_acknowledged(0), replicas.count_durable(0)), (1, 1));
        assert_eq!((replicas.count_acknowledged(100), replicas.count_durable(50)), (1, 1));
        assert_eq!((replicas.count_acknowledged(101), replicas.count_durable(51)), (0, 0));
        assert_eq!(replicas.count_good(10, Monotonic(15_999_999)), 1);
        assert_eq!(replicas.count_good(10, Monotonic(16_000_000)), 0);
    }

    #[test]
    fn the_stream_is_kept_for_those_who_will_read_it() {
        let mut replicas = Replicas::default();
        replicas.insert(Replica { next: 7, ..replica(1, SyncState::WaitsForStart) });
        assert_eq!(replicas.needed_from(), None);
        replicas.insert(Replica { next: 50, ..replica(2, SyncState::Receives) });
        replicas.insert(Replica { next: 90, ..replica(3, SyncState::Online) });
        assert_eq!(replicas.needed_from(), Some(50));
        assert!(replicas.remove(ReplicaNumber(2)).is_some());
        assert_eq!(replicas.needed_from(), Some(90));
    }

    #[test]
    fn a_replica_is_named_by_what_it_announced() {
        let mut one = replica(1, SyncState::Online);
        assert_eq!(one.name(), "10.0.0.1:7000");
        one.announcement = Announcement { address: Some("host".into()), ..Default::default() };
        assert_eq!(one.name(), "host:<unknown-replica-port>");
    }
}
