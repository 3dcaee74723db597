//! What whoever moves bytes is to do.

use bytes::Bytes;

/// Names a connection. Never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkId(pub u64);

/// What is to be done, in the order in which it is given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Open a connection, then say [`connected`](crate::Migrations::connected) or
    /// [`connect_failed`](crate::Migrations::connect_failed).
    Connect {
        /// What it is called from now on.
        link: LinkId,
        /// Address or host name.
        host: String,
        /// TCP port.
        port: u16,
    },
    /// Send bytes, and say [`drained`](crate::Migrations::drained) when they are sent.
    Send {
        /// The connection.
        link: LinkId,
        /// What is sent.
        bytes: Bytes,
    },
    /// Close a connection, which is not reported as closed.
    Close {
        /// The connection.
        link: LinkId,
    },
}
