"""User-space instructions per request, counted by callgrind: the same on a busy machine.

One connection sends a pipeline, waits for its replies and sends the next, so every wake-up of the
server sees the same work; only its timers follow the clock. The count begins when the server is warm
and ends before it stops: its start takes a time measured by the clock, which would be noise.
"""
import random
import shutil
import subprocess
from pathlib import Path

from ..generator import load_keys
from ..resp import encode
from ..server import Server
from .slots import own_all_slots

WARM, COUNTED = 16_000, 160_000
KEYS = 10_000
WORKLOADS = {"instructions/get/p16": ("GET", 16), "instructions/set/p16": ("SET", 16), "instructions/get/p1": ("GET", 1),
             "instructions/get-in-cluster/p16": ("GET", 16)}
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
    """Instructions of a program for one request of a workload. Runs of one build differ by 0.1%."""
    command, pipeline = WORKLOADS[name]
    lines = pipeline * REPLY_LINES[command]
    out = "callgrind.out"
    wrapper = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", "-q"]
    in_cluster = name == "instructions/get-in-cluster/p16"
    config = {"hz": 1, **({"cluster-enabled": "yes"} if in_cluster else {})}
    with Server(program, config, wrapper) as server:
        if in_cluster:
            own_all_slots(server)
        load_keys(server, range(KEYS), 8)
        with server.connect() as connection:
            def load(requests):
                connection.load((batch, lines) for batch in _pipelines(command, pipeline, requests))
            load(WARM)
            _tell_callgrind(server, "zero")
            load(COUNTED)
            _tell_callgrind(server, "dump")
        server.stop(60)
        return _total(Path(server.directory, f"{out}.1")) / COUNTED


def _pipelines(command, pipeline, requests):
    rng = random.Random(1)
    value = ["12345678"] if command == "SET" else []
    for _ in range(requests // pipeline):
        yield b"".join(encode(command, f"key:{rng.randrange(KEYS):012}", *value) for _ in range(pipeline))


def _tell_callgrind(server, command):
    subprocess.run(["vgdb", f"--pid={server.pid}", command], check=True, timeout=60, capture_output=True)


def _total(dump):
    """Instructions of a dump."""
    for line in dump.read_text().splitlines():
        if line.startswith(("summary:", "totals:")):
            return int(line.split()[1])
    raise RuntimeError("callgrind wrote no total")
