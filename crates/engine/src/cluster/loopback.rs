//! A cluster that was made with addresses of the loopback interface works on its own host alone: the
//! log says so when a client of another host is sent to one.

use std::net::{IpAddr, SocketAddr};

use dunlin_commands::{Caller, CommandError};
use dunlin_config::LogLevel;

use crate::engine::Engine;

/// The log says it no more often than once in this time, in microseconds.
const PAUSE_US: u64 = 3_600_000_000;

impl Engine {
    /// A client has been refused: looks whether it is sent where it cannot go.
    #[cold]
    pub(crate) fn note_redirection(&mut self, caller: Caller, error: &CommandError) {
        let CommandError::Misplaced(text) = error else { return };
        let Some(session) = caller.client().and_then(|token| self.sessions.get(token)) else {
            return;
        };
        let now = self.now.monotonic;
        let was_told = self.cluster_work.told_of_loopback;
        if session.peer.is_local
            || !leads_to_loopback(text)
            || was_told.is_some_and(|told| now.since_us(told) < PAUSE_US)
        {
            return;
        }
        let line = format!(
            "A client of another host ({}) is redirected to an address of the loopback interface \
             ({text}). Set cluster-announce-ip on that node, or make the cluster with addresses that \
             clients reach.",
            session.peer.address
        );
        self.cluster_work.told_of_loopback = Some(now);
        self.host.log(LogLevel::Warning, &line);
    }
}

/// Whether a redirection names an address of the loopback interface.
fn leads_to_loopback(redirection: &str) -> bool {
    let Some(endpoint) = redirection.rsplit(' ').next() else { return false };
    // An IPv6 address stands without brackets.
    let ip = endpoint.rsplit_once(':').map_or(endpoint, |(ip, _)| ip);
    let bracketed = endpoint.parse::<SocketAddr>().is_ok_and(|address| address.ip().is_loopback());
    bracketed || ip.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::leads_to_loopback;

    #[test]
    fn redirections_to_the_loopback_interface() {
        for (text, leads) in [
            ("MOVED 1 127.0.0.1:7000", true),
            ("ASK 1 ::1:7000", true),
            ("MOVED 1 10.0.0.1:7000", false),
            ("MOVED 1 localhost:7000", false),
            ("MOVED 1 :7000", false),
            ("CLUSTERDOWN Hash slot not served", false),
        ] {
            assert_eq!(leads_to_loopback(text), leads, "{text}");
        }
    }
}
