//! Replication without I/O: which bytes of which history a server has, who gets them from it, and
//! from whom it gets them.
//!
//! ```text
//!  primary                                              replica
//!  -------                                              -------
//!  History: replid, offset     <-- PSYNC id offset --   PrimaryLink: connects, shakes hands,
//!  Backlog: latest bytes       -- +CONTINUE, bytes -->    takes a snapshot if it must,
//!  Replicas: who has what      -- +FULLRESYNC,            then the stream
//!                                 snapshot, bytes -->   History: replid, offset
//!                              <-- REPLCONF ACK n --
//! ```
//!
//! An *offset* counts every byte of a stream of changes; a *replid* names the history that the
//! stream belongs to. Invariant: equal (replid, offset) means equal bytes. A server therefore takes a
//! new replid whenever what it does next is no longer what the old history says: at every start, at
//! every promotion.
//!
//! Everything here is a value that is told what happened, with the time, and says what follows. The
//! engine moves the bytes: snapshots, the stream, the data set.
//!
//! Source: redis.io, "Redis replication"; "PSYNC"; the protocol as observed on 7.0.15 and 7.2.6
//! servers.

#![forbid(unsafe_code)]

mod announcement;
mod backlog;
mod failover;
mod history;
mod id;
mod line;
mod link;
mod recent;
mod replicas;
mod replication;
mod schedule;

pub use announcement::{Announcement, Capabilities, Filter, ReplconfError};
pub use backlog::{Backlog, Retention};
pub use failover::{Failover, FailoverStage, FailoverTarget};
pub use history::{Denial, History};
pub use id::ReplId;
pub use line::{Line, Severity};
pub use link::{Credentials, Introduction, LinkFault, LinkState, LinkStep, PrimaryLink};
pub use replicas::{Replica, ReplicaNumber, Replicas, SyncState};
pub use replication::{Counts, Replication, Traffic, Wish};
pub use schedule::{Due, SyncForm, SyncRules};
