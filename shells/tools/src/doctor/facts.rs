//! What there is to know about a machine. `None` is what the system does not tell.

use std::path::PathBuf;

/// A machine.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Facts {
    /// `net.core.somaxconn`
    pub(super) somaxconn: Option<u64>,
    /// `net.ipv4.tcp_max_syn_backlog`
    pub(super) syn_backlog: Option<u64>,
    /// How many files this process may open, and how many it may allow itself.
    pub(super) files: Option<(u64, u64)>,
    /// `vm.overcommit_memory`
    pub(super) overcommit: Option<u64>,
    /// `/sys/kernel/mm/transparent_hugepage/enabled`
    pub(super) huge_pages: Option<String>,
    pub(super) memory_bytes: Option<u64>,
    pub(super) ports: Vec<Port>,
    pub(super) clock: Clock,
    pub(super) disk: Disk,
}

/// A port of a server, and the one of its bus.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Port {
    pub(super) port: u16,
    pub(super) state: PortState,
    /// `None` where there is no such port.
    pub(super) bus: Option<PortState>,
}

/// Who has a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum PortState {
    Free,
    /// A process that listens, if it is one of ours to see.
    Taken(Option<Process>),
    /// It may not be used; why.
    Refused(String),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Process {
    pub(super) pid: u32,
    pub(super) name: String,
}

/// The clocks.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Clock {
    /// What the kernel takes time from, and what it could take it from.
    pub(super) source: Option<String>,
    pub(super) available: String,
    /// What it costs to read it.
    pub(super) read_ns: u64,
    /// How far the time of day has moved against the monotonic clock while we looked.
    pub(super) step_ms: f64,
}

/// Where data is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Disk {
    pub(super) dir: PathBuf,
    /// Why no file can be made there.
    pub(super) error: Option<String>,
    pub(super) free_bytes: Option<u64>,
}
