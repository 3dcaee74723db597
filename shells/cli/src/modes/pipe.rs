//! `--pipe`: requests in the Redis protocol from standard input, as fast as the server takes them.

use std::io::{self, Write};
use std::os::fd::AsFd;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use dunlin_resp::{ReplyDecoder, ReplyError, Value};
use memchr::memchr;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::connection::{Broken, Connection};

/// How much of the input is under way at once.
const OUTPUT_BYTES: usize = 256 * 1024;
const INPUT_BYTES: usize = 256 * 1024;
/// The text of the last request, by which its reply is known.
const MAGIC_BYTES: usize = 20;

/// Transfers all of standard input and waits for the replies, for at most `timeout` without one once
/// all was sent; zero is for ever.
pub(super) fn run(connection: Connection, timeout: Duration) -> ExitCode {
    match Transfer::new(connection).and_then(|mut transfer| transfer.run(timeout)) {
        Ok(0) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(Failed(reason)) => {
            if !reason.is_empty() {
                eprintln!("{reason}");
            }
            ExitCode::FAILURE
        }
    }
}

/// Why there will be no more replies; empty if the server has said so itself.
struct Failed(String);

struct Transfer {
    connection: Connection,
    /// What was read and not sent is `output[sent..]`.
    output: Vec<u8>,
    sent: usize,
    all_read: bool,
    input: Vec<u8>,
    decoder: ReplyDecoder,
    magic: [u8; MAGIC_BYTES],
    errors: u64,
    replies: u64,
    done: bool,
}

impl Transfer {
    fn new(mut connection: Connection) -> Result<Self, Failed> {
        connection.set_nonblocking().map_err(|error| {
            Failed(format!("Can't set the socket in non blocking mode: {error}"))
        })?;
        let mut magic = [0; MAGIC_BYTES];
        magic.fill_with(|| fastrand::u8(..));
        Ok(Self {
            connection,
            output: Vec::with_capacity(OUTPUT_BYTES),
            sent: 0,
            all_read: false,
            input: Vec::with_capacity(INPUT_BYTES),
            decoder: ReplyDecoder::new(),
            magic,
            errors: 0,
            replies: 0,
            done: false,
        })
    }

    /// Gives the number of errors.
    fn run(&mut self, timeout: Duration) -> Result<u64, Failed> {
        let mut last_reply = Instant::now();
        while !self.done {
            let (can_read, can_write) = self.wait()?;
            if can_read && self.receive()? {
                last_reply = Instant::now();
            }
            if can_write {
                self.send()?;
            }
            if self.all_read && !timeout.is_zero() && last_reply.elapsed() > timeout {
                eprintln!("No replies for {} seconds: exiting.", timeout.as_secs());
                self.errors += 1;
                break;
            }
        }
        say(&format!("errors: {}, replies: {}\n", self.errors, self.replies))?;
        Ok(self.errors)
    }

    fn wait(&mut self) -> Result<(bool, bool), Failed> {
        let has_input = self.connection.has_input();
        let has_output = self.sent < self.output.len() || self.connection.wants_write();
        let mut wanted = PollFlags::POLLIN;
        wanted.set(PollFlags::POLLOUT, !self.all_read || has_output);
        let mut files = [PollFd::new(self.connection.as_fd(), wanted)];
        let timeout = if has_input { PollTimeout::ZERO } else { PollTimeout::from(1000u16) };
        match poll(&mut files, timeout) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(errno) => return Err(Failed(format!("Error: {}", errno.desc()))),
        }
        let ready = files[0].revents().unwrap_or(PollFlags::empty());
        let ended = ready.intersects(PollFlags::POLLERR | PollFlags::POLLHUP);
        let can_read = ready.contains(PollFlags::POLLIN) || ended || has_input;
        Ok((can_read, ready.contains(PollFlags::POLLOUT)))
    }

    /// Takes replies; whether there were any.
    fn receive(&mut self) -> Result<bool, Failed> {
        let replies = self.replies;
        let len = self.input.len();
        self.input.resize(len + INPUT_BYTES, 0);
        let read = self.connection.read_some(&mut self.input[len..]);
        self.input.truncate(len + *read.as_ref().unwrap_or(&0));
        self.count_replies()?;
        match read {
            Ok(0) if !self.done => Err(Failed("Error reading replies from server".to_owned())),
            Ok(_) => Ok(self.replies > replies),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(false),
            Err(_) => Err(Failed("Error reading replies from server".to_owned())),
        }
    }

    fn count_replies(&mut self) -> Result<(), Failed> {
        let mut at = 0;
        loop {
            // Most replies are a status: seen without being copied.
            while !self.decoder.is_within_reply()
                && self.input.get(at) == Some(&b'+')
                && let Some(len) = memchr(b'\n', &self.input[at..])
            {
                at += len + 1;
                self.replies += 1;
            }
            let decoded = self.decoder.decode(&self.input, &mut at);
            match decoded
                .map_err(|_: ReplyError| Failed("Error reading replies from server".to_owned()))?
            {
                None => break,
                Some(value) => self.count(&value)?,
            }
        }
        self.input.drain(..at);
        Ok(())
    }

    fn count(&mut self, value: &Value) -> Result<(), Failed> {
        match value {
            Value::Error(text) => {
                let mut line = text.clone();
                line.push(b'\n');
                // Standard error may be closed.
                let _ = io::stderr().write_all(&line);
                self.errors += 1;
            }
            Value::Bulk(text) if self.all_read && *text == self.magic => {
                say("Last reply received from server.\n")?;
                self.done = true;
                return Ok(());
            }
            _ => {}
        }
        self.replies += 1;
        Ok(())
    }

    /// Sends for as long as the server takes it.
    fn send(&mut self) -> Result<(), Failed> {
        if self.sent == self.output.len() && !self.all_read {
            self.read_more()?;
        }
        match self.connection.write_some(&self.output[self.sent..]) {
            Ok(len) => self.sent += len,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => {
                let words = Broken::from(error);
                return Err(Failed(format!("Error writing to the server: {words}")));
            }
        }
        Ok(())
    }

    /// Reads from standard input; at its end comes the request whose reply is the last.
    fn read_more(&mut self) -> Result<(), Failed> {
        self.sent = 0;
        self.output.resize(OUTPUT_BYTES, 0);
        let read = nix::unistd::read(io::stdin().as_fd(), &mut self.output);
        let len = match read {
            Ok(len) => len,
            Err(Errno::EINTR) => {
                self.output.clear();
                return Ok(());
            }
            Err(errno) => {
                return Err(Failed(format!("Error reading from stdin: {}", errno.desc())));
            }
        };
        self.output.truncate(len);
        if len == 0 {
            self.all_read = true;
            // The line end makes an end of what may have been left open.
            self.output.extend_from_slice(b"\r\n*2\r\n$4\r\nECHO\r\n$20\r\n");
            self.output.extend_from_slice(&self.magic);
            self.output.extend_from_slice(b"\r\n");
            say("All data transferred. Waiting for the last reply...\n")?;
        }
        Ok(())
    }
}

fn say(text: &str) -> Result<(), Failed> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(|_| Failed(String::new()))
}
