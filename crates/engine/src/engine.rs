//! One data set with its clients, and how a command runs on it.

use std::collections::VecDeque;

use dunlin_cluster::Cluster;
use dunlin_commands::parameters::{self, Target};
use dunlin_commands::table::{Lookup, Registered};
use dunlin_commands::{Args, Caller, CommandError, Context, Effects, Host, Switches, Table};
use dunlin_config::Config;
use dunlin_keyspace::{Keyspace, RemovalCause};
use dunlin_metrics::{Metrics, TickScale};
use dunlin_migrate::Migrations;
use dunlin_persistence::{Backend, Persistence};
use dunlin_replication::Replication;
use dunlin_resp::{Batch, Reply};
use dunlin_session::{Access, Modification, Paused, Session, Sessions, Token};
use dunlin_spec::Flags;
use dunlin_stdx::time::{Clock, Monotonic, Now};

use crate::account::notable_ns;
use crate::ahead::KeyAhead;
use crate::check;
use crate::cluster::ClusterWork;
use crate::follow::Follower;
use crate::migrate::MigrationWork;
use crate::plan::KeysAhead;
use crate::replication::Links;
use crate::stream::{Audience, EffectStream};

/// What an engine is made of.
pub struct Parts {
    /// All databases.
    pub keyspace: Keyspace,
    /// The parameters.
    pub config: Config,
    /// The commands, renamed as the configuration says.
    pub table: Table,
    /// Where time comes from inside a turn.
    pub clock: Box<dyn Clock>,
    /// What lies beyond the engine.
    pub host: Box<dyn Host>,
    /// What runs the jobs of persistence, and its disk.
    pub backend: Box<dyn Backend>,
    /// The cluster that this server is a node of (`cluster-enabled yes`).
    pub cluster: Option<Box<Cluster>>,
    /// The names of histories follow from it.
    pub seed: u64,
}

/// A data set, its clients and its commands.
pub struct Engine {
    /// All databases.
    pub keyspace: Keyspace,
    /// The parameters.
    pub config: Config,
    /// All clients.
    pub sessions: Sessions,
    /// What the server counts and remembers about itself.
    pub metrics: Metrics,
    /// What is kept on disk.
    pub persistence: Persistence,
    /// Who follows this server, and whom it follows.
    pub replication: Replication,
    /// The cluster that this server is a node of, if it is one.
    pub cluster: Option<Box<Cluster>>,
    /// Keys on their way to other servers.
    pub migrations: Migrations,
    /// What DEBUG switches.
    pub switches: Switches,
    /// What followers of this server repeat.
    pub stream: EffectStream,
    pub(crate) table: Table,
    pub(crate) batch: Batch,
    pub(crate) keys_ahead: KeysAhead,
    /// First keys of the connections that were looked at ahead.
    pub(crate) first_keys: Vec<KeyAhead>,
    /// Clients that waited and have more requests to be run.
    pub(crate) resumed: VecDeque<Token>,
    /// Batches whose memory is used again.
    #[expect(clippy::vec_box, reason = "sessions hold them boxed")]
    pub(crate) spare_paused: Vec<Box<Paused>>,
    pub(crate) effects: Effects,
    /// What commands may ask of the process around the node.
    pub host: Box<dyn Host>,
    pub(crate) clock: Box<dyn Clock>,
    pub(crate) now: Now,
    /// The cycle counter when the last command ended: one reading per command tells how long each
    /// one took.
    pub(crate) ticks: u64,
    pub(crate) tick_scale: TickScale,
    /// When the rates are due for another sample.
    next_sample: Monotonic,
    /// A command that took this long is worth a second look; see [`Engine::account`].
    pub(crate) notable_ns: u64,
    /// The data set is being loaded: few commands may run.
    loading: bool,
    /// How far the log has been followed that is being loaded.
    pub(crate) log_follower: Option<Box<Follower>>,
    /// Where the next look at the clients begins; see [`Engine::sweep_clients`].
    pub(crate) sweep_from: usize,
    /// Keys are still to be removed because of `maxmemory`.
    pub(crate) eviction_pending: bool,
    /// The database in which the next slice of expiry begins.
    pub(crate) expire_from: u32,
    /// How long the last turn took without its slice of a snapshot, in microseconds.
    pub(crate) last_turn_us: u64,
    /// How long the slice of this turn took.
    pub(crate) slice_us: u64,
    /// When an attack across protocols was logged last.
    pub(crate) attack_logged: Option<Monotonic>,
    /// What migrations have under way.
    pub(crate) migration_work: MigrationWork,
    /// What replication has under way.
    pub(crate) links: Links,
    /// What the cluster has under way.
    pub(crate) cluster_work: ClusterWork,
    /// Connections whose small packets may be gathered.
    pub(crate) gathered: Vec<Token>,
    /// The view of the cluster by which waiting clients were last looked at.
    pub(crate) looked_at_version: u64,
}

impl Engine {
    /// An engine without clients.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        let Parts { keyspace, config, table, clock, host, backend, cluster, seed } = parts;
        let mut metrics = Metrics::new(table.all().len());
        metrics.started = clock.now();
        metrics.memory_startup_bytes = host.used_memory_bytes();
        let tick_scale = TickScale::of(&*clock);
        let mut engine = Self {
            keyspace,
            config,
            sessions: Sessions::default(),
            persistence: Persistence::new(backend, metrics.started),
            metrics,
            replication: Replication::new(seed),
            migrations: Migrations::default(),
            cluster,
            switches: Switches::default(),
            stream: EffectStream::default(),
            table,
            batch: Batch::default(),
            keys_ahead: KeysAhead::default(),
            first_keys: Vec::new(),
            resumed: VecDeque::new(),
            spare_paused: Vec::new(),
            effects: Effects::default(),
            host,
            clock,
            now: Now::default(),
            ticks: 0,
            tick_scale,
            next_sample: Monotonic(0),
            notable_ns: 0,
            loading: false,
            log_follower: None,
            sweep_from: 0,
            eviction_pending: false,
            expire_from: 0,
            last_turn_us: 0,
            slice_us: 0,
            attack_logged: None,
            migration_work: MigrationWork::default(),
            links: Links::default(),
            cluster_work: ClusterWork::default(),
            gathered: Vec::new(),
            looked_at_version: 0,
        };
        engine.follow_parameters();
        engine
    }

    /// Makes everything agree with parameters that were changed by other means than CONFIG SET.
    pub fn follow_parameters(&mut self) {
        let mut target = Target {
            config: &self.config,
            keyspace: &mut self.keyspace,
            effects: &mut self.effects,
            host: &mut *self.host,
        };
        parameters::apply_all(&mut target);
    }

    /// Takes the time: "now" is the same for everything that happens until the next call.
    pub fn begin_turn(&mut self, now: Now) {
        self.take_time(now);
        self.notable_ns = notable_ns(&self.config.logging);
    }

    /// Within a turn that lasts: the time is another one now.
    pub(crate) fn take_time(&mut self, now: Now) {
        self.now = now;
        self.keyspace.begin_turn(now.unix_ms());
        self.sessions.pause.expire(now.monotonic);
        self.follow_listeners();
        self.ticks = self.clock.ticks();
    }

    /// Periodic work, `hz` times a second.
    pub fn run_cron(&mut self, hz: u64) {
        let began = self.clock.ticks();
        self.sweep_clients(hz);
        self.sample_metrics();
        self.run_persistence_cron();
        self.run_replication_cron();
        self.redirect_blocked();
        self.migrations.close_idle(self.now.monotonic);
        self.limit_tracked_keys(None);
        let ticks = self.clock.ticks().wrapping_sub(began);
        self.metrics.counters.cron_ns += self.tick_scale.ns(ticks);
    }

    /// Takes samples for the rates that INFO shows, ten times a second, and watches the peak of
    /// memory.
    fn sample_metrics(&mut self) {
        const INTERVAL_US: u64 = 100_000;
        let now = self.now.monotonic;
        if now >= self.next_sample {
            self.next_sample = now.plus_us(INTERVAL_US);
            self.metrics.rates.sample(&self.metrics.counters, now);
        }
        let used = self.host.used_memory_bytes();
        self.metrics.memory_used(used);
    }

    /// The time of this turn.
    #[must_use]
    pub const fn now(&self) -> Now {
        self.now
    }

    /// The commands.
    #[must_use]
    pub const fn table(&self) -> &Table {
        &self.table
    }

    /// Says whether the data set is being loaded: clients are then told so, except by the few
    /// commands that do not need it.
    pub const fn set_loading(&mut self, loading: bool) {
        self.loading = loading;
    }

    /// Whether the data set is being loaded.
    #[must_use]
    pub const fn is_loading(&self) -> bool {
        self.loading
    }

    /// Who may log in.
    #[must_use]
    #[inline]
    pub fn access(&self) -> Access<'_> {
        Access { default_password: &self.config.security.requirepass }
    }

    /// Runs one command for anybody and writes its reply. Next: the command's `run`.
    pub fn execute(
        &mut self,
        caller: Caller,
        db: u32,
        lookup: Lookup,
        args: Args<'_>,
        reply: &mut Reply,
    ) {
        let Lookup::Found(registered) = lookup else {
            if check::is_attack_across_protocols(args.get(0)) {
                return self.abort_attack(caller);
            }
            return self.refuse(caller, None, args, reply, &check::unknown(lookup, args));
        };
        let permitted = self
            .check(caller, registered, args)
            .and_then(|()| self.check_memory(caller, || needs_memory(registered), reply))
            .and_then(|()| self.check_disk(caller, || changes_data(registered)));
        if let Err(error) = permitted {
            return self.refuse(caller, Some(registered), args, reply, &error);
        }
        if args.slot().is_some() {
            self.keyspace.expect_slot(db, args.slot());
        }
        let is_own_write =
            self.replication.is_replica() && self.begin_own_write(caller, registered);
        let mut context = Context {
            keyspace: &mut self.keyspace,
            db,
            reply,
            effects: &mut self.effects,
            config: &mut self.config,
            sessions: &mut self.sessions,
            metrics: &mut self.metrics,
            persistence: &mut self.persistence,
            replication: &mut self.replication,
            migrations: &mut self.migrations,
            cluster: self.cluster.as_deref_mut(),
            table: &self.table,
            switches: &mut self.switches,
            host: &mut *self.host,
            caller,
            now: self.now,
        };
        let outcome = (registered.command.run)(&mut context, args);
        if args.slot().is_some() {
            self.keyspace.expect_slot(db, None);
        }
        let failed = outcome.is_err();
        if let Err(error) = outcome {
            self.answer_error(reply, &error);
        }
        if self.keyspace.has_touched() {
            let current = caller.client();
            self.tell_touched(Modification { current, runs: true, by_command: true });
        }
        self.propagate(caller, db, registered, args);
        if is_own_write {
            self.end_own_write(db, registered, args);
        }
        if self.persistence.has_wish() || self.replication.has_wish() {
            self.grant_wishes(caller, reply);
        }
        if self.cluster.as_ref().is_some_and(|cluster| cluster.has_actions()) {
            self.act_for_cluster();
        }
        self.account(caller, registered, args, failed);
        if self.sessions.tracking().clients() > 0 {
            self.remember_keys(caller, registered, args);
        }
        if !self.sessions.monitors().is_empty() && !matches!(caller, Caller::Again(_)) {
            self.feed_monitors(caller, registered, args, reply);
        }
    }

    /// What must hold before a command may run. The order is Redis's: a client sees the same error
    /// where several apply.
    #[inline]
    pub(crate) fn check(
        &self,
        caller: Caller,
        registered: Registered,
        args: Args<'_>,
    ) -> Result<(), CommandError> {
        check::arity(registered, args)?;
        let Some(token) = caller.checked_client() else { return Ok(()) };
        let Some(session) = self.sessions.get(token) else { return Ok(()) };
        check::protection(registered, &self.config.security, session)?;
        check::authentication(registered, session.is_admitted(self.access()))?;
        match &self.cluster {
            None => self.check_state(token, session, registered),
            Some(cluster) => {
                self.place(cluster, session, registered, args)?;
                self.check_state(token, session, registered)
            }
        }
    }

    /// What must hold once it is known that this server may serve the command.
    #[inline]
    fn check_state(
        &self,
        token: Token,
        session: &Session,
        registered: Registered,
    ) -> Result<(), CommandError> {
        check::state(registered, session)?;
        self.check_role(token, registered)?;
        let may_interrupt = self.loads_from_primary() && check::changes_primary(registered);
        check::loading(registered, self.loading && !may_interrupt)?;
        check::loading_beside(registered, self.persistence.loads_beside())
    }

    /// Answers a command that may not run.
    pub(crate) fn refuse(
        &mut self,
        caller: Caller,
        registered: Option<Registered>,
        args: Args<'_>,
        reply: &mut Reply,
        error: &CommandError,
    ) {
        if let Some(registered) = registered {
            self.metrics.commands[usize::from(registered.number.0)].rejected += 1;
        }
        if matches!(error, CommandError::Misplaced(_)) {
            self.note_redirection(caller, error);
        }
        let aborted = self.break_transaction(caller, registered, error);
        self.answer_error(reply, aborted.as_ref().unwrap_or(error));
        if let (Some(_), Some(registered)) = (aborted, registered)
            && !self.sessions.monitors().is_empty()
        {
            // Who watches has seen MULTI and is to see how it ends.
            self.feed_monitors(caller, registered, args, reply);
        }
    }

    pub(crate) fn answer_error(&mut self, reply: &mut Reply, error: &CommandError) {
        let text = error.bytes();
        self.metrics.error_sent(&text);
        reply.error(&text);
    }

    /// Lets events be recorded if anybody may hear of them: followers, or subscribers.
    fn follow_listeners(&mut self) {
        self.effects.set_followed(self.stream.is_wanted());
        self.effects.set_heard(self.sessions.pubsub().is_heard());
        self.keyspace.report_incidents(self.effects.incidents_wanted());
    }

    /// Starts or stops recording changes for whoever follows this server.
    pub fn record_changes(&mut self, wanted: bool) {
        self.stream.set_wanted(wanted);
        self.follow_listeners();
    }

    /// Hands what the command changed to everybody who follows, in order: keys that expired or were
    /// evicted on the way come first.
    #[inline]
    fn propagate(&mut self, caller: Caller, db: u32, registered: Registered, args: Args<'_>) {
        if self.keyspace.has_incidents() || !self.effects.is_empty() {
            self.propagate_unit(caller, db, registered, args);
        }
    }

    fn propagate_unit(&mut self, caller: Caller, db: u32, registered: Registered, args: Args<'_>) {
        let is_followed = self.stream.is_wanted();
        if is_followed {
            self.stream.begin_unit();
        }
        self.propagate_removals_first();
        self.metrics.counters.changes_since_save += self.effects.changes();
        if is_followed {
            if self.effects.is_verbatim() {
                let audience = match self.effects.is_for_replicas() {
                    true => Audience::Replicas,
                    false => Audience::All,
                };
                self.record(audience, db, args.words());
            } else {
                let effects = std::mem::take(&mut self.effects);
                effects.for_each_rewrite(|words| self.record(Audience::All, db, words));
                self.effects = effects;
            }
            let flags = registered.command.spec.all_flags();
            self.stream.end_unit(!flags.contains(Flags::TOUCHES_ARBITRARY_KEYS));
            self.note_propagated(caller);
        }
        self.effects.clear();
        self.publish_events();
    }

    /// Hands a change to everybody who follows that no command has just made: these words repeat it.
    pub(crate) fn propagate_words(&mut self, caller: Caller, db: u32, words: &[&[u8]]) {
        let is_followed = self.stream.is_wanted();
        if is_followed {
            self.stream.begin_unit();
        }
        self.propagate_removals_first();
        self.metrics.counters.changes_since_save += self.effects.changes();
        if is_followed {
            self.record(Audience::All, db, words);
            self.stream.end_unit(true);
            self.note_propagated(caller);
        }
        self.effects.clear();
        self.publish_events();
    }

    /// Tells of keys that expired or were evicted since the last call. Every command does so when it
    /// ends; whoever removes keys between commands calls this.
    pub fn propagate_removals(&mut self) {
        self.propagate_removals_first();
        self.publish_events();
    }

    /// Appends to the stream what happened before the command's own change.
    #[inline]
    fn propagate_removals_first(&mut self) {
        if self.keyspace.has_incidents() || self.effects.has_events() {
            self.propagate_each_removal();
        }
    }

    /// Records what happened to keys meanwhile, behind the events that are recorded already.
    pub(crate) fn add_incidents(&mut self) {
        while let Some(incident) = self.keyspace.next_incident() {
            self.effects.add_incident(incident);
        }
    }

    #[cold]
    fn propagate_each_removal(&mut self) {
        self.add_incidents();
        if !self.stream.is_wanted() {
            return;
        }
        let memory = &self.config.memory;
        for event in self.effects.events() {
            let lazily = match event.removal {
                Some(RemovalCause::Expired) => memory.lazyfree_lazy_expire,
                Some(RemovalCause::Evicted) => memory.lazyfree_lazy_eviction,
                Some(RemovalCause::FieldsExpired) => {
                    let names = event.fields.iter().map(|name| &**name);
                    let words: Vec<&[u8]> =
                        [b"HDEL", &*event.key].into_iter().chain(names).collect();
                    self.stream.append(event.db, &words);
                    continue;
                }
                None => continue,
            };
            let name: &[u8] = if lazily { b"UNLINK" } else { b"DEL" };
            self.stream.append(event.db, &[name, &event.key]);
        }
    }
}

/// Whether a command is refused while what it changes could not be kept. PING tells who asks whether
/// all is well.
fn changes_data(registered: Registered) -> bool {
    let spec = &registered.command.spec;
    spec.all_flags().contains(Flags::WRITE) || spec.name() == "ping"
}

/// Whether a command may be refused for want of memory.
fn needs_memory(registered: Registered) -> bool {
    registered.command.spec.all_flags().contains(Flags::DENYOOM)
}
