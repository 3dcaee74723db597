"""The append-only file: SETs of 64-byte values by redis-benchmark, 50 clients, no rewrites.

`everysec/p<pipeline>`: CPU of the server per request, all threads together.
`always/p<pipeline>`: what counts is requests per second; each waits for the disk, which the servers
share with whatever else writes to it.
"""
from ..generator import redis_benchmark
from ..server import all_of, interleaved

KEYS = 100_000
VALUE_BYTES = 64
REQUESTS = {"everysec": {1: 200_000, 16: 1_000_000}, "always": {1: 100_000, 16: 500_000}}
CONFIG = {"appendonly": "yes", "auto-aof-rewrite-percentage": "0"}


def _name(policy, pipeline):
    return f"append/{policy}/p{pipeline}"


def names(quick):
    """`append/<appendfsync>/p<pipeline>`."""
    every = [_name(policy, pipeline) for policy, pipelines in REQUESTS.items() for pipeline in pipelines]
    return [name for name in every if name != "append/everysec/p1"] if quick else every


def run(wanted, programs, results, plan):
    """Measures; all servers run at once, one of them under load."""
    for policy, pipelines in REQUESTS.items():
        chosen = [pipeline for pipeline in pipelines if _name(policy, pipeline) in wanted]
        if not chosen:
            continue
        with all_of(programs, {**CONFIG, "appendfsync": policy}) as servers:
            for pipeline in chosen:
                requests = plan.scaled(pipelines[pipeline])
                for number, server in interleaved(servers, plan.rounds):
                    with plan.undisturbed(server):
                        figures = redis_benchmark(server, requests, ["-t", "set"], pipeline=pipeline,
                                                  value_bytes=VALUE_BYTES, keys=KEYS)
                    results.add(_name(policy, pipeline), server.name, number, **figures)
