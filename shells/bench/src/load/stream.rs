//! A connection that does not wait, over TCP or a Unix socket, with TLS or without.

use std::io::{self, IoSlice, Read, Write};

use dunlin_tls::{Tls, TlsError};
use mio::event::Source;
use mio::net::{TcpStream, UnixStream};
use mio::{Interest, Registry, Token};

use crate::connection::Peer;

#[derive(Debug)]
pub(crate) enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
    /// Over one of the others.
    Tls(Box<dunlin_tls::Stream<Stream>>),
}

impl Stream {
    /// Begins to connect. To a Unix socket it connects at once, or waits for room in the backlog: a
    /// socket that does not wait would be told to come back, and not when.
    pub(crate) fn connect(peer: &Peer) -> io::Result<Self> {
        Ok(match peer {
            Peer::Tcp(address) => {
                let stream = TcpStream::connect(*address)?;
                stream.set_nodelay(true)?;
                Self::Tcp(stream)
            }
            Peer::Unix(path) => {
                let stream = std::os::unix::net::UnixStream::connect(path)?;
                stream.set_nonblocking(true)?;
                Self::Unix(UnixStream::from_std(stream))
            }
        })
    }

    /// The same with TLS over it.
    ///
    /// # Errors
    /// What is asked of TLS cannot be done.
    pub(crate) fn secured(self, tls: &Tls) -> Result<Self, TlsError> {
        Ok(Self::Tls(Box::new(tls.start(self)?)))
    }

    /// Goes on with what comes before the first request; whether it is over.
    ///
    /// # Errors
    /// There is no connection.
    pub(crate) fn establish(&mut self) -> io::Result<bool> {
        let error = match self {
            Self::Tcp(stream) => stream.take_error()?,
            Self::Unix(stream) => stream.take_error()?,
            Self::Tls(stream) => {
                if !stream.socket_mut().establish()? {
                    return Ok(false);
                }
                return stream.handshake().map_err(|error| io::Error::other(TlsError::from(error)));
            }
        };
        error.map_or(Ok(true), Err)
    }

    pub(crate) fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        let interests = Interest::READABLE | Interest::WRITABLE;
        self.source().register(registry, token, interests)
    }

    fn source(&mut self) -> &mut dyn Source {
        match self {
            Self::Tcp(stream) => stream,
            Self::Unix(stream) => stream,
            Self::Tls(stream) => stream.socket_mut().source(),
        }
    }
}

impl Read for Stream {
    #[inline]
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.read(buffer),
            Self::Unix(stream) => stream.read(buffer),
            Self::Tls(stream) => stream.read(buffer),
        }
    }
}

impl Write for Stream {
    #[inline]
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.write(bytes),
            Self::Unix(stream) => stream.write(bytes),
            Self::Tls(stream) => stream.write(bytes),
        }
    }

    /// Records of TLS are sent together.
    fn write_vectored(&mut self, bytes: &[IoSlice<'_>]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.write_vectored(bytes),
            Self::Unix(stream) => stream.write_vectored(bytes),
            Self::Tls(stream) => stream.write_vectored(bytes),
        }
    }

    /// Sends what was taken and not sent: sockets keep nothing.
    #[inline]
    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Tcp(_) | Self::Unix(_) => Ok(()),
            Self::Tls(stream) => stream.flush(),
        }
    }
}
