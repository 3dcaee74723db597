"""Replication: both ends are the same program; the primary has one CPU, the replica shares the other
with the generator. No delay before a full sync, and no snapshot file on the way.

`full-sync`: REPLICAOF of an empty replica to the link being up; 1.5 million keys of 64 bytes.
`set/p16`: CPU of the primary per SET while a replica follows it, and of the replica per SET.
`restart`: a replica is shut down and started again while 10 MB/s are written: start of its process
to the link being up, and whether a partial resync was enough.
`sync-under-writes`: five million 1 KB values, of which 100 MB/s are rewritten at random from before
the sync until three seconds after it; default limits. Peak of the primary's memory, forked children
included, over what it was before; how many full syncs were begun, and whether the first one did.
A replica that is not up after two minutes counts as failed.
"""
import contextlib
import time

from ..generator import Rewriter, load_keys, redis_benchmark
from ..machine import ForeignCpus, tree_bytes
from ..resp import HOST, wait_until
from ..server import GENERATOR_CPU, Server
from .snapshot import load_1k

CONFIG = {"repl-diskless-sync": "yes", "repl-diskless-sync-delay": 0, "repl-diskless-load": "disabled"}
SYNC_KEYS = 1_500_000
SET_REQUESTS = 1_000_000
SET_KEYS = 100_000
BUSY_KEYS = 5_000_000
BUSY_BYTES_S = 100_000_000
RESTART_BYTES_S = 10_000_000
LINK_S_MAX = 120.0


def names(quick):
    """`replication/<what>`."""
    every = ["full-sync", "set/p16", "restart", "sync-under-writes"]
    return [f"replication/{name}" for name in (every[:3] if quick else every)]


def run(wanted, programs, results, plan):
    """Measures; a pair of servers at a time."""
    for what, measure in [("full-sync", _full_sync), ("set/p16", _followed), ("restart", _restart),
                          ("sync-under-writes", _sync_under_writes)]:
        if f"replication/{what}" not in wanted:
            continue
        for program in programs:
            for number, figures in enumerate(measure(program, plan)):
                results.add(f"replication/{what}", program.name, number, **figures)


def _replica(program):
    return Server(program, CONFIG, cpus=(GENERATOR_CPU,))


def _link_is_up(connection):
    try:
        return connection.info("replication")["master_link_status"] == "up"
    except ReplyError:
        return False  # it is loading


def _attach(primary, replica):
    """Seconds from REPLICAOF to the link being up."""
    with replica.connect() as connection:
        started = time.perf_counter()
        connection("REPLICAOF", HOST, primary.port)
        wait_until(lambda: _link_is_up(connection), LINK_S_MAX, "the link to come up")
        return time.perf_counter() - started


def _wait_until_equal(primary, replica):
    with primary.connect() as a, replica.connect() as b:
        def offset(connection):
            return connection.info("replication")["master_repl_offset"]
        wait_until(lambda: offset(b) == offset(a), LINK_S_MAX, "the replica to catch up")
        if a("DBSIZE") != b("DBSIZE"):
            raise RuntimeError("the replica has other keys than its primary")


def _full_sync(program, plan):
    keys = plan.scaled(SYNC_KEYS)
    with Server(program, CONFIG) as primary:
        load_keys(primary, range(keys), 64)
        for _ in range(plan.rounds):
            with _replica(program) as replica, plan.undisturbed(primary, replica):
                foreign, cpu = ForeignCpus([primary.pid, replica.pid]), primary.cpu_s()
                took = _attach(primary, replica)
                foreign = foreign.cpus()
                _wait_until_equal(primary, replica)
                yield {"keys_s": keys / took, "sync_s": took, "cpu_ns": (primary.cpu_s() - cpu) / keys * 1e9,
                       "foreign_cpus": foreign}


def _followed(program, plan):
    requests = plan.scaled(SET_REQUESTS)
    with Server(program, CONFIG) as primary, _replica(program) as replica:
        _attach(primary, replica)
        for _ in range(plan.rounds):
            cpu = replica.cpu_s()
            with plan.undisturbed(primary, replica):
                figures = redis_benchmark(primary, requests, ["-t", "set"], pipeline=16, value_bytes=64,
                                          keys=SET_KEYS, own=[replica.pid])
            _wait_until_equal(primary, replica)
            yield {**figures, "replica_cpu_us": (replica.cpu_s() - cpu) / requests * 1e6}


def _restart(program, plan):
    with Server(program, CONFIG) as primary, _replica(program) as replica:
        load_1k(primary, plan.scaled(SET_KEYS))
        _attach(primary, replica)
        with replica.connect() as connection:
            connection("CONFIG", "REWRITE")
        for _ in range(plan.rounds):
            with Rewriter(primary, plan.scaled(SET_KEYS), RESTART_BYTES_S):
                full, partial = _syncs(primary)
                with contextlib.suppress(ConnectionError):
                    replica.command("SHUTDOWN", "SAVE")
                replica.wait(60)
                foreign, started = ForeignCpus([primary.pid]), time.perf_counter()
                replica.start_again(60)
                with replica.connect() as connection:
                    wait_until(lambda: _link_is_up(connection), LINK_S_MAX, "the link to come up")  # noqa: B023
                took = time.perf_counter() - started
                foreign = max(0.0, foreign.cpus() - replica.cpu_s() / took)
            _wait_until_equal(primary, replica)
            now = _syncs(primary)
            yield {"link_s": took, "partial": float(now == (full, partial + 1)), "foreign_cpus": foreign}


def _syncs(primary):
    """Full and partial syncs that a primary has begun."""
    with primary.connect() as connection:
        stats = connection.info("stats")
        return int(stats["sync_full"]), int(stats["sync_partial_ok"])


def _sync_under_writes(program, plan):
    keys = plan.scaled(BUSY_KEYS)
    with Server(program, CONFIG) as primary, _replica(program) as replica:
        load_1k(primary, keys)
        before, peak = tree_bytes(primary.pid), 0
        foreign = ForeignCpus([primary.pid, replica.pid])
        with Rewriter(primary, keys, BUSY_BYTES_S) as writer, replica.connect() as connection:
            started = time.perf_counter()
            connection("REPLICAOF", HOST, primary.port)
            up_at = None
            while (now := time.perf_counter() - started) < LINK_S_MAX and (up_at is None or now < up_at + 3):
                peak = max(peak, tree_bytes(primary.pid))
                if up_at is None and _link_is_up(connection):
                    up_at = now
                time.sleep(0.1)
            written = writer.bytes_sent / (time.perf_counter() - writer.started)
        succeeded = up_at is not None
        if succeeded:
            _wait_until_equal(primary, replica)
        full, _ = _syncs(primary)
        yield {"growth_mb": (peak - before) / 1e6, "sync_s": up_at or LINK_S_MAX, "full_syncs": full,
               "succeeded": float(succeeded and full == 1), "written_mb_s": written / 1e6, "foreign_cpus": foreign.cpus()}
