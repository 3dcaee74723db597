//! Commands without a server: for the unit tests of this crate.

use dunlin_cluster::Cluster;
use dunlin_config::{Config, LogLevel};
use dunlin_keyspace::{Freer, Garbage, Incident, IncidentsWanted, Keyspace, Layout, RemovalCause};
use dunlin_metrics::Metrics;
use dunlin_migrate::Migrations;
use dunlin_persistence::{NoBackend, Persistence};
use dunlin_replication::Replication;
use dunlin_resp::Reply;
use dunlin_session::{Peer, Sessions};
use dunlin_stdx::time::{Monotonic, Now};

use crate::args::Args;
use crate::context::{Caller, Context};
use crate::effects::{Effects, KeyEventClass};
use crate::host::Host;
use crate::server::Switches;
use crate::table::{Lookup, Table};

/// A keyspace with all that commands need, at one second of Unix time.
pub(crate) struct Trial {
    pub(crate) keyspace: Keyspace,
    pub(crate) config: Config,
    pub(crate) db: u32,
    pub(crate) switches: Switches,
    host: Asked,
    sessions: Sessions,
    metrics: Metrics,
    pub(crate) persistence: Persistence,
    pub(crate) replication: Replication,
    pub(crate) cluster: Option<Box<Cluster>>,
    pub(crate) migrations: Migrations,
    table: Table,
    effects: Effects,
    caller: Caller,
    now: Now,
    propagated: Vec<String>,
}

struct DropAtOnce;

impl Freer for DropAtOnce {
    fn free_later(&mut self, garbage: Garbage) {
        drop(garbage);
    }
}

/// A process that nothing is asked of.
#[derive(Default)]
pub(crate) struct Asked;

impl Host for Asked {
    fn log(&mut self, _: LogLevel, _: &str) {}
}

impl Trial {
    pub(crate) fn new() -> Self {
        let table = Table::new();
        let mut effects = Effects::default();
        effects.set_event_mask(KeyEventClass::all());
        let mut trial = Self {
            keyspace: Keyspace::new(16, Layout::OneTable, 1, Box::new(DropAtOnce)),
            config: Config::default(),
            db: 0,
            switches: Switches::default(),
            host: Asked,
            sessions: Sessions::default(),
            metrics: Metrics::new(table.all().len()),
            persistence: Persistence::new(Box::new(NoBackend), Now::default()),
            replication: Replication::new(1),
            cluster: None,
            migrations: Migrations::default(),
            table,
            effects,
            caller: Caller::Stream,
            now: Now::default(),
            propagated: Vec::new(),
        };
        trial.at_ms(1000);
        trial
    }

    /// As [`Trial::new`], where a client runs the commands, not a stream.
    pub(crate) fn of_client() -> Self {
        let mut trial = Self::new();
        trial.caller = Caller::Client(trial.sessions.open(Peer::default(), trial.now));
        trial
    }

    /// As [`Trial::of_client`], on a new node of a cluster.
    pub(crate) fn of_node() -> Self {
        Self::of_node_with(None)
    }

    /// As [`Trial::of_node`], with this nodes.conf.
    pub(crate) fn of_node_with(conf: Option<&str>) -> Self {
        let mut trial = Self::of_client();
        trial.config.cluster.cluster_enabled = true;
        trial.keyspace = Keyspace::new(1, Layout::TablePerSlot, 1, Box::new(DropAtOnce));
        let conf = conf.map(str::as_bytes);
        let cluster = crate::cluster::start(&trial.config, conf, 1, trial.now);
        trial.cluster = Some(cluster.expect("a whole nodes.conf"));
        trial.at_ms(1000);
        trial
    }

    /// Runs commands, each with the reply it must get.
    pub(crate) fn check(&mut self, script: &[(&str, &str)]) {
        for (command, reply) in script {
            assert_eq!(self.run(command), format!("{reply}\r\n"), "{command}");
        }
    }

    /// Sets the time.
    pub(crate) fn at_ms(&mut self, unix_ms: i64) {
        self.now = Now { unix_us: unix_ms * 1000, monotonic: Monotonic(unix_ms as u64 * 1000) };
        self.keyspace.begin_turn(self.now.unix_ms());
    }

    /// Lets time pass.
    pub(crate) fn advance_ms(&mut self, ms: i64) {
        self.at_ms(self.now.unix_ms().0 + ms);
    }

    /// Runs a command, quoted as in redis-cli, and returns its reply in RESP2.
    pub(crate) fn run(&mut self, command: &str) -> String {
        let words = dunlin_stdx::words::split(command.as_bytes()).expect("balanced quotes");
        let words: Vec<&[u8]> = words.iter().map(Vec::as_slice).collect();
        let args = Args::new(&words);
        let Lookup::Found(found) = self.table.lookup(&words) else {
            panic!("{command}: no such command");
        };
        assert!(found.command.spec.accepts_argc(words.len()), "{command}: wrong number of words");
        let mut reply = Reply::default();
        let mut cx = Context {
            keyspace: &mut self.keyspace,
            db: self.db,
            reply: &mut reply,
            effects: &mut self.effects,
            config: &mut self.config,
            sessions: &mut self.sessions,
            metrics: &mut self.metrics,
            table: &self.table,
            persistence: &mut self.persistence,
            replication: &mut self.replication,
            migrations: &mut self.migrations,
            cluster: self.cluster.as_deref_mut(),
            switches: &mut self.switches,
            host: &mut self.host,
            caller: self.caller,
            now: self.now,
        };
        if let Err(error) = (found.command.run)(&mut cx, args) {
            assert!(reply.output.is_empty(), "{command}: an error after a reply");
            assert_eq!(self.effects.changes(), 0, "{command}: an error after a change");
            reply.error(error.text().as_bytes());
        }
        self.note_propagated(&words);
        String::from_utf8_lossy(&reply.output.to_vec()).into_owned()
    }

    fn note_propagated(&mut self, words: &[&[u8]]) {
        let propagated = &mut self.propagated;
        let mut note = |words: &[&[u8]]| {
            propagated.push(String::from_utf8_lossy(&words.join(&b' ')).into_owned());
        };
        if self.effects.is_verbatim() {
            note(words);
        }
        self.effects.for_each_rewrite(&mut note);
        self.effects.clear();
    }

    /// What followers were sent since the last call, one command each.
    pub(crate) fn propagated(&mut self) -> Vec<String> {
        std::mem::take(&mut self.propagated)
    }

    /// From now on removals that no command names are noted.
    pub(crate) fn note_removals(&mut self) {
        let wanted = IncidentsWanted { removed: true, ..IncidentsWanted::default() };
        self.keyspace.report_incidents(wanted);
    }

    /// What followers were told since the last call of fields whose deadline had passed.
    pub(crate) fn removals(&mut self) -> Vec<String> {
        let mut told = Vec::new();
        while let Some(incident) = self.keyspace.next_incident() {
            if incident.incident == Incident::Removed(RemovalCause::FieldsExpired) {
                let words =
                    [&*incident.key].into_iter().chain(incident.fields.iter().map(|f| &**f));
                let words: Vec<&[u8]> = [&b"HDEL"[..]].into_iter().chain(words).collect();
                told.push(String::from_utf8_lossy(&words.join(&b' ')).into_owned());
            }
        }
        told
    }

    /// Keyspace events since the last call, those outside database 0 with its number.
    pub(crate) fn events(&mut self) -> Vec<String> {
        let events = self.effects.take_events();
        let text = |key: &[u8]| String::from_utf8_lossy(key).into_owned();
        events
            .iter()
            .map(|event| match event.db {
                0 => format!("{} {}", event.name, text(&event.key)),
                db => format!("{db}: {} {}", event.name, text(&event.key)),
            })
            .collect()
    }

    /// Forgets what was propagated and which events happened so far.
    pub(crate) fn forget(&mut self) {
        self.propagated.clear();
        self.effects.take_events();
    }
}
