//! `redis-benchmark`: what it prints, beside the real one on the same server, and what it sends.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Output, Stdio};

use dunlin_testkit::certificates::Certificates;
use dunlin_testkit::cluster::Cluster;
use dunlin_testkit::port::free_port;
use dunlin_testkit::server::{is_dunlin, on_path, program};
use dunlin_testkit::{Client, DEADLINE, Server, wait_for};

/// The program under test under the name of redis-benchmark; the real one for a real server.
fn benchmark(words: &[&str]) -> Command {
    let mut command = if is_dunlin() {
        let mut command = Command::new(program());
        command.arg0("/usr/local/bin/redis-benchmark");
        command
    } else {
        Command::new(on_path("redis-benchmark").expect("redis-benchmark is needed"))
    };
    command.args(words).stdin(Stdio::null());
    command
}

/// Runs a line of options on a server.
#[track_caller]
fn run(server: &Server, line: &str) -> Output {
    let port = server.port().to_string();
    let words: Vec<&str> = ["-p", &port].into_iter().chain(line.split(' ')).collect();
    benchmark(&words).output().expect("it runs")
}

#[track_caller]
fn succeeds(server: &Server, line: &str) -> String {
    let done = run(server, line);
    assert!(done.status.success(), "{line}: {done:?}");
    String::from_utf8(done.stdout).expect("text")
}

/// What it says on standard error when it fails.
#[track_caller]
fn fails(words: &[&str]) -> String {
    let done = benchmark(words).output().expect("it runs");
    assert_eq!(done.status.code(), Some(1), "{words:?}: {done:?}");
    String::from_utf8(done.stderr).expect("text")
}

/// The shape of an output: numbers become `N`, what was overwritten is gone, and lines of a
/// distribution are one, because how many there are depends on the time that things took.
fn shape(output: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    for line in output.lines() {
        let line = line.rsplit('\r').next().unwrap_or(line);
        let mut shape = String::new();
        for word in line.split_inclusive([' ', '"', '=', '%', '\t']) {
            let end = word.trim_end_matches([' ', '"', '=', '%', ')', ',']).len();
            let number = word[..end].parse::<f64>().is_ok();
            shape += if number { "N" } else { &word[..end] };
            shape += &word[end..];
        }
        // Columns are aligned by blanks before numbers of different lengths.
        let shape = shape.split_whitespace().collect::<Vec<_>>().join(" ");
        if lines.last() != Some(&shape) || !shape.contains("N% <= N milliseconds") {
            lines.push(shape);
        }
    }
    lines.join("\n")
}

fn calls(client: &mut Client, command: &str) -> u64 {
    let stats = client.cmd("INFO commandstats").text();
    let start = format!("cmdstat_{command}:calls=");
    let found = stats.lines().find_map(|line| line.strip_prefix(&start));
    found.map_or(0, |rest| rest.split(',').next().expect("calls").parse().expect("a number"))
}

/// Reports, lines and rows have the form of the real program's.
#[test]
fn output_has_the_known_form() {
    let Some(real) = on_path("redis-benchmark").filter(|_| is_dunlin()) else { return };
    let server = Server::start();
    let port = server.port().to_string();
    for line in [
        "-n 500 -c 10 -t set,get,lrange_100,mset",
        // All but XADD, which came after 7.0.
        "-n 500 -q -t ping,set,get,incr,lpush,rpush,lpop,rpop,sadd,hset,spop,zadd,zpopmin,lrange,mset",
        "-n 500 --csv -t ping,set,get,incr,lpush,rpush,lpop,rpop,sadd,hset,spop,zadd,zpopmin,mset",
        "-n 500 -c 4 --threads 2 -t ping -k 0",
        "-n 500 -d 100 -P 8 -t set -r 10",
        "-n 500 set  a  b",
        "-q -t nothing",
    ] {
        let words: Vec<&str> = ["-p", &port].into_iter().chain(line.split(' ')).collect();
        let theirs = Command::new(&real).args(&words).output().expect("it runs");
        let ours = benchmark(&words).output().expect("it runs");
        assert_eq!(ours.status.code(), theirs.status.code(), "{line}: {ours:?}");
        let shapes = [ours, theirs].map(|output| shape(&String::from_utf8_lossy(&output.stdout)));
        assert_eq!(shapes[0], shapes[1], "{line}");
    }
}

/// The exact texts, without the figures.
#[test]
fn texts() {
    let server = Server::start();
    let report = succeeds(&server, "-n 100 -c 3 -t get");
    let report = report.rsplit('\r').next().expect("the report");
    let start = "====== GET ======\n  100 requests completed in ";
    assert!(report.starts_with(start), "{report}");
    let head = " seconds\n  3 parallel clients\n  3 bytes payload\n  keep alive: 1\n  \
                host configuration \"save\": ";
    assert!(report.contains(head), "{report}");
    let parts = "  multi-thread: no\n\nLatency by percentile distribution:\n0.000% <= 0.";
    assert!(report.contains(parts), "{report}");
    assert!(report.contains("(cumulative count 100)\n\nCumulative distribution of latencies:\n"));
    assert!(report.contains(
        "  latency summary (msec):\n          avg       min       p50       p95       p99       max\n"
    ));
    let csv = succeeds(&server, "-n 100 -t get,lrange_600 --csv");
    let titles: Vec<&str> =
        csv.lines().map(|line| line.split(',').next().expect("a cell")).collect();
    assert_eq!(
        titles,
        [
            "\"test\"",
            "\"GET\"",
            "\"LPUSH (needed to benchmark LRANGE)\"",
            "\"LRANGE_600 (first 600 elements)\""
        ]
    );
}

/// As many requests as asked for, pipelines and threads or not, and the right ones.
#[test]
fn requests_are_those_that_were_asked_for() {
    let server = Server::start();
    let mut client = server.client();
    for (line, command, expected) in [
        ("-q -n 1000 -t set", "set", 1000),
        ("-q -n 10010 -P 5 -c 10 -t set", "set", 10_010),
        ("-q -n 1000 -c 5 --threads 10 -t set", "set", 1000),
        ("-q -n 200 -c 5 -k 0 -t set", "set", 200),
        ("-q -n 30 -c 50 -t set", "set", 30),
        // Pipelines are sent whole.
        ("-q -n 10 -P 4 -t set", "set", 12),
        ("-q -n 100 -t ping", "ping", 200),
        ("-q -n 100 -t lrange", "lrange", 400),
        ("-q -n 150 INCRBYFLOAT mykey 10.0", "incrbyfloat", 150),
    ] {
        client.cmd("CONFIG RESETSTAT");
        succeeds(&server, line);
        assert_eq!(calls(&mut client, command), expected, "{line}");
    }
    assert_eq!(client.show("GET key:__rand_int__"), "VXK");
    assert_eq!(client.show("GET mykey"), "1500");
}

/// `__rand_int__` covers the keyspace and nothing beyond; with a seed it is the same each time.
#[test]
fn random_parts() {
    let server = Server::start();
    let mut client = server.client();
    succeeds(&server, "-q -n 1000 -r 50 -t set");
    assert_eq!(client.show("DBSIZE"), "50");
    assert_eq!(client.show("EXISTS key:000000000000 key:000000000049"), "2");
    if !is_dunlin() {
        // Debian's 7.0.15 has no --seed.
        return;
    }
    let mut draw = |seed: &str| {
        client.cmd("FLUSHALL");
        succeeds(&server, &format!("-q -n 20 -c 1 -r 1000000 --seed {seed} RPUSH l __rand_int__"));
        client.show("LRANGE l 0 -1")
    };
    assert_eq!(draw("1"), draw("1"));
    assert_ne!(draw("1"), draw("2"));
}

/// Password, user, database, URI, socket, RESP3 and tracking.
#[test]
fn ways_to_a_server() {
    let builder = Server::builder();
    let socket = builder.dir().join("s").display().to_string();
    let server = builder.config(&format!("unixsocket {socket}\nrequirepass secret")).start();
    let port = server.port().to_string();
    let mut client = server.client();
    client.cmd("AUTH secret");
    let uri = format!("redis://default:secret@127.0.0.1:{port}/4");
    for (words, db) in [
        (&["-p", &port, "-a", "secret"][..], 0),
        (&["-p", &port, "-a", "secret", "--user", "default", "--dbnum", "3"], 3),
        (&["-u", &uri], 4),
        (&["-s", &socket, "-a", "secret", "--dbnum", "5"], 5),
        (&["-p", &port, "-a", "secret", "-3", "--enable-tracking", "--dbnum", "6"], 6),
        (&["-p", &port, "-a", "secret", "-k", "0", "--dbnum", "7", "--threads", "2"], 7),
    ] {
        let words = [words, &["-q", "-n", "100", "-c", "4", "-P", "3", "-t", "set,get"]].concat();
        let done = benchmark(&words).output().expect("it runs");
        assert!(done.status.success(), "{words:?}: {done:?}");
        client.cmd(&format!("SELECT {db}"));
        assert_eq!(client.show("DBSIZE"), "1", "{words:?}");
    }
    assert_eq!(
        fails(&["-p", &port, "-q"]),
        format!("Node 127.0.0.1:{port} replied with error:\nNOAUTH Authentication required.\n")
    );
    let refused = "WRONGPASS invalid username-password pair or user is disabled.";
    assert_eq!(
        fails(&["-s", &socket, "-a", "wrong"]),
        format!("Node {socket} replied with error:\n{refused}\n")
    );
}

/// The last argument from standard input, with its line end and any bytes.
#[test]
fn an_argument_from_standard_input() {
    if !is_dunlin() {
        // The real one ends at the first zero byte.
        return;
    }
    let server = Server::start();
    let port = server.port().to_string();
    let mut command = benchmark(&["-p", &port, "-n", "10", "-q", "-x", "SET", "k"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().expect("it starts");
    child.stdin.take().expect("a pipe").write_all(b"a\0 \r\nb\n").expect("written");
    assert!(child.wait().expect("it ends").success());
    assert_eq!(server.client().show("GET k"), r"a\x00 \r\nb\n");
}

/// Errors end the run, with exit code 1.
#[test]
fn errors() {
    let server = Server::start();
    let port = server.port().to_string();
    let free = dunlin_testkit::port::free_port().to_string();
    let refused = format!("Could not connect to Redis at 127.0.0.1:{free}: Connection refused\n");
    assert_eq!(fails(&["-p", &free]), refused);
    assert_eq!(
        fails(&["-s", "/nowhere/s"]),
        "Could not connect to Redis at /nowhere/s: No such file or directory\n"
    );
    let error =
        "Error from server: WRONGTYPE Operation against a key holding the wrong kind of value\n";
    server.client().cmd("RPUSH mylist a");
    assert_eq!(fails(&["-p", &port, "-n", "10", "INCR", "mylist"]), error);
    assert_eq!(fails(&["-p", &port, "-n", "10", "--threads", "3", "INCR", "mylist"]), error);
    assert_eq!(fails(&["-p", &port, "-P", "10", "-c", "1", "INCR", "mylist"]), error);
    let error = "Error from server: ERR DB index is out of range\n";
    assert_eq!(fails(&["-p", &port, "--dbnum", "99", "PING"]), error);
    assert_eq!(fails(&["-p", "70000"]), "Invalid server port.\n");
    assert_eq!(fails(&["-u", "http://h"]), "Invalid URI scheme\n");
    let no_cluster = format!(
        "Cluster node 127.0.0.1:{port} replied with error:\nERR This instance has cluster support \
         disabled\nFailed to fetch cluster configuration from 127.0.0.1:{port}\n"
    );
    assert_eq!(fails(&["-p", &port, "--cluster"]), no_cluster);
    for words in [&["--nope"][..], &["-c"], &["--cacert"]] {
        let done = benchmark(words).output().expect("it runs");
        let start = format!(
            "Invalid option \"{}\" or option argument missing\n\nUsage: redis-benchmark [OPTIONS] \
             [COMMAND ARGS...]\n",
            words[0]
        );
        assert!(String::from_utf8_lossy(&done.stdout).starts_with(&start), "{done:?}");
        assert_eq!(done.status.code(), Some(1));
    }
    let done = benchmark(&["--version"]).output().expect("it runs");
    assert!(String::from_utf8_lossy(&done.stdout).starts_with("redis-benchmark 7."), "{done:?}");
    if is_dunlin() {
        assert_eq!(fails(&["-n", "many"]), "-n needs a number, not 'many'\n");
    }
}

/// CONFIG may be renamed: the load does not need it.
#[test]
fn a_server_without_config() {
    let server = Server::builder().config("rename-command CONFIG \"\"").start();
    let done = run(&server, "-n 10 -t set");
    assert!(done.status.success(), "{done:?}");
    let warning = "WARNING: Could not fetch server CONFIG\n";
    assert_eq!(String::from_utf8_lossy(&done.stderr), warning);
    assert!(!String::from_utf8_lossy(&done.stdout).contains("host configuration"));
}

/// A child that is killed when the test ends, however it ends.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn start(words: &[&str]) -> Running {
    let mut command = benchmark(words);
    Running(command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("it starts"))
}

/// How it ends, and what it says meanwhile on standard error.
#[track_caller]
fn end(running: &mut Running) -> (Option<i32>, String) {
    let mut status = None;
    wait_for("the benchmark to end", 3 * DEADLINE, || {
        status = running.0.try_wait().expect("its state");
        status.is_some()
    });
    let errors = std::io::read_to_string(running.0.stderr.take().expect("a pipe")).expect("text");
    (status.expect("ended").code(), errors)
}

/// Idle connections wait until the server ends them.
#[test]
fn idle_connections() {
    let mut server = Server::start();
    let mut client = server.client();
    let port = server.port().to_string();
    let mut idle = start(&["-p", &port, "-c", "7", "-I"]);
    wait_for("seven idle clients", DEADLINE, || {
        client.cmd("INFO clients").text().contains("connected_clients:8\r\n")
    });
    client.cmd("CONFIG SET maxclients 9");
    let (code, errors) = end(&mut start(&["-p", &port, "-c", "7", "-I", "--threads", "2"]));
    assert_eq!(
        (code, errors.as_str()),
        (Some(1), "Error from server: ERR max number of clients reached\n")
    );
    assert!(idle.0.try_wait().expect("its state").is_none(), "it waits");
    server.kill();
    let (code, errors) = end(&mut idle);
    assert_eq!((code, errors.as_str()), (Some(1), "Error: Server closed the connection\n"));
}

/// A server that dies under load ends the run.
#[test]
fn a_server_that_dies() {
    let mut server = Server::start();
    let port = server.port().to_string();
    for threads in ["0", "2"] {
        let mut load = start(&["-p", &port, "-n", "1000000000", "-t", "get", "--threads", threads]);
        let mut client = server.client();
        wait_for("requests", DEADLINE, || calls(&mut client, "get") > 100);
        server.kill();
        let (code, errors) = end(&mut load);
        assert_eq!(code, Some(1), "{errors}");
        let known = ["Server closed the connection", "Connection reset by peer"];
        assert!(known.iter().any(|why| errors == format!("Error: {why}\n")), "{errors}");
        server.start_again();
    }
}

/// All primaries of a cluster are loaded, each with keys of its own.
#[test]
fn a_cluster_is_loaded_as_a_whole() {
    let cluster = Cluster::builder().start();
    let done = run(cluster.node(1), "--cluster -n 20000 -c 6 -r 10 -t set,mset,lrange_100");
    assert!(done.status.success() && done.stderr.is_empty(), "{done:?}");
    let text = String::from_utf8_lossy(&done.stdout);
    let mut introduction = "Cluster has 3 master nodes:\n\n".to_owned();
    let lines = cluster.client(1).cmd("CLUSTER NODES").text();
    for (index, line) in lines.lines().enumerate() {
        let words: Vec<&str> = line.split([' ', '@']).collect();
        introduction += &format!("Master {index}: {} {}\n", words[0], words[1]);
    }
    assert!(text.starts_with(&(introduction + "\n")), "{text}");
    let head =
        "  keep alive: 1\n  cluster mode: yes (3 masters)\n  node [0] configuration:\n    save: ";
    assert!(text.contains(head), "{text}");
    assert!(text.contains("  multi-thread: yes\n  threads: 3\n"), "{text}");
    let mut sets = 0;
    for node in 0..3 {
        let mut client = cluster.client(node);
        // Ten strings and the list.
        assert_eq!(client.show("DBSIZE"), "11");
        sets += calls(&mut client, "set");
    }
    assert_eq!(sets, 20_000);
    // So many that no node's clients have sent them all before the others begin.
    let done = run(cluster.node(0), "--cluster -q -n 1000000 SET nokey x");
    assert_eq!(done.status.code(), Some(1));
    let errors = String::from_utf8_lossy(&done.stderr);
    assert!(errors.starts_with("Error from server 127.0.0.1:"), "{errors}");
    assert!(errors.contains(": MOVED "), "{errors}");
}

/// A slot that moves away under load is noticed, and the load goes on elsewhere.
#[test]
fn a_slot_that_moves() {
    let cluster = Cluster::builder().start();
    let port = cluster.node(0).port().to_string();
    let mut load = start(&["-p", &port, "--cluster", "-n", "300000", "-c", "9", "-t", "get"]);
    let mut client = cluster.client(0);
    wait_for("requests", DEADLINE, || calls(&mut client, "get") > 100);
    let moved = format!("CLUSTER SETSLOT 0 NODE {}", cluster.id(1));
    for node in [1, 0, 2] {
        assert_eq!(cluster.client(node).show(&moved), "OK");
    }
    let mut errors = BufReader::new(load.0.stderr.take().expect("a pipe"));
    let mut warning = String::new();
    errors.read_line(&mut warning).expect("a line");
    assert_eq!(warning, "WARNING: Cluster slots configuration changed, fetching new one...\n");
    assert!(load.0.wait().expect("it ends").success());
    let rest = std::io::read_to_string(errors).expect("text");
    // A node may not have heard yet when it is asked, and is asked again.
    assert!(rest.lines().all(|line| line == warning.trim_end()), "{rest}");
}

/// A real server that listens with TLS on a second port, in a cluster if `config` says so.
fn secured(certificates: &Certificates, config: &str) -> (Server, u16) {
    let builder = Server::reference().expect("redis-server is needed: ./test installs it");
    let port = free_port();
    let lines = certificates.server_config(port) + "\n" + config;
    (builder.config(&lines).start(), port)
}

fn with_tls(port: u16, certificates: &Certificates, line: &str) -> Output {
    let (port, ca) = (port.to_string(), certificates.path("ca.crt"));
    let words = ["-p", &port, "--tls", "--cacert", &ca].into_iter().chain(line.split(' '));
    benchmark(&words.collect::<Vec<_>>()).output().expect("it runs")
}

/// Each request is sent once and each reply is counted, whatever pieces TLS makes of them.
#[test]
fn load_with_tls() {
    let certificates = Certificates::new();
    for versions in ["TLSv1.3", "TLSv1.2"] {
        let config = format!("tls-auth-clients no\ntls-protocols {versions}");
        let (server, port) = secured(&certificates, &config);
        let mut client = server.client();
        for line in [
            "-n 10000 -c 20 -t set,get -q",
            "-n 10000 -c 20 -t set,get -q -P 16",
            "-n 10000 -c 20 -t set,get -q -P 16 --threads 2",
            "-n 1000 -c 5 -t set,get -q -P 10 -d 70000",
            "-n 1000 -c 5 -t set,get -q -P 1000",
            "-n 200 -c 5 -t set,get -q -k 0",
            "-n 200 -c 5 -t set,get -q -k 0 --threads 2",
            "-n 100 -c 1 -t set,get -q -3 --dbnum 3",
        ] {
            client.cmd("CONFIG RESETSTAT");
            let done = with_tls(port, &certificates, line);
            assert!(done.status.success(), "{line}: {done:?}");
            let asked: u64 = line.split(' ').nth(1).and_then(|n| n.parse().ok()).expect("a number");
            for command in ["set", "get"] {
                assert_eq!(calls(&mut client, command), asked, "{line}");
            }
        }
        // Long replies: a list of 600 elements for each request.
        let done = with_tls(port, &certificates, "-n 500 -c 3 -t lrange_600 -q -P 8");
        assert!(done.status.success(), "{done:?}");
    }
}

#[test]
fn a_cluster_with_tls() {
    let certificates = Certificates::new();
    let config = "tls-auth-clients no\ntls-cluster yes\ncluster-enabled yes";
    let nodes = [secured(&certificates, config), secured(&certificates, config)];
    for ((node, _), slots) in nodes.iter().zip(["0 8191", "8192 16383"]) {
        assert_eq!(node.client().show(&format!("CLUSTER ADDSLOTSRANGE {slots}")), "OK");
    }
    let meet = format!("CLUSTER MEET 127.0.0.1 {}", nodes[1].1);
    assert_eq!(nodes[0].0.client().show(&meet), "OK");
    for (node, _) in &nodes {
        let mut client = node.client();
        wait_for("the cluster", DEADLINE, || {
            client.cmd("CLUSTER INFO").text().contains("cluster_state:ok")
        });
    }
    let done = with_tls(nodes[0].1, &certificates, "--cluster -n 5000 -c 6 -t set,get -q -P 4");
    assert!(done.status.success(), "{done:?}");
    for (node, _) in &nodes {
        assert!(calls(&mut node.client(), "set") > 0);
    }
}

/// What redis-benchmark waits for, for ever, ends ours.
#[test]
fn no_tls_is_an_error() {
    let certificates = Certificates::new();
    let (server, port) = secured(&certificates, "tls-auth-clients yes");
    let text = port.to_string();
    let [other, certificate, key] =
        ["other.crt", "client.crt", "client.key"].map(|file| certificates.path(file));
    let nobody =
        |reason: &str| format!("Could not connect to Redis at 127.0.0.1:{port}: {reason}\n");
    if is_dunlin() {
        let words = ["-p", &text, "--tls", "--cacert", &other, "-t", "get"];
        let unknown = nobody("SSL_connect failed: certificate verify failed");
        assert_eq!(fails(&words), unknown);
        let done = with_tls(port, &certificates, "-n 10 -t get -q");
        let errors = "WARNING: Could not fetch server CONFIG\n\
                      Error: tlsv13 alert certificate required\n";
        assert_eq!(String::from_utf8_lossy(&done.stderr), errors);
        assert_eq!(done.status.code(), Some(1));
        let words = ["-p", &text, "--tls", "--cacert", "/nowhere/ca.crt", "-t", "get"];
        let text = "Could not negotiate a TLS connection: Invalid CA Certificate File/Directory\n";
        assert_eq!(fails(&words), text);
    }
    let shown = format!("--cert {certificate} --key {key} -n 10 -t get -q");
    let done = with_tls(port, &certificates, &shown);
    assert!(done.status.success(), "{done:?}");
    let uri = format!("rediss://127.0.0.1:{port}/2");
    let words = ["-u", &uri, "--insecure", "--cert", &certificate, "--key", &key, "-n", "10", "-q"];
    let done = benchmark(&[&words[..], &["SET", "key", "x"]].concat()).output().expect("it runs");
    assert!(done.status.success(), "{done:?}");
    let mut client = server.client();
    client.cmd("SELECT 2");
    assert_eq!(client.show("GET key"), "x");
}
