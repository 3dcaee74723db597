//! Keys with a deadline that clients have written to a replica: its primary knows nothing of them, so
//! the replica removes them itself.
//!
//! Source: redis.io, "Redis replication", section "How Redis replication deals with expires on keys".

use dunlin_commands::table::Registered;
use dunlin_commands::{Args, Caller};
use dunlin_keyspace::Expiry;

use crate::engine::Engine;

/// Keys that are remembered: more than that are left to the primary, if it knows them.
const KEYS_MAX: usize = 1 << 20;

/// Keys that are looked at in one round of periodic work.
const KEYS_PER_ROUND: usize = 4096;

impl Engine {
    /// Before a command: whether a client changes a replica with it. Then keys whose time has come are
    /// gone for it, as on a primary, until [`Engine::end_own_write`].
    #[cold]
    pub(crate) fn begin_own_write(&mut self, caller: Caller, registered: Registered) -> bool {
        let is_own_write = caller.client().is_some()
            && registered.command.spec.is_write()
            && !self.config.replication.replica_read_only;
        if is_own_write {
            self.keyspace.set_expiry(Expiry::Remove);
        }
        is_own_write
    }

    /// Behind such a command: remembers the keys it has written that have a deadline now.
    #[cold]
    pub(crate) fn end_own_write(&mut self, db: u32, registered: Registered, args: Args<'_>) {
        self.keyspace.set_expiry(Expiry::Hide);
        let words = args.words();
        for key in &registered.command.spec.keys_in(words) {
            let name = words[key.index as usize];
            let held = self.keyspace.held(db, name);
            let has_deadline = held.is_some_and(|entry| entry.deadline().is_some());
            let own = &mut self.replication.own_keys;
            if has_deadline && own.len() < KEYS_MAX {
                own.insert((db, name.into()));
            } else if !has_deadline && !own.is_empty() {
                own.remove(&(db, name.into()));
            }
        }
    }

    /// Removes such keys when their time has come.
    pub(super) fn expire_own_keys(&mut self) {
        if self.replication.own_keys.is_empty() {
            return;
        }
        let expiry = self.keyspace.expiry();
        self.keyspace.set_expiry(Expiry::Remove);
        let mut keys = std::mem::take(&mut self.replication.own_keys);
        let next = self.links.own_keys_from.take();
        let from = next.unwrap_or((0, Box::default()));
        let round: Vec<_> = keys.range(from..).take(KEYS_PER_ROUND).cloned().collect();
        for key in &round {
            let (db, name) = key;
            // Looking at a key removes it if its time has come.
            let entry = self.keyspace.peek(*db, name);
            if entry.is_none_or(|entry| entry.deadline().is_none()) {
                keys.remove(key);
            }
        }
        self.links.own_keys_from = round.last().cloned().filter(|_| round.len() == KEYS_PER_ROUND);
        self.replication.own_keys = keys;
        self.propagate_removals();
        self.keyspace.set_expiry(expiry);
        self.tell_removed();
    }
}
