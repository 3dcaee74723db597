//! Rows: listening, connections and what they may cost.

use super::{INT_MAX, LONG_MAX, UINT_MAX, bytes, group, integer};
use crate::Text;
use crate::parameter::Kind;
use crate::value::{BindAddresses, MemoryShare, OutputLimits};

group! {
    /// Listening, connections and what they may cost.
    network: Network {
        /// Addresses to listen on. A leading `-` marks one that may be unavailable; `""` listens
        /// on none.
        "bind" => bind: BindAddresses = "* -::*", Kind::Words("address ..."), MULTI;

        /// Local address of connections that this node opens; empty lets the system choose.
        "bind-source-addr" => bind_source_addr: Text = "\"\"", Kind::Optional;

        /// TCP port to listen on; 0 listens on none.
        "port" => port: u16 = "6379", integer(0, 65535);

        /// Length of the queue of connections that are not yet accepted.
        "tcp-backlog" => tcp_backlog: i32 = "511", integer(0, INT_MAX), IMMUTABLE;

        /// Seconds of silence before TCP asks whether the peer is still there; 0 never asks.
        "tcp-keepalive" => tcp_keepalive: u32 = "300", integer(0, INT_MAX);

        /// Seconds after which an idle client is disconnected; 0 never.
        "timeout" => timeout: u32 = "0", integer(0, INT_MAX);

        /// Path of a Unix socket to listen on; empty for none.
        "unixsocket" => unixsocket: Text = "\"\"", Kind::Optional, IMMUTABLE;

        /// Permissions of the Unix socket, octal; 0 leaves them to the umask.
        "unixsocketperm" => unixsocketperm: u32 = "0", Kind::Octal { max: 0o777 }, IMMUTABLE;

        /// Whether clients of other machines are turned away while the default user has no
        /// password.
        "protected-mode" => protected_mode: bool = "yes", Kind::Flag;

        /// Mark (SO_MARK) on the listening sockets; 0 sets none.
        "socket-mark-id" => socket_mark_id: u32 = "0", integer(0, UINT_MAX), IMMUTABLE;

        /// Most clients that are connected at the same time.
        "maxclients" => maxclients: u32 = "10000", integer(1, UINT_MAX);

        /// Memory for all clients' buffers, in bytes or as percent of maxmemory; 0 is no limit.
        "maxmemory-clients" => maxmemory_clients: MemoryShare = "0", Kind::BytesOrPercent;

        /// Longest single argument of a command.
        "proto-max-bulk-len" => proto_max_bulk_len: u64 = "512mb", bytes(1024 * 1024, LONG_MAX);

        /// Most bytes of requests that may wait in one client's input buffer.
        "client-query-buffer-limit" => client_query_buffer_limit: u64 = "1gb",
            bytes(1024 * 1024, LONG_MAX);

        /// Output that may wait for a client, per class: class, hard limit, soft limit, seconds
        /// beyond the soft limit.
        "client-output-buffer-limit" => client_output_buffer_limit: OutputLimits =
            "normal 0 0 0 replica 256mb 64mb 60 pubsub 32mb 8mb 60",
            Kind::Words("class hard soft seconds ..."), MULTI;

        /// Most keys that client-side caching remembers; 0 is no limit.
        "tracking-table-max-keys" => tracking_table_max_keys: u64 = "1000000",
            integer(0, LONG_MAX);

        /// Threads that read and write sockets, the command thread included.
        "io-threads" => io_threads: u32 = "1", integer(1, 128), IMMUTABLE;

        /// Whether I/O threads also read and parse requests.
        "io-threads-do-reads" => io_threads_do_reads: bool = "no", Kind::Flag, IMMUTABLE;
    }
}
