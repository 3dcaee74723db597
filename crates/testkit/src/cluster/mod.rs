//! Clusters of real processes, of one program or of several.
//!
//! ```no_run
//! use dunlin_testkit::Cluster;
//!
//! let mut cluster = Cluster::builder().replicas(1).start();
//! assert_eq!(cluster.routed().show("SET greeting hello"), "OK");
//! let primary = cluster.owner_of("greeting");
//! cluster.kill(primary);
//! cluster.wait_until_ok();
//! assert_eq!(cluster.routed().show("GET greeting"), "hello");
//! ```

mod builder;
mod cli;
mod routed;
mod view;

use std::fmt::Write as _;
use std::time::Duration;

use crate::client::Client;
use crate::server::{Server, ServerBuilder};
use crate::wait::{DEADLINE, wait_for, wait_some};

pub use builder::{ClusterBuilder, meet};
pub use cli::{CliRun, IN_ORDER, redis_cli};
pub use routed::RoutedClient;
pub use view::NodeLine;

/// How many lines of a node's log a test that fails shows.
const LOG_LINES_SHOWN: usize = 60;
/// How long a node may take to tell its view to a test that fails.
const REPORT_TIMEOUT: Duration = Duration::from_secs(1);

/// Nodes, numbered from 0 in the order in which they were started. Dropping it kills those that run
/// and, when the test has failed, shows their views and logs.
pub struct Cluster {
    servers: Vec<Server>,
    builder: ClusterBuilder,
}

impl Cluster {
    /// Prepares a cluster of the program under test.
    pub fn builder() -> ClusterBuilder {
        ClusterBuilder::default()
    }

    /// How many nodes were started.
    #[allow(clippy::len_without_is_empty)] // a cluster has nodes
    pub fn len(&self) -> usize {
        self.servers.len()
    }

    /// A node.
    pub fn node(&self, index: usize) -> &Server {
        &self.servers[index]
    }

    /// A node, to end it or to start it again.
    pub fn node_mut(&mut self, index: usize) -> &mut Server {
        &mut self.servers[index]
    }

    /// A new connection to a node, authenticated where there is a password.
    #[track_caller]
    pub fn client(&self, index: usize) -> Client {
        let mut client = self.servers[index].client();
        if let Some(password) = self.builder.known_password() {
            assert_eq!(client.show(&format!("AUTH {password}")), "OK");
        }
        client
    }

    /// From here on the nodes ask for this password.
    pub fn use_password(&mut self, password: &str) {
        self.builder.remember_password(password);
    }

    /// `127.0.0.1:port` of a node.
    pub fn address(&self, index: usize) -> String {
        self.servers[index].address().to_string()
    }

    /// A client that follows redirections.
    pub fn routed(&self) -> RoutedClient {
        let ports: Vec<u16> = self.servers.iter().map(Server::port).collect();
        RoutedClient::new(&ports, self.builder.known_password())
    }

    /// Starts one more node, which knows nobody; returns its number.
    #[track_caller]
    pub fn start_node(&mut self) -> usize {
        self.add(self.builder.node(self.len()))
    }

    #[track_caller]
    fn add(&mut self, node: ServerBuilder) -> usize {
        self.servers.push(node.start());
        self.len() - 1
    }

    /// Ends a node at once (`kill -9`).
    #[track_caller]
    pub fn kill(&mut self, index: usize) {
        self.servers[index].kill();
    }

    /// Starts a node that has ended once more, with its files.
    #[track_caller]
    pub fn restart(&mut self, index: usize) {
        self.servers[index].start_again();
    }

    /// The numbers of the nodes whose process runs.
    pub fn running(&self) -> Vec<usize> {
        (0..self.len()).filter(|&index| self.servers[index].process().is_running()).collect()
    }

    /// The id of a node.
    #[track_caller]
    pub fn id(&self, index: usize) -> String {
        self.client(index).cmd("CLUSTER MYID").text()
    }

    /// The number of the node with this port.
    ///
    /// # Panics
    /// When there is none.
    #[track_caller]
    pub fn index_of_port(&self, port: u16) -> usize {
        let found = self.servers.iter().position(|server| server.port() == port);
        found.unwrap_or_else(|| panic!("no node has port {port}"))
    }

    /// How a node sees the cluster.
    #[track_caller]
    pub fn lines(&self, index: usize) -> Vec<NodeLine> {
        NodeLine::read_all(&self.client(index).cmd("CLUSTER NODES").text())
    }

    /// How a node sees another one, if it knows it.
    #[track_caller]
    pub fn line(&self, seen_by: usize, index: usize) -> Option<NodeLine> {
        let port = self.servers[index].port();
        self.lines(seen_by).into_iter().find(|line| line.port == port)
    }

    /// How a node sees itself.
    ///
    /// # Panics
    /// When its list lacks it.
    #[track_caller]
    pub fn myself(&self, index: usize) -> NodeLine {
        let line = self.lines(index).into_iter().find(|line| line.has("myself"));
        line.unwrap_or_else(|| panic!("node {index} does not list itself"))
    }

    /// A field of CLUSTER INFO; empty where there is none.
    #[track_caller]
    pub fn info(&self, index: usize, field: &str) -> String {
        let text = self.client(index).cmd("CLUSTER INFO").text();
        let prefix = format!("{field}:");
        text.lines().find_map(|line| line.strip_prefix(&prefix)).unwrap_or_default().to_owned()
    }

    /// Waits until a running node's CLUSTER INFO has a value.
    #[track_caller]
    pub fn wait_for_info(&self, index: usize, field: &str, value: &str) {
        wait_for(&format!("{field}:{value} at node {index}"), DEADLINE, || {
            self.info(index, field) == value
        });
    }

    /// The number of the node that owns a slot, as a node sees it.
    #[track_caller]
    pub fn owner(&self, seen_by: usize, slot: u16) -> Option<usize> {
        let lines = self.lines(seen_by);
        let line = lines.iter().find(|line| line.owns(slot))?;
        Some(self.index_of_port(line.port))
    }

    /// The number of the node that owns the slot of a key, as the first running node sees it.
    ///
    /// # Panics
    /// When nobody does.
    #[track_caller]
    pub fn owner_of(&self, key: &str) -> usize {
        let asked = self.running()[0];
        let slot = self.client(asked).cmd(&format!("CLUSTER KEYSLOT {key}")).integer();
        let slot = u16::try_from(slot).expect("a slot");
        self.owner(asked, slot).unwrap_or_else(|| panic!("nobody owns slot {slot}"))
    }

    /// The numbers of the running nodes that replicate a node, as it sees them.
    #[track_caller]
    pub fn replicas_of(&self, primary: usize) -> Vec<usize> {
        let id = self.id(primary);
        let lines = self.lines(primary);
        let replicas = lines.iter().filter(|line| line.primary.as_ref() == Some(&id));
        let running = self.running();
        replicas
            .map(|line| self.index_of_port(line.port))
            .filter(|index| running.contains(index))
            .collect()
    }

    /// Waits until all running nodes serve, agree about who is who, and replicas have their data.
    ///
    /// # Panics
    /// When they do not in time.
    #[track_caller]
    pub fn wait_until_ok(&self) {
        self.wait_until_agreed();
        let running = self.running();
        wait_for("cluster_state:ok everywhere", DEADLINE, || {
            running.iter().all(|&index| self.info(index, "cluster_state") == "ok")
        });
        wait_for("replicas to be in touch with their primaries", DEADLINE, || {
            running.iter().all(|&index| self.is_in_touch(index))
        });
    }

    /// Waits until all running nodes see the same nodes in the same roles with the same slots, and
    /// are connected to each other.
    ///
    /// # Panics
    /// When they do not in time, with the views.
    #[track_caller]
    pub fn wait_until_agreed(&self) {
        let running = self.running();
        let mut views = Vec::new();
        wait_some("all nodes to agree", DEADLINE, || {
            views = running.iter().map(|&index| self.agreed_view(index)).collect();
            views.iter().all(|view| *view == views[0] && view.is_some()).then_some(())
        });
    }

    /// What a node would have to agree about, or nothing while links to running nodes are missing.
    fn agreed_view(&self, index: usize) -> Option<Vec<String>> {
        let lines = self.lines(index);
        let runs = |line: &NodeLine| {
            let found = self.servers.iter().find(|server| server.port() == line.port);
            found.is_some_and(|server| server.process().is_running())
        };
        let is_settled = |line: &NodeLine| {
            let is_known = !line.has("handshake") && !line.has("fail?");
            is_known && (!runs(line) || (line.is_connected && !line.has("fail")))
        };
        let running = lines.iter().filter(|line| runs(line)).count();
        if running != self.running().len() || !lines.iter().all(is_settled) {
            return None;
        }
        let mut view: Vec<String> = lines.iter().map(NodeLine::agreed).collect();
        view.sort();
        Some(view)
    }

    /// Whether a node that is a replica has its link up.
    fn is_in_touch(&self, index: usize) -> bool {
        let role = self.client(index).cmd("ROLE").items();
        role[0].text() == "master" || role[3].text() == "connected"
    }

    /// Views and logs of all nodes, for a test that fails.
    fn report(&self) -> String {
        let mut text = String::new();
        for (index, server) in self.servers.iter().enumerate() {
            let _ = writeln!(text, "--- node {index}, port {}", server.port());
            let view = Client::try_connect(server.address()).and_then(|mut client| {
                client.set_timeout(REPORT_TIMEOUT)?;
                client.try_cmd("CLUSTER NODES")
            });
            match view {
                Ok(view) if !view.is_error() => text += &view.text(),
                Ok(error) => text += &format!("{error}\n"),
                Err(error) => text += &format!("{error}\n"),
            }
            let log = server.log();
            let lines: Vec<&str> = log.lines().collect();
            for line in &lines[lines.len().saturating_sub(LOG_LINES_SHOWN)..] {
                let _ = writeln!(text, "  {line}");
            }
            text += &server.errors();
        }
        text
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}", self.report());
        }
    }
}
