"""Measures Redis-protocol servers side by side on one machine.

`main` reads the arguments and runs `workloads`; a workload starts `server.Server`s, drives them
with `generator` (redis-benchmark) or `resp.Connection`, reads `machine` and adds rows to
`results.Results`; `report` turns rows into Markdown, with `goals` beside them.
"""
