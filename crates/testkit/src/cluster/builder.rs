//! How a cluster of processes comes about.

use std::path::{Path, PathBuf};

use crate::cluster::{Cluster, redis_cli};
use crate::server::{Server, ServerBuilder, program};
use crate::wait::{DEADLINE, wait_for};

/// Slots of a cluster.
const SLOTS: usize = 16_384;

/// Describes a cluster: three primaries without replicas, a short node timeout, the program under
/// test, unless told otherwise.
pub struct ClusterBuilder {
    programs: Vec<PathBuf>,
    primaries: usize,
    replicas: usize,
    timeout_ms: u64,
    config: String,
    password: Option<String>,
}

impl Default for ClusterBuilder {
    fn default() -> ClusterBuilder {
        let programs = vec![program()];
        // Long enough that a busy machine with two cores does not stop a node for as long.
        ClusterBuilder {
            programs,
            primaries: 3,
            replicas: 0,
            timeout_ms: 2000,
            config: String::new(),
            password: None,
        }
    }
}

impl ClusterBuilder {
    /// Which program each node runs: the first node the first one, and so on, from the beginning
    /// again when there are more nodes. Nodes are numbered primaries first.
    #[must_use]
    pub fn programs(mut self, programs: &[&Path]) -> ClusterBuilder {
        self.programs = programs.iter().map(|&path| path.to_owned()).collect();
        self
    }

    /// How many primaries there are.
    #[must_use]
    pub fn primaries(mut self, count: usize) -> ClusterBuilder {
        self.primaries = count;
        self
    }

    /// How many replicas each primary has.
    #[must_use]
    pub fn replicas(mut self, count: usize) -> ClusterBuilder {
        self.replicas = count;
        self
    }

    /// `cluster-node-timeout`.
    #[must_use]
    pub fn timeout_ms(mut self, timeout_ms: u64) -> ClusterBuilder {
        self.timeout_ms = timeout_ms;
        self
    }

    /// Adds lines to the configuration file of every node.
    #[must_use]
    pub fn config(mut self, lines: &str) -> ClusterBuilder {
        self.config.push_str(lines);
        self.config.push('\n');
        self
    }

    /// Gives every node this password, for clients and for its primary; connections that the fixture
    /// makes use it.
    #[must_use]
    pub fn password(mut self, password: &str) -> ClusterBuilder {
        self.password = Some(password.to_owned());
        self.config(&format!("requirepass {password}\nmasterauth {password}"))
    }

    /// Starts the nodes, which do not know each other yet.
    ///
    /// # Panics
    /// When one does not start.
    #[track_caller]
    pub fn start_apart(self) -> Cluster {
        let count = self.primaries * (1 + self.replicas);
        let servers: Vec<Server> =
            (0..count).map(|index| self.node(index).start_unchecked()).collect();
        let mut cluster = Cluster { servers, builder: self };
        for server in &mut cluster.servers {
            server.wait_until_it_answers();
        }
        cluster
    }

    /// Starts the nodes and joins them by CLUSTER commands, each node with each: that is faster than
    /// gossip alone. Node `i` of the replicas follows primary `i` modulo their number.
    ///
    /// # Panics
    /// When the cluster does not serve in time.
    #[track_caller]
    pub fn start(self) -> Cluster {
        let cluster = self.start_apart();
        cluster.join();
        cluster.wait_until_ok();
        cluster
    }

    /// Starts the nodes and has redis-cli make a cluster of them, which spreads the replicas as it
    /// likes. Returns what it said, too.
    ///
    /// # Panics
    /// When it fails or the cluster does not serve in time.
    #[track_caller]
    pub fn start_with_cli(self) -> (Cluster, String) {
        let cluster = self.start_apart();
        let addresses: Vec<String> =
            cluster.servers.iter().map(|server| server.address().to_string()).collect();
        let replicas = cluster.builder.replicas.to_string();
        let mut words = match cluster.builder.known_password() {
            Some(password) => vec!["-a", password, "--cluster", "create"],
            None => vec!["--cluster", "create"],
        };
        words.extend(addresses.iter().map(String::as_str));
        words.extend(["--cluster-replicas", &replicas, "--cluster-yes"]);
        let said = redis_cli(&words, "").success();
        cluster.wait_until_ok();
        (cluster, said)
    }

    /// The password of [`ClusterBuilder::password`].
    pub(super) fn known_password(&self) -> Option<&str> {
        self.password.as_deref()
    }

    /// What [`ClusterBuilder::known_password`] is to be.
    pub(super) fn remember_password(&mut self, password: &str) {
        self.password = Some(password.to_owned());
    }

    /// The description of one node.
    pub(super) fn node(&self, index: usize) -> ServerBuilder {
        self.node_of(&self.programs[index % self.programs.len()])
    }

    /// The description of a node of a program.
    pub(super) fn node_of(&self, program: &Path) -> ServerBuilder {
        let timeout = self.timeout_ms;
        ServerBuilder::new(program)
            .config(&format!("cluster-enabled yes\ncluster-node-timeout {timeout}"))
            // A replica whose offset is 0 is not shown to clients: the first PING moves it.
            .config("repl-diskless-sync-delay 0\nrepl-ping-replica-period 1")
            .config(&self.config)
    }
}

impl Cluster {
    /// Makes a cluster of nodes that do not know each other.
    #[track_caller]
    fn join(&self) {
        let primaries = self.builder.primaries;
        for index in 0..self.servers.len() {
            let mut client = self.client(index);
            let mut commands = vec![format!("CLUSTER SET-CONFIG-EPOCH {}", index + 1)];
            if index < primaries {
                let (first, end) = (SLOTS * index / primaries, SLOTS * (index + 1) / primaries);
                commands.push(format!("CLUSTER ADDSLOTSRANGE {first} {}", end - 1));
            }
            // One MEET for each pair.
            commands.extend(self.servers[..index].iter().map(meet));
            for command in commands {
                assert_eq!(client.show(&command), "OK", "node {index}: {command}");
            }
        }
        self.wait_until_all_are_known();
        for index in primaries..self.servers.len() {
            self.replicate(index, index % primaries);
        }
    }

    /// Waits until each node knows all others by their ids.
    #[track_caller]
    pub fn wait_until_all_are_known(&self) {
        let count = self.servers.len();
        wait_for("all nodes to know each other", DEADLINE, || {
            (0..count).all(|index| {
                let lines = self.lines(index);
                lines.len() == count && lines.iter().all(|line| !line.has("handshake"))
            })
        });
    }

    /// Makes a node the replica of another one.
    ///
    /// # Panics
    /// When it refuses.
    #[track_caller]
    pub fn replicate(&self, replica: usize, primary: usize) {
        let command = format!("CLUSTER REPLICATE {}", self.id(primary));
        assert_eq!(self.client(replica).show(&command), "OK", "node {replica}: {command}");
    }
}

/// The command that makes a node meet `server`.
pub fn meet(server: &Server) -> String {
    format!("CLUSTER MEET 127.0.0.1 {}", server.port())
}
