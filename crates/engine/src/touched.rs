//! Who hears that a key changed: the one place from which transactions that watch it, clients that
//! wait for it and caches that hold it learn of it.

use dunlin_keyspace::RemovalCause;
use dunlin_session::Modification;

use crate::engine::Engine;

impl Engine {
    /// Tells of what a command, or what came before it, did to keys. What the command itself
    /// touched counts only if it changed something; keys that expired or were evicted always do.
    #[cold]
    pub(crate) fn tell_touched(&mut self, modification: Modification) {
        let touched = self.keyspace.take_touched();
        let has_changed = self.effects.changes() > 0;
        for key in touched.keys().filter(|key| has_changed || key.removed.is_some()) {
            self.sessions.blocking.key_touched(key.db, key.key);
            if !self.sessions.watches.is_empty() {
                let expired = key.removed == Some(RemovalCause::Expired);
                let concerned = self.sessions.watches.concerned_by_key(key.db, key.key, expired);
                self.sessions.mark_watched_changed(&concerned);
            }
            if self.sessions.tracking().is_active() {
                let by_command = modification.by_command && key.removed.is_none();
                self.sessions.invalidate(key.key, Modification { by_command, ..modification });
            }
        }
        for &db in touched.databases() {
            self.sessions.blocking.database_touched(db);
            let is_there = |key: &[u8]| self.keyspace.visible(db, key).is_some();
            let concerned = self.sessions.watches.concerned_by_database(db, is_there);
            self.sessions.mark_watched_changed(&concerned);
        }
        if touched.has_emptied() {
            self.sessions.invalidate_all(modification.current);
        }
        self.keyspace.reuse_touched(touched);
        let anybody_asks = !self.sessions.blocking.is_empty()
            || !self.sessions.watches.is_empty()
            || self.sessions.tracking().is_active();
        self.keyspace.record_touched(anybody_asks);
    }

    /// Tells of keys that went away without a command. To be called by whoever removes keys between
    /// commands.
    pub(crate) fn tell_removed(&mut self) {
        if self.keyspace.has_touched() {
            self.tell_touched(Modification::default());
        }
        self.serve_blocked();
    }
}
