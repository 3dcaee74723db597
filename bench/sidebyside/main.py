"""Measures Redis-protocol servers side by side on this machine, in one run.

  bench/run                                   redis-server of the PATH, then target/release/dunlin
  bench/run --quick                           a few minutes
  bench/run --only throughput/get,memory      groups or workloads by the start of their names
  bench/run --server old='./before server' --server new='./after server'

The first server is what ratios are against.
"""
import argparse
import os
import shlex
import signal
import sys
import time
from pathlib import Path

from . import machine, report
from .results import Results, say
from .server import GENERATOR_CPU, Program
from .workloads import MODULES, Plan

ROOT = Path(__file__).resolve().parent.parent.parent
DEFAULT_SERVERS = ["redis=redis-server", f"dunlin={ROOT / 'target/release/dunlin'} server"]


def _options(arguments):
    parser = argparse.ArgumentParser(prog="bench/run", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", action="append", metavar="NAME=COMMAND",
                        help="repeat; the configuration file comes last, or in place of {conf}")
    parser.add_argument("--only", default="", metavar="PREFIX,...", help="groups or workloads to run")
    parser.add_argument("--list", action="store_true", help="print the names of the workloads")
    parser.add_argument("--quick", action="store_true", help="few workloads, a tenth of the keys and requests")
    parser.add_argument("--rounds", type=int, help="rounds of what is repeated (default 4, quick 2)")
    parser.add_argument("--scale", type=float, help="factor on numbers of keys and requests (default 1, quick 0.1)")
    parser.add_argument("--realtime", action="store_true",
                        help="measured slices go before all other processes (for a busy machine; needs root)")
    parser.add_argument("--json", metavar="FILE", help="append rows as JSON lines")
    parser.add_argument("--report", metavar="FILE", help="write the Markdown there instead of to standard output")
    parser.add_argument("--render", nargs="+", metavar="FILE", help="report on rows of earlier runs, measure nothing")
    return parser.parse_args(arguments)


def _wanted(name, prefixes):
    return not prefixes or any(name == p or name.startswith(p.rstrip("/") + "/") for p in prefixes)


def _plan(options):
    return Plan(rounds=options.rounds or (2 if options.quick else 4),
                scale=options.scale or (0.1 if options.quick else 1.0), realtime=options.realtime)


def _measure(options, selection):
    programs = [Program(text) for text in options.server or DEFAULT_SERVERS]
    os.sched_setaffinity(0, {GENERATOR_CPU})
    results = Results(options.json)
    results.begin({"machine": machine.describe(), "date": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
                   "command": "bench/run " + shlex.join(_repeatable(sys.argv[1:])),
                   "servers": {p.name: p.version() for p in programs}})
    for module, names in selection:
        try:
            module.run(names, programs, results, _plan(options))
        except Exception as error:  # noqa: BLE001  one workload that fails must not lose the others
            say(f"{names[0]}: {type(error).__name__}: {error}")
            options.failed = True
    return results


def _repeatable(words):
    """The words of the call without those that only say where output goes."""
    out = iter(words)
    return [w for w in out if not (w in ("--json", "--report") and next(out, None) is not None)]


def main(arguments=None):
    """Runs what the arguments ask for; exit code 1 when a workload failed."""
    options = _options(arguments)
    options.failed = False
    prefixes = [p for p in options.only.split(",") if p]
    selection = [(m, [n for n in m.names(options.quick) if _wanted(n, prefixes)]) for m in MODULES]
    selection = [(m, names) for m, names in selection if names]
    chosen = [name for _, names in selection for name in names]
    for prefix in prefixes:
        if not any(_wanted(name, [prefix]) for name in chosen):
            print(f"--only {prefix}: there is no such group or workload; --list names them", file=sys.stderr)
            return 2
    if options.list:
        print("\n".join(chosen))
        return 0
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(1))  # leaves through the context managers
    results = Results.read(options.render) if options.render else _measure(options, selection)
    text = report.markdown(results)
    if options.report:
        Path(options.report).write_text(text, encoding="utf-8")
    else:
        print(text)
    return 1 if options.failed else 0
