//! Peers that are played by the test: a primary and a replica, byte by byte.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use dunlin_testkit::client::request;
use dunlin_testkit::value::{Decoded, decode};
use dunlin_testkit::{DEADLINE, Server, wait_some};

/// A replid that nobody has.
pub(crate) const REPLID: &str = "0123456789abcdef0123456789abcdef01234567";

/// Something that listens as a primary would.
pub(crate) struct FakePrimary(TcpListener);

impl FakePrimary {
    pub(crate) fn new() -> FakePrimary {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        listener.set_nonblocking(true).expect("a listener that does not wait");
        FakePrimary(listener)
    }

    /// Makes a server its replica.
    #[track_caller]
    pub(crate) fn attract(&self, replica: &Server) {
        let port = self.0.local_addr().expect("an address").port();
        assert_eq!(replica.client().show(&format!("REPLICAOF 127.0.0.1 {port}")), "OK");
    }

    /// Makes a server its replica once more, without the pause between two attempts.
    #[track_caller]
    pub(crate) fn attract_anew(&self, replica: &Server) {
        assert_eq!(replica.client().show("REPLICAOF NO ONE"), "OK");
        self.attract(replica);
    }

    /// The next connection.
    #[track_caller]
    pub(crate) fn accept(&self) -> Peer {
        let (stream, _) = wait_some("a replica", DEADLINE, || self.0.accept().ok());
        Peer::over(stream)
    }

    /// The next connection of a replica that has introduced itself; the words of its PSYNC.
    #[track_caller]
    pub(crate) fn accept_replica(&self) -> (Peer, Vec<String>) {
        let mut peer = self.accept();
        assert_eq!(peer.request(), ["ping"]);
        peer.send(b"+PONG\r\n");
        loop {
            let words = peer.request();
            if words[0] == "psync" {
                return (peer, words);
            }
            peer.send(b"+OK\r\n");
        }
    }

    /// The next connection, and what it sends is answered with a full synchronisation that begins
    /// with these bytes.
    #[track_caller]
    pub(crate) fn begin_full_sync(&self, header: &str, part: &[u8]) -> Peer {
        let (mut peer, _) = self.accept_replica();
        peer.send(format!("+FULLRESYNC {REPLID} 1000\r\n{header}\r\n").as_bytes());
        peer.send(part);
        peer
    }
}

/// One connection with a server.
pub(crate) struct Peer {
    stream: TcpStream,
    received: Vec<u8>,
}

impl Peer {
    fn over(stream: TcpStream) -> Peer {
        stream.set_nonblocking(false).expect("a stream that waits");
        stream.set_read_timeout(Some(DEADLINE)).expect("a timeout");
        Peer { stream, received: Vec::new() }
    }

    /// Connects as a replica would, and gets as far as the snapshot's header.
    #[track_caller]
    pub(crate) fn replica_of(address: SocketAddr) -> Peer {
        let mut peer = Peer::over(TcpStream::connect(address).expect("connected"));
        for words in [
            &["PING"][..],
            &["REPLCONF", "listening-port", "1"],
            &["REPLCONF", "capa", "psync2"],
            &["PSYNC", "?", "-1"],
        ] {
            peer.send(&request(words));
            let line = peer.line();
            assert!(line.starts_with('+'), "{line}");
        }
        peer
    }

    /// Reads the snapshot, whose length is told first.
    #[track_caller]
    pub(crate) fn take_snapshot(&mut self) -> Vec<u8> {
        let header = self.line();
        let len = header.strip_prefix('$').and_then(|len| len.parse::<usize>().ok());
        let len = len.unwrap_or_else(|| panic!("no length: {header}"));
        while self.received.len() < len {
            self.receive();
        }
        self.received.drain(..len).collect()
    }

    /// Sends bytes; that the other end is gone is found out elsewhere.
    pub(crate) fn send(&mut self, bytes: &[u8]) {
        match self.stream.write_all(bytes) {
            Err(error)
                if !matches!(error.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset) =>
            {
                panic!("sending: {error}")
            }
            _ => {}
        }
    }

    /// The next line that is not blank.
    #[track_caller]
    pub(crate) fn line(&mut self) -> String {
        loop {
            if let Some(end) = self.received.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.received.drain(..=end).collect();
                let line = String::from_utf8_lossy(&line).trim_end().to_owned();
                if !line.is_empty() {
                    return line;
                }
                continue;
            }
            self.receive();
        }
    }

    /// The next request, in lower case.
    #[track_caller]
    pub(crate) fn request(&mut self) -> Vec<String> {
        loop {
            let blanks = self.received.iter().take_while(|byte| **byte == b'\n').count();
            self.received.drain(..blanks);
            match decode(&self.received) {
                Decoded::Whole(value, len) => {
                    self.received.drain(..len);
                    let words = value.items();
                    return words.iter().map(|word| word.text().to_lowercase()).collect();
                }
                Decoded::Incomplete => self.receive(),
                Decoded::Invalid(why) => panic!("no request: {why}"),
            }
        }
    }

    /// Waits until the other end closes.
    #[track_caller]
    pub(crate) fn wait_closed(&mut self) {
        let mut buffer = vec![0; 1 << 20];
        wait_some("the other end to close", DEADLINE, || match self.stream.read(&mut buffer) {
            Ok(0) => Some(()),
            Ok(_) => None,
            Err(error) if error.kind() == ErrorKind::ConnectionReset => Some(()),
            Err(error) => panic!("reading: {error}"),
        });
    }

    #[track_caller]
    fn receive(&mut self) {
        let mut buffer = [0; 64 * 1024];
        let got = self.stream.read(&mut buffer).expect("something comes");
        assert!(got > 0, "the other end has closed");
        self.received.extend_from_slice(&buffer[..got]);
    }

    /// Limits how long reading waits.
    pub(crate) fn wait_at_most(&mut self, timeout: Duration) {
        self.stream.set_read_timeout(Some(timeout)).expect("a timeout");
    }
}

/// The snapshot of a server on which these commands were run.
pub(crate) fn snapshot_of(commands: &[&str]) -> Vec<u8> {
    let server = Server::start();
    let mut client = server.client();
    for command in commands.iter().chain(&["SAVE"]) {
        let reply = client.cmd(command);
        assert!(!reply.is_error(), "{command}: {reply}");
    }
    std::fs::read(server.dir().join("dump.rdb")).expect("the snapshot")
}
