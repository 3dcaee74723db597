//! Which servers may hold something else than their position says: replicas that take writes of
//! clients, and whoever took a data set from them.

use std::time::Duration;

use dunlin_sim::Network;
use dunlin_sim::network::FIRST_PORT;

/// A data set may be on its way from a server that has got a better one meanwhile.
const WAY_MAX: Duration = Duration::from_secs(30);

#[derive(Default)]
struct Taint {
    is_tainted: bool,
    last: Option<Duration>,
    life: u32,
    /// Data sets that were announced, and taken.
    announced: usize,
    taken: usize,
    /// Whether the one on its way is a tainted one.
    arriving: bool,
}

pub(crate) struct Taints {
    servers: Vec<Taint>,
}

impl Taints {
    pub(crate) fn new(hosts: usize) -> Taints {
        Taints { servers: (0..hosts).map(|_| Taint::default()).collect() }
    }

    pub(crate) fn is_tainted(&self, index: usize) -> bool {
        self.servers[index].is_tainted
    }

    /// Looks at a server after its turn.
    pub(crate) fn observe(&mut self, network: &mut Network, index: usize) {
        let (now, life) = (network.time.since_start(), network.lives(index));
        let server = network.server(index).expect("it runs");
        let announced = server.logged("Full resync from master");
        let taken = server.logged("Discarding previously cached master state");
        let engine = server.node.engine_mut();
        let link = engine.replication.link.as_ref();
        let source = link.map(|link| usize::from(link.port() - FIRST_PORT));
        let takes_writes = !engine.config.replication.replica_read_only && link.is_some();
        let was_tainted = |one: &Taint| {
            one.is_tainted || one.last.is_some_and(|last| now.saturating_sub(last) < WAY_MAX)
        };
        let is_source_tainted =
            source.and_then(|source| self.servers.get(source)).is_some_and(was_tainted);
        let taint = &mut self.servers[index];
        if taint.life != life {
            (taint.life, taint.announced, taint.taken, taint.arriving) = (life, 0, 0, false);
        }
        if taint.announced != announced {
            (taint.announced, taint.arriving) = (announced, false);
        }
        taint.arriving |= is_source_tainted;
        if taint.taken != taken {
            (taint.taken, taint.is_tainted) = (taken, taint.arriving);
        }
        taint.is_tainted |= takes_writes;
        if taint.is_tainted {
            taint.last = Some(now);
        }
    }
}
