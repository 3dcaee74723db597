"""`bench/instructions`: fails when a request costs more instructions than `instructions.limit` says."""
import argparse
import json
import shutil
import sys
from pathlib import Path

from .server import Program
from .workloads.instructions import per_request

BENCH = Path(__file__).resolve().parent.parent
LIMITS = BENCH / "instructions.limit"
DEFAULT = BENCH.parent / "target/release/dunlin"
GUARDED = ["instructions/get/p16", "instructions/set/p16"]
# Room of a new limit above the measured figure, for what another machine's libraries do otherwise.
ROOM = 1.02


def main(arguments=None):
    """Exit code 0 when every limit holds."""
    parser = argparse.ArgumentParser(prog="bench/instructions", description=__doc__)
    parser.add_argument("--binary", default=str(DEFAULT), help="a release build of dunlin")
    parser.add_argument("--update", action="store_true", help="store what is measured now as the limits")
    options = parser.parse_args(arguments)
    if shutil.which("valgrind") is None:
        print("bench/instructions needs valgrind", file=sys.stderr)
        return 1
    program = Program(f"dunlin={options.binary} server")
    limits = json.loads(LIMITS.read_text()) if LIMITS.exists() else {}
    within = True
    for name in GUARDED if options.update else limits:
        measured = per_request(program, name)
        if options.update:
            limits[name] = int(measured * ROOM)
        within &= measured <= limits[name]
        print(f"{name}: {measured:.0f} instructions per request, limit {limits[name]}")
    if options.update:
        LIMITS.write_text(json.dumps(limits, indent=2) + "\n")
    return 0 if within else 1
