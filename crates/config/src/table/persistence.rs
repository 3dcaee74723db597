//! Rows: snapshots and the append-only file.

use super::{INT_MAX, LONG_MAX, bytes, group, integer};
use crate::Text;
use crate::parameter::Kind;
use crate::value::{AppendFsync, RdbVersion, SavePoints, SnapshotOverflow};

group! {
    /// Snapshots and the append-only file.
    persistence: Persistence {
        /// Directory of all files: snapshot, append-only file, cluster configuration.
        "dir" => dir: Text = "./", Kind::Directory, PROTECTED, NOT_LOADING;

        /// A snapshot is taken after this many seconds with this many changes; `""` takes none.
        "save" => save: SavePoints = "3600 1 300 100 60 10000",
            Kind::Words("seconds changes ..."), MULTI;

        /// Name of the snapshot file.
        "dbfilename" => dbfilename: Text = "dump.rdb",
            Kind::BaseName { what: "filename", may_be_empty: true }, PROTECTED;

        /// Whether long strings in snapshots are compressed.
        "rdbcompression" => rdbcompression: bool = "yes", Kind::Flag;

        /// Whether snapshots end in a checksum, which is verified on loading.
        "rdbchecksum" => rdbchecksum: bool = "yes", Kind::Flag, IMMUTABLE;

        /// The version of the RDB format that snapshots are written in, unless the data asks for a later
        /// one: 10 is read by Redis 7.0 and later, 11 by 7.2 and later.
        "rdb-version" => rdb_version: RdbVersion = "10", Kind::Choice(RdbVersion::NAMES), HIDDEN;

        /// Memory for what a snapshot must keep before commands change it, while its file is slow;
        /// beyond it, a temporary file in dir takes it.
        "snapshot-buffer-limit" => snapshot_buffer_limit: u64 = "32mb", bytes(1 << 20, LONG_MAX),
            HIDDEN;

        /// Size of that temporary file at which the snapshot is given up; 0 for no limit.
        "snapshot-spill-limit" => snapshot_spill_limit: u64 = "0", bytes(0, LONG_MAX), HIDDEN;

        /// What happens when there is no room for what a snapshot must keep: it is given up (abort), or
        /// clients that change data wait (throttle).
        "snapshot-overflow" => snapshot_overflow: SnapshotOverflow = "abort",
            Kind::Choice(SnapshotOverflow::NAMES), HIDDEN;

        /// Bytes per second that a replica must take of a snapshot while others wait for it; one that
        /// takes less gets the rest from a temporary file in dir. 0 lets the others wait.
        "snapshot-min-rate" => snapshot_min_rate: u64 = "1mb", bytes(0, LONG_MAX), HIDDEN;

        /// Whether snapshots made for replication alone are deleted once they are loaded or sent.
        "rdb-del-sync-files" => rdb_del_sync_files: bool = "no", Kind::Flag;

        /// Whether a snapshot is synced to disk every 4 MB while it is written.
        "rdb-save-incremental-fsync" => rdb_save_incremental_fsync: bool = "yes", Kind::Flag;

        /// Whether writes are refused after a snapshot failed.
        "stop-writes-on-bgsave-error" => stop_writes_on_bgsave_error: bool = "yes", Kind::Flag;

        /// Whether every write goes to the append-only file.
        "appendonly" => appendonly: bool = "no", Kind::Flag, NOT_LOADING;

        /// Name from which the names of the append-only files are made.
        "appendfilename" => appendfilename: Text = "appendonly.aof",
            Kind::BaseName { what: "filename", may_be_empty: false }, IMMUTABLE;

        /// Directory of the append-only files, inside dir.
        "appenddirname" => appenddirname: Text = "appendonlydir",
            Kind::BaseName { what: "dirname", may_be_empty: false }, IMMUTABLE;

        /// When the append-only file is synced to disk.
        "appendfsync" => appendfsync: AppendFsync = "everysec",
            Kind::Choice(AppendFsync::NAMES);

        /// Whether that pauses while a snapshot or a rewrite is written.
        "no-appendfsync-on-rewrite" => no_appendfsync_on_rewrite: bool = "no", Kind::Flag;

        /// Growth in percent since the last rewrite that starts the next one; 0 starts none.
        "auto-aof-rewrite-percentage" => auto_aof_rewrite_percentage: u32 = "100",
            integer(0, INT_MAX);

        /// Size below which no rewrite starts by itself.
        "auto-aof-rewrite-min-size" => auto_aof_rewrite_min_size: u64 = "64mb",
            bytes(0, LONG_MAX);

        /// Whether an append-only file that ends in the middle of a command is cut and loaded.
        "aof-load-truncated" => aof_load_truncated: bool = "yes", Kind::Flag;

        /// Whether a rewritten append-only file begins with a snapshot.
        "aof-use-rdb-preamble" => aof_use_rdb_preamble: bool = "yes", Kind::Flag;

        /// Whether the append-only file holds the time of writes.
        "aof-timestamp-enabled" => aof_timestamp_enabled: bool = "no", Kind::Flag;

        /// Whether a rewrite is synced to disk every 4 MB while it is written.
        "aof-rewrite-incremental-fsync" => aof_rewrite_incremental_fsync: bool = "yes",
            Kind::Flag;
    }
}
