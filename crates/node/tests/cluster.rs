//! A node of a cluster without a network: what clients see of it.

mod driver;

use driver::Driver;
use dunlin_config::Config;
use dunlin_node::{Peer, Token};

const ME: &str = "89abcdef0123456789abcdef0123456701234567";
const OTHER: &str = "0123456789abcdef0123456789abcdef01234567";

/// A node of a cluster of two primaries; it owns all slots but 8000-16383.
struct Trial {
    driver: Driver,
    client: Token,
}

impl Trial {
    /// `slots` are this node's, and the other's.
    fn with(roles: &str, slots: [&str; 2]) -> Self {
        let [mine, other] = slots;
        let conf = format!(
            "{ME} :6379@16379 myself,{roles} 0 0 1 connected {mine}\n\
             {OTHER} 10.0.0.2:7001@17001,other.example master - 0 0 2 connected {other}\n\
             vars currentEpoch 2 lastVoteEpoch 0\n"
        );
        let mut config = Config::default();
        config.cluster.cluster_enabled = true;
        let mut driver = Driver::with(config, 1_700_000_000_000);
        let engine = driver.node.engine_mut();
        let now = engine.now();
        let cluster =
            dunlin_commands::cluster::start(&engine.config, Some(conf.as_bytes()), 1, now);
        engine.cluster = Some(cluster.expect("a whole nodes.conf"));
        let client = driver.connect();
        let mut trial = Self { driver, client };
        trial.driver.settle_cluster();
        trial
    }

    /// One of two primaries.
    fn primary() -> Self {
        Self::with("master -", ["0-7999", "8000-16383"])
    }

    fn call(&mut self, command: &str) -> String {
        let reply = self.driver.call(self.client, command);
        reply.trim_end().replace("\r\n", " ")
    }

    fn check(&mut self, script: &[(&str, &str)]) {
        for (command, reply) in script {
            assert_eq!(self.call(command), *reply, "{command}");
        }
    }
}

// Slots: a 15495, b 3300, c 7365, {b}1 3300.

#[test]
fn requests_are_served_where_their_keys_are() {
    let mut trial = Trial::primary();
    trial.check(&[
        ("SET b 1", "+OK"),
        ("GET b", "$1 1"),
        ("GET a", "-MOVED 15495 10.0.0.2:7001"),
        ("SET a 1", "-MOVED 15495 10.0.0.2:7001"),
        ("MGET b {b}1 b", "*3 $1 1 $-1 $1 1"),
        ("MGET b c", "-CROSSSLOT Keys in request don't hash to the same slot"),
        ("MGET a b", "-CROSSSLOT Keys in request don't hash to the same slot"),
        ("PING", "+PONG"),
        ("DBSIZE", ":1"),
        ("SORT b STORE a", "-CROSSSLOT Keys in request don't hash to the same slot"),
        ("XREAD STREAMS a 0", "-MOVED 15495 10.0.0.2:7001"),
        ("ZUNIONSTORE {b}2 1 a", "-CROSSSLOT Keys in request don't hash to the same slot"),
        ("SPUBLISH a x", "-MOVED 15495 10.0.0.2:7001"),
        ("SPUBLISH b x", ":0"),
        ("PUBLISH a x", ":0"),
        ("SSUBSCRIBE b a", "-CROSSSLOT Keys in request don't hash to the same slot"),
        ("GET", "-ERR wrong number of arguments for 'get' command"),
    ]);
}

#[test]
fn a_pipeline_is_served_request_by_request() {
    let mut trial = Trial::primary();
    let requests = "SET b 1\r\nGET a\r\nMSET b 2 {b}1 3\r\nMGET b {b}1\r\nMGET b c\r\nGET b\r\n";
    let replies = trial.driver.send(trial.client, requests.as_bytes());
    let replies = String::from_utf8(replies).unwrap();
    assert_eq!(
        replies,
        "+OK\r\n-MOVED 15495 10.0.0.2:7001\r\n+OK\r\n*2\r\n$1\r\n2\r\n$1\r\n3\r\n-CROSSSLOT Keys in \
         request don't hash to the same slot\r\n$1\r\n2\r\n"
    );
}

#[test]
fn clients_are_sent_where_the_configuration_says() {
    let mut trial = Trial::primary();
    trial.check(&[
        ("CONFIG SET cluster-preferred-endpoint-type hostname", "+OK"),
        ("GET a", "-MOVED 15495 other.example:7001"),
        ("CONFIG SET cluster-preferred-endpoint-type unknown-endpoint", "+OK"),
        ("GET a", "-MOVED 15495 :7001"),
    ]);
}

#[test]
fn who_is_sent_to_another_hosts_loopback_is_in_the_log() {
    let mut trial = Trial::primary();
    trial
        .check(&[("CONFIG SET protected-mode no", "+OK"), ("GET a", "-MOVED 15495 10.0.0.2:7001")]);
    let conf = format!(
        "{ME} :6379@16379 myself,master - 0 0 1 connected 0-7999\n\
         {OTHER} 127.0.0.1:7001@17001 master - 0 0 2 connected 8000-16383\n\
         vars currentEpoch 2 lastVoteEpoch 0\n"
    );
    let engine = trial.driver.node.engine_mut();
    let now = engine.now();
    let cluster = dunlin_commands::cluster::start(&engine.config, Some(conf.as_bytes()), 1, now);
    engine.cluster = Some(cluster.expect("a whole nodes.conf"));
    trial.driver.settle_cluster();
    let told = |trial: &Trial| {
        let log = trial.driver.world.log.borrow();
        log.iter().filter(|line| line.contains("cluster-announce-ip")).count()
    };
    trial.check(&[("GET a", "-MOVED 15495 127.0.0.1:7001")]);
    assert_eq!(told(&trial), 0, "a client of this host");
    let peer = Peer { address: "10.0.0.9:5000".into(), ..Peer::default() };
    trial.client = trial.driver.node.connect(peer).expect("taken");
    trial.check(&[
        ("GET a", "-MOVED 15495 127.0.0.1:7001"),
        ("GET a", "-MOVED 15495 127.0.0.1:7001"),
    ]);
    assert_eq!(told(&trial), 1, "said once");
}

#[test]
fn a_transaction_is_served_as_a_whole() {
    let mut trial = Trial::primary();
    let moved = "-MOVED 15495 10.0.0.2:7001";
    let aborted = "-EXECABORT Transaction discarded because of previous errors.";
    trial.check(&[
        ("MULTI", "+OK"),
        ("SET b 1", "+QUEUED"),
        ("PING", "+QUEUED"),
        ("GET {b}1", "+QUEUED"),
        ("EXEC", "*3 +OK +PONG $-1"),
        // A request that is refused breaks the transaction.
        ("MULTI", "+OK"),
        ("GET a", moved),
        ("SET b 2", "+QUEUED"),
        ("EXEC", aborted),
        // Each request alone would be served.
        ("MULTI", "+OK"),
        ("SET b 3", "+QUEUED"),
        ("SET c 3", "+QUEUED"),
        ("EXEC", "-CROSSSLOT Keys in request don't hash to the same slot"),
        ("EXEC", "-ERR EXEC without MULTI"),
        ("GET b", "$1 1"),
    ]);
    // The slot goes while the transaction is queued.
    let mut other = Trial::primary();
    other.check(&[("MULTI", "+OK"), ("SET {b}5 3", "+QUEUED")]);
    let admin = other.driver.connect();
    let given = other.driver.call(admin, &format!("CLUSTER SETSLOT 3300 NODE {OTHER}"));
    assert_eq!(given, "+OK\r\n");
    other.check(&[
        ("EXEC", "-MOVED 3300 10.0.0.2:7001"),
        ("EXEC", "-ERR EXEC without MULTI"),
        ("GET c", "$-1"),
    ]);
}

#[test]
fn the_slot_of_a_key_that_leaves() {
    let mut trial = Trial::primary();
    let unstable = "-TRYAGAIN Multiple keys request during rehashing of slot";
    trial.call("SET b 1");
    trial.call(&format!("CLUSTER SETSLOT 3300 MIGRATING {OTHER}"));
    trial.check(&[
        ("GET b", "$1 1"),
        ("GET {b}1", "-ASK 3300 10.0.0.2:7001"),
        ("SET {b}1 x", "-ASK 3300 10.0.0.2:7001"),
        ("MGET b {b}1", unstable),
        ("MGET {b}1 {b}2", "-ASK 3300 10.0.0.2:7001"),
        ("MGET b b", "*2 $1 1 $1 1"),
        ("GET c", "$-1"),
        ("SSUBSCRIBE b", "*3 $10 ssubscribe $1 b :1"),
        ("SUNSUBSCRIBE b", "*3 $12 sunsubscribe $1 b :0"),
        ("MULTI", "+OK"),
        ("GET b", "+QUEUED"),
        ("GET {b}1", "-ASK 3300 10.0.0.2:7001"),
        ("DISCARD", "+OK"),
        ("MULTI", "+OK"),
        ("DEL b", "+QUEUED"),
        ("GET b", "+QUEUED"),
        ("EXEC", "*2 :1 $-1"),
    ]);
}

#[test]
fn the_slot_of_a_key_that_comes() {
    let mut trial = Trial::primary();
    let moved = "-MOVED 15495 10.0.0.2:7001";
    let unstable = "-TRYAGAIN Multiple keys request during rehashing of slot";
    trial.call(&format!("CLUSTER SETSLOT 15495 IMPORTING {OTHER}"));
    trial.check(&[
        ("GET a", moved),
        ("ASKING", "+OK"),
        ("SET a 1", "+OK"),
        ("GET a", moved),
        ("ASKING", "+OK"),
        ("PING", "+PONG"),
        ("GET a", moved),
        ("ASKING", "+OK"),
        ("ASKING", "+OK"),
        ("MGET a {a}1", unstable),
        ("ASKING", "+OK"),
        ("MGET a a", "*2 $1 1 $1 1"),
        ("ASKING", "+OK"),
        ("GET {a}1", "$-1"),
        // Behind ASKING a whole transaction is served.
        ("ASKING", "+OK"),
        ("MULTI", "+OK"),
        ("GET a", "+QUEUED"),
        ("SET a 2", "+QUEUED"),
        ("EXEC", "*2 $1 1 +OK"),
        ("GET a", moved),
        ("ASKING", "+OK"),
        ("RESET", "+RESET"),
        ("GET a", moved),
        ("ASKING", "+OK"),
        ("GET", "-ERR wrong number of arguments for 'get' command"),
        ("GET a", moved),
    ]);
}

#[test]
fn a_replica_serves_who_is_content_with_that() {
    let mut trial = Trial::with(&format!("slave {OTHER}"), ["", "0-16383"]);
    let moved = "-MOVED 3300 10.0.0.2:7001";
    trial.check(&[
        ("GET b", moved),
        ("READONLY", "+OK"),
        ("GET b", "$-1"),
        ("SET b 1", moved),
        ("MULTI", "+OK"),
        ("GET b", "+QUEUED"),
        ("EXEC", "*1 $-1"),
        ("READWRITE", "+OK"),
        ("GET b", moved),
        ("SSUBSCRIBE b", "*3 $10 ssubscribe $1 b :1"),
    ]);
}

#[test]
fn a_cluster_that_is_down() {
    let down = "-CLUSTERDOWN The cluster is down";
    let mut trial = Trial::with("master -", ["0-7999", "8000-16382"]);
    trial.check(&[
        ("GET b", down),
        ("SET b 1", down),
        ("PING", "+PONG"),
        ("SPUBLISH b x", ":0"),
        ("CONFIG SET cluster-allow-pubsubshard-when-down no", "+OK"),
        ("SPUBLISH b x", down),
        ("CONFIG SET cluster-allow-reads-when-down yes", "+OK"),
        ("GET b", "$-1"),
        ("SET b 1", "-CLUSTERDOWN The cluster is down and only accepts read commands"),
        ("GET a", "-MOVED 15495 10.0.0.2:7001"),
        // Slot 16383 has no owner.
        ("GET hia", "-CLUSTERDOWN Hash slot not served"),
        ("CONFIG SET cluster-require-full-coverage no", "+OK"),
    ]);
    trial.driver.settle_cluster();
    trial.check(&[
        ("SET b 1", "+OK"),
        ("GET hia", "-CLUSTERDOWN Hash slot not served"),
        ("MGET b hia", "-CROSSSLOT Keys in request don't hash to the same slot"),
    ]);
}

#[test]
fn a_single_node_with_all_slots_is_ok() {
    let mut trial = Trial::with("master -", ["", ""]);
    trial.check(&[
        ("GET b", "-CLUSTERDOWN Hash slot not served"),
        ("CLUSTER ADDSLOTSRANGE 0 16383", "+OK"),
    ]);
    trial.driver.settle_cluster();
    trial.check(&[("SET a 1", "+OK"), ("GET a", "$1 1")]);
    assert!(trial.call("CLUSTER INFO").contains("cluster_state:ok"));
    assert!(trial.call("INFO cluster").contains("cluster_enabled:1"));
    assert!(trial.call("INFO server").contains("redis_mode:cluster"));
}

#[test]
fn who_waits_for_a_key_is_told_that_it_has_gone() {
    let mut trial = Trial::primary();
    let [waiting, reading, admin] = [(); 3].map(|()| trial.driver.connect());
    assert_eq!(trial.driver.call(waiting, "BLPOP b 0"), "");
    assert_eq!(trial.driver.call(reading, "XREAD BLOCK 0 STREAMS c $"), "");
    let given = trial.driver.call(admin, &format!("CLUSTER SETSLOT 3300 NODE {OTHER}"));
    assert_eq!(given, "+OK\r\n");
    trial.driver.node.engine_mut().settle_cluster();
    let told = |trial: &mut Trial, client| {
        trial.driver.turn();
        String::from_utf8(trial.driver.received(client)).unwrap()
    };
    trial.driver.advance_ms(200);
    assert_eq!(told(&mut trial, waiting), "-MOVED 3300 10.0.0.2:7001\r\n");
    assert_eq!(told(&mut trial, reading), "");
    // It may send another request.
    assert_eq!(trial.driver.call(waiting, "GET c"), "$-1\r\n");
    trial.driver.call(admin, "CLUSTER DELSLOTS 7999");
    trial.driver.node.engine_mut().settle_cluster();
    trial.driver.advance_ms(200);
    assert_eq!(told(&mut trial, reading), "-CLUSTERDOWN The cluster is down\r\n");
}
