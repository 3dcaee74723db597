//! What the event loop remembers of each connection: its socket and a few flags.

use std::io;
use std::os::fd::AsRawFd;

use mio::unix::SourceFd;
use mio::{Interest, Registry, Token};
use socket2::Socket;

use crate::ConnectionId;

/// Edges arrive once, so what they said is kept until it is used up.
pub(crate) struct Connection {
    pub(crate) socket: Socket,
    /// Bytes, end of stream or an error wait to be read.
    pub(crate) readable: bool,
    /// The peer closed its side: after a short read there is still the end of stream to read.
    pub(crate) read_closed: bool,
    /// Both directions are dead.
    pub(crate) hung_up: bool,
    /// The service did not want to read.
    pub(crate) paused: bool,
    /// The service asked to run what it has, even if no byte arrives.
    pub(crate) resumed: bool,
    /// In the list of connections to read in the next turn.
    pub(crate) queued: bool,
    /// The socket is full; an edge will tell when it is not.
    pub(crate) write_blocked: bool,
    /// In the list of connections to write to, besides those the service names.
    pub(crate) flush_queued: bool,
    /// Close when the output is written; nothing is read any more.
    pub(crate) closing: bool,
}

impl Connection {
    fn new(socket: Socket) -> Self {
        Self {
            socket,
            readable: false,
            read_closed: false,
            hung_up: false,
            paused: false,
            resumed: false,
            queued: false,
            write_blocked: false,
            flush_queued: false,
            closing: false,
        }
    }
}

/// Connections by id. Tokens of the poller are the ids.
#[derive(Default)]
pub(crate) struct Connections {
    slots: Vec<Option<Connection>>,
}

impl Connections {
    pub(crate) fn get_mut(&mut self, id: ConnectionId) -> Option<&mut Connection> {
        self.slots.get_mut(id.0 as usize)?.as_mut()
    }

    /// Registers a connection for both directions, once and for all.
    pub(crate) fn insert(
        &mut self,
        registry: &Registry,
        id: ConnectionId,
        socket: Socket,
    ) -> io::Result<()> {
        let both = Interest::READABLE | Interest::WRITABLE;
        registry.register(&mut SourceFd(&socket.as_raw_fd()), Token(id.0 as usize), both)?;
        self.adopt(id, socket);
        Ok(())
    }

    /// Takes a connection that is registered for both directions already.
    pub(crate) fn adopt(&mut self, id: ConnectionId, socket: Socket) -> &mut Connection {
        let index = id.0 as usize;
        if self.slots.len() <= index {
            self.slots.resize_with(index + 1, || None);
        }
        debug_assert!(self.slots[index].is_none(), "the service reused an id that is in use");
        self.slots[index].insert(Connection::new(socket))
    }

    /// Forgets a connection and closes it, which also ends its registration.
    pub(crate) fn remove(&mut self, id: ConnectionId) -> bool {
        self.slots.get_mut(id.0 as usize).is_some_and(|slot| slot.take().is_some())
    }
}
