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

use bytes::Bytes;
use dunlin_cluster::LinkId;
use dunlin_stdx::time::Monotonic;

/// What whoever moves bytes is asked to do on the bus, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BusRequest {
    /// Open a connection.
    Connect {
        /// What it is called.
        link: LinkId,
        /// Numeric address.
        ip: String,
        /// Port.
        port: u16,
    },
    /// Send bytes.
    Send {
        /// Where.
        link: LinkId,
        /// What.
        bytes: Bytes,
    },
    /// Close a connection; it is not to be reported as closed.
    Close {
        /// Which.
        link: LinkId,
    },
}

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
