//! Which connections are taken at all.
//!
//! Source: redis.io, "Security", section "Protected mode"; "Redis client handling", section
//! "Maximum concurrent connected clients". Texts checked against a 7.2.6 server.

use dunlin_engine::Engine;
use dunlin_session::Peer;

const TOO_MANY: &str = "-ERR max number of clients reached";

const PROTECTED: &str = "-DENIED Redis is running in protected mode because protected mode is \
    enabled and no password is set for the default user. In this mode connections are only \
    accepted from the loopback interface. If you want to connect from external computers to Redis \
    you may adopt one of the following solutions: 1) Just disable protected mode sending the \
    command 'CONFIG SET protected-mode no' from the loopback interface by connecting to Redis from \
    the same host the server is running, however MAKE SURE Redis is not publicly accessible from \
    internet if you do so. Use CONFIG REWRITE to make this change permanent. 2) Alternatively you \
    can just disable the protected mode by editing the Redis configuration file, and setting the \
    protected mode option to 'no', and then restarting the server. 3) If you started the server \
    manually just for testing, restart it with the '--protected-mode no' option. 4) Set up an \
    authentication password for the default user. NOTE: You only need to do one of the above \
    things in order for the server to start accepting connections from the outside.";

/// Why a connection from this peer is not taken, as the line it is told; `None` if it is.
pub(crate) fn refusal(engine: &Engine, peer: &Peer) -> Option<&'static str> {
    if engine.sessions.len() >= engine.config.network.maxclients as usize {
        return Some(TOO_MANY);
    }
    let is_protected = engine.config.network.protected_mode && engine.access().is_open();
    (is_protected && !peer.is_local).then_some(PROTECTED)
}
