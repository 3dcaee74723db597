//! Clusters that are put together by an administrator.

use std::collections::BTreeMap;

use dunlin_cluster::conf::{Conf, ConfNode};
use dunlin_cluster::{Address, ClusterConfig, NodeFlags, NodeId, SetSlot};
use dunlin_slots::{SLOTS, SlotSet};

use super::Bus;

impl Bus {
    /// CLUSTER MEET.
    ///
    /// # Panics
    /// If it is refused.
    pub fn meet(&mut self, from: usize, to: usize) {
        let (ip, port) = self.address(to);
        let met = self.turn(from, |cluster, now, _| cluster.meet(now, &ip, port, None));
        met.expect("a process that runs").expect("an address");
    }

    /// CLUSTER ADDSLOTS, of slots like `0-5460 7000`.
    ///
    /// # Panics
    /// If it is refused.
    pub fn give(&mut self, index: usize, slots: &str) {
        let slots: SlotSet = slots.parse().expect("slots");
        let added = self.turn(index, |cluster, now, _| cluster.add_slots(now, &slots));
        added.expect("a process that runs").expect("free slots");
    }

    /// CLUSTER SETSLOT.
    ///
    /// # Panics
    /// If it is refused.
    pub fn set_slot(&mut self, index: usize, slot: u16, wish: SetSlot<'_>) {
        let set = self.turn(index, |cluster, now, facts| cluster.set_slot(now, facts, slot, wish));
        set.expect("a process that runs").expect("a slot that may be set");
    }

    /// CLUSTER REPLICATE.
    ///
    /// # Panics
    /// If it is refused.
    pub fn replicate_of(&mut self, index: usize, primary: usize) {
        let id = self.id(primary);
        let set =
            self.turn(index, |cluster, now, facts| cluster.replicate(now, facts, id.digits()));
        set.expect("a process that runs").expect("a primary");
    }

    /// CLUSTER SET-CONFIG-EPOCH with the number of the machine.
    ///
    /// # Panics
    /// If it is refused.
    pub fn number(&mut self, index: usize) {
        let epoch = index as i64 + 1;
        let set = self.turn(index, |cluster, now, _| cluster.set_config_epoch(now, epoch));
        set.expect("a process that runs").expect("a node that is alone");
    }

    /// The machine of a process that does not run gets another address.
    pub fn move_to(&mut self, index: usize, ip: &str) {
        let old = std::mem::replace(&mut self.machines[index].address.0, ip.to_owned());
        self.by_host.remove(&old);
        self.by_host.insert(ip.to_owned(), index);
    }

    /// Gives all slots to the first machines, in equal shares.
    pub fn share_slots(&mut self, primaries: usize) {
        for index in 0..primaries {
            self.give(index, &share(index, primaries));
        }
    }

    /// A cluster that is found formed: all processes start from files in which all machines are known.
    /// First the primaries, with equal shares of the slots, then their replicas in turn.
    #[must_use]
    pub fn formed(seed: u64, configs: &[ClusterConfig], primaries: usize) -> Self {
        let mut bus = Self::new(seed, 0, &configs[0]);
        configs.iter().for_each(|config| {
            bus.add_stopped(config);
        });
        let mut conf = bus.formed_conf(primaries);
        for index in 0..configs.len() {
            conf.nodes[index].flags.insert(NodeFlags::MYSELF);
            bus.set_conf(index, &conf.to_string());
            conf.nodes[index].flags.remove(NodeFlags::MYSELF);
        }
        (0..configs.len()).for_each(|index| bus.start(index));
        bus
    }

    fn formed_conf(&mut self, primaries: usize) -> Conf {
        let count = self.machines.len();
        let mut ids = || NodeId::random(&mut self.random);
        let shards: Vec<NodeId> = (0..primaries).map(|_| ids()).collect();
        let ids: Vec<NodeId> = (0..count).map(|_| ids()).collect();
        let node = |index: usize| {
            let (ip, port) = self.address(index);
            let (flags, primary, slots) = if index < primaries {
                let slots = share(index, primaries).parse().expect("slots");
                (NodeFlags::PRIMARY, None, slots)
            } else {
                (NodeFlags::REPLICA, Some(ids[index % primaries]), SlotSet::new())
            };
            ConfNode {
                id: ids[index],
                address: Address { ip, port, tls_port: 0, bus_port: port + 10_000 },
                is_tls_first: false,
                hostname: String::new(),
                human_name: String::new(),
                shard_id: Some(shards[index % primaries]),
                flags,
                primary,
                ping_sent_ms: 0,
                pong_received_ms: 0,
                config_epoch: (index % primaries) as u64 + 1,
                is_connected: true,
                slots,
                open: BTreeMap::new(),
            }
        };
        let nodes = (0..count).map(node).collect();
        Conf { nodes, current_epoch: primaries as u64, last_vote_epoch: 0 }
    }

    /// Three primaries with `replicas` replicas each, which serve.
    #[must_use]
    pub fn cluster(seed: u64, replicas: usize, config: &ClusterConfig) -> Self {
        Self::cluster_of(seed, &vec![config.clone(); 3 * (replicas + 1)], 3)
    }

    /// A cluster of machines with these parameters: first the primaries, then their replicas in
    /// turn. It serves.
    #[must_use]
    pub fn cluster_of(seed: u64, configs: &[ClusterConfig], primaries: usize) -> Self {
        let count = configs.len();
        let mut bus = Self::new(seed, 0, &configs[0]);
        for (index, config) in configs.iter().enumerate() {
            bus.add(config);
            bus.number(index);
        }
        bus.share_slots(primaries);
        (1..count).for_each(|index| bus.meet(0, index));
        bus.run_until(20_000, "all know each other", |bus| bus.knows_each_other(count));
        (primaries..count).for_each(|index| bus.replicate_of(index, index % primaries));
        bus.run_until(20_000, "all serve and have replicas", |bus| {
            let replicas = |index: usize| {
                bus.at(index).nodes().filter(|node| node.primary().is_some()).count()
            };
            bus.is_whole(count)
                && bus.agrees()
                && (0..count).all(|index| replicas(index) == count - primaries)
        });
        bus.run_ms(3_000);
        bus
    }

    /// Whether all that run know so many nodes, none of them in handshake.
    #[must_use]
    pub fn knows_each_other(&self, count: usize) -> bool {
        self.running().all(|index| {
            let cluster = self.at(index);
            cluster.nodes().count() == count && cluster.nodes().all(|node| !node.is_in_handshake())
        })
    }
}

/// The slots of one of so many primaries.
fn share(index: usize, primaries: usize) -> String {
    let start = |index: usize| (index * usize::from(SLOTS) + primaries / 2) / primaries;
    format!("{}-{}", start(index), start(index + 1) - 1)
}
