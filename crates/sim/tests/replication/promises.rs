//! What clients were promised: WAIT, that replicas have a write; WAITAOF, that disks have it.

use dunlin_sim::server::SimTime;
use dunlin_sim::{Network, SimServer};
use fastrand::Rng;

use crate::checks::marker;

/// The key of a write that nothing removes.
pub(crate) fn kept(number: u64) -> String {
    format!("kept:{number}")
}

/// Where a server was: whoever has started again, or taken another data set, promised nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sighting {
    life: u32,
    transfers: usize,
}

impl Sighting {
    fn of(network: &mut Network, host: usize) -> Option<Sighting> {
        let life = network.lives(host);
        let server = network.server(host)?;
        let transfers = server.logged("Discarding previously cached master state");
        Some(Sighting { life, transfers })
    }

    pub(crate) fn of_all(network: &mut Network) -> Vec<Option<Sighting>> {
        (0..network.len()).map(|host| Sighting::of(network, host)).collect()
    }
}

/// A write that a server said its replicas have.
struct Promise {
    number: u64,
    by: usize,
    /// Who had it when the client was told.
    holders: Vec<(usize, Sighting)>,
}

/// What was promised and is not yet settled.
pub(crate) struct Promises {
    open: Vec<Promise>,
    random: Rng,
    /// Promises of WAIT that were looked at after the death of the primary.
    pub(crate) inherited: usize,
    /// Copies on disks that WAITAOF told of, and that were found.
    pub(crate) found_on_disk: usize,
}

impl Promises {
    pub(crate) fn new(seed: u64) -> Promises {
        let random = Rng::with_seed(seed);
        Promises { open: Vec::new(), random, inherited: 0, found_on_disk: 0 }
    }

    /// WAIT told a client of this server that replicas have a write.
    pub(crate) fn acknowledged(&mut self, network: &mut Network, number: u64, by: usize) {
        let key = kept(number);
        let mut holders = Vec::new();
        for host in (0..network.len()).filter(|host| *host != by) {
            if network.server(host).is_some_and(|server| server.holds(&key))
                && let Some(at) = Sighting::of(network, host)
            {
                holders.push((host, at));
            }
        }
        self.open.push(Promise { number, by, holders });
    }

    /// The server `dead` is gone and `heir` takes its place: it has what others were said to have.
    pub(crate) fn check_heir(&mut self, network: &mut Network, dead: usize, heir: Option<usize>) {
        for promise in std::mem::take(&mut self.open) {
            let Promise { number, by, holders } = promise;
            let still = |network: &mut Network, (host, at)| Sighting::of(network, host) == Some(at);
            let is_kept = holders.iter().any(|holder| still(network, *holder));
            if by != dead || !is_kept {
                continue;
            }
            let has =
                heir.and_then(|heir| network.server(heir)).map(|one| one.holds(&kept(number)));
            assert_eq!(
                has,
                Some(true),
                "server {dead} told its client that write {number} is on {holders:?}, and its heir \
                 {heir:?} has not got it"
            );
            self.inherited += 1;
        }
    }

    /// WAITAOF told a client of this server that a write is on its disk, and on those of so many
    /// replicas: power losses now do not take it away.
    pub(crate) fn durable(
        &mut self,
        network: &mut Network,
        (number, by): (u64, usize),
        (own, others): (bool, usize),
        before: &[Option<Sighting>],
    ) {
        if !own && others == 0 {
            return;
        }
        let now = Sighting::of_all(network);
        let mut found = Vec::new();
        let mut excused = 0;
        let mut lacking = String::new();
        for host in 0..network.len() {
            let is_excused = now[host] != before[host] || now[host].is_none();
            let (has, log) = self.is_on_disk(network, host, number);
            if host == by {
                assert!(
                    !own || has || is_excused,
                    "WAITAOF told of write {number} on server {by}'s own disk, where it is not: {log}"
                );
            } else if has {
                found.push(host);
            } else {
                lacking += &format!("{host}: {log}\n");
                excused += usize::from(is_excused);
            }
        }
        assert!(
            found.len() + excused >= others,
            "WAITAOF told server {by}'s client of {others} replicas with write {number} on disk: \
             {found:?}\n{lacking}"
        );
        self.found_on_disk += found.len().min(others) + usize::from(own);
    }

    /// Whether a server that is started after a power loss has a write, and what it says.
    fn is_on_disk(&mut self, network: &mut Network, host: usize, number: u64) -> (bool, String) {
        let disk = network.disk(host).image_after_crash(&mut self.random);
        let Some(running) = network.server(host) else { return Default::default() };
        let config = running.node.engine_mut().config.clone();
        let mut server = SimServer::start(disk.clone(), config, &SimTime::default(), 1);
        let has = match server.load(&mut self.random) {
            Ok(()) => server.holds(&kept(number)),
            // What was not synced may be torn: somebody has to cut it off (check-aof --fix).
            Err(log) if log.contains("cannot be loaded: at byte") => {
                let marker = marker(number).into_bytes();
                let has = |file: Vec<u8>| file.windows(marker.len()).any(|part| part == marker);
                disk.paths().iter().filter_map(|path| disk.content(path)).any(has)
            }
            Err(_) => false,
        };
        let log = server.log();
        server.end();
        (has, log)
    }
}
