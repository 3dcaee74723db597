//! Client-side caching as commands see it: what they read is remembered, what changes is told.
//!
//! Who is told what is decided in [`dunlin_session::Tracking`].
//!
//! Source: redis.io, "Client-side caching in Redis"; the annotated redis.conf of 7.2,
//! `tracking-table-max-keys`.

use dunlin_commands::table::{Lookup, Registered};
use dunlin_commands::{Args, Caller};
use dunlin_resp::Reply;
use dunlin_session::{Modification, SessionFlags, Token};
use dunlin_spec::Flags;

use crate::engine::Engine;

impl Engine {
    /// After a command: remembers the keys it has read for a client that tracks.
    #[cold]
    pub(crate) fn remember_keys(&mut self, caller: Caller, registered: Registered, args: Args<'_>) {
        let spec = &registered.command.spec;
        let flags = spec.all_flags();
        // The channels of a cluster's messages are found like keys, but are none.
        if !flags.contains(Flags::READONLY) || flags.contains(Flags::PUBSUB) {
            return;
        }
        let Some(token) = caller.client() else { return };
        let words = args.words();
        let keys = spec.keys_in(words);
        self.sessions.remember_keys(token, keys.iter().map(|key| words[key.index as usize]));
    }

    /// Before a command: forgets keys if too many are remembered.
    #[cold]
    pub(crate) fn limit_tracked_keys(&mut self, current: Option<Token>) {
        let keys_max = self.config.network.tracking_table_max_keys;
        let keys_max = usize::try_from(keys_max).unwrap_or(usize::MAX);
        let keyspace = &mut self.keyspace;
        self.sessions.limit_tracked_keys(keys_max, current, || keyspace.random());
    }

    /// Before a command: tells of keys that were evicted to make room for it, and forgets keys if
    /// too many are remembered. What the client itself is told comes before its reply.
    #[cold]
    pub(crate) fn tell_before_command(&mut self, caller: Caller, reply: &mut Reply) {
        // Within a transaction there is one reply for all commands.
        let Some(token) = caller.checked_client() else { return };
        let current = Some(token);
        if self.keyspace.has_touched() {
            self.tell_touched(Modification { current, runs: false, by_command: false });
        }
        if self.sessions.tracking().clients() > 0 {
            self.limit_tracked_keys(current);
        }
        if self.sessions.has_written() {
            self.sessions.append_pushed(token, reply);
        }
    }

    /// After a request of a client: CLIENT CACHING holds for one, or for one transaction.
    #[cold]
    pub(crate) fn end_caching(&mut self, token: Token, lookup: Lookup) {
        if let Lookup::Found(found) = lookup
            && found.command.spec.container() == Some("client")
        {
            return;
        }
        if let Some(session) = self.sessions.get_mut(token)
            && !session.flags.contains(SessionFlags::MULTI)
            && let Some(own) = &mut session.tracking
        {
            own.caching = false;
        }
    }
}
