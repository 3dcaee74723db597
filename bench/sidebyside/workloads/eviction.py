"""CPU per evicting write: a full server, one in a thousand keys volatile, two policies.

Every write adds a volatile key and so evicts one: with `volatile-lru` an earlier volatile one, of
which there are few; with `allkeys-lru` any.
"""
from ..generator import batches, load_keys, set_request
from ..machine import ForeignCpus
from ..server import Server

KEYS = 1_000_000
VOLATILE_EVERY = 1000
WRITES = 200_000
TTL_S = 8_640_000
VALUE_BYTES = 64
# Room for the client's buffers, so that filling up does not take many writes.
MARGIN_BYTES = 128 * 1024


def names(quick):
    """`eviction/<policy>`."""
    return ["eviction/allkeys-lru", "eviction/volatile-lru"]


def run(wanted, programs, results, plan):
    """Measures; one server at a time."""
    keys = plan.scaled(KEYS)
    for program in programs:
        for name in wanted:
            with Server(program) as server:
                _fill(server, keys, name.split("/")[1])
                for number in range(plan.rounds):
                    with plan.undisturbed(server):
                        figures = _write(server, keys * (2 + number), plan.scaled(WRITES))
                    results.add(name, server.name, number, **figures)


def _fill(server, keys, policy):
    load_keys(server, range(keys), VALUE_BYTES)
    load_keys(server, range(keys, keys + keys // VOLATILE_EVERY), VALUE_BYTES, "EX", TTL_S)
    used, _ = server.memory()
    server.command("CONFIG", "SET", "maxmemory-policy", policy)
    server.command("CONFIG", "SET", "maxmemory", used + MARGIN_BYTES)


def _write(server, first, writes):
    with server.connect() as connection:
        evicted = int(connection.info("stats")["evicted_keys"])
        foreign, cpu = ForeignCpus([server.pid]), server.cpu_s()
        connection.load(batches(set_request(VALUE_BYTES, "EX", TTL_S), range(first, first + writes), 100,
                                columns=lambda i: (i, i)))
        cpu = server.cpu_s() - cpu
        evicted = int(connection.info("stats")["evicted_keys"]) - evicted
    return {"cpu_us": cpu / writes * 1e6, "evicted": evicted / writes, "foreign_cpus": foreign.cpus()}
