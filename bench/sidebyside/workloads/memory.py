"""Bytes per key: what ten million keys of 16 bytes add to used_memory and to resident memory."""
from ..generator import load_keys
from ..server import Server

KEYS = 10_000_000
TTL_S = 8_640_000
SHAPES = {"memory/8": (8, ()), "memory/64": (64, ()), "memory/64-ttl": (64, ("EX", TTL_S))}


def names(quick):
    """`memory/<bytes of the value>[-ttl]`."""
    return list(SHAPES)[:1] if quick else list(SHAPES)


def run(wanted, programs, results, plan):
    """Measures; one server at a time, once: the figures do not depend on other load."""
    keys = plan.scaled(KEYS)
    for name in wanted:
        value_bytes, options = SHAPES[name]
        for program in programs:
            with Server(program) as server:
                used, resident = server.memory()
                load_keys(server, range(keys), value_bytes, *options)
                used_after, resident_after = server.memory()
                results.add(name, server.name, 0, used_bytes=(used_after - used) / keys,
                            resident_bytes=(resident_after - resident) / keys)
