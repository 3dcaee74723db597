"""CPU of the command thread for commands on large collections, and for UNLINK of one.

Each command is sent alone, over and over, by one connection; figures are server CPU per command.
SORT and UNLINK are slow enough to be timed once a round. `unlink` is the time the command thread
spent, as `INFO commandstats` tells it: the value itself is dropped on another thread.
"""
import random

from ..machine import ForeignCpus
from ..resp import encode
from ..server import all_of, interleaved

MEMBERS = 1_000_000
SET_MEMBERS = 100_000
UNLINK_MEMBERS = 10_000_000
PER_REQUEST = 100
# Commands of one kind that are sent in one go; their replies are read before the next go.
PER_EXCHANGE = 50
SCORE_MAX = 1_000_000


def _score(rng):
    return f"{rng.random() * SCORE_MAX:.6f}"


def _load_sorted_set(connection, count, rng):
    for first in range(0, count, PER_REQUEST):
        words = [w for i in range(first, first + PER_REQUEST) for w in (_score(rng), f"member:{i:09}")]
        connection.exchange(encode("ZADD", "zset", *words), 1)


def _load_sets(connection, count, rng):
    for key in ("set1", "set2"):
        members = rng.sample(range(2 * count), count)
        for first in range(0, count, PER_REQUEST):
            connection.exchange(encode("SADD", key, *(f"m:{i}" for i in members[first:first + PER_REQUEST])), 1)


def _load_list(connection, count, rng):
    for _ in range(0, count, PER_REQUEST):
        connection.exchange(encode("RPUSH", "list", *(rng.randrange(10**9) for _ in range(PER_REQUEST))), 1)


def _load_hll(connection, count, rng):
    for key in ("hll1", "hll2"):
        for _ in range(0, count, PER_REQUEST):
            connection.exchange(encode("PFADD", key, *(rng.randrange(10**12) for _ in range(PER_REQUEST))), 1)


def _load_points(connection, count, rng):
    for first in range(0, count, PER_REQUEST):
        words = [w for i in range(first, first + PER_REQUEST)
                 for w in (f"{rng.uniform(-180, 180):.6f}", f"{rng.uniform(-85, 85):.6f}", f"point:{i}")]
        connection.exchange(encode("GEOADD", "geo", *words), 1)


def _zadd(rng):
    return ("ZADD", "zset", _score(rng), f"member:{rng.randrange(MEMBERS):09}")


def _zrank(rng):
    return ("ZRANK", "zset", f"member:{rng.randrange(MEMBERS):09}")


def _zrange(rng):
    low = rng.random() * SCORE_MAX
    return ("ZRANGE", "zset", f"{low:.6f}", f"{low + 100:.6f}", "BYSCORE")


def _geosearch(rng):
    return ("GEOSEARCH", "geo", "FROMLONLAT", f"{rng.uniform(-170, 170):.4f}", f"{rng.uniform(-70, 70):.4f}",
            "BYRADIUS", "200", "km", "ASC", "COUNT", "50")


# Name: what is loaded, how many members, the command, how often it is sent in a round.
COMMANDS = {
    "zadd": (_load_sorted_set, MEMBERS, _zadd, 200_000),
    "zrank": (_load_sorted_set, MEMBERS, _zrank, 200_000),
    "zrange-byscore": (_load_sorted_set, MEMBERS, _zrange, 50_000),
    "sinter": (_load_sets, SET_MEMBERS, lambda rng: ("SINTER", "set1", "set2"), 20),
    "sort": (_load_list, MEMBERS, lambda rng: ("SORT", "list"), 2),
    "pfcount": (_load_hll, SET_MEMBERS, lambda rng: ("PFCOUNT", "hll1", "hll2"), 5_000),
    "geosearch": (_load_points, MEMBERS, _geosearch, 2_000),
}


def names(quick):
    """`collections/<command>`."""
    return [f"collections/{command}" for command in (["zadd"] if quick else [*COMMANDS, "unlink"])]


def run(wanted, programs, results, plan):
    """Measures; servers that hold the same data run at once, one of them under load."""
    chosen = [command for command in COMMANDS if f"collections/{command}" in wanted]
    for load in dict.fromkeys(COMMANDS[command][0] for command in chosen):
        with all_of(programs) as servers:
            same = [command for command in chosen if COMMANDS[command][0] is load]
            for server in servers:
                with server.connect() as connection:
                    load(connection, plan.scaled(COMMANDS[same[0]][1]), random.Random(1))
            for command in same:
                for number, server in interleaved(servers, plan.rounds):
                    with plan.undisturbed(server):
                        figures = _measure(server, command, number, plan)
                    results.add(f"collections/{command}", server.name, number, **figures)
    if "collections/unlink" in wanted:
        _unlink(programs, results, plan)


def _measure(server, command, number, plan):
    _, _, words, count = COMMANDS[command]
    count, rng = plan.scaled(count, 1), random.Random(100 + number)
    foreign, cpu = ForeignCpus([server.pid]), server.cpu_s()
    with server.connect() as connection:
        for first in range(0, count, PER_EXCHANGE):
            connection.send_all([words(rng) for _ in range(min(PER_EXCHANGE, count - first))])
    return {"cpu_us": (server.cpu_s() - cpu) / count * 1e6, "foreign_cpus": foreign.cpus()}


def _unlink(programs, results, plan):
    count = plan.scaled(UNLINK_MEMBERS)
    with all_of(programs) as servers:
        for server in servers:
            with server.connect() as connection:
                for first in range(0, count, 1000):
                    connection.exchange(encode("SADD", "set", *(f"m:{i}" for i in range(first, first + 1000))), 1)
                connection("CONFIG", "RESETSTAT")
                connection("UNLINK", "set")
                stats = connection.info("commandstats")["cmdstat_unlink"]
            took_us = float(dict(field.split("=") for field in stats.split(","))["usec"])
            results.add("collections/unlink", server.name, 0, command_ms=took_us / 1000)
