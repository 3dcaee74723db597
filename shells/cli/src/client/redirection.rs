//! MOVED and ASK.

use dunlin_resp::Value;

use super::{Client, Failed, print_bytes};
use crate::number::leading_integer;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Redirection {
    Moved,
    Ask,
}

impl Client {
    /// If the reply sends us to another node, remembers which.
    pub(super) fn redirect(&mut self, value: &Value) -> bool {
        let Value::Error(text) = value else { return false };
        if !self.options.follow_redirections {
            return false;
        }
        let Some((redirection, slot, host, port)) = redirection(text) else { return false };
        let server = &mut self.options.server;
        // A node that does not know its own name leaves it out.
        if !host.is_empty() {
            server.host = host;
        }
        server.port = port;
        self.leave_socket = true;
        if self.interactive {
            let Self { options, .. } = self;
            let (host, port) = (&options.server.host, options.server.port);
            let line = format!("-> Redirected to slot [{slot}] located at {host}:{port}\n");
            print_bytes(line.as_bytes());
        }
        self.redirected = Some(redirection);
        true
    }

    pub(super) fn send_asking(&mut self) -> Result<(), Failed> {
        match self.connection.as_mut().map(|connection| connection.ask(&[b"ASKING"])) {
            Some(Ok(Value::Error(text))) => {
                eprintln!("ASKING failed: {}", String::from_utf8_lossy(&text));
                Err(Failed::Told)
            }
            Some(Ok(_)) => Ok(()),
            _ => {
                eprintln!("\nI/O error");
                self.connection = None;
                Err(Failed::Told)
            }
        }
    }
}

/// What `MOVED 3999 127.0.0.1:6381` and `ASK ...` say.
fn redirection(text: &[u8]) -> Option<(Redirection, i64, String, u16)> {
    let (redirection, rest) = match text.strip_prefix(b"MOVED ") {
        Some(rest) => (Redirection::Moved, rest),
        None => (Redirection::Ask, text.strip_prefix(b"ASK ")?),
    };
    let space = rest.iter().position(|&byte| byte == b' ')?;
    let (slot, address) = (&rest[..space], &rest[space + 1..]);
    let colon = address.iter().rposition(|&byte| byte == b':')?;
    let port = u16::try_from(leading_integer(&address[colon + 1..])).ok()?;
    let host = String::from_utf8_lossy(&address[..colon]).into_owned();
    Some((redirection, leading_integer(slot), host, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_a_node_sends_us() {
        let to = |text: &str| redirection(text.as_bytes());
        let moved = (Redirection::Moved, 3999, "127.0.0.1".to_owned(), 6381);
        assert_eq!(to("MOVED 3999 127.0.0.1:6381"), Some(moved));
        assert_eq!(to("ASK 1 ::1:7000"), Some((Redirection::Ask, 1, "::1".to_owned(), 7000)));
        assert_eq!(to("MOVED 1 :7000"), Some((Redirection::Moved, 1, String::new(), 7000)));
        for text in ["ERR MOVED", "MOVED 3999", "MOVED 1 host", "MOVED 1 host:70000", "MOVED "] {
            assert_eq!(to(text), None, "{text}");
        }
    }
}
