"""The figures dunlin wants to reach, each tied to a workload."""
from dataclasses import dataclass


@dataclass(frozen=True)
class Goal:
    """`figure` of `workload` must be at most (or at least) `limit`.

    `measure` says what is compared: "value" the figure itself, "ratio" the figure divided by the
    first server's, "against" the figure divided by the same server's in the workload `against`.
    """

    what: str
    workload: str
    figure: str
    measure: str
    limit: float
    at_least: bool = False
    against: str = ""


def _cpu(names, pipeline, limit):
    return [Goal(f"{n.upper()}, pipeline {pipeline}: CPU of the server per request", f"throughput/{n}/p{pipeline}",
                 "cpu_us", "ratio", limit) for n in names]


GOALS = [
    *_cpu(["get", "set", "incr"], 1, 0.85),
    *_cpu(["get", "set", "incr"], 16, 0.60),
    *_cpu(["get", "set"], 64, 0.50),
    Goal("GET, pipeline 64: throughput", "throughput/get/p64", "requests_s", "ratio", 1.8, at_least=True),
    Goal("SET, pipeline 64: throughput", "throughput/set/p64", "requests_s", "ratio", 1.8, at_least=True),
    Goal("MSET of 10 keys, pipeline 16: CPU of the server per request", "throughput/mset10/p16", "cpu_us", "ratio", 0.60),
    Goal("GET, pipeline 16: instructions per request", "instructions/get/p16", "instructions", "ratio", 0.45),
    Goal("10 million keys, 8-byte values: bytes per key", "memory/8", "resident_bytes", "value", 50),
    Goal("10 million keys, 64-byte values: bytes per key", "memory/64", "resident_bytes", "value", 118),
    Goal("10 million keys, 64-byte values and TTL: bytes per key", "memory/64-ttl", "resident_bytes", "value", 128),
    *[Goal(f"{n.upper()}, pipeline 16: CPU of the server per request", f"types/{n}/p16", "cpu_us", "ratio", 0.70)
      for n in ("lpush", "rpop", "sadd", "hset", "zadd", "xadd", "lrange_100")],
    Goal("sorted set of a million members: bytes per member", "memory/sorted-set", "used_bytes", "value", 65),
    Goal("a million hashes of 10 small fields: bytes per key", "memory/hash-10", "used_bytes", "value", 195),
    Goal("a million sets of 20 integers: bytes per key", "memory/set-20-integers", "used_bytes", "value", 140),
    Goal("list of a million elements: bytes per element", "memory/list", "used_bytes", "value", 18),
    Goal("stream of a million entries: bytes per entry", "memory/stream", "used_bytes", "value", 21),
    Goal("a million hashes of 5 fields with 100-byte values: bytes per key", "memory/hash-5-of-100-bytes",
         "used_bytes", "ratio", 1.0),
    Goal("a million sets of one 65-byte member: bytes per key", "memory/set-1-of-65-bytes", "used_bytes", "ratio", 1.0),
    *[Goal(f"{what}: CPU of the server per command", f"collections/{name}", "cpu_us", "ratio", 0.8) for name, what in (
        ("zadd", "ZADD on a million members"), ("zrank", "ZRANK on a million members"),
        ("zrange-byscore", "ZRANGE BYSCORE on a million members"), ("sinter", "SINTER of two sets of 100,000"),
        ("sort", "SORT of a million elements"), ("pfcount", "PFCOUNT of two keys"),
        ("geosearch", "GEOSEARCH over a million points"))],
    Goal("UNLINK of a set of 10 million members: time of the command thread", "collections/unlink", "command_ms", "value", 1.0),
    Goal("growth to 10 million keys: longest pause of the command thread", "growth/set", "pause_ms", "value", 1.0),
    Goal("a quarter of 10 million keys expires in one second: time to reclaim", "expiry/quarter", "reclaim_s", "value", 3.0),
    Goal("the same: p99.9 of GET meanwhile", "expiry/quarter", "get_p999_ms", "value", 5.0),
    Goal("10,000 of 10 million keys expire: time to reclaim", "expiry/sparse", "reclaim_s", "value", 5.0),
    Goal("the same: CPU for it", "expiry/sparse", "cpu_percent", "value", 5.0),
    Goal("volatile-lru with 0.1% volatile keys against allkeys-lru: CPU per evicting write", "eviction/volatile-lru",
         "cpu_us", "against", 2.0, against="eviction/allkeys-lru"),
    Goal("3 million keys over 16,384 slots against one table: bytes per key", "slots/cluster", "resident_bytes",
         "against", 1.1, against="slots/one-table"),
    Goal("start to first PONG", "process/start", "start_ms", "value", 10.0),
    Goal("idle memory", "process/start", "idle_mb", "value", 8.0),
    Goal("idle CPU", "process/start", "idle_cpu_percent", "value", 0.2),
    Goal("10,000 idle connections: bytes each", "process/connections", "resident_bytes", "value", 2048),
    Goal("BGSAVE under unthrottled SETs of 1 KB: memory growth, MB", "snapshot/bgsave-under-set", "growth_mb", "value", 64),
    Goal("the same: throughput of SET during BGSAVE against before", "snapshot/bgsave-under-set", "throughput_kept",
         "value", 0.6, at_least=True),
    Goal("the same: p99.9 of SET during BGSAVE against before", "snapshot/bgsave-under-set", "p999_growth", "value", 2.0),
    Goal("BGSAVE: longest stall at its start", "snapshot/bgsave", "stall_ms", "value", 2.0),
    Goal("BGSAVE of 1.8 million values of 1 KB, no other load: seconds", "snapshot/bgsave", "save_s", "ratio", 0.5),
    Goal("loading 1 KB values: keys per second", "snapshot/load-1k", "keys_s", "ratio", 2.0, at_least=True),
    Goal("loading small keys: keys per second", "snapshot/load-small", "keys_s", "ratio", 2.0, at_least=True),
    Goal("a replica takes 50 MB/s of a snapshot while 100 MB/s are rewritten: memory growth, MB", "snapshot/slow-reader", "growth_mb", "value", 128),
    Goal("the same: all of it comes", "snapshot/slow-reader", "succeeded", "value", 1, at_least=True),
    *[Goal(f"a {kind.replace('-', ' ')} of a million members changes during BGSAVE: longest pause", f"snapshot/change-{kind}",
           "pause_ms", "value", 5.0) for kind in ("hash", "set", "sorted-set", "list")],
    Goal("appendfsync everysec, SET, pipeline 16: CPU of the server per request", "append/everysec/p16", "cpu_us", "ratio", 0.65),
    *[Goal(f"appendfsync always, SET, pipeline {pipeline}: throughput", f"append/always/p{pipeline}", "requests_s", "ratio",
           1.2, at_least=True) for pipeline in (1, 16)],
    Goal("full sync of 1.5 million keys: keys per second", "replication/full-sync", "keys_s", "ratio", 1.3, at_least=True),
    Goal("SET, pipeline 16, one replica attached: CPU of the primary per request", "replication/set/p16", "cpu_us", "ratio", 0.65),
    Goal("a replica restarts under load: seconds to the link being up", "replication/restart", "link_s", "value", 0.5),
    Goal("the same: a partial resync is enough", "replication/restart", "partial", "value", 1, at_least=True),
    Goal("full sync of 5 GB under 100 MB/s of writes: memory growth of the primary, MB", "replication/sync-under-writes",
         "growth_mb", "value", 512),
    Goal("the same: succeeds the first time", "replication/sync-under-writes", "succeeded", "value", 1, at_least=True),
    Goal("create of six nodes until all report ok: seconds", "cluster/create", "create_s", "value", 2.5),
    *[goal for timeout_ms, limit_s in ((5000, 6.5), (1000, 1.7)) for goal in (
        Goal(f"kill -9 of a primary to its slots writable, node timeout {timeout_ms}: seconds",
             f"cluster/failover-{timeout_ms}", "writable_s", "value", limit_s),
        Goal("the same: seconds in which other slots refuse writes", f"cluster/failover-{timeout_ms}", "refused_s", "value", 0.3))],
    Goal("MIGRATE of small keys, ten at a time: CPU of source and target per key", "cluster/migrate", "cpu_us", "ratio", 0.6),
    Goal("GET, pipeline 16, a million keys over all slots, against one table: CPU of the server per request",
         "cluster/get/p16", "cpu_us", "against", 1.1, against="cluster/get-standalone/p16"),
    Goal("the same: instructions per request", "instructions/get-in-cluster/p16", "instructions", "against", 1.15,
         against="instructions/get/p16"),
    *[Goal(f"{n.upper()}, pipeline {p}: CPU of redis-benchmark per request", f"generator/{n}/p{p}", "generator_cpu_us",
           "ratio", 0.9) for n in ("get", "set") for p in (1, 16)],
    Goal("reshard of 4,096 slots with a million keys: keys per second", "manager/reshard", "keys_s", "ratio", 4, at_least=True),
    Goal("the same under a live client", "manager/reshard-live", "keys_s", "ratio", 2, at_least=True),
    Goal("the same: its errors", "manager/reshard-live", "errors", "value", 0),
    Goal("the same: p99.9 of the client against before", "manager/reshard-live", "p999_growth", "value", 2),
    *[Goal(f"{what}: seconds", f"manager/{name}", "run_s", "ratio", 0.5) for name, what in (
        ("create", "the manager's create of six nodes"), ("rebalance", "rebalance after a fourth primary came"),
        ("fix", "fix of 100 open slots"))],
]
