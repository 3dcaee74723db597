//! Statistics of one command (INFO's `commandstats`).

/// What INFO tells of one command or subcommand.
#[derive(Clone, Debug, Default)]
pub struct CommandStats {
    /// Times it ran.
    pub calls: u64,
    /// Time it took in all, in microseconds.
    pub us: u64,
    /// Times it was refused before it ran: arity, authentication, memory.
    pub rejected: u64,
    /// Times it ran and answered with an error.
    pub failed: u64,
}

impl CommandStats {
    /// Counts a run of `us` microseconds.
    #[inline]
    pub const fn ran(&mut self, us: u64, failed: bool) {
        self.calls += 1;
        self.us += us;
        if failed {
            self.failed += 1;
        }
    }
}
