//! Listening sockets: several TCP addresses, a Unix socket, and moving them while running.

use std::cell::RefCell;
use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};
use std::os::fd::AsRawFd;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use mio::unix::SourceFd;
use mio::{Interest, Registry, Token};
use socket2::{Domain, Protocol, SockAddr, Socket, Type};

use crate::{Address, os_error_text};

/// Which listeners belong together (client port, bus port, ...): chosen by the shell, handed back
/// with each connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ListenerTag(pub u8);

/// A TCP address to listen on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TcpBind {
    /// Numeric address, host name, `*` (all of IPv4) or `::*` (all of IPv6).
    pub host: String,
    /// Port.
    pub port: u16,
    /// Whether the machine may lack this address.
    pub optional: bool,
}

impl TcpBind {
    /// Reads one word of a `bind` directive: a leading `-` marks an address that may be missing.
    #[must_use]
    pub fn parse(word: &str, port: u16) -> Self {
        match word.strip_prefix('-') {
            Some(host) => Self { host: host.to_owned(), port, optional: true },
            None => Self { host: word.to_owned(), port, optional: false },
        }
    }

    /// The socket address to bind to. A host with a colon is IPv6, all others are IPv4.
    fn resolve(&self) -> io::Result<SocketAddr> {
        let ip = match self.host.as_str() {
            "*" => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            "::*" => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
            host => return resolve_host(host, self.port),
        };
        Ok(SocketAddr::new(ip, self.port))
    }
}

/// Looks up a host name or numeric address, in the family that its form implies.
fn resolve_host(host: &str, port: u16) -> io::Result<SocketAddr> {
    let want_v6 = host.contains(':');
    (host, port)
        .to_socket_addrs()?
        .find(|address| address.is_ipv6() == want_v6)
        .ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "Name or service not known"))
}

impl fmt::Display for TcpBind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

/// A Unix socket to listen on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnixBind {
    /// Where the socket file is made; an existing file there is removed first.
    pub path: PathBuf,
    /// File mode, 0 to leave it to the umask.
    pub mode: u32,
}

/// An address that could not be listened on.
#[derive(Debug)]
pub struct BindFailure {
    /// The address as configured, `host:port` or a path.
    pub address: String,
    /// The step that failed: `bind`, `listen`, `resolve`, ...
    pub step: &'static str,
    /// What the system said.
    pub error: io::Error,
    /// Whether this address may be missing (optional, or of a family the system lacks).
    pub tolerable: bool,
}

impl fmt::Display for BindFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.address, self.step, os_error_text(&self.error))
    }
}

/// A step of opening a socket, with its name for the report.
type Step<T> = Result<T, (&'static str, io::Error)>;

/// What an open listener is bound to.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Bound {
    Tcp(TcpBind),
    Unix(PathBuf),
}

/// One open listening socket.
struct Listener {
    tag: ListenerTag,
    bound: Bound,
    socket: Socket,
    /// An edge said that connections wait, and accepting has not yet run dry.
    ready: bool,
}

/// A connection out of a listener.
pub(crate) struct Incoming {
    pub(crate) socket: Socket,
    pub(crate) peer: Address,
    pub(crate) local: Address,
    pub(crate) tag: ListenerTag,
}

/// All listening sockets. Dropping it removes the files of Unix sockets.
pub(crate) struct Listeners {
    registry: Registry,
    /// Token of the first slot; the others follow.
    first_token: usize,
    slots: Vec<Option<Listener>>,
}

impl Listeners {
    pub(crate) fn new(registry: Registry, first_token: usize) -> Self {
        Self { registry, first_token, slots: Vec::new() }
    }

    pub(crate) fn mark_ready(&mut self, token: usize) {
        if let Some(Some(listener)) = self.slots.get_mut(token - self.first_token) {
            listener.ready = true;
        }
    }

    /// The next slot from `from` on that has connections waiting.
    pub(crate) fn next_ready(&self, from: usize) -> Option<usize> {
        let rest = self.slots.get(from..)?;
        rest.iter().position(|slot| slot.as_ref().is_some_and(|l| l.ready)).map(|i| from + i)
    }

    /// Takes one connection; `None` when none is waiting.
    pub(crate) fn accept(&mut self, slot: usize) -> Option<(ListenerTag, io::Result<Incoming>)> {
        let listener = self.slots.get_mut(slot)?.as_mut()?;
        match crate::stream::accept(&listener.socket) {
            Ok((socket, peer)) => {
                let (peer, local) = match &listener.bound {
                    Bound::Tcp(_) => {
                        (inet(&peer), socket.local_addr().map_or_else(|_| unknown(), |a| inet(&a)))
                    }
                    Bound::Unix(path) => (Address::Unix(path.clone()), Address::Unix(path.clone())),
                };
                let tag = listener.tag;
                Some((tag, Ok(Incoming { socket, peer, local, tag })))
            }
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => {
                listener.ready = false;
                None
            }
            Err(e) => Some((listener.tag, Err(e))),
        }
    }

    fn insert(&mut self, tag: ListenerTag, bound: Bound, socket: Socket) -> io::Result<()> {
        let slot = self.slots.iter().position(Option::is_none).unwrap_or(self.slots.len());
        let token = Token(self.first_token + slot);
        self.registry.register(&mut SourceFd(&socket.as_raw_fd()), token, Interest::READABLE)?;
        let listener = Some(Listener { tag, bound, socket, ready: false });
        match self.slots.get_mut(slot) {
            Some(free) => *free = listener,
            None => self.slots.push(listener),
        }
        Ok(())
    }

    /// Opens one TCP address.
    fn open_tcp(&mut self, tag: ListenerTag, bind: &TcpBind, backlog: i32) -> Step<()> {
        let address = bind.resolve().map_err(|e| ("resolve", e))?;
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))
            .map_err(|e| ("socket", e))?;
        if address.is_ipv6() {
            socket.set_only_v6(true).map_err(|e| ("setsockopt", e))?;
        }
        socket.set_reuse_address(true).map_err(|e| ("setsockopt SO_REUSEADDR", e))?;
        socket.bind(&address.into()).map_err(|e| ("bind", e))?;
        socket.listen(backlog).map_err(|e| ("listen", e))?;
        socket.set_nonblocking(true).map_err(|e| ("fcntl", e))?;
        self.insert(tag, Bound::Tcp(bind.clone()), socket).map_err(|e| ("register", e))
    }

    fn open_unix(&mut self, tag: ListenerTag, bind: &UnixBind, backlog: i32) -> Step<()> {
        let _ = std::fs::remove_file(&bind.path);
        let socket = Socket::new(Domain::UNIX, Type::STREAM, None).map_err(|e| ("socket", e))?;
        let address = SockAddr::unix(&bind.path).map_err(|e| ("bind", e))?;
        socket.bind(&address).map_err(|e| ("bind", e))?;
        socket.listen(backlog).map_err(|e| ("listen", e))?;
        if bind.mode != 0 {
            let mode = std::fs::Permissions::from_mode(bind.mode);
            std::fs::set_permissions(&bind.path, mode).map_err(|e| ("chmod", e))?;
        }
        socket.set_nonblocking(true).map_err(|e| ("fcntl", e))?;
        self.insert(tag, Bound::Unix(bind.path.clone()), socket).map_err(|e| ("register", e))
    }

    /// Closes the TCP listeners of `tag` for which `keep` is false, and returns what they were
    /// bound to.
    fn close_tcp(&mut self, tag: ListenerTag, keep: impl Fn(&TcpBind) -> bool) -> Vec<TcpBind> {
        let mut closed = Vec::new();
        for slot in &mut self.slots {
            if let Some(Listener { tag: of, bound: Bound::Tcp(bind), socket, .. }) = slot
                && *of == tag
                && !keep(bind)
            {
                let _ = self.registry.deregister(&mut SourceFd(&socket.as_raw_fd()));
                closed.push(bind.clone());
                *slot = None;
            }
        }
        closed
    }

    fn is_open(&self, tag: ListenerTag, bind: &TcpBind) -> bool {
        self.tcp(tag).any(|open| open.host == bind.host && open.port == bind.port)
    }

    fn tcp(&self, tag: ListenerTag) -> impl Iterator<Item = &TcpBind> {
        self.slots.iter().flatten().filter_map(move |l| match &l.bound {
            Bound::Tcp(bind) if l.tag == tag => Some(bind),
            _ => None,
        })
    }
}

impl Drop for Listeners {
    fn drop(&mut self) {
        for listener in self.slots.iter().flatten() {
            if let Bound::Unix(path) = &listener.bound {
                let _ = std::fs::remove_file(path);
            }
        }
    }
}

fn inet(address: &SockAddr) -> Address {
    address.as_socket().map_or_else(unknown, Address::Inet)
}

fn unknown() -> Address {
    Address::Inet(SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0))
}

/// Whether the system lacks the protocol family: such an address is passed over.
fn family_is_missing(error: &io::Error) -> bool {
    matches!(
        error.raw_os_error(),
        Some(
            libc::ENOPROTOOPT
                | libc::EPROTONOSUPPORT
                | libc::ESOCKTNOSUPPORT
                | libc::EPFNOSUPPORT
                | libc::EAFNOSUPPORT
        )
    )
}

/// Opens, moves and closes listeners, at start and while the loop runs.
///
/// Cheap to clone; all clones act on the same listeners. For the reactor's thread only.
#[derive(Clone)]
pub struct ListenerControl {
    listeners: Rc<RefCell<Listeners>>,
}

impl ListenerControl {
    pub(crate) fn new(listeners: Rc<RefCell<Listeners>>) -> Self {
        Self { listeners }
    }

    /// Makes the TCP listeners of `tag` exactly these, and returns the addresses that were passed
    /// over. Addresses that are open already stay open without a gap.
    ///
    /// # Errors
    /// The failures, the last of them fatal; the listeners are as they were before the call.
    pub fn listen_tcp(
        &self,
        tag: ListenerTag,
        binds: &[TcpBind],
        backlog: i32,
    ) -> Result<Vec<BindFailure>, Vec<BindFailure>> {
        let mut listeners = self.listeners.borrow_mut();
        let wanted =
            |open: &TcpBind| binds.iter().any(|b| b.host == open.host && b.port == open.port);
        let before: Vec<TcpBind> = listeners.tcp(tag).cloned().collect();
        let closed = listeners.close_tcp(tag, wanted);
        let mut failures = Vec::new();
        for bind in binds {
            if listeners.is_open(tag, bind) {
                continue;
            }
            let Err((step, error)) = listeners.open_tcp(tag, bind, backlog) else { continue };
            let missing = bind.optional && error.kind() == io::ErrorKind::AddrNotAvailable;
            let tolerable = missing || family_is_missing(&error);
            failures.push(BindFailure { address: bind.to_string(), step, error, tolerable });
            if !tolerable {
                listeners.close_tcp(tag, |open| before.contains(open));
                for bind in &closed {
                    let _ = listeners.open_tcp(tag, bind, backlog);
                }
                return Err(failures);
            }
        }
        Ok(failures)
    }

    /// Listens on a Unix socket too.
    ///
    /// # Errors
    /// The step that failed.
    pub fn listen_unix(
        &self,
        tag: ListenerTag,
        bind: &UnixBind,
        backlog: i32,
    ) -> Result<(), BindFailure> {
        self.listeners.borrow_mut().open_unix(tag, bind, backlog).map_err(|(step, error)| {
            let address = bind.path.display().to_string();
            BindFailure { address, step, error, tolerable: false }
        })
    }

    /// The TCP addresses that `tag` listens on now.
    #[must_use]
    pub fn tcp_binds(&self, tag: ListenerTag) -> Vec<TcpBind> {
        self.listeners.borrow().tcp(tag).cloned().collect()
    }

    /// Number of open listeners of `tag`.
    #[must_use]
    pub fn count(&self, tag: ListenerTag) -> usize {
        self.listeners.borrow().slots.iter().flatten().filter(|l| l.tag == tag).count()
    }

    /// Path of the Unix socket that is listened on, if any.
    #[must_use]
    pub fn unix_path(&self) -> Option<PathBuf> {
        self.listeners.borrow().slots.iter().flatten().find_map(|l| match &l.bound {
            Bound::Unix(path) => Some(Path::to_path_buf(path)),
            Bound::Tcp(_) => None,
        })
    }

    /// Stops listening everywhere and removes the files of Unix sockets.
    pub fn close_all(&self) {
        let mut listeners = self.listeners.borrow_mut();
        let slots = std::mem::take(&mut listeners.slots);
        for listener in slots.into_iter().flatten() {
            let _ = listeners.registry.deregister(&mut SourceFd(&listener.socket.as_raw_fd()));
            if let Bound::Unix(path) = &listener.bound {
                let _ = std::fs::remove_file(path);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    const CLIENTS: ListenerTag = ListenerTag(1);

    fn control() -> (mio::Poll, ListenerControl) {
        let poll = mio::Poll::new().expect("poll");
        let registry = poll.registry().try_clone().expect("registry");
        let listeners = Listeners::new(registry, 1000);
        (poll, ListenerControl::new(Rc::new(RefCell::new(listeners))))
    }

    fn free_port() -> u16 {
        let probe = TcpListener::bind("127.0.0.1:0").expect("bind");
        probe.local_addr().expect("addr").port()
    }

    #[test]
    fn words_of_a_bind_directive() {
        let bind = TcpBind::parse("-::1", 7000);
        assert_eq!((bind.host.as_str(), bind.optional), ("::1", true));
        assert_eq!(bind.resolve().expect("resolve"), "[::1]:7000".parse().expect("address"));
        let all = TcpBind::parse("*", 7000);
        assert_eq!(all.resolve().expect("resolve"), "0.0.0.0:7000".parse().expect("address"));
        let all6 = TcpBind::parse("-::*", 7000);
        assert_eq!(all6.resolve().expect("resolve"), "[::]:7000".parse().expect("address"));
        assert_eq!(all.to_string(), "*:7000");
        assert!(TcpBind::parse("localhost", 1).resolve().expect("resolve").is_ipv4());
    }

    #[test]
    fn missing_optional_addresses_are_passed_over() {
        let (_poll, control) = control();
        let port = free_port();
        let binds = [TcpBind::parse("127.0.0.1", port), TcpBind::parse("-192.0.2.77", port)];
        let skipped = control.listen_tcp(CLIENTS, &binds, 16).expect("listen");
        assert_eq!(skipped.len(), 1);
        assert_eq!(
            skipped[0].to_string(),
            format!("192.0.2.77:{port}: bind: Cannot assign requested address")
        );
        assert_eq!(control.count(CLIENTS), 1);
        let fatal = [TcpBind::parse("192.0.2.77", port)];
        control.listen_tcp(CLIENTS, &fatal, 16).expect_err("not optional");
        assert_eq!(control.tcp_binds(CLIENTS), binds[..1]);
    }

    /// A port that is taken leaves the listeners as they were.
    #[test]
    fn a_failed_move_rolls_back() {
        let (_poll, control) = control();
        let (old, new) = (free_port(), free_port());
        let at = |port| vec![TcpBind::parse("127.0.0.1", port), TcpBind::parse("127.0.0.2", port)];
        control.listen_tcp(CLIENTS, &at(old), 16).expect("listen");
        let taken = TcpListener::bind(("127.0.0.2", new)).expect("bind");
        let failures = control.listen_tcp(CLIENTS, &at(new), 16).expect_err("taken");
        assert_eq!(
            failures[0].to_string(),
            format!("127.0.0.2:{new}: bind: Address already in use")
        );
        assert_eq!(control.tcp_binds(CLIENTS), at(old));
        std::net::TcpStream::connect(("127.0.0.1", old)).expect("still there");
        std::net::TcpStream::connect(("127.0.0.1", new)).expect_err("rolled back");
        drop(taken);
        control.listen_tcp(CLIENTS, &at(new), 16).expect("free now");
        assert_eq!(control.tcp_binds(CLIENTS), at(new));
        std::net::TcpStream::connect(("127.0.0.1", old)).expect_err("closed");
    }

    #[test]
    fn moving_to_all_addresses_of_the_same_port_works() {
        let (_poll, control) = control();
        let port = free_port();
        control.listen_tcp(CLIENTS, &[TcpBind::parse("127.0.0.1", port)], 16).expect("one");
        control.listen_tcp(CLIENTS, &[TcpBind::parse("*", port)], 16).expect("all");
        std::net::TcpStream::connect(("127.0.0.3", port)).expect("listening everywhere");
        control.listen_tcp(CLIENTS, &[], 16).expect("none");
        assert_eq!(control.count(CLIENTS), 0);
    }

    #[test]
    fn unix_sockets_get_their_mode_and_go_away() {
        let dir = tempfile::tempdir().expect("dir");
        let path = dir.path().join("s.sock");
        let (_poll, control) = control();
        let bind = UnixBind { path: path.clone(), mode: 0o700 };
        control.listen_unix(CLIENTS, &bind, 16).expect("listen");
        let mode = std::fs::metadata(&path).expect("metadata").permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
        std::os::unix::net::UnixStream::connect(&path).expect("connect");
        assert_eq!(control.unix_path().as_deref(), Some(path.as_path()));
        control.close_all();
        assert!(!path.exists());
        let missing = UnixBind { path: dir.path().join("no/s.sock"), mode: 0 };
        let failure = control.listen_unix(CLIENTS, &missing, 16).expect_err("no directory");
        assert!(failure.to_string().ends_with("bind: No such file or directory"), "{failure}");
    }
}
