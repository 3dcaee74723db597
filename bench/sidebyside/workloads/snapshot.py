"""Snapshots: what BGSAVE costs those who use the server meanwhile, how long it takes, and loading.

The data set is 1.8 million 1 KB values that no compression makes smaller (1.9 GB), and for
`load-small` ten million 8-byte values. One server runs at a time.

`bgsave`: BGSAVE with no other load but a PING every millisecond, on both CPUs. Its seconds; the
longest PING of all, and of the first 200 ms (the start, BGSAVE itself included).
`bgsave-under-set`: SETs of random keys without a limit (50 clients) while BGSAVE runs, in runs of
redis-benchmark of less than a second each, and before it. Throughput and p99.9 as ratios of during
to before; p99.9 is that of all runs together. Memory growth is the peak of the anonymous memory of
the machine over what it was under the same load before BGSAVE. The command thread has a CPU of its
own; a forked child, and all other threads, share the other one with the generator.
`slow-reader`: a replica that takes 50 MB/s of its full sync while 100 MB/s are rewritten at random,
which the snapshot cannot wait for: peak of the server's memory, forked children included, over what it was
before, and whether all of the snapshot came. Limits are such that neither server drops the replica; of the
stream for it, dunlin is to keep 32 MB in memory.
`load-1k`, `load-small`: start to the first PONG on a snapshot that the same server wrote, on both
CPUs.
`change-<type>`: one value of a million members; one connection changes members at random while
BGSAVE runs. The longest pause is that of an exchange of one command, BGSAVE included: by the clock,
or in CPU time of the command thread, whichever is less (see `growth`).
"""
import contextlib
import random
import time

from ..generator import BENCHMARK_KEYS, Rewriter, batches, load_keys, redis_benchmark, watched_redis_benchmark
from ..machine import CommandThread, ForeignCpus, anonymous_bytes, move_background, tree_bytes
from ..resp import ReplyError, encode, wait_until
from ..server import BOTH_CPUS, GENERATOR_CPU, Server

KEYS_1K = 1_800_000
KEYS_SMALL = 10_000_000
MEMBERS = 1_000_000
PER_REQUEST = 100
START_S = 0.2
RUN_S = 0.7
SAVE_S_MAX = 170.0
LOAD_S_MAX = 170.0
SLOW_READER_CONFIG = {"repl-diskless-sync": "yes", "repl-diskless-sync-delay": 0,
                      "client-output-buffer-limit": "replica 0 0 0"}
SLOW_READER_BYTES_S, SLOW_READER_S_MAX = 50_000_000, 300.0
REWRITTEN_BYTES_S = 100_000_000
STREAM_KEPT_BYTES = 32 << 20
LOOK_EVERY_BYTES = 16 << 20
TYPES = {
    "hash": ("HSET", lambda rng, i: (f"field:{i:09}", f"value:{rng.randrange(10**9):09}")),
    "set": ("SADD", lambda rng, i: (f"member:{i:09}",)),
    "sorted-set": ("ZADD", lambda rng, i: (f"{rng.random() * 1e6:.6f}", f"member:{i:09}")),
    "list": ("RPUSH", lambda rng, i: (f"element:{i:09}",)),
}


def names(quick):
    """`snapshot/<what>`."""
    some = ["bgsave", "bgsave-under-set", "load-1k", "load-small", "change-sorted-set"]
    rest = ["slow-reader", "change-hash", "change-set", "change-list"]
    return [f"snapshot/{name}" for name in (some if quick else some + rest)]


def run(wanted, programs, results, plan):
    """Measures; one server at a time."""
    for program in programs:
        def add(name, number, figures):
            results.add(f"snapshot/{name}", program.name, number, **figures)  # noqa: B023
        if "snapshot/bgsave" in wanted or "snapshot/load-1k" in wanted:
            _bgsave_and_load(program, wanted, add, plan)
        if "snapshot/bgsave-under-set" in wanted:
            with Server(program) as server:
                load_1k(server, plan.scaled(KEYS_1K))
                add("bgsave-under-set", 0, _under_set(server, plan))
        if "snapshot/slow-reader" in wanted:
            with Server(program, SLOW_READER_CONFIG) as server:
                load_1k(server, plan.scaled(KEYS_1K))
                add("slow-reader", 0, _slow_reader(server, plan.scaled(KEYS_1K)))
        if "snapshot/load-small" in wanted:
            with Server(program, cpus=BOTH_CPUS) as server:
                load_keys(server, range(plan.scaled(KEYS_SMALL)), 8)
                server.command("SAVE")
                for number in range(plan.rounds):
                    add("load-small", number, _load(server, plan))
        for kind in TYPES:
            if f"snapshot/change-{kind}" in wanted:
                with Server(program) as server:
                    _load_members(server, kind, plan.scaled(MEMBERS))
                    for number in range(plan.rounds):
                        with plan.undisturbed(server):
                            figures = _change(server, kind, plan)
                        add(f"change-{kind}", number, figures)


def load_1k(server, keys):
    """Sets keys by number; 1 KB values of letters and digits in no order: nothing repeats within one."""
    rng = random.Random(1)
    noise = bytes(rng.choices(b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", k=1012))
    template = b"*3\r\n$3\r\nSET\r\n$16\r\n" + BENCHMARK_KEYS + b"\r\n$1024\r\n%012d" + noise + b"\r\n"
    with server.connect() as connection:
        connection.load(batches(template, range(keys), columns=lambda i: (i, i)))


def _saving(connection):
    return connection.info("persistence")["rdb_bgsave_in_progress"] == "1"


def _bgsave_and_load(program, wanted, add, plan):
    with Server(program, cpus=BOTH_CPUS) as server:
        load_1k(server, plan.scaled(KEYS_1K))
        for number in range(plan.rounds):
            if "snapshot/bgsave" in wanted:
                with plan.undisturbed(server):
                    add("bgsave", number, _bgsave(server))
        if "snapshot/load-1k" in wanted:
            server.command("SAVE")
            for number in range(plan.rounds):
                add("load-1k", number, _load(server, plan))


def _bgsave(server):
    """BGSAVE beside a client that sends a PING every millisecond."""
    with server.connect() as control, server.connect() as client:
        client("PING")
        foreign, before = ForeignCpus([server.pid]), anonymous_bytes()
        started = time.perf_counter()
        control.socket.sendall(encode("BGSAVE"))
        at_start = longest = growth = 0.0
        while True:
            for _ in range(20):
                sent = time.perf_counter()
                client("PING")
                took = time.perf_counter() - sent
                longest = max(longest, took)
                if sent - started < START_S:
                    at_start = max(at_start, took)
                time.sleep(0.001)
            growth = max(growth, anonymous_bytes() - before)
            if not _saving(client):
                break
            if time.perf_counter() - started > SAVE_S_MAX:
                raise TimeoutError("BGSAVE does not end")
        figures = client.info("persistence")
        if figures["rdb_last_bgsave_status"] != "ok":
            raise RuntimeError(f"BGSAVE failed:\n{server.log()}")
        return {"save_s": time.perf_counter() - started, "stall_ms": at_start * 1e3, "round_trip_ms": longest * 1e3,
                "growth_mb": growth / 1e6, "foreign_cpus": foreign.cpus()}


def _under_set(server, plan):
    """SETs before and during BGSAVE."""
    keys = plan.scaled(KEYS_1K)
    words = ["-t", "set"]
    thread = CommandThread(server.pid)
    thread.close()
    # The first run warms up, and says how many requests a short run has.
    rate = redis_benchmark(server, plan.scaled(100_000), words, value_bytes=1024, keys=keys)["requests_s"]
    requests = int(rate * RUN_S)
    foreign = ForeignCpus([server.pid])
    before = [watched_redis_benchmark(server, requests, words, watch=lambda: None, value_bytes=1024, keys=keys)
              for _ in range(3)]
    with server.connect() as control:
        during, growth = _set_while_saving(server, control, thread.number, requests, keys)
        status = control.info("persistence")["rdb_last_bgsave_status"]
    rates = [_mean_rate(runs) for runs in (before, during)]
    tails = [_p999_ms(runs) for runs in (before, during)]
    return {"throughput_kept": rates[1] / rates[0], "p999_growth": tails[1] / tails[0], "growth_mb": growth / 1e6,
            "requests_s": rates[1], "p999_ms": tails[1], "runs": len(during), "succeeded": float(status == "ok"),
            "foreign_cpus": foreign.cpus()}


def _set_while_saving(server, control, command_thread, requests, keys):
    """Reports of the runs that began while the save ran, and the growth of memory in bytes."""
    during, level, peak, watched = [], 0, 0, 0
    started = time.perf_counter()

    def watch():
        nonlocal level, peak, watched
        watched += 1
        # The load runs already when the save begins.
        if watched == 10:
            level = anonymous_bytes()
            control("BGSAVE")
        elif watched > 10:
            move_background(server.pid, command_thread, GENERATOR_CPU)
            peak = max(peak, anonymous_bytes() - level)

    while watched < 10 or _saving(control):
        if time.perf_counter() - started > SAVE_S_MAX:
            raise TimeoutError("BGSAVE does not end")
        during.append(watched_redis_benchmark(server, requests, ["-t", "set"], watch=watch, value_bytes=1024, keys=keys))
    # During the last one the save ended: it counts only where there is no other one.
    return during[:-1] or during, peak


def _slow_reader(server, keys):
    """A full sync that is taken slowly, under writes."""
    foreign = ForeignCpus([server.pid])
    with server.connect() as control, contextlib.suppress(ReplyError):
        control("CONFIG", "SET", "repl-backlog-max-size", STREAM_KEPT_BYTES)
    before, peak = tree_bytes(server.pid), 0
    with Rewriter(server, keys, REWRITTEN_BYTES_S) as writer, server.connect() as replica:
        replica("REPLCONF", "capa", "eof")
        started, taken, looked_at = time.perf_counter(), 0, 0
        for part in _snapshot_parts(replica.socket):
            taken += len(part)
            if taken - looked_at > LOOK_EVERY_BYTES:
                looked_at, peak = taken, max(peak, tree_bytes(server.pid))
            elapsed = time.perf_counter() - started
            if elapsed > SLOW_READER_S_MAX:
                raise TimeoutError("the snapshot does not end")
            time.sleep(max(0.0, taken / SLOW_READER_BYTES_S - elapsed))
        took = time.perf_counter() - started
        written = writer.bytes_sent / (time.perf_counter() - writer.started)
    return {"growth_mb": (peak - before) / 1e6, "succeeded": float(taken > keys * 1000), "taken_mb_s": taken / took / 1e6,
            "written_mb_s": written / 1e6, "foreign_cpus": foreign.cpus()}


def _snapshot_parts(socket):
    """The parts of a snapshot without a known length, up to its end mark, or to where the server hangs up."""
    socket.sendall(encode("PSYNC", "?", "-1"))
    head = b""
    while b"$EOF:" not in head or len(head) < head.index(b"$EOF:") + 47:
        data = socket.recv(1 << 16)
        if not data:
            raise ConnectionError("the server refuses to send its data")
        head += data
    mark = head.partition(b"$EOF:")[2][:40]
    tail = b""
    while data := socket.recv(1 << 20):
        yield data
        if mark in tail + data:
            return
        tail = (tail + data)[-40:]


def _mean_rate(reports):
    rates = [report["requests_s"] for report in reports]
    return len(rates) / sum(1 / rate for rate in rates)


def _p999_ms(reports):
    """p99.9 of all runs together, which have equal numbers of requests."""
    runs = [report["percentiles"] for report in reports]
    for latency in sorted({ms for run in runs for _, ms in run}):
        within = sum(max((percent for percent, ms in run if ms <= latency), default=0.0) for run in runs)
        if within >= 99.9 * len(runs):
            return latency
    raise RuntimeError("a report without its last percentile")


def _load(server, plan):
    """Seconds from the start of the process to the first PONG, with all keys there."""
    with server.connect() as connection:
        keys = connection("DBSIZE")
    server.kill()
    foreign = ForeignCpus()
    with plan.undisturbed():
        server.start_again(LOAD_S_MAX)
    figures = {"keys_s": keys / server.start_to_pong_s, "load_s": server.start_to_pong_s,
               "cpu_ns": server.cpu_s() / keys * 1e9}
    if server.command("DBSIZE") != keys:
        raise RuntimeError("keys are missing after loading")
    return {**figures, "foreign_cpus": max(0.0, foreign.cpus() - server.cpu_s() / server.start_to_pong_s)}


def _load_members(server, kind, count):
    command, words = TYPES[kind]
    rng = random.Random(1)
    load_keys(server, range(count // 10), 64)
    with server.connect() as connection:
        for first in range(0, count, PER_REQUEST):
            many = (word for i in range(first, first + PER_REQUEST) for word in words(rng, i))
            connection.exchange(encode(command, "large", *many), 1)


def _changes(kind, count):
    """Commands that change one member each."""
    rng = random.Random(2)
    command, words = TYPES[kind]
    while True:
        i = rng.randrange(count)
        if kind == "list":
            yield encode("LSET", "large", i, f"changed:{i:09}")
        elif kind == "set":
            yield encode("SREM" if rng.random() < 0.5 else "SADD", "large", f"member:{i:09}")
        else:
            yield encode(command, "large", *words(rng, i))


def _change(server, kind, plan):
    """The longest pause of commands on the value while BGSAVE runs."""
    thread = CommandThread(server.pid)
    changes = _changes(kind, plan.scaled(MEMBERS))
    with server.connect() as connection, server.connect() as control:
        wait_until(lambda: not _saving(control), SAVE_S_MAX, "an earlier save to end")
        foreign = ForeignCpus([server.pid])
        started, pauses, count = time.perf_counter(), [], 0
        request = encode("BGSAVE")
        while count % 64 or count == 0 or _saving(control):
            move = count % 64 == 1
            cpu, sent = thread.cpu_ns(), time.perf_counter_ns()
            connection.exchange(request, 1)
            clock = time.perf_counter_ns() - sent
            pauses.append((min(clock, thread.cpu_ns() - cpu), clock))
            if move:
                move_background(server.pid, thread.number, GENERATOR_CPU)
            request = next(changes)
            count += 1
        thread.close()
        return {"pause_ms": max(pauses)[0] / 1e6, "round_trip_ms": max(clock for _, clock in pauses) / 1e6,
                "changes": count - 1, "save_s": time.perf_counter() - started, "foreign_cpus": foreign.cpus()}
