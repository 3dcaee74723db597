//! How much memory the process uses, exactly and cheaply.
//!
//! The allocator counts bytes per thread, so the sum over threads of allocated minus freed bytes
//! is what the program holds, without a lock and without the allocator's own statistics (which
//! cost a walk over its arenas and lag behind).

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// What the allocator tells, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AllocatorStats {
    /// Handed out to the program.
    pub allocated_bytes: u64,
    /// In pages that hold such memory.
    pub active_bytes: u64,
    /// In physical memory.
    pub resident_bytes: u64,
    /// Given back to the system, address space kept.
    pub retained_bytes: u64,
}

/// The allocator of the executable.
pub trait Allocator: Sync {
    /// Name and version, as INFO shows it: `jemalloc-5.3.0`.
    fn name(&self) -> String;

    /// Bytes that this thread allocated minus bytes that it freed; negative for a thread that
    /// frees what others allocated. Costs a few loads.
    fn thread_balance_bytes(&self) -> i64;

    /// Its own figures, brought up to date. Costs microseconds.
    fn stats(&self) -> AllocatorStats;

    /// Its own report, for people; empty if it has none.
    fn report(&self) -> String;

    /// Gives unused pages back to the system.
    fn purge(&self);
}

/// What helper threads hold, each its share, in one sum.
#[derive(Clone, Default)]
pub(crate) struct HelperShares(Arc<AtomicI64>);

impl HelperShares {
    /// The share of one more thread.
    pub(crate) fn join(&self) -> ThreadShare {
        ThreadShare { sum: self.clone(), published: AtomicI64::new(0) }
    }
}

/// A helper thread's share, published by itself. It goes on counting after the thread has ended: what
/// the thread allocated is still there, and others free it.
pub(crate) struct ThreadShare {
    sum: HelperShares,
    published: AtomicI64,
}

impl ThreadShare {
    /// To be called by the helper thread after it allocated or freed.
    pub(crate) fn publish(&self, allocator: &dyn Allocator) {
        let balance = allocator.thread_balance_bytes();
        let before = self.published.swap(balance, Ordering::Relaxed);
        self.sum.0.fetch_add(balance - before, Ordering::Relaxed);
    }
}

/// Used memory, for the main thread.
#[derive(Clone)]
pub(crate) struct MemoryGauge {
    allocator: &'static dyn Allocator,
    helpers: HelperShares,
}

impl MemoryGauge {
    pub(crate) fn new(allocator: &'static dyn Allocator, helpers: HelperShares) -> Self {
        Self { allocator, helpers }
    }

    /// Bytes that the program holds.
    pub(crate) fn used_bytes(&self) -> u64 {
        let helpers = self.helpers.0.load(Ordering::Relaxed);
        u64::try_from(self.allocator.thread_balance_bytes() + helpers).unwrap_or(0)
    }

    pub(crate) fn allocator(&self) -> &'static dyn Allocator {
        self.allocator
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// An allocator that holds 1000 bytes on each thread.
    pub(crate) struct Fixed;

    impl Allocator for Fixed {
        fn name(&self) -> String {
            "fixed-1".to_owned()
        }

        fn thread_balance_bytes(&self) -> i64 {
            1000
        }

        fn stats(&self) -> AllocatorStats {
            AllocatorStats::default()
        }

        fn report(&self) -> String {
            String::new()
        }

        fn purge(&self) {}
    }

    #[test]
    fn shares_of_helpers_count_when_published() {
        let shares = HelperShares::default();
        let gauge = MemoryGauge::new(&Fixed, shares.clone());
        assert_eq!(gauge.used_bytes(), 1000);
        let [first, second] = [shares.join(), shares.join()];
        first.publish(&Fixed);
        first.publish(&Fixed);
        assert_eq!(gauge.used_bytes(), 2000);
        second.publish(&Fixed);
        drop(second);
        assert_eq!(gauge.used_bytes(), 3000);
    }
}
