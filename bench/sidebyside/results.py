"""Rows of figures: one for each workload, server and round; kept as JSON lines."""
import json
import statistics
import sys
import time

from .machine import FOREIGN_CPUS_MAX


def say(text):
    """Progress, on standard error."""
    print(time.strftime("[%H:%M:%S]"), text, file=sys.stderr, flush=True)


class Summary:
    """One figure over the rounds: median, smallest, largest, and whether others disturbed it."""

    def __init__(self, values, noisy):
        self.median = statistics.median(values)
        self.min, self.max = min(values), max(values)
        self.rounds = len(values)
        self.noisy = noisy


class Results:
    """All rows of a run, in the order they were measured."""

    def __init__(self, path=None):
        self.rows = []
        self.runs = []
        self._path = path

    def _append(self, value):
        if self._path:
            with open(self._path, "a", encoding="utf-8") as file:
                file.write(json.dumps(value) + "\n")

    def begin(self, run):
        """Notes what a report says about the run: machine, command, versions."""
        self.runs.append(run)
        self._append({"run": run})

    def add(self, workload, server, number, **figures):
        """Adds one row; `foreign_cpus` among the figures tells how disturbed it is."""
        row = {"workload": workload, "server": server, "round": number, "figures": figures}
        self.rows.append(row)
        self._append(row)
        noisy = "~" if figures.get("foreign_cpus", 0) > FOREIGN_CPUS_MAX else " "
        text = " ".join(f"{name}={value:.4g}" for name, value in figures.items())
        say(f"{workload:24} {server:10}{noisy}{text}")

    @classmethod
    def read(cls, paths):
        """Rows of earlier runs."""
        results = cls()
        for path in paths:
            with open(path, encoding="utf-8") as file:
                for line in file:
                    value = json.loads(line)
                    if "run" in value:
                        results.runs.append(value["run"])
                    else:
                        results.rows.append(value)
        return results

    def workloads(self):
        """Names of the workloads, in order."""
        return list(dict.fromkeys(row["workload"] for row in self.rows))

    def servers(self):
        """Names of the servers; the first is what ratios are against."""
        return list(dict.fromkeys(row["server"] for row in self.rows))

    def figures(self, workload):
        """Names of the figures of a workload, in order."""
        names = [n for row in self.rows if row["workload"] == workload for n in row["figures"]]
        return list(dict.fromkeys(names))

    def summary(self, workload, server, figure):
        """The figure over the undisturbed rounds; over all, marked noisy, where there are none."""
        rows = [row["figures"] for row in self.rows
                if (row["workload"], row["server"]) == (workload, server) and figure in row["figures"]]
        if not rows:
            return None
        quiet = [row for row in rows if row.get("foreign_cpus", 0) <= FOREIGN_CPUS_MAX]
        return Summary([row[figure] for row in quiet or rows], noisy=not quiet)
