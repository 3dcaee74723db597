"""The longest pause of the command thread while its table grows to ten million keys.

One connection sends pipelines of 32 SETs of new keys and waits for their replies. A pause is what
one exchange takes, both by the clock and in CPU time of the command thread: the smaller of the two,
so that a moment in which the server was merely not scheduled does not count. (The CPU time may be
read an instant before the thread sleeps, so that of the next exchange is added.) It includes the
32 commands themselves. Work that only one command sees is also in `SLOWLOG`.
"""
import gc
import time
from array import array

from ..generator import batches, set_columns, set_request
from ..machine import CommandThread, ForeignCpus
from ..server import Server

KEYS = 10_000_000
PIPELINE = 32
SLOW_COMMAND_US = 200
CONFIG = {"slowlog-log-slower-than": SLOW_COMMAND_US, "slowlog-max-len": 100_000}


def names(quick):
    """`growth/set`."""
    return ["growth/set"]


def run(wanted, programs, results, plan):
    """Measures; one server at a time."""
    for name in wanted:
        for program in programs:
            with Server(program, CONFIG) as server, plan.undisturbed(server):
                results.add(name, server.name, 0, **_grow(server, plan.scaled(KEYS)))


def _grow(server, keys):
    foreign = ForeignCpus([server.pid])
    round_trips, cpu = array("q"), array("q")
    thread = CommandThread(server.pid)
    gc.disable()
    with server.connect() as connection:
        requests = batches(set_request(8), range(keys), PIPELINE, set_columns(8))
        before = thread.cpu_ns()
        for request, count in requests:
            start = time.perf_counter_ns()
            connection.exchange(request, count)
            round_trips.append(time.perf_counter_ns() - start)
            after = thread.cpu_ns()
            cpu.append(after - before)
            before = after
        slow = connection("SLOWLOG", "GET", -1)
    gc.enable()
    thread.close()
    cpu.append(0)
    pauses = (min(clock, cpu[i] + cpu[i + 1]) for i, clock in enumerate(round_trips))
    return {"pause_ms": max(pauses) / 1e6, "round_trip_ms": max(round_trips) / 1e6,
            "slowest_command_ms": max((entry[2] for entry in slow), default=SLOW_COMMAND_US) / 1e3,
            "foreign_cpus": foreign.cpus()}
