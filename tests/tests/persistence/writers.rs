//! Writers that know what was acknowledged, and can tell what a restarted server must hold.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use dunlin_testkit::Client;
use dunlin_testkit::client::request;

/// Transactions that are sent before their replies are read.
const PIPELINE: u64 = 16;

/// Elements that the list keeps.
const LOG_LEN: u64 = 200;

/// A client that writes numbered transactions to keys of its own. Each changes a value of every
/// type and has its number in all of them, so that half of one can be told from a whole one.
pub(crate) struct Writer {
    id: usize,
    /// The last transaction that was sent.
    sent: u64,
    /// The last one that was acknowledged.
    acked: u64,
    /// When transactions of this round were acknowledged.
    acks: VecDeque<(u64, Instant)>,
}

/// What a server holds of a writer's transactions.
pub(crate) struct Found {
    /// How long before the kill the first transaction was acknowledged that is missing.
    pub(crate) lost_for: Duration,
    /// How many are missing.
    pub(crate) lost: u64,
}

impl Writer {
    pub(crate) fn new(id: usize) -> Writer {
        Writer { id, sent: 0, acked: 0, acks: VecDeque::new() }
    }

    fn key(&self, name: &str) -> String {
        format!("writer:{}:{name}", self.id)
    }

    /// The requests of transaction `n`, and how many they are.
    fn transaction(&self, n: u64) -> (Vec<u8>, usize) {
        let number = n.to_string();
        let [first, log, hash, scores, stream, last] =
            ["first", "log", "hash", "scores", "stream", "last"].map(|name| self.key(name));
        let field = (n % 100).to_string();
        let id = format!("{n}-0");
        let keep = format!("-{LOG_LEN}");
        let commands: [&[&str]; 9] = [
            &["MULTI"],
            &["SET", &first, &number],
            &["RPUSH", &log, &number],
            &["LTRIM", &log, &keep, "-1"],
            &["HSET", &hash, &field, &number],
            &["ZADD", &scores, &number, &field],
            &["XADD", &stream, "MAXLEN", "50", &id, "n", &number],
            &["SET", &last, &number, "EX", "100000"],
            &["EXEC"],
        ];
        (commands.iter().flat_map(|words| request(words)).collect(), commands.len())
    }

    /// Writes until the connection fails; counts acknowledged transactions in `total`.
    ///
    /// # Panics
    /// When a transaction is refused.
    pub(crate) fn run(&mut self, address: SocketAddr, total: &AtomicU64) {
        self.acks.clear();
        // The end of the server is the end of this.
        let _ = self.write(address, total);
    }

    fn write(&mut self, address: SocketAddr, total: &AtomicU64) -> io::Result<()> {
        let mut client = Client::try_connect(address)?;
        loop {
            let numbers = self.sent + 1..=self.sent + PIPELINE;
            let mut replies = 0;
            let mut bytes = Vec::new();
            for n in numbers.clone() {
                let (request, count) = self.transaction(n);
                bytes.extend(request);
                replies = count;
            }
            self.sent = *numbers.end();
            client.send(&bytes)?;
            for n in numbers {
                for left in (0..replies).rev() {
                    let reply = client.read_reply()?.value;
                    assert!(
                        !reply.is_error(),
                        "transaction {n}, {left} replies before its end: {reply}"
                    );
                }
                self.acked = n;
                self.acks.push_back((n, Instant::now()));
                total.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// Compares what the server holds with what it said, and goes on from there.
    ///
    /// # Panics
    /// When a transaction is there in part, out of order, or was never sent.
    #[track_caller]
    pub(crate) fn check(&mut self, client: &mut Client, killed: Instant) -> Found {
        let n = self.held(client);
        assert!(n <= self.sent, "writer {} never sent {n}, only up to {}", self.id, self.sent);
        let lost = self.acked.saturating_sub(n);
        let first_lost = self.acks.iter().find(|(number, _)| *number > n);
        let lost_for = match first_lost {
            Some((_, acked)) => killed.saturating_duration_since(*acked),
            None => Duration::ZERO,
        };
        self.sent = n;
        self.acked = n;
        Found { lost_for, lost }
    }

    /// The last transaction that is there; all of it must be.
    #[track_caller]
    fn held(&self, client: &mut Client) -> u64 {
        let first = client.call(&["GET", &self.key("first")]);
        let last = client.call(&["GET", &self.key("last")]);
        assert_eq!(first, last, "writer {}: a transaction is there in part", self.id);
        if first.to_string() == "(nil)" {
            return 0;
        }
        let n: u64 = first.text().parse().expect("a number");
        let log = client.call(&["LRANGE", &self.key("log"), "0", "-1"]).items();
        let expected = n.saturating_sub(LOG_LEN) + 1..=n;
        let log: Vec<u64> = log.iter().map(|item| item.text().parse().expect("a number")).collect();
        assert!(log.iter().copied().eq(expected), "writer {} at {n}: {log:?}", self.id);
        let field = (n % 100).to_string();
        let number = n.to_string();
        assert_eq!(client.call(&["HGET", &self.key("hash"), &field]).text(), number);
        assert_eq!(client.call(&["ZSCORE", &self.key("scores"), &field]).text(), number);
        let newest = client.call(&["XREVRANGE", &self.key("stream"), "+", "-", "COUNT", "1"]);
        assert_eq!(newest.to_string(), format!("[[{n}-0, [n, {n}]]]"));
        n
    }
}
