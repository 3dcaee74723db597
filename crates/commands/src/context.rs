//! What a command sees of the server while it runs.

use dunlin_cluster::Cluster;
use dunlin_config::Config;
use dunlin_keyspace::{DatabaseIndex, Keyspace};
use dunlin_metrics::Metrics;
use dunlin_migrate::Migrations;
use dunlin_persistence::Persistence;
use dunlin_replication::Replication;
use dunlin_resp::Reply;
use dunlin_session::{Session, Sessions, Token};
use dunlin_stdx::time::Now;

use crate::effects::{Effects, KeyEventClass};
use crate::host::Host;
use crate::server::Switches;
use crate::table::Table;

/// On whose behalf a command runs. What differs between callers is a value, not a code path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Caller {
    /// A connection.
    Client(Token),
    /// A connection whose command has waited and runs again.
    Again(Token),
    /// A connection's transaction: what was checked when the command was queued holds.
    Transaction(Token),
    /// A stream that is applied as it is: the primary's, or a log that is replayed.
    Stream,
}

impl Caller {
    /// The connection behind the call, if there is one.
    #[must_use]
    pub const fn client(self) -> Option<Token> {
        match self {
            Self::Client(token) | Self::Again(token) | Self::Transaction(token) => Some(token),
            Self::Stream => None,
        }
    }

    /// The connection whose right to run this command is to be checked.
    #[must_use]
    #[inline]
    pub const fn checked_client(self) -> Option<Token> {
        match self {
            Self::Client(token) | Self::Again(token) => Some(token),
            Self::Transaction(_) | Self::Stream => None,
        }
    }
}

/// What a command sees while it runs.
pub struct Context<'a> {
    /// All databases.
    pub keyspace: &'a mut Keyspace,
    /// The database this command works on.
    pub db: DatabaseIndex,
    /// Where the reply goes.
    pub reply: &'a mut Reply,
    /// Where changes are told.
    pub effects: &'a mut Effects,
    /// The parameters.
    pub config: &'a mut Config,
    /// All clients.
    pub sessions: &'a mut Sessions,
    /// What the server counts and remembers about itself.
    pub metrics: &'a mut Metrics,
    /// All commands.
    pub table: &'a Table,
    /// What is kept on disk.
    pub persistence: &'a mut Persistence,
    /// Who follows this server, and whom it follows.
    pub replication: &'a mut Replication,
    /// The cluster that this server is a node of, if it is one.
    pub cluster: Option<&'a mut Cluster>,
    /// Keys on their way to other servers.
    pub migrations: &'a mut Migrations,
    /// What DEBUG switches.
    pub switches: &'a mut Switches,
    /// What lies beyond all this.
    pub host: &'a mut dyn Host,
    /// On whose behalf the command runs.
    pub caller: Caller,
    /// The time of this turn.
    pub now: Now,
}

impl Context<'_> {
    /// Counts one change and records its event.
    #[inline]
    pub fn changed(&mut self, class: KeyEventClass, event: &'static str, key: &[u8]) {
        self.effects.changed(1);
        self.notify(class, event, self.db, key);
    }

    /// Records an event on a key, behind what happened to keys meanwhile.
    #[inline]
    pub fn notify(
        &mut self,
        class: KeyEventClass,
        event: &'static str,
        db: DatabaseIndex,
        key: &[u8],
    ) {
        if self.effects.wants(class) {
            while let Some(incident) = self.keyspace.next_incident() {
                self.effects.add_incident(incident);
            }
            self.effects.notify(class, event, db, key);
        }
    }

    /// Subscribers have come or gone: from now on events are recorded, or not, as somebody may hear
    /// of them.
    pub(crate) fn follow_subscribers(&mut self) {
        self.effects.set_heard(self.sessions.pubsub().is_heard());
        self.keyspace.report_incidents(self.effects.incidents_wanted());
    }

    /// The session of the client that runs this command, if a client does.
    pub fn session(&mut self) -> Option<&mut Session> {
        self.sessions.get_mut(self.caller.client()?)
    }
}
