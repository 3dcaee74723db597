"""From the call of the program to its first PONG; memory and CPU of the server that then idles."""
import contextlib
import time

from ..machine import resident_bytes
from ..server import Server

STARTS = 5
SETTLE_S = 1.0
IDLE_S = 5.0


def names(quick):
    """`process/start`."""
    return ["process/start"]


def run(wanted, programs, results, plan):
    """Measures; servers take turns, the last start of each is watched idling."""
    starts = max(STARTS, plan.rounds)
    for name in wanted:
        for number in range(starts):
            for program in programs:
                with contextlib.ExitStack() as stack:
                    with plan.undisturbed():
                        server = stack.enter_context(Server(program))
                    idle = _idle(server) if number == starts - 1 else {}
                    results.add(name, server.name, number, start_ms=server.start_to_pong_s * 1000, **idle)


def _idle(server):
    time.sleep(SETTLE_S)
    cpu = server.cpu_s()
    time.sleep(IDLE_S)
    return {"idle_mb": resident_bytes(server.pid) / 1e6, "idle_cpu_percent": 100 * (server.cpu_s() - cpu) / IDLE_S}
