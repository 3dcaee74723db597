//! A connection to a target.

use dunlin_stdx::time::Monotonic;

use crate::request::TransferId;

/// Longest line that a target may answer with, as in Redis.
const LINE_BYTES_MAX: usize = 1024;

/// A connection, or the attempt at one.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) host: String,
    pub(crate) port: u16,
    /// Which transfer it belongs to; none while it is kept for the next one.
    pub(crate) user: Option<TransferId>,
    /// The database that is selected, if that is known.
    pub(crate) db: Option<i64>,
    pub(crate) last_used: Monotonic,
    /// The beginning of a line.
    line: Vec<u8>,
}

/// What has arrived is not the reply to anything.
#[derive(Debug)]
pub(crate) struct BrokenReply;

impl Link {
    pub(crate) fn new(host: String, port: u16, user: TransferId, now: Monotonic) -> Self {
        let user = Some(user);
        Self { host, port, user, db: None, last_used: now, line: Vec::new() }
    }

    pub(crate) fn is_idle_to(&self, host: &str, port: u16) -> bool {
        self.user.is_none() && self.port == port && self.host == host
    }

    /// Calls `visit` with each line that is complete, until it fails.
    pub(crate) fn lines(
        &mut self,
        mut bytes: &[u8],
        mut visit: impl FnMut(&[u8]) -> Result<(), BrokenReply>,
    ) -> Result<(), BrokenReply> {
        while let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
            let (line, rest) = (&bytes[..end], &bytes[end + 1..]);
            if self.line.is_empty() {
                visit(line.strip_suffix(b"\r").unwrap_or(line))?;
            } else {
                self.line.extend_from_slice(line);
                let whole = std::mem::take(&mut self.line);
                visit(whole.strip_suffix(b"\r").unwrap_or(&whole))?;
            }
            bytes = rest;
        }
        self.line.extend_from_slice(bytes);
        if self.line.len() > LINE_BYTES_MAX { Err(BrokenReply) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_found_however_they_arrive() {
        let text = b"+OK\r\n-ERR no\r\n+\n";
        for cut in 0..text.len() {
            let mut link = Link::new("h".into(), 1, TransferId(1), Monotonic(0));
            let mut lines = Vec::new();
            for part in [&text[..cut], &text[cut..]] {
                let visit = |line: &[u8]| {
                    lines.push(String::from_utf8(line.to_vec()).unwrap());
                    Ok(())
                };
                link.lines(part, visit).unwrap();
            }
            assert_eq!(lines, ["+OK", "-ERR no", "+"], "cut at {cut}");
        }
    }

    #[test]
    fn a_line_without_an_end_is_given_up() {
        let mut link = Link::new("h".into(), 1, TransferId(1), Monotonic(0));
        assert!(link.lines(&[b'+'; LINE_BYTES_MAX], |_| Ok(())).is_ok());
        assert!(link.lines(b"x", |_| Ok(())).is_err());
    }
}
