//! Clients that others wrote: redis-cli, redis-benchmark, redis-py.

use std::io::Write;
use std::process::{Command, Output, Stdio};

use dunlin_testkit::Server;
use dunlin_testkit::server::on_path;

/// Runs a client that has to be there.
fn run(program: &str, args: &[&str], input: &str) -> Output {
    let path =
        on_path(program).unwrap_or_else(|| panic!("{program} is needed: ./test installs it"));
    let mut child = Command::new(path)
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the client starts");
    child.stdin.take().expect("a pipe").write_all(input.as_bytes()).expect("the input is taken");
    child.wait_with_output().expect("the client ends")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn redis_cli_commands_pipes_and_reports() {
    let server = Server::start();
    let port = server.port().to_string();
    let cli = |args: &[&str], input: &str| {
        let done = run("redis-cli", &[&["-p", &port], args].concat(), input);
        assert!(done.status.success(), "{args:?}: {done:?}");
        text(&done.stdout)
    };
    assert_eq!(cli(&["SET", "greeting", "hello"], ""), "OK\n");
    assert_eq!(cli(&["GET", "greeting"], ""), "hello\n");
    assert_eq!(cli(&["-3", "GET", "greeting"], ""), "hello\n");
    assert_eq!(cli(&["--no-raw", "GET", "nothing"], ""), "(nil)\n");
    assert_eq!(cli(&[], "INCR n\nINCR n\nGET n\n"), "1\n2\n2\n");
    assert_eq!(cli(&["-n", "3", "DBSIZE"], ""), "0\n");
    assert_eq!(cli(&["-x", "SET", "from stdin"], "abc"), "OK\n");
    assert!(cli(&["INFO", "server"], "").contains("redis_version:7.2."));
    assert!(cli(&["--scan"], "").contains("greeting\n"));
    for (name, command) in [
        ("list", "RPUSH l a b c"),
        ("set", "SADD s a b"),
        ("hash", "HSET h a 1"),
        ("zset", "ZADD z 1 a"),
        ("stream", "XADD x * a 1"),
    ] {
        cli(&command.split(' ').collect::<Vec<_>>(), "");
        let report = cli(&["--bigkeys"], "");
        assert!(report.contains(&format!("Biggest {name:>6} found")), "{report}");
    }
    assert!(cli(&["--bigkeys"], "").contains("Biggest string found"));
    assert!(cli(&["--memkeys"], "").contains("Biggest string found"));
    let pipe = "*3\r\n$3\r\nSET\r\n$1\r\np\r\n$1\r\n1\r\n".repeat(1000);
    assert!(cli(&["--pipe"], &pipe).contains("errors: 0, replies: 1000"));
}

#[test]
fn redis_benchmark_runs_every_test() {
    let server = Server::start();
    let port = server.port().to_string();
    for pipeline in ["1", "16"] {
        let done = run(
            "redis-benchmark",
            &[
                "-p",
                &port,
                "-n",
                "10000",
                "-c",
                "50",
                "-P",
                pipeline,
                "-r",
                "1000",
                "-t",
                "ping,set,get,incr,mset,lpush,rpush,lpop,rpop,sadd,hset,spop,zadd,zpopmin,lrange",
                "-q",
                "--csv",
            ],
            "",
        );
        assert!(done.status.success(), "{done:?}");
        let table = text(&done.stdout);
        for name in [
            "PING_INLINE",
            "PING_MBULK",
            "SET",
            "GET",
            "INCR",
            "LPUSH",
            "RPUSH",
            "LPOP",
            "RPOP",
            "SADD",
            "HSET",
            "SPOP",
            "ZADD",
            "ZPOPMIN",
            "LRANGE_100 (first 100 elements)",
            "LRANGE_600 (first 600 elements)",
            "MSET (10 keys)",
        ] {
            assert!(table.contains(&format!("\"{name}\",")), "{name} is missing in\n{table}");
        }
        assert!(!text(&done.stderr).contains("ERR"), "{done:?}");
    }
    assert!(server.client().cmd("DBSIZE").integer() > 500);
}

/// A program as people write them, with the library they use.
const PYTHON: &str = r#"
import sys, threading, time
import redis
r = redis.Redis(port=int(sys.argv[1]))
assert r.ping()
assert r.set("k", b"\x00\xff") and r.get("k") == b"\x00\xff"
assert r.get("missing") is None
assert r.set("k", "v", nx=True) is None
assert r.set("k", "v", xx=True, ex=100) is True and 90 < r.ttl("k") <= 100
assert r.set("k", "w", get=True) == b"v"
assert r.mset({"a": 1, "b": 2}) and r.mget("a", "b", "c") == [b"1", b"2", None]
assert r.incr("a", 5) == 6 and r.decr("a") == 5 and r.incrbyfloat("a", 0.1) == 5.1
assert r.append("s", "abc") == 3 and r.getrange("s", 0, 1) == b"ab" and r.strlen("s") == 3
assert r.setbit("bits", 7, 1) == 0 and r.getbit("bits", 7) == 1 and r.bitcount("bits") == 1
assert r.bitfield("f").set("u8", 0, 255).incrby("u8", 0, 1).execute() == [0, 0]
assert r.getex("s", px=100000) == b"abc" and r.getdel("s") == b"abc"
assert r.exists("a", "b", "c") == 2 and r.type("a") == b"string"
assert r.rename("a", "aa") and r.copy("aa", "ab") and r.touch("aa", "ab") == 2
assert r.expire("aa", 50, nx=True) and r.persist("aa")
assert sorted(r.scan_iter(match="a*")) == [b"aa", b"ab"]
assert r.delete("aa", "ab", "b") == 3 and r.unlink("k") == 1
assert r.object("encoding", "bits") == b"raw"
assert r.config_set("maxmemory", "100mb") and r.config_get("maxmemory") == {"maxmemory": "104857600"}
info = r.info()
assert info["redis_version"].startswith("7.2.") and info["tcp_port"] == int(sys.argv[1])
assert isinstance(info["used_memory"], int) and info["connected_clients"] == 1
assert r.client_setname("py") and r.client_getname() == "py"
assert any(c["name"] == "py" for c in r.client_list())
assert r.command_count() > 50
assert "get" in r.command() and r.command()["get"]["arity"] == 2
assert r.time()[0] > 1600000000 and r.dbsize() == 2
assert r.slowlog_get() is not None and r.memory_usage("bits") > 0
try:
    r.incr("bits")
    raise SystemExit("no error")
except redis.ResponseError as error:
    assert str(error) == "value is not an integer or out of range", error
p = r.pipeline(transaction=False)
for i in range(10000):
    p.set("p:%d" % i, i)
assert all(p.execute())
def work(n):
    c = redis.Redis(port=int(sys.argv[1]))
    for _ in range(500):
        c.incr("counter")
threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
[t.start() for t in threads]; [t.join() for t in threads]
assert r.get("counter") == b"4000"
assert r.flushall() and r.dbsize() == 0
print("all good")
"#;

/// What else such programs do: collections, transactions, waiting, publishing.
const PYTHON_COLLECTIONS: &str = include_str!("programs/collections.py");

fn run_python(program: &str) {
    let python = ["python3", "/usr/bin/python3"]
        .into_iter()
        .find(|python| {
            let probe = Command::new(python).args(["-c", "import redis"]).output();
            probe.is_ok_and(|done| done.status.success())
        })
        .expect("python3 with the redis package is needed: ./test installs it");
    let server = Server::start();
    let done = Command::new(python)
        .args(["-c", program, &server.port().to_string()])
        .output()
        .expect("python runs");
    assert_eq!(text(&done.stdout), "all good\n", "{}", text(&done.stderr));
}

#[test]
fn redis_py() {
    run_python(PYTHON);
}

#[test]
fn redis_py_with_collections() {
    run_python(PYTHON_COLLECTIONS);
}
