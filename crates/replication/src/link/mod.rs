//! A replica's link to its primary.
//!
//! | state | waits for | then |
//! |---|---|---|
//! | `Connect` | the next attempt | `Connecting` |
//! | `Connecting` | the connection | sends PING, `Handshake` |
//! | `Handshake` | replies to PING, AUTH, REPLCONF, PSYNC | `Connected` (`+CONTINUE`), `Sync` (`+FULLRESYNC`) |
//! | `Sync` | the snapshot, then that it is loaded | `Connected` |
//! | `Connected` | the stream | ends with the connection |
//!
//! The end of the connection, a fault, or too long a silence leads back to `Connect`. What the
//! replica has of the primary's history is kept by [`History`](crate::History), whatever happens here.

mod handshake;
#[cfg(test)]
mod tests;
mod transfer;

use std::collections::VecDeque;
use std::fmt;

use dunlin_resp::write_request;
use dunlin_stdx::time::Monotonic;

use self::handshake::Question;
use self::transfer::Transfer;
use crate::id::ReplId;
use crate::line::Line;

/// Longest line of a handshake that is taken.
const LINE_BYTES_MAX: usize = 1024;

/// What ROLE shows of the link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkState {
    /// It is to be connected.
    Connect,
    /// The connection is being made.
    Connecting,
    /// The two introduce themselves.
    Handshake,
    /// A snapshot is on its way, or being loaded.
    Sync,
    /// The stream flows.
    Connected,
}

impl LinkState {
    /// As ROLE shows it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Connecting => "connecting",
            Self::Handshake => "handshake",
            Self::Sync => "sync",
            Self::Connected => "connected",
        }
    }
}

/// Who logs in to the primary, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// The user; empty for the default one.
    pub user: Vec<u8>,
    /// The password.
    pub password: Vec<u8>,
}

/// What a replica tells its primary of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Introduction {
    /// With what it logs in, if it does.
    pub credentials: Option<Credentials>,
    /// The port it is reached at.
    pub port: u16,
    /// The address it is reached at, if it is not that of the connection.
    pub address: Option<String>,
    /// The history it is on and the next offset of it that it wants, if it can go on from there.
    pub position: Option<(ReplId, u64)>,
    /// Whether the primary is asked to give up its role (FAILOVER).
    pub asks_for_failover: bool,
    /// Whether a snapshot is parsed as it comes, for the log.
    pub loads_from_stream: bool,
}

/// What follows from bytes of the primary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkStep {
    /// More bytes are needed.
    Wait,
    /// The primary is to be told this.
    Send(Vec<u8>),
    /// The stream goes on where the replica is; the history may have another replid from there on.
    Continue(Option<ReplId>),
    /// A snapshot will come: of this history at this offset, unless the primary is too old to say.
    FullSync(Option<(ReplId, u64)>),
    /// The snapshot begins; its length, if that is known.
    SnapshotBegins(Option<u64>),
    /// A part of the snapshot.
    Snapshot(Vec<u8>),
    /// The snapshot is complete. [`PrimaryLink::loaded`] is due when it has been loaded.
    SnapshotEnds,
    /// From here on it is the stream.
    Stream,
    /// The link is of no more use.
    Fault(LinkFault),
}

/// Why a link is of no more use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkFault {
    /// The reason for the log.
    Broken(String),
    /// The primary cannot serve replicas now: the same is tried again later.
    TryLater(String),
    /// The primary refuses to give up its role.
    FailoverRefused(String),
}

impl fmt::Display for LinkFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Broken(why) | Self::TryLater(why) | Self::FailoverRefused(why) => {
                f.write_str(why)
            }
        }
    }
}

/// Where the link stands, in detail.
#[derive(Debug)]
enum Stage {
    Connect,
    Connecting,
    /// Replies are due, in this order.
    Asked(VecDeque<Question>),
    /// The line with the snapshot's length is due.
    Header,
    Transfer(Transfer),
    Loading,
    Connected,
}

/// The link to a primary.
#[derive(Debug)]
pub struct PrimaryLink {
    host: String,
    port: u16,
    stage: Stage,
    introduction: Option<Introduction>,
    /// The beginning of a line whose end has not come.
    line: Vec<u8>,
    /// When the stage began, or something last happened in it.
    last_io: Monotonic,
    /// Since when there is no link; `None` before the first one.
    down_since: Option<Monotonic>,
    /// When the last attempt to connect began.
    attempted: Option<Monotonic>,
    lines: Vec<Line>,
}

impl PrimaryLink {
    /// A link that is to be made.
    #[must_use]
    pub const fn new(host: String, port: u16) -> Self {
        Self {
            host,
            port,
            stage: Stage::Connect,
            introduction: None,
            line: Vec::new(),
            last_io: Monotonic(0),
            down_since: None,
            attempted: None,
            lines: Vec::new(),
        }
    }

    /// The primary's host.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The primary's port.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Where it stands.
    #[must_use]
    pub const fn state(&self) -> LinkState {
        match self.stage {
            Stage::Connect => LinkState::Connect,
            Stage::Connecting => LinkState::Connecting,
            Stage::Asked(_) => LinkState::Handshake,
            Stage::Header | Stage::Transfer(_) | Stage::Loading => LinkState::Sync,
            Stage::Connected => LinkState::Connected,
        }
    }

    /// Whether the stream flows.
    #[must_use]
    #[inline]
    pub const fn is_up(&self) -> bool {
        matches!(self.stage, Stage::Connected)
    }

    /// Whether the snapshot has come and is being loaded.
    #[must_use]
    pub const fn is_loading(&self) -> bool {
        matches!(self.stage, Stage::Loading)
    }

    /// Bytes of the snapshot that have come and all of them, 0 while that is not known.
    #[must_use]
    pub fn transferred(&self) -> Option<(u64, u64)> {
        match &self.stage {
            Stage::Header => Some((0, 0)),
            Stage::Transfer(transfer) => Some((transfer.received(), transfer.len().unwrap_or(0))),
            _ => None,
        }
    }

    /// When the primary was last heard.
    #[must_use]
    pub const fn last_io(&self) -> Monotonic {
        self.last_io
    }

    /// Since when there has been no link; `None` if there never was one.
    #[must_use]
    pub const fn down_since(&self) -> Option<Monotonic> {
        self.down_since
    }

    /// Whether a connection is to be made, and the last attempt is at least a second ago.
    #[must_use]
    pub fn wants_connection(&self, now: Monotonic) -> bool {
        const PAUSE_US: u64 = 1_000_000;
        matches!(self.stage, Stage::Connect)
            && self.attempted.is_none_or(|at| now.since_us(at) >= PAUSE_US)
    }

    /// The next attempt to connect need not wait.
    pub const fn connect_at_once(&mut self) {
        self.attempted = None;
    }

    /// The connection is being made.
    pub fn connecting(&mut self, now: Monotonic) {
        self.notice(format!("Connecting to MASTER {}:{}", self.host, self.port));
        self.notice("MASTER <-> REPLICA sync started");
        (self.stage, self.last_io, self.attempted) = (Stage::Connecting, now, Some(now));
    }

    /// The connection is there: what is to be sent first.
    pub fn connected(&mut self, introduction: Introduction, now: Monotonic) -> Vec<u8> {
        self.notice("Non blocking connect for SYNC fired the event.");
        self.introduction = Some(introduction);
        self.line.clear();
        self.last_io = now;
        self.stage = Stage::Asked(VecDeque::from([Question::Ping]));
        let mut bytes = Vec::new();
        write_request(&mut bytes, &[b"PING"]);
        bytes
    }

    /// The connection is gone, or was never made; why, if that is known.
    pub fn lost(&mut self, why: Option<&str>, now: Monotonic) {
        match (&self.stage, why) {
            (Stage::Connecting, Some(why)) => {
                self.warning(format!("Error condition on socket for SYNC: {why}"));
            }
            (Stage::Connected, _) => {
                self.notice("Connection with master lost.");
                self.notice("Caching the disconnected master state.");
            }
            (Stage::Header, _) => {
                self.warning("I/O error reading bulk count from MASTER: connection lost");
            }
            (Stage::Transfer(_), _) => {
                self.warning("I/O error trying to sync with MASTER: connection lost");
            }
            _ => {}
        }
        self.reset(now);
    }

    /// Its connection was ended at this time, which [`PrimaryLink::lost`] is told of only after the
    /// command, or the transaction: the age of a replica's data counts from here.
    pub fn killed(&mut self, now: Monotonic) {
        if self.is_up() {
            self.down_since = Some(now);
        }
    }

    /// The link begins anew: a connection is made at the next occasion.
    pub fn reset(&mut self, now: Monotonic) {
        if self.is_up() {
            self.down_since.get_or_insert(now);
            self.attempted = None;
            let (host, port) = (&self.host, self.port);
            self.lines.push(Line::notice(format!("Reconnecting to MASTER {host}:{port}")));
        }
        self.stage = Stage::Connect;
        self.introduction = None;
        self.line = Vec::new();
    }

    /// The snapshot was loaded: the stream follows.
    pub fn loaded(&mut self, now: Monotonic) {
        if matches!(self.stage, Stage::Loading) {
            (self.stage, self.last_io, self.down_since) = (Stage::Connected, now, None);
            self.notice("MASTER <-> REPLICA sync: Finished with success");
        }
    }

    /// What follows from the first of these bytes, and how many of them it takes. To be called until
    /// it says [`LinkStep::Wait`].
    pub fn receive(&mut self, input: &[u8], now: Monotonic) -> (usize, LinkStep) {
        if !input.is_empty() {
            self.last_io = now;
        }
        match &mut self.stage {
            Stage::Connect | Stage::Connecting => (input.len(), LinkStep::Wait),
            Stage::Connected if input.is_empty() => (0, LinkStep::Wait),
            Stage::Connected => (0, LinkStep::Stream),
            // What comes meanwhile waits where it is.
            Stage::Loading => (0, LinkStep::Wait),
            Stage::Transfer(transfer) => {
                if transfer.is_complete() {
                    self.stage = Stage::Loading;
                    return (0, LinkStep::SnapshotEnds);
                }
                let (taken, payload) = transfer.take(input);
                if payload.is_empty() && !transfer.is_complete() {
                    return (taken, LinkStep::Wait);
                }
                (taken, LinkStep::Snapshot(payload))
            }
            Stage::Header | Stage::Asked(_) => self.receive_line(input),
        }
    }

    /// Takes a line, or the part of one that has come.
    fn receive_line(&mut self, input: &[u8]) -> (usize, LinkStep) {
        let Some(end) = input.iter().position(|byte| *byte == b'\n') else {
            self.line.extend_from_slice(input);
            if self.line.len() > LINE_BYTES_MAX {
                return (input.len(), self.break_off("the primary's line has no end".to_owned()));
            }
            return (input.len(), LinkStep::Wait);
        };
        let mut line = std::mem::take(&mut self.line);
        line.extend_from_slice(&input[..end]);
        if line.last() == Some(&b'\r') {
            line.pop();
        }
        let step = match &self.stage {
            _ if line.len() > LINE_BYTES_MAX => {
                self.break_off("the primary's line is too long".to_owned())
            }
            // A sign of life while the primary prepares the snapshot.
            _ if line.is_empty() => return self.after_blank(input, end + 1),
            Stage::Header => self.header(&line),
            _ => self.answer(&line),
        };
        (end + 1, step)
    }

    /// A blank line says nothing; what is behind it may.
    fn after_blank(&mut self, input: &[u8], taken: usize) -> (usize, LinkStep) {
        let blanks = input[taken..].iter().take_while(|byte| **byte == b'\n').count();
        let taken = taken + blanks;
        if taken == input.len() {
            return (taken, LinkStep::Wait);
        }
        let (more, step) = self.receive_line(&input[taken..]);
        (taken + more, step)
    }

    /// Why the link has been silent for too long, if it has.
    pub fn check_silence(&mut self, timeout_s: u32, now: Monotonic) -> Option<LinkFault> {
        let silent_us = now.since_us(self.last_io);
        if silent_us <= u64::from(timeout_s) * 1_000_000 {
            return None;
        }
        let why = match self.stage {
            Stage::Connect | Stage::Loading => return None,
            Stage::Connecting | Stage::Asked(_) => "Timeout connecting to the MASTER...",
            Stage::Header | Stage::Transfer(_) => {
                "Timeout receiving bulk data from MASTER... If the problem persists try to set the \
                 'repl-timeout' parameter in redis.conf to a larger value."
            }
            Stage::Connected => "MASTER timeout: no data nor PING received...",
        };
        Some(LinkFault::Broken(why.to_owned()))
    }

    /// Whether there are lines for the log.
    #[must_use]
    pub const fn has_lines(&self) -> bool {
        !self.lines.is_empty()
    }

    /// Lines for the log, oldest first.
    pub fn take_lines(&mut self) -> Vec<Line> {
        std::mem::take(&mut self.lines)
    }

    fn notice(&mut self, text: impl Into<String>) {
        self.lines.push(Line::notice(text));
    }

    fn warning(&mut self, text: impl Into<String>) {
        self.lines.push(Line::warning(text));
    }

    fn break_off(&mut self, why: String) -> LinkStep {
        LinkStep::Fault(LinkFault::Broken(why))
    }
}
