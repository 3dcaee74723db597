"""The cluster manager of each program's redis-cli, on nodes of that program; all share both CPUs.

`create`: six nodes without data, three of them replicas; seconds of `--cluster create`.
`reshard`: 4,096 slots that hold a million keys of 64-byte values move from one of three primaries to
another; keys per second of `--cluster reshard`.
`reshard-live`: the same with a client that reads and writes the keys that move, at most two thousand
commands a second; its latency before and meanwhile, and how many CPUs each of the nodes and the manager use.
`rebalance`: an empty fourth primary gets its share of the slots of three, which hold no keys; seconds.
`fix`: 100 slots that are open at both ends, without keys, are closed; seconds.
"""
import binascii
import contextlib
import itertools
import random
import resource
import subprocess
import threading
import time

from ..generator import batches, set_columns, set_request
from ..machine import ForeignCpus
from ..resp import HOST, ReplyError, wait_until
from ..server import BOTH_CPUS, Server
from .cluster import each_round

SLOTS, PRIMARIES = 16384, 3
MOVED_SLOTS, MOVED_KEYS, VALUE_BYTES = 4096, 1_000_000, 64
OPEN_SLOTS = 100
# The live client is idle for so long between two commands, and so long watched before the reshard.
PAUSE_S, BEFORE_S = 0.0005, 5.0
READY_S_MAX, RUN_S_MAX = 60.0, 600.0
REDIRECTS_MAX = 16


def names(quick):
    """`manager/<what>`."""
    return [f"manager/{what}" for what in MEASURES if not quick or what != "reshard-live"]


def run(wanted, programs, results, plan):
    """Measures; one cluster at a time, programs take turns."""
    for name in wanted:
        measure = MEASURES[name.split("/")[1]]
        each_round(name, programs, results, plan, lambda program, measure=measure: measure(program, plan))


class Cluster:
    """Nodes of one program, and its cluster manager."""

    def __init__(self, program, nodes):
        self.nodes = nodes
        self._cli = program.companion("cli", "redis-cli")

    def manage(self, *words):
        """One run of the manager; seconds it took, and its processor time in seconds."""
        before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        done = subprocess.run([*self._cli, "--cluster", *words], capture_output=True, text=True, timeout=RUN_S_MAX,
                              check=False)
        took, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
        if done.returncode != 0:
            raise RuntimeError(f"--cluster {words[0]} ended with {done.returncode}:\n{(done.stdout + done.stderr)[-500:]}")
        return took, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    def form(self):
        """Makes the first three nodes a cluster, and waits until they agree."""
        self.manage("create", *map(address, self.nodes[:PRIMARIES]), "--cluster-yes")
        self.wait_until_agreed(self.nodes[:PRIMARIES])

    def wait_until_agreed(self, nodes):
        """Until each node says that all is well, and who owns what in the same way."""
        def agree():
            with contextlib.ExitStack() as stack:
                links = [stack.enter_context(node.connect()) for node in nodes]
                is_ok = all(b"cluster_state:ok" in link("CLUSTER", "INFO") for link in links)
                return is_ok and len({str(sorted(owners(link))) for link in links}) == 1
        wait_until(agree, READY_S_MAX, "the nodes to agree")


def address(node):
    """As the manager takes it."""
    return f"{HOST}:{node.port}"


def owners(connection):
    """(first slot, last slot, port) of all ranges."""
    return [(first, last, primary[1]) for first, last, primary, *_ in connection("CLUSTER", "SLOTS")]


def slot_of(key):
    """The slot of a key without a tag."""
    return binascii.crc_hqx(key, 0) % SLOTS


@contextlib.contextmanager
def _cluster(program, nodes):
    with contextlib.ExitStack() as stack:
        config = {"cluster-enabled": "yes", "cluster-node-timeout": 5000}
        yield Cluster(program, [stack.enter_context(Server(program, config, cpus=BOTH_CPUS)) for _ in range(nodes)])


def _watched(cluster, *words):
    """A run of the manager: seconds, and what a row needs of the CPUs meanwhile."""
    foreign = ForeignCpus([node.pid for node in cluster.nodes])
    before = [node.cpu_s() for node in cluster.nodes]
    took, manager_s = cluster.manage(*words)
    used = [node.cpu_s() - cpu_s for node, cpu_s in zip(cluster.nodes, before)]
    return took, {"manager_cpus": manager_s / took, "source_cpus": used[0] / took, "target_cpus": used[1] / took,
                  "foreign_cpus": foreign.cpus()}


def _create(program, _plan):
    with _cluster(program, 2 * PRIMARIES) as cluster:
        took, cpus = _watched(cluster, "create", *map(address, cluster.nodes), "--cluster-replicas", "1", "--cluster-yes")
        return {"run_s": took, "foreign_cpus": cpus["foreign_cpus"]}


def _rebalance(program, _plan):
    with _cluster(program, PRIMARIES + 1) as cluster:
        cluster.form()
        cluster.manage("add-node", address(cluster.nodes[-1]), address(cluster.nodes[0]))
        cluster.wait_until_agreed(cluster.nodes)
        took, cpus = _watched(cluster, "rebalance", address(cluster.nodes[0]), "--cluster-use-empty-masters")
        return {"run_s": took, "foreign_cpus": cpus["foreign_cpus"]}


def _fix(program, _plan):
    with _cluster(program, PRIMARIES) as cluster:
        cluster.form()
        source, target = (node.command("CLUSTER", "MYID").decode() for node in cluster.nodes[:2])
        for slot in range(OPEN_SLOTS):
            cluster.nodes[1].command("CLUSTER", "SETSLOT", slot, "IMPORTING", source)
            cluster.nodes[0].command("CLUSTER", "SETSLOT", slot, "MIGRATING", target)
        took, cpus = _watched(cluster, "fix", address(cluster.nodes[0]))
        return {"run_s": took, "foreign_cpus": cpus["foreign_cpus"]}


@contextlib.contextmanager
def _loaded(program, plan):
    """Three primaries, of which the first has all keys; with the numbers of those."""
    with _cluster(program, PRIMARIES) as cluster:
        cluster.form()
        keys = plan.scaled(MOVED_KEYS)
        numbers = list(itertools.islice((n for n in itertools.count() if slot_of(b"key:%012d" % n) < MOVED_SLOTS), keys))
        columns = set_columns(VALUE_BYTES)
        with cluster.nodes[0].connect() as connection:
            connection.load(batches(set_request(VALUE_BYTES), range(keys), columns=lambda at: columns(numbers[at])))
        yield cluster, numbers


def _move(cluster, keys):
    source, target = (node.command("CLUSTER", "MYID").decode() for node in cluster.nodes[:2])
    took, cpus = _watched(cluster, "reshard", address(cluster.nodes[0]), "--cluster-from", source, "--cluster-to", target,
                          "--cluster-slots", str(MOVED_SLOTS), "--cluster-yes")
    moved = cluster.nodes[1].command("DBSIZE")
    if moved != keys or cluster.nodes[0].command("DBSIZE") != 0:
        raise RuntimeError(f"{moved} of {keys} keys have moved")
    return {"keys_s": keys / took, **cpus}


def _reshard(program, plan):
    with _loaded(program, plan) as (cluster, numbers):
        return _move(cluster, len(numbers))


def _reshard_live(program, plan):
    with _loaded(program, plan) as (cluster, numbers), LiveClient(cluster, numbers) as client:
        time.sleep(BEFORE_S)
        before = client.take()
        figures = _move(cluster, len(numbers))
        meanwhile = client.take()
        return {**figures, "before_p999_ms": percentile(before, 0.999), "p50_ms": percentile(meanwhile, 0.5),
                "p99_ms": percentile(meanwhile, 0.99), "p999_ms": percentile(meanwhile, 0.999),
                "max_ms": meanwhile[-1], "p999_growth": percentile(meanwhile, 0.999) / percentile(before, 0.999),
                "errors": client.errors}


def percentile(ordered, share):
    """Of values in rising order."""
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


class LiveClient:
    """A thread that reads and writes random keys, one command at a time, and follows redirections as
    libraries do; a context manager."""

    def __init__(self, cluster, numbers):
        self._numbers = numbers
        self._connections = {node.port: node.connect() for node in cluster.nodes}
        self._owners = [0] * SLOTS
        for first, last, port in owners(next(iter(self._connections.values()))):
            self._owners[first:last + 1] = [port] * (last - first + 1)
        self._stop, self._thread = threading.Event(), threading.Thread(target=self._work)
        self._took_ms = []
        self.errors = 0

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()
        for connection in self._connections.values():
            connection.close()

    def take(self):
        """Milliseconds of each command since the last call, in rising order."""
        taken, self._took_ms = self._took_ms, []
        return sorted(taken)

    def _work(self):
        rng = random.Random(7)
        value = b"v" * VALUE_BYTES
        while not self._stop.is_set():
            key = b"key:%012d" % rng.choice(self._numbers)
            words = (b"GET", key) if rng.random() < 0.5 else (b"SET", key, value)
            started = time.perf_counter()
            try:
                is_wrong = self._call(slot_of(key), words) is None
            except (OSError, ReplyError):
                is_wrong = True
            self._took_ms.append((time.perf_counter() - started) * 1000)
            self.errors += is_wrong
            time.sleep(PAUSE_S)

    def _call(self, slot, words):
        """The reply; `None` where a key is missing, which none may be."""
        port, is_asking = self._owners[slot], False
        for _ in range(REDIRECTS_MAX):
            connection = self._connections[port]
            try:
                return connection.send_all([("ASKING",), words])[1] if is_asking else connection(*words)
            except ReplyError as error:
                kind, _, to = str(error).split(" ")[:3] if str(error).startswith(("MOVED", "ASK ")) else ("", "", "")
                if not kind:
                    raise
                port, is_asking = int(to.rsplit(":", 1)[1]), kind == "ASK"
                if not is_asking:
                    self._owners[slot] = port
        raise ReplyError("too many redirections")


MEASURES = {"create": _create, "reshard": _reshard, "reshard-live": _reshard_live, "rebalance": _rebalance, "fix": _fix}
