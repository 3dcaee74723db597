//! Payloads: asked for one by one, while there is room for them.

use dunlin_stdx::time::Monotonic;

use crate::action::Action;
use crate::migrations::Migrations;
use crate::request::TransferId;
use crate::transfer::{SEND_BYTES, Transfer};

/// What is to be made next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Job<'a> {
    /// The payload of a key: [`Migrations::restore`], [`Migrations::begin_large`] or
    /// [`Migrations::skip`].
    Key {
        /// The transfer.
        id: TransferId,
        /// The database of the key.
        db: u32,
        /// The key.
        key: &'a [u8],
    },
    /// More of the payload that was begun: [`Migrations::piece`].
    Piece {
        /// The transfer.
        id: TransferId,
        /// The database of the key.
        db: u32,
        /// The key.
        key: &'a [u8],
    },
}

impl Migrations {
    /// What is to be made next. What was made is sent when it is enough, or all.
    pub fn next_job(&mut self, now: Monotonic) -> Option<Job<'_>> {
        let wants_more =
            |transfer: &Transfer| transfer.out.len() < SEND_BYTES && !transfer.is_written();
        while let Some(&id) = self.ready.front()
            && !self.transfers.get(&id).is_some_and(wants_more)
        {
            self.ready.pop_front();
            self.send(id, now);
        }
        let id = *self.ready.front()?;
        let transfer = self.transfers.get(&id)?;
        let db = transfer.request.db;
        match transfer.begun_key() {
            Some(key) => Some(Job::Piece { id, db, key }),
            None => Some(Job::Key { id, db, key: transfer.next_key()? }),
        }
    }

    /// Whether there is something to be made.
    #[must_use]
    pub fn has_job(&self) -> bool {
        !self.ready.is_empty()
    }

    /// The next key of a transfer does not exist any more.
    pub fn skip(&mut self, id: TransferId) {
        if let Some(transfer) = self.transfers.get_mut(&id) {
            transfer.skip();
        }
    }

    /// The next key of a transfer, as a payload that DUMP would reply. `ttl_ms` is 0 for a key
    /// without a deadline.
    pub fn restore(&mut self, id: TransferId, ttl_ms: u64, payload: &[u8]) {
        if let Some(transfer) = self.transfers.get_mut(&id) {
            transfer.begin_restore(ttl_ms, payload.len());
            transfer.write_piece(|out| out.extend_from_slice(payload));
        }
    }

    /// As [`Migrations::restore`], for a payload of `len` bytes that follows in pieces.
    pub fn begin_large(&mut self, id: TransferId, ttl_ms: u64, len: usize) {
        if let Some(transfer) = self.transfers.get_mut(&id) {
            transfer.begin_restore(ttl_ms, len);
        }
    }

    /// Lets `write` append a piece of the payload that was begun. More than was announced ends the
    /// transfer.
    pub fn piece(&mut self, id: TransferId, write: impl FnOnce(&mut Vec<u8>)) {
        let Some(transfer) = self.transfers.get_mut(&id) else { return };
        if !transfer.write_piece(write) {
            self.give_up(id);
        }
    }

    /// Sends what a transfer has made; with COPY, its keys are free when that was all.
    fn send(&mut self, id: TransferId, now: Monotonic) {
        let Some(mut transfer) = self.transfers.remove(&id) else { return };
        let bytes = std::mem::take(&mut transfer.out);
        if !bytes.is_empty() {
            transfer.is_sending = true;
            self.actions.push_back(Action::Send { link: transfer.link, bytes: bytes.into() });
        }
        let is_copied = transfer.request.copy && transfer.is_written();
        if is_copied && std::mem::take(&mut transfer.holds_keys) {
            self.free(&transfer.request.keys);
        }
        self.transfers.insert(id, transfer);
        self.end_if_complete(id, now);
    }
}
