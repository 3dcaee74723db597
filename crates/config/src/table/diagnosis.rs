//! Rows: switches for finding bugs.

use super::{INT_MAX, INT_MIN, LONG_MAX, group, integer};
use crate::Text;
use crate::parameter::Kind;

group! {
    /// Switches for finding bugs; not shown by CONFIG GET patterns.
    diagnosis: Diagnosis {
        /// Whether a broken invariant exits instead of aborting.
        "use-exit-on-panic" => use_exit_on_panic: bool = "no", Kind::Flag, HIDDEN;

        /// Whether files of an old append-only manifest stay.
        "aof-disable-auto-gc" => aof_disable_auto_gc: bool = "no", Kind::Flag, HIDDEN;

        /// File that records all requests and replies; empty for none.
        "req-res-logfile" => req_res_logfile: Text = "\"\"", Kind::Optional, IMMUTABLE, HIDDEN;

        /// Protocol version of a new connection.
        "client-default-resp" => client_default_resp: u8 = "2", integer(2, 3), IMMUTABLE, HIDDEN;

        /// Microseconds that writing a snapshot sleeps per key; negative: keys per microsecond.
        "rdb-key-save-delay" => rdb_key_save_delay: i32 = "0", integer(INT_MIN, INT_MAX), HIDDEN;

        /// Microseconds that loading sleeps per key; negative: keys per microsecond.
        "key-load-delay" => key_load_delay: i32 = "0", integer(INT_MIN, INT_MAX), HIDDEN;

        /// Milliseconds without progress after which the watchdog reports; 0 for none.
        "watchdog-period" => watchdog_period: u32 = "0", integer(0, INT_MAX), HIDDEN;

        /// Milliseconds between pings on the cluster bus; 0 for the usual.
        "cluster-ping-interval" => cluster_ping_interval: u64 = "0", integer(0, LONG_MAX), HIDDEN;

        /// Bytes after which loading looks at clients and events.
        "loading-process-events-interval-bytes" => loading_process_events_interval_bytes: u32 =
            "2097152", integer(1024, INT_MAX), HIDDEN;
    }
}
