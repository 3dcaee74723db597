//! INFO persistence: snapshots and the append-only file.
//!
//! Differs: a snapshot is a walk over the tables and not a process, so what 7.2 says of copies of
//! pages is what commands were about to change and was handed out before (`current_cow_size`), and
//! the most that waited in memory to be written (`current_cow_peak`, `rdb_last_cow_size`). The fields `snapshot_*` are dunlin's own: how far the
//! walk is and how long it will still take.

use dunlin_persistence::{LoadStatus, WalkStatus};

use super::view::{Value, View};
use super::{Field, Section, Shown, put};

pub(super) const SECTION: Section = Section {
    name: "persistence",
    title: "Persistence",
    shown: Shown::ByDefault,
    fields: FIELDS,
    more,
};

const FIELDS: &[Field] = &[
    ("loading", |v| (v.cx.persistence.load().is_some() && !loads_beside(v)).into()),
    ("async_loading", |v| loads_beside(v).into()),
    ("current_cow_peak", |v| v.cx.persistence.queued_bytes_peak().into()),
    ("current_cow_size", |v| walk(v).map_or(0, |walk| walk.copied_bytes).into()),
    ("current_cow_size_age", |_| 0_u64.into()),
    ("current_fork_perc", |v| walk(v).map_or(0.0, |walk| walk.percent()).into()),
    ("current_save_keys_processed", |v| walk(v).map_or(0, |walk| walk.keys).into()),
    ("current_save_keys_total", |v| walk(v).map_or(0, |walk| walk.keys_total).into()),
    ("rdb_changes_since_last_save", |v| v.cx.metrics.counters.changes_since_save.into()),
    ("rdb_bgsave_in_progress", |v| v.cx.persistence.is_saving().into()),
    ("rdb_last_save_time", |v| v.cx.persistence.saves().last_saved.seconds().into()),
    ("rdb_last_bgsave_status", |v| v.cx.persistence.saves().last_outcome.name().into()),
    ("rdb_last_bgsave_time_sec", |v| seconds(v.cx.persistence.saves().last_seconds)),
    ("rdb_current_bgsave_time_sec", |v| running_seconds(v, v.cx.persistence.is_saving())),
    ("rdb_saves", |v| v.cx.persistence.saves().saves.into()),
    ("rdb_last_cow_size", |v| v.cx.persistence.saves().last_queued_bytes.into()),
    ("rdb_last_load_keys_expired", |v| v.cx.persistence.loaded().expired.into()),
    ("rdb_last_load_keys_loaded", |v| v.cx.persistence.loaded().loaded.into()),
    ("aof_enabled", |v| v.cx.persistence.is_log_wanted().into()),
    ("aof_rewrite_in_progress", |v| v.cx.persistence.is_rewriting().into()),
    ("aof_rewrite_scheduled", |v| v.cx.persistence.is_rewrite_scheduled().into()),
    ("aof_last_rewrite_time_sec", |v| seconds(v.cx.persistence.log().last_rewrite_seconds)),
    ("aof_current_rewrite_time_sec", |v| running_seconds(v, v.cx.persistence.is_rewriting())),
    ("aof_last_bgrewrite_status", |v| v.cx.persistence.log().last_rewrite.name().into()),
    ("aof_rewrites", |v| v.cx.persistence.log().rewrites.into()),
    ("aof_rewrites_consecutive_failures", |v| v.cx.persistence.log().failures_in_a_row.into()),
    ("aof_last_write_status", |v| v.cx.persistence.log().last_write.name().into()),
    ("aof_last_cow_size", |v| v.cx.persistence.log().last_queued_bytes.into()),
    ("module_fork_in_progress", |_| false.into()),
    ("module_fork_last_cow_size", |_| 0_u64.into()),
];

/// Whether clients are served from another data set than the one that is being loaded.
fn loads_beside(view: &View<'_, '_>) -> bool {
    view.cx.persistence.loads_beside()
}

/// The walk under way.
fn walk(view: &View<'_, '_>) -> Option<WalkStatus> {
    view.cx.persistence.walk_status(view.cx.keyspace)
}

fn seconds(seconds: Option<u64>) -> Value {
    seconds.and_then(|seconds| i64::try_from(seconds).ok()).unwrap_or(-1).into()
}

/// Seconds since the walk under way began, if it is the one that is asked about.
fn running_seconds(view: &View<'_, '_>, runs: bool) -> Value {
    let running = walk(view).filter(|_| runs);
    seconds(running.map(|walk| view.cx.now.monotonic.since_us(walk.began.monotonic) / 1_000_000))
}

/// What is shown only while it means something.
fn more(view: &View<'_, '_>, text: &mut Vec<u8>) {
    let persistence = &view.cx.persistence;
    if let Some(walk) = walk(view) {
        put(text, format_args!("snapshot_bytes_written:{}", walk.written_bytes));
        put(text, format_args!("snapshot_percent:{:.2}", walk.percent()));
        put(text, format_args!("snapshot_eta_seconds:{}", walk.seconds_left(view.cx.now)));
        put(text, format_args!("snapshot_spilled_bytes:{}", walk.spilled_bytes));
        put(text, format_args!("snapshot_replicas:{}", walk.outlets));
        put(text, format_args!("snapshot_holds_writes:{}", u8::from(walk.is_throttling)));
    }
    put(text, format_args!("snapshot_longest_slice_us:{}", persistence.longest_slice_us()));
    if persistence.is_log_wanted() {
        let log = persistence.log();
        put(text, format_args!("aof_current_size:{}", log.size_bytes));
        put(text, format_args!("aof_base_size:{}", log.base_bytes));
        let is_scheduled = u8::from(persistence.is_rewrite_scheduled());
        put(text, format_args!("aof_pending_rewrite:{is_scheduled}"));
        put(text, format_args!("aof_buffer_length:{}", persistence.log_waiting_bytes()));
        let pending = u8::from(persistence.is_log_syncing());
        put(text, format_args!("aof_pending_bio_fsync:{pending}"));
        put(text, format_args!("aof_delayed_fsync:{}", log.delayed_syncs));
    }
    if let Some(load) = persistence.load() {
        loading(view, load, text);
    }
}

fn loading(view: &View<'_, '_>, load: &LoadStatus, text: &mut Vec<u8>) {
    let took_us = view.cx.now.monotonic.since_us(load.began.monotonic);
    let share = load.loaded_bytes as f64 / load.total_bytes.max(1) as f64;
    let left_us = if share > 0.0 { took_us as f64 * (1.0 - share).max(0.0) / share } else { 1e6 };
    put(text, format_args!("loading_start_time:{}", load.began.unix_ms().seconds()));
    put(text, format_args!("loading_total_bytes:{}", load.total_bytes));
    put(text, format_args!("loading_rdb_used_mem:{}", load.used_memory_bytes));
    put(text, format_args!("loading_loaded_bytes:{}", load.loaded_bytes));
    put(text, format_args!("loading_loaded_perc:{:.2}", share * 100.0));
    put(text, format_args!("loading_eta_seconds:{}", (left_us / 1e6) as u64));
}
