//! One client.

use dunlin_resp::{Batch, ProtocolError, Reply, RequestDecoder};
use dunlin_stdx::time::{Monotonic, Now};

use crate::access::{Access, DEFAULT_USER, SUPERUSER};
use crate::filter::ClientClass;
use crate::pubsub::Subscriptions;
use crate::sessions::ClientId;
use crate::tracking::ClientTracking;
use crate::transaction::Transaction;

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
        /// It subscribed to something and has not unsubscribed from everything since.
        const PUBSUB = 1 << 7;
        /// Its commands are queued (MULTI); then it has a [`Transaction`].
        const MULTI = 1 << 8;
        /// A key that it watches has changed: its EXEC will fail.
        const WATCHED_CHANGED = 1 << 9;
        /// It is our link to the primary; what arrives is the primary's stream.
        const PRIMARY = 1 << 10;
        /// It is a replica of ours and receives the stream.
        const REPLICA = 1 << 11;
        /// It reads from a replica of a cluster what the replica's primary owns (READONLY).
        const READONLY = 1 << 12;
        /// Its next command may use a slot that is being imported (ASKING).
        const ASKING = 1 << 13;
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
    /// Since when its output has been over the soft limit.
    pub soft_limit_since: Option<Monotonic>,
    /// The largest reply of one turn of late, in bytes; CLIENT LIST's `rbp`.
    pub reply_peak_bytes: u32,
    /// What [`crate::Sessions`] has counted for this session, in bytes.
    pub(crate) accounted_bytes: usize,
    /// The input while it is lent to the run of its requests.
    pub lent: LentInput,
    /// How far its end has come.
    pub closing: Closing,
    /// Where decoding of the next request stands.
    pub decoder: RequestDecoder,
    /// Bytes that arrived and were not run.
    pub input: Vec<u8>,
    /// Requests that were decoded and must wait; nothing is read while they do.
    pub paused: Option<Box<Paused>>,
    /// Replies that were not sent, in the protocol the client chose. While requests of the client
    /// run, their replies are elsewhere; what is pushed to it meanwhile gathers here.
    pub reply: Reply,
    /// What it subscribed to, if it ever did.
    pub(crate) subscriptions: Option<Box<Subscriptions>>,
    /// What it wants run together (MULTI).
    pub transaction: Option<Box<Transaction>>,
    /// Memory of what it watches, in bytes, when it was last counted.
    pub(crate) watched_bytes: usize,
    /// How it tracks keys, if it does.
    pub tracking: Option<Box<ClientTracking>>,
    /// Where the append-only file ended behind the last change that it made (WAITAOF).
    pub logged_up_to: u64,
    /// Where the stream of changes ended behind that change (WAIT).
    pub replicated_up_to: u64,
}

/// Sizes of an input buffer that is elsewhere.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LentInput {
    /// Bytes in it.
    pub len_bytes: usize,
    /// Bytes it has room for.
    pub capacity_bytes: usize,
}

/// Why requests wait.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Waiting {
    /// Until replies are sent: there are too many of them.
    ForOutput,
    /// Until CLIENT PAUSE is over. Such a client counts as blocked.
    ForPause,
    /// Until a key that the first of them would change has arrived elsewhere (MIGRATE), or stays
    /// here. Such a client counts as blocked.
    ForKeys,
    /// Until the first of them, which has run and found nothing, is run again or given up: see
    /// [`crate::Blocking`]. More is read meanwhile, so that the end of the connection is noticed.
    Blocked,
    /// Until all that has arrived in this turn is decoded.
    #[default]
    ForTurn,
}

/// A batch that was stopped in the middle: its places refer to the session's input, which is kept
/// as it is until the rest has run.
#[derive(Default)]
pub struct Paused {
    /// What ends the wait.
    pub waiting: Waiting,
    /// The requests.
    pub batch: Batch,
    /// Index of the first one that was not run.
    pub next: usize,
    /// Bytes of the input that the decoder has consumed.
    pub consumed: usize,
    /// What is wrong with the bytes behind these requests, if something is.
    pub failure: Option<ProtocolError>,
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
            soft_limit_since: None,
            reply_peak_bytes: 0,
            accounted_bytes: 0,
            lent: LentInput::default(),
            closing: Closing::Open,
            decoder: RequestDecoder::default(),
            input: Vec::new(),
            paused: None,
            reply: Reply::default(),
            subscriptions: None,
            transaction: None,
            tracking: None,
            logged_up_to: 0,
            replicated_up_to: 0,
            watched_bytes: 0,
        }
    }

    /// Whether commands of this session are still run.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.closing == Closing::Open
    }

    /// Its class, for filters and limits.
    #[must_use]
    pub const fn class(&self) -> ClientClass {
        if self.flags.contains(SessionFlags::PRIMARY) {
            ClientClass::Primary
        } else if self.flags.contains(SessionFlags::REPLICA) {
            ClientClass::Replica
        } else if self.flags.contains(SessionFlags::PUBSUB) {
            ClientClass::Pubsub
        } else {
            ClientClass::Normal
        }
    }

    /// The client that is told in its place of keys that changed: 0 if there is none, -1 if it does
    /// not track keys.
    #[must_use]
    pub fn redirection(&self) -> i64 {
        self.tracking.as_ref().map_or(-1, |own| own.options.redirect.map_or(0, |id| id.0 as i64))
    }

    /// What it has subscribed to.
    #[must_use]
    pub fn subscriptions(&self) -> Option<&Subscriptions> {
        self.subscriptions.as_deref()
    }

    /// Whether it is a link of replication, which no limit on clients ends.
    #[must_use]
    pub const fn is_link(&self) -> bool {
        matches!(self.class(), ClientClass::Primary | ClientClass::Replica)
    }

    /// The user it is logged in as; the primary is above all users.
    #[must_use]
    pub const fn user(&self) -> &'static str {
        if self.flags.contains(SessionFlags::PRIMARY) { SUPERUSER } else { DEFAULT_USER }
    }

    /// Whether it may run commands that ask for a login.
    #[must_use]
    #[inline]
    pub const fn is_admitted(&self, access: Access<'_>) -> bool {
        self.flags.contains(SessionFlags::AUTHENTICATED) || access.is_open()
    }

    /// What a new connection starts as: logged in, if that takes no password.
    pub fn log_in_by_default(&mut self, access: Access<'_>) {
        self.flags.set(SessionFlags::AUTHENTICATED, access.is_open());
    }

    /// Logs in. False, and nothing changes, if the user or the password is wrong.
    #[must_use]
    pub fn log_in(&mut self, access: Access<'_>, user: &[u8], password: &[u8]) -> bool {
        let admitted = access.admits(user, password);
        self.flags.set(SessionFlags::AUTHENTICATED, admitted || self.is_logged_in());
        admitted
    }

    /// Whether it has logged in, or did not have to when it connected.
    #[must_use]
    pub const fn is_logged_in(&self) -> bool {
        self.flags.contains(SessionFlags::AUTHENTICATED)
    }

    /// Writes something that is not the answer to its command. Tells whether its output is to be
    /// looked at again: something waits in it now, or so much that it grew by a chunk.
    pub(crate) fn push(&mut self, write: impl FnOnce(&mut Reply)) -> bool {
        let output = &self.reply.output;
        if output.has_overflowed() {
            return false;
        }
        let (was_empty, chunks) = (output.is_empty(), output.queued_chunks());
        write(&mut self.reply);
        let output = &self.reply.output;
        was_empty || output.queued_chunks() != chunks || output.has_overflowed()
    }

    /// Whether it waits for something other than its own output, so that it is not idle.
    #[must_use]
    pub fn is_blocked(&self) -> bool {
        matches!(self.waiting(), Some(Waiting::ForPause | Waiting::ForKeys | Waiting::Blocked))
    }

    /// Why its requests wait, if they do.
    #[must_use]
    pub fn waiting(&self) -> Option<Waiting> {
        self.paused.as_ref().map(|paused| paused.waiting)
    }

    /// Lends the reply to a command; what others write meanwhile goes elsewhere.
    pub fn lend_reply(&mut self) -> Reply {
        let elsewhere = Reply::new(self.reply.protocol);
        std::mem::replace(&mut self.reply, elsewhere)
    }

    /// Takes back the reply that was lent; what others wrote meanwhile follows it.
    pub fn take_back_reply(&mut self, reply: Reply) {
        let mut pushed = std::mem::replace(&mut self.reply, reply);
        self.reply.output.append(&mut pushed.output);
    }

    /// As if it had just connected, except for its number, its library, what it subscribed to and
    /// what it has sent. The protocol of the reply is the caller's to set back, because the caller
    /// holds it.
    pub(crate) fn reset(&mut self, access: Access<'_>) {
        self.db = 0;
        self.name = Box::default();
        self.flags = SessionFlags::empty();
        self.log_in_by_default(access);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_login_changes_nothing() {
        let access = Access { default_password: b"secret" };
        let mut session = Session::new(ClientId(1), Peer::default(), Now::default());
        session.log_in_by_default(access);
        assert!(!session.is_admitted(access));
        assert!(!session.log_in(access, b"default", b"wrong"));
        assert!(!session.is_admitted(access));
        assert!(session.log_in(access, b"default", b"secret"));
        assert!(!session.log_in(access, b"default", b"wrong"));
        assert!(session.is_admitted(access));
        session.reset(access);
        assert!(!session.is_admitted(access));
        assert!(session.is_admitted(Access { default_password: b"" }));
    }

    #[test]
    fn an_idle_session_is_small() {
        assert!(size_of::<Session>() <= 512, "{} bytes", size_of::<Session>());
    }
}
