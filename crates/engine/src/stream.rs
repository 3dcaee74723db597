//! The stream of changes: every write command as it is to be repeated elsewhere, in order.
//!
//! The append-only file and replicas read the same bytes: requests in RESP, with a SELECT before a
//! command that works on another database than the one before it.
//!
//! Source: Redis documentation, "Replication"; "Persistence", section on the append-only file.

use std::ops::Range;

use dunlin_keyspace::DatabaseIndex;
use dunlin_resp::write_request;

const MULTI: &[u8] = b"*1\r\n$5\r\nMULTI\r\n";
const EXEC: &[u8] = b"*1\r\n$4\r\nEXEC\r\n";

/// Room that is kept for the changes of the next turn.
const KEPT_BYTES_MAX: usize = 1024 * 1024;

/// Requests to be repeated by whoever follows this server.
#[derive(Debug, Default)]
pub struct EffectStream {
    /// Whether anybody follows; else nothing is encoded.
    wanted: bool,
    selected: Option<DatabaseIndex>,
    bytes: Vec<u8>,
    unit: Unit,
    /// Commands recorded.
    commands: u32,
    /// Parts of `bytes` that are not for everybody, in order.
    exclusive: Vec<(Range<usize>, Audience)>,
    /// Whether commands are among them that set deadlines of hash fields.
    field_deadlines: bool,
}

/// For whom a command is recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    /// The append-only file and replicas.
    All,
    /// Replicas: it concerns their clients and no data (PUBLISH), or takes the place of what they do
    /// not know.
    Replicas,
    /// The append-only file: there are replicas that do not know the command.
    Log,
}

/// Commands that are to be applied together or not at all.
#[derive(Debug, Default)]
struct Unit {
    /// Units within units count as one.
    depth: u32,
    /// Where the outermost one begins.
    start: usize,
    /// Commands in it.
    commands: u32,
}

impl EffectStream {
    /// Starts or stops recording. A new follower is told the database first.
    pub(crate) fn set_wanted(&mut self, wanted: bool) {
        self.wanted = wanted;
        self.selected = None;
    }

    /// Whether anybody follows.
    #[must_use]
    pub const fn is_wanted(&self) -> bool {
        self.wanted
    }

    /// What follows, up to [`EffectStream::end_unit`], belongs together.
    pub const fn begin_unit(&mut self) {
        if self.unit.depth == 0 {
            (self.unit.start, self.unit.commands) = (self.bytes.len(), 0);
        }
        self.unit.depth += 1;
    }

    /// Ends a unit. If it is the outermost one and holds more than one command, they are put
    /// between MULTI and EXEC, unless they need not be applied together.
    pub fn end_unit(&mut self, together: bool) {
        self.unit.depth -= 1;
        if self.unit.depth == 0 && self.unit.commands > 1 && together {
            let start = self.unit.start;
            self.bytes.splice(start..start, MULTI.iter().copied());
            for (part, _) in self.exclusive.iter_mut().filter(|(part, _)| part.start >= start) {
                *part = part.start + MULTI.len()..part.end + MULTI.len();
            }
            self.bytes.extend_from_slice(EXEC);
        }
    }

    /// Adds a command that works on database `db`.
    pub fn append(&mut self, db: DatabaseIndex, words: &[&[u8]]) {
        self.append_for(Audience::All, db, words);
    }

    /// Adds a command that works on database `db` and is for some of those who follow.
    pub fn append_for(&mut self, audience: Audience, db: DatabaseIndex, words: &[&[u8]]) {
        if self.selected != Some(db) {
            self.selected = Some(db);
            let mut digits = itoa::Buffer::new();
            let index = digits.format(db).as_bytes();
            write_request(&mut self.bytes, &[b"SELECT", index]);
        }
        self.unit.commands += 1;
        self.commands += 1;
        let start = self.bytes.len();
        write_request(&mut self.bytes, words);
        if audience != Audience::All {
            self.exclusive.push((start..self.bytes.len(), audience));
        }
    }

    /// Adds a command between replicas and this server that works on no database.
    pub fn append_for_replicas(&mut self, words: &[&[u8]]) {
        let start = self.bytes.len();
        write_request(&mut self.bytes, words);
        self.exclusive.push((start..self.bytes.len(), Audience::Replicas));
    }

    /// What was recorded since the last call sets deadlines of hash fields.
    pub const fn note_field_deadlines(&mut self) {
        self.field_deadlines = true;
    }

    /// Whether what was recorded sets deadlines of hash fields.
    #[must_use]
    pub const fn has_field_deadlines(&self) -> bool {
        self.field_deadlines
    }

    /// Commands that were recorded since the last [`EffectStream::clear`].
    #[must_use]
    pub const fn commands(&self) -> u32 {
        self.commands
    }

    /// The database that the next command works on unless it names one.
    #[must_use]
    pub fn selected_database(&self) -> DatabaseIndex {
        self.selected.unwrap_or(0)
    }

    /// Bytes recorded for the append-only file.
    #[must_use]
    pub fn recorded_for_log(&self) -> usize {
        self.recorded_for(Audience::Log)
    }

    /// Bytes recorded for replicas.
    #[must_use]
    pub fn recorded_for_replicas(&self) -> usize {
        self.recorded_for(Audience::Replicas)
    }

    fn recorded_for(&self, audience: Audience) -> usize {
        let not_for = self.exclusive.iter().filter(|(_, only)| *only != audience);
        self.bytes.len() - not_for.map(|(part, _)| part.len()).sum::<usize>()
    }

    /// Shows what was recorded for the append-only file, or for replicas, in pieces.
    pub fn for_each_part(&self, audience: Audience, mut show: impl FnMut(&[u8])) {
        let mut at = 0;
        for (part, _) in self.exclusive.iter().filter(|(_, only)| *only != audience) {
            if part.start > at {
                show(&self.bytes[at..part.start]);
            }
            at = part.end;
        }
        if at < self.bytes.len() {
            show(&self.bytes[at..]);
        }
    }

    /// Whether nothing was recorded since the last call of [`EffectStream::take`].
    #[must_use]
    #[inline]
    pub const fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Whether a unit has begun and not ended: what was recorded is not to be looked at yet.
    #[must_use]
    pub const fn is_in_unit(&self) -> bool {
        self.unit.depth > 0
    }

    /// What was recorded since the last call, for a reader that takes it out with
    /// [`EffectStream::clear`].
    #[must_use]
    pub fn recorded(&self) -> &[u8] {
        &self.bytes
    }

    /// Forgets what was recorded and keeps the memory, unless it is much.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.bytes.shrink_to(KEPT_BYTES_MAX);
        self.exclusive.clear();
        self.commands = 0;
        self.field_deadlines = false;
    }

    /// The next command names its database, whatever was named before: another file begins.
    pub const fn forget_database(&mut self) {
        self.selected = None;
    }

    /// Takes what was recorded since the last call.
    pub fn take(&mut self) -> Vec<u8> {
        let bytes = std::mem::take(&mut self.bytes);
        self.clear();
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_database_is_named_when_it_changes() {
        let mut stream = EffectStream::default();
        stream.append(0, &[b"DEL", b"a"]);
        stream.append(0, &[b"DEL", b""]);
        stream.append(3, &[b"DEL", b"b"]);
        let expected = "*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n*2\r\n$3\r\nDEL\r\n$1\r\na\r\n\
                        *2\r\n$3\r\nDEL\r\n$0\r\n\r\n\
                        *2\r\n$6\r\nSELECT\r\n$1\r\n3\r\n*2\r\n$3\r\nDEL\r\n$1\r\nb\r\n";
        assert_eq!(String::from_utf8_lossy(&stream.take()), expected);
        assert!(stream.take().is_empty());
    }

    fn words(stream: &mut EffectStream) -> String {
        let bytes = stream.take();
        let lines: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').collect();
        let is_word = |line: &&&[u8]| line.first().is_some_and(u8::is_ascii_alphanumeric);
        let words: Vec<_> =
            lines.iter().filter(is_word).map(|line| String::from_utf8_lossy(line)).collect();
        words.join("").replace('\r', " ").trim_end().to_owned()
    }

    #[test]
    fn units_of_more_than_one_command_are_transactions() {
        let mut stream = EffectStream::default();
        stream.begin_unit();
        stream.append(0, &[b"DEL", b"a"]);
        stream.end_unit(true);
        assert_eq!(words(&mut stream), "SELECT 0 DEL a");
        stream.begin_unit();
        for key in [b"a", b"b"] {
            stream.begin_unit();
            stream.append(3, &[b"DEL", key]);
            stream.end_unit(false);
        }
        stream.end_unit(true);
        assert_eq!(words(&mut stream), "MULTI SELECT 3 DEL a DEL b EXEC");
        stream.begin_unit();
        stream.append(3, &[b"DEL", b"a"]);
        stream.append(3, &[b"DEL", b"b"]);
        stream.end_unit(false);
        assert_eq!(words(&mut stream), "DEL a DEL b");
    }
}
