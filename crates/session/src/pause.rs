//! Commands of clients wait: for a time, because of CLIENT PAUSE, or those that may change data for as
//! long as the server has a reason of its own ([`WriteHold`]).
//!
//! Source: redis.io, CLIENT PAUSE and CLIENT UNPAUSE.

use dunlin_stdx::time::Monotonic;

/// Which commands wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PauseMode {
    /// Those that may change data or be propagated.
    Write,
    /// All.
    All,
}

bitflags::bitflags! {
    /// Why commands that may change data wait, whatever CLIENT PAUSE and UNPAUSE say.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct WriteHold: u8 {
        /// A snapshot has no room for what they change (`snapshot-overflow throttle`).
        const SNAPSHOT = 1 << 0;
        /// A replica is to take over and has to have everything (FAILOVER).
        const HAND_OVER = 1 << 1;
        /// The server ends, and its replicas have to have everything (SHUTDOWN).
        const SHUTDOWN = 1 << 2;
        /// A replica of the cluster takes over (CLUSTER FAILOVER).
        const CLUSTER = 1 << 3;
    }
}

/// Whether commands wait, which, and until when.
#[derive(Clone, Copy, Debug, Default)]
pub struct ClientPause {
    /// What holds: the stricter one of the two.
    mode: Option<PauseMode>,
    /// What CLIENT PAUSE asks for.
    asked: Option<PauseMode>,
    until: Monotonic,
    /// The server's own reasons.
    held_for: WriteHold,
    /// Some keys are in flight.
    holds_keys: bool,
    /// Any command may have to wait: one comparison for all others.
    holds_any: bool,
    released: bool,
}

impl ClientPause {
    /// Which commands wait at present.
    #[must_use]
    #[inline]
    pub const fn mode(&self) -> Option<PauseMode> {
        self.mode
    }

    /// Whether any command may have to wait: because of a pause, or of keys in flight.
    #[must_use]
    #[inline]
    pub const fn holds_any(&self) -> bool {
        self.holds_any
    }

    /// Lets commands that change keys in flight (MIGRATE) wait, or not any more.
    pub const fn hold_keys(&mut self, holds: bool) {
        self.holds_keys = holds;
        self.holds_any = holds || self.mode.is_some();
    }

    /// When the pause ends by itself.
    #[must_use]
    pub fn ends_at(&self) -> Option<Monotonic> {
        self.asked.map(|_| self.until)
    }

    /// Pauses until `until`. Where a pause is under way, the later end and the stricter mode
    /// hold.
    pub fn start(&mut self, mode: PauseMode, until: Monotonic, now: Monotonic) {
        self.asked = self.asked.max(Some(mode));
        self.until = self.until.max(until);
        self.follow();
        self.expire(now);
    }

    /// Ends the pause.
    pub fn stop(&mut self) {
        self.asked = None;
        self.until = Monotonic(0);
        self.follow();
    }

    /// Lets commands that may change data wait for this reason, or not any more.
    pub fn hold_writes(&mut self, why: WriteHold, holds: bool) {
        self.held_for.set(why, holds);
        self.follow();
    }

    /// Whether writes are held for a replica that takes over, so that nothing may be added to the
    /// stream of changes.
    #[must_use]
    pub const fn is_for_successor(&self) -> bool {
        self.held_for.intersects(WriteHold::HAND_OVER.union(WriteHold::CLUSTER))
    }

    fn follow(&mut self) {
        let is_held = !self.held_for.is_empty();
        let mode = self.asked.max(is_held.then_some(PauseMode::Write));
        self.released |= mode < self.mode;
        self.mode = mode;
        self.holds_any = self.holds_keys || mode.is_some();
    }

    /// Ends the pause if its time has come.
    #[inline]
    pub fn expire(&mut self, now: Monotonic) {
        if self.asked.is_some() && self.until <= now {
            self.stop();
        }
    }

    /// Whether a pause has ended since the last call: those who wait go on.
    pub const fn take_released(&mut self) -> bool {
        std::mem::replace(&mut self.released, false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Monotonic = Monotonic(1000);

    #[test]
    fn the_later_end_and_the_stricter_mode_hold() {
        let mut pause = ClientPause::default();
        pause.start(PauseMode::All, Monotonic(1200), NOW);
        pause.start(PauseMode::Write, Monotonic(1020), NOW);
        assert_eq!((pause.mode(), pause.ends_at()), (Some(PauseMode::All), Some(Monotonic(1200))));
        pause.expire(Monotonic(1199));
        assert!(!pause.take_released());
        pause.expire(Monotonic(1200));
        assert_eq!((pause.mode(), pause.ends_at()), (None, None));
        assert!(pause.take_released());
        assert!(!pause.take_released());
    }

    #[test]
    fn keys_in_flight_are_no_pause() {
        let mut pause = ClientPause::default();
        pause.hold_keys(true);
        assert_eq!((pause.mode(), pause.holds_any()), (None, true));
        pause.start(PauseMode::All, Monotonic(1200), NOW);
        pause.hold_keys(false);
        assert!(pause.holds_any());
        pause.stop();
        assert!(pause.take_released() && !pause.holds_any());
    }

    #[test]
    fn writes_wait_for_a_snapshot_whatever_clients_ask_for() {
        let mut pause = ClientPause::default();
        pause.hold_writes(WriteHold::SNAPSHOT, true);
        assert_eq!((pause.mode(), pause.ends_at()), (Some(PauseMode::Write), None));
        pause.start(PauseMode::All, Monotonic(1200), NOW);
        assert_eq!((pause.mode(), pause.take_released()), (Some(PauseMode::All), false));
        pause.stop();
        assert_eq!((pause.mode(), pause.take_released()), (Some(PauseMode::Write), true));
        pause.start(PauseMode::Write, Monotonic(1200), NOW);
        pause.hold_writes(WriteHold::SNAPSHOT, false);
        assert_eq!((pause.mode(), pause.take_released()), (Some(PauseMode::Write), false));
        pause.expire(Monotonic(1200));
        assert_eq!((pause.mode(), pause.take_released()), (None, true));
    }

    #[test]
    fn each_reason_ends_by_itself() {
        let mut pause = ClientPause::default();
        pause.hold_writes(WriteHold::HAND_OVER, true);
        pause.hold_writes(WriteHold::SNAPSHOT, true);
        pause.stop();
        pause.hold_writes(WriteHold::SNAPSHOT, false);
        assert_eq!((pause.mode(), pause.take_released()), (Some(PauseMode::Write), false));
        pause.hold_writes(WriteHold::HAND_OVER, false);
        assert_eq!((pause.mode(), pause.take_released()), (None, true));
    }

    #[test]
    fn a_pause_of_no_time_is_none() {
        let mut pause = ClientPause::default();
        pause.start(PauseMode::Write, NOW, NOW);
        assert_eq!(pause.mode(), None);
        pause.start(PauseMode::Write, Monotonic(2000), NOW);
        pause.stop();
        pause.start(PauseMode::Write, Monotonic(1500), NOW);
        assert_eq!(pause.ends_at(), Some(Monotonic(1500)));
    }
}
