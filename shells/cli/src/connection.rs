//! A connection to one server: words out, values in, on a blocking socket.
//!
//! [`Connection::open`] is all that most callers need, then [`Connection::ask`]. For many requests at
//! once: [`Connection::queue`] each, [`Connection::flush`], [`Connection::receive`] as many replies.

use std::fmt;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, ToSocketAddrs};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use dunlin_resp::{ReplyDecoder, ReplyError, Value, write_request};
use dunlin_tls::{Tls, TlsError};
use memchr::memchr;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use socket2::{Domain, SockAddr, Socket, TcpKeepalive, Type};

use crate::input::Input;
use crate::transport::Transport;

/// Dead peers are noticed after about three times as long.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(15);
/// So much can be sent without looking for replies: less than a server buffers of them.
const UNWATCHED_BYTES_MAX: usize = 64 * 1024;
/// A line before a data set that has not ended after so many bytes will not.
const LINE_BYTES_MAX: usize = 4096;

/// Where a server listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Address {
    /// A name or address of a host, and a port.
    Tcp(String, u16),
    /// The path of a Unix socket.
    Unix(PathBuf),
}

/// As messages to people have it: `127.0.0.1:6379`.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(host, port) => write!(f, "{host}:{port}"),
            Self::Unix(path) => path.display().fmt(f),
        }
    }
}

/// Which protocol a connection is to speak.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// What a server speaks without being asked.
    #[default]
    Resp2,
    /// A server that cannot is an error.
    Resp3,
    /// RESP2 will do.
    Resp3IfPossible,
}

/// A server, and as whom and how to use it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    /// Where it is.
    pub(crate) address: Address,
    /// Goes with a password only.
    pub(crate) user: Option<Vec<u8>>,
    /// Sent with AUTH.
    pub(crate) password: Option<Vec<u8>>,
    /// Selected if it is not 0.
    pub(crate) db: i32,
    /// HELLO.
    pub(crate) protocol: Wanted,
    /// How the connection is encrypted.
    pub(crate) tls: Option<Tls>,
}

impl Target {
    /// Database 0 of a server in RESP2, without a password and without TLS.
    pub(crate) fn new(address: Address) -> Self {
        Self { address, user: None, password: None, db: 0, protocol: Wanted::Resp2, tls: None }
    }
}

/// Why there is no connection, or none that can be used as was wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ConnectError {
    /// The address, and what the system says.
    Unreachable(Address, String),
    /// What the options say about TLS cannot be done.
    Tls(String),
    /// What was asked first (`AUTH`, `SELECT 1`, `HELLO 3`), and the error that came.
    Refused(String, String),
    /// The connection broke before it could be used.
    Broken(Broken),
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable(address, reason) => {
                write!(f, "Could not connect to Redis at {address}: {reason}")
            }
            Self::Tls(error) => write!(f, "Could not negotiate a TLS connection: {error}"),
            Self::Refused(request, error) => write!(f, "{request} failed: {error}"),
            Self::Broken(_) => f.write_str("\nI/O error"),
        }
    }
}

impl std::error::Error for ConnectError {}

/// Why a connection cannot go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Broken {
    /// The server has closed it.
    Closed,
    /// The other end does not speak the protocol.
    NoReply(ReplyError),
    /// Nothing came for as long as [`Connection::set_read_timeout`] allows.
    TimedOut,
    /// Ctrl-C was pressed while waiting ([`Connection::interrupt_with`]).
    Interrupted,
    /// What the system says.
    System(Errno),
    /// What TLS says.
    Tls(String),
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => f.write_str("Server closed the connection"),
            Self::NoReply(ReplyError::UnknownKind(kind)) => {
                let mut quoted = Vec::new();
                dunlin_stdx::words::quote(&[*kind], &mut quoted);
                let quoted = String::from_utf8_lossy(&quoted);
                write!(f, "Protocol error, got {quoted} as reply type byte")
            }
            Self::NoReply(error) => write!(f, "Protocol error, {error}"),
            Self::TimedOut => f.write_str(Errno::EAGAIN.desc()),
            Self::Interrupted => f.write_str(Errno::EINTR.desc()),
            Self::System(errno) => f.write_str(errno.desc()),
            Self::Tls(reason) => f.write_str(reason),
        }
    }
}

impl std::error::Error for Broken {}

impl From<io::Error> for Broken {
    fn from(error: io::Error) -> Self {
        match (error.kind(), error.raw_os_error()) {
            (io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut, _) => Self::TimedOut,
            (_, Some(number)) => Self::System(Errno::from_raw(number)),
            (_, None) => Self::Tls(error.to_string()),
        }
    }
}

/// An open connection.
pub(crate) struct Connection {
    transport: Transport,
    decoder: ReplyDecoder,
    input: Input,
    output: Vec<u8>,
    interrupt: Option<Arc<UnixStream>>,
}

impl Connection {
    /// Connects, authenticates, selects the database, agrees on the protocol.
    ///
    /// # Errors
    /// Any of these failed.
    pub(crate) fn open(target: &Target) -> Result<Self, ConnectError> {
        let mut connection = Self::connect(target)?;
        connection.prepare(target)?;
        Ok(connection)
    }

    /// Connects only, with TLS if that is wanted.
    ///
    /// # Errors
    /// [`ConnectError::Unreachable`] and [`ConnectError::Tls`].
    pub(crate) fn connect(target: &Target) -> Result<Self, ConnectError> {
        let connected = match &target.address {
            Address::Tcp(host, port) => connect_tcp(host, *port),
            Address::Unix(path) => connect_unix(path),
        };
        let unreachable = |reason| ConnectError::Unreachable(target.address.clone(), reason);
        let socket = connected.map_err(|error| unreachable(reason(&error)))?;
        let transport =
            Transport::new(socket, target.tls.as_ref()).map_err(|error| match error {
                TlsError::Settings(text) => ConnectError::Tls(text),
                TlsError::Handshake(reason) => unreachable(reason),
            })?;
        Ok(Self {
            transport,
            decoder: ReplyDecoder::new(),
            input: Input::default(),
            output: Vec::new(),
            interrupt: None,
        })
    }

    /// AUTH, SELECT and HELLO as `target` wants them. The first that fails is the last: the
    /// connection can be used, as whoever it is then.
    ///
    /// # Errors
    /// [`ConnectError::Refused`] and [`ConnectError::Broken`].
    pub(crate) fn prepare(&mut self, target: &Target) -> Result<(), ConnectError> {
        match (&target.user, &target.password) {
            (Some(user), Some(password)) => self.expect("AUTH", &[b"AUTH", user, password])?,
            (None, Some(password)) => self.expect("AUTH", &[b"AUTH", password])?,
            (_, None) => {}
        }
        if target.db != 0 {
            self.select(target.db)?;
        }
        match target.protocol {
            Wanted::Resp2 => Ok(()),
            Wanted::Resp3 | Wanted::Resp3IfPossible => self.expect("HELLO 3", &[b"HELLO", b"3"]),
        }
    }

    /// SELECT.
    ///
    /// # Errors
    /// As [`Connection::prepare`].
    pub(crate) fn select(&mut self, db: i32) -> Result<(), ConnectError> {
        self.expect(&format!("SELECT {db}"), &[b"SELECT", db.to_string().as_bytes()])
    }

    fn expect(&mut self, request: &str, words: &[&[u8]]) -> Result<(), ConnectError> {
        match self.ask(words).map_err(ConnectError::Broken)? {
            Value::Error(text) => {
                let text = String::from_utf8_lossy(&text).into_owned();
                Err(ConnectError::Refused(request.to_owned(), text))
            }
            _ => Ok(()),
        }
    }

    /// How long [`Connection::receive`] waits; `None` is for ever.
    pub(crate) fn set_read_timeout(&mut self, timeout: Option<Duration>) {
        // Refused for a duration of zero alone.
        let timeout = timeout.filter(|timeout| !timeout.is_zero());
        let _ = self.transport.socket().set_read_timeout(timeout);
    }

    /// Waiting ends when something can be read from `interrupt`, which stays there to be read.
    pub(crate) fn interrupt_with(&mut self, interrupt: Option<Arc<UnixStream>>) {
        self.interrupt = interrupt;
        // Part of a record of TLS may be what can be read: nobody waits for the rest of it. Where the
        // system refuses, Ctrl-C is seen later.
        let _ = self.transport.set_waits(self.interrupt.is_none());
    }

    /// Asks, and waits for the reply; an error of the command is a reply, too.
    ///
    /// # Errors
    /// The connection cannot go on.
    pub(crate) fn ask(&mut self, words: &[&[u8]]) -> Result<Value, Broken> {
        self.send(words)?;
        self.receive()
    }

    /// Sends a request without waiting for its reply.
    ///
    /// # Errors
    /// The connection cannot go on.
    pub(crate) fn send(&mut self, words: &[&[u8]]) -> Result<(), Broken> {
        self.queue(words);
        self.flush()
    }

    /// Keeps a request for [`Connection::flush`].
    pub(crate) fn queue(&mut self, words: &[&[u8]]) {
        write_request(&mut self.output, words);
    }

    /// Sends what was queued. Where that is much, replies are taken in meanwhile: a server that
    /// cannot get rid of them reads no further requests.
    ///
    /// # Errors
    /// The connection cannot go on.
    pub(crate) fn flush(&mut self) -> Result<(), Broken> {
        let mut output = std::mem::take(&mut self.output);
        if output.len() <= UNWATCHED_BYTES_MAX && self.interrupt.is_none() {
            self.transport.write_all(&output)?;
        } else {
            self.transport.set_waits(false)?;
            let sent = self.send_and_fill(&output);
            self.transport.set_waits(self.interrupt.is_none())?;
            sent?;
        }
        output.clear();
        output.shrink_to(UNWATCHED_BYTES_MAX);
        self.output = output;
        Ok(())
    }

    /// Sends all, and reads what comes meanwhile.
    fn send_and_fill(&mut self, mut output: &[u8]) -> Result<(), Broken> {
        while !output.is_empty() || self.transport.wants_write() {
            let (can_read, can_write) = self.wait_for_either()?;
            if can_read {
                let room = self.input.room();
                match waited(self.transport.read(room))? {
                    Some(0) => return Err(Broken::Closed),
                    len => self.input.arrived(len.unwrap_or(0)),
                }
            }
            if can_write {
                let sent = waited(self.transport.write(output))?;
                output = &output[sent.unwrap_or(0)..];
            }
        }
        Ok(())
    }

    /// Waits until something can be read or sent.
    fn wait_for_either(&mut self) -> Result<(bool, bool), Broken> {
        if self.transport.has_input() {
            return Ok((true, false));
        }
        let wanted = PollFlags::POLLIN | PollFlags::POLLOUT;
        let mut files = [PollFd::new(self.as_fd(), wanted)];
        match poll(&mut files, PollTimeout::NONE) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(errno) => return Err(Broken::System(errno)),
        }
        let ready = files[0].revents().unwrap_or(PollFlags::empty());
        let ended = PollFlags::POLLERR | PollFlags::POLLHUP;
        let can_write = ready.intersects(PollFlags::POLLOUT | ended);
        Ok((ready.contains(PollFlags::POLLIN), can_write))
    }

    /// The next reply; messages that no request asked for are dropped.
    ///
    /// # Errors
    /// The connection cannot go on.
    pub(crate) fn receive(&mut self) -> Result<Value, Broken> {
        loop {
            match self.receive_any()? {
                Value::Push(_) => {}
                value => return Ok(value),
            }
        }
    }

    /// The next reply or message.
    ///
    /// # Errors
    /// The connection cannot go on.
    pub(crate) fn receive_any(&mut self) -> Result<Value, Broken> {
        loop {
            if let Some(value) = self.arrived()? {
                return Ok(value);
            }
            self.fill()?;
        }
    }

    /// The next reply or message, if it has been read already.
    ///
    /// # Errors
    /// The connection cannot go on.
    pub(crate) fn arrived(&mut self) -> Result<Option<Value>, Broken> {
        let mut decoded = 0;
        let value = self.decoder.decode(self.input.waiting(), &mut decoded);
        self.input.consume(decoded);
        value.map_err(Broken::NoReply)
    }

    /// The next line, without its end: what comes before a data set is no reply.
    ///
    /// # Errors
    /// The connection cannot go on.
    pub(crate) fn receive_line(&mut self) -> Result<Vec<u8>, Broken> {
        loop {
            let input = self.input.waiting();
            if let Some(end) = memchr(b'\n', input) {
                let line = input[..end].strip_suffix(b"\r").unwrap_or(&input[..end]).to_vec();
                self.input.consume(end + 1);
                return Ok(line);
            }
            if input.len() > LINE_BYTES_MAX {
                return Err(Broken::NoReply(ReplyError::InvalidLine));
            }
            self.fill()?;
        }
    }

    /// The next bytes, at least one and at most `most`.
    ///
    /// # Errors
    /// The connection cannot go on.
    pub(crate) fn receive_bytes(&mut self, most: usize) -> Result<Vec<u8>, Broken> {
        if self.input.waiting().is_empty() {
            self.fill()?;
        }
        let input = self.input.waiting();
        let bytes = input[..input.len().min(most)].to_vec();
        self.input.consume(bytes.len());
        Ok(bytes)
    }

    /// Bytes that were received and do not belong to what they were received for.
    pub(crate) fn give_back(&mut self, bytes: &[u8]) {
        self.input.put_back(bytes);
    }

    /// From now on [`Connection::read_some`] and [`Connection::write_some`] do not wait.
    ///
    /// # Errors
    /// The system refuses.
    pub(crate) fn set_nonblocking(&mut self) -> io::Result<()> {
        self.transport.set_waits(false)
    }

    /// Reads what is there; 0 at the end.
    ///
    /// # Errors
    /// As the system says.
    pub(crate) fn read_some(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.transport.read(buffer)
    }

    /// Sends what the system takes. What was taken may still have to be sent with nothing more, when
    /// the system takes it ([`Connection::wants_write`]).
    ///
    /// # Errors
    /// As the system says.
    pub(crate) fn write_some(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.transport.write(bytes)
    }

    /// Whether something can be read without the system's saying so.
    pub(crate) fn has_input(&mut self) -> bool {
        self.transport.has_input()
    }

    /// Whether something is still to be sent that was taken.
    pub(crate) fn wants_write(&self) -> bool {
        self.transport.wants_write()
    }

    /// Reads once.
    ///
    /// # Errors
    /// The connection cannot go on.
    pub(crate) fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Broken> {
        loop {
            self.wait()?;
            match self.transport.read(buffer) {
                Ok(0) => return Err(Broken::Closed),
                Ok(len) => return Ok(len),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error)
                    if error.kind() == io::ErrorKind::WouldBlock && self.interrupt.is_some() => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn fill(&mut self) -> Result<(), Broken> {
        let mut input = std::mem::take(&mut self.input);
        let read = self.read(input.room());
        input.arrived(*read.as_ref().unwrap_or(&0));
        self.input = input;
        read.map(|_| ())
    }

    /// Waits for input or for the interrupt, if there is one.
    fn wait(&mut self) -> Result<(), Broken> {
        if self.interrupt.is_none() || self.transport.has_input() {
            return Ok(());
        }
        let Some(interrupt) = &self.interrupt else { return Ok(()) };
        let mut files = [
            PollFd::new(self.transport.as_fd(), PollFlags::POLLIN),
            PollFd::new(interrupt.as_fd(), PollFlags::POLLIN),
        ];
        loop {
            match poll(&mut files, PollTimeout::NONE) {
                Ok(_) if files[1].any() == Some(true) => return Err(Broken::Interrupted),
                Ok(_) => return Ok(()),
                Err(Errno::EINTR) => {}
                Err(errno) => return Err(Broken::System(errno)),
            }
        }
    }
}

impl AsFd for Connection {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.transport.as_fd()
    }
}

/// `None` where there was nothing to read, or no room to write.
fn waited(done: io::Result<usize>) -> io::Result<Option<usize>> {
    match done {
        Ok(len) => Ok(Some(len)),
        Err(error) => match error.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted => Ok(None),
            _ => Err(error),
        },
    }
}

/// Tries the addresses of a name in turn, those of IPv4 first, as hiredis does.
fn connect_tcp(host: &str, port: u16) -> io::Result<Socket> {
    let mut addresses: Vec<SocketAddr> = (host, port).to_socket_addrs()?.collect();
    addresses.sort_by_key(SocketAddr::is_ipv6);
    let mut last = io::Error::from_raw_os_error(Errno::EADDRNOTAVAIL as i32);
    for address in addresses {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
        match socket.connect(&address.into()) {
            Ok(()) => {
                socket.set_tcp_nodelay(true)?;
                let keepalive = TcpKeepalive::new()
                    .with_time(KEEPALIVE_INTERVAL)
                    .with_interval(KEEPALIVE_INTERVAL / 3)
                    .with_retries(3);
                socket.set_tcp_keepalive(&keepalive)?;
                return Ok(socket);
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn connect_unix(path: &std::path::Path) -> io::Result<Socket> {
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.connect(&SockAddr::unix(path)?)?;
    Ok(socket)
}

/// The system's words alone: std adds the number, and what it was doing.
fn reason(error: &io::Error) -> String {
    if let Some(number) = error.raw_os_error() {
        return Errno::from_raw(number).desc().to_owned();
    }
    let text = error.to_string();
    text.strip_prefix("failed to lookup address information: ").unwrap_or(&text).to_owned()
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::thread;

    use super::*;

    /// A server that sends `reply` whatever it is told, once it is told something.
    fn server(reply: &'static [u8]) -> (Address, thread::JoinHandle<Vec<u8>>) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let thread = thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("a client");
            let mut input = vec![0; 1000];
            let len = stream.read(&mut input).expect("a request");
            stream.write_all(reply).expect("the client reads");
            input.truncate(len);
            input
        });
        (Address::Tcp("127.0.0.1".to_owned(), port), thread)
    }

    #[test]
    fn replies_and_messages_are_told_apart() {
        let (address, thread) = server(b">2\r\n+a\r\n:1\r\n$2\r\nhi\r\n+O");
        let mut connection = Connection::open(&Target::new(address)).expect("a server");
        connection.send(&[b"PING", b"hi"]).expect("it is open");
        let message = vec![Value::Simple(b"a".to_vec()), Value::Integer(1)];
        assert_eq!(connection.receive_any(), Ok(Value::Push(message)));
        assert_eq!(connection.receive(), Ok(Value::Bulk(b"hi".to_vec())));
        assert_eq!(connection.receive(), Err(Broken::Closed));
        assert_eq!(thread.join().expect("it ends"), b"*2\r\n$4\r\nPING\r\n$2\r\nhi\r\n");
    }

    #[test]
    fn much_can_be_asked_at_once() {
        const REQUESTS: usize = 1_000_000;
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        // Answers all before it reads any: more than the system buffers in either direction.
        let thread = thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("a client");
            stream.write_all(&b"+PONG\r\n".repeat(REQUESTS)).expect("the client reads");
            let mut requests = vec![0; b"*1\r\n$4\r\nPING\r\n".len() * REQUESTS];
            stream.read_exact(&mut requests).expect("the client writes");
        });
        let address = Address::Tcp("127.0.0.1".to_owned(), port);
        let mut connection = Connection::connect(&Target::new(address)).expect("it listens");
        (0..REQUESTS).for_each(|_| connection.queue(&[b"PING"]));
        connection.flush().expect("it is open");
        thread.join().expect("it ends");
        let pong = Value::Simple(b"PONG".to_vec());
        (0..REQUESTS).for_each(|_| assert_eq!(connection.receive().as_ref(), Ok(&pong)));
    }

    #[test]
    fn what_goes_wrong_is_told_in_hiredis_words() {
        let (address, _thread) = server(b"HTTP/1.1\r\n");
        let mut connection = Connection::open(&Target::new(address)).expect("a server");
        let error = connection.ask(&[b"PING"]).expect_err("no reply");
        assert_eq!(error.to_string(), "Protocol error, got \"H\" as reply type byte");
        assert_eq!(Broken::Closed.to_string(), "Server closed the connection");

        let (address, _thread) = server(b"-WRONGPASS no\r\n");
        let target = Target { password: Some(b"p".to_vec()), ..Target::new(address) };
        let error = Connection::open(&target).err().expect("refused");
        assert_eq!(error.to_string(), "AUTH failed: WRONGPASS no");

        let nowhere = Address::Unix(PathBuf::from("/nowhere/socket"));
        let error = Connection::open(&Target::new(nowhere)).err().expect("nothing there");
        let text = "Could not connect to Redis at /nowhere/socket: No such file or directory";
        assert_eq!(error.to_string(), text);
    }

    #[test]
    fn waiting_ends_with_a_timeout_or_an_interrupt() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let address = Address::Tcp("127.0.0.1".to_owned(), port);
        let mut connection = Connection::connect(&Target::new(address)).expect("it listens");
        connection.set_read_timeout(Some(Duration::from_millis(1)));
        assert_eq!(connection.receive(), Err(Broken::TimedOut));
        connection.set_read_timeout(None);
        let (mut pressed, interrupt) = UnixStream::pair().expect("a pair");
        connection.interrupt_with(Some(Arc::new(interrupt)));
        pressed.write_all(b"c").expect("it is open");
        assert_eq!(connection.receive(), Err(Broken::Interrupted));
    }
}
