//! The seam between the event loop and whoever owns the connections' buffers.

use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use dunlin_stdx::time::{Monotonic, Now};

use crate::{Connect, Connected, ListenerTag};

/// A connection, named by a small number that the service chooses.
///
/// The reactor keeps a vector indexed by it, so services should reuse low numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId(pub u32);

/// One end of an accepted connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// TCP over IPv4 or IPv6.
    Inet(SocketAddr),
    /// A Unix socket: the path that the listener is bound to.
    Unix(PathBuf),
}

/// What is known of a connection when it arrives.
#[derive(Clone, Debug)]
pub struct Accepted {
    /// Number of the file descriptor, for listings only.
    pub fd: i32,
    /// The other end.
    pub peer: Address,
    /// This end.
    pub local: Address,
    /// Which group of listeners it came through.
    pub listener: ListenerTag,
}

/// A connection that the service takes.
#[derive(Clone, Copy, Debug)]
pub struct Admission {
    /// The name it will have.
    pub id: ConnectionId,
    /// TCP keepalive period, `None` to leave it off.
    pub keepalive: Option<Duration>,
}

/// A connection that the service does not take: the bytes are written, as far as they fit into
/// the socket's buffer, and the connection is closed.
#[derive(Clone, Debug, Default)]
pub struct Refusal(pub Vec<u8>);

/// Why a connection is gone.
#[derive(Debug)]
pub enum EndReason {
    /// It did not come about: no address of [`Connect::host`] answered, or it has none.
    ConnectFailed(io::Error),
    /// The peer closed its side.
    PeerClosed,
    /// Reading failed.
    ReadFailed(io::Error),
    /// Writing failed.
    WriteFailed(io::Error),
    /// The output of a connection that was to be closed after it has been written.
    Flushed,
}

/// What a service may ask of the reactor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Close now, output or not. The service has let go of the connection already:
    /// [`Service::handle_end`] is not called. It may be one that is still being made.
    Close(ConnectionId),
    /// Read no more, close when the output is written. [`Service::handle_end`] follows; at once for
    /// a connection that is still being made, whose output is lost.
    CloseAfterFlush(ConnectionId),
    /// [`Service::input`] said "not now" for this connection. The next turn calls
    /// [`Service::handle_input`] with no new bytes, so that requests which were read before the
    /// pause can run, and then asks for a buffer again.
    Resume(ConnectionId),
    /// Whether what is written to a TCP connection leaves at once (`TCP_NODELAY`, on at first for
    /// every connection that is accepted).
    SetNodelay(ConnectionId, bool),
    /// Leave [`crate::Reactor::run`] after this turn.
    Stop,
}

/// Output of one connection, as chunks.
pub trait OutputQueue {
    /// Whether nothing is left to write.
    fn is_empty(&self) -> bool;

    /// Puts the first chunks into `slices` and returns how many there are.
    fn fill<'a>(&'a self, slices: &mut [IoSlice<'a>]) -> usize;

    /// Takes away the first `bytes` bytes: they have been written.
    fn advance(&mut self, bytes: usize);
}

/// Whoever owns the connections. All calls come from the reactor's thread.
pub trait Service {
    /// What [`Service::output`] lends.
    type Output<'a>: OutputQueue
    where
        Self: 'a;

    /// A turn begins; `now` holds until the next one.
    fn begin_turn(&mut self, now: Now);

    /// A turn has ended after `turn_us` microseconds.
    fn end_turn(&mut self, turn_us: u64) {
        let _ = turn_us;
    }

    /// A connection has arrived.
    ///
    /// # Errors
    /// A refusal, with the bytes that tell the peer why.
    fn accept(&mut self, accepted: Accepted) -> Result<Admission, Refusal>;

    /// Accepting failed for want of descriptors or memory. Called once for as long as connections
    /// keep waiting; the listener rests a moment between attempts.
    fn accept_failed(&mut self, listener: ListenerTag, error: &io::Error);

    /// A connection that the service asked for has been made. From here on it is like one that was
    /// accepted; output that is there already will be written.
    fn connected(&mut self, id: ConnectionId, connected: &Connected) {
        let _ = (id, connected);
    }

    /// The buffer to read into, with spare capacity behind its end; `None` if this connection is
    /// not to be read now ([`Action::Resume`] ends that).
    fn input(&mut self, id: ConnectionId) -> Option<&mut Vec<u8>>;

    /// `bytes_read` bytes were added to the buffer (0 only after [`Action::Resume`]).
    fn handle_input(&mut self, id: ConnectionId, bytes_read: usize);

    /// All reads of this turn are done: run what [`Service::handle_input`] left over.
    fn run(&mut self);

    /// The connection is closed and its id free.
    fn handle_end(&mut self, id: ConnectionId, reason: EndReason);

    /// The next connection that got output since it was last named here.
    ///
    /// A connection whose socket is full need not be named again: the reactor remembers it.
    fn next_with_output(&mut self) -> Option<ConnectionId>;

    /// The output of a connection; `None` if the connection is unknown or its output is held.
    fn output(&mut self, id: ConnectionId) -> Option<Self::Output<'_>>;

    /// The output that was there has been written.
    fn output_drained(&mut self, id: ConnectionId);

    /// The next thing the service asks for. Drained at the end of every turn.
    fn next_action(&mut self) -> Option<Action>;

    /// The next connection that the service wants to have. Drained at the end of every turn, after
    /// the actions.
    fn next_connect(&mut self) -> Option<Connect> {
        None
    }

    /// When [`Service::handle_deadline`] wants to be called. An instant in the past lets the next
    /// turn begin without waiting.
    fn next_deadline(&self) -> Option<Monotonic>;

    /// The deadline is reached.
    fn handle_deadline(&mut self);

    /// Another thread used a [`crate::Waker`], perhaps one of the reactor's own.
    fn woken(&mut self);
}
