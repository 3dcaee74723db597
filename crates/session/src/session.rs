//! One client.

use dunlin_resp::{Batch, Reply, RequestDecoder};
use dunlin_stdx::time::{Monotonic, Now};

use crate::sessions::ClientId;

/// Where a connection comes from, as CLIENT LIST shows it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Peer {
    /// Address and port of the client, or the path of the Unix socket with `:0`.
    pub address: Box<str>,
    /// Our address and port, or the path of the Unix socket with `:0`.
    pub local_address: Box<str>,
    /// The number of the file descriptor, for CLIENT LIST alone.
    pub fd: i32,
    /// Whether it came in through the Unix socket.
    pub is_unix: bool,
    /// Whether it came from this machine: the loopback range or the Unix socket.
    pub is_local: bool,
}

bitflags::bitflags! {
    /// Yes-or-no properties of a session.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct SessionFlags: u32 {
        /// It receives every command the server runs (MONITOR).
        const MONITOR = 1 << 0;
        /// Its buffers are not dropped under `maxmemory-clients` (CLIENT NO-EVICT).
        const NO_EVICT = 1 << 1;
        /// Its reads do not move access clocks (CLIENT NO-TOUCH).
        const NO_TOUCH = 1 << 2;
        /// It wants no replies (CLIENT REPLY OFF).
        const REPLY_OFF = 1 << 3;
        /// The reply of the next command is left out (CLIENT REPLY SKIP, first half).
        const REPLY_SKIP_NEXT = 1 << 4;
        /// The reply of this command is left out (CLIENT REPLY SKIP, second half).
        const REPLY_SKIP = 1 << 5;
        /// It may run commands: it authenticated, or there is no password.
        const AUTHENTICATED = 1 << 6;
    }
}

/// How far the end of a connection has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Closing {
    /// Not at all.
    #[default]
    Open,
    /// No more commands are run; it is closed when its replies are sent.
    AfterReply,
    /// It is closed as soon as the node is asked for actions.
    Now,
}

/// One client of ours.
pub struct Session {
    /// Its number, never used twice; CLIENT ID.
    pub id: ClientId,
    /// Where it comes from.
    pub peer: Peer,
    /// CLIENT SETNAME; empty for none.
    pub name: Box<[u8]>,
    /// CLIENT SETINFO LIB-NAME; empty for none.
    pub lib_name: Box<[u8]>,
    /// CLIENT SETINFO LIB-VER; empty for none.
    pub lib_version: Box<[u8]>,
    /// The selected database.
    pub db: u32,
    /// Yes-or-no properties.
    pub flags: SessionFlags,
    /// Full name of the last command, `client|list` for example; CLIENT LIST's `cmd`.
    pub last_command: Option<&'static str>,
    /// When it connected.
    pub created: Monotonic,
    /// When it last sent or was sent something; `timeout` counts from here.
    pub last_interaction: Monotonic,
    /// How far its end has come.
    pub closing: Closing,
    /// Where decoding of the next request stands.
    pub decoder: RequestDecoder,
    /// Bytes that arrived and were not run.
    pub input: Vec<u8>,
    /// Requests that were decoded and must wait; nothing is read while they do.
    pub paused: Option<Box<Paused>>,
    /// Replies that were not sent, in the protocol the client chose.
    pub reply: Reply,
}

/// A batch that was stopped in the middle: its places refer to the session's input, which is kept
/// as it is until the rest has run.
pub struct Paused {
    /// The requests.
    pub batch: Batch,
    /// Index of the first one that was not run.
    pub next: usize,
    /// Bytes of the input that the decoder has consumed.
    pub consumed: usize,
}

impl Session {
    pub(crate) fn new(id: ClientId, peer: Peer, now: Now) -> Self {
        Self {
            id,
            peer,
            name: Box::default(),
            lib_name: Box::default(),
            lib_version: Box::default(),
            db: 0,
            flags: SessionFlags::empty(),
            last_command: None,
            created: now.monotonic,
            last_interaction: now.monotonic,
            closing: Closing::Open,
            decoder: RequestDecoder::default(),
            input: Vec::new(),
            paused: None,
            reply: Reply::default(),
        }
    }

    /// Whether commands of this session are still run.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.closing == Closing::Open
    }
}
