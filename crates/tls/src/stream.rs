//! A stream of bytes that is encrypted on the way, over a socket that waits or one that does not.

use std::fmt;
use std::io::{self, BufRead, Read, Write};

use rustls::ClientConnection;

use crate::reason;

/// One end of a connection. Reading and writing take part in the protocol as it needs it.
///
/// Where the socket waits, so does the stream. Where it does not, the stream says `WouldBlock`, and:
/// - what [`Write::write`] has taken may not have been sent yet: while [`Stream::wants_write`], call
///   [`Write::flush`] when the socket can be written;
/// - [`Read::read`] reads on until the buffer is full or nothing is there, so that one who is told of
///   readiness once misses nothing.
///
/// In either case bytes may wait here that have been read from the socket already: look at
/// [`Stream::has_input`] before waiting for the socket.
pub struct Stream<S> {
    socket: S,
    session: ClientConnection,
    /// Whether the socket waits.
    waits: bool,
    /// Whether the last read of the socket has taken all that was there.
    drained: bool,
    /// Why nothing that comes will be understood any more.
    failure: Option<String>,
}

impl<S> Stream<S> {
    /// The socket below.
    pub fn socket(&self) -> &S {
        &self.socket
    }

    /// The socket below, to make settings.
    pub fn socket_mut(&mut self) -> &mut S {
        &mut self.socket
    }

    /// Says whether the socket waits, after that was changed.
    pub fn set_waits(&mut self, waits: bool) {
        self.waits = waits;
    }

    /// Whether reading would give something, be it the end, without the socket.
    #[must_use]
    pub fn has_input(&mut self) -> bool {
        self.failure.is_some() || !would_block(&self.session.reader().fill_buf())
    }

    /// Whether something is still to be sent that [`Write::write`] has taken.
    #[must_use]
    pub fn wants_write(&self) -> bool {
        self.session.wants_write()
    }
}

impl<S: Read + Write> Stream<S> {
    pub(crate) fn new(socket: S, session: ClientConnection, waits: bool) -> Self {
        Self { socket, session, waits, drained: false, failure: None }
    }

    /// Goes on with the handshake; whether it is done. It is not where the socket does not wait and has
    /// nothing to read or takes nothing: call it again when that has changed.
    ///
    /// # Errors
    /// The socket's, and those of the protocol; [`crate::TlsError`] can be made of either.
    pub fn handshake(&mut self) -> io::Result<bool> {
        while self.session.is_handshaking() {
            let sent = self.send_records();
            if would_block(&sent) {
                return Ok(false);
            }
            sent?;
            let received = self.receive_records();
            if would_block(&received) {
                return Ok(false);
            }
            if received? == 0 {
                return Err(io::Error::other("unexpected eof while reading"));
            }
        }
        let sent = self.send_records();
        if would_block(&sent) {
            return Ok(true);
        }
        sent.map(|()| true)
    }

    /// Reads once from the socket and takes what has come; gives how many bytes that were.
    fn receive_records(&mut self) -> io::Result<usize> {
        let mut socket = Noting { socket: &mut self.socket, is_short: true };
        let len = loop {
            match self.session.read_tls(&mut socket) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => break result?,
            }
        };
        self.drained = socket.is_short;
        if let Err(error) = self.session.process_new_packets() {
            // The other side is told why, if it can be.
            let _ = self.send_records();
            let reason = self.failure.insert(reason::of(&error));
            return Err(io::Error::other(reason.clone()));
        }
        Ok(len)
    }

    /// Sends what is to be sent.
    fn send_records(&mut self) -> io::Result<()> {
        while self.session.wants_write() {
            match self.session.write_tls(&mut self.socket) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }
}

impl<S: Read + Write> Read for Stream<S> {
    /// As of a socket: 0 at the end, whether it was announced or not. A reply that is cut off shows.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut taken = 0;
        loop {
            match self.session.reader().read(&mut buffer[taken..]) {
                Ok(0) => return Ok(taken),
                Ok(len) => taken += len,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(taken),
                Err(error) => return Err(error),
            }
            if taken == buffer.len() || (taken > 0 && (self.waits || self.drained)) {
                return Ok(taken);
            }
            if let Some(reason) = self.failure.clone().filter(|_| taken == 0) {
                return Err(io::Error::other(reason));
            }
            let received = self.receive_records();
            if taken > 0 && received.is_err() {
                // What is wrong will be found again.
                return Ok(taken);
            }
            received?;
            // Renewed keys have to be acknowledged, when the socket takes it.
            let sent = self.send_records();
            if !would_block(&sent) {
                sent?;
            }
        }
    }
}

impl<S: Read + Write> Write for Stream<S> {
    /// Takes all, unless what was taken before has not been sent.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.send_records()?;
        let len = self.session.writer().write(bytes)?;
        let sent = self.send_records();
        if !would_block(&sent) {
            sent?;
        }
        Ok(len)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.send_records()
    }
}

impl<S: fmt::Debug> fmt::Debug for Stream<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Stream").field(&self.socket).finish_non_exhaustive()
    }
}

fn would_block<T>(result: &io::Result<T>) -> bool {
    matches!(result, Err(error) if error.kind() == io::ErrorKind::WouldBlock)
}

/// A socket, and whether its last read gave less than there was room for: then nothing is left in it,
/// and asking again would only cost a system call.
struct Noting<'a, S> {
    socket: &'a mut S,
    is_short: bool,
}

impl<S: Read> Read for Noting<'_, S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.socket.read(buffer);
        self.is_short = !matches!(read, Ok(len) if len == buffer.len());
        read
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixStream;
    use std::sync::Arc;
    use std::thread::{self, JoinHandle};

    use rcgen::{CertificateParams, KeyPair};
    use rustls::pki_types::PrivateKeyDer;
    use rustls::{ServerConfig, ServerConnection, StreamOwned};

    use super::*;
    use crate::{Tls, TlsError, TlsOptions};

    type ServerStream = StreamOwned<ServerConnection, UnixStream>;

    /// A server whose certificate nobody knows.
    fn server<T: Send + 'static>(
        serve: impl FnOnce(ServerStream) -> T + Send + 'static,
    ) -> (UnixStream, JoinHandle<T>) {
        let (socket, own) = UnixStream::pair().expect("a pair");
        let key = KeyPair::generate().expect("a key");
        let params = CertificateParams::new(Vec::new()).expect("parameters");
        let certificate = params.self_signed(&key).expect("a certificate").der().clone();
        let key = PrivateKeyDer::try_from(key.serialize_der()).expect("a key");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)
            .expect("a certificate");
        let session = ServerConnection::new(Arc::new(config)).expect("a session");
        (socket, thread::spawn(move || serve(StreamOwned::new(session, own))))
    }

    fn tls(switches: &[&str]) -> Tls {
        let mut options = TlsOptions::default();
        for switch in ["--tls"].iter().chain(switches) {
            assert!(options.take_switch(switch));
        }
        // No authorities.
        options.take_value("--cacertdir", b"/nowhere");
        options.into_tls().expect("TLS is wanted")
    }

    /// Gives back all that comes until the end.
    fn echo(mut stream: ServerStream) {
        let mut buffer = [0; 5000];
        while let Ok(len @ 1..) = stream.read(&mut buffer) {
            stream.write_all(&buffer[..len]).expect("the client reads");
        }
    }

    fn bytes(len: usize) -> Vec<u8> {
        (0..len).map(|index| (index % 251) as u8).collect()
    }

    #[test]
    fn a_socket_that_waits() {
        let (socket, server) = server(echo);
        let mut stream = tls(&["--insecure"]).connect(socket).expect("a stream");
        for len in [1, 100, 20_000, 1] {
            stream.write_all(&bytes(len)).expect("it is open");
            let mut back = vec![0; len];
            stream.read_exact(&mut back).expect("an answer");
            assert!(back == bytes(len), "{len}");
            assert!(!stream.has_input());
        }
        drop(stream);
        server.join().expect("it ends");
    }

    /// More than all buffers hold goes there and back, through a socket that is full or empty most of
    /// the time.
    #[test]
    fn a_socket_that_does_not_wait() {
        let (socket, server) = server(echo);
        socket.set_nonblocking(true).expect("it can");
        let mut stream = tls(&["--insecure"]).start(socket).expect("a stream");
        while !stream.handshake().expect("they come to terms") {
            thread::yield_now();
        }
        let all = bytes(3_000_000);
        let (mut sent, mut back, mut buffer) = (0, Vec::new(), [0; 3000]);
        while back.len() < all.len() {
            let piece = &all[sent..all.len().min(sent + 70_000)];
            match stream.write(piece) {
                Ok(len) => sent += len,
                Err(error) => assert_eq!(error.kind(), io::ErrorKind::WouldBlock),
            }
            match stream.read(&mut buffer) {
                Ok(len) => {
                    assert!(len > 0, "the end has come early");
                    back.extend_from_slice(&buffer[..len]);
                }
                Err(error) => {
                    assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
                    assert!(!stream.has_input());
                    thread::yield_now();
                }
            }
        }
        assert!(back == all && !stream.wants_write());
        drop(stream);
        server.join().expect("it ends");
    }

    #[test]
    fn what_the_buffer_has_no_room_for_waits_here() {
        let (socket, server) = server(echo);
        let mut stream = tls(&["--insecure"]).connect(socket).expect("a stream");
        stream.write_all(b"abc").expect("it is open");
        let mut byte = [0];
        for (expected, more) in [(b"a", true), (b"b", true), (b"c", false)] {
            assert_eq!(stream.read(&mut byte).expect("a byte"), 1);
            assert_eq!((&byte, stream.has_input()), (expected, more));
        }
        drop(stream);
        server.join().expect("it ends");
    }

    #[test]
    fn ends() {
        let polite = |mut stream: ServerStream| {
            stream.write_all(b"bye").expect("the client reads");
            stream.conn.send_close_notify();
            stream.flush().expect("the client reads");
        };
        let cut_off = |mut stream: ServerStream| {
            stream.write_all(b"bye").expect("the client reads");
            stream.flush().expect("the client reads");
        };
        for serve in [polite as fn(ServerStream), cut_off] {
            let (socket, server) = server(serve);
            let mut stream = tls(&["--insecure"]).connect(socket).expect("a stream");
            let mut all = Vec::new();
            stream.read_to_end(&mut all).expect("an end");
            assert_eq!(all, b"bye");
            assert!(stream.has_input());
            server.join().expect("it ends");
        }
    }

    #[test]
    fn who_is_not_trusted_is_told() {
        let (socket, server) =
            server(|mut stream| stream.read(&mut [0]).map_err(|e| e.to_string()));
        let error = tls(&[]).connect(socket).expect_err("nobody is trusted");
        let text = "SSL_connect failed: certificate verify failed";
        assert_eq!(error, TlsError::Handshake(text.to_owned()));
        let heard = server.join().expect("it ends").expect_err("an alert");
        assert!(heard.contains("alert"), "{heard}");
    }

    #[test]
    fn peers_without_tls() {
        for (sent, reason) in [
            (&b"-ERR unknown command\r\n"[..], "wrong version number"),
            (b"", "unexpected eof while reading"),
        ] {
            let (socket, mut peer) = UnixStream::pair().expect("a pair");
            let peer = thread::spawn(move || {
                peer.write_all(sent).expect("the client reads");
                // All of the client's first words: what is left in a socket resets it.
                let mut hello = [0; 5];
                peer.read_exact(&mut hello).expect("a record");
                let len = u16::from_be_bytes([hello[3], hello[4]]);
                peer.read_exact(&mut vec![0; len.into()]).expect("the rest of it");
            });
            let error = tls(&["--insecure"]).connect(socket).expect_err("no server");
            assert_eq!(error.to_string(), format!("SSL_connect failed: {reason}"));
            peer.join().expect("it ends");
        }
    }

    #[test]
    fn what_comes_when_the_records_are_broken() {
        let (socket, server) = server(|mut stream| {
            stream.read_exact(&mut [0]).expect("a byte");
            stream.sock.write_all(b"\x17\x03\x03\x00\x20").expect("the client reads");
            stream.sock.write_all(&[0; 32]).expect("the client reads");
            // The client says that it has understood nothing.
            stream.read(&mut [0]).map(|_| ()).map_err(|error| error.kind())
        });
        let mut stream = tls(&["--insecure"]).connect(socket).expect("a stream");
        stream.write_all(b"x").expect("it is open");
        for _ in 0..2 {
            let error = stream.read(&mut [0; 10]).expect_err("nonsense");
            assert_eq!(error.to_string(), "decryption failed or bad record mac");
            assert!(stream.has_input());
        }
        assert_eq!(server.join().expect("it ends"), Err(io::ErrorKind::InvalidData));
    }
}
