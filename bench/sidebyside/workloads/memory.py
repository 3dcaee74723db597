"""Bytes per key, member or entry: what a data set adds to used_memory and to resident memory.

Strings are ten million keys of 16 bytes. Of the collections, those with a count in their name are a
million keys (bytes per key); the others are one key of a million members (bytes per member).
"""
import random

from ..generator import batches, load_keys
from ..resp import encode
from ..server import Server

KEYS = 10_000_000
TTL_S = 8_640_000
STRINGS = {"memory/8": (8, ()), "memory/64": (64, ()), "memory/64-ttl": (64, ("EX", TTL_S))}
MEMBERS = 1_000_000
PER_REQUEST = 100


def _template(command, *places):
    """A request with a place for the number of its key, and `places` as (length, format)."""
    out = b"*%d\r\n$%d\r\n%s\r\n$16\r\nkey:%%012d\r\n" % (len(places) + 2, len(command), command)
    return out + b"".join(b"$%d\r\n%s\r\n" % place for place in places)


def _hash10(count):
    places = [place for j in range(10) for place in ((2, b"f%d" % j), (8, b"%08d"))]
    return batches(_template(b"HSET", *places), range(count),
                   columns=lambda i: (i, *((i * 7 + j * 1_000_003) % 100_000_000 for j in range(10))))


def _hash5(count):
    places = [place for j in range(5) for place in ((2, b"f%d" % j), (100, b"%0100d"))]
    return batches(_template(b"HSET", *places), range(count), columns=lambda i: (i, *(i + j for j in range(5))))


def _set20(count):
    return batches(_template(b"SADD", *[(5, b"%05d")] * 20), range(count),
                   columns=lambda i: (i, *(10_000 + (i * 31 + j * 4001) % 90_000 for j in range(20))))


def _set1(count):
    return batches(_template(b"SADD", (65, b"%065d")), range(count), columns=lambda i: (i, i))


def _sorted_set(count):
    scores = random.Random(1)
    for first in range(0, count, PER_REQUEST):
        words = []
        for i in range(first, first + PER_REQUEST):
            words += [f"{scores.random() * 90_000 + 1:012.6f}", f"member:{i:09}"]
        yield encode("ZADD", "key", *words), 1


def _list(count):
    for first in range(0, count, PER_REQUEST):
        yield encode("RPUSH", "key", *(f"item:{i:011}" for i in range(first, first + PER_REQUEST))), 1


def _stream(count):
    template = b"*7\r\n$4\r\nXADD\r\n$3\r\nkey\r\n$1\r\n*\r\n$6\r\nsensor\r\n$6\r\n%06d\r\n$4\r\ntemp\r\n$8\r\n%08d\r\n"
    # A reply to XADD is two lines.
    for request, number in batches(template, range(count), columns=lambda i: (i, i * 7919 % 100_000_000)):
        yield request, 2 * number


COLLECTIONS = {
    "memory/hash-10": _hash10,
    "memory/hash-5-of-100-bytes": _hash5,
    "memory/set-20-integers": _set20,
    "memory/set-1-of-65-bytes": _set1,
    "memory/sorted-set": _sorted_set,
    "memory/list": _list,
    "memory/stream": _stream,
}


def names(quick):
    """`memory/<bytes of the value>[-ttl]` and `memory/<collection>`."""
    return ["memory/8", "memory/hash-10", "memory/sorted-set"] if quick else [*STRINGS, *COLLECTIONS]


def run(wanted, programs, results, plan):
    """Measures; one server at a time, once: the figures do not depend on other load."""
    for name in wanted:
        count = plan.scaled(KEYS if name in STRINGS else MEMBERS)
        for program in programs:
            with Server(program) as server:
                used, resident = server.memory()
                _load(server, name, count)
                used_after, resident_after = server.memory()
                results.add(name, server.name, 0, used_bytes=(used_after - used) / count,
                            resident_bytes=(resident_after - resident) / count)


def _load(server, name, count):
    if name in STRINGS:
        value_bytes, options = STRINGS[name]
        return load_keys(server, range(count), value_bytes, *options)
    with server.connect() as connection:
        connection.load(COLLECTIONS[name](count))
