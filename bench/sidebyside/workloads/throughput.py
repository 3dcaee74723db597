"""Requests per second, latency and CPU per request: 50 clients, a million random keys."""
from ..generator import KEYS, batches, load_keys, redis_benchmark
from ..server import all_of, interleaved

REQUESTS = {1: 200_000, 16: 1_000_000, 64: 2_000_000}
MSET_SHARE = 0.2
COUNTER = b"*3\r\n$3\r\nSET\r\n$20\r\ncounter:%012d\r\n$1\r\n1\r\n"
TESTS = {"ping": "ping_mbulk", "get": "get", "set": "set", "incr": "incr", "mset10": "mset"}
QUICK = [("get", 1, 3), ("set", 1, 3), ("get", 16, 3), ("set", 16, 3)]
ALL = [
    *((test, pipeline, 3) for pipeline in (1, 16, 64) for test in ("get", "set")),
    *(("incr", pipeline, 3) for pipeline in (1, 16)),
    ("mset10", 16, 3),
    ("ping", 1, 3), ("ping", 16, 3),
    ("get", 16, 1024), ("set", 16, 1024),
]


def _name(test, pipeline, value_bytes):
    return f"throughput/{test}/p{pipeline}" + ("" if value_bytes == 3 else f"/{value_bytes}b")


def names(quick):
    """`throughput/<test>/p<pipeline>`, with the size of the value where it is not 3 bytes."""
    return [_name(*one) for one in (QUICK if quick else ALL)]


def _preload(server, value_bytes):
    """Every key that a request may name, so that GET finds and INCR and SET replace."""
    if value_bytes == 3:
        template = b"*3\r\n$3\r\nSET\r\n$16\r\nkey:%012d\r\n$3\r\nxxx\r\n"
        with server.connect() as connection:
            connection.load(batches(template, range(KEYS)))
            connection.load(batches(COUNTER, range(KEYS)))
    else:
        load_keys(server, range(KEYS), value_bytes)


def run(wanted, programs, results, plan):
    """Measures; all servers run at once, one of them under load."""
    chosen = [one for one in ALL if _name(*one) in wanted]
    for size in dict.fromkeys(value_bytes for _, _, value_bytes in chosen):
        with all_of(programs) as servers:
            for server in servers:
                _preload(server, size)
            for test, pipeline, value_bytes in chosen:
                if value_bytes == size:
                    _measure(servers, test, pipeline, value_bytes, results, plan)


def _measure(servers, test, pipeline, value_bytes, results, plan):
    share = MSET_SHARE if test == "mset10" else 1.0
    requests = plan.scaled(REQUESTS[pipeline] * share)
    for number, server in interleaved(servers, plan.rounds):
        with plan.undisturbed(server):
            figures = redis_benchmark(server, requests, ["-t", TESTS[test]], pipeline=pipeline, value_bytes=value_bytes)
        results.add(_name(test, pipeline, value_bytes), server.name, number, **figures)
