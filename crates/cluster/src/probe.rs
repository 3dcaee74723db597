//! CLUSTER PROBE: whether the port of another node's bus can be reached from here, before anything
//! is changed.
//!
//! A probe is a link that leads to no node and is closed when it is there. It changes nothing here, and
//! its peer forgets it.
//!
//! Differs: Redis has none. Whether nodes reach each other turns out when they shall meet.

use std::net::IpAddr;

use dunlin_stdx::time::{Monotonic, Now};

use crate::action::{Action, BusRequest, LinkId};
use crate::cluster::Cluster;
use crate::error::ClusterError;

/// How many probes may be under way: nobody scans a network through a node.
pub(crate) const PROBES_MAX: usize = 8;

/// How long a probe may take, in microseconds; with the period of the cron it is answered within two
/// seconds.
const PROBE_US: u64 = 1_800_000;

/// A probe that is under way.
#[derive(Clone, Debug)]
pub(crate) struct Probe {
    link: LinkId,
    ip: String,
    port: u16,
    begun: Monotonic,
}

impl Cluster {
    /// Tries to reach this address; [`Action::Probed`] says, under the name that is returned, whether
    /// it can be.
    ///
    /// # Errors
    /// [`ClusterError::InvalidAddress`] unless `ip` is a numeric address; [`ClusterError::TooManyProbes`].
    pub fn probe(&mut self, now: Now, ip: &str, bus_port: u16) -> Result<LinkId, ClusterError> {
        self.turn.now = now;
        let invalid = |_| ClusterError::InvalidAddress(ip.to_owned(), bus_port.to_string());
        let numeric: IpAddr = ip.parse().map_err(invalid)?;
        if self.probes.len() >= PROBES_MAX {
            return Err(ClusterError::TooManyProbes);
        }
        let link = self.links.open_to_nobody(now);
        let (ip, port) = (numeric.to_string(), bus_port);
        self.probes.push(Probe { link, ip: ip.clone(), port, begun: now.monotonic });
        self.outbox.push(Action::Bus(BusRequest::Connect { link, ip, port }));
        Ok(link)
    }

    /// What a link was opened for is known, if it is a probe.
    pub(crate) fn end_probe(&mut self, link: LinkId, outcome: Result<(), &str>) {
        let Some(index) = self.probes.iter().position(|probe| probe.link == link) else { return };
        let Probe { ip, port, .. } = self.probes.swap_remove(index);
        // What has failed is gone already; to close it is no error.
        self.close(link);
        let outcome = outcome.map_err(str::to_owned);
        self.outbox.push(Action::Probed { link, ip, port, outcome });
    }

    /// Ends probes that nothing has answered.
    pub(crate) fn time_out_probes(&mut self) {
        let at = self.at();
        let late = self.probes.iter().filter(|probe| at.since_us(probe.begun) > PROBE_US);
        let late: Vec<LinkId> = late.map(|probe| probe.link).collect();
        late.into_iter().for_each(|link| self.end_probe(link, Err("Connection timed out")));
    }
}
