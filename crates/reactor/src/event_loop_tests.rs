//! An echo service over real loopback sockets.

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::time::Instant;

use dunlin_stdx::time::Now;

use super::*;
use crate::service::Refusal;
use crate::{CycleClock, TcpBind, UnixBind};

const ECHO: ListenerTag = ListenerTag(3);

/// Output that hands out its bytes in chunks of `chunk` bytes.
struct Pending {
    bytes: Vec<u8>,
    sent: usize,
    chunk: usize,
}

impl OutputQueue for &mut Pending {
    fn is_empty(&self) -> bool {
        self.sent == self.bytes.len()
    }

    fn fill<'a>(&'a self, slices: &mut [IoSlice<'a>]) -> usize {
        let chunks = self.bytes[self.sent..].chunks(self.chunk);
        slices.iter_mut().zip(chunks).map(|(slot, chunk)| *slot = IoSlice::new(chunk)).count()
    }

    fn advance(&mut self, bytes: usize) {
        self.sent += bytes;
    }
}

struct Client {
    input: Vec<u8>,
    output: Pending,
    paused: bool,
}

/// Repeats what it hears; `answer_bytes` of padding instead, if set.
#[derive(Default)]
struct Echo {
    now: Now,
    clients: Vec<Option<Client>>,
    named: VecDeque<ConnectionId>,
    actions: VecDeque<Action>,
    accepted: Vec<Accepted>,
    ends: Vec<(ConnectionId, String)>,
    drained: usize,
    woken: usize,
    reads: usize,
    refuse: bool,
    start_paused: bool,
    answer_bytes: usize,
    close_after_answer: bool,
    deadline: Option<Monotonic>,
    deadlines_met: usize,
    accept_failures: usize,
}

impl Service for Echo {
    type Output<'a> = &'a mut Pending;

    fn begin_turn(&mut self, now: Now) {
        self.now = now;
    }

    fn accept(&mut self, accepted: Accepted) -> Result<Admission, Refusal> {
        if self.refuse {
            return Err(Refusal(b"-full\r\n".to_vec()));
        }
        let free = self.clients.iter().position(Option::is_none).unwrap_or(self.clients.len());
        self.clients.resize_with(self.clients.len().max(free + 1), || None);
        self.clients[free] = Some(Client {
            input: Vec::new(),
            output: Pending { bytes: Vec::new(), sent: 0, chunk: 1000 },
            paused: self.start_paused,
        });
        self.accepted.push(accepted);
        Ok(Admission { id: ConnectionId(free as u32), keepalive: None })
    }

    fn accept_failed(&mut self, _: ListenerTag, _: &io::Error) {
        self.accept_failures += 1;
    }

    fn input(&mut self, id: ConnectionId) -> Option<&mut Vec<u8>> {
        let client = self.clients[id.0 as usize].as_mut().filter(|c| !c.paused)?;
        client.input.reserve_exact(256);
        Some(&mut client.input)
    }

    fn handle_input(&mut self, id: ConnectionId, _: usize) {
        self.reads += 1;
        let client = self.clients[id.0 as usize].as_mut().expect("known");
        let heard = std::mem::take(&mut client.input);
        if self.answer_bytes > 0 {
            client.output.bytes.resize(client.output.bytes.len() + self.answer_bytes, b'x');
        } else {
            client.output.bytes.extend(heard);
        }
        self.named.push_back(id);
        if self.close_after_answer {
            self.actions.push_back(Action::CloseAfterFlush(id));
        }
    }

    fn run(&mut self) {}

    fn handle_end(&mut self, id: ConnectionId, reason: EndReason) {
        self.clients[id.0 as usize] = None;
        self.ends.push((id, format!("{reason:?}")));
    }

    fn next_with_output(&mut self) -> Option<ConnectionId> {
        self.named.pop_front()
    }

    fn output(&mut self, id: ConnectionId) -> Option<&mut Pending> {
        self.clients[id.0 as usize].as_mut().map(|c| &mut c.output)
    }

    fn output_drained(&mut self, _: ConnectionId) {
        self.drained += 1;
    }

    fn next_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    fn next_deadline(&self) -> Option<Monotonic> {
        self.deadline
    }

    fn handle_deadline(&mut self) {
        self.deadlines_met += 1;
        self.deadline = None;
    }

    fn woken(&mut self) {
        self.woken += 1;
    }
}

struct Rig {
    reactor: Reactor<CycleClock>,
    echo: Echo,
    port: u16,
}

impl Rig {
    fn new() -> Self {
        let reactor = Reactor::new(CycleClock::new()).expect("reactor");
        let probe = TcpListener::bind("127.0.0.1:0").expect("bind");
        let port = probe.local_addr().expect("addr").port();
        drop(probe);
        let binds = [TcpBind::parse("127.0.0.1", port)];
        reactor.listeners().listen_tcp(ECHO, &binds, 64).expect("listen");
        Self { reactor, echo: Echo::default(), port }
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).expect("connect");
        stream.set_nonblocking(true).expect("nonblocking");
        stream
    }

    /// Turns until `done`, at most ten seconds.
    fn until(&mut self, mut done: impl FnMut(&Echo) -> bool) {
        let give_up = Instant::now() + Duration::from_secs(10);
        while !done(&self.echo) {
            assert!(Instant::now() < give_up, "condition not reached");
            self.reactor.turn(&mut self.echo, Some(Duration::from_millis(5))).expect("turn");
        }
    }

    /// Turns until the client has received `count` bytes.
    fn receive(&mut self, client: &mut TcpStream, count: usize) -> Vec<u8> {
        let (mut got, mut chunk) = (Vec::new(), vec![0; 4 << 20]);
        self.until(|_| {
            if let Ok(n) = client.read(&mut chunk) {
                got.extend_from_slice(&chunk[..n]);
            }
            got.len() >= count
        });
        got
    }
}

#[test]
fn bytes_come_back() {
    let mut rig = Rig::new();
    let mut client = rig.connect();
    client.write_all(b"hello").expect("write");
    assert_eq!(rig.receive(&mut client, 5), b"hello");
    let accepted = &rig.echo.accepted[0];
    assert_eq!(accepted.listener, ECHO);
    assert_eq!(accepted.peer, Address::Inet(client.local_addr().expect("addr")));
    assert_eq!(accepted.local, Address::Inet(client.peer_addr().expect("addr")));
}

/// More arrives than one read takes: the rest is read in later turns without another edge.
#[test]
fn input_beyond_one_read_is_not_lost() {
    let mut rig = Rig::new();
    let mut client = rig.connect();
    let sent: Vec<u8> = (0..20_000u32).map(|i| i as u8).collect();
    client.write_all(&sent).expect("write");
    assert_eq!(rig.receive(&mut client, sent.len()), sent);
    assert!(rig.echo.reads >= 20_000 / 256);
}

#[test]
fn end_of_stream_right_behind_data_is_seen() {
    let mut rig = Rig::new();
    let mut client = rig.connect();
    rig.until(|echo| !echo.accepted.is_empty());
    client.write_all(b"bye").expect("write");
    client.shutdown(Shutdown::Write).expect("shutdown");
    rig.until(|echo| !echo.ends.is_empty());
    assert_eq!(rig.echo.ends, [(ConnectionId(0), "PeerClosed".into())]);
    assert_eq!(rig.echo.reads, 1);
    rig.connect();
    rig.until(|echo| echo.accepted.len() == 2);
    assert!(rig.echo.clients[0].is_some(), "the id is used again");
}

/// Output that does not fit into the socket waits for an edge and does not keep the loop busy.
#[test]
fn slow_readers_get_everything() {
    let mut rig = Rig::new();
    rig.echo.answer_bytes = 30 << 20;
    let mut client = rig.connect();
    client.write_all(b"?").expect("write");
    rig.until(|echo| echo.reads == 1);
    for _ in 0..10 {
        rig.reactor.turn(&mut rig.echo, Some(Duration::from_millis(1))).expect("turn");
    }
    assert_eq!(rig.echo.drained, 0);
    assert!(!rig.reactor.has_work(), "nothing to do until the peer reads");
    let got = rig.receive(&mut client, 30 << 20);
    assert_eq!(got.len(), 30 << 20);
    rig.until(|echo| echo.drained == 1);
}

#[test]
fn connections_close_once_their_output_is_written() {
    let mut rig = Rig::new();
    (rig.echo.answer_bytes, rig.echo.close_after_answer) = (8 << 20, true);
    let mut client = rig.connect();
    client.write_all(b"?").expect("write");
    rig.until(|echo| echo.reads == 1);
    assert!(rig.echo.ends.is_empty());
    assert_eq!(rig.receive(&mut client, 8 << 20).len(), 8 << 20);
    rig.until(|echo| !echo.ends.is_empty());
    assert_eq!(rig.echo.ends[0].1, "Flushed");
}

#[test]
fn paused_connections_are_read_when_resumed() {
    let mut rig = Rig::new();
    rig.echo.start_paused = true;
    let mut client = rig.connect();
    client.write_all(b"wait").expect("write");
    rig.until(|echo| !echo.accepted.is_empty());
    for _ in 0..5 {
        rig.reactor.turn(&mut rig.echo, Some(Duration::from_millis(1))).expect("turn");
    }
    assert_eq!(rig.echo.reads, 0);
    // What was read before the pause may run, even if nothing more is to be read.
    rig.echo.actions.push_back(Action::Resume(ConnectionId(0)));
    rig.until(|echo| echo.reads == 1);
    assert!(rig.echo.clients[0].as_ref().expect("client").input.is_empty());
    rig.echo.clients[0].as_mut().expect("client").paused = false;
    rig.echo.actions.push_back(Action::Resume(ConnectionId(0)));
    assert_eq!(rig.receive(&mut client, 4), b"wait");
}

/// A peer that is gone is noticed even when nobody reads from it.
#[test]
fn resets_reach_paused_connections() {
    let mut rig = Rig::new();
    rig.echo.start_paused = true;
    let client = rig.connect();
    rig.until(|echo| !echo.accepted.is_empty());
    socket2::SockRef::from(&client).set_linger(Some(Duration::ZERO)).expect("linger");
    drop(client);
    rig.until(|echo| !echo.ends.is_empty());
}

#[test]
fn refusals_are_told() {
    let mut rig = Rig::new();
    rig.echo.refuse = true;
    let mut client = rig.connect();
    assert_eq!(rig.receive(&mut client, 7), b"-full\r\n");
}

#[test]
fn deadlines_and_wakers_end_the_wait() {
    let mut rig = Rig::new();
    rig.until(|_| true);
    let soon = rig.reactor.clock.now().monotonic.plus_us(20_000);
    rig.echo.deadline = Some(soon);
    while rig.echo.deadlines_met == 0 {
        rig.reactor.turn(&mut rig.echo, None).expect("turn");
    }
    assert!(rig.echo.now.monotonic >= soon);
    let waker = rig.reactor.waker();
    let other = std::thread::spawn({
        let waker = waker.clone();
        move || waker.wake()
    });
    while rig.echo.woken == 0 {
        rig.reactor.turn(&mut rig.echo, None).expect("turn");
    }
    other.join().expect("join");
    rig.echo.actions.push_back(Action::Stop);
    waker.wake();
    rig.reactor.run(&mut rig.echo).expect("run");
}

#[test]
fn unix_sockets_serve_too() {
    let dir = tempfile::tempdir().expect("dir");
    let path = dir.path().join("echo.sock");
    let mut rig = Rig::new();
    let bind = UnixBind { path: path.clone(), mode: 0o600 };
    rig.reactor.listeners().listen_unix(ECHO, &bind, 16).expect("listen");
    let mut client = std::os::unix::net::UnixStream::connect(&path).expect("connect");
    client.write_all(b"local").expect("write");
    rig.until(|echo| echo.drained == 1);
    let mut got = [0; 5];
    client.read_exact(&mut got).expect("read");
    assert_eq!(&got, b"local");
    assert_eq!(rig.echo.accepted[0].peer, Address::Unix(path));
}

#[test]
fn many_connections_share_a_turn() {
    let mut rig = Rig::new();
    let mut clients: Vec<_> = (0..50).map(|_| rig.connect()).collect();
    rig.until(|echo| echo.accepted.len() == 50);
    for client in &mut clients {
        client.write_all(b"x").expect("write");
    }
    rig.until(|echo| echo.drained == 50);
    rig.echo.actions.push_back(Action::Close(ConnectionId(7)));
    rig.until(|echo| echo.actions.is_empty());
    let mut byte = [0; 2];
    assert_eq!(clients[7].read(&mut byte).expect("reply"), 1);
    rig.until(|_| matches!(clients[7].read(&mut byte), Ok(0)));
    assert!(rig.echo.ends.is_empty(), "the service closed it itself");
}
