//! One server: its engine, the buffers of its connections, and its timers.

use dunlin_cluster::Cluster;
use dunlin_commands::{Host, Table};
use dunlin_config::{Config, ShutdownOptions};
use dunlin_engine::{CONNECTIONS_AHEAD_MAX, Engine, Parts, ShutdownOutcome};
use dunlin_keyspace::{Freer, Keyspace, Layout};
use dunlin_persistence::{Backend, SliceEnd};
use dunlin_session::{Access, Closing, Peer, Session, Token, Waiting};
use dunlin_stdx::time::{Clock, Monotonic, Now};

use crate::admission;
use crate::held::{HeldOutput, LogEnds};
use crate::links::{LinkToken, Links};
use crate::outbound::Outbound;
use crate::outgoing::Outgoing;
use crate::sync_group::{Present, SyncGroup, Verdict};

/// Room of a buffer that is lent to a connection which has nothing waiting: one read takes up to
/// this much. 64 KB stays in the second-level cache and holds a pipeline of a thousand requests.
const SHARED_INPUT_BYTES: usize = 64 * 1024;

/// Spare room that a connection's own input buffer is given before each read.
const OWN_INPUT_BYTES: usize = 16 * 1024;

/// Interval of the cluster's periodic work, in microseconds.
const CLUSTER_CRON_US: u64 = 100_000;

/// Output buffers kept for the next connection that needs one.
const SPARE_OUTPUTS_MAX: usize = 64;

/// What a node needs from the outside.
pub struct Environment {
    /// Where time comes from inside a turn.
    pub clock: Box<dyn Clock>,
    /// Hash seeds, samples and ids follow from it.
    pub seed: u64,
    /// Where displaced values are dropped.
    pub freer: Box<dyn Freer>,
    /// What commands may ask of the process around the node.
    pub host: Box<dyn Host>,
    /// Files, and what runs beside the command thread.
    pub backend: Box<dyn Backend>,
    /// The cluster that this server is a node of; needed with `cluster-enabled yes`.
    pub cluster: Option<Box<Cluster>>,
}

/// What a node asks of whoever drives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Close this connection now; the node has forgotten it.
    Close(Token),
    /// Read no more from this connection, close it when its output is written.
    CloseAfterFlush(Token),
    /// [`Node::input`] said "not now" for this connection; ask again.
    Resume(Token),
    /// Whether what is written to this connection leaves at once, or may be gathered by TCP.
    SetNodelay(Token, bool),
    /// Close this link now; the node has forgotten it.
    CloseLink(LinkToken),
}

/// Why a connection is not taken: the bytes to write before closing it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal(pub Vec<u8>);

/// One server.
pub struct Node {
    pub(crate) engine: Engine,
    /// Connections that this node opens.
    pub(crate) outbound: Outbound,
    /// Connections that are no clients.
    pub(crate) links: Links,
    /// Buffers of [`SHARED_INPUT_BYTES`] that are lent to connections with nothing waiting.
    shared_inputs: Vec<Vec<u8>>,
    /// Connections whose requests are decoded and run when all have been read.
    ahead: Vec<Token>,
    spare_outputs: Vec<Vec<u8>>,
    with_output: Vec<Token>,
    /// Output that has to wait for the append-only file.
    held: HeldOutput,
    /// When the next sync of that file is to begin.
    group: SyncGroup,
    /// This turn has brought input.
    had_input: bool,
    actions: Vec<Action>,
    next_cron: Monotonic,
    next_expiry: Monotonic,
    /// When the cluster's periodic work is due.
    next_cluster_cron: Monotonic,
    /// When the next slice of a snapshot may be handed out; `None` until an event says more.
    next_slice: Option<Monotonic>,
    /// When something that was loaded can be put in place, if anything waits for that.
    next_load: Option<Monotonic>,
}

impl Node {
    /// A server without keys and clients.
    #[must_use]
    pub fn new(config: Config, table: Table, environment: Environment) -> Self {
        let Environment { clock, seed, freer, host, backend, cluster } = environment;
        let (databases, layout) = if config.cluster.cluster_enabled {
            (1, Layout::TablePerSlot)
        } else {
            (config.process.databases, Layout::OneTable)
        };
        let keyspace = Keyspace::new(databases, layout, seed, freer);
        let parts = Parts { keyspace, config, table, clock, host, backend, cluster, seed };
        Self {
            engine: Engine::new(parts),
            outbound: Outbound::default(),
            links: Links::default(),
            shared_inputs: Vec::new(),
            ahead: Vec::new(),
            spare_outputs: Vec::new(),
            with_output: Vec::new(),
            held: HeldOutput::default(),
            group: SyncGroup::default(),
            had_input: false,
            actions: Vec::new(),
            next_cron: Monotonic(0),
            next_expiry: Monotonic(0),
            next_cluster_cron: Monotonic(0),
            next_slice: Some(Monotonic(0)),
            next_load: None,
        }
    }

    /// The engine, for tests and for whoever loads data.
    pub const fn engine_mut(&mut self) -> &mut Engine {
        &mut self.engine
    }

    /// Takes the time of this turn.
    pub fn begin_turn(&mut self, now: Now) {
        self.had_input = false;
        self.engine.begin_turn(now);
    }

    /// The turn has ended after `turn_us` microseconds, waiting not included.
    pub fn end_turn(&mut self, turn_us: u64) {
        self.engine.metrics.counters.turn_ended(turn_us);
        self.engine.turn_ended(turn_us);
    }

    /// A connection arrived.
    ///
    /// # Errors
    /// [`Refusal`] with the reason, as a reply, if it is not taken.
    pub fn connect(&mut self, peer: Peer) -> Result<Token, Refusal> {
        let engine = &mut self.engine;
        engine.metrics.counters.connections_received += 1;
        if let Some(text) = admission::refusal(engine, &peer) {
            engine.metrics.counters.connections_rejected += 1;
            return Err(Refusal(format!("{text}\r\n").into_bytes()));
        }
        let now = engine.now();
        let token = engine.sessions.open(peer, now);
        let access = Access { default_password: &engine.config.security.requirepass };
        if let Some(session) = engine.sessions.get_mut(token) {
            session.log_in_by_default(access);
        }
        engine.sessions.account(token);
        Ok(token)
    }

    /// The buffer to read into, with room behind its end; `None` while the connection must not be
    /// read: its output is over the bound, or it is closing.
    pub fn input(&mut self, token: Token) -> Option<&mut Vec<u8>> {
        if self.engine.is_primary_link(token) && !self.engine.may_read_from_primary() {
            return None;
        }
        let session = self.engine.sessions.get_mut(token)?;
        if !session.is_open() {
            return None;
        }
        match session.waiting() {
            None => {}
            // Whatever is under way continues when the wait is over; until then all that arrives
            // is kept in one place.
            Some(Waiting::Blocked) => {
                session.input.reserve(OWN_INPUT_BYTES);
                return Some(&mut session.input);
            }
            Some(_) => return None,
        }
        if !session.decoder.receives_large() {
            if session.input.capacity() == 0 {
                let shared = self.shared_inputs.pop();
                session.input = shared.unwrap_or_else(|| Vec::with_capacity(SHARED_INPUT_BYTES));
            }
            session.input.reserve(OWN_INPUT_BYTES);
        }
        Some(session.decoder.fill_target(&mut session.input))
    }

    /// `bytes_read` bytes were added to the buffer that [`Node::input`] lent. Next:
    /// [`Engine::run_input`].
    pub fn handle_input(&mut self, token: Token, bytes_read: usize) {
        let now = self.engine.now();
        self.had_input = true;
        self.engine.metrics.counters.net_input_bytes += bytes_read as u64;
        self.engine.metrics.counters.reads_processed += u64::from(bytes_read > 0);
        let is_primary_link = self.engine.is_primary_link(token);
        let Some(session) = self.engine.sessions.get_mut(token) else { return };
        session.last_interaction = now.monotonic;
        if is_primary_link {
            self.engine.receive_from_primary(token, bytes_read);
            return self.settle(token);
        }
        if session.waiting() == Some(Waiting::Blocked) {
            return self.engine.keep_input(token);
        }
        if let Some(buffer) = self.spare_outputs.pop() {
            session.reply.output.supply(buffer);
        }
        if self.engine.look_ahead(token) {
            self.ahead.push(token);
            if self.ahead.len() == CONNECTIONS_AHEAD_MAX {
                self.run();
            }
        } else {
            self.engine.run_input(token);
            self.settle(token);
        }
    }

    /// All connections of this turn are read: runs what [`Node::handle_input`] left for now.
    pub fn run(&mut self) {
        self.engine.prefetch_ahead();
        let mut ahead = std::mem::take(&mut self.ahead);
        for token in ahead.drain(..) {
            self.engine.run_input(token);
            self.settle(token);
        }
        self.ahead = ahead;
    }

    /// After commands of a connection ran: takes lent buffers back, and notes what must follow.
    fn settle(&mut self, token: Token) {
        let Some(session) = self.engine.sessions.get_mut(token) else { return };
        let keeps_still = matches!(session.waiting(), None | Some(Waiting::Blocked));
        if keeps_still && session.input.capacity() > 2 * session.input.len() {
            // What is left of an unfinished request moves to memory of its own size: an idle
            // connection holds no buffer.
            let rest = session.input.as_slice().into();
            let mut buffer = std::mem::replace(&mut session.input, rest);
            if buffer.capacity() >= SHARED_INPUT_BYTES
                && self.shared_inputs.len() <= CONNECTIONS_AHEAD_MAX
            {
                buffer.clear();
                self.shared_inputs.push(buffer);
            }
        }
        let replied_bytes = u32::try_from(session.reply.output.len()).unwrap_or(u32::MAX);
        session.reply_peak_bytes = session.reply_peak_bytes.max(replied_bytes);
        self.engine.check_output(token);
        let Some(session) = self.engine.sessions.get_mut(token) else { return };
        if session.reply.output.is_empty() {
            self.reclaim_output(token);
        } else {
            self.with_output.push(token);
        }
        self.end_if_closing(token);
    }

    /// Ends a session whose last reply is written, or says that it is to be ended then.
    fn end_if_closing(&mut self, token: Token) {
        let Some(session) = self.engine.sessions.get(token) else { return };
        match session.closing {
            Closing::AfterReply if session.reply.output.is_empty() => {
                self.engine.sessions.close(token, Closing::Now);
            }
            // Its last reply waits for the log: this is asked again when it may be sent.
            Closing::AfterReply if self.held.holds(token) => {}
            Closing::AfterReply => self.actions.push(Action::CloseAfterFlush(token)),
            Closing::Open | Closing::Now => {}
        }
    }

    fn reclaim_output(&mut self, token: Token) {
        if let Some(session) = self.engine.sessions.get_mut(token)
            && let Some(buffer) = session.reply.output.recycle()
            && self.spare_outputs.len() < SPARE_OUTPUTS_MAX
        {
            self.spare_outputs.push(buffer);
        }
    }

    /// The connection is gone.
    pub fn handle_end(&mut self, token: Token) {
        self.held.forget(token);
        self.engine.connection_ended(token);
        self.engine.sessions.remove(token);
    }

    /// The next connection that got output since it was last named here and may send some of it. All
    /// that the turn wrote to the log is on its way to the disk before.
    pub fn next_with_output(&mut self) -> Option<Token> {
        loop {
            if self.engine.sessions.tracking().has_broadcasts() {
                self.engine.sessions.broadcast_invalidations();
            }
            self.advance_migrations();
            self.engine.flush_stream();
            if self.engine.cluster.is_some() {
                self.engine.settle_cluster();
                self.move_requests();
            }
            let next = self.next_that_may_send();
            // A sync lets others go on.
            if next.is_some() || !self.sync_if_due() {
                return next;
            }
        }
    }

    fn next_that_may_send(&mut self) -> Option<Token> {
        loop {
            let token = match self.with_output.pop() {
                Some(token) => token,
                None => match self.engine.sessions.next_written() {
                    Some(token) => {
                        self.engine.check_output(token);
                        token
                    }
                    None => return self.next_released(),
                },
            };
            if self.may_send(token) {
                return Some(token);
            }
        }
    }

    /// Whether a connection may send some of its output, as far as the log goes.
    #[inline]
    fn may_send(&mut self, token: Token) -> bool {
        let (end, synced) = self.engine.log_ends();
        if end == synced && self.held.is_empty() {
            return true;
        }
        let output = self.engine.sessions.get(token).map(|session| &session.reply.output);
        let len = output.map_or(0, dunlin_resp::Output::len);
        self.held.note(token, len, LogEnds { end, synced })
    }

    /// The next connection whose output had to wait for the log and need not any more.
    fn next_released(&mut self) -> Option<Token> {
        if self.held.is_empty() {
            return None;
        }
        let (_, synced) = self.engine.log_ends();
        let token = self.held.next_released(synced)?;
        self.end_if_closing(token);
        Some(token)
    }

    /// Begins a sync of the append-only file when those are there for whom it is worth it; whether the
    /// file is synced when this returns.
    #[inline]
    fn sync_if_due(&mut self) -> bool {
        self.engine.persistence.wants_sync() && self.sync_by_verdict()
    }

    fn sync_by_verdict(&mut self) -> bool {
        let now = self.engine.now();
        let present = Present {
            waiting: self.held.len(),
            connections: self.engine.sessions.len(),
            had_input: self.had_input,
        };
        let persistence = &mut self.engine.persistence;
        let verdict = if persistence.may_sync_here() {
            self.group.here(present, persistence.usual_sync_us(), now.monotonic)
        } else {
            self.group.beside(present, now.monotonic)
        };
        match verdict {
            Verdict::Later => false,
            Verdict::Beside => {
                persistence.sync_log(now);
                false
            }
            Verdict::Here => {
                let is_synced = self.engine.sync_log_here();
                let took_us = self.engine.persistence.last_sync_us();
                self.group.synced(present.waiting, took_us, now.monotonic);
                is_synced
            }
        }
    }

    /// The output of a connection that may be sent, to be written and then advanced; `None` if it
    /// has to wait.
    pub fn output(&mut self, token: Token) -> Option<Outgoing<'_>> {
        self.engine.flush_stream();
        // What was added since its end was noted is held, too: a socket may have become writable
        // before this turn's output was looked at.
        self.may_send(token);
        let output = &mut self.engine.sessions.get_mut(token)?.reply.output;
        let sent_bytes = &mut self.engine.metrics.counters.net_output_bytes;
        let sendable = self.held.sendable(token);
        if sendable.as_deref() == Some(&0) {
            return None;
        }
        Some(Outgoing { output, sent_bytes, sendable })
    }

    /// The output of a connection has all been written.
    pub fn output_drained(&mut self, token: Token) {
        self.engine.metrics.counters.writes_processed += 1;
        self.reclaim_output(token);
        self.engine.output_sent(token);
        self.engine.check_output(token);
        let now = self.engine.now();
        let Some(session) = self.engine.sessions.get_mut(token) else { return };
        session.last_interaction = now.monotonic;
        if session.paused.as_ref().is_some_and(|paused| paused.waiting == Waiting::ForOutput) {
            self.actions.push(Action::Resume(token));
        }
    }

    /// The next thing this node asks for.
    pub fn next_action(&mut self) -> Option<Action> {
        loop {
            if let Some(token) = self.engine.sessions.next_closing() {
                self.engine.connection_ended(token);
                self.engine.sessions.remove(token);
                return Some(Action::Close(token));
            }
            if let Some(close) = self.next_closing_link() {
                return Some(close);
            }
            if let Some(token) = self.engine.next_resumed() {
                return Some(Action::Resume(token));
            }
            if let Some(token) = self.engine.next_gathered() {
                return Some(Action::SetNodelay(token, false));
            }
            match self.actions.pop() {
                // The place may belong to another connection by now.
                Some(Action::CloseAfterFlush(token)) if !self.ends_after_reply(token) => {}
                Some(action) => return Some(action),
                None if self.find_actions() => {}
                None => return None,
            }
        }
    }

    fn ends_after_reply(&self, token: Token) -> bool {
        let session = self.engine.sessions.get(token);
        session.is_some_and(|session| session.closing == Closing::AfterReply)
    }

    /// What follows from the turn as a whole, once all that could be sent has been sent.
    fn find_actions(&mut self) -> bool {
        let resumed = self.engine.end_pause() && self.resume_held();
        self.engine.evict_clients() || resumed
    }

    /// CLIENT PAUSE is over: those who waited for it go on.
    fn resume_held(&mut self) -> bool {
        let is_held = |session: &Session| session.waiting() == Some(Waiting::ForPause);
        let held = self.engine.sessions.iter().filter(|(_, session)| is_held(session));
        let before = self.actions.len();
        self.actions.extend(held.map(|(token, _)| Action::Resume(token)));
        self.actions.len() > before
    }

    /// When [`Node::handle_deadline`] wants to be called.
    #[must_use]
    pub fn next_deadline(&self) -> Monotonic {
        if self.engine.is_eviction_pending() || self.engine.migrations.has_job() {
            return Monotonic(0);
        }
        let sessions = &self.engine.sessions;
        let mut due = self.next_cron.min(self.next_expiry);
        if self.engine.cluster.is_some() {
            due = due.min(self.next_cluster_cron);
        }
        let waits_end =
            sessions.pause.ends_at().into_iter().chain(sessions.blocking.next_deadline());
        let slice = self.next_slice.filter(|_| self.engine.persistence.wants_slice());
        let sync = self.engine.persistence.wants_sync().then_some(self.group.due_at());
        let silent = self.engine.migrations.next_deadline();
        let others = slice.into_iter().chain(sync).chain(silent).chain(self.next_load);
        waits_end.chain(others).fold(due, Monotonic::min)
    }

    /// The deadline has come: periodic work.
    pub fn handle_deadline(&mut self) {
        if self.engine.is_eviction_pending() {
            self.engine.continue_eviction();
        }
        if self.next_load.is_some_and(|at| at <= self.engine.now().monotonic) {
            self.next_load = self.engine.load_slice();
        }
        self.engine.time_out_blocked();
        self.engine.time_out_migrations();
        let now = self.engine.now().monotonic;
        let is_paused = self.engine.switches.cron_paused;
        if now >= self.next_cron {
            let hz = u64::from(self.engine.config.process.hz).clamp(1, 500);
            self.next_cron = now.plus_us(1_000_000 / hz);
            if !is_paused {
                self.engine.run_cron(hz);
            }
        }
        if self.engine.cluster.is_some() && now >= self.next_cluster_cron {
            self.next_cluster_cron = now.plus_us(CLUSTER_CRON_US);
            self.engine.run_cluster_cron();
        }
        self.advance_snapshot(now);
        if now >= self.next_expiry {
            let more = !is_paused && self.engine.expire_due();
            let pause_end = now.plus_us(self.engine.expiry_pause_us());
            self.next_expiry = if more { pause_end } else { self.next_cron };
        }
    }

    /// A job of persistence told something: its waker was called.
    pub fn handle_job_events(&mut self) {
        let was_synced = self.engine.persistence.synced_up_to();
        self.engine.handle_job_events();
        if self.engine.persistence.synced_up_to() != was_synced {
            let took_us = self.engine.persistence.last_sync_us();
            self.group.synced(self.held.len(), took_us, self.engine.now().monotonic);
        }
        self.next_slice = Some(Monotonic(0));
        if self.engine.has_load() {
            self.next_load = self.engine.load_slice();
        }
    }

    /// Begins to load what is on disk; clients are told LOADING meanwhile.
    pub fn begin_load(&mut self) {
        self.engine.begin_load();
    }

    /// Whether the data set is being loaded.
    #[must_use]
    pub const fn is_loading(&self) -> bool {
        self.engine.is_loading()
    }

    /// A signal asks the process to end: what is to be kept is brought to disk. `None` if that waits
    /// for the next round of periodic work (DEBUG PAUSE-CRON), else whether the process may end.
    pub fn shut_down(&mut self, options: ShutdownOptions) -> Option<bool> {
        if self.engine.switches.cron_paused {
            self.engine.persistence.request_shutdown(options);
            return None;
        }
        match self.engine.shut_down(options) {
            ShutdownOutcome::Ends => Some(true),
            ShutdownOutcome::Refused => Some(false),
            ShutdownOutcome::Waits => None,
        }
    }

    /// Hands out a slice of the snapshot under way, if one is due.
    fn advance_snapshot(&mut self, now: Monotonic) {
        let persistence = &self.engine.persistence;
        if !persistence.wants_slice() {
            self.next_slice = Some(Monotonic(0));
        } else if self.next_slice.is_some_and(|at| at <= now) {
            self.next_slice = match self.engine.advance_snapshot() {
                SliceEnd::TimeIsUp => Some(Monotonic(0)),
                SliceEnd::Waits(until) => until,
            };
        }
    }

    /// Whether the process must end at once, without another reply: what it promised to keep cannot
    /// be kept.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        self.engine.persistence.is_lost() || self.engine.is_cluster_lost()
    }
}
