//! Lines that begin with `#`: what stands in a log beside commands.
//!
//! `#TS:<seconds>` is written with `aof-timestamp-enabled yes`: the time at which the commands behind
//! it ran. A log can be cut at a time because of it.
//!
//! `#DUNLIN-POSITION:<id> <offset> <database> <bytes>` is the last line of a log that was closed in
//! good order: where the stream of changes ended then, and how much of the file is in front of the
//! line. It speaks of a file that ends right there and of no other. Redis passes over it.

/// The longest annotation that Redis reads, its end included.
pub const ANNOTATION_BYTES_MAX: usize = 1023;

/// How the line of a position begins.
const POSITION: &str = "#DUNLIN-POSITION:";

/// Where the stream of changes was when a log was closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamPosition {
    /// The identity of the stream, in hexadecimal digits.
    pub id: [u8; 40],
    /// Its length in bytes.
    pub offset: u64,
    /// The database selected in it.
    pub database: u32,
    /// Bytes of the file in front of the annotation: a file that was edited has others.
    pub file_bytes: u64,
}

impl StreamPosition {
    /// Writes the annotation.
    pub fn annotate(&self, out: &mut Vec<u8>) {
        let Self { id, offset, database, file_bytes } = self;
        out.extend_from_slice(POSITION.as_bytes());
        out.extend_from_slice(id);
        out.extend_from_slice(format!(" {offset} {database} {file_bytes}\r\n").as_bytes());
    }

    /// Reads the annotation, which is taken in no other form than it is written in.
    fn read(line: &[u8]) -> Option<Self> {
        let words = line.strip_prefix(POSITION.as_bytes())?.strip_suffix(b"\r\n")?;
        let mut words = words.split(|byte| *byte == b' ');
        let id: [u8; 40] = words.next()?.try_into().ok()?;
        let mut number = || std::str::from_utf8(words.next()?).ok()?.parse::<u64>().ok();
        let (offset, database) = (number()?, u32::try_from(number()?).ok()?);
        let found = Self { id, offset, database, file_bytes: number()? };
        let mut written = Vec::with_capacity(line.len());
        found.annotate(&mut written);
        (written == line && id.iter().all(|digit| digit.is_ascii_hexdigit())).then_some(found)
    }
}

/// An annotation between two commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Annotation {
    /// The commands behind it ran at this time, in seconds since the Unix epoch, or later.
    Timestamp(i64),
    /// Begins as a timestamp does, but there is no number.
    MalformedTimestamp,
    /// The stream of changes was here when the log was closed, if nothing follows.
    Position(StreamPosition),
    /// Something a later version may understand.
    Other,
}

impl Annotation {
    /// Reads a line from its `#` to its line feed.
    pub(crate) fn read(line: &[u8]) -> Self {
        let Some(text) = line.strip_prefix(b"#TS:") else {
            return StreamPosition::read(line).map_or(Self::Other, Self::Position);
        };
        let seconds = text.strip_suffix(b"\r\n").and_then(dunlin_stdx::number::parse_i64);
        seconds.map_or(Self::MalformedTimestamp, Self::Timestamp)
    }
}

/// Writes `#TS:` before a command when a second has passed.
#[derive(Clone, Copy, Debug)]
pub struct TimestampWriter {
    last_s: i64,
}

impl TimestampWriter {
    /// For a file that is being opened: the first command gets an annotation.
    #[must_use]
    pub const fn new() -> Self {
        Self { last_s: i64::MIN }
    }

    /// Writes an annotation if `unix_s` is later than the last one. A clock that steps back writes
    /// nothing until it has caught up: times in a log never fall.
    pub fn annotate(&mut self, unix_s: i64, out: &mut Vec<u8>) {
        if unix_s > self.last_s {
            self.last_s = unix_s;
            out.extend_from_slice(format!("#TS:{unix_s}\r\n").as_bytes());
        }
    }
}

impl Default for TimestampWriter {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn annotations_are_read() {
        for (line, expected) in [
            ("#TS:1795165380\r\n", Annotation::Timestamp(1_795_165_380)),
            ("#TS:-5\r\n", Annotation::Timestamp(-5)),
            ("#TS:\r\n", Annotation::MalformedTimestamp),
            ("#TS:12x\r\n", Annotation::MalformedTimestamp),
            ("#TS:12\n", Annotation::MalformedTimestamp),
            ("# anything\r\n", Annotation::Other),
            ("#\n", Annotation::Other),
        ] {
            assert_eq!(Annotation::read(line.as_bytes()), expected, "{line:?}");
        }
    }

    #[test]
    fn a_position_is_read_as_it_is_written_and_in_no_other_form() {
        let position =
            StreamPosition { id: [b'a'; 40], offset: u64::MAX, database: 15, file_bytes: 0 };
        let mut line = Vec::new();
        position.annotate(&mut line);
        let text = String::from_utf8(line.clone()).expect("text");
        let id = "a".repeat(40);
        assert_eq!(text, format!("#DUNLIN-POSITION:{id} 18446744073709551615 15 0\r\n"));
        assert!(line.len() < ANNOTATION_BYTES_MAX);
        assert_eq!(Annotation::read(&line), Annotation::Position(position));
        for at in 0..line.len() {
            let mut torn = line.clone();
            torn[at] = 0;
            assert_eq!(Annotation::read(&torn), Annotation::Other, "{at}");
            assert_eq!(Annotation::read(&line[..at]), Annotation::Other, "{at}");
        }
        for wrong in [
            format!("#DUNLIN-POSITION:{id} 1 2\r\n"),
            format!("#DUNLIN-POSITION:{id} 1 2 3 4\r\n"),
            format!("#DUNLIN-POSITION:{id} 01 2 3\r\n"),
            format!("#DUNLIN-POSITION:{id} +1 2 3\r\n"),
            format!("#DUNLIN-POSITION:{id}  1 2 3\r\n"),
            format!("#DUNLIN-POSITION:{id} 1 2 3\n"),
            format!("#DUNLIN-POSITION:{id} 18446744073709551616 2 3\r\n"),
            format!("#DUNLIN-POSITION:{id} 1 4294967296 3\r\n"),
            format!("#DUNLIN-POSITION:{}g 1 2 3\r\n", &id[1..]),
            format!("#dunlin-position:{id} 1 2 3\r\n"),
        ] {
            assert_eq!(Annotation::read(wrong.as_bytes()), Annotation::Other, "{wrong:?}");
        }
    }

    #[test]
    fn a_timestamp_for_each_second_that_is_later() {
        let mut writer = TimestampWriter::new();
        let mut out = Vec::new();
        for second in [7, 7, 8, 3, 8, 9] {
            writer.annotate(second, &mut out);
        }
        assert_eq!(out, b"#TS:7\r\n#TS:8\r\n#TS:9\r\n");
    }
}
