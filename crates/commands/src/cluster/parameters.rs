//! The cluster's own parameters, from those of the server.

use dunlin_cluster::{BUS_PORT_OFFSET, Cluster, ClusterConfig, Pace, Ports, Start, StartError};
use dunlin_config::{Config, Text};
use dunlin_stdx::time::Now;

/// A cluster as the configuration wants it, from the text of its nodes.conf.
///
/// # Errors
/// [`StartError`] if the text is not a whole nodes.conf.
pub fn start(
    config: &Config,
    conf: Option<&[u8]>,
    seed: u64,
    now: Now,
) -> Result<Box<Cluster>, StartError> {
    let start = Start { conf, config: parameters(config), ports: ports(config), seed, now };
    Cluster::start(start).map(Box::new)
}

/// What the cluster reads of the configuration.
#[must_use]
pub fn parameters(config: &Config) -> ClusterConfig {
    let own = &config.cluster;
    ClusterConfig {
        node_timeout_ms: own.cluster_node_timeout,
        ping_interval_ms: config.diagnosis.cluster_ping_interval,
        replica_validity_factor: own.cluster_replica_validity_factor,
        replication_ping_period_s: config.replication.repl_ping_replica_period,
        migration_barrier: own.cluster_migration_barrier,
        allow_replica_migration: own.cluster_allow_replica_migration,
        replica_no_failover: own.cluster_replica_no_failover,
        require_full_coverage: own.cluster_require_full_coverage,
        link_sendbuf_limit_bytes: own.cluster_link_sendbuf_limit,
        announce_ip: announced(&own.cluster_announce_ip),
        announce_hostname: announced(&own.cluster_announce_hostname),
        announce_human_nodename: announced(&own.cluster_announce_human_nodename),
        announce_port: own.cluster_announce_port,
        announce_tls_port: own.cluster_announce_tls_port,
        announce_bus_port: own.cluster_announce_bus_port,
        seeds: own.cluster_seeds.to_str_lossy().split_whitespace().map(str::to_owned).collect(),
        tls_cluster: config.tls.tls_cluster,
        tls_replication: config.tls.tls_replication,
        pace: Pace::default(),
        flaw: None,
    }
}

/// The ports that the server listens on. Without `cluster-port`, the bus has the port of clients and
/// [`BUS_PORT_OFFSET`]; 0 if there is no such port.
#[must_use]
pub fn ports(config: &Config) -> Ports {
    let (tcp, tls) = (config.network.port, config.tls.tls_port);
    let base = if config.tls.tls_cluster { tls } else { tcp };
    let bus = match config.cluster.cluster_port {
        0 => base.checked_add(BUS_PORT_OFFSET).unwrap_or(0),
        port => port,
    };
    Ports { tcp, tls, bus }
}

fn announced(text: &Text) -> Option<String> {
    (!text.is_empty()).then(|| text.to_str_lossy().into_owned())
}
