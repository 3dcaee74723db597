//! INFO memory: what is used, by what, and what the allocator adds.

use dunlin_stdx::byte_size::human;

use super::view::View;
use super::{Field, Section, Shown, nothing_more};

pub(super) const SECTION: Section = Section {
    name: "memory",
    title: "Memory",
    shown: Shown::ByDefault,
    fields: FIELDS,
    more: nothing_more,
};

const FIELDS: &[Field] = &[
    ("used_memory", |v| v.memory().used.into()),
    ("used_memory_human", |v| human(v.memory().used).into()),
    ("used_memory_rss", |v| v.memory().figures.resident_set_bytes.into()),
    ("used_memory_rss_human", |v| human(v.memory().figures.resident_set_bytes).into()),
    ("used_memory_peak", |v| v.memory().peak.into()),
    ("used_memory_peak_human", |v| human(v.memory().peak).into()),
    ("used_memory_peak_perc", |v| format!("{:.2}%", v.memory().peak_percent()).into()),
    ("used_memory_overhead", |v| v.memory().overhead().into()),
    ("used_memory_startup", |v| v.memory().startup.into()),
    ("used_memory_dataset", |v| v.memory().dataset().into()),
    ("used_memory_dataset_perc", |v| format!("{:.2}%", v.memory().dataset_percent()).into()),
    ("allocator_allocated", |v| v.memory().figures.allocated_bytes.into()),
    ("allocator_active", |v| v.memory().figures.active_bytes.into()),
    ("allocator_resident", |v| v.memory().figures.resident_bytes.into()),
    ("total_system_memory", |v| v.memory().figures.system_bytes.into()),
    ("total_system_memory_human", |v| human(v.memory().figures.system_bytes).into()),
    ("used_memory_lua", |_| 0_u64.into()),
    ("used_memory_vm_eval", |_| 0_u64.into()),
    ("used_memory_lua_human", |_| human(0).into()),
    ("used_memory_scripts_eval", |_| 0_u64.into()),
    ("number_of_cached_scripts", |_| 0_u64.into()),
    ("number_of_functions", |_| 0_u64.into()),
    ("number_of_libraries", |_| 0_u64.into()),
    ("used_memory_vm_functions", |_| 0_u64.into()),
    ("used_memory_vm_total", |_| 0_u64.into()),
    ("used_memory_vm_total_human", |_| human(0).into()),
    ("used_memory_functions", |_| 0_u64.into()),
    ("used_memory_scripts", |_| 0_u64.into()),
    ("used_memory_scripts_human", |_| human(0).into()),
    ("maxmemory", |v| v.cx.config.memory.maxmemory.into()),
    ("maxmemory_human", |v| human(v.cx.config.memory.maxmemory).into()),
    ("maxmemory_policy", |v| policy(v).into()),
    ("allocator_frag_ratio", |v| v.memory().allocator_fragmentation().ratio.into()),
    ("allocator_frag_bytes", |v| v.memory().allocator_fragmentation().bytes.into()),
    ("allocator_rss_ratio", |v| v.memory().allocator_resident().ratio.into()),
    ("allocator_rss_bytes", |v| v.memory().allocator_resident().bytes.into()),
    ("rss_overhead_ratio", |v| v.memory().resident_overhead().ratio.into()),
    ("rss_overhead_bytes", |v| v.memory().resident_overhead().bytes.into()),
    ("mem_fragmentation_ratio", |v| v.memory().fragmentation().ratio.into()),
    ("mem_fragmentation_bytes", |v| v.memory().fragmentation().bytes.into()),
    ("mem_not_counted_for_evict", |_| 0_u64.into()),
    ("mem_replication_backlog", |v| backlog_bytes(v).into()),
    ("mem_total_replication_buffers", |v| backlog_bytes(v).into()),
    ("mem_clients_slaves", |_| 0_u64.into()),
    ("mem_clients_normal", |v| v.memory().clients.into()),
    ("mem_cluster_links", |v| v.memory().cluster_links.into()),
    ("mem_aof_buffer", |_| 0_u64.into()),
    ("mem_allocator", |v| v.process().allocator.clone().into()),
    ("active_defrag_running", |_| false.into()),
    ("lazyfree_pending_objects", |v| v.cx.keyspace.freer().pending().into()),
    ("lazyfreed_objects", |v| v.cx.keyspace.freer().freed().into()),
];

/// Replicas read from the backlog: there is no other buffer.
fn backlog_bytes(view: &View<'_, '_>) -> u64 {
    view.cx.replication.backlog.as_ref().map_or(0, dunlin_replication::Backlog::resident_bytes)
}

fn policy(view: &View<'_, '_>) -> String {
    let policy = view.cx.config.get(b"maxmemory-policy").unwrap_or_default();
    String::from_utf8_lossy(&policy).into_owned()
}
