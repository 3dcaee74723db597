//! Rows: primaries and replicas.

use super::{INT_MAX, LONG_MAX, bytes, group, integer};
use crate::Text;
use crate::parameter::Kind;
use crate::value::{DisklessLoad, PropagationError, ReplicaOf};

group! {
    /// Primaries and replicas.
    replication: Replication {
        /// Host and port of the primary to follow; `no one` for none.
        "replicaof" | "slaveof" => replicaof: ReplicaOf = "no one",
            Kind::Words("host port | no one"), IMMUTABLE, MULTI;

        /// User to log in to the primary as; empty for the default user.
        "masteruser" => masteruser: Text = "\"\"", Kind::Optional, SENSITIVE;

        /// Password to log in to the primary with; empty for none.
        "masterauth" => masterauth: Text = "\"\"", Kind::Optional, SENSITIVE;

        /// Address that the primary and sentinels are told; empty for that of the connection.
        "replica-announce-ip" | "slave-announce-ip" => replica_announce_ip: Text = "\"\"",
            Kind::Optional;

        /// Port that the primary and sentinels are told; 0 for the one listened on.
        "replica-announce-port" | "slave-announce-port" => replica_announce_port: u16 = "0",
            integer(0, 65535);

        /// Whether sentinels report this replica.
        "replica-announced" => replica_announced: bool = "yes", Kind::Flag;

        /// Lower is promoted first; 0 never.
        "replica-priority" | "slave-priority" => replica_priority: u32 = "100",
            integer(0, INT_MAX);

        /// Whether a replica refuses writes of clients.
        "replica-read-only" | "slave-read-only" => replica_read_only: bool = "yes", Kind::Flag;

        /// Whether a replica answers while it has lost its primary.
        "replica-serve-stale-data" | "slave-serve-stale-data" =>
            replica_serve_stale_data: bool = "yes", Kind::Flag;

        /// Whether a replica frees its old data in the background before it takes new.
        "replica-lazy-flush" | "slave-lazy-flush" => replica_lazy_flush: bool = "no", Kind::Flag;

        /// Whether a replica leaves eviction to its primary.
        "replica-ignore-maxmemory" | "slave-ignore-maxmemory" =>
            replica_ignore_maxmemory: bool = "yes", Kind::Flag;

        /// Whether a replica goes on when it cannot write to its disk.
        "replica-ignore-disk-write-errors" => replica_ignore_disk_write_errors: bool = "no",
            Kind::Flag;

        /// Whether data sets go to replicas over the socket, without a file.
        "repl-diskless-sync" => repl_diskless_sync: bool = "yes", Kind::Flag;

        /// Seconds that such a transfer waits for more replicas to join.
        "repl-diskless-sync-delay" => repl_diskless_sync_delay: u32 = "5", integer(0, INT_MAX);

        /// Replicas after which such a transfer waits no longer; 0 waits in any case.
        "repl-diskless-sync-max-replicas" => repl_diskless_sync_max_replicas: u32 = "0",
            integer(0, INT_MAX);

        /// How a replica takes such a transfer.
        "repl-diskless-load" => repl_diskless_load: DisklessLoad = "disabled",
            Kind::Choice(DisklessLoad::NAMES), NOT_LOADING;

        /// Seconds between the pings of a primary to its replicas.
        "repl-ping-replica-period" | "repl-ping-slave-period" =>
            repl_ping_replica_period: u32 = "10", integer(1, INT_MAX);

        /// Seconds of silence after which the other side is taken for lost.
        "repl-timeout" => repl_timeout: u32 = "60", integer(1, INT_MAX);

        /// Whether small packets to replicas are gathered, which delays them.
        "repl-disable-tcp-nodelay" => repl_disable_tcp_nodelay: bool = "no", Kind::Flag;

        /// Bytes of the stream that are kept for replicas which come back.
        "repl-backlog-size" => repl_backlog_size: u64 = "1mb", bytes(1, LONG_MAX);

        /// Bytes of the stream that memory may hold for replicas that are behind; 0 for 256 MB, and where
        /// the disk does not take more at once, for the smaller of a quarter of the machine's memory and
        /// maxmemory.
        "repl-backlog-max-size" => repl_backlog_max_size: u64 = "0", bytes(0, LONG_MAX), HIDDEN;

        /// Seconds without replicas after which that is given up; 0 never.
        "repl-backlog-ttl" => repl_backlog_ttl: u64 = "3600", integer(0, LONG_MAX);

        /// Size at which temporary files in dir that hold a part of the stream for slow replicas grow no
        /// more; 0 for no limit.
        "repl-spill-limit" => repl_spill_limit: u64 = "0", bytes(0, LONG_MAX), HIDDEN;

        /// Writes are refused with fewer replicas than this in reach; 0 for no such rule.
        "min-replicas-to-write" | "min-slaves-to-write" => min_replicas_to_write: u32 = "0",
            integer(0, INT_MAX);

        /// Seconds of silence up to which a replica counts as in reach.
        "min-replicas-max-lag" | "min-slaves-max-lag" => min_replicas_max_lag: u32 = "10",
            integer(0, INT_MAX);

        /// What happens when a replicated command fails.
        "propagation-error-behavior" => propagation_error_behavior: PropagationError = "ignore",
            Kind::Choice(PropagationError::NAMES);
    }
}
