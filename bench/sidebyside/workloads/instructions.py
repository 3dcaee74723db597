"""User-space instructions per request, counted by callgrind: the same on a busy machine.

One connection sends a pipeline, waits for its replies and sends the next, so every wake-up of the
server sees the same work; only its timers follow the clock and its tables a seed of chance, and the
smallest of several totals has the least of both. The difference between few and many requests cancels start and end of the server.
"""
import random
import shutil
from pathlib import Path

from ..generator import load_keys
from ..resp import encode
from ..server import Server

FEW, MANY = 16_000, 160_000
KEYS = 10_000
REPEATS = 3
WORKLOADS = {"instructions/get/p16": ("GET", 16), "instructions/set/p16": ("SET", 16), "instructions/get/p1": ("GET", 1)}
# Two lines for the bulk string of a GET, one for +OK.
REPLY_LINES = {"GET": 2, "SET": 1}


def names(quick):
    """`instructions/<command>/p<pipeline>`."""
    return [] if quick or shutil.which("valgrind") is None else list(WORKLOADS)


def run(wanted, programs, results, plan):
    """Measures; one server at a time."""
    del plan
    for name in wanted:
        for program in programs:
            results.add(name, program.name, 0, instructions=per_request(program, name))


def per_request(program, name):
    """Instructions of a program for one request of a workload."""
    few, many = (min(_total(program, *WORKLOADS[name], requests) for _ in range(REPEATS))
                 for requests in (FEW, MANY))
    return (many - few) / (MANY - FEW)


def _pipelines(command, pipeline, requests):
    rng = random.Random(1)
    value = ["12345678"] if command == "SET" else []
    for _ in range(requests // pipeline):
        yield b"".join(encode(command, f"key:{rng.randrange(KEYS):012}", *value) for _ in range(pipeline))


def _total(program, command, pipeline, requests):
    """Instructions of a whole run of the server."""
    out = "callgrind.out"
    wrapper = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", "-q"]
    with Server(program, {"hz": 1}, wrapper) as server:
        load_keys(server, range(KEYS), 8)
        with server.connect() as connection:
            lines = pipeline * REPLY_LINES[command]
            connection.load((batch, lines) for batch in _pipelines(command, pipeline, requests))
        server.stop(60)
        for line in Path(server.directory, out).read_text().splitlines():
            if line.startswith(("summary:", "totals:")):
                return int(line.split()[1])
    raise RuntimeError("callgrind wrote no total")
