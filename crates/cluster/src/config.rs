//! What an operator can set, and what simulations set beside it.

/// Whose rules say how fast a failure is told and how long a candidate waits. Which votes are given,
/// and when a candidate tries again, is the same in both.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pace {
    /// As servers do it: see the modules on failures and failover.
    #[default]
    Dunlin,
    /// As Redis does it, for simulations of clusters of both: suspicions travel with the regular
    /// PINGs, every candidate waits 500 to 1000 ms and a second per rank, and a voter may be asked
    /// before it has heard of the failure.
    Redis,
}

/// A rule that a node breaks, to see that the checkers of a simulation notice. Without debug assertions
/// no node breaks any.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// It gives every candidate a vote, however often it has voted in the epoch.
    VotesAgain,
    /// It takes its failed primary's place without votes, in the epoch of the primary.
    TakesOverAlone,
    /// It never stands for election.
    NeverStands,
    /// It serves whomever it reaches.
    ServesInMinority,
    /// It keeps an epoch that is another primary's, too.
    KeepsEpoch,
    /// It does not believe that slots have another owner.
    IgnoresClaims,
}

/// The parameters that the cluster itself reads. What only concerns clients (redirections,
/// `cluster-preferred-endpoint-type`, `cluster-allow-reads-when-down`) is not among them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterConfig {
    /// `cluster-node-timeout`: silence, in milliseconds, after which a node is suspected.
    pub node_timeout_ms: u64,
    /// `cluster-ping-interval`: the longest time between two PINGs; 0 for half the timeout.
    pub ping_interval_ms: u64,
    /// `cluster-replica-validity-factor`: timeouts after which a replica's data is too old; 0 for
    /// never.
    pub replica_validity_factor: u32,
    /// `repl-ping-replica-period`, in seconds.
    pub replication_ping_period_s: u32,
    /// `cluster-migration-barrier`: good replicas that a primary keeps.
    pub migration_barrier: u32,
    /// `cluster-allow-replica-migration`.
    pub allow_replica_migration: bool,
    /// `cluster-replica-no-failover`.
    pub replica_no_failover: bool,
    /// `cluster-require-full-coverage`.
    pub require_full_coverage: bool,
    /// `cluster-link-sendbuf-limit`, in bytes; 0 for none.
    pub link_sendbuf_limit_bytes: u64,
    /// `cluster-announce-ip`.
    pub announce_ip: Option<String>,
    /// `cluster-announce-hostname`.
    pub announce_hostname: Option<String>,
    /// `cluster-announce-human-nodename`.
    pub announce_human_nodename: Option<String>,
    /// `cluster-announce-port`; 0 for the one listened on.
    pub announce_port: u16,
    /// `cluster-announce-tls-port`; 0 for the one listened on.
    pub announce_tls_port: u16,
    /// `cluster-announce-bus-port`; 0 for the one listened on.
    pub announce_bus_port: u16,
    /// `cluster-seeds`: `host:port` or `host:port@bus-port`, met anew when no node can be reached.
    pub seeds: Vec<String>,
    /// `tls-cluster`: the bus speaks TLS, and the first port of a header is the one with TLS.
    pub tls_cluster: bool,
    /// `tls-replication`: replicas connect to the port with TLS.
    pub tls_replication: bool,
    /// No parameter: only simulations set another than the default.
    pub pace: Pace,
    /// No parameter: only tests of simulations set one.
    pub flaw: Option<Flaw>,
}

impl ClusterConfig {
    pub(crate) fn has(&self, flaw: Flaw) -> bool {
        cfg!(debug_assertions) && self.flaw == Some(flaw)
    }
}

impl Default for ClusterConfig {
    fn default() -> Self {
        Self {
            node_timeout_ms: 15_000,
            ping_interval_ms: 0,
            replica_validity_factor: 10,
            replication_ping_period_s: 10,
            migration_barrier: 1,
            allow_replica_migration: true,
            replica_no_failover: false,
            require_full_coverage: true,
            link_sendbuf_limit_bytes: 0,
            announce_ip: None,
            announce_hostname: None,
            announce_human_nodename: None,
            announce_port: 0,
            announce_tls_port: 0,
            announce_bus_port: 0,
            seeds: Vec::new(),
            tls_cluster: false,
            tls_replication: false,
            pace: Pace::default(),
            flaw: None,
        }
    }
}
