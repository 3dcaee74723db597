//! Nodes that meet whom they should not.

use std::fs;
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use dunlin_testkit::cluster::{Cluster, meet};
use dunlin_testkit::port::free_port;
use dunlin_testkit::{DEADLINE, Server, wait_for};
use socket2::{Domain, Socket, Type};

/// A node that is told to meet itself stays alone.
#[test]
fn a_node_that_meets_itself() {
    let cluster = Cluster::builder().primaries(1).start();
    assert_eq!(cluster.client(0).show(&meet(cluster.node(0))), "OK");
    wait_for("the handshake to end", DEADLINE, || {
        let sent = cluster.info(0, "cluster_stats_messages_meet_sent");
        sent == "1" && cluster.lines(0).len() == 1
    });
    assert_eq!(cluster.info(0, "cluster_known_nodes"), "1");
    assert_eq!(cluster.info(0, "cluster_state"), "ok");
    assert_eq!(cluster.client(0).show("SET k v"), "OK");
}

/// Two clusters that serve are joined into one, although their config epochs are the same: for each
/// slot one owner remains.
#[test]
fn two_clusters_that_serve_meet() {
    let one = Cluster::builder().primaries(2).start();
    let other = Cluster::builder().primaries(2).start();
    assert_eq!(one.client(0).show(&meet(other.node(0))), "OK");
    let clusters = [&one, &other];
    let views = || {
        clusters.map(|cluster| {
            [0, 1].map(|index| {
                let mut view: Vec<String> =
                    cluster.lines(index).iter().map(|line| line.agreed()).collect();
                view.sort();
                view
            })
        })
    };
    wait_for("one cluster of four", DEADLINE, || {
        let views = views();
        let expected = &views[0][0];
        expected.len() == 4 && views.iter().flatten().all(|view| view == expected)
    });
    // Every slot has one owner, and all say who that is.
    let lines = one.lines(0);
    let owned: usize = lines.iter().map(|line| line.slot_count()).sum();
    assert_eq!(owned, 16_384, "{lines:?}");
    for cluster in clusters {
        for index in [0, 1] {
            cluster.wait_for_info(index, "cluster_state", "ok");
        }
    }
}

/// A directory that was copied: two nodes say that they are the same one. Neither the cluster nor its
/// data come to harm, and with the copy gone all is as before.
#[test]
fn a_copied_directory() {
    let cluster = Cluster::builder().start();
    let mut client = cluster.routed();
    for n in 0..100 {
        assert_eq!(client.show(&format!("SET key:{n} {n}")), "OK");
    }
    let copy = Server::builder().config("cluster-enabled yes\ncluster-node-timeout 2000");
    fs::copy(cluster.node(0).dir().join("nodes.conf"), copy.dir().join("nodes.conf"))
        .expect("copied");
    let copy = copy.start();
    assert_eq!(copy.client().cmd("CLUSTER MYID").text(), cluster.id(0));
    // It talks to the others, which hear of one id at two addresses.
    wait_for("the copy to be heard", DEADLINE, || {
        copy.client().cmd("CLUSTER INFO").text().contains("cluster_stats_messages_pong_received")
    });
    for n in 0..100 {
        let reply = client.show(&format!("GET key:{n}"));
        assert!(reply == n.to_string() || reply == "(nil)", "key:{n}: {reply}");
    }
    drop(copy);
    // The true node still says who it is.
    wait_for("the cluster to be whole", DEADLINE, || {
        (0..3).all(|seen_by| {
            (0..3).all(|index| {
                let line = cluster.line(seen_by, index);
                line.is_some_and(|line| line.is_connected && !line.has("fail"))
            }) && cluster.info(seen_by, "cluster_state") == "ok"
        })
    });
    let mut client = cluster.routed();
    for n in 0..100 {
        assert_eq!(client.show(&format!("GET key:{n}")), n.to_string());
    }
}

/// A second process must not use the nodes.conf of a running one.
#[test]
fn a_file_that_another_node_uses() {
    let cluster = Cluster::builder().primaries(1).start();
    let path = cluster.node(0).dir().join("nodes.conf");
    let before = fs::read_to_string(&path).expect("nodes.conf");
    let second = Server::builder()
        .config("cluster-enabled yes")
        .config(&format!("cluster-config-file {}", path.display()));
    let done = second.run();
    assert_eq!(done.end, "exit 1");
    let text = format!(
        "Sorry, the cluster configuration file {} is already used by a different Redis Cluster \
         node. Please make sure that different nodes use different cluster configuration files.",
        path.display()
    );
    assert!(done.stdout.contains(&text), "{}", done.stdout);
    assert_eq!(fs::read_to_string(&path).expect("nodes.conf"), before);
    assert_eq!(cluster.client(0).show("SET k v"), "OK");
}

/// The bus port is the port plus 10,000, and must exist.
#[test]
fn a_port_above_55535() {
    // One above the range from which the system takes ports.
    let done = Server::builder().config("cluster-enabled yes\nport 65000").run();
    assert_eq!(done.end, "exit 1");
    let text = "Redis port number too high. Cluster communication port is 10,000 port numbers higher \
                than your Redis port. Your Redis port number must be 55535 or less.";
    let said = done.stdout + &done.stderr;
    assert!(said.contains(text), "{said}");
    // With a bus port of its own any port will do.
    let bus_port = dunlin_testkit::port::free_port();
    let builder = Server::builder().config("cluster-enabled yes");
    let builder = builder.config(&format!("cluster-port {bus_port}"));
    let server = builder.start();
    let line = server.client().show("CLUSTER NODES");
    assert!(line.contains(&format!(" :{}@{bus_port} ", server.port())), "{line}");
}

/// CLUSTER PROBE tries a port of the bus; others are served meanwhile, and it ends in two seconds.
#[test]
fn a_node_tries_whether_it_reaches_another() {
    let cluster = Cluster::builder().primaries(2).start_apart();
    let mut client = cluster.client(0);
    let bus_port = cluster.myself(1).bus_port;
    assert_eq!(client.show(&format!("CLUSTER PROBE 127.0.0.1 {bus_port}")), "OK");
    let nobody = free_port();
    assert_eq!(
        client.show(&format!("CLUSTER PROBE 127.0.0.1 {nobody}")),
        format!("(error) ERR cannot reach 127.0.0.1:{nobody}: Connection refused")
    );
    // A port that takes no more connections, as one behind a wall that drops what comes.
    let full = full_listener();
    let request = format!("CLUSTER PROBE 127.0.0.1 {}", full.port);
    let begun = Instant::now();
    client.send(format!("{request}\r\n").as_bytes()).expect("it is sent");
    let mut other = cluster.client(0);
    assert_eq!(other.show("PING"), "PONG");
    assert!(begun.elapsed() < Duration::from_secs(1));
    let text = format!("ERR cannot reach 127.0.0.1:{}: Connection timed out", full.port);
    assert_eq!(client.read().to_string(), format!("(error) {text}"));
    assert!(begun.elapsed() < Duration::from_millis(2500), "{:?}", begun.elapsed());
    // Who is gone while it waits is no reason to stumble; it waits in no transaction.
    let mut gone = cluster.client(0);
    gone.send(format!("{request}\r\n").as_bytes()).expect("it is sent");
    drop(gone);
    assert_eq!(client.show("MULTI"), "OK");
    let refused = "(error) ERR Command not allowed inside a transaction";
    assert_eq!(client.show(&request), refused);
    assert_eq!(client.show("DISCARD"), "OK");
    wait_for("the probe to end", DEADLINE, || {
        cluster.info(0, "cluster_known_nodes") == "1" && other.show("PING") == "PONG"
    });
}

/// A port that answers no more.
struct FullListener {
    port: u16,
    _listener: Socket,
    _taken: Vec<TcpStream>,
}

fn full_listener() -> FullListener {
    let listener = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    listener.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).expect("an address");
    listener.listen(0).expect("it listens");
    let end = listener.local_addr().ok().and_then(|end| end.as_socket()).expect("its address");
    let patience = Duration::from_millis(100);
    let taken: Vec<TcpStream> =
        std::iter::from_fn(|| TcpStream::connect_timeout(&end, patience).ok()).take(16).collect();
    assert!(taken.len() < 16, "the port takes everything");
    FullListener { port: end.port(), _listener: listener, _taken: taken }
}
