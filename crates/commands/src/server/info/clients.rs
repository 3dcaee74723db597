//! INFO clients: connections and what they wait for.

use super::{Field, Section, Shown, nothing_more};

pub(super) const SECTION: Section = Section {
    name: "clients",
    title: "Clients",
    shown: Shown::ByDefault,
    fields: FIELDS,
    more: nothing_more,
};

const FIELDS: &[Field] = &[
    ("connected_clients", |v| v.cx.sessions.without_replicas().into()),
    // One to each other node, and one from it.
    ("cluster_connections", |v| {
        let nodes = v.cx.cluster.as_ref().map_or(1, |cluster| cluster.nodes().count());
        (2 * (nodes - 1) as u64).into()
    }),
    ("maxclients", |v| v.cx.config.network.maxclients.into()),
    ("client_recent_max_input_buffer", |v| {
        v.cx.sessions.peaks.input_bytes(v.cx.now.monotonic).into()
    }),
    ("client_recent_max_output_buffer", |v| {
        v.cx.sessions.peaks.output_bytes(v.cx.now.monotonic).into()
    }),
    ("blocked_clients", |v| v.cx.sessions.blocked().into()),
    ("tracking_clients", |v| v.cx.sessions.tracking().clients().into()),
    ("clients_in_timeout_table", |v| v.cx.sessions.blocking.with_deadline().into()),
    ("total_blocking_keys", |v| v.cx.sessions.blocking.keys().0.into()),
    ("total_blocking_keys_on_nokey", |v| v.cx.sessions.blocking.keys().1.into()),
];
