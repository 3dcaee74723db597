//! Rows: how much memory data takes, and what happens beyond.

use super::{INT_MAX, LONG_MAX, ULONG_MAX, bytes, group, integer};
use crate::parameter::Kind;
use crate::value::MaxmemoryPolicy;

group! {
    /// How much memory data takes, and what happens beyond.
    memory: Memory {
        /// Memory for data, in bytes; 0 is no limit.
        "maxmemory" => maxmemory: u64 = "0", bytes(0, ULONG_MAX);

        /// Which keys go when that is used up.
        "maxmemory-policy" => maxmemory_policy: MaxmemoryPolicy = "noeviction",
            Kind::Choice(MaxmemoryPolicy::NAMES);

        /// Keys that are looked at to find the one to evict: more is closer to exact, and slower.
        "maxmemory-samples" => maxmemory_samples: u32 = "5", integer(1, INT_MAX);

        /// How long eviction may delay commands: 0 least, 10 balanced, 100 without regard.
        "maxmemory-eviction-tenacity" => maxmemory_eviction_tenacity: u32 = "10",
            integer(0, 100);

        /// How many accesses it takes to saturate the frequency counter of a key.
        "lfu-log-factor" => lfu_log_factor: u32 = "10", integer(0, INT_MAX);

        /// Minutes after which the frequency counter of an unused key falls by one.
        "lfu-decay-time" => lfu_decay_time: u32 = "1", integer(0, INT_MAX);

        /// How hard expired keys are searched for, 1 to 10.
        "active-expire-effort" => active_expire_effort: u32 = "1", integer(1, 10);

        /// Whether evicted values are freed in the background.
        "lazyfree-lazy-eviction" => lazyfree_lazy_eviction: bool = "no", Kind::Flag;

        /// Whether expired values are freed in the background.
        "lazyfree-lazy-expire" => lazyfree_lazy_expire: bool = "no", Kind::Flag;

        /// Whether values that a command overwrites are freed in the background.
        "lazyfree-lazy-server-del" => lazyfree_lazy_server_del: bool = "no", Kind::Flag;

        /// Whether DEL frees in the background, as UNLINK does.
        "lazyfree-lazy-user-del" => lazyfree_lazy_user_del: bool = "no", Kind::Flag;

        /// Whether FLUSHALL, FLUSHDB and the like free in the background unless they say SYNC.
        "lazyfree-lazy-user-flush" => lazyfree_lazy_user_flush: bool = "no", Kind::Flag;

        /// Whether spare time goes into tidying hash tables.
        "activerehashing" => activerehashing: bool = "yes", Kind::Flag;

        /// Whether the allocator returns memory from a thread of its own.
        "jemalloc-bg-thread" => jemalloc_bg_thread: bool = "yes", Kind::Flag;

        /// Whether values are moved to close the gaps between them.
        "activedefrag" => activedefrag: bool = "no", Kind::Flag;

        /// Wasted bytes from which that starts.
        "active-defrag-ignore-bytes" => active_defrag_ignore_bytes: u64 = "100mb",
            bytes(1, LONG_MAX);

        /// Wasted percent from which that starts.
        "active-defrag-threshold-lower" => active_defrag_threshold_lower: u32 = "10",
            integer(0, 1000);

        /// Wasted percent from which that uses the most CPU it may.
        "active-defrag-threshold-upper" => active_defrag_threshold_upper: u32 = "100",
            integer(0, 1000);

        /// Least percent of a CPU for that.
        "active-defrag-cycle-min" => active_defrag_cycle_min: u32 = "1", integer(1, 99);

        /// Most percent of a CPU for that.
        "active-defrag-cycle-max" => active_defrag_cycle_max: u32 = "25", integer(1, 99);

        /// Collections beyond this many fields are moved piece by piece.
        "active-defrag-max-scan-fields" => active_defrag_max_scan_fields: u64 = "1000",
            integer(1, LONG_MAX);
    }
}
