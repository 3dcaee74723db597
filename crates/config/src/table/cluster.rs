//! Rows: cluster mode.

use super::{INT_MAX, LONG_MAX, ULONG_MAX, bytes, group, integer};
use crate::Text;
use crate::parameter::Kind;
use crate::value::EndpointType;

group! {
    /// Cluster mode.
    cluster: Cluster {
        /// Whether this node is one of a cluster.
        "cluster-enabled" => cluster_enabled: bool = "no", Kind::Flag, IMMUTABLE;

        /// File in which the node keeps its view of the cluster; not for editing.
        "cluster-config-file" => cluster_config_file: Text = "nodes.conf", Kind::Text, IMMUTABLE;

        /// Milliseconds of silence after which a node is taken for failed.
        "cluster-node-timeout" => cluster_node_timeout: u64 = "15000", integer(0, LONG_MAX);

        /// Port of the cluster bus; 0 for the client port plus 10000.
        "cluster-port" => cluster_port: u16 = "0", integer(0, 65535), IMMUTABLE;

        /// Whether the cluster refuses requests while a slot has no node.
        "cluster-require-full-coverage" => cluster_require_full_coverage: bool = "yes",
            Kind::Flag;

        /// Whether reads are answered while the cluster is down.
        "cluster-allow-reads-when-down" => cluster_allow_reads_when_down: bool = "no",
            Kind::Flag;

        /// Whether sharded publishing goes on while the cluster is down.
        "cluster-allow-pubsubshard-when-down" => cluster_allow_pubsubshard_when_down: bool =
            "yes", Kind::Flag;

        /// Whether replicas move to primaries that have none.
        "cluster-allow-replica-migration" => cluster_allow_replica_migration: bool = "yes",
            Kind::Flag;

        /// Replicas that a primary keeps when one of its replicas moves away.
        "cluster-migration-barrier" => cluster_migration_barrier: u32 = "1",
            integer(0, INT_MAX);

        /// How many node timeouts old a replica's data may be for it to be promoted; 0 for any.
        "cluster-replica-validity-factor" | "cluster-slave-validity-factor" =>
            cluster_replica_validity_factor: u32 = "10", integer(0, INT_MAX);

        /// Whether this replica never promotes itself.
        "cluster-replica-no-failover" | "cluster-slave-no-failover" =>
            cluster_replica_no_failover: bool = "no", Kind::Flag;

        /// Address that other nodes and clients are told; empty to find out.
        "cluster-announce-ip" => cluster_announce_ip: Text = "\"\"", Kind::Optional;

        /// Client port that other nodes are told; 0 for the one listened on.
        "cluster-announce-port" => cluster_announce_port: u16 = "0", integer(0, 65535);

        /// TLS port that other nodes are told; 0 for the one listened on.
        "cluster-announce-tls-port" => cluster_announce_tls_port: u16 = "0", integer(0, 65535);

        /// Bus port that other nodes are told; 0 for the one listened on.
        "cluster-announce-bus-port" => cluster_announce_bus_port: u16 = "0", integer(0, 65535);

        /// Host name that other nodes and clients are told; empty for none.
        "cluster-announce-hostname" => cluster_announce_hostname: Text = "\"\"", Kind::Hostname;

        /// Name of this node for people, in the logs of all nodes; empty for none.
        "cluster-announce-human-nodename" => cluster_announce_human_nodename: Text = "\"\"",
            Kind::NodeName;

        /// What clients are told to connect to.
        "cluster-preferred-endpoint-type" => cluster_preferred_endpoint_type: EndpointType =
            "ip", Kind::Choice(EndpointType::NAMES);

        /// Bytes that may wait for another node before its link is closed; 0 is no limit.
        "cluster-link-sendbuf-limit" => cluster_link_sendbuf_limit: u64 = "0",
            bytes(0, ULONG_MAX);

        /// Addresses (host:port ...) that are met anew when no other node can be reached, because all
        /// addresses may have changed; not in Redis.
        "cluster-seeds" => cluster_seeds: Text = "\"\"", Kind::Optional, HIDDEN;
    }
}
