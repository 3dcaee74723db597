//! One MIGRATE: what is written, what is answered, how it ends.

use std::collections::VecDeque;

use dunlin_resp::{write_count, write_request, write_word};
use dunlin_stdx::time::Monotonic;

use crate::action::LinkId;
use crate::link::BrokenReply;
use crate::request::{Request, TransferId};

/// When this much is ready, it is sent, and no more is made until it has left: 128 KB keep a
/// connection busy while the next payloads are made, and are what a slow target must take within
/// the timeout.
pub const SEND_BYTES: usize = 128 * 1024;

/// How a transfer has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Every key is there.
    Done,
    /// The target said no, to one key at least: its first error, without the dash.
    Refused(Box<[u8]>),
    /// There was no connection in time.
    Unconnected,
    /// The connection broke, or the target was silent for too long.
    Broken {
        /// Whether there was more to be sent.
        writing: bool,
    },
}

/// A transfer that has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// Which.
    pub id: TransferId,
    /// What was asked for.
    pub request: Request,
    /// Places in [`Request::keys`] of those that the target has acknowledged, in order.
    pub acknowledged: Vec<usize>,
    /// How it has ended.
    pub outcome: Outcome,
    /// Whether the keys are still in flight.
    pub(crate) holds_keys: bool,
}

impl Ended {
    /// The keys that the target has acknowledged and that are to be removed here.
    pub fn moved(&self) -> impl Iterator<Item = &[u8]> {
        let places = if self.request.copy { &[][..] } else { &self.acknowledged };
        places.iter().filter_map(|place| self.request.keys.get(*place).map(|key| &**key))
    }
}

/// A transfer under way.
#[derive(Debug)]
pub(crate) struct Transfer {
    pub(crate) request: Request,
    pub(crate) link: LinkId,
    pub(crate) is_connected: bool,
    /// The link was replaced once.
    pub(crate) is_retry: bool,
    pub(crate) deadline: Monotonic,
    /// What goes out next.
    pub(crate) out: Vec<u8>,
    /// The link has not sent all that it was given.
    pub(crate) is_sending: bool,
    /// Place of the next key that becomes a payload.
    next: usize,
    /// Payload bytes that are missing of the key before that.
    missing_bytes: Option<usize>,
    awaits_auth: bool,
    awaits_select: bool,
    /// What the target answered to AUTH or SELECT, if that was an error.
    preface_error: Option<Box<[u8]>>,
    /// Places of the keys that were sent and not answered.
    awaited: VecDeque<usize>,
    acknowledged: Vec<usize>,
    error: Option<Box<[u8]>>,
    /// At least one key was answered: the target may have others, too.
    is_answered: bool,
    /// The keys are in flight.
    pub(crate) holds_keys: bool,
}

impl Transfer {
    pub(crate) fn new(request: Request, link: LinkId) -> Self {
        Self {
            request,
            link,
            is_connected: false,
            is_retry: false,
            deadline: Monotonic(0),
            out: Vec::new(),
            is_sending: false,
            next: 0,
            missing_bytes: None,
            awaits_auth: false,
            awaits_select: false,
            preface_error: None,
            awaited: VecDeque::new(),
            acknowledged: Vec::new(),
            error: None,
            is_answered: false,
            holds_keys: true,
        }
    }

    /// Whether nothing speaks against doing it all again: no key was answered, and it was not done
    /// before.
    pub(crate) const fn may_retry(&self) -> bool {
        !self.is_retry && !self.is_answered && self.error.is_none()
    }

    /// Everything again, over another link. The keys must be in flight.
    pub(crate) fn begin_again(self) -> Self {
        Self { is_retry: true, ..Self::new(self.request, self.link) }
    }

    /// The connection is there, and `selected` is its database.
    pub(crate) fn introduce(&mut self, selected: Option<i64>) {
        self.is_connected = true;
        if let Some(credentials) = &self.request.credentials {
            self.awaits_auth = true;
            match &credentials.user {
                Some(user) => {
                    write_request(&mut self.out, &[b"AUTH", user, &credentials.password]);
                }
                None => write_request(&mut self.out, &[b"AUTH", &credentials.password]),
            }
        }
        let db = self.request.target_db;
        if selected != Some(db) {
            self.awaits_select = true;
            write_request(&mut self.out, &[b"SELECT", db.to_string().as_bytes()]);
        }
    }

    /// The key that is to become a payload next.
    pub(crate) fn next_key(&self) -> Option<&[u8]> {
        self.request.keys.get(self.next).map(|key| &**key)
    }

    /// The key whose payload was begun, if there is one.
    pub(crate) fn begun_key(&self) -> Option<&[u8]> {
        self.missing_bytes?;
        self.request.keys.get(self.next.checked_sub(1)?).map(|key| &**key)
    }

    /// Whether every key has become a payload.
    pub(crate) fn is_written(&self) -> bool {
        self.next == self.request.keys.len() && self.missing_bytes.is_none()
    }

    /// The next key is gone.
    pub(crate) const fn skip(&mut self) {
        self.next += 1;
    }

    /// The next key, up to its payload of `len` bytes.
    pub(crate) fn begin_restore(&mut self, ttl_ms: u64, len: usize) {
        let Request { replace, asking, .. } = self.request;
        let name: &[u8] = if asking { b"RESTORE-ASKING" } else { b"RESTORE" };
        let out = &mut self.out;
        write_count(out, b'*', 4 + usize::from(replace));
        write_word(out, name);
        write_word(out, &self.request.keys[self.next]);
        write_word(out, ttl_ms.to_string().as_bytes());
        write_count(out, b'$', len);
        self.next += 1;
        self.missing_bytes = Some(len);
    }

    /// A piece of the payload. `false` if that is more than was announced.
    pub(crate) fn write_piece(&mut self, write: impl FnOnce(&mut Vec<u8>)) -> bool {
        let before = self.out.len();
        write(&mut self.out);
        let written = self.out.len() - before;
        let missing = self.missing_bytes.and_then(|missing| missing.checked_sub(written));
        self.missing_bytes = missing;
        if missing == Some(0) {
            self.end_restore();
        }
        missing.is_some()
    }

    fn end_restore(&mut self) {
        self.out.extend_from_slice(b"\r\n");
        if self.request.replace {
            write_word(&mut self.out, b"REPLACE");
        }
        self.missing_bytes = None;
        self.awaited.push_back(self.next - 1);
    }

    /// The target has answered something.
    pub(crate) fn answered(&mut self, line: &[u8]) -> Result<(), BrokenReply> {
        let error = match line.split_first() {
            Some((b'+', _)) => None,
            Some((b'-', text)) => Some(text.into()),
            _ => return Err(BrokenReply),
        };
        if self.awaits_auth || self.awaits_select {
            let awaits =
                if self.awaits_auth { &mut self.awaits_auth } else { &mut self.awaits_select };
            *awaits = false;
            self.preface_error = self.preface_error.take().or(error);
            return Ok(());
        }
        let Some(place) = self.awaited.pop_front() else {
            // An error in the middle of a payload: the target wants no more of it.
            self.error = self.error.take().or(error);
            return Err(BrokenReply);
        };
        self.is_answered = true;
        match self.preface_error.clone().or(error) {
            None => self.acknowledged.push(place),
            Some(error) => {
                self.error.get_or_insert(error);
            }
        }
        Ok(())
    }

    /// Whether everything is sent and answered.
    pub(crate) fn is_complete(&self) -> bool {
        let awaits = self.awaits_auth || self.awaits_select || !self.awaited.is_empty();
        self.is_written() && self.out.is_empty() && !self.is_sending && !awaits
    }

    /// Whether the target has refused something.
    pub(crate) const fn has_failed(&self) -> bool {
        self.error.is_some()
    }

    /// How it ends when its link is of no use any more.
    pub(crate) fn broken(&self) -> Outcome {
        let writing = self.is_sending || !self.out.is_empty() || !self.is_written();
        if self.is_connected { Outcome::Broken { writing } } else { Outcome::Unconnected }
    }

    /// The end: an error of the target says more than what became of the link.
    pub(crate) fn end(self, id: TransferId, outcome: Outcome) -> Ended {
        let outcome = self.error.map_or(outcome, Outcome::Refused);
        let Self { request, acknowledged, holds_keys, .. } = self;
        Ended { id, request, acknowledged, outcome, holds_keys }
    }
}
