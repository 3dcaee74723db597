//! INFO stats: what was counted since the start, or since CONFIG RESETSTAT.

use dunlin_metrics::Rate;
use dunlin_session::SubscriptionKind;

use super::{Field, Section, Shown, nothing_more};

pub(super) const SECTION: Section = Section {
    name: "stats",
    title: "Stats",
    shown: Shown::ByDefault,
    fields: FIELDS,
    more: nothing_more,
};

const FIELDS: &[Field] = &[
    ("total_connections_received", |v| v.cx.metrics.counters.connections_received.into()),
    ("total_commands_processed", |v| v.cx.metrics.counters.commands_processed.into()),
    ("instantaneous_ops_per_sec", |v| v.cx.metrics.rates.commands.mean().into()),
    ("total_net_input_bytes", |v| v.cx.metrics.counters.net_input_bytes.into()),
    ("total_net_output_bytes", |v| v.cx.metrics.counters.net_output_bytes.into()),
    ("total_net_repl_input_bytes", |v| v.cx.replication.traffic.input_bytes.into()),
    ("total_net_repl_output_bytes", |v| v.cx.replication.traffic.output_bytes.into()),
    ("instantaneous_input_kbps", |v| kib(&v.cx.metrics.rates.net_input).into()),
    ("instantaneous_output_kbps", |v| kib(&v.cx.metrics.rates.net_output).into()),
    ("instantaneous_input_repl_kbps", |_| 0.0.into()),
    ("instantaneous_output_repl_kbps", |_| 0.0.into()),
    ("rejected_connections", |v| v.cx.metrics.counters.connections_rejected.into()),
    ("sync_full", |v| v.cx.replication.counts.full.into()),
    ("sync_partial_ok", |v| v.cx.replication.counts.partial_ok.into()),
    ("sync_partial_err", |v| v.cx.replication.counts.partial_err.into()),
    ("expired_keys", |v| v.cx.keyspace.stats().expired.into()),
    ("expired_subkeys", |v| v.cx.keyspace.stats().expired_fields.into()),
    ("expired_stale_perc", |_| 0.0.into()),
    ("expired_time_cap_reached_count", |v| v.cx.metrics.counters.expire_cycles_cut.into()),
    ("expire_cycle_cpu_milliseconds", |v| (v.cx.metrics.counters.expire_cycle_us / 1000).into()),
    ("evicted_keys", |v| v.cx.keyspace.stats().evicted.into()),
    ("evicted_clients", |v| v.cx.metrics.counters.clients_evicted.into()),
    ("total_eviction_exceeded_time", |v| {
        (v.cx.metrics.memory_exceeded.total_us(v.cx.now.monotonic) / 1000).into()
    }),
    ("current_eviction_exceeded_time", |v| {
        (v.cx.metrics.memory_exceeded.current_us(v.cx.now.monotonic) / 1000).into()
    }),
    ("keyspace_hits", |v| v.cx.keyspace.stats().hits.into()),
    ("keyspace_misses", |v| v.cx.keyspace.stats().misses.into()),
    ("pubsub_channels", |v| v.cx.sessions.pubsub().len(SubscriptionKind::Channel).into()),
    ("pubsub_patterns", |v| v.cx.sessions.pubsub().len(SubscriptionKind::Pattern).into()),
    ("pubsubshard_channels", |v| v.cx.sessions.pubsub().len(SubscriptionKind::ShardChannel).into()),
    ("latest_fork_usec", |v| v.cx.persistence.longest_slice_us().into()),
    ("total_forks", |v| v.cx.persistence.walks_begun().into()),
    ("migrate_cached_sockets", |v| v.cx.migrations.links().into()),
    ("slave_expires_tracked_keys", |v| v.cx.replication.own_keys.len().into()),
    ("active_defrag_hits", |_| 0_u64.into()),
    ("active_defrag_misses", |_| 0_u64.into()),
    ("active_defrag_key_hits", |_| 0_u64.into()),
    ("active_defrag_key_misses", |_| 0_u64.into()),
    ("total_active_defrag_time", |_| 0_u64.into()),
    ("current_active_defrag_time", |_| 0_u64.into()),
    ("tracking_total_keys", |v| v.cx.sessions.tracking().key_count().into()),
    ("tracking_total_items", |v| v.cx.sessions.tracking().item_count().into()),
    ("tracking_total_prefixes", |v| v.cx.sessions.tracking().prefix_count().into()),
    ("unexpected_error_replies", |_| 0_u64.into()),
    ("total_error_replies", |v| v.cx.metrics.counters.error_replies.into()),
    ("dump_payload_sanitizations", |_| 0_u64.into()),
    ("total_reads_processed", |v| v.cx.metrics.counters.reads_processed.into()),
    ("total_writes_processed", |v| v.cx.metrics.counters.writes_processed.into()),
    ("io_threaded_reads_processed", |_| 0_u64.into()),
    ("io_threaded_writes_processed", |_| 0_u64.into()),
    ("reply_buffer_shrinks", |_| 0_u64.into()),
    ("reply_buffer_expands", |_| 0_u64.into()),
    ("eventloop_cycles", |v| v.cx.metrics.counters.loop_turns.into()),
    ("eventloop_duration_sum", |v| v.cx.metrics.counters.loop_us.into()),
    ("eventloop_duration_cmd_sum", |v| (v.cx.metrics.commands_ns() / 1000).into()),
    ("instantaneous_eventloop_cycles_per_sec", |v| v.cx.metrics.rates.loop_turns.mean().into()),
    ("instantaneous_eventloop_duration_usec", |v| v.cx.metrics.rates.loop_us.mean().into()),
    ("acl_access_denied_auth", |v| v.cx.metrics.errors.of(b"WRONGPASS").into()),
    ("acl_access_denied_cmd", |_| 0_u64.into()),
    ("acl_access_denied_key", |_| 0_u64.into()),
    ("acl_access_denied_channel", |_| 0_u64.into()),
];

fn kib(rate: &Rate) -> f64 {
    rate.mean() as f64 / 1024.0
}
