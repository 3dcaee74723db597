//! An event loop with its share of the connections.

use std::io;
use std::net::ToSocketAddrs;
use std::time::{Duration, Instant};

use mio::event::Event;
use mio::{Events, Poll, Token, Waker};

use super::client::{Client, ErrorReply};
use super::progress::Progress;
use super::shared::Shared;
use super::stream::Stream;
use super::{Plan, Targets};
use crate::connection::{Endpoint, Peer};
use crate::failure::{Failure, describe};
use crate::latency::Latencies;
use crate::request::Pipeline;
use crate::tag::Tag;

/// Connections that may be on their way at once: backlogs are short.
const CONNECTING_MAX: usize = 64;
const EVENTS_MAX: usize = 1024;
const READ_BYTES: usize = 64 * 1024;
const WAKE: Token = Token(usize::MAX);
/// A cluster that is down usually comes back.
const CLUSTER_DOWN_PAUSE: Duration = Duration::from_secs(1);

/// A server that connections are made to.
#[derive(Clone, Debug)]
struct Goal {
    peer: Peer,
    /// As it is named in messages.
    name: String,
    node: usize,
}

/// One thread of a test.
pub(crate) struct Worker {
    poll: Poll,
    /// Where each connection leads to.
    goals: Vec<Goal>,
    clients: Vec<Client>,
    pipeline: Pipeline,
    tags: Vec<Tag>,
    tags_version: usize,
    random: fastrand::Rng,
    latencies: Latencies,
    input: Box<[u8]>,
    errors: Vec<ErrorReply>,
}

impl Worker {
    /// A worker without connections.
    pub(crate) fn new(
        index: usize,
        plan: &Plan,
        targets: &Targets,
        pipeline: Pipeline,
    ) -> Result<Self, Failure> {
        let random = match plan.load.seed {
            Some(seed) => fastrand::Rng::with_seed(seed.wrapping_add(index as u64)),
            None => fastrand::Rng::new(),
        };
        let cluster = targets.cluster();
        Ok(Self {
            poll: Poll::new().map_err(Failure::system("cannot make an event loop"))?,
            goals: goals(index, plan, targets)?,
            clients: Vec::new(),
            pipeline,
            tags: cluster.map_or_else(Vec::new, |cluster| cluster.tags()),
            tags_version: cluster.map_or(0, |cluster| cluster.version()),
            random,
            latencies: Latencies::new(plan.load.digits),
            input: vec![0; READ_BYTES].into_boxed_slice(),
            errors: Vec::new(),
        })
    }

    /// What ends its wait.
    pub(crate) fn waker(&self) -> Result<Waker, Failure> {
        let waker = Waker::new(self.poll.registry(), WAKE);
        waker.map_err(Failure::system("cannot make an event loop"))
    }

    /// What it has measured.
    pub(crate) fn latencies(&self) -> &Latencies {
        &self.latencies
    }

    /// Makes all its connections, and returns when they are there.
    pub(crate) fn connect(&mut self, shared: &Shared<'_>) -> Result<(), Failure> {
        let mut events = Events::with_capacity(EVENTS_MAX);
        let mut connected = 0;
        while connected < self.goals.len() && !shared.is_over() {
            while self.clients.len() < self.goals.len()
                && self.clients.len() - connected < CONNECTING_MAX
            {
                let client = self.open(self.clients.len(), shared)?;
                self.clients.push(client);
            }
            self.wait(&mut events, None)?;
            for event in &events {
                let index = event.token().0;
                if event.token() == WAKE {
                    continue;
                }
                connected += usize::from(self.has_connected(index)?);
                let is_connected = self.clients[index].is_connected;
                if is_connected && (event.is_readable() || event.is_read_closed()) {
                    self.receive(index, event, shared)?;
                }
            }
        }
        Ok(())
    }

    /// Keeps its connections busy until the test is over.
    pub(crate) fn run(
        &mut self,
        shared: &Shared<'_>,
        mut progress: Option<&mut Progress>,
    ) -> Result<(), Failure> {
        for index in 0..self.clients.len() {
            self.send_next(index, shared)?;
        }
        let mut events = Events::with_capacity(EVENTS_MAX);
        while !shared.is_over() {
            if let Some(progress) = &mut progress {
                progress.show_if_due(Instant::now(), shared);
            }
            self.turn(&mut events, progress.as_deref(), shared)?;
        }
        Ok(())
    }

    /// Waits until a connection fails.
    pub(crate) fn idle(
        &mut self,
        shared: &Shared<'_>,
        mut progress: Option<&mut Progress>,
    ) -> Result<(), Failure> {
        let mut events = Events::with_capacity(EVENTS_MAX);
        while !shared.is_over() {
            if let Some(progress) = &mut progress {
                progress.show_clients_if_due(Instant::now(), shared.plan.load.clients);
            }
            self.turn(&mut events, progress.as_deref(), shared)?;
        }
        Ok(())
    }

    /// Waits for events and serves them.
    fn turn(
        &mut self,
        events: &mut Events,
        progress: Option<&Progress>,
        shared: &Shared<'_>,
    ) -> Result<(), Failure> {
        self.wait(events, progress.map(|progress| progress.timeout(Instant::now())))?;
        for event in &*events {
            if event.token() != WAKE {
                self.serve(event.token().0, event, shared)?;
            }
        }
        Ok(())
    }

    fn wait(&mut self, events: &mut Events, timeout: Option<Duration>) -> Result<(), Failure> {
        match self.poll.poll(events, timeout) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => {
                Err(Failure::system("cannot wait for events")(error))
            }
            _ => Ok(()),
        }
    }

    fn serve(&mut self, index: usize, event: &Event, shared: &Shared<'_>) -> Result<(), Failure> {
        if !self.clients[index].is_connected {
            // Only connections that were closed and made again begin here.
            if !self.has_connected(index)? {
                return Ok(());
            }
            self.send_next(index, shared)?;
        } else if event.is_writable() {
            self.clients[index].flush()?;
        }
        if event.is_readable() || event.is_read_closed() || event.is_error() {
            self.receive(index, event, shared)?;
        }
        Ok(())
    }

    /// Begins to connect.
    fn open(&self, index: usize, shared: &Shared<'_>) -> Result<Client, Failure> {
        let goal = &self.goals[index];
        let opened = Stream::connect(&goal.peer).and_then(|mut stream| {
            stream.register(self.poll.registry(), Token(index))?;
            Ok(stream)
        });
        let mut stream = opened.map_err(|error| self.unreachable(index, &error))?;
        if let Some(tls) = &shared.plan.target.tls {
            let secured = stream.secured(tls);
            stream = secured.map_err(|error| Failure::tls(&goal.name, error))?;
        }
        Ok(Client::new(stream, goal.node))
    }

    fn unreachable(&self, index: usize, error: &io::Error) -> Failure {
        Failure::Unreachable { server: self.goals[index].name.clone(), why: describe(error) }
    }

    /// Whether a connection that was on its way is there now.
    fn has_connected(&mut self, index: usize) -> Result<bool, Failure> {
        if self.clients[index].is_connected {
            return Ok(false);
        }
        let established = self.clients[index].stream.establish();
        let is_connected = established.map_err(|error| self.unreachable(index, &error))?;
        self.clients[index].is_connected = is_connected;
        Ok(is_connected)
    }

    /// Sends the next batch, if one is left.
    fn send_next(&mut self, index: usize, shared: &Shared<'_>) -> Result<(), Failure> {
        if !shared.issue() {
            return Ok(());
        }
        self.pipeline.randomize(&mut self.random);
        let client = &mut self.clients[index];
        if self.pipeline.has_tags()
            && let Some(cluster) = shared.targets.cluster()
        {
            if cluster.version() != self.tags_version {
                self.tags_version = cluster.version();
                self.tags = cluster.tags();
            }
            self.pipeline.set_tag(self.tags[client.node]);
        }
        client.due = shared.plan.load.depth;
        if client.is_fresh {
            client.is_fresh = false;
            client.prefix_due = shared.plan.prefix_replies;
            if client.prefix_due > 0 {
                return client.send(&[&shared.plan.prefix, self.pipeline.bytes()].concat());
            }
        }
        client.send(self.pipeline.bytes())
    }

    /// Reads what is there. Readiness is told once, so it reads until a read does not fill the
    /// buffer, or, where the other end has closed, until the end.
    fn receive(&mut self, index: usize, event: &Event, shared: &Shared<'_>) -> Result<(), Failure> {
        let is_ending = event.is_read_closed() || event.is_error();
        loop {
            let client = &mut self.clients[index];
            let Some(len) = client.read(&mut self.input)? else { return Ok(()) };
            let was_due = client.due > 0;
            let replies = client.count(&self.input[..len], &mut self.errors)?;
            let is_done = was_due && client.due == 0;
            if replies > 0 {
                let micros = client.latency_micros();
                let measured = shared.finish(replies as u64, micros);
                self.latencies.record(micros, measured);
            }
            if !self.errors.is_empty() {
                self.take_errors(index, shared)?;
            }
            if is_done {
                shared.end_if_finished();
                if shared.is_over() {
                    return Ok(());
                }
                if !shared.plan.load.keeps_alive {
                    return self.open_again(index, shared);
                }
                self.send_next(index, shared)?;
            }
            if len < self.input.len() && !is_ending {
                return Ok(());
            }
        }
    }

    /// Closes a connection, and makes another one if there is something to send.
    fn open_again(&mut self, index: usize, shared: &Shared<'_>) -> Result<(), Failure> {
        if !shared.is_exhausted() {
            // The old one is closed by being dropped, and with that forgotten by the event loop.
            self.clients[index] = self.open(index, shared)?;
        }
        Ok(())
    }

    /// An error ends the run, or, in a cluster, makes us look where the slots are.
    #[cold]
    fn take_errors(&mut self, index: usize, shared: &Shared<'_>) -> Result<(), Failure> {
        let cluster = shared.targets.cluster();
        let name = &self.goals[index].name;
        for ErrorReply(text) in std::mem::take(&mut self.errors) {
            let Some(cluster) = cluster.filter(|_| self.pipeline.has_tags()) else {
                let server = cluster.map(|_| name.clone());
                return Err(Failure::ErrorReply { server, text });
            };
            let is_down = text.starts_with("CLUSTERDOWN");
            if is_down {
                eprintln!("Error from server {name}: {text}.");
                std::thread::sleep(CLUSTER_DOWN_PAUSE);
            } else if !text.starts_with("MOVED") && !text.starts_with("ASK") {
                let server = Some(name.clone());
                return Err(Failure::ErrorReply { server, text });
            }
            cluster.refresh(self.tags_version, &shared.plan.target)?;
        }
        Ok(())
    }
}

/// Where the connections of a worker lead to: they are dealt to the workers in turn, and to the nodes
/// of a cluster so that a worker serves one node, if there are enough of them.
fn goals(index: usize, plan: &Plan, targets: &Targets) -> Result<Vec<Goal>, Failure> {
    let threads = plan.load.threads.max(1);
    let own = (0..plan.load.clients).skip(index).step_by(threads);
    match targets {
        Targets::Server(peer) => {
            let name = match (peer, &plan.target.socket) {
                (Peer::Unix(path), _) => path.display().to_string(),
                _ => format!("{}:{}", plan.target.host, plan.target.port),
            };
            Ok(own.map(|_| Goal { peer: peer.clone(), name: name.clone(), node: 0 }).collect())
        }
        Targets::Cluster(cluster) => {
            let peers: Result<Vec<Peer>, Failure> =
                cluster.nodes().iter().map(|node| resolve(&node.endpoint())).collect();
            let peers = peers?;
            let goal = |client: usize| {
                let node = if threads < peers.len() { client } else { index } % peers.len();
                let name = cluster.nodes()[node].endpoint().to_string();
                Goal { peer: peers[node].clone(), name, node }
            };
            Ok(own.map(goal).collect())
        }
    }
}

fn resolve(endpoint: &Endpoint) -> Result<Peer, Failure> {
    let Endpoint::Tcp { host, port } = endpoint else { unreachable!("nodes have addresses") };
    let address = (host.as_str(), *port).to_socket_addrs().map(|mut found| found.next());
    let why = match address {
        Ok(Some(address)) => return Ok(Peer::Tcp(address)),
        Ok(None) => "Name or service not known".to_owned(),
        Err(error) => describe(&error),
    };
    Err(Failure::Unreachable { server: endpoint.to_string(), why })
}
