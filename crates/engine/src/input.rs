//! From the bytes of a connection to its commands: decode all that arrived, bring the keys of a
//! batch towards the processor, run.

use dunlin_commands::table::{Lookup, Registered};
use dunlin_commands::{Args, Caller};
use dunlin_config::LogLevel;
use dunlin_keyspace::Expiry;
use dunlin_resp::{Arguments, Batch, Limits, Mark, ProtocolError, Reply, RequestDecoder};
use dunlin_session::{
    Closing, LentInput, PauseMode, Paused, Session, SessionFlags, Token, Waiting, describe,
};
use dunlin_spec::Flags;

use crate::engine::Engine;
use crate::plan::{Plan, WINDOW};
use crate::transaction::Call;

/// A connection with this much unsent output is not run until it drains: a pipeline of GETs of
/// large values to a slow reader costs this much memory, not the sum of its replies.
const OUTPUT_BYTES_MAX: usize = 1024 * 1024;

/// What a session lends while its requests run.
struct Work {
    input: Vec<u8>,
    decoder: RequestDecoder,
    reply: Reply,
}

/// The request of a batch that must wait, and for what.
type Stopped = (usize, Waiting);

/// Flags that are to be looked at when a command has ended.
const AFTERWARDS: SessionFlags = SILENCE.union(SessionFlags::ASKING);

/// Flags that keep replies from a client.
const SILENCE: SessionFlags =
    SessionFlags::REPLY_OFF.union(SessionFlags::REPLY_SKIP).union(SessionFlags::REPLY_SKIP_NEXT);

impl Engine {
    /// Runs what has arrived from a connection, as far as its output allows. The caller has added
    /// the bytes to the session's input. Next: [`Engine::execute`].
    pub fn run_input(&mut self, token: Token) {
        let Some(session) = self.sessions.get(token) else { return };
        if session.waiting() == Some(Waiting::Blocked) {
            return;
        }
        let output_limit = self.output_limit(session.class());
        let Some(session) = self.sessions.get_mut(token) else { return };
        // What was read and written since the last command is not this command's time.
        self.ticks = self.clock.ticks();
        let mut work = Work {
            input: std::mem::take(&mut session.input),
            decoder: std::mem::take(&mut session.decoder),
            reply: session.lend_reply(),
        };
        session.lent =
            LentInput { len_bytes: work.input.len(), capacity_bytes: work.input.capacity() };
        // What a replica is behind by stays in the backlog, which has limits of its own.
        let hard_bytes = if session.is_link() { 0 } else { output_limit.hard_bytes };
        work.reply.output.set_limit(hard_bytes as usize);
        let paused = match session.paused.take() {
            Some(paused) => self.resume(token, paused, &mut work),
            None => self.decode_and_run(token, 0, &mut work),
        };
        if let Some(session) = self.sessions.get_mut(token) {
            session.input = work.input;
            session.decoder = work.decoder;
            session.take_back_reply(work.reply);
            // Whatever a client sent behind its QUIT, or behind what ended it, is dropped.
            session.paused = paused.filter(|_| session.is_open());
        }
        self.serve_blocked();
    }

    /// Runs the rest of a batch that had to wait, then what arrived behind it.
    fn resume(
        &mut self,
        token: Token,
        mut paused: Box<Paused>,
        work: &mut Work,
    ) -> Option<Box<Paused>> {
        if let Some((next, waiting)) = self.run_batch(token, &paused.batch, paused.next, work) {
            (paused.next, paused.waiting) = (next, waiting);
            return Some(paused);
        }
        let (consumed, failure) = (paused.consumed, paused.failure.take());
        self.spare(paused);
        if let Some(error) = failure {
            self.refuse_protocol(token, error, &mut work.reply);
            work.input.clear();
            return None;
        }
        if consumed == work.input.len() && !work.decoder.is_partial() {
            work.input.clear();
            return None;
        }
        self.decode_and_run(token, consumed, work)
    }

    /// Decodes and runs from `consumed` on, until the bytes end or the connection must wait.
    fn decode_and_run(
        &mut self,
        token: Token,
        mut consumed: usize,
        work: &mut Work,
    ) -> Option<Box<Paused>> {
        let mut batch = std::mem::take(&mut self.batch);
        let mut paused = None;
        loop {
            batch.clear();
            let limits = self.limits(token);
            let decoded = work.decoder.decode(&mut work.input, consumed, &limits, &mut batch);
            if let Ok(progress) = &decoded {
                consumed = progress.consumed;
            }
            if let Some((next, waiting)) = self.run_batch(token, &batch, 0, work) {
                let mut batch = std::mem::take(&mut batch);
                batch.shrink();
                let failure = decoded.err();
                paused = Some(Box::new(Paused { waiting, batch, next, consumed, failure }));
                break;
            }
            match decoded {
                Ok(progress) if progress.more => {}
                Ok(_) => break,
                Err(error) => {
                    self.refuse_protocol(token, error, &mut work.reply);
                    consumed = work.input.len();
                    break;
                }
            }
        }
        // A large argument must not outlive its value for want of another request.
        batch.clear();
        self.batch = batch;
        if paused.is_none() {
            work.decoder.compact(&mut work.input, consumed);
        }
        paused
    }

    /// Why a request may not run yet, if it may not.
    #[inline]
    pub(crate) fn must_wait(
        &self,
        token: Token,
        lookup: Lookup,
        args: Args<'_>,
        reply: &Reply,
    ) -> Option<Waiting> {
        let is_open = self.sessions.get(token).is_some_and(Session::is_open);
        if !is_open || reply.output.len() >= OUTPUT_BYTES_MAX || reply.output.has_overflowed() {
            return Some(Waiting::ForOutput);
        }
        if self.sessions.pause.holds_any() { self.must_be_held(token, lookup, args) } else { None }
    }

    /// Why a request waits while some do.
    #[cold]
    fn must_be_held(&self, token: Token, lookup: Lookup, args: Args<'_>) -> Option<Waiting> {
        let Lookup::Found(registered) = lookup else { return None };
        if let Some(mode) = self.sessions.pause.mode()
            && self.is_held(mode, token, registered, args)
        {
            return Some(Waiting::ForPause);
        }
        self.is_held_by_transfer(token, registered, args).then_some(Waiting::ForKeys)
    }

    /// Takes note of a client that waits, if nobody finds it otherwise.
    pub(crate) fn note_held(&mut self, token: Token, waiting: Waiting) {
        if waiting == Waiting::ForKeys {
            self.migration_work.held.push(token);
        }
    }

    /// Whether CLIENT PAUSE holds a command. One that is refused anyway is refused at once.
    fn is_held(
        &self,
        mode: PauseMode,
        token: Token,
        registered: Registered,
        args: Args<'_>,
    ) -> bool {
        let flags = registered.command.spec.all_flags();
        let changing = Flags::WRITE.union(Flags::MAY_REPLICATE);
        let affected = match mode {
            PauseMode::All => true,
            PauseMode::Write => {
                flags.intersects(changing) || self.queues_any(token, registered, changing)
            }
        };
        affected && self.check(Caller::Client(token), registered, args).is_ok()
    }

    pub(crate) fn limits(&self, token: Token) -> Limits {
        let session = self.sessions.get(token);
        Limits {
            max_bulk_len: self.config.network.proto_max_bulk_len as usize,
            query_buffer_max: self.config.network.client_query_buffer_limit as usize,
            authenticated: session.is_some_and(|session| session.is_admitted(self.access())),
        }
    }

    /// Runs the requests of a batch in order, from number `from` on; returns the first one that
    /// must wait.
    fn run_batch(
        &mut self,
        token: Token,
        batch: &Batch,
        from: usize,
        work: &mut Work,
    ) -> Option<Stopped> {
        let Work { input, reply, .. } = work;
        let mut start = from;
        while start < batch.len() {
            let window = start..batch.len().min(start + WINDOW);
            let db = self.sessions.get(token).map_or(0, |session| session.db);
            let place = (&self.table, &self.keyspace, db);
            let plan = Plan::new(place, (batch, input), window.clone(), &mut self.keys_ahead);
            start = window.end;
            self.hold_writes_if_behind();
            for request in window {
                let mut words = Arguments::new();
                batch.arguments(request, input, &mut words);
                let args = Args::with_large(&words, batch.large(request));
                let args = args.in_slot(plan.slot(request));
                let lookup = plan.lookup(request);
                if let Some(waiting) = self.must_wait(token, lookup, args, reply) {
                    self.note_held(token, waiting);
                    return Some((request, waiting));
                }
                self.run_for_client(Caller::Client(token), lookup, args, reply);
                if self.sessions.blocking.take_attention() && self.follow_up(token) {
                    return Some((request, Waiting::Blocked));
                }
            }
        }
        None
    }

    /// After a command: others who waited for what it changed have their turn. Returns whether the
    /// client itself must wait now.
    #[cold]
    fn follow_up(&mut self, token: Token) -> bool {
        if self.sessions.blocking.is_waiting(token) {
            // Others are served when its request is where it can be found again.
            return true;
        }
        self.serve_blocked();
        // Their time is not that of the next command.
        self.ticks = self.clock.ticks();
        false
    }

    /// Runs one command of a client as the client wants it: which database, whether it is answered,
    /// whether it moves access clocks. Next: [`Engine::execute`].
    #[inline(always)]
    pub(crate) fn run_for_client(
        &mut self,
        caller: Caller,
        lookup: Lookup,
        args: Args<'_>,
        reply: &mut Reply,
    ) {
        let Some(token) = caller.client() else { return };
        let Some(session) = self.sessions.get_mut(token) else { return };
        session.last_command = match lookup {
            Lookup::Found(Registered { command, .. }) => Some(command.spec.name()),
            Lookup::UnknownCommand | Lookup::UnknownSubcommand(_) => None,
        };
        let (db, flags) = (session.db, session.flags);
        let mark = reply.mark();
        if flags.contains(SessionFlags::NO_TOUCH) {
            self.keyspace.touch = false;
        }
        if self.sessions.pause.mode().is_some() {
            self.keyspace.set_expiry(Expiry::Hide);
        }
        if flags.contains(SessionFlags::MULTI) {
            self.run_in_transaction(Call { caller, db, lookup, args }, reply);
        } else {
            self.execute(caller, db, lookup, args, reply);
        }
        self.keyspace.touch = true;
        self.follow_flags(token, flags, mark, reply);
        if self.sessions.has_more_to_do() {
            self.sessions.append_pushed(token, reply);
            self.end_caching(token, lookup);
        }
    }

    /// A command has ended whose reply begins at `mark`: does what the flags of its client say.
    /// `before` are its flags before the command ran.
    #[inline]
    pub(crate) fn follow_flags(
        &mut self,
        token: Token,
        before: SessionFlags,
        mark: Mark,
        reply: &mut Reply,
    ) {
        let is_due = self.sessions.get(token).is_some_and(|now| now.flags.intersects(AFTERWARDS));
        if is_due && !self.sessions.blocking.is_waiting(token) {
            self.end_asking(token, before);
            self.keep_silent(token, before, mark, reply);
        }
    }

    /// ASKING holds for one command, or for what is queued behind it up to EXEC.
    fn end_asking(&mut self, token: Token, before: SessionFlags) {
        let Some(session) = self.sessions.get_mut(token) else { return };
        let asked_now = session.last_command == Some("asking");
        if before.contains(SessionFlags::ASKING)
            && !asked_now
            && !session.flags.contains(SessionFlags::MULTI)
        {
            session.flags.remove(SessionFlags::ASKING);
        }
    }

    /// CLIENT REPLY: takes the reply back, unless the command itself switched replies on.
    #[cold]
    fn keep_silent(&mut self, token: Token, before: SessionFlags, mark: Mark, reply: &mut Reply) {
        let Some(session) = self.sessions.get_mut(token) else { return };
        let silent = SessionFlags::REPLY_OFF.union(SessionFlags::REPLY_SKIP);
        if before.intersects(silent) && session.flags.intersects(silent) {
            reply.truncate_to(mark);
        }
        let skip_next = session.flags.contains(SessionFlags::REPLY_SKIP_NEXT);
        session.flags.set(SessionFlags::REPLY_SKIP, skip_next);
        session.flags.remove(SessionFlags::REPLY_SKIP_NEXT);
    }

    /// Answers a protocol error and ends the connection.
    fn refuse_protocol(&mut self, token: Token, error: ProtocolError, reply: &mut Reply) {
        let Some(session) = self.sessions.get(token) else { return };
        let Some(text) = error.text() else {
            if error == ProtocolError::QueryBufferLimit {
                self.metrics.counters.query_buffer_disconnections += 1;
                let client = describe(session, None, self.now.monotonic);
                let line = format!("Closing client that reached max query buffer length: {client}");
                self.host.log(LogLevel::Warning, &line);
            }
            return self.sessions.close(token, Closing::Now);
        };
        let is_silent = session.flags.contains(SessionFlags::REPLY_OFF);
        let text = [b"ERR Protocol error: ".as_slice(), &text].concat();
        self.metrics.error_sent(&text);
        if !is_silent {
            reply.error(&text);
        }
        self.sessions.close(token, Closing::AfterReply);
    }
}
