//! A small blocking client that speaks RESP2 and RESP3 and also sends broken bytes.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use crate::value::{Decoded, Value, decode};
use crate::wait::DEADLINE;
use crate::words;

/// A reply with the bytes it came as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The reply, decoded.
    pub value: Value,
    /// The same reply as it was received.
    pub raw: Vec<u8>,
}

enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
}

/// One connection. Every method that waits gives up after [`DEADLINE`].
pub struct Client {
    stream: Stream,
    received: Vec<u8>,
    /// Bytes at the start of `received` that earlier replies took.
    taken: usize,
}

impl Client {
    /// Connects over TCP.
    ///
    /// # Panics
    /// When nobody accepts.
    #[track_caller]
    pub fn connect(address: SocketAddr) -> Client {
        match Client::try_connect(address) {
            Ok(client) => client,
            Err(error) => panic!("connect to {address}: {error}"),
        }
    }

    /// Connects over TCP.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn try_connect(address: SocketAddr) -> io::Result<Client> {
        let stream = TcpStream::connect_timeout(&address, DEADLINE)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(DEADLINE))?;
        stream.set_write_timeout(Some(DEADLINE))?;
        Ok(Client::over(Stream::Tcp(stream)))
    }

    /// Connects over a Unix socket.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn connect_unix(path: &Path) -> io::Result<Client> {
        let stream = UnixStream::connect(path)?;
        stream.set_read_timeout(Some(DEADLINE))?;
        stream.set_write_timeout(Some(DEADLINE))?;
        Ok(Client::over(Stream::Unix(stream)))
    }

    fn over(stream: Stream) -> Client {
        Client { stream, received: Vec::new(), taken: 0 }
    }

    /// Changes how long reads and writes wait.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn set_timeout(&mut self, timeout: Duration) -> io::Result<()> {
        match &self.stream {
            Stream::Tcp(stream) => {
                stream.set_read_timeout(Some(timeout))?;
                stream.set_write_timeout(Some(timeout))
            }
            Stream::Unix(stream) => {
                stream.set_read_timeout(Some(timeout))?;
                stream.set_write_timeout(Some(timeout))
            }
        }
    }

    /// Runs a command written as in redis-cli and returns the reply.
    ///
    /// # Panics
    /// When the line is malformed or the connection fails.
    #[track_caller]
    pub fn cmd(&mut self, line: &str) -> Value {
        match self.try_cmd(line) {
            Ok(value) => value,
            Err(error) => panic!("{line}: {error}"),
        }
    }

    /// Runs a command written as in redis-cli and returns the reply in its short form.
    ///
    /// # Panics
    /// As [`Client::cmd`].
    #[track_caller]
    pub fn show(&mut self, line: &str) -> String {
        self.cmd(line).to_string()
    }

    /// Runs a command written as in redis-cli.
    ///
    /// # Errors
    /// When the connection fails or no reply comes in time.
    pub fn try_cmd(&mut self, line: &str) -> io::Result<Value> {
        let words = words::split(line)
            .map_err(|_| io::Error::new(io::ErrorKind::InvalidInput, "unbalanced quotes"))?;
        self.send(&request(&words))?;
        Ok(self.read_reply()?.value)
    }

    /// Runs a command given as words.
    ///
    /// # Panics
    /// When the connection fails.
    #[track_caller]
    pub fn call<W: AsRef<[u8]>>(&mut self, words: &[W]) -> Value {
        self.send(&request(words)).expect("the request is sent");
        self.read()
    }

    /// Sends bytes as they are.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        match &mut self.stream {
            Stream::Tcp(stream) => stream.write_all(bytes),
            Stream::Unix(stream) => stream.write_all(bytes),
        }
    }

    /// Reads the next reply.
    ///
    /// # Panics
    /// When none comes.
    #[track_caller]
    pub fn read(&mut self) -> Value {
        match self.read_reply() {
            Ok(reply) => reply.value,
            Err(error) => panic!("no reply: {error}"),
        }
    }

    /// Reads the next reply together with its bytes.
    ///
    /// # Errors
    /// `UnexpectedEof` when the server closed, `InvalidData` when it sent no RESP,
    /// `WouldBlock` or `TimedOut` when nothing came in time.
    pub fn read_reply(&mut self) -> io::Result<Reply> {
        loop {
            let unread = &self.received[self.taken..];
            match decode(unread) {
                Decoded::Whole(value, len) => {
                    let raw = unread[..len].to_vec();
                    self.taken += len;
                    return Ok(Reply { value, raw });
                }
                Decoded::Invalid(why) => {
                    return Err(io::Error::new(io::ErrorKind::InvalidData, why));
                }
                Decoded::Incomplete => {}
            }
            if self.receive()? == 0 {
                return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "connection closed"));
            }
        }
    }

    /// Reads until the server closes and returns what came before that.
    ///
    /// # Errors
    /// `WouldBlock` or `TimedOut` when the connection stays open.
    pub fn read_to_close(&mut self) -> io::Result<Vec<u8>> {
        loop {
            match self.receive() {
                Ok(0) => break,
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::ConnectionReset => break,
                Err(error) => return Err(error),
            }
        }
        Ok(self.received.split_off(self.taken))
    }

    /// Appends what has arrived and returns how many bytes that was.
    fn receive(&mut self) -> io::Result<usize> {
        if self.taken > 0 && self.taken * 2 >= self.received.len() {
            self.received.drain(..self.taken);
            self.taken = 0;
        }
        let old_len = self.received.len();
        // Large replies are read in large pieces, so that decoding from the start each
        // time stays linear in practice.
        self.received.resize(old_len + old_len.clamp(16 * 1024, 8 * 1024 * 1024), 0);
        let got = match &mut self.stream {
            Stream::Tcp(stream) => stream.read(&mut self.received[old_len..]),
            Stream::Unix(stream) => stream.read(&mut self.received[old_len..]),
        };
        self.received.truncate(old_len + got.as_ref().map_or(0, |got| *got));
        got
    }
}

/// Encodes a request of several words.
pub fn request<W: AsRef<[u8]>>(words: &[W]) -> Vec<u8> {
    let mut out = format!("*{}\r\n", words.len()).into_bytes();
    for word in words {
        let word = word.as_ref();
        out.extend_from_slice(format!("${}\r\n", word.len()).as_bytes());
        out.extend_from_slice(word);
        out.extend_from_slice(b"\r\n");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    #[test]
    fn reads_replies_that_arrive_together_and_in_pieces() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("its number");
        let peer = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("a client");
            for piece in [&b"+OK\r\n:1\r\n$5\r\nhe"[..], b"llo\r", b"\n"] {
                stream.write_all(piece).expect("written");
                stream.flush().expect("flushed");
            }
        });
        let mut client = Client::connect(address);
        assert_eq!(client.read().to_string(), "OK");
        assert_eq!(client.read().integer(), 1);
        assert_eq!(client.read().text(), "hello");
        assert_eq!(client.read_to_close().expect("closed"), b"");
        peer.join().expect("peer ends");
    }
}
