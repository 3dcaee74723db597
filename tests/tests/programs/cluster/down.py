"""What redis-py-cluster says when the cluster is down. Arguments: the ports of the nodes."""
import sys
from rediscluster import RedisCluster

nodes = [{"host": "127.0.0.1", "port": int(port)} for port in sys.argv[1:]]
client = RedisCluster(startup_nodes=nodes, decode_responses=True)
client.set("foo", "bar")
print(client.get("foo"), flush=True)
sys.stdin.readline()
try:
    client.set("foo", "baz")
    print("no error")
except Exception as error:
    print(type(error).__name__, error)
