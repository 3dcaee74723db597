"""Bytes per key of three million keys: spread over the 16,384 slots of a cluster, or in one table."""
import contextlib

from ..generator import load_keys
from ..resp import ReplyError, wait_until
from ..server import Server

KEYS = 3_000_000
CONFIGS = {"slots/one-table": {}, "slots/cluster": {"cluster-enabled": "yes"}}


def names(quick):
    """`slots/one-table`, `slots/cluster`."""
    return [] if quick else list(CONFIGS)


def run(wanted, programs, results, plan):
    """Measures; one server at a time, once."""
    keys = plan.scaled(KEYS)
    for name in wanted:
        for program in programs:
            with Server(program, CONFIGS[name]) as server:
                if name == "slots/cluster":
                    own_all_slots(server)
                used, resident = server.memory()
                load_keys(server, range(keys), 8)
                used_after, resident_after = server.memory()
                results.add(name, server.name, 0, used_bytes=(used_after - used) / keys,
                            resident_bytes=(resident_after - resident) / keys)


def own_all_slots(server):
    """A cluster node takes keys once it owns their slots; a server without CLUSTER takes them anyway."""
    with contextlib.suppress(ReplyError):
        server.command("CLUSTER", "ADDSLOTSRANGE", 0, 16383)
    _wait_for_writes(server)


def _wait_for_writes(server):
    def writable():
        with contextlib.suppress(ReplyError):
            return server.command("DEL", "probe") == 0
        return False

    wait_until(writable, 20, "the cluster to accept writes")
