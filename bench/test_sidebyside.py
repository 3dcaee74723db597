"""Tests of the harness itself, without servers: `python3 -m unittest discover -s bench`."""
import contextlib
import io
import unittest

from sidebyside import goals, report
from sidebyside.generator import batches, parse, set_columns, set_request
from sidebyside.resp import encode
from sidebyside.main import main
from sidebyside.results import Results
from sidebyside.server import Program
from sidebyside.workloads import MODULES, Plan
from sidebyside.workloads.manager import percentile, slot_of

REPORT = """
Latency by percentile distribution:
50.000% <= 0.215 milliseconds (cumulative count 520)
99.805% <= 0.400 milliseconds (cumulative count 998)
99.902% <= 0.655 milliseconds (cumulative count 999)
100.000% <= 0.711 milliseconds (cumulative count 1000)

Cumulative distribution of latencies:
99.950% <= 9.103 milliseconds (cumulative count 1000)

Summary:
  throughput summary: 90909.09 requests per second
  latency summary (msec):
          avg       min       p50       p95       p99       max
        0.215     0.100     0.216     0.300     0.390     0.711
"""


class Generator(unittest.TestCase):
    def test_figures_of_a_redis_benchmark_report(self):
        figures = parse(REPORT)
        self.assertEqual(figures["requests_s"], 90909.09)
        self.assertEqual((figures["p50_ms"], figures["p99_ms"], figures["max_ms"]), (0.216, 0.390, 0.711))
        self.assertEqual(figures["p999_ms"], 0.655)

    def test_a_report_without_summary_is_an_error(self):
        self.assertRaises(RuntimeError, parse, "Could not connect")

    def test_batches_hold_every_number_once_in_valid_requests(self):
        data = list(batches(set_request(8), range(5), per_batch=2, columns=set_columns(8)))
        self.assertEqual([count for _, count in data], [2, 2, 1])
        expected = b"".join(encode("SET", f"key:{i:012}", str(10_000_000 + i)) for i in range(5))
        self.assertEqual(b"".join(request for request, _ in data), expected)

    def test_lengths_of_a_set_with_options(self):
        (request, _), = batches(set_request(64, "EX", 100), range(1), columns=set_columns(64))
        self.assertEqual(request, encode("SET", "key:" + "0" * 12, "0" * 12 + "x" * 52, "EX", "100"))


class Reporting(unittest.TestCase):
    def results(self, base, other, foreign=0.0):
        results = Results()
        for server, value in (("redis", base), ("dunlin", other)):
            results.add("throughput/get/p1", server, 0, cpu_us=value, foreign_cpus=foreign)
        return results

    def test_disturbed_rounds_do_not_count_where_quiet_ones_exist(self):
        results = self.results(8.0, 6.0)
        results.add("throughput/get/p1", "dunlin", 1, cpu_us=60.0, foreign_cpus=1.5)
        summary = results.summary("throughput/get/p1", "dunlin", "cpu_us")
        self.assertEqual((summary.median, summary.rounds, summary.noisy), (6.0, 1, False))

    def test_goals_say_reached_or_by_how_much_they_are_missed(self):
        self.assertIn("| 0.75x | ≤ 0.85x | reached |", report.markdown(self.results(8.0, 6.0)))
        self.assertIn("| 1.70x | ≤ 0.85x | missed by 100% |", report.markdown(self.results(5.0, 8.5)))

    def test_disturbed_figures_are_marked(self):
        self.assertIn("| 8.00~ | 6.00~ |", report.markdown(self.results(8.0, 6.0, foreign=0.5)))


class Names(unittest.TestCase):
    def test_every_goal_names_a_workload(self):
        names = {name for module in MODULES for name in module.names(quick=False)}
        names |= {"instructions/get/p16"}  # offered only where valgrind is installed
        for goal in goals.GOALS:
            self.assertIn(goal.workload, names)
            self.assertIn(goal.against or goal.workload, names)

    def test_a_name_that_selects_nothing_is_an_error(self):
        with contextlib.redirect_stderr(io.StringIO()) as errors:
            self.assertEqual(main(["--list", "--only", "growth,snapshot/nosuch"]), 2)
        self.assertIn("snapshot/nosuch", errors.getvalue())

    def test_quick_workloads_are_workloads(self):
        for module in MODULES:
            self.assertLessEqual(set(module.names(quick=True)), set(module.names(quick=False)))

    def test_every_program_has_its_redis_benchmark(self):
        sh, _, _ = Program("a=sh").words[0].rpartition("/")
        self.assertEqual(Program("a=sh x.conf").companion("bench", "redis-benchmark"), [sh + "/redis-benchmark"])
        self.assertEqual(Program("a=true server").companion("bench", "x"), [Program("a=true").words[0], "bench"])

    def test_slots_and_percentiles(self):
        self.assertEqual((slot_of(b"foo"), slot_of(b"123456789")), (12182, 12739))
        self.assertEqual([percentile(range(1000), share) for share in (0.5, 0.999, 1.0)], [500, 999, 999])

    def test_place_of_the_configuration_file(self):
        self.assertEqual(Program("a=true server").call("f")[1:], ["server", "f"])
        self.assertEqual(Program("a=true {conf} --io-threads 2").call("f")[1:], ["f", "--io-threads", "2"])
        self.assertRaises(ValueError, Program, "just-a-name")

    def test_scale_keeps_round_numbers(self):
        plan = Plan(rounds=1, scale=0.0123, realtime=False)
        self.assertEqual(plan.scaled(1_000_000), 12_000)
        self.assertEqual(plan.scaled(10), 1000)


if __name__ == "__main__":
    unittest.main()
