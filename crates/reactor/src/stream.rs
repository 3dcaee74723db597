//! One non-blocking stream socket: accept, options, read into spare capacity, write.
//!
//! Reads and writes are direct system calls (`rustix`): the C library's wrappers are points where
//! a thread may be cancelled, which costs a server with more than one thread two atomic operations
//! each, 2 of 100 samples of an unpipelined GET (perf).

use std::io::{self, IoSlice};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use rustix::buffer::spare_capacity;
use rustix::io::Errno;
use rustix::net::{self, RecvFlags, SendAncillaryBuffer, SendFlags};
use socket2::{Domain, Protocol, SockRef, Socket, TcpKeepalive, Type};

/// Probes before a silent peer is given up; the period between them is a third of the idle time,
/// so a dead peer is noticed after twice the configured period.
const KEEPALIVE_PROBES: u32 = 3;

/// What became of a read or a write.
#[derive(Debug)]
pub(crate) enum Transfer {
    /// So many bytes moved (0 for a read: end of stream).
    Bytes(usize),
    /// Not now.
    WouldBlock,
    /// The connection is of no more use.
    Failed(io::Error),
}

impl Transfer {
    fn from(result: rustix::io::Result<usize>) -> Self {
        match result {
            Ok(bytes) => Self::Bytes(bytes),
            Err(Errno::AGAIN | Errno::INTR) => Self::WouldBlock,
            Err(error) => Self::Failed(error.into()),
        }
    }
}

/// Reads once into the spare capacity of `buffer` and extends it by what arrived.
pub(crate) fn read_spare(socket: &Socket, buffer: &mut Vec<u8>) -> Transfer {
    debug_assert!(buffer.len() < buffer.capacity(), "a service lends spare capacity");
    loop {
        match net::recv(socket, spare_capacity(buffer), RecvFlags::empty()) {
            Err(Errno::INTR) => {}
            result => return Transfer::from(result.map(|(bytes, _)| bytes)),
        }
    }
}

/// Writes once, all slices together.
pub(crate) fn write(socket: &Socket, slices: &[IoSlice<'_>]) -> Transfer {
    Transfer::from(match slices {
        [only] => net::send(socket, only, SendFlags::NOSIGNAL),
        many => {
            net::sendmsg(socket, many, &mut SendAncillaryBuffer::default(), SendFlags::NOSIGNAL)
        }
    })
}

/// Takes the next connection from a listener: non-blocking, closed on exec.
#[cfg(any(target_os = "linux", target_os = "android", target_os = "freebsd"))]
pub(crate) fn accept(listener: &Socket) -> io::Result<(Socket, socket2::SockAddr)> {
    listener.accept4(libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC)
}

/// Takes the next connection from a listener: non-blocking, closed on exec.
#[cfg(not(any(target_os = "linux", target_os = "android", target_os = "freebsd")))]
pub(crate) fn accept(listener: &Socket) -> io::Result<(Socket, socket2::SockAddr)> {
    let (socket, peer) = listener.accept()?;
    socket.set_nonblocking(true)?;
    Ok((socket, peer))
}

/// Options of a TCP connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TcpOptions {
    /// What is written leaves at once.
    pub(crate) nodelay: bool,
    /// After so much silence a dead peer is looked for.
    pub(crate) keepalive: Option<Duration>,
}

/// Sets the options of a TCP connection.
///
/// Failure is not an error: the peer may be gone already, which the first read will tell.
pub(crate) fn set_tcp_options(socket: &Socket, options: TcpOptions) {
    if options.nodelay {
        let _ = socket.set_tcp_nodelay(true);
    }
    if let Some(idle) = options.keepalive {
        let interval = (idle / 3).max(Duration::from_secs(1));
        let probes = TcpKeepalive::new().with_time(idle).with_interval(interval);
        let _ = SockRef::from(socket).set_tcp_keepalive(&probes.with_retries(KEEPALIVE_PROBES));
    }
}

/// Begins to connect, from one of `sources` if there is one of the right family that can be used,
/// else from where the system chooses.
///
/// # Errors
/// The last way of trying failed at once.
pub(crate) fn connect(
    target: SocketAddr,
    sources: &[IpAddr],
    options: TcpOptions,
) -> io::Result<Socket> {
    let fitting = sources.iter().filter(|source| source.is_ipv6() == target.is_ipv6());
    for source in fitting {
        if let Ok(socket) = connect_from(Some(*source), target, options) {
            return Ok(socket);
        }
    }
    connect_from(None, target, options)
}

fn connect_from(
    source: Option<IpAddr>,
    target: SocketAddr,
    options: TcpOptions,
) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(target), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_nonblocking(true)?;
    if let Some(source) = source {
        socket.set_reuse_address(true)?;
        socket.bind(&SocketAddr::new(source, 0).into())?;
    }
    set_tcp_options(&socket, options);
    match socket.connect(&target.into()) {
        Err(error) if !is_under_way(&error) => Err(error),
        _ => Ok(socket),
    }
}

/// Whether this "error" of connecting says that it goes on without the caller.
fn is_under_way(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EINPROGRESS | libc::EINTR))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::net::{TcpListener, TcpStream};

    #[test]
    fn reads_append_to_what_is_there() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("bind");
        let mut client = TcpStream::connect(listener.local_addr().expect("addr")).expect("connect");
        let (socket, _) = accept(&Socket::from(listener)).expect("accept");
        let mut buffer = Vec::with_capacity(64);
        buffer.extend_from_slice(b"ab");
        assert!(matches!(read_spare(&socket, &mut buffer), Transfer::WouldBlock));
        client.write_all(b"cde").expect("write");
        socket.set_nonblocking(false).expect("blocking");
        assert!(matches!(read_spare(&socket, &mut buffer), Transfer::Bytes(3)));
        assert_eq!(buffer, b"abcde");
        drop(client);
        assert!(matches!(read_spare(&socket, &mut buffer), Transfer::Bytes(0)));
    }

    #[test]
    fn options_of_a_connection_that_is_being_made_are_set() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("bind");
        let target = listener.local_addr().expect("addr");
        for nodelay in [false, true] {
            let options = TcpOptions { nodelay, keepalive: Some(Duration::from_secs(60)) };
            let socket = connect(target, &[], options).expect("connect");
            assert_eq!(socket.tcp_nodelay().expect("nodelay"), nodelay);
            assert!(socket.keepalive().expect("keepalive"));
            assert!(socket.nonblocking().expect("flags"));
        }
    }

    #[test]
    fn keepalive_is_set_in_thirds() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("bind");
        let client = TcpStream::connect(listener.local_addr().expect("addr")).expect("connect");
        let socket = Socket::from(client);
        let keepalive = Some(Duration::from_secs(300));
        set_tcp_options(&socket, TcpOptions { nodelay: true, keepalive });
        assert!(socket.keepalive().expect("keepalive"));
        assert!(socket.tcp_nodelay().expect("nodelay"));
        assert_eq!(socket.tcp_keepalive_interval().expect("interval"), Duration::from_secs(100));
        assert_eq!(socket.tcp_keepalive_retries().expect("retries"), KEEPALIVE_PROBES);
    }
}
