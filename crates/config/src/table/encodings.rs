//! Rows: sizes up to which small collections are kept compact.

use super::{INT_MAX, INT_MIN, LONG_MAX, bytes, group, integer};

group! {
    /// Sizes up to which small collections are kept compact.
    encodings: Encodings {
        /// Most fields of a compact hash.
        "hash-max-listpack-entries" | "hash-max-ziplist-entries" =>
            hash_max_listpack_entries: u64 = "512", integer(0, LONG_MAX);

        /// Longest field or value of a compact hash.
        "hash-max-listpack-value" | "hash-max-ziplist-value" =>
            hash_max_listpack_value: u64 = "64", bytes(0, LONG_MAX);

        /// Most entries of one node of a list, or -1 to -5 for 4, 8, 16, 32, 64 KiB.
        "list-max-listpack-size" | "list-max-ziplist-size" =>
            list_max_listpack_size: i32 = "-2", integer(INT_MIN, INT_MAX);

        /// Nodes at either end of a list that stay uncompressed; 0 compresses none.
        "list-compress-depth" => list_compress_depth: u32 = "0", integer(0, INT_MAX);

        /// Most members of a set of integers that is kept compact.
        "set-max-intset-entries" => set_max_intset_entries: u64 = "512", integer(0, LONG_MAX);

        /// Most members of a compact set.
        "set-max-listpack-entries" => set_max_listpack_entries: u64 = "128",
            integer(0, LONG_MAX);

        /// Longest member of a compact set.
        "set-max-listpack-value" => set_max_listpack_value: u64 = "64", integer(0, LONG_MAX);

        /// Most members of a compact sorted set.
        "zset-max-listpack-entries" | "zset-max-ziplist-entries" =>
            zset_max_listpack_entries: u64 = "128", integer(0, LONG_MAX);

        /// Longest member of a compact sorted set.
        "zset-max-listpack-value" | "zset-max-ziplist-value" =>
            zset_max_listpack_value: u64 = "64", bytes(0, LONG_MAX);

        /// Largest sparse HyperLogLog; 16000 and more is pointless.
        "hll-sparse-max-bytes" => hll_sparse_max_bytes: u64 = "3000", bytes(0, LONG_MAX);

        /// Largest node of a stream; 0 is no limit.
        "stream-node-max-bytes" => stream_node_max_bytes: u64 = "4096", bytes(0, LONG_MAX);

        /// Most entries of one node of a stream; 0 is no limit.
        "stream-node-max-entries" => stream_node_max_entries: u64 = "100",
            integer(0, LONG_MAX);
    }
}
