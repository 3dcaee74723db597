//! What may happen to the servers, and how they are configured.

use dunlin_config::{AppendFsync, Config, DisklessLoad};
use fastrand::Rng;

/// What happens to the servers.
#[derive(Clone, Copy, Default)]
pub(crate) struct Plot {
    /// Connections are cut, servers do not reach each other.
    pub(crate) network: bool,
    /// Servers are killed, shut down, started.
    pub(crate) deaths: bool,
    /// Replicas follow others, are promoted.
    pub(crate) roles: bool,
    /// Calls of disks fail.
    pub(crate) disks: bool,
    /// Primaries hand their role to a replica (FAILOVER).
    pub(crate) hand_overs: bool,
    /// Some replicas take writes of clients.
    pub(crate) own_writes: bool,
    /// Clients wait until their writes are on disks (WAITAOF).
    pub(crate) durable: bool,
    /// The primary dies, and the replica that has most takes its place.
    pub(crate) successions: bool,
    /// Large values, slow jobs, little memory for the stream.
    pub(crate) heavy: bool,
}

impl Plot {
    /// Nothing happens.
    pub(crate) const CALM: Plot = Plot {
        network: false,
        deaths: false,
        roles: false,
        disks: false,
        hand_overs: false,
        own_writes: false,
        durable: false,
        successions: false,
        heavy: false,
    };

    /// Whether some writes are looked for later: nothing may remove them.
    pub(crate) const fn keeps_writes(&self) -> bool {
        self.durable || self.successions
    }
}

/// A configuration for a server; what a plot does not need takes no chance.
pub(crate) fn config(random: &mut Rng, plot: Plot) -> Config {
    let mut config = Config::default();
    let persistence = &mut config.persistence;
    persistence.save.0.clear();
    persistence.appendonly = random.u8(..3) == 0;
    persistence.appendfsync =
        if random.bool() { AppendFsync::Always } else { AppendFsync::Everysec };
    persistence.aof_use_rdb_preamble = random.bool();
    persistence.auto_aof_rewrite_min_size = 20_000;
    let replication = &mut config.replication;
    replication.repl_diskless_sync = random.bool();
    replication.repl_diskless_sync_delay = random.u32(..3);
    let loads = [DisklessLoad::Disabled, DisklessLoad::OnEmptyDb, DisklessLoad::Swapdb];
    replication.repl_diskless_load = random.choice(loads).expect("some");
    replication.repl_backlog_size = 1 << random.u32(8..18);
    replication.repl_backlog_ttl = if random.u8(..4) == 0 { 5 } else { 3600 };
    replication.repl_timeout = random.u32(5..15);
    replication.repl_ping_replica_period = random.u32(1..4);
    config.process.shutdown_timeout = random.u32(..4);
    if plot.durable {
        config.persistence.appendonly = random.u8(..5) > 0;
        let policies = [AppendFsync::Always, AppendFsync::Everysec, AppendFsync::No];
        config.persistence.appendfsync = random.choice(policies).expect("some");
    }
    if plot.own_writes {
        config.replication.replica_read_only = random.bool();
    }
    if plot.heavy {
        let replication = &mut config.replication;
        replication.repl_backlog_size = 1 << random.u32(14..17);
        replication.repl_backlog_max_size = 1 << random.u32(15..19);
        replication.repl_spill_limit = if random.u8(..4) == 0 { 1 << 19 } else { 0 };
    }
    config
}
