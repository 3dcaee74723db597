//! Deadlines of hash fields, towards replicas that do not know them: Redis up to 7.2, Valkey up to 8.
//!
//! Such a replica gets the hash without them; when a field is due, the primary says HDEL.

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
}

fn plain<'a>(words: &'a [&'a [u8]]) -> Plain<'a> {
    const SETTING: [&[u8]; 5] = [b"hexpire", b"hpexpire", b"hexpireat", b"hpexpireat", b"hpersist"];
    let Some(name) = words.first().filter(|name| name.first().is_some_and(|c| c | 32 == b'h'))
    else {
        return Plain::Same;
    };
    if SETTING.iter().any(|one| name.eq_ignore_ascii_case(one)) {
        return Plain::Nothing;
    }
    if name.eq_ignore_ascii_case(b"hsetex") {
        // As the stream has it: HSETEX key KEEPTTL FIELDS count field value ...
        return words.get(5..).map_or(Plain::Nothing, Plain::Fields);
    }
    Plain::Same
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
        if let Plain::Fields(fields) = plain {
            let hset: Vec<&[u8]> =
                [b"HSET", words[1]].into_iter().chain(fields.iter().copied()).collect();
            self.stream.append_for(Audience::Replicas, db, &hset);
        }
        if !std::mem::replace(&mut self.links.told_of_plain, true) {
            self.host.log(
                LogLevel::Warning,
                "A replica does not know deadlines of hash fields: it gets hashes without them, and \
                 HDEL when a field is due. If it becomes the primary, those fields stay.",
            );
        }
    }
}
