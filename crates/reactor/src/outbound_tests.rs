//! A service that opens connections, over real loopback sockets; names are resolved by the test.

use std::collections::{BTreeMap, VecDeque};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::process::Command;
use std::sync::{Arc, Mutex, mpsc};
use std::time::Instant;

use dunlin_stdx::time::Now;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::*;
use crate::resolve::Resolve;
use crate::service::Refusal;
use crate::{Connect, Connected, CycleClock, TcpBind};

const OWN: ListenerTag = ListenerTag(1);

/// Ids from here on are those of accepted connections.
const FIRST_ACCEPTED: u32 = 100;

/// Bytes that wait, all in one chunk.
struct Waiting<'a>(&'a mut Vec<u8>);

impl OutputQueue for Waiting<'_> {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn fill<'a>(&'a self, slices: &mut [IoSlice<'a>]) -> usize {
        slices[0] = IoSlice::new(self.0);
        1
    }

    fn advance(&mut self, bytes: usize) {
        self.0.drain(..bytes);
    }
}

/// Opens what it is told to, keeps what it hears, says what it is told to.
#[derive(Default)]
struct Caller {
    connects: VecDeque<Connect>,
    actions: VecDeque<Action>,
    connected: Vec<(u32, Connected)>,
    ends: Vec<(u32, EndReason)>,
    accepted: u32,
    heard: BTreeMap<u32, Vec<u8>>,
    output: BTreeMap<u32, Vec<u8>>,
    named: VecDeque<ConnectionId>,
}

impl Caller {
    fn say(&mut self, id: u32, text: &[u8]) {
        self.output.entry(id).or_default().extend(text);
        self.named.push_back(ConnectionId(id));
    }

    fn heard(&self, id: u32) -> &[u8] {
        self.heard.get(&id).map_or(b"", Vec::as_slice)
    }

    /// The error of the only connection that ended.
    fn failure(&self) -> (u32, &io::Error) {
        match self.ends.as_slice() {
            [(id, EndReason::ConnectFailed(error))] => (*id, error),
            other => panic!("not one failure: {other:?}"),
        }
    }
}

impl Service for Caller {
    type Output<'a> = Waiting<'a>;

    fn begin_turn(&mut self, _: Now) {}

    fn accept(&mut self, _: Accepted) -> Result<Admission, Refusal> {
        let id = ConnectionId(FIRST_ACCEPTED + self.accepted);
        self.accepted += 1;
        Ok(Admission { id, keepalive: None })
    }

    fn accept_failed(&mut self, _: ListenerTag, _: &io::Error) {}

    fn connected(&mut self, id: ConnectionId, connected: &Connected) {
        self.connected.push((id.0, connected.clone()));
    }

    fn input(&mut self, id: ConnectionId) -> Option<&mut Vec<u8>> {
        let heard = self.heard.entry(id.0).or_default();
        heard.reserve(64);
        Some(heard)
    }

    fn handle_input(&mut self, _: ConnectionId, _: usize) {}

    fn run(&mut self) {}

    fn handle_end(&mut self, id: ConnectionId, reason: EndReason) {
        self.ends.push((id.0, reason));
    }

    fn next_with_output(&mut self) -> Option<ConnectionId> {
        self.named.pop_front()
    }

    fn output(&mut self, id: ConnectionId) -> Option<Waiting<'_>> {
        self.output.get_mut(&id.0).map(Waiting)
    }

    fn output_drained(&mut self, _: ConnectionId) {}

    fn next_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    fn next_connect(&mut self) -> Option<Connect> {
        self.connects.pop_front()
    }

    fn next_deadline(&self) -> Option<Monotonic> {
        None
    }

    fn handle_deadline(&mut self) {}

    fn woken(&mut self) {}
}

struct Rig {
    reactor: Reactor<CycleClock>,
    caller: Caller,
}

impl Rig {
    fn new() -> Self {
        let reactor = Reactor::new(CycleClock::new()).expect("reactor");
        Self { reactor, caller: Caller::default() }
    }

    fn with_names(
        resolve: impl Fn(&str, u16) -> io::Result<Vec<SocketAddr>> + Send + Sync + 'static,
    ) -> Self {
        let mut rig = Self::new();
        let resolve: Arc<Resolve> = Arc::new(resolve);
        rig.reactor.outbound.resolvers_mut().set_resolve(resolve);
        rig
    }

    fn open(&mut self, id: u32, host: &str, port: u16) {
        self.open_from("", id, host, port);
    }

    fn open_from(&mut self, source: &str, id: u32, host: &str, port: u16) {
        self.caller.connects.push_back(Connect {
            id: ConnectionId(id),
            host: host.to_owned(),
            port,
            source: source.to_owned(),
            nodelay: true,
            keepalive: None,
        });
    }

    fn turn(&mut self) {
        self.reactor.turn(&mut self.caller, Some(Duration::from_millis(5))).expect("turn");
    }

    /// Turns until `done`, at most ten seconds.
    fn until(&mut self, mut done: impl FnMut(&Caller) -> bool) {
        let give_up = Instant::now() + Duration::from_secs(10);
        while !done(&self.caller) {
            assert!(Instant::now() < give_up, "condition not reached");
            self.turn();
        }
    }
}

fn listener() -> (TcpListener, u16) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("bind");
    let port = listener.local_addr().expect("addr").port();
    (listener, port)
}

/// A port of this machine that nobody listens on.
fn closed_port() -> u16 {
    listener().1
}

/// An address whose listener takes nobody any more: connecting to it neither succeeds nor fails.
struct Crowded {
    address: SocketAddr,
    _listener: Socket,
    _crowd: Vec<Socket>,
}

impl Crowded {
    fn new() -> Self {
        let listener = Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None);
        let listener = listener.expect("socket");
        listener.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).expect("bind");
        listener.listen(0).expect("listen");
        let address = listener.local_addr().expect("addr").as_socket().expect("inet");
        let options = TcpOptions { nodelay: true, keepalive: None };
        let crowd = (0..4).map(|_| stream::connect(address, &[], options).expect("connect"));
        Self { address, _crowd: crowd.collect(), _listener: listener }
    }
}

#[test]
fn a_connection_is_like_one_that_was_accepted() {
    let (listener, port) = listener();
    let mut rig = Rig::new();
    rig.open(3, "127.0.0.1", port);
    // Said before there is a connection: it leaves as soon as there is one.
    rig.caller.say(3, b"early ");
    rig.until(|caller| caller.output[&3].is_empty());
    let (mut peer, address) = listener.accept().expect("accept");
    let (id, connected) = rig.caller.connected[0].clone();
    assert_eq!((id, connected.local, connected.peer.port()), (3, address, port));
    rig.caller.say(3, b"late");
    rig.until(|caller| caller.output[&3].is_empty());
    let mut got = [0; 10];
    peer.read_exact(&mut got).expect("read");
    assert_eq!(&got, b"early late");
    peer.write_all(&[b'x'; 1000]).expect("write");
    drop(peer);
    rig.until(|caller| !caller.ends.is_empty());
    assert_eq!(rig.caller.heard(3).len(), 1000);
    assert!(matches!(rig.caller.ends[0], (3, EndReason::PeerClosed)));
}

/// What the peer says is read even if all of it, and the end, was there before the connection was
/// looked at.
#[test]
fn a_peer_that_speaks_and_leaves_at_once_is_heard() {
    let (listener, port) = listener();
    let mut rig = Rig::new();
    rig.open(0, "127.0.0.1", port);
    rig.turn();
    let (mut peer, _) = listener.accept().expect("accept");
    peer.write_all(b"go away").expect("write");
    drop(peer);
    rig.until(|caller| !caller.ends.is_empty());
    assert_eq!((rig.caller.connected.len(), rig.caller.heard(0)), (1, b"go away".as_slice()));
}

#[test]
fn a_service_may_connect_to_itself() {
    let port = closed_port();
    let mut rig = Rig::new();
    let binds = [TcpBind::parse("127.0.0.1", port)];
    rig.reactor.listeners().listen_tcp(OWN, &binds, 16).expect("listen");
    rig.open(0, "127.0.0.1", port);
    rig.caller.say(0, b"hello me");
    rig.until(|caller| caller.heard(FIRST_ACCEPTED) == b"hello me");
}

#[test]
fn a_refusal_is_told_in_the_words_of_the_system() {
    let mut rig = Rig::new();
    rig.open(7, "127.0.0.1", closed_port());
    rig.until(|caller| !caller.ends.is_empty());
    let (id, error) = rig.caller.failure();
    assert_eq!((id, crate::os_error_text(error).as_str()), (7, "Connection refused"));
    assert!(rig.caller.connected.is_empty());
}

/// Told in the next turn, so that a service which tries again does so once a turn.
#[test]
fn what_fails_at_once_is_told_without_waiting() {
    let mut rig = Rig::new();
    rig.open(1, "255.255.255.255", 1);
    rig.turn();
    assert!(rig.caller.ends.is_empty());
    assert!(rig.reactor.has_work());
    rig.reactor.turn(&mut rig.caller, None).expect("turn");
    assert_eq!(rig.caller.failure().0, 1);
    let (_listener, port) = listener();
    rig.open(1, "127.0.0.1", port);
    rig.until(|caller| caller.connected.len() == 1);
}

#[test]
fn addresses_of_a_name_are_tried_in_order() {
    let (_listener, port) = listener();
    let refused = closed_port();
    let mut rig = Rig::with_names(move |name, _| {
        assert_eq!(name, "primary.example");
        let ports = [refused, refused, port, refused];
        let mut found = vec![SocketAddr::from(([255, 255, 255, 255], 1))];
        found.extend(ports.map(|port| SocketAddr::from(([127, 0, 0, 1], port))));
        Ok(found)
    });
    rig.open(0, "primary.example", 6379);
    rig.until(|caller| !caller.connected.is_empty());
    assert_eq!(rig.caller.connected[0].1.peer.port(), port);
    assert!(rig.caller.ends.is_empty());
}

#[test]
fn the_resolver_of_the_system_knows_this_machine() {
    let (_listener, port) = listener();
    let mut rig = Rig::new();
    rig.open_from("localhost", 0, "localhost", port);
    rig.until(|caller| !caller.connected.is_empty());
    assert!(rig.caller.connected[0].1.peer.ip().is_loopback());
}

#[test]
fn a_name_that_does_not_resolve_is_told() {
    let mut rig = Rig::with_names(|_, _| {
        Err(io::Error::other("failed to lookup address information: Name or service not known"))
    });
    rig.open(2, "nowhere.example", 1);
    rig.until(|caller| !caller.ends.is_empty());
    assert_eq!(rig.caller.failure().1.to_string(), "Name or service not known");
    for name in ["", "nul\0byte"] {
        let mut rig = Rig::new();
        rig.open(2, name, 1);
        rig.until(|caller| !caller.ends.is_empty());
        assert_eq!(rig.caller.failure().0, 2);
    }
}

/// A lookup that hangs keeps neither the loop nor other lookups from going on, and what it says at
/// last means nothing to the connection that has its id by then.
#[test]
fn a_lookup_that_was_given_up_disturbs_nobody() {
    let (_listener, port) = listener();
    let (release, wait) = mpsc::channel::<()>();
    let wait = Mutex::new(wait);
    let mut rig = Rig::with_names(move |name, port| {
        if name == "slow.example" {
            let _ = wait.lock().expect("lock").recv();
            return Ok(vec![SocketAddr::from(([127, 0, 0, 1], 1))]);
        }
        Ok(vec![SocketAddr::from(([127, 0, 0, 1], port))])
    });
    rig.open(0, "slow.example", 1);
    rig.open(1, "quick.example", port);
    rig.until(|caller| caller.connected.len() == 1);
    rig.caller.actions.push_back(Action::Close(ConnectionId(0)));
    rig.open(0, "slow.example", 1);
    rig.turn();
    rig.caller.actions.push_back(Action::Close(ConnectionId(0)));
    rig.open(0, "quick.example", port);
    rig.until(|caller| caller.connected.len() == 2);
    drop(release);
    // Those that are in the queue behind the slow ones are answered after them.
    for id in 2..12 {
        rig.open(id, "quick.example", port);
    }
    rig.until(|caller| caller.connected.len() == 12);
    assert!(rig.caller.ends.is_empty());
    rig.caller.say(0, b"still there");
    rig.until(|caller| caller.output[&0].is_empty());
}

/// However many lookups hang and are given up, no more than a few threads wait for them.
#[test]
fn lookups_that_hang_are_bounded() {
    let (_release, wait) = mpsc::channel::<()>();
    let wait = Mutex::new(wait);
    let started = Arc::new(Mutex::new(0));
    let mut rig = Rig::with_names({
        let started = Arc::clone(&started);
        move |_, _| {
            *started.lock().expect("lock") += 1;
            let _ = wait.lock().expect("lock").recv();
            Ok(Vec::new())
        }
    });
    for _ in 0..50 {
        rig.open(0, "slow.example", 1);
        rig.turn();
        rig.caller.actions.push_back(Action::Close(ConnectionId(0)));
    }
    rig.turn();
    assert!(*started.lock().expect("lock") <= 4);
    assert!(rig.caller.ends.is_empty());
}

#[test]
fn a_connection_may_be_closed_while_it_is_being_made() {
    let crowded = Crowded::new();
    let (_listener, port) = listener();
    let mut rig = Rig::new();
    rig.open(0, "127.0.0.1", crowded.address.port());
    rig.open(1, "127.0.0.1", crowded.address.port());
    for _ in 0..5 {
        rig.turn();
    }
    assert!(rig.caller.connected.is_empty() && rig.caller.ends.is_empty());
    assert!(!rig.reactor.has_work(), "nothing to do until the peer answers");
    rig.caller.actions.push_back(Action::Close(ConnectionId(0)));
    rig.caller.actions.push_back(Action::CloseAfterFlush(ConnectionId(1)));
    rig.open(0, "127.0.0.1", port);
    rig.until(|caller| caller.connected.len() == 1);
    assert_eq!(rig.caller.connected[0].1.peer.port(), port);
    assert!(matches!(rig.caller.ends.as_slice(), [(1, EndReason::Flushed)]));
}

#[test]
#[cfg(target_os = "linux")]
fn the_source_address_is_used_if_it_can_be() {
    let (listener, port) = listener();
    let mut rig = Rig::with_names(|name, port| match name {
        "127.0.0.1" => Ok(vec![SocketAddr::from(([127, 0, 0, 1], port))]),
        "own.example" => Ok(vec![SocketAddr::from(([127, 0, 0, 3], port))]),
        "foreign.example" => Ok(vec![SocketAddr::from(([192, 0, 2, 1], port))]),
        _ => Err(io::ErrorKind::NotFound.into()),
    });
    let sources = [
        ("127.0.0.2", "127.0.0.2"),
        ("own.example", "127.0.0.3"),
        ("foreign.example", "127.0.0.1"),
        ("unknown.example", "127.0.0.1"),
        ("192.0.2.1", "127.0.0.1"),
        ("::1", "127.0.0.1"),
    ];
    for (source, seen) in sources {
        rig.open_from(source, 0, "127.0.0.1", port);
        rig.until(|caller| !caller.connected.is_empty());
        let (_, local) = listener.accept().expect("accept");
        assert_eq!(local.ip().to_string(), seen, "from {source}");
        rig.caller.connected.clear();
        rig.caller.actions.push_back(Action::Close(ConnectionId(0)));
    }
}

#[test]
fn nodelay_can_be_changed_later() {
    let (_listener, port) = listener();
    let mut rig = Rig::new();
    rig.open(0, "127.0.0.1", port);
    rig.until(|caller| !caller.connected.is_empty());
    for on in [false, true] {
        rig.caller.actions.push_back(Action::SetNodelay(ConnectionId(0), on));
        rig.turn();
        let connection = rig.reactor.connections.get_mut(ConnectionId(0)).expect("open");
        assert_eq!(connection.socket.tcp_nodelay().expect("option"), on);
    }
}

/// The limit is the process's, so this runs in a process of its own.
#[test]
fn a_lack_of_descriptors_is_told() {
    const NAME: &str = "event_loop::outbound_tests::a_lack_of_descriptors_is_told";
    const ALONE: &str = "DUNLIN_TEST_WITHOUT_DESCRIPTORS";
    if std::env::var_os(ALONE).is_none() {
        let mut alone = Command::new(std::env::current_exe().expect("own path"));
        let output = alone.args([NAME, "--exact"]).env(ALONE, "1").output().expect("run");
        let told = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && told.contains("1 passed"), "{told}");
        return;
    }
    let (_listener, port) = listener();
    let mut rig = Rig::new();
    let before = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: Some(0), ..before }).expect("limit");
    rig.open(0, "127.0.0.1", port);
    rig.until(|caller| !caller.ends.is_empty());
    assert_eq!(rig.caller.failure().1.raw_os_error(), Some(libc::EMFILE));
    setrlimit(Resource::Nofile, before).expect("limit");
    rig.open(0, "127.0.0.1", port);
    rig.until(|caller| !caller.connected.is_empty());
}
