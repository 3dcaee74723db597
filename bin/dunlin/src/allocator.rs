//! jemalloc: how it is set up, and what it tells about itself.

#![allow(unsafe_code)] // the two items that touch jemalloc's C interface

use std::cell::Cell;

use dunlin_server::memory::{Allocator, AllocatorStats};
use tikv_jemalloc_ctl::{epoch, stats, stats_print, thread};

/// One thread allocates nearly everything, so few arenas: each costs memory of its own. Freed
/// pages are kept for a while, because a page fault costs 2-10 µs and a table that shrinks often
/// grows again; `MEMORY PURGE` hands them back at once. No thread of jemalloc's own: an idle
/// server does not wake up.
// SAFETY: jemalloc reads this symbol as `const char *`: the first word of a `&[u8]` is a pointer
// to its bytes, which end with NUL and live as long as the program.
#[unsafe(export_name = "_rjem_malloc_conf")]
static MALLOC_CONF: &[u8] =
    b"narenas:2,dirty_decay_ms:20000,muzzy_decay_ms:0,background_thread:false\0";

/// The allocator of this executable.
pub(crate) struct Jemalloc;

thread_local! {
    /// This thread's counters, found once.
    static COUNTERS: Cell<Option<(thread::ThreadLocal<u64>, thread::ThreadLocal<u64>)>> =
        const { Cell::new(None) };
}

impl Allocator for Jemalloc {
    fn name(&self) -> String {
        let version = tikv_jemalloc_ctl::version::read().unwrap_or("unknown");
        format!("jemalloc-{}", version.split('-').next().unwrap_or(version))
    }

    fn thread_balance_bytes(&self) -> i64 {
        COUNTERS
            .with(|cell| {
                let counters = cell.get().or_else(|| {
                    let found = thread::allocatedp::read().ok()?;
                    Some((found, thread::deallocatedp::read().ok()?))
                });
                cell.set(counters);
                let (allocated, deallocated) = counters?;
                // Bytes that another thread allocated may be freed here, so this can be negative.
                Some(allocated.get().wrapping_sub(deallocated.get()).cast_signed())
            })
            .unwrap_or(0)
    }

    fn stats(&self) -> AllocatorStats {
        let _ = epoch::advance();
        let bytes = |read: tikv_jemalloc_ctl::Result<usize>| read.unwrap_or(0) as u64;
        AllocatorStats {
            allocated_bytes: bytes(stats::allocated::read()),
            active_bytes: bytes(stats::active::read()),
            resident_bytes: bytes(stats::resident::read()),
            retained_bytes: bytes(stats::retained::read()),
        }
    }

    fn report(&self) -> String {
        let mut report = Vec::new();
        // Writing to a Vec does not fail.
        let _ = stats_print::stats_print(&mut report, stats_print::Options::default());
        String::from_utf8_lossy(&report).into_owned()
    }

    fn purge(&self) {
        /// `MALLCTL_ARENAS_ALL`: all arenas at once.
        const PURGE_ALL: &std::ffi::CStr = c"arena.4096.purge";
        let nothing = std::ptr::null_mut();
        // SAFETY: this control takes no value and gives none, so null pointers are what it wants.
        unsafe {
            tikv_jemalloc_sys::mallctl(
                PURGE_ALL.as_ptr(),
                nothing,
                std::ptr::null_mut(),
                nothing,
                0,
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn balance_follows_this_thread() {
        let before = Jemalloc.thread_balance_bytes();
        let held: Vec<u8> = std::hint::black_box(Vec::with_capacity(1 << 20));
        assert!(Jemalloc.thread_balance_bytes() - before >= 1 << 20);
        drop(held);
        assert!(Jemalloc.thread_balance_bytes() - before < 1 << 20);
    }

    #[test]
    fn settings_are_taken_and_figures_are_sane() {
        let stats = Jemalloc.stats();
        assert!(stats.allocated_bytes > 0 && stats.allocated_bytes <= stats.active_bytes);
        assert!(stats.active_bytes <= stats.resident_bytes);
        Jemalloc.purge();
        assert!(Jemalloc.report().contains("jemalloc statistics"));
        assert!(Jemalloc.name().starts_with("jemalloc-5"), "{}", Jemalloc.name());
        // Arena 0 to 1, and the ones that jemalloc makes for huge allocations.
        assert!(tikv_jemalloc_ctl::arenas::narenas::read().expect("narenas") <= 4);
    }
}
