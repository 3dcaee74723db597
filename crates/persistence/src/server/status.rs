//! What persistence tells of itself in INFO.

use dunlin_stdx::time::{Monotonic, Now, UnixMs};

/// How the last attempt at something ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Outcome {
    /// Well, or there was none yet.
    #[default]
    Ok,
    /// Not well; the log says why.
    Failed,
}

impl Outcome {
    /// As INFO shows it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Failed => "err",
        }
    }

    /// Whether it was well.
    #[must_use]
    pub const fn is_ok(self) -> bool {
        matches!(self, Self::Ok)
    }
}

/// Snapshots: the fields `rdb_*`.
#[derive(Clone, Copy, Debug, Default)]
pub struct SaveStatus {
    /// When the last snapshot was completed, or the server started (`rdb_last_save_time`, LASTSAVE).
    pub last_saved: UnixMs,
    /// How the last snapshot in the background ended.
    pub last_outcome: Outcome,
    /// Seconds it took.
    pub last_seconds: Option<u64>,
    /// Snapshots completed since the start.
    pub saves: u64,
    /// Whether one is to be taken as soon as nothing else runs.
    pub is_scheduled: bool,
    /// When the last one in the background was tried, in wall-clock seconds.
    pub(crate) last_try: Monotonic,
    /// Most bytes that waited in memory while the last one was written (`rdb_last_cow_size`).
    pub last_queued_bytes: u64,
}

/// What was loaded last: the fields `rdb_last_load_*`.
#[derive(Clone, Copy, Debug, Default)]
pub struct LoadedKeys {
    /// Keys that were too old.
    pub expired: u64,
    /// Keys that are there now.
    pub loaded: u64,
}

/// A load under way: the fields `loading_*`.
#[derive(Clone, Copy, Debug)]
pub struct LoadStatus {
    /// When it began.
    pub began: Now,
    /// Bytes of all files.
    pub total_bytes: u64,
    /// Bytes of them that are loaded.
    pub loaded_bytes: u64,
    /// Memory that the writer of the RDB file used, if the file says so.
    pub used_memory_bytes: u64,
    /// Whether an RDB file is being read, and not a log of commands.
    pub is_rdb: bool,
}

/// A walk over the data set under way: the fields `current_*`.
#[derive(Clone, Copy, Debug)]
pub struct WalkStatus {
    /// When it began.
    pub began: Now,
    /// Keys handed out.
    pub keys: u64,
    /// Keys there were at its beginning.
    pub keys_total: u64,
    /// Bytes written so far.
    pub written_bytes: u64,
    /// Bytes in memory that wait to be written.
    pub queued_bytes: u64,
    /// All bytes that were handed out because a command was about to change them.
    pub copied_bytes: u64,
    /// Bytes in the spill file.
    pub spilled_bytes: u64,
    /// Replicas that get the snapshot as it is written.
    pub outlets: usize,
    /// Whether clients that change data wait for it.
    pub is_throttling: bool,
}

impl WalkStatus {
    /// Percent of the keys that were handed out.
    #[must_use]
    pub fn percent(&self) -> f64 {
        if self.keys_total == 0 { 0.0 } else { self.keys as f64 * 100.0 / self.keys_total as f64 }
    }

    /// Seconds it will still take if it goes on as it did, at `now`.
    #[must_use]
    pub fn seconds_left(&self, now: Now) -> u64 {
        if self.keys == 0 {
            return 0;
        }
        let took_us = now.monotonic.since_us(self.began.monotonic) as f64;
        let left = self.keys_total.saturating_sub(self.keys) as f64;
        (took_us * left / self.keys as f64 / 1e6).ceil() as u64
    }
}

/// The append-only file: the fields `aof_*`.
#[derive(Clone, Copy, Debug, Default)]
pub struct LogStatus {
    /// Whether a rewrite is to begin as soon as nothing else runs.
    pub is_rewrite_scheduled: bool,
    /// How the last rewrite ended.
    pub last_rewrite: Outcome,
    /// Seconds it took.
    pub last_rewrite_seconds: Option<u64>,
    /// Rewrites begun since the start.
    pub rewrites: u64,
    /// Rewrites that failed since one did not.
    pub failures_in_a_row: u64,
    /// Whether the last write to the file went well.
    pub last_write: Outcome,
    /// Bytes of base and increments.
    pub size_bytes: u64,
    /// Bytes of them after the last rewrite, or at the start those of the base.
    pub base_bytes: u64,
    /// Most bytes that waited in memory while the last rewrite was written (`aof_last_cow_size`).
    pub last_queued_bytes: u64,
    /// Writes that had to wait for a sync (`aof_delayed_fsync`).
    pub delayed_syncs: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_left_follows_from_the_time_taken() {
        let at = |seconds: u64| Now { unix_us: 0, monotonic: Monotonic(seconds * 1_000_000) };
        let walk = WalkStatus {
            began: at(10),
            keys: 250,
            keys_total: 1000,
            written_bytes: 0,
            queued_bytes: 0,
            copied_bytes: 0,
            spilled_bytes: 0,
            outlets: 0,
            is_throttling: false,
        };
        assert_eq!(walk.seconds_left(at(20)), 30);
        assert!((walk.percent() - 25.0).abs() < 1e-9);
        assert_eq!(WalkStatus { keys: 0, ..walk }.seconds_left(at(20)), 0);
    }
}
