//! Where the memory is: the figures behind INFO memory, MEMORY STATS and MEMORY DOCTOR.

use crate::context::Context;
use crate::host::MemoryFigures;

/// What the tables of a database take, in bytes, without the keys and values themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct DatabaseOverhead {
    pub(super) db: u32,
    pub(super) tables: u64,
}

/// One figure against another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Comparison {
    /// How many times as large; zero if the other one is zero.
    pub(super) ratio: f64,
    /// How many bytes larger.
    pub(super) bytes: i64,
}

/// Where the memory is; all figures in bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct MemoryOverview {
    /// What the process holds from its allocator.
    pub(super) used: u64,
    /// The most it ever held.
    pub(super) peak: u64,
    /// What it held without data and clients.
    pub(super) startup: u64,
    /// Buffers and state of all clients.
    pub(super) clients: u64,
    /// Links to the other nodes of the cluster.
    pub(super) cluster_links: u64,
    /// The databases that hold keys.
    pub(super) databases: Vec<DatabaseOverhead>,
    /// Number of keys.
    pub(super) keys: u64,
    /// What allocator and operating system say.
    pub(super) figures: MemoryFigures,
}

impl MemoryOverview {
    /// The memory as it is now.
    pub(super) fn now(cx: &mut Context<'_>) -> Self {
        cx.metrics.memory_used(cx.host.used_memory_bytes());
        Self::as_noted(cx)
    }

    /// The same, with the use of memory that was noted last: so the peak is never below it.
    pub(super) fn as_noted(cx: &Context<'_>) -> Self {
        let used = cx.metrics.memory_used_bytes;
        let databases = (0..cx.keyspace.databases()).map(|db| (db, cx.keyspace.database(db)));
        let filled = databases.filter(|(_, database)| !database.is_empty());
        let overhead =
            filled.clone().map(|(db, d)| DatabaseOverhead { db, tables: d.table_bytes() as u64 });
        Self {
            used,
            peak: cx.metrics.memory_peak_bytes,
            startup: cx.metrics.memory_startup_bytes,
            clients: cx.sessions.memory_bytes() as u64,
            cluster_links: cx.cluster.as_ref().map_or(0, |own| own.links_memory_bytes() as u64),
            databases: overhead.collect(),
            keys: filled.map(|(_, database)| database.len() as u64).sum(),
            figures: cx.host.memory(),
        }
    }

    /// What is not keys and values.
    pub(super) fn overhead(&self) -> u64 {
        let tables: u64 = self.databases.iter().map(|database| database.tables).sum();
        self.startup + self.clients + self.cluster_links + tables
    }

    /// Keys and values.
    pub(super) fn dataset(&self) -> u64 {
        self.used.saturating_sub(self.overhead())
    }

    /// The share of keys and values in what was added since the start.
    pub(super) fn dataset_percent(&self) -> f64 {
        percent(self.dataset(), self.since_start())
    }

    /// What is used now, as a share of the peak.
    pub(super) fn peak_percent(&self) -> f64 {
        percent(self.used, self.peak)
    }

    pub(super) fn bytes_per_key(&self) -> u64 {
        self.since_start().checked_div(self.keys).unwrap_or(0)
    }

    fn since_start(&self) -> u64 {
        self.used.saturating_sub(self.startup).max(1)
    }

    /// Pages of the allocator against what it handed out.
    pub(super) fn allocator_fragmentation(&self) -> Comparison {
        compare(self.figures.active_bytes, self.figures.allocated_bytes)
    }

    /// Physical memory of the allocator against its pages in use.
    pub(super) fn allocator_resident(&self) -> Comparison {
        compare(self.figures.resident_bytes, self.figures.active_bytes)
    }

    /// Physical memory of the process against that of its allocator.
    pub(super) fn resident_overhead(&self) -> Comparison {
        compare(self.figures.resident_set_bytes, self.figures.resident_bytes)
    }

    /// Physical memory of the process against what it holds.
    pub(super) fn fragmentation(&self) -> Comparison {
        compare(self.figures.resident_set_bytes, self.used)
    }
}

fn compare(larger: u64, smaller: u64) -> Comparison {
    let ratio = if smaller == 0 { 0.0 } else { larger as f64 / smaller as f64 };
    Comparison { ratio, bytes: larger.cast_signed().saturating_sub(smaller.cast_signed()) }
}

fn percent(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 * 100.0 / whole as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_overhead_is_data() {
        let databases = vec![DatabaseOverhead { db: 3, tables: 50 }];
        let overview = MemoryOverview {
            used: 1150,
            peak: 2300,
            startup: 150,
            clients: 100,
            databases,
            keys: 10,
            ..MemoryOverview::default()
        };
        assert_eq!((overview.overhead(), overview.dataset()), (300, 850));
        assert_eq!(overview.bytes_per_key(), 100);
        assert!((overview.dataset_percent() - 85.0).abs() < 1e-9);
        assert!((overview.peak_percent() - 50.0).abs() < 1e-9);
    }

    #[test]
    fn without_figures_nothing_is_divided_by_zero() {
        let overview = MemoryOverview::default();
        assert_eq!(overview.fragmentation(), Comparison { ratio: 0.0, bytes: 0 });
        assert_eq!(overview.bytes_per_key(), 0);
        assert!(overview.peak_percent().abs() < 1e-9);
    }
}
