"""What the load itself costs: CPU of the redis-benchmark that belongs to each program, per request.

All load one and the same server, the last one of the call, with 50 clients and a million random keys.
The redis-benchmark of `dunlin server` is `dunlin bench`; that of another program lies beside it.
"""
import resource
import subprocess

from ..generator import KEYS, parse
from ..machine import ForeignCpus
from ..resp import HOST
from ..server import GENERATOR_CPU, Server, interleaved

COMMANDS = ("get", "set")
REQUESTS = {1: 400_000, 16: 2_000_000}
CLIENTS = 50


def names(quick):
    """`generator/<command>/p<pipeline>`."""
    return [f"generator/{command}/p{pipeline}" for command in COMMANDS[:1 if quick else None] for pipeline in REQUESTS]


def run(wanted, programs, results, plan):
    """Measures; generators take turns."""
    with Server(programs[-1]) as server:
        for name in wanted:
            _, command, pipeline = name.split("/")
            pipeline = int(pipeline.removeprefix("p"))
            requests = plan.scaled(REQUESTS[pipeline])
            for number, program in interleaved(programs, plan.rounds):
                figures = _load(program.companion("bench", "redis-benchmark"), server, command, pipeline, requests)
                results.add(name, program.name, number, **figures)


def _load(words, server, command, pipeline, requests):
    call = ["taskset", "-c", str(GENERATOR_CPU), *words, "-h", HOST, "-p", str(server.port), "-n", str(requests),
            "-c", str(CLIENTS), "-P", str(pipeline), "-r", str(KEYS), "-t", command]
    foreign, before = ForeignCpus([server.pid]), resource.getrusage(resource.RUSAGE_CHILDREN)
    out = subprocess.run(call, capture_output=True, text=True, timeout=300, check=True).stdout
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {**parse(out), "generator_cpu_us": cpu_s / requests * 1e6, "foreign_cpus": foreign.cpus()}
