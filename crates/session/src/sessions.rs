//! All clients of a server.

use std::collections::HashMap;

use dunlin_resp::{Protocol, Reply};
use dunlin_stdx::time::Now;
use slab::Slab;

use crate::access::Access;
use crate::blocking::Blocking;
use crate::filter::ClientClass;
use crate::pause::ClientPause;
use crate::peaks::BufferPeaks;
use crate::pubsub::PubSub;
use crate::session::{Closing, Peer, Session, SessionFlags};
use crate::tracking::Tracking;
use crate::transaction::Transaction;
use crate::watches::Watches;

/// The number of a client, never used twice; starts at 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientId(pub u64);

/// The place of a session in the list: small, used again after the session has gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Token(pub usize);

/// The sessions of a server.
#[derive(Default)]
pub struct Sessions {
    pub(crate) slab: Slab<Session>,
    pub(crate) by_id: HashMap<ClientId, Token>,
    last_id: u64,
    closing: Vec<Token>,
    monitors: Vec<Token>,
    /// Sessions that somebody else wrote output for.
    pub(crate) written: Vec<Token>,
    memory_bytes: usize,
    /// Who listens to which channels.
    pub(crate) pubsub: PubSub,
    /// Who is to be told of which keys.
    pub(crate) tracking: Tracking,
    /// CLIENT PAUSE.
    pub pause: ClientPause,
    /// Clients whose command waits.
    pub blocking: Blocking,
    /// Keys that clients watch.
    pub watches: Watches,
    /// The largest buffers of the last seconds.
    pub peaks: BufferPeaks,
}

impl Sessions {
    /// Adds a session for a connection that was just accepted.
    pub fn open(&mut self, peer: Peer, now: Now) -> Token {
        self.last_id += 1;
        let id = ClientId(self.last_id);
        let token = Token(self.slab.insert(Session::new(id, peer, now)));
        self.by_id.insert(id, token);
        token
    }

    /// Forgets a session whose connection is gone.
    pub fn remove(&mut self, token: Token) -> Option<Session> {
        self.stop_monitor(token);
        self.blocking.forget(token);
        self.watches.unwatch(token);
        let mut session = self.slab.try_remove(token.0)?;
        self.by_id.remove(&session.id);
        if let Some(own) = session.subscriptions.take() {
            self.pubsub.unsubscribe_all(*own);
        }
        if let Some(own) = session.tracking.take() {
            self.end_tracking(session.id, &own);
        }
        self.memory_bytes -= session.accounted_bytes;
        Some(session)
    }

    /// Takes note of what a session costs now.
    pub fn account(&mut self, token: Token) {
        let Some(session) = self.slab.get_mut(token.0) else { return };
        session.watched_bytes =
            if self.watches.is_empty() { 0 } else { self.watches.memory_bytes(token) };
        let total = session.usage(None).total;
        self.memory_bytes = self.memory_bytes - session.accounted_bytes + total;
        session.accounted_bytes = total;
    }

    /// What all sessions cost, in bytes (`mem_clients_normal`): for each, what it was when it was
    /// last [accounted](Self::account).
    #[must_use]
    #[inline]
    pub const fn memory_bytes(&self) -> usize {
        self.memory_bytes
    }

    /// Count of clients whose commands wait (`blocked_clients`). O(clients).
    #[must_use]
    pub fn blocked(&self) -> usize {
        self.iter().filter(|(_, session)| session.is_blocked()).count()
    }

    /// Count of sessions that are not replicas of ours (`connected_clients`; the link to our primary
    /// is one of them, as in 7.2.6). O(clients).
    #[must_use]
    pub fn without_replicas(&self) -> usize {
        let is_replica = |session: &Session| session.class() == ClientClass::Replica;
        self.iter().filter(|(_, session)| !is_replica(session)).count()
    }

    /// All sessions, the oldest first. O(n log n).
    #[must_use]
    pub fn by_age(&self) -> Vec<(Token, &Session)> {
        let mut sessions: Vec<_> = self.iter().collect();
        sessions.sort_unstable_by_key(|(_, session)| session.id);
        sessions
    }

    /// Count of places: every session's token is below it.
    #[must_use]
    pub fn places(&self) -> usize {
        self.slab.capacity()
    }

    /// The session at a place.
    #[must_use]
    pub fn get(&self, token: Token) -> Option<&Session> {
        self.slab.get(token.0)
    }

    /// The session at a place, for changing it.
    #[inline]
    pub fn get_mut(&mut self, token: Token) -> Option<&mut Session> {
        self.slab.get_mut(token.0)
    }

    /// The place of the client with this number.
    #[must_use]
    pub fn token_of(&self, id: ClientId) -> Option<Token> {
        self.by_id.get(&id).copied()
    }

    /// Number of sessions.
    #[must_use]
    pub fn len(&self) -> usize {
        self.slab.len()
    }

    /// Whether there is no session.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.slab.is_empty()
    }

    /// All sessions, in the order of their places.
    pub fn iter(&self) -> impl Iterator<Item = (Token, &Session)> {
        self.slab.iter().map(|(index, session)| (Token(index), session))
    }

    /// All sessions, in the order of their places, for changing them.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (Token, &mut Session)> {
        self.slab.iter_mut().map(|(index, session)| (Token(index), session))
    }

    /// MULTI: what a client sends from now on is queued.
    pub fn start_transaction(&mut self, token: Token) {
        let Some(session) = self.slab.get_mut(token.0) else { return };
        session.flags |= SessionFlags::MULTI;
        session.transaction = Some(Box::default());
    }

    /// While its queued requests run, a client is listed as one in a transaction.
    pub fn show_transaction(&mut self, token: Token, transaction: &Transaction) {
        let Some(session) = self.slab.get_mut(token.0) else { return };
        session.flags |= SessionFlags::MULTI;
        session.transaction = Some(Box::new(transaction.without_words()));
    }

    /// Ends a transaction, with what was watched for it; returns what was queued.
    pub fn end_transaction(&mut self, token: Token) -> Option<Box<Transaction>> {
        self.unwatch(token);
        let session = self.slab.get_mut(token.0)?;
        session.flags -= SessionFlags::MULTI;
        session.transaction.take()
    }

    /// UNWATCH: a client is no longer concerned by changes of keys.
    pub fn unwatch(&mut self, token: Token) {
        self.watches.unwatch(token);
        if let Some(session) = self.slab.get_mut(token.0) {
            session.flags -= SessionFlags::WATCHED_CHANGED;
        }
    }

    /// Something that these clients watched has changed.
    pub fn mark_watched_changed(&mut self, concerned: &[Token]) {
        for &token in concerned {
            self.watches.unwatch(token);
            if let Some(session) = self.slab.get_mut(token.0) {
                session.flags |= SessionFlags::WATCHED_CHANGED;
            }
        }
    }

    /// Ends a session: at once, or when its replies are sent. The stricter wish wins.
    pub fn close(&mut self, token: Token, how: Closing) {
        let Some(session) = self.slab.get_mut(token.0) else { return };
        if how == Closing::Now && session.closing != Closing::Now {
            self.closing.push(token);
            self.blocking.forget(token);
        }
        if session.closing != Closing::Now {
            session.closing = how;
        }
    }

    /// Makes a session receive every command (MONITOR); tells whether it did not before.
    pub fn start_monitor(&mut self, token: Token) -> bool {
        let Some(session) = self.slab.get_mut(token.0) else { return false };
        let is_new = !session.flags.contains(SessionFlags::MONITOR);
        if is_new {
            session.flags |= SessionFlags::MONITOR;
            self.monitors.push(token);
        }
        is_new
    }

    /// Ends what [`Sessions::start_monitor`] began.
    pub fn stop_monitor(&mut self, token: Token) {
        let Some(session) = self.slab.get_mut(token.0) else { return };
        if session.flags.contains(SessionFlags::MONITOR) {
            session.flags -= SessionFlags::MONITOR;
            self.monitors.retain(|&monitor| monitor != token);
        }
    }

    /// The sessions that receive every command, in the order in which they asked for it.
    #[must_use]
    #[inline]
    pub fn monitors(&self) -> &[Token] {
        &self.monitors
    }

    /// RESET: the session is as if it had just connected, except for its number, its library and
    /// what it has sent. The protocol of the reply is the caller's to set back, because the caller
    /// holds it.
    pub fn reset(&mut self, token: Token, access: Access<'_>) {
        self.stop_monitor(token);
        self.end_transaction(token);
        self.stop_tracking(token);
        let Some(session) = self.slab.get_mut(token.0) else { return };
        session.reset(access);
        session.reply.protocol = Protocol::Resp2;
        if let Some(own) = session.subscriptions.take() {
            self.pubsub.unsubscribe_all(*own);
        }
    }

    /// Who listens to which channels.
    #[must_use]
    #[inline]
    pub const fn pubsub(&self) -> &PubSub {
        &self.pubsub
    }

    /// Who is to be told of which keys.
    #[must_use]
    #[inline]
    pub const fn tracking(&self) -> &Tracking {
        &self.tracking
    }

    /// Output that is not the answer to a command of that session: whoever drives the sessions
    /// learns from [`Sessions::next_written`] that there is something to send.
    pub fn write_to(&mut self, token: Token) -> Option<&mut Reply> {
        let session = self.slab.get_mut(token.0)?;
        if session.reply.output.is_empty() {
            self.written.push(token);
        }
        Some(&mut session.reply)
    }

    /// Whether a command may have to be followed by more than its reply: something was pushed to a
    /// session, or a session tracks keys.
    #[must_use]
    #[inline]
    pub const fn has_more_to_do(&self) -> bool {
        self.written.len() | self.tracking.clients() != 0
    }

    /// Whether anybody was written to since [`Sessions::next_written`] found nobody.
    #[must_use]
    #[inline]
    pub const fn has_written(&self) -> bool {
        !self.written.is_empty()
    }

    /// What was pushed to a session while its command ran, and what waited for its end, goes behind
    /// the reply.
    #[cold]
    pub fn append_pushed(&mut self, token: Token, reply: &mut Reply) {
        self.send_pending(token);
        if let Some(session) = self.slab.get_mut(token.0) {
            reply.output.append(&mut session.reply.output);
        }
        while self.written.last() == Some(&token) {
            self.written.pop();
        }
    }

    /// Output was written for a session whose own requests do not run in this turn.
    pub fn note_written(&mut self, token: Token) {
        self.written.push(token);
    }

    /// The next session that [`Sessions::write_to`] was called for; it may be gone by now.
    pub fn next_written(&mut self) -> Option<Token> {
        self.written.pop()
    }

    /// The next session to be closed at once; the caller removes it.
    pub fn next_closing(&mut self) -> Option<Token> {
        while let Some(token) = self.closing.pop() {
            if self.slab.get(token.0).is_some_and(|session| session.closing == Closing::Now) {
                return Some(token);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_used_again_but_a_number_is_not() {
        let mut sessions = Sessions::default();
        let first = sessions.open(Peer::default(), Now::default());
        let first_id = sessions.get(first).expect("open").id;
        sessions.remove(first);
        let second = sessions.open(Peer::default(), Now::default());
        assert_eq!(first, second);
        assert_ne!(first_id, sessions.get(second).expect("open").id);
        assert_eq!(sessions.token_of(first_id), None);
    }

    #[test]
    fn monitors_end_with_their_session() {
        let mut sessions = Sessions::default();
        let [first, second] = [(); 2].map(|()| sessions.open(Peer::default(), Now::default()));
        assert!(sessions.start_monitor(first));
        assert!(sessions.start_monitor(second));
        assert!(!sessions.start_monitor(second));
        assert_eq!(sessions.monitors(), [first, second]);
        sessions.remove(first);
        assert_eq!(sessions.monitors(), [second]);
        sessions.stop_monitor(second);
        assert!(sessions.monitors().is_empty());
    }

    #[test]
    fn output_for_another_session_is_reported_once() {
        let mut sessions = Sessions::default();
        let token = sessions.open(Peer::default(), Now::default());
        for _ in 0..3 {
            sessions.write_to(token).expect("open").simple("x");
        }
        assert_eq!(sessions.next_written(), Some(token));
        assert_eq!(sessions.next_written(), None);
    }

    #[test]
    fn what_a_session_costs_is_given_back() {
        let mut sessions = Sessions::default();
        let first = sessions.open(Peer::default(), Now::default());
        let second = sessions.open(Peer::default(), Now::default());
        sessions.get_mut(first).expect("open").reply.bulk(&[b'x'; 1000]);
        sessions.account(first);
        sessions.account(second);
        sessions.account(second);
        let one = sessions.get(second).expect("open").usage(None).total;
        assert!(sessions.memory_bytes() >= 2 * one + 1000);
        sessions.remove(first);
        assert_eq!(sessions.memory_bytes(), one);
    }

    #[test]
    fn closing_now_wins_over_closing_after_the_reply() {
        let mut sessions = Sessions::default();
        let token = sessions.open(Peer::default(), Now::default());
        sessions.close(token, Closing::AfterReply);
        assert_eq!(sessions.next_closing(), None);
        sessions.close(token, Closing::Now);
        sessions.close(token, Closing::AfterReply);
        assert_eq!(sessions.next_closing(), Some(token));
        assert_eq!(sessions.next_closing(), None);
    }
}
