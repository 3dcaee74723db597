//! One connection under load.

use std::io::{self, Read, Write};
use std::time::Instant;

use dunlin_resp::{ReplySkipper, Skipped};

use super::stream::Stream;
use crate::failure::{Failure, describe};

/// A connection and the batch that it waits for.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) stream: Stream,
    /// The node of a cluster that it is connected to.
    pub(crate) node: usize,
    /// Replies to the batch that are due.
    pub(crate) due: usize,
    /// Replies to what was sent before the first batch that are due.
    pub(crate) prefix_due: usize,
    pub(crate) is_connected: bool,
    /// Whether it has sent anything.
    pub(crate) is_fresh: bool,
    sent_at: Instant,
    /// How long the first reply of the batch took; the later ones count as fast.
    latency_micros: Option<u64>,
    skipper: ReplySkipper,
    /// What the socket has not taken, from `unsent_from` on.
    unsent: Vec<u8>,
    unsent_from: usize,
}

/// An error among the replies.
pub(crate) struct ErrorReply(pub(crate) String);

impl Client {
    /// Uses a stream that is being connected to a node.
    pub(crate) fn new(stream: Stream, node: usize) -> Self {
        Self {
            stream,
            node,
            due: 0,
            prefix_due: 0,
            is_connected: false,
            is_fresh: true,
            sent_at: Instant::now(),
            latency_micros: None,
            skipper: ReplySkipper::new(),
            unsent: Vec::new(),
            unsent_from: 0,
        }
    }

    /// Sends a batch; what does not fit is kept.
    pub(crate) fn send(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.latency_micros = None;
        self.sent_at = Instant::now();
        let taken = write(&mut self.stream, bytes)?;
        if taken < bytes.len() {
            self.unsent.clear();
            self.unsent.extend_from_slice(&bytes[taken..]);
            self.unsent_from = 0;
        }
        Ok(())
    }

    /// Sends what was kept.
    pub(crate) fn flush(&mut self) -> Result<(), Failure> {
        while self.unsent_from < self.unsent.len() {
            match write(&mut self.stream, &self.unsent[self.unsent_from..])? {
                0 => break,
                taken => self.unsent_from += taken,
            }
        }
        match self.stream.flush() {
            Err(error) if error.kind() != io::ErrorKind::WouldBlock => Err(broken(&error)),
            _ => Ok(()),
        }
    }

    /// Makes one read, and says how many bytes it brought; `None` where nothing is there.
    pub(crate) fn read(&mut self, buffer: &mut [u8]) -> Result<Option<usize>, Failure> {
        // What the read itself takes is not the server's.
        let now = self.latency_micros.is_none().then(Instant::now);
        let len = loop {
            match self.stream.read(buffer) {
                Ok(0) => return Err(Failure::Broken("Server closed the connection".to_owned())),
                Ok(len) => break len,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(Failure::Broken(describe(&error))),
            }
        };
        if let Some(now) = now {
            let micros = now.duration_since(self.sent_at).as_micros();
            self.latency_micros = Some(u64::try_from(micros).unwrap_or(u64::MAX));
        }
        Ok(Some(len))
    }

    /// How long the first reply of the batch took.
    pub(crate) fn latency_micros(&self) -> u64 {
        self.latency_micros.unwrap_or(0)
    }

    /// Counts the replies to the batch in `bytes`; errors are gathered.
    pub(crate) fn count(
        &mut self,
        bytes: &[u8],
        errors: &mut Vec<ErrorReply>,
    ) -> Result<usize, Failure> {
        let (mut consumed, mut replies) = (0, 0);
        loop {
            match self.skipper.skip(bytes, &mut consumed) {
                Ok(None) => return Ok(replies),
                Ok(Some(Skipped::Push)) => continue,
                Ok(Some(Skipped::Reply)) => {}
                Ok(Some(Skipped::Error)) => {
                    errors.push(ErrorReply(String::from_utf8_lossy(self.skipper.error()).into()));
                }
                Err(error) => return Err(Failure::Broken(error.to_string())),
            }
            if self.prefix_due > 0 {
                self.prefix_due -= 1;
            } else if self.due > 0 {
                self.due -= 1;
                replies += 1;
            }
            // A command with several replies, such as SUBSCRIBE: the first ones count.
        }
    }
}

/// Writes as much as the socket takes.
fn write(stream: &mut Stream, bytes: &[u8]) -> Result<usize, Failure> {
    loop {
        match stream.write(bytes) {
            Ok(taken) => return Ok(taken),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(0),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(broken(&error)),
        }
    }
}

/// The failure of a connection that could not be written to.
fn broken(error: &io::Error) -> Failure {
    Failure::Broken(match error.kind() {
        io::ErrorKind::BrokenPipe => "Server closed the connection".to_owned(),
        _ => describe(error),
    })
}
