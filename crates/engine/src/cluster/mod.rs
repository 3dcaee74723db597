//! The cluster, as far as it needs the whole engine: what happens on the bus goes in with how the
//! server stands, and what follows is done before any client's command runs.
//!
//! ```text
//!  Node (links, cron) --cluster_*--> Cluster --poll_action--> act
//!    act: role, pause, keys, subscriptions, nodes.conf (Host), log
//!         Connect, Send, Close --next_bus_request--> Node
//! ```

mod act;
mod inputs;
mod loopback;

use std::collections::VecDeque;

use dunlin_cluster::BusRequest;
use dunlin_stdx::time::Monotonic;

/// What the cluster has under way.
#[derive(Default)]
pub(crate) struct ClusterWork {
    requests: VecDeque<BusRequest>,
    /// Until when writes are paused for a replica that takes over.
    paused_until: Option<Monotonic>,
    /// When the log last said that clients of other hosts are sent to the loopback interface.
    told_of_loopback: Option<Monotonic>,
    /// nodes.conf could not be written: the process ends.
    is_lost: bool,
}
