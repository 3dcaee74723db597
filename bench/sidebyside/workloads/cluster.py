"""Clusters of six nodes of one program, three primaries with a replica each, made by the redis-cli that
is installed; all six share both CPUs.

`create`: from the start of `redis-cli --cluster create` until all six nodes report `cluster_state:ok`.
`failover-<node timeout>`: kill -9 of a primary; until its slots take writes again, and how long those
of another primary refused them meanwhile (first to last CLUSTERDOWN).
`migrate`: small keys move from one server to another, ten with each MIGRATE; CPU of both per key. Neither
is in a cluster, where the ten would have to be in one slot.
`get/p16`, `get-standalone/p16`: GET of a million keys at pipeline 16 from one node that owns all
slots, and from the same server outside a cluster.
"""
import contextlib
import subprocess
import time

from ..generator import load_keys, redis_benchmark
from ..machine import ForeignCpus
from ..resp import HOST, ReplyError, wait_until
from ..server import BOTH_CPUS, GENERATOR_CPU, Server, interleaved
from .slots import own_all_slots

NODES, PRIMARIES, SLOTS = 6, 3, 16384
TIMEOUTS_MS = (5000, 1000)
GET_KEYS, GET_REQUESTS = 1_000_000, 2_000_000
MIGRATED_KEYS, PER_MIGRATE = 200_000, 10
READY_S_MAX = 60.0
# Keys of `find_key` are looked for among so many.
PROBES = 100_000


def names(quick):
    """`cluster/<what>`."""
    failovers = [f"failover-{timeout_ms}" for timeout_ms in TIMEOUTS_MS]
    every = ["create", *(failovers[1:] if quick else failovers), "migrate", "get/p16", "get-standalone/p16"]
    return [f"cluster/{name}" for name in every]


def run(wanted, programs, results, plan):
    """Measures; one cluster at a time."""
    if "cluster/create" in wanted:
        each_round("cluster/create", programs, results, plan, _create)
    for timeout_ms in TIMEOUTS_MS:
        if f"cluster/failover-{timeout_ms}" in wanted:
            each_round(f"cluster/failover-{timeout_ms}", programs, results, plan,
                       lambda program, timeout_ms=timeout_ms: _failover(program, timeout_ms))
    if "cluster/migrate" in wanted:
        for program in programs:
            for number, figures in enumerate(_migrate(program, plan)):
                results.add("cluster/migrate", program.name, number, **figures)
    for name, config in (("get/p16", {"cluster-enabled": "yes"}), ("get-standalone/p16", {})):
        if f"cluster/{name}" in wanted:
            _get(f"cluster/{name}", config, programs, results, plan)


def each_round(name, programs, results, plan, measure):
    """Adds the figures of one workload; programs take turns."""
    for number, program in interleaved(programs, plan.rounds):
        results.add(name, program.name, number, **measure(program))


@contextlib.contextmanager
def _nodes(program, timeout_ms):
    config = {"cluster-enabled": "yes", "cluster-node-timeout": timeout_ms, "repl-diskless-sync-delay": 0}
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(Server(program, config, cpus=BOTH_CPUS)) for _ in range(NODES)]


def _form(nodes):
    """Makes a cluster; seconds until all report ok."""
    started = time.perf_counter()
    subprocess.run(["redis-cli", "--cluster", "create", *(f"{HOST}:{node.port}" for node in nodes),
                    "--cluster-replicas", "1", "--cluster-yes"], check=True, capture_output=True, timeout=READY_S_MAX)
    with contextlib.ExitStack() as stack:
        connections = [stack.enter_context(node.connect()) for node in nodes]
        wait_until(lambda: all(b"cluster_state:ok" in connection("CLUSTER", "INFO") for connection in connections),
                   READY_S_MAX, "all nodes to report ok")
    return time.perf_counter() - started


def _create(program):
    foreign = ForeignCpus([])
    with _nodes(program, 5000) as nodes:
        took = _form(nodes)
        own = sum(node.cpu_s() for node in nodes)
        return {"create_s": took, "foreign_cpus": max(0.0, foreign.cpus() - own / took)}


def _failover(program, timeout_ms):
    with _nodes(program, timeout_ms) as nodes:
        _form(nodes)
        with contextlib.ExitStack() as stack:
            connections = [stack.enter_context(node.connect()) for node in nodes]
            wait_until(lambda: all(_is_settled(connection) for connection in connections), READY_S_MAX,
                       "all replicas to be in sync, and known as such")
            primaries = [at for at, connection in enumerate(connections) if connection("ROLE")[0] == b"master"]
            victim, witness = primaries[0], connections[primaries[1]]
            lost, kept = _find_key(connections[victim]), _find_key(witness)
            others = [connection for at, connection in enumerate(connections) if at != victim]
            foreign = ForeignCpus([node.pid for at, node in enumerate(nodes) if at != victim])
            nodes[victim].kill()
            return {**_watch(others, witness, lost, kept, timeout_ms), "foreign_cpus": foreign.cpus()}


def _watch(others, witness, lost, kept, timeout_ms):
    """Tries to write to the slots of a killed primary, and to others, until both work again."""
    started, writable_s, refused = time.perf_counter(), None, []
    deadline = started + 10 * timeout_ms / 1000 + 10
    while time.perf_counter() < deadline:
        now = time.perf_counter() - started
        is_refused = _writes(witness, kept) is False
        if is_refused:
            refused.append(now)
        if writable_s is None and any(_writes(other, lost) for other in others):
            writable_s = time.perf_counter() - started
        if writable_s is not None and not is_refused and now > writable_s + 0.5:
            return {"writable_s": writable_s, "refused_s": refused[-1] - refused[0] if refused else 0.0}
        time.sleep(0.002)
    raise RuntimeError("no replica took over")


def _writes(connection, key):
    """Whether a SET is taken; `None` if the key is another node's."""
    try:
        return connection("SET", key, "x") == "OK"
    except ReplyError as error:
        return False if str(error).startswith("CLUSTERDOWN") else None


def _find_key(connection):
    """A key that this node takes."""
    return next(key for key in (f"probe:{n}" for n in range(PROBES)) if _writes(connection, key))


def _is_settled(connection):
    """Whether a node has its replica or its primary, and sees both of the others' pairs."""
    role = connection("ROLE")
    is_in_sync = bool(role[2]) if role[0] == b"master" else role[3] == b"connected"
    return is_in_sync and connection("CLUSTER", "NODES").count(b" slave ") + (role[0] != b"master") == PRIMARIES


def _migrate(program, plan):
    keys = plan.scaled(MIGRATED_KEYS)
    with Server(program) as source, Server(program, cpus=(GENERATOR_CPU,)) as target:
        for _ in range(plan.rounds):
            load_keys(source, range(keys), 8)
            with plan.undisturbed(source, target), source.connect() as connection:
                before, foreign = (source.cpu_s(), target.cpu_s()), ForeignCpus([source.pid, target.pid])
                for first in range(0, keys, PER_MIGRATE):
                    names_of = [f"key:{n:012}" for n in range(first, min(first + PER_MIGRATE, keys))]
                    connection("MIGRATE", HOST, target.port, "", 0, 5000, "KEYS", *names_of)
                foreign = foreign.cpus()
            used = (source.cpu_s() - before[0], target.cpu_s() - before[1])
            if target.command("DBSIZE") != keys or source.command("DBSIZE") != 0:
                raise RuntimeError("not all keys have moved")
            target.command("FLUSHALL")
            yield {"cpu_us": sum(used) / keys * 1e6, "target_cpu_us": used[1] / keys * 1e6, "foreign_cpus": foreign}


def _get(name, config, programs, results, plan):
    with contextlib.ExitStack() as stack:
        servers = [stack.enter_context(Server(program, config)) for program in programs]
        for server in servers:
            if config:
                own_all_slots(server)
            load_keys(server, range(plan.scaled(GET_KEYS)), 8)
        for number, server in interleaved(servers, plan.rounds):
            with plan.undisturbed(server):
                figures = redis_benchmark(server, plan.scaled(GET_REQUESTS), ["-t", "get"], pipeline=16, value_bytes=8,
                                          keys=plan.scaled(GET_KEYS))
            results.add(name, server.name, number, **figures)
