//! MIGRATE: what the target is sent, who waits meanwhile, what is left when it ends.

mod driver;

use std::fmt::Write as _;

use driver::Driver;
use dunlin_commands::Digest;
use dunlin_node::{Action, LinkRequest, LinkToken, Token};

/// A server that keys leave, and the one to which they go.
struct Pair {
    source: Driver,
    target: Driver,
    client: Token,
    /// The link from one to the other, with the client it is there.
    link: Option<(LinkToken, Token)>,
}

impl Pair {
    fn new() -> Self {
        let (mut source, target) = (Driver::new(), Driver::new());
        source.node.engine_mut().record_changes(true);
        let client = source.connect();
        Self { source, target, client, link: None }
    }

    fn call(&mut self, command: &str) -> String {
        let client = self.client;
        self.source.call(client, command)
    }

    /// Begins a migration of these keys, which are strings, over a link that is there when this
    /// returns.
    fn begin(keys: &str) -> Self {
        let mut pair = Self::new();
        for key in keys.split(' ') {
            pair.call(&format!("SET {key} value"));
        }
        pair.source.node.engine_mut().stream.take();
        assert_eq!(pair.call(&format!("MIGRATE target 7000 '' 0 1000 KEYS {keys}")), "");
        pair.open_link();
        pair
    }

    fn open_link(&mut self) {
        let LinkRequest { token, host, port } = self.source.node.next_link().expect("wanted");
        assert_eq!((&*host, port), ("target", 7000));
        self.source.node.handle_link_connected(token, "127.0.0.1");
        self.link = Some((token, self.target.connect()));
    }

    fn link(&self) -> LinkToken {
        self.link.expect("open").0
    }

    /// What the source has to say to the target.
    fn take_sent(&mut self) -> Vec<u8> {
        let link = self.link();
        while self.source.node.next_with_output().is_some() {}
        while self.source.node.next_link_with_output().is_some() {}
        let Some(mut output) = self.source.node.link_output(link) else { return Vec::new() };
        let bytes = output.to_vec();
        output.advance(bytes.len());
        self.source.node.link_drained(link);
        bytes
    }

    /// The target says something.
    fn answer(&mut self, bytes: &[u8]) {
        let link = self.link();
        let input = self.source.node.link_input(link).expect("the link is read");
        input.extend_from_slice(bytes);
        self.source.node.handle_link_input(link);
    }

    /// Moves bytes until there are none; returns how many there were at most at a time.
    fn run(&mut self) -> usize {
        let (_, as_client) = self.link.expect("open");
        let mut most = 0;
        loop {
            let sent = self.take_sent();
            if sent.is_empty() && !self.source.node.engine_mut().migrations.has_job() {
                return most;
            }
            most = most.max(sent.len());
            let replies = self.target.send(as_client, &sent);
            self.answer(&replies);
            self.source.advance_ms(1);
        }
    }

    /// What the client was told since it was asked last.
    fn heard(&mut self) -> String {
        self.source.carry_out();
        String::from_utf8(self.source.received(self.client)).expect("text")
    }

    /// What was handed to followers.
    fn propagated(&mut self) -> String {
        let bytes = self.source.node.engine_mut().stream.take();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let words = text.split("\r\n").filter(|word| !word.starts_with(['*', '$']));
        words.collect::<Vec<_>>().join(" ").trim().to_owned()
    }
}

#[test]
fn keys_leave_with_their_deadlines_and_followers_delete_them() {
    let mut pair = Pair::new();
    pair.call("SET a 1 PX 5000");
    pair.call("RPUSH b x y");
    pair.propagated();
    assert_eq!(pair.call("MIGRATE target 7000 '' 3 1000 KEYS a nosuch b"), "");
    pair.open_link();
    pair.run();
    assert_eq!(pair.heard(), "+OK\r\n");
    assert_eq!(pair.propagated(), "DEL a b");
    assert_eq!(pair.call("EXISTS a b"), ":0\r\n");
    let reader = pair.target.connect();
    assert_eq!(pair.target.call(reader, "SELECT 3"), "+OK\r\n");
    assert_eq!(pair.target.call(reader, "PTTL a"), ":5000\r\n");
    assert_eq!(pair.target.call(reader, "LRANGE b 0 -1"), "*2\r\n$1\r\nx\r\n$1\r\ny\r\n");
    // The next one takes the same link, on which that database is selected.
    pair.call("SET c 1");
    assert_eq!(pair.call("MIGRATE target 7000 c 3 1000"), "");
    assert!(pair.source.node.next_link().is_none());
    pair.run();
    assert_eq!(pair.heard(), "+OK\r\n");
    assert_eq!(pair.target.call(reader, "GET c"), "$1\r\n1\r\n");
    assert!(pair.call("INFO stats").contains("migrate_cached_sockets:1\r\n"));
    assert!(pair.call("INFO commandstats").contains("cmdstat_migrate:calls=2,"));
}

#[test]
fn copied_keys_stay() {
    let mut pair = Pair::new();
    pair.call("SET a 1");
    pair.propagated();
    assert_eq!(pair.call("MIGRATE target 7000 a 0 1000 COPY"), "");
    pair.open_link();
    let sent = pair.take_sent();
    // What it was is on its way: nobody has to wait any more.
    let other = pair.source.connect();
    assert_eq!(pair.source.call(other, "SET a 2"), "+OK\r\n");
    let replies = pair.target.send(pair.link.expect("open").1, &sent);
    pair.answer(&replies);
    assert_eq!(pair.heard(), "+OK\r\n");
    assert_eq!(pair.propagated(), "SET a 2");
    let reader = pair.target.connect();
    assert_eq!(pair.target.call(reader, "GET a"), "$1\r\n1\r\n");
}

#[test]
fn keys_in_flight_are_read_and_writers_wait() {
    let mut pair = Pair::begin("a b");
    let [reader, writer, transaction, flusher] = [(); 4].map(|()| pair.source.connect());
    assert_eq!(pair.source.call(reader, "GET a"), "$5\r\nvalue\r\n");
    assert_eq!(pair.source.call(reader, "SET other 1"), "+OK\r\n");
    assert_eq!(pair.source.call(writer, "APPEND a 1"), "");
    assert_eq!(pair.source.call(flusher, "FLUSHALL"), "");
    assert_eq!(pair.source.call(transaction, "MULTI"), "+OK\r\n");
    assert_eq!(pair.source.call(transaction, "INCR other"), "+QUEUED\r\n");
    assert_eq!(pair.source.call(transaction, "DEL b"), "+QUEUED\r\n");
    assert_eq!(pair.source.call(transaction, "EXEC"), "");
    assert!(pair.source.call(reader, "INFO clients").contains("blocked_clients:4\r\n"));
    pair.propagated();
    pair.run();
    assert_eq!(pair.heard(), "+OK\r\n");
    let received = [writer, flusher, transaction]
        .map(|client| String::from_utf8(pair.source.received(client)).expect("text"));
    assert_eq!(received, [":1\r\n", "+OK\r\n", "*2\r\n:1\r\n:0\r\n"]);
    let changes = "DEL a b APPEND a 1 flushall INCR other";
    assert_eq!(pair.propagated().to_lowercase(), changes.to_lowercase());
}

#[test]
fn a_command_that_would_be_refused_does_not_wait() {
    let mut pair = Pair::begin("a");
    let other = pair.source.connect();
    let error = "-ERR wrong number of arguments for 'append' command\r\n";
    assert_eq!(pair.source.call(other, "APPEND a"), error);
}

#[test]
fn what_is_acknowledged_is_removed_whatever_the_others_say() {
    let mut pair = Pair::begin("a b c");
    let elsewhere = pair.target.connect();
    pair.target.call(elsewhere, "SET b there");
    pair.run();
    let error = "-ERR Target instance replied with error: BUSYKEY Target key name already \
                 exists.\r\n";
    assert_eq!(pair.heard(), error);
    assert_eq!(pair.propagated(), "DEL a c");
    assert_eq!(pair.call("EXISTS a b c"), ":1\r\n");
    assert_eq!(pair.call("MIGRATE target 7000 b 0 1000 REPLACE"), "");
    pair.run();
    assert_eq!(pair.heard(), "+OK\r\n");
    assert_eq!(pair.target.call(elsewhere, "GET b"), "$5\r\nvalue\r\n");
}

#[test]
fn the_transfer_goes_on_without_its_client() {
    let mut pair = Pair::begin("a b");
    let gone = pair.client;
    pair.source.node.handle_end(gone);
    pair.client = pair.source.connect();
    assert_eq!(pair.client, gone, "somebody else has its place");
    pair.run();
    assert_eq!(pair.heard(), "");
    assert_eq!(pair.propagated(), "DEL a b");
    assert_eq!(pair.call("EXISTS a b"), ":0\r\n");
}

#[test]
fn requests_behind_it_wait_for_its_end() {
    let mut pair = Pair::begin("a");
    assert_eq!(pair.call("EXISTS a"), "");
    pair.run();
    assert_eq!(pair.heard(), "+OK\r\n:0\r\n");
}

#[test]
fn two_that_want_the_same_key_come_one_after_the_other() {
    let mut pair = Pair::begin("a");
    let other = pair.source.connect();
    assert_eq!(pair.source.call(other, "MIGRATE target 7000 a 0 1000"), "");
    pair.run();
    assert_eq!(pair.heard(), "+OK\r\n");
    assert_eq!(pair.source.received(other), b"+NOKEY\r\n");
}

#[test]
fn nobody_but_its_end_ends_the_wait() {
    let mut pair = Pair::begin("a");
    let other = pair.source.connect();
    assert_eq!(pair.source.call(other, "CLIENT UNBLOCK 1 ERROR"), ":0\r\n");
    assert_eq!(pair.heard(), "");
    pair.run();
    assert_eq!(pair.heard(), "+OK\r\n");
}

#[test]
fn a_target_that_is_silent_is_given_up_in_time() {
    let mut pair = Pair::begin("a");
    assert!(!pair.take_sent().is_empty());
    assert_eq!(pair.source.call(pair.client, ""), "");
    pair.source.advance_ms(999);
    pair.source.turn();
    assert_eq!(pair.heard(), "");
    pair.source.advance_ms(1);
    pair.source.turn();
    assert_eq!(
        String::from_utf8_lossy(&pair.source.received(pair.client)),
        "-IOERR error or timeout reading to target instance\r\n"
    );
    let link = pair.link();
    assert!(pair.source.carry_out().contains(&Action::CloseLink(link)));
    assert_eq!(pair.call("EXISTS a"), ":1\r\n");
    assert_eq!(pair.propagated(), "");
}

#[test]
fn without_a_connection_everything_stays() {
    let mut pair = Pair::new();
    pair.call("SET a 1");
    pair.call("MIGRATE target 7000 a 0 1000");
    let token = pair.source.node.next_link().expect("wanted").token;
    pair.source.node.handle_link_failed(token, "no");
    assert_eq!(pair.heard(), "-IOERR error or timeout connecting to the client\r\n");
    assert_eq!(pair.call("SET a 2"), "+OK\r\n");
}

#[test]
fn a_link_that_was_closed_meanwhile_is_replaced() {
    let mut pair = Pair::begin("a");
    pair.run();
    assert_eq!(pair.heard(), "+OK\r\n");
    pair.call("SET b 1");
    assert_eq!(pair.call("MIGRATE target 7000 b 0 1000"), "");
    pair.take_sent();
    let link = pair.link();
    pair.source.node.handle_link_end(link);
    pair.open_link();
    pair.run();
    assert_eq!(pair.heard(), "+OK\r\n");
}

#[test]
fn a_replica_removes_nothing() {
    let mut pair = Pair::begin("a");
    let [other, writer] = [(); 2].map(|()| pair.source.connect());
    assert_eq!(pair.source.call(writer, "SET a 2"), "");
    assert_eq!(pair.source.call(other, "REPLICAOF 127.0.0.1 1"), "+OK\r\n");
    assert!(pair.heard().starts_with("-UNBLOCKED force unblock from blocking operation"));
    let refused = String::from_utf8(pair.source.received(writer)).expect("text");
    assert!(refused.starts_with("-READONLY "), "{refused}");
    assert!(!pair.source.node.engine_mut().migrations.is_any_in_flight());
    assert_eq!(pair.source.call(other, "EXISTS a"), ":1\r\n");
    pair.source.call(other, "CONFIG SET replica-read-only no");
    let refused = pair.source.call(other, "MIGRATE target 7000 a 0 1000");
    assert!(refused.starts_with("-READONLY "), "{refused}");
}

#[test]
fn nothing_ends_while_writes_are_paused() {
    let mut pair = Pair::begin("a");
    let other = pair.source.connect();
    assert_eq!(pair.source.call(other, "CLIENT PAUSE 100 WRITE"), "+OK\r\n");
    pair.run();
    assert_eq!((pair.heard(), pair.propagated()), (String::new(), String::new()));
    pair.source.advance_ms(100);
    pair.source.turn();
    pair.source.received(other);
    assert_eq!(pair.heard(), "+OK\r\n");
    assert_eq!(pair.propagated(), "DEL a");
}

#[test]
fn transactions_do_not_migrate_but_watch() {
    let mut pair = Pair::begin("a");
    let other = pair.source.connect();
    for (command, reply) in [("WATCH a", "+OK"), ("MULTI", "+OK"), ("PING", "+QUEUED")] {
        assert_eq!(pair.source.call(other, command), format!("{reply}\r\n"));
    }
    pair.run();
    assert_eq!(pair.source.call(other, "EXEC"), "*-1\r\n");
    assert_eq!(pair.source.call(other, "MULTI"), "+OK\r\n");
    let error = "-ERR Command not allowed inside a transaction\r\n";
    assert_eq!(pair.source.call(other, "MIGRATE target 7000 a 0 1000"), error);
    assert!(pair.source.call(other, "EXEC").starts_with("-EXECABORT"));
}

#[test]
fn subscribers_hear_of_what_has_gone() {
    let mut pair = Pair::new();
    pair.call("CONFIG SET notify-keyspace-events Eg");
    let subscriber = pair.source.connect();
    pair.source.call(subscriber, "SUBSCRIBE __keyevent@0__:del");
    pair.call("SET a 1");
    pair.call("MIGRATE target 7000 a 0 1000");
    pair.open_link();
    pair.run();
    let message = pair.source.received(subscriber);
    assert!(message.ends_with(b"$1\r\na\r\n"), "{}", String::from_utf8_lossy(&message));
}

#[test]
fn a_key_that_expires_on_its_way_is_gone_on_both_sides() {
    let mut pair = Pair::new();
    pair.call("SET a 1 PX 50");
    pair.call("SET b 1 PX 10");
    pair.call("MIGRATE target 7000 '' 0 1000 KEYS a b");
    pair.propagated();
    pair.source.advance_ms(20);
    pair.open_link();
    let sent = pair.take_sent();
    assert!(!String::from_utf8_lossy(&sent).contains("$1\r\nb\r\n"));
    let replies = pair.target.send(pair.link.expect("open").1, &sent);
    pair.source.advance_ms(50);
    pair.answer(&replies);
    assert_eq!(pair.heard(), "+OK\r\n");
    assert_eq!(pair.propagated(), "DEL a");
    assert_eq!(pair.call("EXISTS a b"), ":0\r\n");
}

/// A set of as many members.
fn add_large_set(pair: &mut Pair, members: usize) {
    for from in (0..members).step_by(1000) {
        let mut command = "SADD large".to_owned();
        (from..from + 1000).for_each(|n| write!(command, " member:{n:08}").expect("memory"));
        pair.call(&command);
    }
}

#[test]
fn a_large_value_goes_in_pieces_and_others_are_served_between_them() {
    let mut pair = Pair::new();
    add_large_set(&mut pair, 40_000);
    let digest = Digest::of_value(pair.source.keyspace(), 0, b"large").to_hex();
    // Whenever the node looks at its clock, 100 µs have passed.
    pair.source.world.look_us.set(100);
    assert_eq!(pair.call("MIGRATE target 7000 large 0 1000"), "");
    pair.open_link();
    let other = pair.source.connect();
    let (_, as_client) = pair.link.expect("open");
    let (mut turns, mut most) = (0, 0);
    while pair.source.keyspace().held(0, b"large").is_some() {
        turns += 1;
        let sent = pair.take_sent();
        most = most.max(sent.len());
        assert_eq!(pair.source.call(other, "SISMEMBER large nosuch"), ":0\r\n");
        let replies = pair.target.send(as_client, &sent);
        pair.answer(&replies);
        pair.source.advance_ms(1);
    }
    assert_eq!(pair.heard(), "+OK\r\n");
    assert!(turns > 10 && most < 256 * 1024, "{turns} turns, {most} bytes");
    assert_eq!(Digest::of_value(pair.target.keyspace(), 0, b"large").to_hex(), digest);
}

#[test]
fn a_large_value_that_goes_away_ends_its_transfer() {
    let mut pair = Pair::new();
    add_large_set(&mut pair, 40_000);
    pair.call("PEXPIRE large 500");
    pair.source.world.look_us.set(100);
    assert_eq!(pair.call("MIGRATE target 7000 large 0 10000"), "");
    pair.open_link();
    while pair.take_sent().is_empty() {
        pair.source.advance_ms(1);
    }
    pair.source.advance_ms(500);
    pair.take_sent();
    assert_eq!(pair.heard(), "-IOERR error or timeout writing to target instance\r\n");
    assert!(!pair.source.node.engine_mut().migrations.is_any_in_flight());
}
