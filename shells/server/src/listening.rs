//! Where the server listens, at start and when CONFIG SET moves it.

use dunlin_config::Config;
use dunlin_reactor::{ListenerControl, ListenerTag, TcpBind, UnixBind, os_error_text};

use crate::log::Log;
use crate::service::{BUS, TCP, UNIX};

/// The server cannot listen as configured; the log says why.
#[derive(Debug)]
pub(crate) struct NotListening;

/// Opens what the configuration asks for.
pub(crate) fn listen(
    config: &Config,
    listeners: &ListenerControl,
    log: &Log,
) -> Result<(), NotListening> {
    let network = &config.network;
    if network.port != 0 {
        listen_tcp(config, listeners, log).map_err(|NotListening| {
            let port = network.port;
            log.warning(format_args!("Failed listening on port {port} (tcp), aborting."));
            NotListening
        })?;
    }
    if !network.unixsocket.is_empty() {
        let path = network.unixsocket.as_path().to_owned();
        let bind = UnixBind { path, mode: network.unixsocketperm };
        listeners.listen_unix(UNIX, &bind, network.tcp_backlog).map_err(|failure| {
            let error = os_error_text(&failure.error);
            log.warning(format_args!("Failed opening Unix socket: {}: {error}", failure.step));
            NotListening
        })?;
    }
    if listeners.count(TCP) + listeners.count(UNIX) == 0 {
        log.warning("Configured to not listen anywhere, exiting.");
        return Err(NotListening);
    }
    Ok(())
}

/// Listens for the other nodes of the cluster, on the addresses of clients.
pub(crate) fn listen_bus(
    config: &Config,
    listeners: &ListenerControl,
    log: &Log,
) -> Result<(), NotListening> {
    let network = &config.network;
    let port = dunlin_commands::cluster::ports(config).bus;
    let refusal = if port == 0 {
        Some(
            "Redis port number too high. Cluster communication port is 10,000 port numbers higher \
             than your Redis port. Your Redis port number must be 55535 or less.",
        )
    } else if network.bind.0.is_empty() {
        Some("No bind address is configured, but it is required for the Cluster bus.")
    } else {
        None
    };
    if let Some(refusal) = refusal {
        log.warning(refusal);
        return Err(NotListening);
    }
    listen_at(BUS, port, config, listeners, log).map_err(|NotListening| {
        log.warning(format_args!("Failed listening on port {port} (cluster), aborting."));
        NotListening
    })
}

/// Listens on the configured addresses and no others; also while the server runs.
pub(crate) fn listen_tcp(
    config: &Config,
    listeners: &ListenerControl,
    log: &Log,
) -> Result<(), NotListening> {
    listen_at(TCP, config.network.port, config, listeners, log)
}

/// Listens on a port of the configured addresses; on none if it is 0.
fn listen_at(
    tag: ListenerTag,
    port: u16,
    config: &Config,
    listeners: &ListenerControl,
    log: &Log,
) -> Result<(), NotListening> {
    let network = &config.network;
    let addresses = if port == 0 { &[][..] } else { &network.bind.0 };
    let binds: Vec<TcpBind> = addresses.iter().map(|word| TcpBind::parse(word, port)).collect();
    let outcome = listeners.listen_tcp(tag, &binds, network.tcp_backlog);
    for failure in outcome.as_ref().unwrap_or_else(|failures| failures) {
        log.warning(format_args!(
            "Warning: Could not create server TCP listening socket {failure}"
        ));
    }
    outcome.map(drop).map_err(|_| NotListening)
}

#[cfg(test)]
mod tests {
    use super::*;
    use dunlin_reactor::{CycleClock, Reactor};

    #[test]
    fn nowhere_to_listen_is_an_error() {
        let reactor = Reactor::new(CycleClock::new()).expect("reactor");
        let mut config = Config::default();
        config.network.port = 0;
        let log = Log::new();
        listen(&config, &reactor.listeners(), &log).expect_err("nowhere");
        let dir = tempfile::tempdir().expect("dir");
        let path = dir.path().join("s");
        config.network.unixsocket = path.to_str().expect("utf-8").into();
        listen(&config, &reactor.listeners(), &log).expect("socket");
        assert_eq!(reactor.listeners().unix_path(), Some(path));
    }
}
