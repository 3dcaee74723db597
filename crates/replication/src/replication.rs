//! One server's replication as a value.

use std::collections::{BTreeSet, HashMap, VecDeque};

use dunlin_stdx::time::Monotonic;

use crate::announcement::Announcement;
use crate::backlog::{Backlog, Retention};
use crate::failover::Failover;
use crate::history::{Denial, History};
use crate::id::ReplId;
use crate::line::Line;
use crate::link::PrimaryLink;
use crate::recent::RecentOffsets;
use crate::replicas::{Replica, ReplicaNumber, Replicas};

/// What a command asks for that needs more than a command may reach.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wish {
    /// The configuration names another primary, or none (REPLICAOF); who asked for it.
    FollowConfiguration(String),
    /// A peer wants the stream (PSYNC, SYNC).
    Attach {
        /// Its connection.
        number: ReplicaNumber,
        /// The history it is on and the next offset that it wants; `None` for SYNC.
        position: Option<(Vec<u8>, i64)>,
    },
    /// This server is to become the primary of the one that asks, which gives up its role
    /// (PSYNC ... FAILOVER).
    TakeOver {
        /// Its connection.
        number: ReplicaNumber,
        /// The history it is on.
        replid: Vec<u8>,
        /// The next offset that it wants.
        offset: i64,
    },
    /// Replicas are to acknowledge what they have (WAIT).
    AskForAcknowledgement,
    /// A replica has acknowledged something: those who wait for that go on.
    ServeAcknowledged(ReplicaNumber),
    /// A hand-over has begun (FAILOVER): writes are paused.
    BeginFailover,
    /// The hand-over is given up (FAILOVER ABORT).
    AbortFailover,
}

/// How often what happened, for INFO.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Full synchronisations begun (`sync_full`).
    pub full: u64,
    /// Partial ones that were granted (`sync_partial_ok`).
    pub partial_ok: u64,
    /// Partial ones that were asked for in vain (`sync_partial_err`).
    pub partial_err: u64,
}

/// Bytes that replication has moved, for INFO.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// From the primary (`total_net_repl_input_bytes`).
    pub input_bytes: u64,
    /// To replicas (`total_net_repl_output_bytes`).
    pub output_bytes: u64,
}

/// The default of `repl-backlog-size`.
const BACKLOG_BYTES_DEFAULT: u64 = 1 << 20;

/// One server's replication.
#[derive(Debug)]
pub struct Replication {
    /// Which bytes of which history it has.
    pub history: History,
    /// The latest of them, once there has been a replica or a primary.
    pub backlog: Option<Backlog>,
    /// Those who follow it.
    pub replicas: Replicas,
    /// The link to its primary; `None` for a primary.
    pub link: Option<PrimaryLink>,
    /// A hand-over under way.
    pub failover: Option<Failover>,
    /// How often what happened.
    pub counts: Counts,
    /// Bytes of snapshots and of the stream.
    pub traffic: Traffic,
    /// Bytes of the stream that were recorded and not fed yet.
    pub unfed_bytes: u64,
    /// Bytes of the primary's stream that have come and are not applied: the end of a command or of a
    /// transaction is missing.
    pub unapplied_bytes: u64,
    /// The database that is selected in the stream.
    pub stream_db: u32,
    /// Whether `history` can be gone on with at another server: it was not made up at the start.
    pub has_position: bool,
    /// What peers have said of themselves before they asked for the stream.
    announcements: HashMap<ReplicaNumber, Announcement>,
    wishes: VecDeque<Wish>,
    lines: Vec<Line>,
    rng: fastrand::Rng,
    /// Keys with a deadline that clients have written to this replica, with their databases.
    pub own_keys: BTreeSet<(u32, Box<[u8]>)>,
    /// Since when there has been no replica.
    pub alone_since: Option<Monotonic>,
    /// Offset of the latest part of the stream that a peer without deadlines of hash fields must not
    /// see.
    field_deadlines_until: u64,
    /// Where the stream was lately.
    recent: RecentOffsets,
}

impl Replication {
    /// A server at the beginning of a history of its own.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let mut rng = fastrand::Rng::with_seed(seed);
        Self {
            history: History::new(ReplId::random(&mut rng)),
            backlog: None,
            replicas: Replicas::default(),
            link: None,
            failover: None,
            counts: Counts::default(),
            traffic: Traffic::default(),
            unfed_bytes: 0,
            unapplied_bytes: 0,
            stream_db: 0,
            has_position: false,
            announcements: HashMap::new(),
            wishes: VecDeque::new(),
            lines: Vec::new(),
            rng,
            own_keys: BTreeSet::new(),
            alone_since: None,
            field_deadlines_until: 0,
            recent: RecentOffsets::new(),
        }
    }

    /// Whether it follows a primary.
    #[must_use]
    #[inline]
    pub const fn is_replica(&self) -> bool {
        self.link.is_some()
    }

    /// Whether it follows a primary and the stream does not flow.
    #[must_use]
    #[inline]
    pub fn is_cut_off(&self) -> bool {
        self.link.as_ref().is_some_and(|link| !link.is_up())
    }

    /// Whether the stream of changes is to be recorded for replicas.
    #[must_use]
    #[inline]
    pub const fn wants_stream(&self) -> bool {
        self.backlog.is_some() && self.link.is_none()
    }

    /// Asks for something to be done when the command that runs now has ended.
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

    /// What a peer has said of itself so far.
    pub fn announcement(&mut self, number: ReplicaNumber) -> &mut Announcement {
        match self.replicas.get(number).is_some() {
            true => {
                let replica = self.replicas.get_mut(number).map(|one| &mut one.announcement);
                replica.unwrap_or_else(|| unreachable!("looked up just now"))
            }
            false => self.announcements.entry(number).or_default(),
        }
    }

    /// More of the stream: produced here, or taken from the primary.
    #[inline]
    pub fn feed(&mut self, bytes: &[u8]) {
        self.history.advance(bytes.len() as u64);
        if let Some(backlog) = &mut self.backlog {
            backlog.append(bytes);
        }
    }

    /// Changes were made that no replica hears of, because none ever came: WAITAOF counts on.
    pub const fn count_unsent(&mut self, commands: u32) {
        if self.backlog.is_none() {
            self.history.advance(commands as u64);
        }
    }

    /// The stream so far holds what a peer without deadlines of hash fields must not see.
    pub const fn note_field_deadlines(&mut self) {
        self.field_deadlines_until = self.history.offset();
    }

    /// Forgets what no replica needs. At least `bytes` are kept (`repl-backlog-size`); more, up to
    /// `bytes_max`, if so much has been written in the time that a replica which loses its link or
    /// restarts may be away. Who asks for less than the default has little memory, or tries what
    /// happens to a replica that is away too long: then `bytes` are all.
    pub fn trim(&mut self, bytes: u64, bytes_max: u64) {
        let offset = self.history.offset();
        let first = self.recent.first().filter(|_| bytes >= BACKLOG_BYTES_DEFAULT);
        let recent = first.map_or(0, |first| offset.saturating_sub(first));
        // Within the limit with the blocks at both ends: what nobody waits for is not worth a file.
        let bytes = bytes.max(recent.min(bytes_max.saturating_sub(Backlog::SLACK_BYTES)));
        let needed_from = self.replicas.needed_from();
        if let Some(backlog) = &mut self.backlog {
            backlog.trim(Retention { bytes, needed_from });
        }
    }

    /// A second has passed: takes note of where the stream is.
    pub fn note_offset(&mut self, now: Monotonic) {
        self.recent.note(now, self.history.offset());
    }

    /// A full synchronisation has ended that took so long, in microseconds.
    pub fn synced_fully(&mut self, took_us: u64) {
        self.recent.synced_fully(took_us);
    }

    /// Begins to keep the stream, under a new replid: nobody knows what was before.
    pub fn open_history(&mut self) {
        if self.backlog.is_some() {
            return;
        }
        self.history.restart(ReplId::random(&mut self.rng));
        self.backlog = Some(Backlog::new(self.history.offset() + 1));
        self.lines.push(Line::notice(format!(
            "Replication backlog created, my new replication IDs are '{}' and '{}'",
            self.history.replid(),
            self.history.second_replid()
        )));
    }

    /// Begins to keep the stream of the history as it is.
    pub fn keep_stream(&mut self) {
        let next = self.history.offset() + 1;
        self.backlog.get_or_insert_with(|| Backlog::new(next));
    }

    /// Keeps the stream no longer, because nobody has come for so long; what follows is another
    /// history.
    pub fn close_history(&mut self, after_s: u64) {
        self.backlog = None;
        self.history.restart(ReplId::random(&mut self.rng));
        self.lines.push(Line::notice(format!(
            "Replication backlog freed after {after_s} seconds without connected replicas."
        )));
    }

    /// From here on the history is this server's own (promotion).
    pub fn promote(&mut self) {
        self.history.fork(ReplId::random(&mut self.rng));
        self.lines.push(Line::notice(format!(
            "Setting secondary replication ID to {}, valid up to offset: {}. New replication ID is \
             {}",
            self.history.second_replid(),
            self.history.second_offset(),
            self.history.replid()
        )));
    }

    /// What is held belongs to no history that others know (promotion of a replica that has lost its
    /// data set, or never had one): whoever comes takes all of it.
    pub fn begin_anew(&mut self) {
        self.backlog = None;
        self.history.restart(ReplId::random(&mut self.rng));
    }

    /// The primary's history goes on under another replid from here on.
    pub const fn follow_fork(&mut self, replid: ReplId) {
        self.history.fork(replid);
    }

    /// The data set is that of a primary at this position now.
    pub fn adopt(&mut self, replid: ReplId, offset: u64) {
        self.history.adopt(replid, offset);
        self.has_position = true;
        self.backlog = Some(Backlog::new(offset + 1));
        self.field_deadlines_until = offset;
    }

    /// The data set was at this position of a history when the server ended well. Redis's rule for
    /// a primary: it is on a new history, and shares the old one up to here.
    pub fn resume(&mut self, replid: ReplId, offset: u64) {
        let own = self.history.replid();
        self.history.adopt(replid, offset);
        self.field_deadlines_until = offset;
        if self.link.is_some() {
            self.has_position = true;
        } else {
            self.history.fork(own);
        }
        self.backlog = Some(Backlog::new(offset + 1));
    }

    /// Where the data set is in the stream, with what was recorded and not fed yet: replid, offset, the
    /// database that is selected. `None` if nobody could go on from there.
    #[must_use]
    pub fn saved_position(&self) -> Option<(ReplId, u64, u32)> {
        let is_known = if self.is_replica() { self.has_position } else { self.backlog.is_some() };
        let offset = self.history.offset() + self.unfed_bytes;
        is_known.then(|| (self.history.replid(), offset, self.stream_db))
    }

    /// A random mark that ends a snapshot of unknown length.
    pub fn end_mark(&mut self) -> [u8; 40] {
        *ReplId::random(&mut self.rng).digits()
    }

    /// A peer has become a replica that needs a snapshot.
    pub fn admit(&mut self, number: ReplicaNumber, peer_address: String, now: Monotonic) {
        let announcement = self.announcements.remove(&number).unwrap_or_default();
        self.replicas.insert(Replica::new(number, peer_address, announcement, now));
        self.alone_since = None;
    }

    /// A connection is gone; the replica that it was, if it was one.
    pub fn forget(&mut self, number: ReplicaNumber, now: Monotonic) -> Option<Replica> {
        self.announcements.remove(&number);
        let gone = self.replicas.remove(number);
        if gone.is_some() && self.replicas.is_empty() {
            self.alone_since = Some(now);
        }
        gone
    }

    /// Whether a peer can go on from where it says it is; if not, the log says why. Its connection has
    /// the address `peer_address`.
    pub fn may_continue(
        &mut self,
        (number, peer_address): (ReplicaNumber, &str),
        replid: &[u8],
        offset: i64,
    ) -> bool {
        let next = u64::try_from(offset).unwrap_or(0);
        match self.history.check(replid, next) {
            Ok(()) => {}
            Err(Denial::AnotherHistory) => {
                if replid != b"?" {
                    let asked = String::from_utf8_lossy(&replid[..replid.len().min(40)]);
                    self.lines.push(Line::notice(format!(
                        "Partial resynchronization not accepted: Replication ID mismatch (Replica \
                         asked for '{asked}', my replication IDs are '{}' and '{}')",
                        self.history.replid(),
                        self.history.second_replid()
                    )));
                }
                return false;
            }
            Err(Denial::BeyondSecond(up_to)) => {
                self.lines.push(Line::notice(format!(
                    "Partial resynchronization not accepted: Requested offset for second ID was \
                     {next}, but I can reply up to {up_to}"
                )));
                return false;
            }
        }
        let is_covered = self.backlog.as_ref().is_some_and(|backlog| backlog.covers(next));
        if !is_covered || next == 0 {
            let name = self.announcement(number).name(peer_address);
            self.lines.push(Line::notice(format!(
                "Unable to partial resync with replica {name} for lack of backlog (Replica request \
                 was: {offset})."
            )));
            return false;
        }
        let takes = self.announcement(number).capabilities.field_deadlines;
        if !takes && next <= self.field_deadlines_until && self.field_deadlines_until > 0 {
            self.lines.push(Line::notice(
                "Partial resynchronization not accepted: since then fields of hashes were given \
                 deadlines, which the replica does not know",
            ));
            return false;
        }
        true
    }

    /// CONFIG RESETSTAT.
    pub fn reset_counts(&mut self) {
        self.counts = Counts::default();
        self.traffic = Traffic::default();
    }

    /// A line for the log.
    pub fn log(&mut self, line: Line) {
        self.lines.push(line);
    }

    /// Lines for the log, oldest first.
    pub fn take_lines(&mut self) -> Vec<Line> {
        if let Some(link) = &mut self.link {
            self.lines.extend(link.take_lines());
        }
        std::mem::take(&mut self.lines)
    }

    /// Whether there are such lines.
    #[must_use]
    pub fn has_lines(&self) -> bool {
        !self.lines.is_empty() || self.link.as_ref().is_some_and(PrimaryLink::has_lines)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: ReplicaNumber = ReplicaNumber(1);
    const PEER: (ReplicaNumber, &str) = (ONE, "10.0.0.1");

    fn primary() -> Replication {
        let mut replication = Replication::new(7);
        replication.open_history();
        replication.feed(&[b'x'; 50]);
        replication
    }

    #[test]
    fn a_replica_goes_on_where_the_backlog_reaches() {
        let mut primary = primary();
        let id = *primary.history.replid().digits();
        for (offset, granted) in [(1, true), (24, true), (51, true), (52, false), (0, false)] {
            assert_eq!(primary.may_continue(PEER, &id, offset), granted, "{offset}");
        }
        assert!(!primary.may_continue(PEER, &id, -1));
        assert!(!primary.may_continue(PEER, b"?", -1));
        primary.trim(10, 10);
        assert!(!primary.may_continue(PEER, &id, 40) && primary.may_continue(PEER, &id, 41));
        let last = primary.take_lines().pop().expect("a line");
        let why = "Unable to partial resync with replica 10.0.0.1:<unknown-replica-port> for lack of \
                   backlog (Replica request was: 40).";
        assert_eq!(last.text, why);
    }

    #[test]
    fn a_history_that_nobody_knows_is_not_continued() {
        let mut primary = Replication::new(7);
        let idle = *primary.history.replid().digits();
        primary.open_history();
        assert!(!primary.may_continue(PEER, &idle, 1));
        assert!(!primary.may_continue(PEER, ReplId::NONE.digits(), 1));
    }

    #[test]
    fn a_restarted_primary_shares_the_old_history_up_to_where_it_ended() {
        let old = ReplId::parse(&[b'a'; 40]).expect("forty digits");
        let mut primary = Replication::new(7);
        primary.resume(old, 50);
        assert_ne!(primary.history.replid(), old);
        assert!(primary.may_continue(PEER, old.digits(), 51));
        primary.feed(b"new");
        assert!(primary.may_continue(PEER, old.digits(), 51));
        assert!(!primary.may_continue(PEER, old.digits(), 52), "the replica is ahead");
        assert!(!primary.may_continue(PEER, old.digits(), 50), "no backlog");
    }

    #[test]
    fn nobody_goes_on_from_a_data_set_that_was_lost() {
        let mut promoted = primary();
        let old = *promoted.history.replid().digits();
        let next = promoted.history.offset() as i64 + 1;
        assert!(promoted.may_continue(PEER, &old, next));
        promoted.begin_anew();
        assert!(!promoted.may_continue(PEER, &old, next));
        assert_eq!(promoted.history.second_replid(), ReplId::NONE);
    }

    #[test]
    fn a_peer_without_field_deadlines_is_not_shown_any() {
        let mut primary = primary();
        let id = *primary.history.replid().digits();
        primary.note_field_deadlines();
        assert!(!primary.may_continue(PEER, &id, 50));
        assert!(primary.may_continue(PEER, &id, 51));
        primary.announcement(ONE).capabilities.field_deadlines = true;
        assert!(primary.may_continue(PEER, &id, 50));
    }

    #[test]
    fn the_backlog_grows_with_what_is_written_while_a_replica_may_be_away() {
        let mut primary = primary();
        for second in 0..10 {
            primary.note_offset(Monotonic(second * 1_000_000));
            primary.feed(&[b'x'; 1_000_000]);
        }
        let mut kept = |bytes, bytes_max| {
            primary.trim(bytes, bytes_max);
            primary.backlog.as_ref().map(Backlog::len)
        };
        assert_eq!(kept(BACKLOG_BYTES_DEFAULT, 100_000_000), Some(6_000_000));
        assert_eq!(kept(BACKLOG_BYTES_DEFAULT, 3_000_000), Some(3_000_000 - Backlog::SLACK_BYTES));
        assert_eq!(kept(10_000, 100_000_000), Some(10_000));
    }
}
