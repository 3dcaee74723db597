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
]
