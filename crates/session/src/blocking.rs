//! Clients whose command waits: for which keys, until when, and whose turn it is.
//!
//! A command that finds nothing lets its client wait ([`Blocking::block`]); the engine keeps the
//! request and runs it again when a key it waits for may be [ready](Blocking::key_touched), first
//! come, first served for each key. Everything here is found by key, by client or by time: nothing
//! walks over all clients.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use dunlin_stdx::time::Monotonic;
use dunlin_values::ValueType;
use dunlin_values::stream::StreamId;

use crate::sessions::Token;

/// What a client waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Awaited {
    /// A value of this type under one of its keys.
    Value(ValueType),
    /// A value of this type under one of its keys, or that one of them goes away or gets another
    /// type, because then there is nothing left to wait for (XREADGROUP).
    ValueOrLoss(ValueType),
    /// That so many replicas acknowledge the stream up to an offset. No key ends this wait.
    Acknowledgement {
        /// The offset.
        offset: u64,
        /// How many.
        replicas: usize,
    },
    /// That keys are on another server (MIGRATE), by the number of the transfer. Nothing else ends
    /// this wait.
    Transfer(u64),
    /// That a large payload is decoded (RESTORE), by its number. Nothing else ends this wait.
    Decoding(u64),
    /// That the server ends, or cannot (SHUTDOWN). Nothing else ends this wait.
    Shutdown,
    /// That another node's port has answered or not (CLUSTER PROBE), by the number of the link. Nothing
    /// else ends this wait.
    Probe(u64),
    /// That changes are on disk. No key ends this wait.
    Durability {
        /// Up to here in the append-only file of this server, if that is asked for.
        log: Option<u64>,
        /// Up to here in the stream,
        offset: u64,
        /// on so many replicas.
        replicas: usize,
    },
}

impl Awaited {
    /// Whether a key that holds a value of this type, or none, ends the wait.
    #[must_use]
    pub fn is_met_by(self, held: Option<ValueType>) -> bool {
        match self {
            Self::Value(awaited) => held == Some(awaited),
            Self::ValueOrLoss(_) => true,
            Self::Acknowledgement { .. }
            | Self::Durability { .. }
            | Self::Transfer(_)
            | Self::Shutdown
            | Self::Probe(_)
            | Self::Decoding(_) => false,
        }
    }

    /// Whether it is others that end the wait: replicas, the disk, a job, a peer.
    const fn is_of_others(self) -> bool {
        matches!(
            self,
            Self::Acknowledgement { .. }
                | Self::Durability { .. }
                | Self::Probe(_)
                | Self::Decoding(_)
        )
    }

    const fn notices_loss(self) -> bool {
        matches!(self, Self::ValueOrLoss(_))
    }
}

/// What a client is told when its time is up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeoutReply {
    /// There is nothing: a null array.
    Nothing,
    /// How many replicas have acknowledged (WAIT).
    Acknowledged,
    /// How many have written to disk: this server, and replicas (WAITAOF).
    Durable,
}

/// Why a client stops waiting although nothing came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Release {
    /// Its time is up, or CLIENT UNBLOCK says so.
    Timeout,
    /// CLIENT UNBLOCK ... ERROR.
    Error,
}

/// One client that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wait {
    /// The database of its keys.
    pub db: u32,
    /// The keys.
    pub keys: Vec<Box<[u8]>>,
    /// What must come.
    pub awaited: Awaited,
    /// When it has waited long enough; `None` for never.
    pub deadline: Option<Monotonic>,
    /// What it is told then.
    pub at_timeout: TimeoutReply,
    /// Behind which entry of each of its keys it reads, if these are streams: what `$` was when the
    /// wait began.
    pub since: Vec<StreamId>,
    /// How long its command has run so far, in nanoseconds.
    pub spent_ns: u64,
}

impl Wait {
    /// The wait of a SHUTDOWN that replicas delay.
    #[must_use]
    pub const fn for_shutdown() -> Self {
        Self {
            db: 0,
            keys: Vec::new(),
            awaited: Awaited::Shutdown,
            deadline: None,
            at_timeout: TimeoutReply::Nothing,
            since: Vec::new(),
            spent_ns: 0,
        }
    }
}

/// A wait and its place in the queues. Numbers grow, so that order of number is order of arrival.
#[derive(Debug)]
struct Queued {
    number: u64,
    wait: Wait,
}

/// Clients that wait for one key.
#[derive(Debug, Default)]
struct Queue {
    clients: BTreeMap<u64, Token>,
    /// How many of them end their wait when the key goes away.
    noticing_loss: usize,
    /// The key is in the list of those that may be ready.
    is_ready: bool,
}

/// All clients whose command waits.
#[derive(Debug, Default)]
pub struct Blocking {
    waits: HashMap<Token, Queued>,
    /// For each database, its keys that somebody waits for.
    queues: Vec<HashMap<Box<[u8]>, Queue>>,
    deadlines: BTreeSet<(Monotonic, Token)>,
    /// Clients that wait for replicas, for the disk, or for a job.
    for_others: BTreeSet<Token>,
    last_number: u64,
    /// Keys that changed and may end somebody's wait, in the order of their changes.
    ready: VecDeque<(u32, Box<[u8]>)>,
    /// Clients that CLIENT UNBLOCK took out of their queues and that have not been answered.
    released: VecDeque<(Token, Wait, Release)>,
    /// The command that runs has made its client wait.
    just_blocked: bool,
    /// Since this was asked last, somebody began to wait or became due.
    needs_attention: bool,
    /// The wait that has ended for the command that runs again.
    pub resumed: Option<Wait>,
}

impl Blocking {
    /// Lets a client wait. If its command runs again, the first deadline holds.
    pub fn block(&mut self, token: Token, mut wait: Wait) {
        if let Some(before) = self.resumed.take() {
            (wait.deadline, wait.spent_ns) = (before.deadline, before.spent_ns);
        }
        self.release(token);
        self.last_number += 1;
        let number = self.last_number;
        for key in &wait.keys {
            let db = wait.db as usize;
            if self.queues.len() <= db {
                self.queues.resize_with(db + 1, HashMap::new);
            }
            let queue = self.queues[db].entry(key.clone()).or_default();
            let is_new = queue.clients.insert(number, token).is_none();
            queue.noticing_loss += usize::from(is_new && wait.awaited.notices_loss());
        }
        self.deadlines.extend(wait.deadline.map(|at| (at, token)));
        if wait.awaited.is_of_others() {
            self.for_others.insert(token);
        }
        self.waits.insert(token, Queued { number, wait });
        self.just_blocked = true;
        self.needs_attention = true;
    }

    /// Whether the command that ran has made its client wait.
    #[inline]
    pub const fn take_just_blocked(&mut self) -> bool {
        std::mem::replace(&mut self.just_blocked, false)
    }

    /// Takes a client out of all queues, if it waits.
    pub fn release(&mut self, token: Token) -> Option<Wait> {
        let Queued { number, wait } = self.waits.remove(&token)?;
        if let Some(at) = wait.deadline {
            self.deadlines.remove(&(at, token));
        }
        if wait.awaited.is_of_others() {
            self.for_others.remove(&token);
        }
        for key in &wait.keys {
            let queues = &mut self.queues[wait.db as usize];
            let Some(queue) = queues.get_mut(key) else { continue };
            if queue.clients.remove(&number).is_some() && wait.awaited.notices_loss() {
                queue.noticing_loss -= 1;
            }
            if queue.clients.is_empty() {
                queues.remove(key);
            }
        }
        Some(wait)
    }

    /// Forgets a client that is gone.
    pub fn forget(&mut self, token: Token) {
        self.release(token);
        self.released.retain(|(released, ..)| *released != token);
    }

    /// Ends a client's wait; false if it does not wait, or for something that does not end. The
    /// engine answers it when the command that asked for this has ended.
    pub fn unblock(&mut self, token: Token, why: Release) -> bool {
        let awaited = self.wait_of(token).map(|wait| wait.awaited);
        let lasts = |awaited| {
            matches!(
                awaited,
                Awaited::Transfer(_) | Awaited::Decoding(_) | Awaited::Probe(_) | Awaited::Shutdown
            )
        };
        if awaited.is_some_and(lasts) {
            return false;
        }
        let Some(wait) = self.release(token) else { return false };
        self.released.push_back((token, wait, why));
        self.needs_attention = true;
        true
    }

    /// The next client to be answered because its wait was ended.
    pub fn next_released(&mut self) -> Option<(Token, Wait, Release)> {
        self.released.pop_front()
    }

    /// Notes how long the command has run that made its client wait.
    #[cold]
    pub fn add_spent(&mut self, token: Option<Token>, ns: u64) {
        if let Some(queued) = token.and_then(|token| self.waits.get_mut(&token)) {
            queued.wait.spent_ns += ns;
        }
    }

    /// What a client waits for.
    #[must_use]
    pub fn wait_of(&self, token: Token) -> Option<&Wait> {
        self.waits.get(&token).map(|queued| &queued.wait)
    }

    /// All clients that wait, in the order in which they came, and for what. O(n log n).
    pub fn waits(&self) -> impl Iterator<Item = (Token, &Wait)> {
        let mut waits: Vec<_> = self.waits.iter().collect();
        waits.sort_unstable_by_key(|(_, queued)| queued.number);
        waits.into_iter().map(|(token, queued)| (*token, &queued.wait))
    }

    /// Whether a client waits.
    #[must_use]
    pub fn is_waiting(&self, token: Token) -> bool {
        self.waits.contains_key(&token)
    }

    /// Whether nobody waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.waits.is_empty()
    }

    /// Count of clients that wait until a certain time.
    #[must_use]
    pub fn with_deadline(&self) -> usize {
        self.deadlines.len()
    }

    /// Count of keys somebody waits for, and of those among them whose loss would end a wait.
    #[must_use]
    pub fn keys(&self) -> (usize, usize) {
        let queues = || self.queues.iter().flat_map(HashMap::values);
        (queues().count(), queues().filter(|queue| queue.noticing_loss > 0).count())
    }

    /// A key changed: whoever waits for it is to be looked at.
    pub fn key_touched(&mut self, db: u32, key: &[u8]) {
        let Some(queues) = self.queues.get_mut(db as usize) else { return };
        if let Some(queue) = queues.get_mut(key)
            && !queue.is_ready
        {
            queue.is_ready = true;
            self.needs_attention = true;
            self.ready.push_back((db, key.into()));
        }
    }

    /// Every key of a database may have changed: those who wait longest are looked at first.
    pub fn database_touched(&mut self, db: u32) {
        let Some(queues) = self.queues.get_mut(db as usize) else { return };
        let mut keys: Vec<(u64, Box<[u8]>)> = Vec::new();
        for (key, queue) in queues {
            if let Some((&first, _)) = queue.clients.first_key_value()
                && !queue.is_ready
            {
                queue.is_ready = true;
                keys.push((first, key.clone()));
            }
        }
        keys.sort_unstable();
        self.needs_attention |= !keys.is_empty();
        self.ready.extend(keys.into_iter().map(|(_, key)| (db, key)));
    }

    /// Whether there is a key that may be ready, or a client to be answered.
    #[must_use]
    #[inline]
    pub fn is_due(&self) -> bool {
        !self.ready.is_empty() || !self.released.is_empty()
    }

    /// Whether anybody began to wait or became due since the last call.
    #[must_use]
    #[inline]
    pub const fn take_attention(&mut self) -> bool {
        std::mem::replace(&mut self.needs_attention, false)
    }

    /// The next key that may be ready, with the number of the last client to be served in this
    /// round: who waits anew meanwhile has a greater one.
    pub fn next_ready(&mut self) -> Option<(u32, Box<[u8]>, u64)> {
        let (db, key) = self.ready.pop_front()?;
        if let Some(queue) = self.queues[db as usize].get_mut(&key) {
            queue.is_ready = false;
        }
        Some((db, key, self.last_number))
    }

    /// The client that waits for a key next behind number `after`, up to number `last`. `held` is
    /// what the key holds now; where that ends nobody's wait, the answer comes at once.
    #[must_use]
    pub fn next_waiting(
        &self,
        (db, key): (u32, &[u8]),
        held: Option<ValueType>,
        after: u64,
        last: u64,
    ) -> Option<(u64, Token)> {
        let queue = self.queues.get(db as usize)?.get(key)?;
        if held.is_none() && queue.noticing_loss == 0 {
            return None;
        }
        let ends = |token: &Token| {
            self.waits.get(token).is_some_and(|queued| queued.wait.awaited.is_met_by(held))
        };
        queue
            .clients
            .range((std::ops::Bound::Excluded(after), std::ops::Bound::Included(last)))
            .find(|(_, token)| ends(token))
            .map(|(&number, &token)| (number, token))
    }

    /// Clients that wait for replicas or for the disk, and for what.
    pub fn for_others(&self) -> impl Iterator<Item = (Token, Awaited)> {
        let awaited = |token: &Token| self.waits.get(token).map(|queued| queued.wait.awaited);
        self.for_others.iter().filter_map(move |token| Some((*token, awaited(token)?)))
    }

    /// Whether any client waits for replicas or for the disk.
    #[must_use]
    #[inline]
    pub fn waits_for_others(&self) -> bool {
        !self.for_others.is_empty()
    }

    /// When somebody has waited long enough.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Monotonic> {
        self.deadlines.first().map(|(at, _)| *at)
    }

    /// The next client that has waited long enough, taken out of its queues.
    pub fn next_timed_out(&mut self, now: Monotonic) -> Option<(Token, Wait)> {
        let &(at, token) = self.deadlines.first()?;
        if at > now {
            return None;
        }
        Some((token, self.release(token)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: Awaited = Awaited::Value(ValueType::List);
    const GROUP: Awaited = Awaited::ValueOrLoss(ValueType::Stream);

    fn wait(keys: &[&str], awaited: Awaited) -> Wait {
        Wait {
            db: 2,
            keys: keys.iter().map(|key| key.as_bytes().into()).collect(),
            awaited,
            deadline: None,
            at_timeout: TimeoutReply::Nothing,
            since: Vec::new(),
            spent_ns: 0,
        }
    }

    fn served(blocking: &Blocking, key: &str, held: Option<ValueType>) -> Vec<usize> {
        let mut after = 0;
        let mut tokens = Vec::new();
        let place = (2, key.as_bytes());
        while let Some((number, token)) = blocking.next_waiting(place, held, after, u64::MAX) {
            after = number;
            tokens.push(token.0);
        }
        tokens
    }

    #[test]
    fn those_who_wait_for_others_are_found() {
        let mut blocking = Blocking::default();
        assert!(!blocking.waits_for_others());
        let log = Awaited::Durability { log: Some(30), offset: 0, replicas: 0 };
        let replicas = Awaited::Acknowledgement { offset: 9, replicas: 2 };
        blocking.block(Token(1), wait(&[], log));
        blocking.block(Token(2), wait(&[], replicas));
        blocking.block(Token(3), wait(&["a"], LIST));
        let waiting: Vec<_> = blocking.for_others().collect();
        assert_eq!(waiting, [(Token(1), log), (Token(2), replicas)]);
        blocking.release(Token(1));
        assert_eq!(blocking.for_others().count(), 1);
        blocking.forget(Token(2));
        assert!(!blocking.waits_for_others());
    }

    #[test]
    fn first_come_first_served_for_each_key() {
        let mut blocking = Blocking::default();
        blocking.block(Token(7), wait(&["a", "b", "a"], LIST));
        blocking.block(Token(3), wait(&["b"], LIST));
        blocking.block(Token(5), wait(&["b"], GROUP));
        assert_eq!(served(&blocking, "b", Some(ValueType::List)), [7, 3, 5]);
        assert_eq!(served(&blocking, "b", Some(ValueType::Stream)), [5]);
        assert_eq!(served(&blocking, "b", None), [5]);
        assert_eq!(served(&blocking, "a", None), [0; 0]);
        assert_eq!(blocking.keys(), (2, 1));
        // Who waits anew waits behind the others.
        let first = blocking.release(Token(7)).expect("it waits");
        blocking.block(Token(7), first);
        assert_eq!(served(&blocking, "b", Some(ValueType::List)), [3, 5, 7]);
        for token in [3, 5, 7] {
            assert!(blocking.release(Token(token)).is_some());
        }
        assert_eq!(blocking.keys(), (0, 0));
        assert!(blocking.is_empty());
    }

    #[test]
    fn a_key_is_looked_at_once_however_often_it_changed() {
        let mut blocking = Blocking::default();
        blocking.block(Token(1), wait(&["b"], LIST));
        blocking.block(Token(2), wait(&["a"], LIST));
        for key in [b"a", b"x", b"a", b"b"] {
            blocking.key_touched(2, key);
            blocking.key_touched(0, key);
        }
        let mut ready = Vec::new();
        while let Some((_, key, _)) = blocking.next_ready() {
            ready.push(key);
        }
        assert_eq!(ready, [b"a".as_slice().into(), b"b".as_slice().into()] as [Box<[u8]>; 2]);
        blocking.database_touched(2);
        assert_eq!(blocking.next_ready().map(|(_, key, _)| key), Some(b"b".as_slice().into()));
    }

    #[test]
    fn the_first_deadline_holds_when_a_command_runs_again() {
        let mut blocking = Blocking::default();
        let first = Wait { deadline: Some(Monotonic(50)), ..wait(&["a"], LIST) };
        blocking.block(Token(1), first);
        blocking.add_spent(Some(Token(1)), 9);
        blocking.resumed = blocking.release(Token(1));
        let again = Wait { deadline: Some(Monotonic(90)), ..wait(&["a"], LIST) };
        blocking.block(Token(1), again);
        assert_eq!(blocking.next_deadline(), Some(Monotonic(50)));
        assert_eq!(blocking.next_timed_out(Monotonic(49)), None);
        let (token, timed_out) = blocking.next_timed_out(Monotonic(50)).expect("time is up");
        assert_eq!((token, timed_out.spent_ns), (Token(1), 9));
        assert_eq!(blocking.next_deadline(), None);
    }

    #[test]
    fn who_is_gone_is_not_answered() {
        let mut blocking = Blocking::default();
        blocking.block(Token(1), wait(&["a"], LIST));
        assert!(blocking.unblock(Token(1), Release::Error));
        assert!(!blocking.unblock(Token(1), Release::Error));
        assert!(blocking.is_due());
        blocking.forget(Token(1));
        assert_eq!(blocking.next_released(), None);
    }
}
