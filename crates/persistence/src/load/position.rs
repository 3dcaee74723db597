//! Where in the stream of changes a data set is, as the file that holds it says.

use dunlin_stdx::number::parse_i64;

use crate::snapshot::ReplicationAux;

/// The fields of a snapshot that tell its position, as far as they were met.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct PositionFields {
    stream_db: Option<u32>,
    id: Option<[u8; 40]>,
    offset: Option<u64>,
}

impl PositionFields {
    /// Takes note of what a snapshot says of itself. Of several that agree on nothing the last one
    /// counts; one that is no position makes it unknown.
    pub(crate) fn note(&mut self, name: &[u8], value: &[u8]) {
        match name {
            b"repl-stream-db" => self.stream_db = number(value).and_then(|n| n.try_into().ok()),
            b"repl-id" => self.id = stream_id(value),
            b"repl-offset" => self.offset = number(value),
            _ => {}
        }
    }

    /// The position, if all of it is known and there is such a database.
    pub(crate) fn position(&self, databases: u32) -> Option<ReplicationAux> {
        let Self { stream_db, id, offset } = *self;
        let stream_db = stream_db.filter(|db| *db < databases)?;
        Some(ReplicationAux { stream_db, id: id?, offset: offset? })
    }
}

fn number(text: &[u8]) -> Option<u64> {
    parse_i64(text).and_then(|number| u64::try_from(number).ok())
}

/// The identity of a stream: 40 hexadecimal digits.
fn stream_id(text: &[u8]) -> Option<[u8; 40]> {
    text.iter().all(u8::is_ascii_hexdigit).then(|| text.try_into().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &[u8] = b"0123456789abcdef0123456789abcdef01234567";

    fn position(fields: &[(&str, &[u8])]) -> Option<(u32, u64)> {
        let mut found = PositionFields::default();
        fields.iter().for_each(|(name, value)| found.note(name.as_bytes(), value));
        found.position(16).map(|position| (position.stream_db, position.offset))
    }

    #[test]
    fn a_position_is_whole_or_unknown() {
        let good: [(&str, &[u8]); 3] =
            [("repl-stream-db", b"3"), ("repl-id", ID), ("repl-offset", b"77")];
        assert_eq!(position(&good), Some((3, 77)));
        assert_eq!(position(&[good[2], good[1], ("ctime", b"5"), good[0]]), Some((3, 77)));
        for missing in 0..3 {
            let mut fields = good.to_vec();
            fields.remove(missing);
            assert_eq!(position(&fields), None);
        }
        let wrong: [(&str, &[u8]); 9] = [
            ("repl-stream-db", b"16"),
            ("repl-stream-db", b"-1"),
            ("repl-stream-db", b"x"),
            ("repl-id", &ID[1..]),
            ("repl-id", b""),
            ("repl-id", b"g123456789abcdef0123456789abcdef01234567"),
            ("repl-offset", b"-1"),
            ("repl-offset", b"9223372036854775808"),
            ("repl-offset", b" 1"),
        ];
        for field in wrong {
            assert_eq!(position(&[good[0], good[1], good[2], field]), None, "{field:?}");
        }
    }
}
