"""Writes and reads through a cluster client until its standard input ends, and says what it saw.

Arguments: the library (redis-py or redis-py-cluster), then the ports of the nodes.
Output: "ready" once it goes, "error <unix ms> <text>" for each error, and in the end a line of counts.
"""
import logging
import random
import sys
import threading
import time

# Libraries log each attempt; what counts is what they tell their caller.
logging.disable(logging.CRITICAL)
library, ports = sys.argv[1], [int(port) for port in sys.argv[2:]]
if library == "redis-py":
    from redis.cluster import ClusterNode, RedisCluster
    nodes = [ClusterNode("127.0.0.1", port) for port in ports]
    client = RedisCluster(startup_nodes=nodes, decode_responses=True, socket_timeout=2)
else:
    from rediscluster import RedisCluster
    nodes = [{"host": "127.0.0.1", "port": port} for port in ports]
    client = RedisCluster(startup_nodes=nodes, decode_responses=True, socket_timeout=2)

KEYS = 200
acknowledged = {}  # by key: all values in order, the last one is what must be there
unsure = {}  # by key: values that may have been written, because no answer came
count = {"writes": 0, "reads": 0, "lost": 0, "wrong": 0, "errors": 0}
stopped = threading.Event()
threading.Thread(target=lambda: (sys.stdin.read(), stopped.set()), daemon=True).start()


def attempt(call):
    try:
        return True, call()
    except Exception as error:
        count["errors"] += 1
        print("error", int(time.time() * 1000), type(error).__name__, str(error).replace("\n", " "), flush=True)
        return False, None


def check(key, value):
    known = acknowledged.get(key, [])
    last = known[-1] if known else None
    if value == last:
        return
    if value in unsure.get(key, []):
        known.append(value)
    elif value is None or value in known:
        # Older than what was acknowledged: the writes after it are gone.
        at = known.index(value) + 1 if value in known else 0
        count["lost"] += len(known) - at
        del known[at:]
    else:
        count["wrong"] += 1
        print("wrong", key, value, last, flush=True)
    acknowledged[key] = known


number = 0
while not stopped.is_set():
    key = "key:%d" % random.randrange(KEYS)
    value = "%s=%d" % (key, number)
    number += 1
    done, _ = attempt(lambda: client.set(key, value))
    if done:
        count["writes"] += 1
        acknowledged.setdefault(key, []).append(value)
    else:
        unsure.setdefault(key, []).append(value)
    key = "key:%d" % random.randrange(KEYS)
    done, value = attempt(lambda: client.get(key))
    if done:
        count["reads"] += 1
        check(key, value)
    if number == 200:
        print("ready", flush=True)
for n in range(KEYS):
    check("key:%d" % n, client.get("key:%d" % n))
print("done", " ".join("%s=%d" % pair for pair in count.items()), flush=True)
