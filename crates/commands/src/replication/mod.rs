//! Commands of primaries and replicas.
//!
//! `replicaof`, `psync` and `failover` decide what is to happen; the engine does it when the command,
//! or the transaction that it is part of, has ended ([`dunlin_replication::Wish`]).

mod failover;
mod psync;
mod replconf;
mod replicaof;
mod role;
mod slaveof;
mod sync;

use dunlin_persistence::ReplicationAux;
use dunlin_replication::{PrimaryLink, ReplicaNumber};
use dunlin_session::{SessionFlags, describe};

use crate::command::Command;
use crate::context::Context;

/// The group's part of the command table.
pub const COMMANDS: &[Command] = &[
    failover::COMMAND,
    psync::COMMAND,
    replconf::COMMAND,
    replicaof::COMMAND,
    role::COMMAND,
    slaveof::COMMAND,
    sync::COMMAND,
];

impl Context<'_> {
    /// The number under which replication knows the client.
    pub(crate) fn replica_number(&self) -> Option<ReplicaNumber> {
        self.caller.client().map(|token| ReplicaNumber(token.0))
    }

    /// Whether the client is a replica of this server.
    pub(crate) fn is_for_replica(&mut self) -> bool {
        self.session().is_some_and(|session| session.flags.contains(SessionFlags::REPLICA))
    }

    /// What is saved now says where in the stream it is.
    pub(crate) fn note_position(&mut self) {
        let position = self.replication.saved_position();
        self.persistence.set_replication(position.map(|(replid, offset, stream_db)| {
            ReplicationAux { stream_db, id: *replid.digits(), offset }
        }));
    }

    /// The primary to follow, and the link to it if there is one already: what INFO and ROLE show holds
    /// as soon as REPLICAOF has run, in a transaction, too. In a cluster there is no REPLICAOF.
    pub(crate) fn primary(&self) -> Option<(&str, u16, Option<&PrimaryLink>)> {
        if self.cluster.is_some() {
            let link = self.replication.link.as_ref()?;
            return Some((link.host(), link.port(), Some(link)));
        }
        let (host, port) = self.config.replication.replicaof.0.as_ref()?;
        let is_it = |link: &&PrimaryLink| link.host() == host && link.port() == *port;
        Some((host, *port, self.replication.link.as_ref().filter(is_it)))
    }

    /// The client as the log names it.
    fn client_description(&mut self) -> String {
        let now = self.now.monotonic;
        self.session().map(|session| describe(session, None, now)).unwrap_or_default()
    }
}
