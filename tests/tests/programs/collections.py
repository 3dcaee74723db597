import sys, threading, time
import redis
port = int(sys.argv[1])
r = redis.Redis(port=port, decode_responses=True)

# Lists
assert r.rpush("l", "a", "b", "c") == 3 and r.lpush("l", "z") == 4
assert r.lrange("l", 0, -1) == ["z", "a", "b", "c"] and r.lindex("l", -1) == "c"
assert r.linsert("l", "before", "b", "x") == 5 and r.lset("l", 0, "y") and r.lrem("l", 1, "x") == 1
assert r.lpos("l", "b") == 2 and r.lmove("l", "m", "LEFT", "RIGHT") == "y" and r.llen("l") == 3
assert r.ltrim("l", 1, -1) and r.rpop("l") == "c" and r.lpop("l", 5) == ["b"] and not r.exists("l")
assert r.lmpop(2, "none", "m", direction="LEFT") == ["m", ["y"]]

# Sets
assert r.sadd("s", 1, 2, 3) == 3 and r.sadd("t", 2, 3, "x") == 3 and r.scard("s") == 3
assert r.sinter("s", "t") == {"2", "3"} and r.sdiff("s", "t") == {"1"} and r.sunionstore("u", "s", "t") == 4
assert r.smismember("s", [1, 9]) == [1, 0] and r.smove("s", "t", 1) and r.srem("t", "x") == 1
assert r.sintercard(2, ["s", "t"]) == 2 and r.spop("u") is not None and len(r.srandmember("t", -7)) == 7
assert sorted(r.sscan_iter("t")) == ["1", "2", "3"]
assert r.object("encoding", "s") == "intset"

# Hashes
assert r.hset("h", mapping={"a": 1, "b": "two"}) == 2 and r.hget("h", "b") == "two"
assert r.hincrby("h", "a", 4) == 5 and r.hincrbyfloat("h", "a", 0.5) == 5.5 and r.hsetnx("h", "a", 1) == 0
assert r.hgetall("h") == {"a": "5.5", "b": "two"} and r.hmget("h", "b", "c") == ["two", None]
assert r.hdel("h", "a", "c") == 1 and r.hlen("h") == 1 and r.hstrlen("h", "b") == 3
assert dict(r.hscan_iter("h")) == {"b": "two"} and r.hrandfield("h") == "b"

# Sorted sets
assert r.zadd("z", {"one": 1, "two": 2, "three": 3}) == 3 and r.zincrby("z", 0.5, "one") == 1.5
assert r.zrange("z", 0, -1, withscores=True) == [("one", 1.5), ("two", 2.0), ("three", 3.0)]
assert r.zrangebyscore("z", "(1.5", "+inf") == ["two", "three"] and r.zrank("z", "three") == 2
assert r.zadd("z", {"two": 9}, gt=True, ch=True) == 1 and r.zpopmax("z") == [("two", 9.0)]
assert r.zunionstore("y", {"z": 2, "s": 1}) == 4 and r.zscore("y", "three") == 6.0
assert r.zcount("z", "-inf", 2) == 1 and r.zremrangebyrank("z", 0, 0) == 1 and r.zcard("z") == 1
assert sorted(m for m, _ in r.zscan_iter("y")) == ["2", "3", "one", "three"]

# Streams
first = r.xadd("x", {"f": "v"})
assert r.xadd("x", {"g": "w"}, id="9999999999999-1") == "9999999999999-1" and r.xlen("x") == 2
assert r.xrange("x", min=first, count=1) == [(first, {"f": "v"})]
assert r.xgroup_create("x", "grp", id="0") and [len(m) for _, m in r.xreadgroup("grp", "me", {"x": ">"})] == [2]
assert r.xpending("x", "grp")["pending"] == 2 and r.xack("x", "grp", first) == 1
assert r.xinfo_groups("x")[0]["pending"] == 1 and r.xautoclaim("x", "grp", "you", 0)[1][0][1] == {"g": "w"}
assert r.xtrim("x", maxlen=1, approximate=False) == 1 and r.xinfo_stream("x")["length"] == 1

# Estimates, points, sorting
assert r.pfadd("p", *range(1000)) and 980 <= r.pfcount("p") <= 1020 and r.pfmerge("q", "p")
assert r.geoadd("Sicily", (13.361389, 38.115556, "Palermo", 15.087269, 37.502669, "Catania")) == 2
assert r.geodist("Sicily", "Palermo", "Catania", "km") == 166.2742
assert r.geosearch("Sicily", longitude=15, latitude=37, radius=200, unit="km", sort="ASC") == ["Catania", "Palermo"]
r.rpush("nums", 3, 1, 2)
assert r.sort("nums", desc=True) == ["3", "2", "1"] and r.sort("nums", store="sorted") == 3

# Transactions
def add_one(pipe):
    value = int(pipe.get("n") or 0)
    pipe.multi()
    pipe.set("n", value + 1)
def work():
    c = redis.Redis(port=port)
    for _ in range(50):
        c.transaction(add_one, "n")
threads = [threading.Thread(target=work) for _ in range(4)]
[t.start() for t in threads]; [t.join() for t in threads]
assert r.get("n") == "200"
p = r.pipeline()
p.set("a", 1).incr("a").lpush("a", 1).get("a")
replies = p.execute(raise_on_error=False)
assert replies[0] is True and replies[1] == 2 and replies[3] == "2"
assert isinstance(replies[2], redis.ResponseError) and "WRONGTYPE" in str(replies[2])

# Blocking
got = []
def wait():
    got.append(redis.Redis(port=port, decode_responses=True).blpop(["queue"], timeout=20))
waiter = threading.Thread(target=wait); waiter.start()
while r.info("clients")["blocked_clients"] == 0:
    time.sleep(0.001)
r.rpush("queue", "job")
waiter.join()
assert got == [("queue", "job")] and r.exists("queue") == 0
assert r.bzpopmin("nothing", timeout=0.01) is None

# Publish and subscribe, events
r.config_set("notify-keyspace-events", "KEA")
sub = r.pubsub(); sub.subscribe("news"); sub.psubscribe("__key*__:*")
def message():
    while True:
        m = sub.get_message(timeout=20)
        if m["type"].endswith("message"):
            return m["channel"], m["data"]
assert sub.get_message(timeout=20)["type"] == "subscribe"
assert r.publish("news", "hello") == 1 and message() == ("news", "hello")
r.lpush("jobs", 1)
assert message() == ("__keyspace@0__:jobs", "lpush") and message() == ("__keyevent@0__:lpush", "jobs")
assert r.pubsub_numsub("news") == [("news", 1)] and r.pubsub_numpat() == 1
sub.close()

print("all good")
