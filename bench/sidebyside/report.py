"""Results as Markdown: the goals first, then every workload."""
from .goals import GOALS
from .machine import FOREIGN_CPUS_MAX

TITLES = {
    "requests_s": "requests/s", "p50_ms": "p50 ms", "p99_ms": "p99 ms", "p999_ms": "p99.9 ms", "max_ms": "max ms",
    "cpu_us": "server CPU µs/request", "foreign_cpus": "foreign CPUs", "used_bytes": "used_memory bytes",
    "resident_bytes": "resident bytes", "pause_ms": "longest pause ms", "round_trip_ms": "longest round trip ms",
    "slowest_command_ms": "slowest command ms", "reclaim_s": "reclaimed after s", "get_p50_ms": "GET p50 ms",
    "get_p999_ms": "GET p99.9 ms", "get_max_ms": "GET max ms", "cpu_percent": "CPU %", "start_ms": "start to PONG ms",
    "idle_mb": "idle memory MB", "idle_cpu_percent": "idle CPU %", "instructions": "instructions/request",
    "evicted": "evicted per write", "command_ms": "command thread ms",
    "save_s": "save s", "stall_ms": "longest PING at start ms", "growth_mb": "memory growth MB",
    "throughput_kept": "throughput during/before", "p999_growth": "p99.9 during/before", "runs": "runs",
    "succeeded": "succeeded", "keys_s": "keys/s", "load_s": "load s", "cpu_ns": "CPU ns/key", "changes": "changes",
    "sync_s": "sync s", "link_s": "link up after s", "partial": "partial resync", "full_syncs": "full syncs begun",
    "written_mb_s": "written MB/s", "replica_cpu_us": "replica CPU µs/request",
    "taken_mb_s": "taken MB/s",
    "create_s": "create to ok s", "writable_s": "writable again after s", "refused_s": "other slots refused s",
    "target_cpu_us": "target CPU µs/key", "generator_cpu_us": "generator CPU µs/request",
    "run_s": "run s", "manager_cpus": "CPUs of the manager", "source_cpus": "CPUs of the source",
    "target_cpus": "CPUs of the target", "before_p999_ms": "p99.9 ms before", "errors": "errors",
}
# Of these the spread and the ratio to the first server are shown.
MAIN = {"throughput": ["cpu_us", "requests_s"], "types": ["cpu_us", "requests_s"], "collections": ["cpu_us", "command_ms"],
        "memory": ["resident_bytes", "used_bytes"], "growth": ["pause_ms"],
        "expiry": ["reclaim_s", "get_p999_ms", "cpu_percent"], "eviction": ["cpu_us"], "slots": ["resident_bytes"],
        "process": ["start_ms", "idle_mb", "resident_bytes"], "instructions": ["instructions"],
        "snapshot": ["save_s", "keys_s", "growth_mb", "pause_ms"], "append": ["cpu_us", "requests_s"],
        "replication": ["keys_s", "cpu_us", "link_s", "growth_mb"],
        "generator": ["generator_cpu_us", "requests_s"],
        "cluster": ["create_s", "writable_s", "refused_s", "cpu_us"],
        "manager": ["run_s", "keys_s", "p999_growth"]}


def number(value):
    """A figure with three or four digits that matter."""
    if value is None:
        return "-"
    size = abs(value)
    digits = 0 if size >= 100 else 1 if size >= 10 else 2 if size >= 1 else 3
    return f"{value:,.{digits}f}"


def _marked(summary):
    return "-" if summary is None else number(summary.median) + ("~" if summary.noisy else "")


def _line(cells):
    return "| " + " | ".join(cells) + " |"


def _table(head, rows):
    return "\n".join([_line(head), "|" + "---|" * len(head), *map(_line, rows)]) + "\n"


def _verdict(goal, compared):
    """Reached, or missed and by how much of the limit."""
    if goal.at_least:
        return "reached" if compared >= goal.limit else f"missed by {(goal.limit - compared) / goal.limit:.0%}"
    return "reached" if compared <= goal.limit else f"missed by {(compared - goal.limit) / goal.limit:.0%}"


def _compared(results, goal, server):
    """What a goal compares for a server, or None where a figure is missing."""
    figure = results.summary(goal.workload, server, goal.figure)
    if figure is None:
        return None
    if goal.measure == "value":
        return figure.median
    other = (results.summary(goal.workload, results.servers()[0], goal.figure) if goal.measure == "ratio"
             else results.summary(goal.against, server, goal.figure))
    return figure.median / other.median if other and other.median else None


def goals_table(results, server):
    """Goals of one server beside the figures of the first."""
    base = results.servers()[0]
    rows = []
    for goal in GOALS:
        compared = _compared(results, goal, server)
        if compared is None:
            continue
        sign, unit = ("≥" if goal.at_least else "≤"), ("" if goal.measure == "value" else "x")
        show = number(compared) if goal.measure == "value" else f"{compared:.2f}x"
        rows.append([goal.what, _marked(results.summary(goal.workload, base, goal.figure)),
                     _marked(results.summary(goal.workload, server, goal.figure)), show,
                     f"{sign} {goal.limit:g}{unit}", _verdict(goal, compared)])
    return _table(["what", base, server, "compared", "goal", "result"], rows) if rows else ""


def _group_table(results, group, workloads):
    figures = list(dict.fromkeys(f for w in workloads for f in results.figures(w)))
    main = [f for f in MAIN.get(group, []) if f in figures]
    head = ["workload", "server", *(TITLES.get(f, f) for f in figures)]
    if main:
        head.append(f"spread of {TITLES.get(main[0], main[0])}")
        head += [f"ratio of {TITLES.get(f, f)}" for f in main]
    rows, base = [], results.servers()[0]
    for workload in workloads:
        for server in results.servers():
            found = {f: results.summary(workload, server, f) for f in figures}
            if not any(found.values()):
                continue
            row = [workload.split("/", 1)[1], server, *(_marked(found[f]) for f in figures)]
            if main:
                first = found[main[0]]
                row.append(f"{number(first.min)} to {number(first.max)} ({first.rounds})" if first else "-")
            for f in main:
                other = results.summary(workload, base, f)
                row.append(f"{found[f].median / other.median:.2f}" if found[f] and other and other.median else "-")
            rows.append(row)
    return _table(head, rows)


def markdown(results):
    """The whole report."""
    if not results.rows:
        return "Nothing was measured.\n"
    out = ["# Results\n", "Written by `bench/run`; [README.md](README.md) says what each figure is.\n"]
    for run in results.runs:
        out += [f"- Machine: {run['machine']}", f"- Date: {run['date']}", f"- Command: `{run['command']}`"]
        out += [f"- {name}: {version}" for name, version in run["servers"].items()]
        out.append("")
    out.append(f"A figure is the median of its rounds. `~` marks one of whose rounds every one ran while other "
               f"processes used more than {FOREIGN_CPUS_MAX:g} CPUs; where quiet rounds exist, only those count.\n")
    for server in results.servers()[1:]:
        table = goals_table(results, server)
        if table:
            out += [f"## Goals: {server} beside {results.servers()[0]}\n", table]
    groups = {}
    for workload in results.workloads():
        groups.setdefault(workload.split("/", 1)[0], []).append(workload)
    for group, workloads in groups.items():
        out += [f"## {group}\n", _group_table(results, group, workloads)]
    return "\n".join(out)
