//! Clients whose command waits: running it again, giving it up.
//!
//! [`Engine::serve_blocked`] is called when a command, or a transaction as a whole, has ended and
//! before the next one begins. It looks at each key that changed, in the order of the changes, and
//! runs the commands again of those who wait for it, in the order in which they came, as long as
//! the key holds what they wait for. A command that runs so may make further keys ready (BLMOVE):
//! they are looked at in the same call.

use dunlin_commands::blocking::{Awaited, Durable, acknowledged};
use dunlin_commands::table::Lookup;
use dunlin_commands::{Args, Caller, CommandResult};
use dunlin_config::LogLevel;
use dunlin_resp::{Arguments, Reply};
use dunlin_session::{
    Closing, Paused, Release, SessionFlags, TimeoutReply, Token, Wait, Waiting, describe,
};

use crate::engine::Engine;

/// What a client gets that CLIENT UNBLOCK ... ERROR is aimed at.
const UNBLOCKED: &[u8] = b"UNBLOCKED client unblocked via CLIENT UNBLOCK";

/// What a session lends while its command is run again or given up.
struct Held {
    paused: Box<Paused>,
    input: Vec<u8>,
    reply: Reply,
    /// The request is done with.
    is_answered: bool,
}

impl Engine {
    /// Serves clients whose wait is over, because of what has changed or because CLIENT UNBLOCK
    /// said so.
    #[inline]
    pub fn serve_blocked(&mut self) {
        if self.sessions.blocking.is_due() {
            self.serve_those_due();
        }
    }

    #[cold]
    fn serve_those_due(&mut self) {
        while let Some((token, wait, why)) = self.sessions.blocking.next_released() {
            self.give_up(token, &wait, why);
        }
        while let Some((db, key, last)) = self.sessions.blocking.next_ready() {
            let mut after = 0;
            loop {
                let held = self.keyspace.visible(db, &key).map(|entry| entry.value_type());
                let next = self.sessions.blocking.next_waiting((db, &key), held, after, last);
                let Some((number, token)) = next else { break };
                after = number;
                self.run_again(token);
            }
        }
    }

    /// Serves clients that waited for replicas, for the disk or for a job and need not any more.
    #[cold]
    pub(crate) fn serve_others(&mut self) {
        let replicas = &self.replication.replicas;
        let (has_log, kept) = (self.persistence.is_log_wanted(), self.persistence.kept_up_to());
        let payloads = self.persistence.payloads();
        let is_met = |awaited: Awaited| match awaited {
            Awaited::Acknowledgement { offset, replicas: wanted } => {
                replicas.count_acknowledged(offset) >= wanted
            }
            Awaited::Durability { log, offset, replicas: wanted } => {
                // Without a log there is nothing to wait for: the command says so.
                log.is_some() && !has_log
                    || log.is_none_or(|log| log <= kept) && replicas.count_durable(offset) >= wanted
            }
            Awaited::Decoding(payload) => payloads.is_decoded(payload),
            Awaited::Value(_)
            | Awaited::ValueOrLoss(_)
            | Awaited::Transfer(_)
            | Awaited::Probe(_)
            | Awaited::Shutdown => false,
        };
        let waiting = self.sessions.blocking.for_others();
        let served: Vec<Token> =
            waiting.filter(|(_, awaited)| is_met(*awaited)).map(|(token, _)| token).collect();
        served.into_iter().for_each(|token| self.run_again(token));
    }

    /// Answers clients that have waited long enough.
    pub fn time_out_blocked(&mut self) {
        while let Some((token, wait)) = self.sessions.blocking.next_timed_out(self.now.monotonic) {
            self.give_up(token, &wait, Release::Timeout);
        }
    }

    /// Runs the command again for which a client waits.
    fn run_again(&mut self, token: Token) {
        let Some(wait) = self.sessions.blocking.release(token) else { return };
        let Some(mut held) = self.take_held(token) else { return };
        let waiting = self.run_held(token, wait, &mut held);
        if let Some(waiting) = waiting {
            held.paused.waiting = waiting;
        } else if !self.sessions.blocking.is_waiting(token) {
            held.is_answered = true;
        }
        self.put_back(token, held);
    }

    /// Runs a command that waited, unless there is another reason to wait: that is returned.
    fn run_held(&mut self, token: Token, wait: Wait, held: &mut Held) -> Option<Waiting> {
        let Held { paused, input, reply, .. } = held;
        let mut words = Arguments::new();
        paused.batch.arguments(paused.next, input, &mut words);
        let args = Args::with_large(&words, paused.batch.large(paused.next));
        let lookup = self.table.lookup(args.words());
        if let Some(waiting) = self.must_wait(token, lookup, args, reply) {
            self.note_held(token, waiting);
            return Some(waiting);
        }
        self.ticks = self.clock.ticks();
        self.sessions.blocking.resumed = Some(wait);
        self.run_for_client(Caller::Again(token), lookup, args, reply);
        self.sessions.blocking.resumed = None;
        None
    }

    /// Answers a client that stops waiting although nothing came.
    #[cold]
    fn give_up(&mut self, token: Token, wait: &Wait, why: Release) {
        let Some(mut held) = self.take_held(token) else { return };
        let flags = self.sessions.get(token).map(|session| session.flags).unwrap_or_default();
        let mark = held.reply.mark();
        match why {
            Release::Timeout => self.reply_at_timeout(token, wait.at_timeout, &mut held.reply),
            Release::Error => {
                self.metrics.error_sent(UNBLOCKED);
                held.reply.error(UNBLOCKED);
            }
        }
        self.follow_flags(token, flags, mark, &mut held.reply);
        self.count_waited(token, wait, why == Release::Error, &held);
        held.is_answered = true;
        self.put_back(token, held);
    }

    /// Answers a client with what it has waited for.
    pub(crate) fn answer_waiting(&mut self, token: Token, outcome: &CommandResult) {
        let Some(wait) = self.sessions.blocking.release(token) else { return };
        let Some(mut held) = self.take_held(token) else { return };
        let flags = self.sessions.get(token).map(|session| session.flags).unwrap_or_default();
        let mark = held.reply.mark();
        match outcome {
            Ok(()) => held.reply.ok(),
            Err(error) => self.answer_error(&mut held.reply, error),
        }
        self.follow_flags(token, flags, mark, &mut held.reply);
        self.count_waited(token, &wait, outcome.is_err(), &held);
        held.is_answered = true;
        self.put_back(token, held);
    }

    /// Counts a command whose wait is over.
    fn count_waited(&mut self, token: Token, wait: &Wait, failed: bool, held: &Held) {
        let Held { paused, input, .. } = held;
        let mut words = Arguments::new();
        paused.batch.arguments(paused.next, input, &mut words);
        if let Lookup::Found(registered) = self.table.lookup(&words) {
            let caller = Caller::Client(token);
            self.account_ns(caller, registered, Args::new(&words), wait.spent_ns, failed);
        }
    }

    /// Takes from a session whose command waits what is needed to run or to answer it.
    fn take_held(&mut self, token: Token) -> Option<Held> {
        let session = self.sessions.get_mut(token)?;
        let paused = session.paused.take_if(|paused| paused.waiting == Waiting::Blocked)?;
        let (input, reply) = (std::mem::take(&mut session.input), session.lend_reply());
        Some(Held { paused, input, reply, is_answered: false })
    }

    /// Gives back what was taken. If the request is answered, those behind it follow in the next
    /// turn.
    fn put_back(&mut self, token: Token, held: Held) {
        let Held { mut paused, input, reply, is_answered } = held;
        self.sessions.note_written(token);
        let Some(session) = self.sessions.get_mut(token) else { return };
        session.take_back_reply(reply);
        if is_answered {
            paused.next += 1;
            paused.waiting = Waiting::ForTurn;
            let is_last = paused.next == paused.batch.len() && paused.failure.is_none();
            if is_last && paused.consumed == input.len() && !session.decoder.is_partial() {
                return self.spare(paused);
            }
            self.resumed.push_back(token);
        }
        (session.paused, session.input) = (Some(paused), input);
    }

    fn reply_at_timeout(&self, token: Token, what: TimeoutReply, reply: &mut Reply) {
        let session = self.sessions.get(token);
        let ends = session.map(|session| (session.logged_up_to, session.replicated_up_to));
        let (log, offset) = ends.unwrap_or_default();
        match what {
            TimeoutReply::Nothing => reply.null_array(),
            TimeoutReply::Acknowledged => reply.integer(acknowledged(offset, &self.replication)),
            TimeoutReply::Durable => {
                Durable::of((log, offset), &self.persistence, &self.replication).write(reply);
            }
        }
    }

    /// Ends the wait of a client with an error, and its connection: what it waits for does not come
    /// any more.
    pub(crate) fn unblock_with(&mut self, token: Token, error: &str) {
        if self.end_wait(token, error) {
            self.sessions.close(token, Closing::AfterReply);
        }
    }

    /// Ends the wait of a client with an error; false if it does not wait.
    pub(crate) fn end_wait(&mut self, token: Token, error: &str) -> bool {
        let Some(wait) = self.sessions.blocking.release(token) else { return false };
        let Some(mut held) = self.take_held(token) else { return false };
        let flags = self.sessions.get(token).map(|session| session.flags).unwrap_or_default();
        let mark = held.reply.mark();
        self.metrics.error_sent(error.as_bytes());
        held.reply.error(error);
        self.follow_flags(token, flags, mark, &mut held.reply);
        self.count_waited(token, &wait, true, &held);
        held.is_answered = true;
        self.put_back(token, held);
        true
    }

    /// Clients that wait for keys which are not here any more are told where they are, and all are
    /// told if the cluster is down. All keys of one client are in one slot.
    pub(crate) fn redirect_blocked(&mut self) {
        let Some(cluster) = &self.cluster else { return };
        if self.sessions.blocking.is_empty() || self.looked_at_version == cluster.version() {
            return;
        }
        self.looked_at_version = cluster.version();
        let misplaced = |(token, wait): (Token, &Wait)| {
            let key = wait.keys.first()?;
            let session = self.sessions.get(token)?;
            let command = self.table.by_full_name(session.last_command?.as_bytes())?.command;
            let reads = session.flags.contains(SessionFlags::READONLY) && !command.spec.is_write();
            Some((token, self.misplaced_wait(cluster, key, reads)?))
        };
        let misplaced: Vec<_> = self.sessions.blocking.waits().filter_map(misplaced).collect();
        for (token, error) in misplaced {
            self.end_wait(token, &error.text());
        }
    }

    /// The next client that waited and has more requests to be run.
    pub fn next_resumed(&mut self) -> Option<Token> {
        self.resumed.pop_front()
    }

    /// More has arrived from a client whose command waits: it is kept until that is over, up to the
    /// limit for input.
    pub fn keep_input(&mut self, token: Token) {
        let limit = self.config.network.client_query_buffer_limit;
        let Some(session) = self.sessions.get(token) else { return };
        let held = session.input.len() + session.decoder.receiving_bytes();
        if held as u64 <= limit && held < u32::MAX as usize {
            return;
        }
        self.metrics.counters.query_buffer_disconnections += 1;
        let client = describe(session, None, self.now.monotonic);
        let line = format!("Closing client that reached max query buffer length: {client}");
        self.host.log(LogLevel::Warning, &line);
        self.sessions.close(token, Closing::Now);
    }
}
