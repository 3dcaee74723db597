"""CPU per request of the commands on collections: 50 clients, pipeline 16, 3-byte elements.

LPUSH, RPOP and LRANGE_100 work on one list, XADD on one stream, SADD, HSET and ZADD on one
collection that grows towards a million members: what redis-benchmark sends under these names.
"""
from ..generator import KEYS, redis_benchmark
from ..resp import encode
from ..server import all_of, interleaved

PIPELINE = 16
REQUESTS = 1_000_000
# What is sent, which list is there before, and the share of the requests.
TESTS = {
    "lpush": (["-t", "lpush"], 0, 1.0),
    "rpop": (["-t", "rpop"], REQUESTS, 1.0),
    "sadd": (["-t", "sadd"], 0, 1.0),
    "hset": (["-t", "hset"], 0, 1.0),
    "zadd": (["-t", "zadd"], 0, 0.5),
    "xadd": (["XADD", "mystream", "*", "myfield", "xxx"], 0, 1.0),
    "lrange_100": (["LRANGE", "mylist", "0", "99"], 1000, 0.2),
}


def names(quick):
    """`types/<command>/p16`."""
    return [f"types/{test}/p{PIPELINE}" for test in (["lpush", "hset", "zadd"] if quick else TESTS)]


def run(wanted, programs, results, plan):
    """Measures; all servers run at once, one of them under load."""
    with all_of(programs) as servers:
        for test, (words, list_len, share) in TESTS.items():
            name = f"types/{test}/p{PIPELINE}"
            if name not in wanted:
                continue
            requests = plan.scaled(REQUESTS * share)
            for number, server in interleaved(servers, plan.rounds):
                _prepare(server, min(list_len, requests) if list_len == REQUESTS else list_len)
                with plan.undisturbed(server):
                    figures = redis_benchmark(server, requests, words, pipeline=PIPELINE, keys=KEYS)
                results.add(name, server.name, number, **figures)


def _prepare(server, list_len):
    """Nothing but a list of `list_len` elements."""
    request = encode("LPUSH", "mylist", *["xxx"] * 100)
    with server.connect() as connection:
        connection("FLUSHALL")
        for start in range(0, list_len, 2000):
            count = min(20, (list_len - start + 99) // 100)
            connection.exchange(request * count, count)
