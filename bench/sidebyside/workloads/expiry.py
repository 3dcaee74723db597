"""How fast expired keys go, and what GET feels of it.

`expiry/sparse`: 10,000 of ten million keys have a deadline, all within one second. Time until they
are gone, and CPU of the idle server from that second's start for five seconds (or until they are).
`expiry/quarter`: 2.5 million of ten million; time until they are gone, and the latency of GETs of
random keys on one connection meanwhile. Times count from the first deadline.
"""
import random
import time

from ..generator import batches, load_keys
from ..machine import ForeignCpus
from ..server import Server

KEYS = 10_000_000
SPARSE_EVERY = 1000
QUARTER_EVERY = 4
SPREAD_MS = 1000
GIVE_UP_S = 120.0
CPU_WINDOW_S = 5.0
PEXPIREAT = b"*3\r\n$9\r\nPEXPIREAT\r\n$16\r\nkey:%012d\r\n$13\r\n%013d\r\n"


def names(quick):
    """`expiry/sparse`, `expiry/quarter`; both work on one data set."""
    return [] if quick else ["expiry/sparse", "expiry/quarter"]


def run(wanted, programs, results, plan):
    """Measures; one server at a time."""
    keys = plan.scaled(KEYS, 10_000)
    for program in programs:
        with Server(program) as server:
            started = time.monotonic()
            load_keys(server, range(keys), 8)
            key_s = (time.monotonic() - started) / keys
            if "expiry/sparse" in wanted:
                results.add("expiry/sparse", server.name, 0, **_sparse(server, keys, key_s, plan))
            if "expiry/quarter" in wanted:
                results.add("expiry/quarter", server.name, 0, **_quarter(server, keys, key_s, plan))


def _set_deadlines(server, numbers, key_s):
    """Gives the keys deadlines spread over one second; returns its start as Unix time."""
    first_s = time.time() + 3.0 + 4 * key_s * len(numbers)
    first_ms = int(first_s * 1000)
    with server.connect() as connection:
        connection.load(batches(PEXPIREAT, range(len(numbers)),
                                columns=lambda i: (numbers[i], first_ms + i % SPREAD_MS)))
    if time.time() > first_s:
        raise RuntimeError("the first keys expired before the last had their deadline")
    return first_s


def _sparse(server, keys, key_s, plan):
    with server.connect() as connection:
        present = connection("DBSIZE")
        numbers = range(1, keys, SPARSE_EVERY)
        first_s = _set_deadlines(server, numbers, key_s)
        _sleep_until(first_s)
        with plan.undisturbed(server):
            foreign, cpu, start = ForeignCpus([server.pid]), server.cpu_s(), time.monotonic()
            while connection("DBSIZE") > present - len(numbers) and time.monotonic() - start < GIVE_UP_S:
                time.sleep(0.02)
            reclaim_s = time.monotonic() - start
            time.sleep(max(0.0, CPU_WINDOW_S - reclaim_s))
            window_s = time.monotonic() - start
        return {"reclaim_s": reclaim_s, "cpu_percent": 100 * (server.cpu_s() - cpu) / window_s,
                "foreign_cpus": foreign.cpus()}


def _quarter(server, keys, key_s, plan):
    with server.connect() as connection:
        numbers = range(2, keys, QUARTER_EVERY)
        present = connection("DBSIZE")
        first_s = _set_deadlines(server, numbers, key_s)
        remaining = present - len(numbers)
        _sleep_until(first_s)
        with plan.undisturbed(server):
            foreign, start = ForeignCpus([server.pid]), time.monotonic()
            latencies, reclaim_s = _probe(connection, keys, remaining, start)
        latencies.sort()
        return {"reclaim_s": reclaim_s, "get_p50_ms": _percentile_ms(latencies, 0.5),
                "get_p999_ms": _percentile_ms(latencies, 0.999), "get_max_ms": latencies[-1] / 1e6,
                "foreign_cpus": foreign.cpus()}


def _percentile_ms(sorted_ns, share):
    return sorted_ns[min(len(sorted_ns) - 1, int(len(sorted_ns) * share))] / 1e6


def _probe(connection, keys, remaining, start):
    """GETs of random keys until the expired ones are gone: latencies in ns, and the time it took."""
    rng, latencies = random.Random(1), []
    while time.monotonic() - start < GIVE_UP_S:
        for _ in range(200):
            key = b"key:%012d" % rng.randrange(keys)
            sent = time.perf_counter_ns()
            connection("GET", key)
            latencies.append(time.perf_counter_ns() - sent)
        if connection("DBSIZE") <= remaining:
            break
    return latencies, time.monotonic() - start


def _sleep_until(unix_s):
    time.sleep(max(0.0, unix_s - time.time()))
