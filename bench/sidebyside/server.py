"""Servers under test: a command line, a port and a directory of their own, killed at the end."""
import contextlib
import os
import random
import shlex
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from .machine import process_cpu_s, resident_bytes
from .resp import HOST, Connection, ReplyError

_CPUS = sorted(os.sched_getaffinity(0))
# Two different CPUs where there are two; with one, figures of time mean little.
SERVER_CPU = _CPUS[0]
GENERATOR_CPU = _CPUS[1 % len(_CPUS)]
BOTH_CPUS = tuple(sorted({SERVER_CPU, GENERATOR_CPU}))

BASE_CONFIG = {
    "bind": HOST,
    "protected-mode": "no",
    "daemonize": "no",
    "save": '""',
    "appendonly": "no",
    "maxclients": "12000",
}


# From a port of clients to that of the cluster's bus.
BUS_PORT_OFFSET = 10_000


class Program:
    """`NAME=COMMAND`: how a server is called. `{conf}` in the command is the place of the
    configuration file, which else comes last."""

    def __init__(self, text):
        self.name, equals, command = text.partition("=")
        if not equals or not self.name or not command:
            raise ValueError(f"expected NAME=COMMAND, got {text!r}")
        self.words = shlex.split(os.path.expandvars(command))
        found = shutil.which(self.words[0])
        if found is None:
            raise ValueError(f"{self.name}: no program {self.words[0]!r}")
        self.words[0] = os.path.abspath(found)

    def call(self, config):
        """The words of the call with this configuration file."""
        if any("{conf}" in word for word in self.words):
            return [word.replace("{conf}", config) for word in self.words]
        return [*self.words, config]

    def companion(self, subcommand, name):
        """The words that call another program that belongs to this one: `dunlin bench` to `dunlin server`,
        what lies beside it under `name` to another."""
        executable, *words = self.words
        return [executable, subcommand] if words[:1] == ["server"] else [str(Path(executable).with_name(name))]

    def version(self):
        """First line of `--version`, shortened to the words that matter."""
        words = [w for w in self.words if "{conf}" not in w]
        out = subprocess.run([*words, "--version"], capture_output=True, text=True, timeout=10, check=False)
        line = (out.stdout or out.stderr).strip().split("\n")[0]
        return " ".join(w for w in line.split() if not w.startswith(("sha=", "malloc=", "bits=", "build=")))


def free_port():
    """A port in 20000..31999 that nobody listens on."""
    for _ in range(1000):
        port = random.randint(20000, 31999)
        with socket.socket() as s, contextlib.suppress(OSError):
            s.bind((HOST, port))
            return port
    raise RuntimeError("no free port")


def free_bus_port():
    """A port in 10000..19999 that nobody listens on, nor on the port of the bus that follows from it."""
    for _ in range(1000):
        port = random.randint(10000, 19999)
        with socket.socket() as s, socket.socket() as bus, contextlib.suppress(OSError):
            s.bind((HOST, port))
            bus.bind((HOST, port + BUS_PORT_OFFSET))
            return port
    raise RuntimeError("no free port")


class Server:
    """A running server, pinned to one CPU unless told otherwise; a context manager that ends it."""

    def __init__(self, program, config=None, wrapper=(), cpus=(SERVER_CPU,)):
        self.program = program
        self.name = program.name
        self._config = {**BASE_CONFIG, **(config or {})}
        self._wrapper = list(wrapper)
        self._cpus = ",".join(map(str, cpus))
        self._process = None

    def __enter__(self):
        self.directory = tempfile.mkdtemp(prefix=f"bench-{self.name}-")
        is_of_cluster = self._config.get("cluster-enabled") == "yes"
        self.port = free_bus_port() if is_of_cluster else free_port()
        try:
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _start(self):
        config = Path(self.directory, "server.conf")
        lines = {**self._config, "port": self.port, "dir": self.directory}
        config.write_text("".join(f"{name} {value}\n" for name, value in lines.items()))
        self._log = open(Path(self.directory, "log"), "wb")
        self._launch(60 if self._wrapper else 20)

    def _launch(self, ready_s):
        config = Path(self.directory, "server.conf")
        started = time.perf_counter()
        self._process = subprocess.Popen(
            ["taskset", "-c", self._cpus, *self._wrapper, *self.program.call(str(config))],
            stdin=subprocess.DEVNULL, stdout=self._log, stderr=self._log, cwd=self.directory)
        self._wait_for_pong(started + ready_s)
        self.start_to_pong_s = time.perf_counter() - started

    def _wait_for_pong(self, deadline):
        while time.perf_counter() < deadline:
            if self._process.poll() is not None:
                raise RuntimeError(f"{self.name} exited:\n{self.log()}")
            try:
                with Connection(self.port, timeout_s=20) as connection:
                    if connection("PING") == "PONG":
                        return
            except ReplyError:
                time.sleep(0.002)  # it is loading, and is not to be disturbed
            except OSError:
                time.sleep(0.0002)
        raise RuntimeError(f"{self.name} does not answer:\n{self.log()}")

    def __exit__(self, *_):
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._log.close()
        shutil.rmtree(self.directory, ignore_errors=True)

    def kill(self):
        """Ends the server at once; its files stay."""
        self._process.kill()
        self._process.wait()

    def start_again(self, ready_s):
        """Starts on the files that are there; `start_to_pong_s` includes loading them."""
        self._launch(ready_s)

    @property
    def pid(self):
        """Process id."""
        return self._process.pid

    def stop(self, timeout_s):
        """Asks the server to end, and waits until it has."""
        self._process.terminate()
        self.wait(timeout_s)

    def wait(self, timeout_s):
        """Waits until the server has ended."""
        self._process.wait(timeout_s)

    def log(self):
        """The end of what the server wrote."""
        return Path(self.directory, "log").read_bytes()[-1000:].decode(errors="replace")

    def connect(self, timeout_s=120.0):
        """A new connection."""
        return Connection(self.port, timeout_s)

    def command(self, *words):
        """Runs one command on a connection of its own."""
        with self.connect() as connection:
            return connection(*words)

    def cpu_s(self):
        """CPU time used so far, in seconds."""
        return process_cpu_s(self.pid)

    def memory(self):
        """(used_memory, resident) in bytes once deferred work no longer moves them."""
        last = None
        with self.connect() as connection:
            for _ in range(60):
                used = int(connection.info("memory")["used_memory"])
                if last is not None and abs(used - last) < 32 * 1024:
                    break
                last = used
                time.sleep(0.3)
        return used, resident_bytes(self.pid)


@contextlib.contextmanager
def all_of(programs, config=None):
    """One server for each program, all running at once."""
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(Server(program, config)) for program in programs]


def interleaved(servers, rounds):
    """(round, server) in the order A B, B A, A B ..., so that drift meets all alike."""
    for number in range(rounds):
        for server in servers if number % 2 == 0 else reversed(servers):
            yield number, server
