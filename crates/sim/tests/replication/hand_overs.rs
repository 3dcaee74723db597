//! FAILOVER: who hands over its role changes nothing any more, and whoever takes it has everything.

use dunlin_replication::FailoverStage;
use dunlin_sim::Network;
use dunlin_sim::network::FIRST_PORT;

use crate::checks::{Id, Streams, position};

/// What a primary asks its replicas in the stream while it waits for them.
const QUESTION: &[u8] = b"*3\r\n$8\r\nREPLCONF\r\n$6\r\nGETACK\r\n$1\r\n*\r\n";

/// A hand-over that was begun.
struct HandOver {
    life: u32,
    at: (Id, u64),
    port: u16,
    is_forced: bool,
    is_under_way: bool,
}

/// What was seen of hand-overs.
#[derive(Default)]
pub(crate) struct HandOvers {
    /// The latest one that each server has begun.
    latest: Vec<Option<HandOver>>,
    /// How often each server was seen to take a role over, in which life.
    taken: Vec<(u32, usize)>,
    /// Those that were taken over and had to be complete.
    pub(crate) complete: usize,
}

impl HandOvers {
    pub(crate) fn new(hosts: usize) -> HandOvers {
        let latest = (0..hosts).map(|_| None).collect();
        HandOvers { latest, taken: vec![(0, 0); hosts], complete: 0 }
    }

    /// Looks at a server after its turn.
    pub(crate) fn observe(&mut self, network: &mut Network, index: usize, streams: &Streams) {
        self.check_who_gives(network, index);
        self.check_who_takes(network, index, streams);
    }

    fn check_who_gives(&mut self, network: &mut Network, index: usize) {
        let (life, at) = (network.lives(index), position(network, index));
        let replication = &network.server(index).expect("it runs").node.engine_mut().replication;
        let begun = replication.failover.as_ref();
        let begun = begun.filter(|one| one.stage == FailoverStage::InProgress);
        let Some(begun) = begun else {
            if let Some(latest) = &mut self.latest[index] {
                latest.is_under_way = false;
            }
            return;
        };
        let port = begun.target.as_ref().map_or(0, |target| target.port);
        if let Some(latest) = &self.latest[index]
            && (latest.life, latest.port, latest.is_under_way) == (life, port, true)
        {
            assert!(latest.at == at, "server {index} changes something while it hands over");
            return;
        }
        let is_forced = begun.force;
        self.latest[index] = Some(HandOver { life, at, port, is_forced, is_under_way: true });
    }

    fn check_who_takes(&mut self, network: &mut Network, index: usize, streams: &Streams) {
        let life = network.lives(index);
        let server = network.server(index).expect("it runs");
        let taken = (life, server.logged("MASTER MODE enabled (failover request from"));
        let before = std::mem::replace(&mut self.taken[index], taken);
        if taken.1 == 0 || taken == before {
            return;
        }
        let history = &server.node.engine_mut().replication.history;
        let id = *history.second_replid().digits();
        let has = u64::try_from(history.second_offset()).unwrap_or(0) - 1;
        let port = FIRST_PORT + index as u16;
        // One that was given up may be taken up all the same, much later.
        let is_meant = |one: &&HandOver| one.is_under_way && one.port == port && one.at.0 == id;
        let given = self.latest.iter().flatten().find(is_meant);
        let Some(given) = given else { return };
        let end = given.at.1;
        assert!(has <= end, "server {index} took over at {has}, beyond {end}");
        if given.is_forced {
            return;
        }
        let lacks = streams.text(id, has + 1, end + 1);
        assert!(
            lacks.chunks(QUESTION.len()).all(|part| part == QUESTION),
            "server {index} took over at {has}, without what came before {end}: {}",
            String::from_utf8_lossy(&lacks)
        );
        self.complete += 1;
    }
}
