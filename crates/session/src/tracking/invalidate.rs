//! Telling clients that what they may have cached is out of date.

use dunlin_resp::{Protocol, Reply};

use super::prefixes::Changes;
use super::{ClientTracking, TrackingMode, TrackingOptions};
use crate::session::{Closing, SessionFlags};
use crate::sessions::{ClientId, Sessions, Token};

/// Keys that are forgotten at once when there are too many of them: this, and as much again for each
/// time in a row that it was not enough.
const EFFORT: usize = 100;

/// Who changed a key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Modification {
    /// The client whose command runs, or is about to.
    pub current: Option<Token>,
    /// Whether its command runs now: what it is told must wait until that has been answered.
    pub runs: bool,
    /// Whether that command itself changed the key. Keys that expire or are evicted are changed by
    /// nobody.
    pub by_command: bool,
}

/// What clients are told.
enum Outdated<'a> {
    Key(&'a [u8]),
    /// Several keys, as an array in the protocol.
    Keys(&'a [u8]),
    Everything,
}

impl Sessions {
    /// CLIENT TRACKING ON: what was asked for before is replaced, but for the prefixes.
    pub fn start_tracking(&mut self, token: Token, options: TrackingOptions, prefixes: &[&[u8]]) {
        let Some(session) = self.slab.get_mut(token.0) else { return };
        if session.tracking.is_none() {
            self.tracking.clients += 1;
        }
        let own = session.tracking.get_or_insert_default();
        (own.options, own.is_broken) = (options, false);
        if options.mode == TrackingMode::Broadcast {
            let every_key: &[&[u8]] = &[b""];
            for prefix in if prefixes.is_empty() { every_key } else { prefixes } {
                self.tracking.prefixes.add(prefix, session.id);
                own.add_prefix(prefix);
            }
        }
    }

    /// CLIENT TRACKING OFF. What the client has read is forgotten when it changes.
    pub fn stop_tracking(&mut self, token: Token) {
        let Some(session) = self.slab.get_mut(token.0) else { return };
        if let Some(own) = session.tracking.take() {
            let id = session.id;
            self.end_tracking(id, &own);
        }
    }

    /// What is left of the tracking of a client that has it on no longer.
    pub(crate) fn end_tracking(&mut self, id: ClientId, own: &ClientTracking) {
        self.tracking.clients -= 1;
        for prefix in own.prefixes() {
            self.tracking.prefixes.remove(prefix, id);
        }
    }

    /// A client has read keys: it is told when they change, if it wants to be.
    pub fn remember_keys<'k>(&mut self, token: Token, keys: impl IntoIterator<Item = &'k [u8]>) {
        let Some(session) = self.slab.get(token.0) else { return };
        if session.tracking.as_ref().is_some_and(|own| own.remembers()) {
            for key in keys {
                self.tracking.keys.remember(key, session.id);
            }
        }
    }

    /// A key changed: tells those who have read it, and takes note for those who listen to a prefix
    /// of it.
    pub fn invalidate(&mut self, key: &[u8], modification: Modification) {
        if self.tracking.prefixes.len() > 0 {
            let by = modification.current.filter(|_| modification.by_command);
            let by = by.and_then(|token| self.get(token)).map(|session| session.id);
            self.tracking.prefixes.note(key, by);
        }
        self.tell_readers(key, modification);
    }

    fn tell_readers(&mut self, key: &[u8], modification: Modification) {
        for reader in self.tracking.keys.take(key) {
            let Some(token) = self.token_of(reader) else { continue };
            let tracking = self.get(token).and_then(|session| session.tracking.as_ref());
            let Some(TrackingOptions { mode, no_loop, .. }) = tracking.map(|own| own.options)
            else {
                continue;
            };
            let is_current = modification.current == Some(token);
            if mode == TrackingMode::Broadcast || (no_loop && is_current) {
                continue;
            }
            if is_current && modification.runs {
                self.tracking.pending.push(Some(key.into()));
                self.written.push(token);
            } else {
                self.tell(token, &Outdated::Key(key));
            }
        }
    }

    /// All keys of a database are gone: everybody who tracks is told to forget everything.
    pub fn invalidate_all(&mut self, current: Option<Token>) {
        self.tracking.keys.clear();
        if self.tracking.clients == 0 {
            return;
        }
        let tracking = self.iter().filter(|(_, session)| session.tracking.is_some());
        let tokens: Vec<Token> = tracking.map(|(token, _)| token).collect();
        for token in tokens {
            if current == Some(token) {
                self.tracking.pending.push(None);
                self.written.push(token);
            } else {
                self.tell(token, &Outdated::Everything);
            }
        }
    }

    /// Forgets some keys if more than `keys_max` are remembered (`tracking-table-max-keys`; 0 is no
    /// limit): those who have read them are told as if they had changed.
    pub fn limit_tracked_keys(
        &mut self,
        keys_max: usize,
        current: Option<Token>,
        mut random: impl FnMut() -> u64,
    ) {
        if keys_max == 0 || self.tracking.keys.len() <= keys_max {
            self.tracking.overfull_looks = 0;
            return;
        }
        self.tracking.overfull_looks += 1;
        let modification = Modification { current, runs: false, by_command: false };
        for _ in 0..EFFORT.saturating_mul(self.tracking.overfull_looks) {
            let Some(key) = self.tracking.keys.pick(random()) else { break };
            self.tell_readers(&key, modification);
            if self.tracking.keys.len() <= keys_max {
                self.tracking.overfull_looks = 0;
                return;
            }
        }
    }

    /// Tells the client whose command has ended what waited for that.
    pub fn send_pending(&mut self, token: Token) {
        for key in std::mem::take(&mut self.tracking.pending) {
            self.tell(token, &key.as_deref().map_or(Outdated::Everything, Outdated::Key));
        }
    }

    /// Tells those who listen to prefixes what has changed since the last call; to be called at the
    /// end of a turn.
    pub fn broadcast_invalidations(&mut self) {
        for (clients, changes) in self.tracking.prefixes.take_changes() {
            let all = array_of(&changes, None);
            for id in clients {
                let Some(token) = self.token_of(id) else { continue };
                let tracking = self.get(token).and_then(|session| session.tracking.as_ref());
                let Some(own) = tracking else { continue };
                if !own.options.no_loop {
                    self.tell(token, &Outdated::Keys(&all));
                } else if changes.values().any(|by| *by != Some(id)) {
                    let others = array_of(&changes, Some(id));
                    self.tell(token, &Outdated::Keys(&others));
                }
            }
        }
    }

    /// Tells a client that tracks, or the one it named instead.
    fn tell(&mut self, token: Token, outdated: &Outdated<'_>) {
        let Some(session) = self.slab.get_mut(token.0) else { return };
        let protocol = session.reply.protocol;
        let Some(own) = &mut session.tracking else { return };
        let (mut receiver, redirected) = (token, own.options.redirect);
        if let Some(id) = redirected {
            let found = self.by_id.get(&id).copied();
            let is_alive = |token: &Token| {
                self.slab.get(token.0).is_some_and(|session| session.closing != Closing::Now)
            };
            match found.filter(is_alive) {
                Some(other) => receiver = other,
                None => return self.tell_broken(token, id),
            }
        }
        let Some(session) = self.slab.get_mut(receiver.0) else { return };
        let listens = redirected.is_some() && session.flags.contains(SessionFlags::PUBSUB);
        let speaks_resp3 = session.reply.protocol == Protocol::Resp3;
        if (speaks_resp3 || listens)
            && session.is_open()
            && session.push(|reply| write(reply, outdated, protocol))
        {
            self.written.push(receiver);
        }
    }

    /// The client that was named instead of this one is gone.
    fn tell_broken(&mut self, token: Token, redirect: ClientId) {
        let Some(session) = self.slab.get_mut(token.0) else { return };
        if let Some(own) = &mut session.tracking {
            own.is_broken = true;
        }
        let told = session.reply.protocol == Protocol::Resp3
            && session.is_open()
            && session.push(|reply| {
                reply.push(2);
                reply.bulk(b"tracking-redir-broken");
                reply.integer(redirect.0 as i64);
            });
        if told {
            self.written.push(token);
        }
    }
}

/// Writes an invalidation for its receiver. The null that stands for everything is that of the
/// protocol of the client that tracks.
fn write(reply: &mut Reply, outdated: &Outdated<'_>, protocol: Protocol) {
    match reply.protocol {
        Protocol::Resp3 => {
            reply.push(2);
            reply.bulk(b"invalidate");
        }
        Protocol::Resp2 => {
            reply.push(3);
            reply.bulk(b"message");
            reply.bulk(b"__redis__:invalidate");
        }
    }
    match outdated {
        Outdated::Key(key) => {
            reply.array(1);
            reply.bulk(key);
        }
        Outdated::Keys(array) => reply.raw(array),
        Outdated::Everything => {
            let own = std::mem::replace(&mut reply.protocol, protocol);
            reply.null();
            reply.protocol = own;
        }
    }
}

/// The keys that changed, except by one client, as an array in the protocol.
fn array_of(changes: &Changes, except: Option<ClientId>) -> Vec<u8> {
    let keys = || changes.iter().filter(|(_, by)| except.is_none() || **by != except);
    let mut reply = Reply::default();
    reply.array(keys().count());
    for (key, _) in keys() {
        reply.bulk(key);
    }
    reply.output.to_vec()
}
