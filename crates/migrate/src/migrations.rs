//! All transfers, and what happens to them.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use dunlin_stdx::time::Monotonic;

use crate::action::{Action, LinkId};
use crate::link::Link;
use crate::request::{Request, TransferId};
use crate::transfer::{Ended, Outcome, Transfer};

/// Keys on their way to other servers.
#[derive(Debug, Default)]
pub struct Migrations {
    pub(crate) transfers: BTreeMap<TransferId, Transfer>,
    pub(crate) links: BTreeMap<LinkId, Link>,
    /// By how many transfers each key is held.
    in_flight: HashMap<Box<[u8]>, usize>,
    pub(crate) actions: VecDeque<Action>,
    /// Transfers that may make payloads.
    pub(crate) ready: VecDeque<TransferId>,
    deadlines: BTreeSet<(Monotonic, TransferId)>,
    ended: VecDeque<Ended>,
    /// Keys are not in flight any more since this was asked.
    has_released: bool,
    last_transfer: u64,
    pub(crate) last_link: u64,
}

impl Migrations {
    /// Begins a transfer. Its keys are in flight from now on.
    pub fn begin(&mut self, request: Request, now: Monotonic) -> TransferId {
        self.last_transfer += 1;
        let id = TransferId(self.last_transfer);
        self.hold(&request.keys);
        let port = request.port;
        let transfer = Transfer::new(request, LinkId(0));
        match port {
            Some(port) => self.connect(id, transfer, port, now),
            None => self.ended.push_back(transfer.end(id, Outcome::Unconnected)),
        }
        id
    }

    /// Whether there is nothing to be done, also no connection that is kept.
    #[must_use]
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.links.is_empty() && self.ended.is_empty() && self.actions.is_empty()
    }

    /// Whether a key is on its way: it must not be changed.
    #[must_use]
    pub fn is_in_flight(&self, key: &[u8]) -> bool {
        self.in_flight.contains_key(key)
    }

    /// Whether any key is on its way.
    #[must_use]
    pub fn is_any_in_flight(&self) -> bool {
        !self.in_flight.is_empty()
    }

    /// Number of connections, those that are kept included.
    #[must_use]
    pub fn links(&self) -> usize {
        self.links.len()
    }

    /// The next thing to be done.
    pub fn next_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// Whether a transfer has ended that nobody has asked for yet.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        !self.ended.is_empty()
    }

    /// The next transfer that has ended. Its keys are in flight until [`Migrations::release`].
    pub fn next_ended(&mut self) -> Option<Ended> {
        self.ended.pop_front()
    }

    /// What follows from the end of a transfer is done: its keys are free again.
    pub fn release(&mut self, ended: &Ended) {
        if ended.holds_keys {
            self.free(&ended.request.keys);
        }
    }

    pub(crate) fn hold(&mut self, keys: &[Box<[u8]>]) {
        for key in keys {
            *self.in_flight.entry(key.clone()).or_default() += 1;
        }
    }

    pub(crate) fn free(&mut self, keys: &[Box<[u8]>]) {
        for key in keys {
            if let Entry::Occupied(mut holders) = self.in_flight.entry(key.clone()) {
                *holders.get_mut() -= 1;
                if *holders.get() == 0 {
                    holders.remove();
                }
            }
        }
        self.has_released = true;
    }

    /// Whether keys were freed since the last call: those who wait for them go on.
    pub const fn take_released(&mut self) -> bool {
        std::mem::replace(&mut self.has_released, false)
    }

    /// When a target has been silent for too long.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Monotonic> {
        self.deadlines.first().map(|(at, _)| *at)
    }

    /// Ends transfers whose target has been silent for too long. Nothing is done again: who knows
    /// how far the target is.
    pub fn time_out(&mut self, now: Monotonic) {
        while let Some(&(at, id)) = self.deadlines.first()
            && at <= now
        {
            let waits_for_us = self.ready.contains(&id);
            let Some(transfer) = self.take(id) else { continue };
            if waits_for_us {
                // Its payloads are not made yet: that is no fault of the target.
                self.keep(id, transfer, now);
                self.ready.push_back(id);
                continue;
            }
            self.close(transfer.link);
            let outcome = transfer.broken();
            self.ended.push_back(transfer.end(id, outcome));
        }
    }

    /// Ends a transfer because one of its keys has changed all the same.
    pub fn give_up(&mut self, id: TransferId) {
        let Some(transfer) = self.take(id) else { return };
        self.close(transfer.link);
        self.ended.push_back(transfer.end(id, Outcome::Broken { writing: true }));
    }

    /// Gives everything up: what is acknowledged meanwhile does not count.
    pub fn abandon_all(&mut self) {
        for transfer in std::mem::take(&mut self.transfers).into_values() {
            self.close(transfer.link);
        }
        self.ended.clear();
        self.ready.clear();
        self.deadlines.clear();
        self.in_flight.clear();
        self.has_released = true;
    }

    /// Takes a transfer out of all lists.
    fn take(&mut self, id: TransferId) -> Option<Transfer> {
        let transfer = self.transfers.remove(&id)?;
        self.deadlines.remove(&(transfer.deadline, id));
        self.ready.retain(|other| *other != id);
        Some(transfer)
    }

    /// Keeps a transfer under way; its target has the whole time again.
    pub(crate) fn keep(&mut self, id: TransferId, mut transfer: Transfer, now: Monotonic) {
        self.deadlines.remove(&(transfer.deadline, id));
        transfer.deadline = now.plus_us(transfer.request.timeout_us);
        self.deadlines.insert((transfer.deadline, id));
        self.transfers.insert(id, transfer);
    }

    /// The target has taken or sent something: it has the whole time again.
    fn advance(&mut self, id: TransferId, now: Monotonic) {
        if let Some(transfer) = self.transfers.get_mut(&id) {
            self.deadlines.remove(&(transfer.deadline, id));
            transfer.deadline = now.plus_us(transfer.request.timeout_us);
            self.deadlines.insert((transfer.deadline, id));
        }
    }

    /// A connection is there.
    pub fn connected(&mut self, link: LinkId, now: Monotonic) {
        if let Some(id) = self.user_of(link) {
            self.advance(id, now);
            self.introduce(id);
        }
    }

    /// A connection has not come about.
    pub fn connect_failed(&mut self, link: LinkId) {
        let user = self.links.remove(&link).and_then(|link| link.user);
        if let Some((id, transfer)) = user.and_then(|id| Some((id, self.take(id)?))) {
            self.ended.push_back(transfer.end(id, Outcome::Unconnected));
        }
    }

    /// A connection has ended.
    pub fn closed(&mut self, link: LinkId, now: Monotonic) {
        let user = self.links.remove(&link).and_then(|link| link.user);
        if let Some(id) = user {
            self.link_lost(id, now);
        }
    }

    /// All that a connection was given has been sent.
    pub fn drained(&mut self, link: LinkId, now: Monotonic) {
        let Some(id) = self.user_of(link) else { return };
        self.advance(id, now);
        let Some(transfer) = self.transfers.get_mut(&id) else { return };
        if std::mem::take(&mut transfer.is_sending) && !transfer.is_written() {
            self.ready.push_back(id);
        }
        self.end_if_complete(id, now);
    }

    /// Bytes have come over a connection.
    pub fn received(&mut self, link: LinkId, bytes: &[u8], now: Monotonic) {
        let Some(id) = self.user_of(link) else {
            // Nothing was asked.
            return self.close(link);
        };
        let (Some(from), Some(transfer)) = (self.links.get_mut(&link), self.transfers.get_mut(&id))
        else {
            return;
        };
        if from.lines(bytes, |line| transfer.answered(line)).is_err() {
            self.close(link);
            return self.link_lost(id, now);
        }
        self.advance(id, now);
        self.end_if_complete(id, now);
    }

    fn user_of(&self, link: LinkId) -> Option<TransferId> {
        self.links.get(&link)?.user
    }

    /// A transfer has no link any more.
    fn link_lost(&mut self, id: TransferId, now: Monotonic) {
        let Some(transfer) = self.take(id) else { return };
        if transfer.may_retry()
            && let Some(port) = transfer.request.port
        {
            if !transfer.holds_keys {
                self.hold(&transfer.request.keys);
            }
            let again = transfer.begin_again();
            return self.reconnect(id, again, port, now);
        }
        let outcome = transfer.broken();
        self.ended.push_back(transfer.end(id, outcome));
    }

    pub(crate) fn end_if_complete(&mut self, id: TransferId, now: Monotonic) {
        if self.transfers.get(&id).is_some_and(Transfer::is_complete)
            && let Some(transfer) = self.take(id)
        {
            let db = (!transfer.has_failed()).then_some(transfer.request.target_db);
            self.park(transfer.link, db, now);
            self.ended.push_back(transfer.end(id, Outcome::Done));
        }
    }
}
