//! What the nodes of a cluster think, seen from outside.

use std::collections::BTreeSet;

use dunlin_cluster::{Cluster, NodeId};

use super::Bus;

impl Bus {
    /// The cluster of a process.
    ///
    /// # Panics
    /// If it does not run.
    #[must_use]
    pub fn at(&self, index: usize) -> &Cluster {
        self.machines[index].cluster.as_ref().expect("a process that runs")
    }

    /// The id of a node that runs.
    #[must_use]
    pub fn id(&self, index: usize) -> NodeId {
        *self.at(index).myself().id()
    }

    /// Where clients reach a machine.
    #[must_use]
    pub fn address(&self, index: usize) -> (String, u16) {
        self.machines[index].address.clone()
    }

    /// The nodes.conf of a machine, as a process finds it.
    #[must_use]
    pub fn conf(&self, index: usize) -> &str {
        self.machines[index].conf.text()
    }

    /// Puts another nodes.conf on a machine.
    pub fn set_conf(&mut self, index: usize, text: &str) {
        self.machines[index].conf.write(text.to_owned(), true);
    }

    /// The machines whose processes run, stopped or not.
    pub fn running(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.machines.len()).filter(|index| self.is_up(*index))
    }

    /// Whether a machine holds its writes for a hand-over.
    #[must_use]
    pub fn holds_writes(&self, index: usize) -> bool {
        self.machines[index].holds_writes(self.now_us)
    }

    /// Whether a machine takes writes of its slots.
    #[must_use]
    pub fn takes_writes(&self, index: usize) -> bool {
        let machine = &self.machines[index];
        machine.works()
            && !machine.holds_writes(self.now_us)
            && machine
                .cluster
                .as_ref()
                .is_some_and(|cluster| cluster.is_ok() && cluster.myself().is_primary())
    }

    /// Who takes writes of a slot.
    #[must_use]
    pub fn writers(&self, slot: u16) -> Vec<usize> {
        (0..self.machines.len())
            .filter(|index| self.takes_writes(*index) && self.at(*index).owns(slot))
            .collect()
    }

    /// Whether all that run know each other and serve.
    #[must_use]
    pub fn is_whole(&self, count: usize) -> bool {
        self.running().all(|index| {
            let cluster = self.at(index);
            cluster.is_ok()
                && cluster.nodes().count() == count
                && cluster.nodes().all(|node| !node.is_in_handshake())
        })
    }

    /// Whether all that run agree on the owners of all slots.
    #[must_use]
    pub fn agrees(&self) -> bool {
        let mut views = self.running().map(|index| {
            let runs = self.at(index).slots_table();
            runs.iter().map(|run| (run.range, *run.owner.id())).collect::<Vec<_>>()
        });
        let first = views.next();
        views.all(|view| Some(&view) == first.as_ref())
    }

    /// Whether all that run give every primary with slots the same config epoch, each its own.
    #[must_use]
    pub fn has_unique_epochs(&self) -> bool {
        let mut views = self.running().map(|index| {
            let voting = self.at(index).nodes().filter(|node| node.is_voting());
            voting.map(|node| (*node.id(), node.config_epoch())).collect::<Vec<_>>()
        });
        let Some(first) = views.next() else { return true };
        let epochs: BTreeSet<u64> = first.iter().map(|(_, epoch)| *epoch).collect();
        epochs.len() == first.len() && views.all(|view| view == first)
    }

    /// Lets time pass until something holds; how long that took, in milliseconds.
    ///
    /// # Panics
    /// If it does not hold within the limit; what the nodes think is printed before.
    pub fn run_until(&mut self, limit_ms: u64, what: &str, holds: impl Fn(&Self) -> bool) -> u64 {
        let mut passed = 0;
        while !holds(self) {
            if passed >= limit_ms {
                self.describe();
                panic!("not within {limit_ms} ms: {what}");
            }
            self.run_ms(10);
            passed += 10;
        }
        passed
    }

    /// Prints what the nodes think, and what they have logged last.
    pub fn describe(&self) {
        for index in self.running() {
            let (cluster, machine) = (self.at(index), &self.machines[index]);
            eprintln!("{index}: {:?}\n{}", cluster.down_reason(), cluster.describe_nodes());
            let skipped = machine.log.len().saturating_sub(12);
            machine.log.iter().skip(skipped).for_each(|line| eprintln!("{line}"));
        }
    }
}
