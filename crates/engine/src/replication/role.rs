//! From primary to replica and back.
//!
//! Source: redis.io, "Replication"; log lines as observed on 7.0.15 and 7.2.6 servers.

use dunlin_commands::CommandError;
use dunlin_commands::table::Registered;
use dunlin_config::ReplicaOf;
use dunlin_keyspace::Expiry;
use dunlin_replication::{Line, PrimaryLink, ReplId, Wish};
use dunlin_session::Token;
use dunlin_spec::Flags;

use crate::engine::Engine;

/// What a client is told whose wait ends because the server is a replica now.
const UNBLOCKED: &str = "UNBLOCKED force unblock from blocking operation, instance state changed \
    (master -> replica?)";

impl Engine {
    /// Does what a command asked of replication, now that it has ended.
    #[cold]
    pub(crate) fn grant_replication_wishes(&mut self) {
        while !self.stream.is_in_unit()
            && let Some(wish) = self.replication.take_wish()
        {
            match wish {
                Wish::FollowConfiguration(client) => {
                    self.follow_replicaof(&format!("user request from '{client}'"));
                }
                Wish::Attach { number, position } => self.attach(number, position),
                Wish::TakeOver { number, replid, offset } => {
                    self.take_over(number, replid, offset);
                }
                Wish::AskForAcknowledgement => self.links.asks_for_acknowledgement = true,
                Wish::ServeAcknowledged(number) => self.acknowledged(number),
                Wish::BeginFailover => self.begin_failover(),
                Wish::AbortFailover => self.abort_failover("Failover manually aborted"),
            }
        }
        self.write_replication_lines();
    }

    /// At the start: the role that the configuration names, before anything is loaded.
    pub(crate) fn begin_as_configured(&mut self) {
        self.act_for_cluster();
        if let Some((host, port)) = self.config.replication.replicaof.0.clone() {
            self.replication.link = Some(PrimaryLink::new(host, port));
            self.host.role_changed(true);
        }
    }

    /// Makes the role follow the configuration; `why` is for the log.
    pub fn follow_replicaof(&mut self, why: &str) {
        match self.config.replication.replicaof.0.clone() {
            Some((host, port)) => {
                self.follow_primary(host, port);
                let link = self.replication.link.as_ref();
                if let Some(link) = link {
                    let (host, port) = (link.host().to_owned(), link.port());
                    self.host.log_notice(&format!("REPLICAOF {host}:{port} enabled ({why})"));
                }
            }
            None if self.replication.is_replica() => {
                self.become_primary();
                self.host.log_notice(&format!("MASTER MODE enabled ({why})"));
            }
            None => {}
        }
    }

    /// Follows a primary from now on.
    pub(crate) fn follow_primary(&mut self, host: String, port: u16) {
        let was_primary = !self.replication.is_replica();
        self.flush_stream();
        self.cancel_transfer();
        self.close_link();
        if was_primary {
            self.unblock_all();
            self.abandon_migrations();
            // The new primary may have gone on from where this server is.
            self.replication.log(Line::notice(
                "Before turning into a replica, using my own master parameters to synthesize a \
                 cached master: I may be able to synchronize with the new master with just a \
                 partial transfer.",
            ));
            self.replication.has_position = true;
            self.replication.stream_db = self.stream.selected_database();
        }
        self.replication.link = Some(PrimaryLink::new(host, port));
        self.follow_role();
        self.write_replication_lines();
    }

    /// Follows nobody from now on.
    pub(crate) fn become_primary(&mut self) {
        self.leave_primary();
        if self.replication.has_position {
            self.replication.promote();
            self.replication.keep_stream();
        } else {
            // What is held is not what the position says: nobody may go on from there.
            self.replication.begin_anew();
        }
        self.disconnect_replicas();
        self.replication.alone_since = Some(self.now.monotonic);
        self.follow_role();
        self.write_replication_lines();
    }

    /// There is no primary any more, and nothing of it is wanted.
    pub(super) fn leave_primary(&mut self) {
        self.close_link();
        self.cancel_transfer();
        self.replication.link = None;
        self.replication.own_keys.clear();
        self.links.forget_log_ends();
        self.stream.forget_database();
    }

    /// Whoever depends on the role follows it.
    pub(super) fn follow_role(&mut self) {
        self.note_role();
        self.follow_consumers();
        self.follow_expiry();
    }

    /// The configuration names the primary, whoever chose it: so CONFIG GET tells it in a cluster, too.
    pub(crate) fn note_role(&mut self) {
        let link = self.replication.link.as_ref();
        let primary = link.map(|link| (link.host().to_owned(), link.port()));
        self.config.replication.replicaof = ReplicaOf(primary);
        self.host.role_changed(self.replication.is_replica());
    }

    /// What was on disk is loaded: the history goes on where that was.
    pub(crate) fn resume_history(&mut self) {
        if let Some(at) = self.persistence.loaded_position()
            && let Some(replid) = ReplId::parse(&at.id)
        {
            self.replication.resume(replid, at.offset);
            self.replication.stream_db = at.stream_db;
            self.replication.alone_since = Some(self.now.monotonic);
        }
        self.follow_expiry();
    }

    /// Clients that wait for keys cannot be served by a replica.
    fn unblock_all(&mut self) {
        let waiting: Vec<Token> = self
            .sessions
            .iter()
            .filter(|(token, _)| self.sessions.blocking.is_waiting(*token))
            .map(|(token, _)| token)
            .collect();
        for token in waiting {
            self.unblock_with(token, UNBLOCKED);
        }
    }

    /// What a primary or a replica may not do for a client.
    #[inline]
    pub(crate) fn check_role(
        &self,
        token: Token,
        registered: Registered,
    ) -> Result<(), CommandError> {
        let is_alone = !self.replication.is_replica() && self.replication.replicas.is_empty();
        if is_alone && self.config.replication.min_replicas_to_write == 0 {
            return Ok(());
        }
        self.check_role_of_some(token, registered)
    }

    fn check_role_of_some(&self, token: Token, registered: Registered) -> Result<(), CommandError> {
        let flags = registered.command.spec.all_flags();
        let writes =
            flags.contains(Flags::WRITE) || self.queues_any(token, registered, Flags::WRITE);
        let config = &self.config.replication;
        if writes && self.lacks_replicas() {
            return Err(CommandError::fixed("NOREPLICAS Not enough good replicas to write."));
        }
        if self.replication.is_replica() {
            if writes && config.replica_read_only {
                return Err(CommandError::fixed(
                    "READONLY You can't write against a read only replica.",
                ));
            }
            let is_stale = self.replication.is_cut_off() && !config.replica_serve_stale_data;
            if is_stale && !flags.contains(Flags::STALE) {
                return Err(CommandError::fixed(
                    "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to \
                     'no'.",
                ));
            }
        }
        let touches = Flags::WRITE.union(Flags::READONLY).union(Flags::MAY_REPLICATE);
        if flags.intersects(touches) && self.is_replica_connection(token) {
            return Err(CommandError::fixed("ERR Replica can't interact with the keyspace"));
        }
        Ok(())
    }

    /// Whether fewer replicas are in reach than `min-replicas-to-write` asks for.
    fn lacks_replicas(&self) -> bool {
        let config = &self.config.replication;
        let (wanted, lag_max) = (config.min_replicas_to_write, config.min_replicas_max_lag);
        wanted > 0
            && lag_max > 0
            && !self.replication.is_replica()
            && self.replication.replicas.count_good(lag_max, self.now.monotonic) < wanted as usize
    }

    /// Whose deadlines count: a primary removes keys, a replica only hides them.
    pub(crate) fn follow_expiry(&mut self) {
        let hides = self.replication.is_replica() || self.sessions.pause.mode().is_some();
        self.keyspace.set_expiry(if hides { Expiry::Hide } else { Expiry::Remove });
    }
}
