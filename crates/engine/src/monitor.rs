//! What MONITOR shows: one line for each command that ran.
//!
//! Source: Redis documentation, "MONITOR"; format checked against a 7.2.6 server.

use std::io::Write;

use dunlin_commands::table::Registered;
use dunlin_commands::{Args, Caller};
use dunlin_resp::Reply;
use dunlin_session::Peer;
use dunlin_spec::Flags;
use dunlin_stdx::time::Now;
use dunlin_stdx::words;

use crate::engine::Engine;
use crate::redact;

impl Engine {
    /// Shows a command that ran to all who watch; `reply` belongs to the caller, who may watch too.
    /// Administration is not shown.
    #[cold]
    pub(crate) fn feed_monitors(
        &mut self,
        caller: Caller,
        registered: Registered,
        args: Args<'_>,
        reply: &mut Reply,
    ) {
        let spec = &registered.command.spec;
        if spec.all_flags().intersects(Flags::ADMIN.union(Flags::SKIP_MONITOR)) {
            return;
        }
        let Some(session) = caller.client().and_then(|token| self.sessions.get(token)) else {
            return;
        };
        let shown = redact::without_secrets(spec, args.words());
        let line = line(self.now, session.db, &session.peer, &shown);
        for monitor in self.sessions.monitors().to_vec() {
            if caller.client() == Some(monitor) {
                reply.raw(&line);
            } else if let Some(reply) = self.sessions.write_to(monitor) {
                reply.raw(&line);
            }
        }
    }
}

/// Time, database, client and words of a command, as a simple string.
fn line(now: Now, db: u32, peer: &Peer, words: &[&[u8]]) -> Vec<u8> {
    let mut line = Vec::new();
    let (seconds, us) = (now.unix_us.div_euclid(1_000_000), now.unix_us.rem_euclid(1_000_000));
    let address = &peer.address;
    let written = match address.strip_suffix(":0") {
        Some(path) if peer.is_unix => write!(line, "+{seconds}.{us:06} [{db} unix:{path}]"),
        _ => write!(line, "+{seconds}.{us:06} [{db} {address}]"),
    };
    written.expect("a Vec takes any bytes");
    for word in words {
        line.push(b' ');
        words::quote(word, &mut line);
    }
    line.extend_from_slice(b"\r\n");
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(peer: &Peer, words: &[&[u8]], expected: &str) {
        let now = Now { unix_us: 1_700_000_000_000_042, ..Now::default() };
        assert_eq!(String::from_utf8_lossy(&line(now, 9, peer, words)), expected);
    }

    #[test]
    fn words_are_quoted_and_clients_named() {
        let tcp = Peer { address: "127.0.0.1:60866".into(), ..Peer::default() };
        let expected = "+1700000000.000042 [9 127.0.0.1:60866] \"set\" \"a\\\"\\x00\" \"\"\r\n";
        check(&tcp, &[b"set", b"a\"\0", b""], expected);
        let unix = Peer { address: "/tmp/s:0".into(), is_unix: true, ..Peer::default() };
        check(&unix, &[b"PING"], "+1700000000.000042 [9 unix:/tmp/s] \"PING\"\r\n");
    }
}
