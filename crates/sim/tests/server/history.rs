//! What a server held after each of its changes, and which of that must be found again.

/// The states a server went through, oldest first, as digests.
pub(crate) struct History {
    digests: Vec<String>,
    /// The state that must at least be found after a power loss, and after a kill.
    durable: usize,
    written: usize,
    /// Where the log ended at the end of a turn, and the state then.
    ends: Vec<(u64, usize)>,
}

impl History {
    /// A server that holds this.
    pub(crate) fn new(digest: String) -> History {
        History { digests: vec![digest], durable: 0, written: 0, ends: Vec::new() }
    }

    /// The number of the newest state.
    pub(crate) fn newest(&self) -> usize {
        self.digests.len() - 1
    }

    /// A command or a transaction has ended.
    pub(crate) fn push(&mut self, digest: String) {
        self.digests.push(digest);
    }

    /// Somebody was told of this state.
    pub(crate) fn told(&mut self, state: usize) {
        self.durable = self.durable.max(state);
        self.written = self.written.max(state);
    }

    /// A turn has ended; the log ends there.
    pub(crate) fn turn_ended(&mut self, log_end: u64) {
        self.ends.push((log_end, self.newest()));
    }

    /// All is written.
    pub(crate) fn all_written(&mut self) {
        self.written = self.written.max(self.newest());
    }

    /// The log is synced up to there.
    pub(crate) fn synced(&mut self, end: u64) {
        if let Some((_, state)) = self.ends.iter().rev().find(|(at, _)| *at <= end) {
            self.durable = self.durable.max(*state);
        }
    }

    /// Takes what was found after an end; it goes on from there.
    ///
    /// # Panics
    /// When that is no state the server ever had, or one that is too old.
    pub(crate) fn found(&mut self, digest: &str, is_power_loss: bool) {
        let least = if is_power_loss { self.durable } else { self.written.max(self.durable) };
        let Some(state) = self.digests.iter().rposition(|known| known == digest) else {
            panic!("it never held this: {digest}; newest {}, least {least}", self.newest());
        };
        assert!(state >= least, "state {state} was found, {least} of {} promised", self.newest());
        *self = History::new(digest.to_owned());
    }

    /// A snapshot holds this.
    ///
    /// # Panics
    /// When that is no state the server ever had.
    pub(crate) fn assert_known(&self, digest: &str) {
        assert!(self.digests.iter().any(|known| known == digest), "no state it ever had: {digest}");
    }
}
