"""One module for each group of workloads.

A module has `names(quick)`, the workloads it offers, and `run(names, programs, results, plan)`,
which measures some of them. The group is the word before the first slash of a name.
"""
from dataclasses import dataclass

from ..machine import undisturbed
from . import append, cluster, collections, connections, eviction, expiry, generator, growth, instructions, manager, memory, replication, slots, snapshot, start, throughput, types

MODULES = [throughput, types, collections, memory, growth, expiry, eviction, slots, start, connections, snapshot, append, replication, cluster, manager, generator, instructions]


@dataclass(frozen=True)
class Plan:
    """How to measure: rounds of what is repeated, a factor on the numbers of requests and keys,
    and whether measured slices run at real-time priority."""

    rounds: int
    scale: float
    realtime: bool

    def scaled(self, number, multiple_of=1000):
        """A number of requests or keys."""
        return max(multiple_of, int(number * self.scale) // multiple_of * multiple_of)

    def undisturbed(self, *servers):
        """Context of one measured slice; see `machine.undisturbed`."""
        return undisturbed([server.pid for server in servers], self.realtime)
