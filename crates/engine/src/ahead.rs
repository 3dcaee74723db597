//! Looking ahead across connections: a turn that finds many of them readable, each with a request
//! or two, decodes them all and brings their keys towards the processor before it runs the first.
//!
//! Without this every look-up of an unpipelined request waits for two cache misses in a row; at a
//! million keys they were 11 of 100 samples of a GET (perf, 50 clients, pipeline 1).

use dunlin_commands::table::Lookup;
use dunlin_keyspace::{DatabaseIndex, Place};
use dunlin_session::{Paused, Token, Waiting};

use crate::engine::Engine;

/// Connections looked at together, for the same reason as the window of a pipeline.
pub const CONNECTIONS_AHEAD_MAX: usize = 16;

/// Input up to which a connection is looked at ahead; a longer pipeline overlaps its own look-ups.
const INPUT_BYTES_MAX: usize = 512;

/// The first key of a connection's requests, on its way.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KeyAhead {
    db: DatabaseIndex,
    place: Place,
}

impl Engine {
    /// Decodes what has arrived from a connection, if it is little, and asks for the bucket of its
    /// first key. Returns whether [`Engine::run_input`] should wait until the other connections of
    /// this turn have been looked at; else it should be called now.
    pub fn look_ahead(&mut self, token: Token) -> bool {
        let limits = self.limits(token);
        let Some(session) = self.sessions.get_mut(token) else { return false };
        let small = session.input.len() <= INPUT_BYTES_MAX && !session.decoder.is_partial();
        if session.paused.is_some() || !small {
            return false;
        }
        let mut paused = self.spare_paused.pop().unwrap_or_default();
        let decoded = session.decoder.decode(&mut session.input, 0, &limits, &mut paused.batch);
        let whole = decoded.is_ok_and(|progress| {
            // An empty line or `*0` is consumed and is no request.
            paused.consumed = progress.consumed;
            !progress.more && progress.consumed == session.input.len() && !paused.batch.is_empty()
        });
        paused.failure = decoded.err();
        (paused.next, paused.waiting) = (0, Waiting::ForTurn);
        session.paused = Some(paused);
        if whole {
            self.prefetch_first_key(token);
        }
        whole
    }

    fn prefetch_first_key(&mut self, token: Token) {
        let Some(session) = self.sessions.get(token) else { return };
        let Some(paused) = &session.paused else { return };
        let argument = |n| paused.batch.argument(0, n, &session.input);
        let name = argument(0).unwrap_or_default();
        let Lookup::Found(found) = self.table.lookup_name(name, || argument(1)) else { return };
        let first = usize::from(found.command.spec.key_range().first);
        if first > 0
            && let Some(key) = argument(first)
        {
            let (db, place) = (session.db, self.keyspace.place(key));
            self.keyspace.prefetch_bucket(db, place);
            self.first_keys.push(KeyAhead { db, place });
        }
    }

    /// Second step: asks for the entries whose buckets have arrived meanwhile. Next:
    /// [`Engine::run_input`] for each connection.
    pub fn prefetch_ahead(&mut self) {
        if self.first_keys.len() < 2 {
            self.first_keys.clear();
        }
        for KeyAhead { db, place } in self.first_keys.drain(..) {
            self.keyspace.prefetch_entry(db, place);
        }
    }

    /// Keeps the memory of a batch that has run, for the next connection that is looked at ahead.
    /// Its large arguments are let go of.
    pub(crate) fn spare(&mut self, mut paused: Box<Paused>) {
        paused.batch.clear();
        if self.spare_paused.len() < CONNECTIONS_AHEAD_MAX {
            self.spare_paused.push(paused);
        }
    }
}
