//! INFO server: the program and its process.

use super::view::{Value, View};
use super::{Field, Section, Shown, put};
use crate::REDIS_VERSION;

pub(super) const SECTION: Section =
    Section { name: "server", title: "Server", shown: Shown::ByDefault, fields: FIELDS, more };

const FIELDS: &[Field] = &[
    ("redis_version", |_| REDIS_VERSION.into()),
    ("dunlin_version", |_| env!("CARGO_PKG_VERSION").into()),
    ("redis_git_sha1", |_| "00000000".into()),
    ("redis_git_dirty", |_| false.into()),
    ("redis_build_id", |_| "0".into()),
    ("redis_mode", |v| {
        if v.cx.config.cluster.cluster_enabled { "cluster" } else { "standalone" }.into()
    }),
    ("os", |v| v.process().system.clone().into()),
    ("arch_bits", |_| usize::BITS.into()),
    ("monotonic_clock", |v| v.process().monotonic_clock.clone().into()),
    ("multiplexing_api", |v| v.process().multiplexing_api.into()),
    ("atomicvar_api", |_| "rust-builtin".into()),
    ("gcc_version", |_| "0.0.0".into()),
    ("process_id", |v| v.process().pid.into()),
    ("process_supervised", |v| supervised(v)),
    ("run_id", |v| v.process().run_id.clone().into()),
    ("tcp_port", |v| tcp_port(v).into()),
    ("server_time_usec", |v| v.cx.now.unix_us.into()),
    ("uptime_in_seconds", |v| v.uptime_seconds().into()),
    ("uptime_in_days", |v| (v.uptime_seconds() / 86_400).into()),
    ("hz", |v| v.cx.config.process.hz.into()),
    ("configured_hz", |v| v.cx.config.process.hz.into()),
    ("lru_clock", |v| v.cx.keyspace.access().lru_seconds().into()),
    ("executable", |v| v.process().executable.clone().into()),
    ("config_file", |v| config_file(v).into()),
    ("io_threads_active", |_| false.into()),
];

fn supervised(view: &View<'_, '_>) -> Value {
    match view.process().supervisor {
        "" => "no".into(),
        supervisor => supervisor.into(),
    }
}

fn config_file(view: &View<'_, '_>) -> String {
    let file = view.process().config_file.as_deref();
    file.map_or_else(String::new, |path| path.to_string_lossy().into_owned())
}

fn tcp_port(view: &View<'_, '_>) -> u16 {
    match view.cx.config.network.port {
        0 => view.cx.config.tls.tls_port,
        port => port,
    }
}

/// How long a shutdown waits at most for replicas, if one does; then the listeners.
fn more(view: &View<'_, '_>, text: &mut Vec<u8>) {
    if let Some(deadline) = view.cx.persistence.shutdown_deadline {
        let ms = deadline.since_us(view.cx.now.monotonic) / 1000;
        put(text, format_args!("shutdown_in_milliseconds:{ms}"));
    }
    listeners(view, text);
}

/// One line for each kind of listener; kinds have fixed numbers.
fn listeners(view: &View<'_, '_>, text: &mut Vec<u8>) {
    let network = &view.cx.config.network;
    if network.port != 0 && !network.bind.0.is_empty() {
        let bind: String =
            network.bind.0.iter().map(|address| format!(",bind={address}")).collect();
        put(text, format_args!("listener0:name=tcp{bind},port={}", network.port));
    }
    if !network.unixsocket.is_empty() {
        put(text, format_args!("listener1:name=unix,bind={}", network.unixsocket));
    }
}
