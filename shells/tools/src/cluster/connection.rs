//! A connection to a node, for requests one at a time.

use std::io::{self, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

use dunlin_client::Session;
use dunlin_resp::Value;

/// Longer than any of our requests takes on a loaded machine.
const TIMEOUT: Duration = Duration::from_secs(5);

pub(super) struct Connection {
    stream: TcpStream,
    session: Session,
}

impl Connection {
    /// Connects to a port of this machine.
    pub(super) fn open(port: u16) -> io::Result<Self> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let stream = TcpStream::connect_timeout(&address, TIMEOUT)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(TIMEOUT))?;
        stream.set_write_timeout(Some(TIMEOUT))?;
        Ok(Self { stream, session: Session::new() })
    }

    /// Asks, and waits for the reply; an error of the command is a reply, too.
    pub(super) fn ask(&mut self, words: &[&str]) -> io::Result<Value> {
        self.session.exchange(&mut self.stream, &bytes(words))
    }

    /// Asks for something that has no reply, such as the end of the server.
    pub(super) fn send(&mut self, words: &[&str]) -> io::Result<()> {
        self.session.ask(&bytes(words));
        let output = self.session.output();
        self.stream.write_all(output)?;
        self.session.sent(output.len());
        Ok(())
    }
}

fn bytes<'a>(words: &[&'a str]) -> Vec<&'a [u8]> {
    words.iter().map(|word| word.as_bytes()).collect()
}
