//! Deadlines of hash fields, towards replicas that do not know them: Redis up to 7.2, Valkey up to 8.
//!
//! Such a replica gets the hash without them; when a field is due, the primary says HDEL. Payloads of
//! RESTORE are written anew for it, as Redis 7.0 writes them.

use dunlin_config::LogLevel;

use crate::engine::Engine;
use crate::stream::Audience;

/// What becomes of a command for a replica that does not know deadlines of fields.
enum Plain<'a> {
    /// It is the same.
    Same,
    /// It is left out.
    Nothing,
    /// HSET with these fields and values.
    Fields(&'a [&'a [u8]]),
    /// RESTORE with another payload.
    Payload,
}

fn plain<'a>(words: &'a [&'a [u8]]) -> Plain<'a> {
    const SETTING: [&[u8]; 5] = [b"hexpire", b"hpexpire", b"hexpireat", b"hpexpireat", b"hpersist"];
    let Some(name) = words.first() else { return Plain::Same };
    match name.first().map(|first| first | 32) {
        Some(b'h') => {}
        Some(b'r') if is_restore(name) => {
            let is_plain = words.get(3).is_none_or(|payload| dunlin_rdb::is_plain(payload));
            return if is_plain { Plain::Same } else { Plain::Payload };
        }
        _ => return Plain::Same,
    }
    if SETTING.iter().any(|one| name.eq_ignore_ascii_case(one)) {
        return Plain::Nothing;
    }
    if name.eq_ignore_ascii_case(b"hsetex") {
        // As the stream has it: HSETEX key KEEPTTL FIELDS count field value ...
        return words.get(5..).map_or(Plain::Nothing, Plain::Fields);
    }
    Plain::Same
}

fn is_restore(name: &[u8]) -> bool {
    name.eq_ignore_ascii_case(b"restore") || name.eq_ignore_ascii_case(b"restore-asking")
}

impl Engine {
    /// Adds a command to the stream, for replicas that do not know deadlines of fields in a form that
    /// they know.
    pub(crate) fn record(&mut self, audience: Audience, db: u32, words: &[&[u8]]) {
        let plain = plain(words);
        if matches!(plain, Plain::Same) {
            return self.stream.append_for(audience, db, words);
        }
        if self.replication.replicas.take_field_deadlines() {
            self.stream.append_for(audience, db, words);
            return self.stream.note_field_deadlines();
        }
        self.stream.append_for(Audience::Log, db, words);
        match plain {
            Plain::Fields(fields) => {
                let hset: Vec<&[u8]> =
                    [b"HSET", words[1]].into_iter().chain(fields.iter().copied()).collect();
                self.stream.append_for(Audience::Replicas, db, &hset);
            }
            Plain::Payload if !self.record_plain_payload(db, words) => return,
            Plain::Same | Plain::Nothing | Plain::Payload => {}
        }
        if !std::mem::replace(&mut self.links.told_of_plain, true) {
            self.host.log(
                LogLevel::Warning,
                "A replica does not know deadlines of hash fields: it gets hashes without them, and \
                 HDEL when a field is due. If it becomes the primary, those fields stay.",
            );
        }
    }

    /// RESTORE has run: what it has made is told in a form that a plain replica knows. Whether fields
    /// lose deadlines by that.
    fn record_plain_payload(&mut self, db: u32, words: &[&[u8]]) -> bool {
        let Some(entry) = self.keyspace.held(db, words[1]) else { return false };
        let (payload, has_deadlines) =
            (dunlin_rdb::dump_plain(&entry), entry.earliest_field_deadline().is_some());
        let mut restore = words.to_vec();
        restore[3] = &payload;
        self.stream.append_for(Audience::Replicas, db, &restore);
        has_deadlines
    }
}
