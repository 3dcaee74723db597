//! MULTI and EXEC: requests are queued, then run together.
//!
//! A request is checked when it is queued; one that is refused breaks the transaction. EXEC runs
//! what was queued through [`Engine::execute`], as everything else runs, with
//! [`Caller::Transaction`]: nothing is checked again, nothing waits, and what all of them change
//! goes to followers as one unit.
//!
//! Source: redis.io, "Transactions"; texts and order checked against a 7.2.6 server.

use dunlin_commands::table::{Lookup, Registered};
use dunlin_commands::{Args, Caller, CommandError};
use dunlin_resp::Reply;
use dunlin_session::{SessionFlags, Token, Transaction};
use dunlin_spec::Flags;

use crate::check;
use crate::engine::Engine;

const BROKEN: CommandError =
    CommandError::fixed("EXECABORT Transaction discarded because of previous errors.");

/// A command of a client, on its way to be run.
#[derive(Clone, Copy)]
pub(crate) struct Call<'a> {
    pub(crate) caller: Caller,
    pub(crate) db: u32,
    pub(crate) lookup: Lookup,
    pub(crate) args: Args<'a>,
}

impl Engine {
    /// Queues a request of a client that has sent MULTI, or runs it if it is one of the few that
    /// are not queued.
    #[cold]
    pub(crate) fn run_in_transaction(&mut self, call: Call<'_>, reply: &mut Reply) {
        let Call { caller, db, lookup, args } = call;
        let (Lookup::Found(registered), Some(token)) = (lookup, caller.client()) else {
            return self.execute(caller, db, lookup, args, reply);
        };
        match registered.command.spec.name() {
            "exec" => self.execute_transaction(token, registered, args, reply),
            "discard" | "multi" | "quit" | "reset" | "watch" => {
                self.execute(caller, db, lookup, args, reply);
            }
            _ => self.queue(token, registered, args, reply),
        }
    }

    /// Checks a request and keeps a copy of it.
    fn queue(&mut self, token: Token, registered: Registered, args: Args<'_>, reply: &mut Reply) {
        let caller = Caller::Client(token);
        let permitted = self
            .check(caller, registered, args)
            // Whatever is queued takes memory.
            .and_then(|()| self.check_memory(caller, || true, reply));
        if let Err(error) = permitted {
            return self.refuse(caller, Some(registered), args, reply, &error);
        }
        let Some(session) = self.sessions.get_mut(token) else { return };
        let has_failed = session.flags.contains(SessionFlags::WATCHED_CHANGED);
        if let Some(transaction) = &mut session.transaction
            && !has_failed
            && !transaction.is_broken()
        {
            let flags = registered.command.spec.all_flags();
            transaction.push(registered.number.0, flags, args.words(), args.large());
        }
        reply.simple("QUEUED");
    }

    /// EXEC, inside a transaction.
    fn execute_transaction(
        &mut self,
        token: Token,
        registered: Registered,
        args: Args<'_>,
        reply: &mut Reply,
    ) {
        let caller = Caller::Client(token);
        let has_any = |flags| self.queued(token).is_some_and(|queued| queued.has_any(flags));
        let needs_memory = has_any(Flags::DENYOOM);
        let changes_data = has_any(Flags::WRITE);
        let lacks_loading =
            self.queued(token).is_some_and(|queued| queued.lacks_any(Flags::LOADING));
        let permitted = self
            .check(caller, registered, args)
            .and_then(|()| self.check_memory(caller, || needs_memory, reply))
            .and_then(|()| self.check_disk(caller, || changes_data))
            .and_then(|()| check::loading_queued(self.is_loading() && lacks_loading));
        if let Err(error) = permitted {
            return self.refuse(caller, Some(registered), args, reply, &error);
        }
        let begun = self.ticks;
        let has_changed = self.has_watched_changed(token);
        let Some(transaction) = self.sessions.end_transaction(token) else { return };
        let failed = transaction.is_broken();
        if failed {
            self.answer_error(reply, &BROKEN);
        } else if has_changed {
            reply.null_array();
        } else {
            self.run_queued(token, &transaction, reply);
        }
        self.ticks = self.clock.ticks();
        let ns = self.tick_scale.ns(self.ticks.wrapping_sub(begun));
        self.account_ns(caller, registered, args, ns, failed);
        if !self.sessions.monitors().is_empty() {
            self.feed_monitors(caller, registered, args, reply);
        }
    }

    /// Runs what was queued. Meanwhile the client is listed as one in a transaction.
    fn run_queued(&mut self, token: Token, transaction: &Transaction, reply: &mut Reply) {
        reply.array(transaction.len());
        self.sessions.show_transaction(token, transaction);
        self.stream.begin_unit();
        for i in 0..transaction.len() {
            let (number, words, large) = transaction.request(i);
            let Some(&registered) = self.table.all().get(usize::from(number)) else { continue };
            let (mark, silent) = (reply.mark(), self.is_silent(token));
            let db = self.sessions.get(token).map_or(0, |session| session.db);
            let args = Args::with_large(&words, large);
            let lookup = Lookup::Found(registered);
            self.execute(Caller::Transaction(token), db, lookup, args, reply);
            if silent {
                reply.truncate_to(mark);
            }
        }
        self.stream.end_unit(true);
        self.sessions.end_transaction(token);
        if self.persistence.has_wish() || self.replication.has_wish() {
            self.grant_wishes(Caller::Transaction(token), reply);
        }
    }

    /// Whether replies are kept from a client (CLIENT REPLY, also inside the transaction).
    fn is_silent(&self, token: Token) -> bool {
        let silent = SessionFlags::REPLY_OFF.union(SessionFlags::REPLY_SKIP);
        self.sessions.get(token).is_some_and(|session| session.flags.intersects(silent))
    }

    /// Whether a key that a client watches has changed. One whose time has come has, too, although
    /// nobody has removed it yet.
    fn has_watched_changed(&self, token: Token) -> bool {
        let changed = SessionFlags::WATCHED_CHANGED;
        self.sessions.get(token).is_some_and(|session| session.flags.contains(changed))
            || self.sessions.watches.of(token).iter().any(|watched| {
                watched.existed && self.keyspace.visible(watched.db, &watched.key).is_none()
            })
    }

    fn queued(&self, token: Token) -> Option<&Transaction> {
        self.sessions.get(token)?.transaction.as_deref()
    }

    /// Whether EXEC would run a command with one of these flags for this client.
    pub(crate) fn queues_any(&self, token: Token, registered: Registered, flags: Flags) -> bool {
        registered.command.spec.name() == "exec"
            && self.queued(token).is_some_and(|queued| queued.has_any(flags))
    }

    /// A request of a client was refused: its transaction, if there is one, is broken. If the request
    /// was EXEC, the transaction is over; what the client is told then is returned.
    pub(crate) fn break_transaction(
        &mut self,
        caller: Caller,
        registered: Option<Registered>,
        error: &CommandError,
    ) -> Option<CommandError> {
        let token = caller.checked_client()?;
        if let Some(transaction) = &mut self.sessions.get_mut(token)?.transaction {
            transaction.mark_broken();
        }
        if registered?.command.spec.name() != "exec" {
            return None;
        }
        self.sessions.end_transaction(token);
        if matches!(error, CommandError::Misplaced(_)) {
            // Whoever knows the cluster sends the whole transaction elsewhere.
            return None;
        }
        let reason = error.bytes();
        let reason = reason.strip_prefix(b"ERR ").unwrap_or(&reason);
        let text = [b"EXECABORT Transaction discarded because of: ".as_slice(), reason].concat();
        Some(CommandError::Quoting(text))
    }
}
