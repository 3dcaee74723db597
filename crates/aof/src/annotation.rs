//! Lines that begin with `#`: what stands in a log beside commands.
//!
//! The only one that is written is `#TS:<seconds>`, with `aof-timestamp-enabled yes`: the time at
//! which the commands behind it ran. A log can be cut at a time because of it.

/// The longest annotation that Redis reads, its end included.
pub const ANNOTATION_BYTES_MAX: usize = 1023;

/// An annotation between two commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Annotation {
    /// The commands behind it ran at this time, in seconds since the Unix epoch, or later.
    Timestamp(i64),
    /// Begins as a timestamp does, but there is no number.
    MalformedTimestamp,
    /// Something a later version may understand.
    Other,
}

impl Annotation {
    /// Reads a line from its `#` to its line feed.
    pub(crate) fn read(line: &[u8]) -> Self {
        let Some(text) = line.strip_prefix(b"#TS:") else { return Self::Other };
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
    fn a_timestamp_for_each_second_that_is_later() {
        let mut writer = TimestampWriter::new();
        let mut out = Vec::new();
        for second in [7, 7, 8, 3, 8, 9] {
            writer.annotate(second, &mut out);
        }
        assert_eq!(out, b"#TS:7\r\n#TS:8\r\n#TS:9\r\n");
    }
}
