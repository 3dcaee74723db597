//! Deadlines of hash fields, towards replicas that do not know them: Redis up to 7.2, Valkey up to 8.
//!
//! Such a replica gets the hash without them; when a field is due, the primary says HDEL.

use dunlin_config::LogLevel;

use crate::engine::Engine;
use crate::stream::{Audience, EffectStream};

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

impl EffectStream {
    /// Adds a command, for replicas that may not know deadlines of fields in the form they know.
    /// Whether anything was withheld.
    pub(crate) fn append_plainly(&mut self, audience: Audience, db: u32, words: &[&[u8]]) -> bool {
        match plain(words) {
            Plain::Same => {
                self.append_for(audience, db, words);
                return false;
            }
            Plain::Nothing => self.append_for(Audience::Log, db, words),
            Plain::Fields(fields) => {
                self.append_for(Audience::Log, db, words);
                let hset: Vec<&[u8]> =
                    [b"HSET", words[1]].into_iter().chain(fields.iter().copied()).collect();
                self.append_for(Audience::Replicas, db, &hset);
            }
        }
        true
    }
}

impl Engine {
    /// Adds a command to the stream.
    pub(crate) fn record(&mut self, audience: Audience, db: u32, words: &[&[u8]]) {
        if matches!(plain(words), Plain::Same) {
            return self.stream.append_for(audience, db, words);
        }
        if self.replication.replicas.take_field_deadlines() {
            self.stream.append_for(audience, db, words);
            return self.stream.note_field_deadlines();
        }
        self.stream.append_plainly(audience, db, words);
        if !std::mem::replace(&mut self.links.told_of_plain, true) {
            self.host.log(
                LogLevel::Warning,
                "A replica does not know deadlines of hash fields: it gets hashes without them, and \
                 HDEL when a field is due. If it becomes the primary, those fields stay.",
            );
        }
    }
}
