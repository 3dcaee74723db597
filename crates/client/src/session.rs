//! Requests, and the replies that belong to them.

use std::collections::VecDeque;
use std::fmt;
use std::io::{self, Read, Write};

use dunlin_resp::{ReplyDecoder, ReplyError, Value, write_request};

/// What one read of [`Session::exchange`] can take.
const READ_BYTES: usize = 16 * 1024;

/// Which request a reply answers. Later requests have greater ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(u64);

/// What a server sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The reply to a request; an error of the command is a reply, too.
    Reply(Ticket, Value),
    /// A message that no request asked for, in RESP3.
    Push(Vec<Value>),
}

/// Why a session cannot go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionError {
    /// The other end does not speak the protocol.
    NoReply(ReplyError),
    /// A reply, though nothing was asked.
    NothingAsked,
    /// The connection ended while replies were due.
    Closed,
}

impl fmt::Display for SessionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoReply(error) => error.fmt(f),
            Self::NothingAsked => f.write_str("a reply to nothing"),
            Self::Closed => f.write_str("Server closed the connection"),
        }
    }
}

impl std::error::Error for SessionError {}

/// One connection to a server, without the connection. The module's front page shows its use.
///
/// Whoever drives it writes [`Session::output`] to the socket and says how much was taken
/// ([`Session::sent`]); hands what was read to [`Session::receive`]; then takes events until there is
/// none.
#[derive(Debug, Default)]
pub struct Session {
    output: Vec<u8>,
    /// Bytes at the start of `output` that were sent.
    sent: usize,
    input: Vec<u8>,
    decoder: ReplyDecoder,
    /// Requests without a reply, in order.
    awaited: VecDeque<Ticket>,
    next: u64,
}

impl Session {
    /// A session in which nothing was said.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks something. Every request has one reply.
    pub fn ask(&mut self, words: &[&[u8]]) -> Ticket {
        write_request(&mut self.output, words);
        let ticket = Ticket(self.next);
        self.next += 1;
        self.awaited.push_back(ticket);
        ticket
    }

    /// What is to be sent.
    #[must_use]
    pub fn output(&self) -> &[u8] {
        &self.output[self.sent..]
    }

    /// So many bytes of [`Session::output`] were sent.
    ///
    /// # Panics
    /// When there were not so many.
    pub fn sent(&mut self, len: usize) {
        self.sent += len;
        assert!(self.sent <= self.output.len(), "more was sent than there was");
        if self.sent == self.output.len() {
            self.output.clear();
            self.sent = 0;
        }
    }

    /// Takes what has arrived.
    pub fn receive(&mut self, bytes: &[u8]) {
        self.input.extend_from_slice(bytes);
    }

    /// How many replies are due.
    #[must_use]
    pub fn awaited(&self) -> usize {
        self.awaited.len()
    }

    /// The next thing that the server said, once it has arrived.
    ///
    /// # Errors
    /// The session is over.
    pub fn next_event(&mut self) -> Result<Option<Event>, SessionError> {
        let mut consumed = 0;
        let decoded = self.decoder.decode(&self.input, &mut consumed);
        self.input.drain(..consumed);
        match decoded.map_err(SessionError::NoReply)? {
            None => Ok(None),
            Some(Value::Push(message)) => Ok(Some(Event::Push(message))),
            Some(value) => match self.awaited.pop_front() {
                Some(ticket) => Ok(Some(Event::Reply(ticket, value))),
                None => Err(SessionError::NothingAsked),
            },
        }
    }

    /// Asks one thing over a stream that waits, and waits for the reply; an error of the command is a
    /// reply, too. Messages that no request asked for are dropped.
    ///
    /// # Errors
    /// The stream's; `InvalidData` with a [`SessionError`] when the session is over.
    pub fn exchange(
        &mut self,
        stream: &mut (impl Read + Write),
        words: &[&[u8]],
    ) -> io::Result<Value> {
        let over = |error| io::Error::new(io::ErrorKind::InvalidData, error);
        self.ask(words);
        stream.write_all(self.output())?;
        self.sent(self.output().len());
        let mut buffer = [0; READ_BYTES];
        loop {
            match self.next_event().map_err(over)? {
                Some(Event::Reply(_, value)) => return Ok(value),
                Some(Event::Push(_)) => {}
                None => match stream.read(&mut buffer)? {
                    0 => return Err(over(SessionError::Closed)),
                    len => self.receive(&buffer[..len]),
                },
            }
        }
    }

    /// The connection has ended.
    ///
    /// # Errors
    /// [`SessionError::Closed`] if replies were due.
    pub fn close(self) -> Result<(), SessionError> {
        if self.awaited.is_empty() { Ok(()) } else { Err(SessionError::Closed) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replies_find_their_requests() {
        let mut session = Session::new();
        let tickets: Vec<Ticket> = (0..3).map(|_| session.ask(&[b"PING"])).collect();
        let len = session.output().len();
        session.sent(len - 1);
        assert_eq!(session.output(), b"\n");
        session.sent(1);
        assert!(session.output().is_empty());
        session.receive(b"+PONG\r\n>2\r\n+invalidate\r\n_\r\n-ERR no\r\n:");
        let mut events = Vec::new();
        while let Some(event) = session.next_event().expect("replies") {
            events.push(event);
        }
        let invalidate = vec![Value::Simple(b"invalidate".to_vec()), Value::Null];
        assert_eq!(
            events,
            [
                Event::Reply(tickets[0], Value::Simple(b"PONG".to_vec())),
                Event::Push(invalidate),
                Event::Reply(tickets[1], Value::Error(b"ERR no".to_vec())),
            ]
        );
        assert_eq!(session.awaited(), 1);
        assert_eq!(session.close(), Err(SessionError::Closed));
    }

    /// A server that says all of this, whatever it is told.
    struct Said(&'static [u8], Vec<u8>);

    impl Read for Said {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            // In pieces.
            let len = buffer.len().min(3);
            self.0.read(&mut buffer[..len])
        }
    }

    impl Write for Said {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.1.write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn one_request_and_its_reply() {
        let mut stream = Said(b">2\r\n+invalidate\r\n_\r\n+PONG\r\n-ERR no\r\n:", Vec::new());
        let mut session = Session::new();
        let mut ask = |word: &[u8]| session.exchange(&mut stream, &[word]);
        assert_eq!(ask(b"PING").expect("a reply"), Value::Simple(b"PONG".to_vec()));
        assert_eq!(ask(b"NO").expect("a reply"), Value::Error(b"ERR no".to_vec()));
        let error = ask(b"MORE").expect_err("cut off");
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        assert_eq!(error.to_string(), "Server closed the connection");
        let asked = b"*1\r\n$4\r\nPING\r\n*1\r\n$2\r\nNO\r\n*1\r\n$4\r\nMORE\r\n";
        assert_eq!(stream.1, asked);
    }

    #[test]
    fn what_ends_a_session() {
        let mut session = Session::new();
        session.receive(b"+OK\r\n");
        assert_eq!(session.next_event(), Err(SessionError::NothingAsked));
        session.receive(b"HTTP/1.1 400\r\n");
        let error = SessionError::NoReply(ReplyError::UnknownKind(b'H'));
        assert_eq!(session.next_event(), Err(error));
        assert_eq!(error.to_string(), "unknown reply type 'H'");
        assert_eq!(session.close(), Ok(()));
    }
}
