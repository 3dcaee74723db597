"""What the kernel knows: CPU time, memory, and how busy the rest of the machine is."""
import contextlib
import os
import platform
import time
from pathlib import Path

TICKS_PER_S = os.sysconf("SC_CLK_TCK")
# More CPUs than this used by processes that are not part of a measurement make its row suspect.
FOREIGN_CPUS_MAX = 0.1


def process_cpu_s(pid):
    """CPU time of all threads of a process that are alive, in seconds.

    From `schedstat` in nanoseconds; `/proc/PID/stat`, which has 10 ms ticks, where there is none.
    """
    try:
        tasks = Path(f"/proc/{pid}/task").iterdir()
        return sum(int((t / "schedstat").read_text().split()[0]) for t in tasks) / 1e9
    except (OSError, ValueError, IndexError):
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICKS_PER_S


def resident_bytes(pid):
    """Resident memory of a process, exact (`/proc/PID/status` may lag by some pages)."""
    return _rollup_bytes(pid, "Rss")


def tree_bytes(pid):
    """Memory of a process and its forked children that is not a file's; pages they share count once."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    if not children:
        return _rollup_bytes(pid, "Anonymous")
    with contextlib.suppress(OSError):
        return sum(_rollup_bytes(process, "Pss_Anon") for process in (pid, *children))
    return _rollup_bytes(pid, "Anonymous")  # a child has just ended


def _rollup_bytes(pid, field):
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1]) * 1024
    raise RuntimeError(f"no {field} of process {pid}")


def busy_s():
    """CPU time that all CPUs have spent not idle since boot, in seconds (steal included)."""
    v = [int(x) for x in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    return (sum(v) - v[3] - v[4]) / TICKS_PER_S


def anonymous_bytes():
    """Memory of all processes that is not a file's: what a fork's copies and buffers add to."""
    text = Path("/proc/meminfo").read_text()
    return int(text.split("AnonPages:", 1)[1].split()[0]) * 1024


def move_background(pid, command_thread, cpu):
    """Puts everything but the command thread on another CPU: forked children and other threads."""
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            others = [int(child) for child in (task / "children").read_text().split()]
            if task.name != str(command_thread):
                others.append(int(task.name))
            for other in others:
                with contextlib.suppress(OSError):
                    os.sched_setaffinity(other, {cpu})


class CommandThread:
    """The thread of a server that runs commands: the one that has used the most CPU."""

    def __init__(self, pid):
        paths = [t / "schedstat" for t in Path(f"/proc/{pid}/task").iterdir()]
        path = max(paths, key=lambda p: int(p.read_text().split()[0]))
        self.number = int(path.parent.name)
        self._file = open(path, "rb", buffering=0)

    def cpu_ns(self):
        """CPU time of the thread; exact while it sleeps, else up to a scheduler tick old."""
        return int(os.pread(self._file.fileno(), 64, 0).split()[0])

    def close(self):
        """Lets go of the file."""
        self._file.close()


@contextlib.contextmanager
def undisturbed(pids, realtime):
    """With `realtime`, this process, its new children and the servers go before all others.

    On a busy machine that keeps the time slices of strangers out of latencies; it needs root and
    starves the strangers, so it lasts for one measured slice only. What a server begins meanwhile
    (a child that writes a snapshot, a thread) has the usual place behind it.
    """
    if not realtime:
        yield
        return
    of_servers = [int(t.name) for pid in pids for t in Path(f"/proc/{pid}/task").iterdir()]
    tasks = [0, *of_servers]
    os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    for task in of_servers:
        os.sched_setscheduler(task, os.SCHED_FIFO | os.SCHED_RESET_ON_FORK, os.sched_param(1))
    try:
        yield
    finally:
        for task in tasks:
            with contextlib.suppress(ProcessLookupError):
                os.sched_setscheduler(task, os.SCHED_OTHER, os.sched_param(0))


class ForeignCpus:
    """CPUs used by everything outside a measurement, between its two ends.

    `own` are process ids of servers; the harness and its finished children are known by itself.
    """

    def __init__(self, own=()):
        self._own = list(own)
        self._start = self._sample()

    def _sample(self):
        t = os.times()
        mine = t.user + t.system + t.children_user + t.children_system
        return time.perf_counter(), busy_s(), mine + sum(process_cpu_s(p) for p in self._own)

    def cpus(self):
        """Mean number of CPUs that others used since this value was made."""
        (t0, busy0, own0), (t1, busy1, own1) = self._start, self._sample()
        return max(0.0, (busy1 - busy0 - (own1 - own0)) / max(t1 - t0, 1e-9))


def describe():
    """One sentence on the machine, for the head of a report."""
    model = next((line.split(":", 1)[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines()
                  if line.startswith("model name")), platform.machine())
    total_kb = int(Path("/proc/meminfo").read_text().split("MemTotal:", 1)[1].split()[0])
    return (f"{os.cpu_count()} CPUs ({model}), {total_kb / 2**20:.0f} GiB of memory, "
            f"Linux {platform.release()}, Python {platform.python_version()}")
