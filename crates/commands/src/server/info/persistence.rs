//! INFO persistence: snapshots and the append-only file.

use super::{Field, Section, Shown, nothing_more};

pub(super) const SECTION: Section = Section {
    name: "persistence",
    title: "Persistence",
    shown: Shown::ByDefault,
    fields: FIELDS,
    more: nothing_more,
};

const FIELDS: &[Field] = &[
    ("loading", |_| false.into()),
    ("async_loading", |_| false.into()),
    ("current_cow_peak", |_| 0_u64.into()),
    ("current_cow_size", |_| 0_u64.into()),
    ("current_cow_size_age", |_| 0_u64.into()),
    ("current_fork_perc", |_| 0.0.into()),
    ("current_save_keys_processed", |_| 0_u64.into()),
    ("current_save_keys_total", |_| 0_u64.into()),
    ("rdb_changes_since_last_save", |v| v.cx.metrics.counters.changes_since_save.into()),
    ("rdb_bgsave_in_progress", |_| false.into()),
    ("rdb_last_save_time", |v| v.cx.metrics.started.unix_ms().seconds().into()),
    ("rdb_last_bgsave_status", |_| "ok".into()),
    ("rdb_last_bgsave_time_sec", |_| (-1_i64).into()),
    ("rdb_current_bgsave_time_sec", |_| (-1_i64).into()),
    ("rdb_saves", |_| 0_u64.into()),
    ("rdb_last_cow_size", |_| 0_u64.into()),
    ("rdb_last_load_keys_expired", |_| 0_u64.into()),
    ("rdb_last_load_keys_loaded", |_| 0_u64.into()),
    ("aof_enabled", |_| false.into()),
    ("aof_rewrite_in_progress", |_| false.into()),
    ("aof_rewrite_scheduled", |_| false.into()),
    ("aof_last_rewrite_time_sec", |_| (-1_i64).into()),
    ("aof_current_rewrite_time_sec", |_| (-1_i64).into()),
    ("aof_last_bgrewrite_status", |_| "ok".into()),
    ("aof_rewrites", |_| 0_u64.into()),
    ("aof_rewrites_consecutive_failures", |_| 0_u64.into()),
    ("aof_last_write_status", |_| "ok".into()),
    ("aof_last_cow_size", |_| 0_u64.into()),
    ("module_fork_in_progress", |_| false.into()),
    ("module_fork_last_cow_size", |_| 0_u64.into()),
];
