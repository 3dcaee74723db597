"""The load: redis-benchmark for throughput figures, and the data sets it works on."""
import random
import re
import subprocess
import threading
import time

from .machine import ForeignCpus
from .resp import HOST, ReplyError
from .server import GENERATOR_CPU

BATCH = 1000
# Random keys of the throughput figures.
KEYS = 1_000_000
# A run of redis-benchmark names its keys so.
BENCHMARK_KEYS = b"key:%012d"
REWRITER_BATCH = 128
REWRITER_VALUE_BYTES = 1024
_PERCENTILE = re.compile(r"^([\d.]+)% <= ([\d.]+) milliseconds", re.M)


def redis_benchmark(server, requests, words, *, pipeline=1, clients=50, value_bytes=3, keys=KEYS, own=()):
    """One run of redis-benchmark; `words` are its `-t NAME` or the command to send, `own` the process ids
    of other servers that take part."""
    call = _call(server, requests, words, pipeline, clients, value_bytes, keys)
    foreign, cpu = ForeignCpus([server.pid, *own]), server.cpu_s()
    out = subprocess.run(call, capture_output=True, text=True, timeout=300, check=True).stdout
    cpu = server.cpu_s() - cpu
    return {**parse(out), "cpu_us": cpu / requests * 1e6, "foreign_cpus": foreign.cpus()}


def _call(server, requests, words, pipeline, clients, value_bytes, keys):
    return ["taskset", "-c", str(GENERATOR_CPU), "redis-benchmark", "-h", HOST, "-p", str(server.port),
            "-n", str(requests), "-c", str(clients), "-P", str(pipeline), "-d", str(value_bytes),
            "-r", str(keys), "--precision", "3", *words]


def watched_redis_benchmark(server, requests, words, *, watch, value_bytes=3, keys=KEYS):
    """One run of redis-benchmark with `watch` called every 20 ms meanwhile.

    Returns what `parse` does, and the `percentiles` as (percent, milliseconds), rising.
    """
    call = _call(server, requests, words, 1, 50, value_bytes, keys)
    with subprocess.Popen(call, stdout=subprocess.PIPE, text=True) as process:
        # The report is a few kilobytes, which the pipe holds, so that nobody need read meanwhile.
        while process.poll() is None:
            watch()
            time.sleep(0.02)
        out = process.stdout.read()
    if process.returncode != 0:
        raise RuntimeError(f"redis-benchmark failed:\n{out[-500:]}")
    return {**parse(out), "percentiles": _percentiles(out)}


def _percentiles(out):
    return [(float(p), float(ms)) for p, ms in _PERCENTILE.findall(out.split("Cumulative")[0])]


def parse(out):
    """Figures of a redis-benchmark report; times in milliseconds."""
    rate = re.search(r"throughput summary: ([\d.]+)", out)
    if rate is None:
        raise RuntimeError(f"redis-benchmark printed no summary:\n{out[-500:]}")
    head, row = re.search(r"^ *(avg.*max) *\n(.*)$", out, re.M).groups()
    summary = dict(zip(head.split(), map(float, row.split())))
    percentiles = _percentiles(out)
    p999 = next((ms for p, ms in percentiles if p >= 99.9), summary["max"])
    return {"requests_s": float(rate[1]), "p50_ms": summary["p50"], "p99_ms": summary["p99"],
            "p999_ms": p999, "max_ms": summary["max"]}


def batches(template, numbers, per_batch=BATCH, columns=lambda i: (i,)):
    """Encoded requests for all `numbers` in (bytes, count) batches.

    `template` is one request with `%` places, which `columns` fills for each number. All places of a
    batch are filled in one formatting step: loading must not be bound by this process.
    """
    whole = template * per_batch
    for start in range(numbers.start, numbers.stop, per_batch):
        stop = min(start + per_batch, numbers.stop)
        text = whole if stop - start == per_batch else template * (stop - start)
        values = tuple(v for i in range(start, stop) for v in columns(i))
        yield text % values, stop - start


def set_request(value_bytes, *options):
    """Template of a SET of the 16-byte key `key:<12 digits>`: places for the number, twice.

    Values differ from key to key and are never all digits from 9 bytes on, so that no server can
    keep them as an integer; the 8-byte value is a number, as counters and ids are.
    """
    value = b"%08d" if value_bytes == 8 else b"%012d" + b"x" * (value_bytes - 12)
    words = [b"SET", b"key:%012d", value, *(str(o).encode() for o in options)]
    lengths = [3, 16, value_bytes, *(len(w) for w in words[3:])]
    out = b"*%d\r\n" % len(words)
    for length, word in zip(lengths, words):
        out += b"$%d\r\n" % length + word + b"\r\n"
    return out


def set_columns(value_bytes):
    """The two places of `set_request`: key number and value number."""
    if value_bytes == 8:
        return lambda i: (i, 10_000_000 + i % 90_000_000)
    return lambda i: (i, i)


def load_keys(server, numbers, value_bytes, *options):
    """Sets keys by number."""
    with server.connect() as connection:
        connection.load(batches(set_request(value_bytes, *options), numbers, columns=set_columns(value_bytes)))


class Rewriter:
    """A thread that rewrites random 1 KB values at a given rate, as far as the server keeps up."""

    def __init__(self, server, keys, bytes_s):
        self._connection = server.connect()
        self._keys, self._bytes_s = keys, bytes_s
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._write)
        self._error = None
        self.bytes_sent = 0

    def __enter__(self):
        self.started = time.perf_counter()
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()
        self._connection.close()
        if self._error is not None:
            raise self._error

    def _write(self):
        rng = random.Random(3)
        value = bytes(rng.choices(b"0123456789abcdefghijklmnopqrstuvwxyz", k=REWRITER_VALUE_BYTES))
        template = (b"*3\r\n$3\r\nSET\r\n$16\r\n" + BENCHMARK_KEYS + b"\r\n$1024\r\n" + value + b"\r\n") * REWRITER_BATCH
        try:
            while not self._stop.is_set():
                batch = template % tuple(rng.randrange(self._keys) for _ in range(REWRITER_BATCH))
                self._connection.exchange(batch, REWRITER_BATCH)
                self.bytes_sent += REWRITER_BATCH * REWRITER_VALUE_BYTES
                ahead = self.bytes_sent / self._bytes_s - (time.perf_counter() - self.started)
                if ahead > 0:
                    time.sleep(ahead)
        except (OSError, ReplyError) as error:
            self._error = error
