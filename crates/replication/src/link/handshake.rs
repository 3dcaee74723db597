//! What a replica asks its primary, and what follows from the answers.

use std::collections::VecDeque;

use dunlin_resp::write_request;

use super::transfer::{MARK_BYTES, Transfer};
use super::{LinkFault, LinkStep, PrimaryLink, Stage};
use crate::announcement::Announcement;
use crate::id::ReplId;
use crate::line::Line;

/// Largest snapshot that is taken: what a file can hold.
const SNAPSHOT_BYTES_MAX: u64 = i64::MAX as u64;

/// A reply that is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Question {
    Ping,
    Auth,
    /// An option of REPLCONF; a primary that does not know it is no reason to give up.
    Option(&'static str),
    Psync,
}

impl PrimaryLink {
    /// A reply has come.
    pub(super) fn answer(&mut self, line: &[u8]) -> LinkStep {
        let Stage::Asked(due) = &mut self.stage else { return LinkStep::Wait };
        let Some(question) = due.pop_front() else { return LinkStep::Wait };
        let is_last = due.is_empty();
        match question {
            Question::Ping => self.answer_to_ping(line),
            Question::Psync => self.answer_to_psync(line),
            Question::Auth if line.starts_with(b"-") => {
                self.break_off(format!("Unable to AUTH to MASTER: {}", text(line)))
            }
            Question::Option(name) if line.starts_with(b"-") => {
                self.lines.push(Line::notice(format!(
                    "(Non critical) Master does not understand REPLCONF {name}: {}",
                    text(line)
                )));
                self.after_option(is_last)
            }
            Question::Auth | Question::Option(_) => self.after_option(is_last),
        }
    }

    fn after_option(&mut self, is_last: bool) -> LinkStep {
        if !is_last {
            // Nothing to send, and the next reply may be there already.
            return LinkStep::Send(Vec::new());
        }
        self.ask_for_stream()
    }

    fn answer_to_ping(&mut self, line: &[u8]) -> LinkStep {
        let tolerated: [&[u8]; 4] = [b"+", b"-NOAUTH", b"-NOPERM", b"-ERR operation not permitted"];
        if !tolerated.iter().any(|start| line.starts_with(start)) {
            return self.break_off(format!("Error reply to PING from master: '{}'", text(line)));
        }
        self.notice("Master replied to PING, replication can continue...");
        let Some(own) = &self.introduction else { return LinkStep::Wait };
        let (mut bytes, mut due) = (Vec::new(), VecDeque::new());
        if let Some(credentials) = &own.credentials {
            let mut words: Vec<&[u8]> = vec![b"AUTH"];
            if !credentials.user.is_empty() {
                words.push(&credentials.user);
            }
            words.push(&credentials.password);
            write_request(&mut bytes, &words);
            due.push_back(Question::Auth);
        }
        let port = own.port.to_string();
        write_request(&mut bytes, &[b"REPLCONF", b"listening-port", port.as_bytes()]);
        due.push_back(Question::Option("listening-port"));
        if let Some(address) = &own.address {
            write_request(&mut bytes, &[b"REPLCONF", b"ip-address", address.as_bytes()]);
            due.push_back(Question::Option("ip-address"));
        }
        let mut words: Vec<&[u8]> = vec![b"REPLCONF"];
        for name in Announcement::own_capabilities() {
            words.extend([b"capa".as_slice(), name]);
        }
        write_request(&mut bytes, &words);
        due.push_back(Question::Option("capa"));
        self.stage = Stage::Asked(due);
        LinkStep::Send(bytes)
    }

    fn ask_for_stream(&mut self) -> LinkStep {
        let Some(own) = &self.introduction else { return LinkStep::Wait };
        let (replid, offset) = match own.position {
            Some((replid, next)) => (replid.to_string(), next.to_string()),
            None => ("?".to_owned(), "-1".to_owned()),
        };
        let mut words: Vec<&[u8]> = vec![b"PSYNC", replid.as_bytes(), offset.as_bytes()];
        if own.asks_for_failover {
            words.push(b"FAILOVER");
        }
        let mut bytes = Vec::new();
        write_request(&mut bytes, &words);
        let line = match own.position {
            Some((replid, next)) => {
                format!("Trying a partial resynchronization (request {replid}:{next}).")
            }
            None => "Partial resynchronization not possible (no cached master)".to_owned(),
        };
        self.notice(line);
        self.stage = Stage::Asked(VecDeque::from([Question::Psync]));
        LinkStep::Send(bytes)
    }

    fn answer_to_psync(&mut self, line: &[u8]) -> LinkStep {
        let asked_for_failover =
            self.introduction.as_ref().is_some_and(|own| own.asks_for_failover);
        if let Some(rest) = strip_word(line, b"+FULLRESYNC") {
            return self.full_sync(rest);
        }
        if let Some(rest) = strip_word(line, b"+CONTINUE") {
            return self.partial_sync(rest);
        }
        if asked_for_failover {
            return LinkStep::Fault(LinkFault::FailoverRefused(text(line)));
        }
        if line.starts_with(b"-NOMASTERLINK") || line.starts_with(b"-LOADING") {
            return LinkStep::Fault(LinkFault::TryLater(format!(
                "Master is currently unable to PSYNC but should be in the future: {}",
                text(line)
            )));
        }
        if !line.starts_with(b"-ERR") {
            self.warning(format!("Unexpected reply to PSYNC from master: {}", text(line)));
        } else {
            self.notice(format!(
                "Master does not support PSYNC or is in error state (reply: {})",
                text(line)
            ));
        }
        self.notice("Retrying with SYNC...");
        self.stage = Stage::Header;
        LinkStep::Send(b"SYNC\r\n".to_vec())
    }

    fn full_sync(&mut self, rest: &[u8]) -> LinkStep {
        let mut words = rest.split(|byte| *byte == b' ').filter(|word| !word.is_empty());
        let replid = words.next().and_then(ReplId::parse);
        let offset = words.next().and_then(number);
        let (Some(replid), Some(offset), None) = (replid, offset, words.next()) else {
            return self.break_off(format!(
                "Master replied with wrong +FULLRESYNC syntax: {}",
                text(rest)
            ));
        };
        self.notice(format!("Full resync from master: {replid}:{offset}"));
        self.stage = Stage::Header;
        LinkStep::FullSync(Some((replid, offset)))
    }

    fn partial_sync(&mut self, rest: &[u8]) -> LinkStep {
        let position = self.introduction.as_ref().and_then(|own| own.position);
        let Some((asked, _)) = position else {
            return self.break_off("Master continues a stream that was not asked for".to_owned());
        };
        self.notice("Successful partial resynchronization with master.");
        let replid = match rest {
            b"" => None,
            digits => match ReplId::parse(digits) {
                Some(replid) => Some(replid).filter(|replid| *replid != asked),
                None => {
                    let why = format!("Master replied with a wrong replication id: {}", text(rest));
                    return self.break_off(why);
                }
            },
        };
        if let Some(replid) = replid {
            self.notice(format!("Master replication ID changed to {replid}"));
        }
        self.notice("MASTER <-> REPLICA sync: Master accepted a Partial Resynchronization.");
        self.stage = Stage::Connected;
        self.down_since = None;
        LinkStep::Continue(replid)
    }

    /// The line in front of a snapshot.
    pub(super) fn header(&mut self, line: &[u8]) -> LinkStep {
        if line.starts_with(b"-") {
            let why = format!("MASTER aborted replication with an error: {}", text(&line[1..]));
            return self.break_off(why);
        }
        let from_stream = self.introduction.as_ref().is_some_and(|own| own.loads_from_stream);
        let place = if from_stream { "parser" } else { "disk" };
        let mark = line.strip_prefix(b"$EOF:").map(<[u8; MARK_BYTES]>::try_from);
        let len = line.strip_prefix(b"$").and_then(number);
        let (transfer, told) = match (mark, len) {
            (Some(Ok(mark)), _) => {
                (Transfer::with_mark(mark), format!("streamed RDB from master with EOF to {place}"))
            }
            (None, Some(len)) if len <= SNAPSHOT_BYTES_MAX => {
                (Transfer::of_length(len), format!("{len} bytes from master to {place}"))
            }
            _ => {
                return self.break_off(format!(
                    "Bad protocol from MASTER, the first byte is not '$' (we received '{}'), are \
                     you sure the host and port are right?",
                    text(line)
                ));
            }
        };
        self.notice(format!("MASTER <-> REPLICA sync: receiving {told}"));
        let len = transfer.len();
        self.stage = Stage::Transfer(transfer);
        LinkStep::SnapshotBegins(len)
    }
}

/// What follows a word, if the line begins with it.
fn strip_word<'a>(line: &'a [u8], word: &[u8]) -> Option<&'a [u8]> {
    let (start, rest) = line.split_at_checked(word.len())?;
    let ends = rest.is_empty() || rest.starts_with(b" ");
    (start.eq_ignore_ascii_case(word) && ends).then(|| rest.trim_ascii())
}

fn number(digits: &[u8]) -> Option<u64> {
    let is_plain = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    is_plain.then(|| str::from_utf8(digits).ok()?.parse().ok()).flatten()
}

/// A peer's words as the log shows them: bounded, and without what would break the line.
fn text(line: &[u8]) -> String {
    const SHOWN_BYTES_MAX: usize = 200;
    let shown = &line[..line.len().min(SHOWN_BYTES_MAX)];
    let shown = shown.iter().map(|byte| if byte.is_ascii_control() { b'?' } else { *byte });
    String::from_utf8_lossy(&shown.collect::<Vec<u8>>()).into_owned()
}
