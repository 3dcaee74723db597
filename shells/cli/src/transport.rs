//! The socket of a connection, with TLS or without.

use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};

use dunlin_tls::{Stream, Tls, TlsError};
use socket2::Socket;

pub(crate) enum Transport {
    Plain(Socket),
    Tls(Box<Stream<Socket>>),
}

impl Transport {
    /// Uses a connected socket.
    ///
    /// # Errors
    /// TLS is wanted and there is none.
    pub(crate) fn new(socket: Socket, tls: Option<&Tls>) -> Result<Self, TlsError> {
        Ok(match tls {
            None => Self::Plain(socket),
            Some(tls) => Self::Tls(Box::new(tls.connect(socket)?)),
        })
    }

    /// The socket, to make settings.
    pub(crate) fn socket(&self) -> &Socket {
        match self {
            Self::Plain(socket) => socket,
            Self::Tls(stream) => stream.socket(),
        }
    }

    /// Whether reading and writing wait.
    ///
    /// # Errors
    /// The system refuses.
    pub(crate) fn set_waits(&mut self, waits: bool) -> io::Result<()> {
        self.socket().set_nonblocking(!waits)?;
        if let Self::Tls(stream) = self {
            stream.set_waits(waits);
        }
        Ok(())
    }

    /// Whether something can be read that the socket does not have any more.
    pub(crate) fn has_input(&mut self) -> bool {
        match self {
            Self::Plain(_) => false,
            Self::Tls(stream) => stream.has_input(),
        }
    }

    /// Whether something was taken and is to be sent when the socket takes it, by writing nothing.
    pub(crate) fn wants_write(&self) -> bool {
        match self {
            Self::Plain(_) => false,
            Self::Tls(stream) => stream.wants_write(),
        }
    }
}

impl Read for Transport {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(socket) => socket.read(buffer),
            Self::Tls(stream) => stream.read(buffer),
        }
    }
}

impl Write for Transport {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(socket) => socket.write(bytes),
            Self::Tls(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(_) => Ok(()),
            Self::Tls(stream) => stream.flush(),
        }
    }
}

impl AsFd for Transport {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket().as_fd()
    }
}
