"""Memory of an idle connection: ten thousand that have sent one PING each."""
import contextlib
import resource
import time

from ..server import Server

CONNECTIONS = 10_000
# Servers give the buffers of a client back some seconds after its last request.
REST_S = 5.0


def names(quick):
    """`process/connections`."""
    return ["process/connections"]


def run(wanted, programs, results, plan):
    """Measures; one server at a time, once. Memory of the kernel for sockets does not count."""
    del plan
    number = _files_allowed(CONNECTIONS)
    for name in wanted:
        for program in programs:
            with Server(program) as server, contextlib.ExitStack() as stack:
                used, resident = server.memory()
                for _ in range(number):
                    stack.enter_context(server.connect())("PING")
                time.sleep(REST_S)
                used_after, resident_after = server.memory()
                results.add(name, server.name, 0, used_bytes=(used_after - used) / number,
                            resident_bytes=(resident_after - resident) / number)


def _files_allowed(wanted):
    """Raises the limit of open files as far as it goes; servers inherit it."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return wanted if hard == resource.RLIM_INFINITY else min(wanted, hard - 200)
