//! How a node begins: from nodes.conf, or alone.

use std::collections::BTreeMap;

use dunlin_stdx::time::Now;

use crate::cluster::{Cluster, Epochs, Start, StartError, Todo, Turn};
use crate::conf::{Conf, ConfNode, OpenSlot};
use crate::cron::Cron;
use crate::facts::Facts;
use crate::failover::Election;
use crate::flags::NodeFlags;
use crate::forget::Forgotten;
use crate::id::NodeId;
use crate::links::Links;
use crate::manual::ManualFailover;
use crate::node::Node;
use crate::nodes::Nodes;
use crate::outbox::Outbox;
use crate::reach::OwnAddress;
use crate::state::Health;
use crate::stats::Stats;

impl Cluster {
    /// Reads nodes.conf, or begins as a new node that is alone.
    ///
    /// # Errors
    /// [`StartError`] if the text is not a whole nodes.conf.
    pub fn start(start: Start<'_>) -> Result<Self, StartError> {
        let mut rng = fastrand::Rng::with_seed(start.seed);
        let conf = Conf::parse(start.conf.unwrap_or_default(), start.config.tls_cluster)?;
        let (nodes, open, epochs) = match conf {
            Some(conf) => from_conf(&conf, &mut rng, start.now),
            None => {
                let (id, shard) = (NodeId::random(&mut rng), NodeId::random(&mut rng));
                let flags = NodeFlags::MYSELF | NodeFlags::PRIMARY;
                let myself = Node::new(id, shard, flags, start.now.monotonic);
                (Nodes::new(myself), BTreeMap::new(), Epochs::default())
            }
        };
        let mut cluster = Self {
            config: start.config,
            ports: start.ports,
            nodes,
            own_address: OwnAddress::default(),
            open,
            epochs,
            health: Health::new(start.now.monotonic),
            election: Election::default(),
            manual: ManualFailover::default(),
            forgotten: Forgotten::default(),
            links: Links::default(),
            probes: Vec::new(),
            following: None,
            turn: Turn { now: start.now, ..Turn::default() },
            todo: Todo::default(),
            outbox: Outbox::default(),
            stats: Stats::default(),
            rng,
            cron: Cron::default(),
            version: 0,
            dropped: None,
        };
        cluster.update_myself();
        cluster.save_to_disk();
        cluster.todo.state = true;
        // A replica knows whose it is before it loads its data.
        cluster.follow_primary();
        Ok(cluster)
    }

    /// What this node says of itself follows the parameters.
    pub(crate) fn update_myself(&mut self) {
        let (config, ports) = (&self.config, self.ports);
        let announced = |announced: u16, own: u16| if announced == 0 { own } else { announced };
        let port = announced(config.announce_port, ports.tcp);
        let tls_port = announced(config.announce_tls_port, ports.tls);
        let bus_port = announced(config.announce_bus_port, ports.bus);
        let me = self.nodes.myself_mut();
        (me.address.port, me.address.tls_port) = (port, tls_port);
        me.address.bus_port = bus_port;
        if let Some(ip) = &config.announce_ip {
            me.address.ip.clone_from(ip);
        }
        me.hostname = config.announce_hostname.clone().unwrap_or_default();
        me.human_name = config.announce_human_nodename.clone().unwrap_or_default();
        me.flags.set(NodeFlags::NOFAILOVER, config.replica_no_failover);
    }

    /// The data set has been loaded: slots that have keys and no owner are this node's, slots that
    /// have keys and another owner are being imported from it. A replica's keys are its primary's.
    pub fn loaded(&mut self, now: Now, facts: &Facts<'_>) {
        self.begin(now, facts);
        if facts.keys.is_empty() || !self.myself().is_primary() {
            return;
        }
        for slot in (0..dunlin_slots::SLOTS).filter(|slot| facts.keys.count(*slot) > 0) {
            match self.owner(slot).map(|owner| (owner.is_myself(), owner.id)) {
                Some((true, _)) => continue,
                _ if self.open.contains_key(&slot) => continue,
                None => {
                    self.outbox.warning(format!(
                        "I have keys for unassigned slot {slot}. Taking responsibility for it."
                    ));
                    let me = self.nodes.me();
                    self.nodes.assign(slot, Some(me));
                }
                Some((false, owner)) => {
                    self.outbox.warning(format!("I have keys for slot {slot}, but the slot is assigned to another node. Setting it to importing state."));
                    self.open.insert(slot, OpenSlot::Importing(owner));
                }
            }
            self.save_to_disk();
        }
        self.todo.state = true;
    }
}

type Remembered = (Nodes, BTreeMap<u16, OpenSlot>, Epochs);

fn from_conf(conf: &Conf, rng: &mut fastrand::Rng, now: Now) -> Remembered {
    let (mine, others): (Vec<&ConfNode>, Vec<&ConfNode>) =
        conf.nodes.iter().partition(|node| node.flags.contains(NodeFlags::MYSELF));
    let mine = mine[0];
    let mut nodes = Nodes::new(remembered(mine, rng, now));
    for other in &others {
        nodes.insert(remembered(other, rng, now));
    }
    for line in &conf.nodes {
        let Some(key) = nodes.find(&line.id) else { continue };
        nodes.set_primary(key, line.primary);
        if line.primary.is_none() {
            nodes.get_mut(key).config_epoch = line.config_epoch;
        }
        for slot in line.slots.iter() {
            nodes.assign(slot, Some(key));
        }
    }
    nodes.adopt_shards();
    let highest = nodes.iter().map(|node| node.config_epoch).max().unwrap_or(0);
    let current = conf.current_epoch.max(highest);
    let epochs = Epochs { current, last_vote: conf.last_vote_epoch, settled: 0 };
    let open = mine.open.iter().map(|(slot, open)| (*slot, *open)).collect();
    (nodes, open, epochs)
}

/// A node as it was; times begin anew.
fn remembered(line: &ConfNode, rng: &mut fastrand::Rng, now: Now) -> Node {
    let at = now.monotonic;
    let shard = line.shard_id.unwrap_or_else(|| NodeId::random(rng));
    let mut node = Node::new(line.id, shard, line.flags, at);
    node.address = line.address.clone();
    node.hostname.clone_from(&line.hostname);
    node.human_name.clone_from(&line.human_name);
    node.contact.ping_sent = (line.ping_sent_ms != 0).then_some(at);
    node.contact.pong_received = (line.pong_received_ms != 0).then_some(at);
    node.failed_at = node.is_failed().then_some(at);
    // Suspicion is this node's own, and begins anew.
    node.flags.remove(NodeFlags::PFAIL);
    node
}
