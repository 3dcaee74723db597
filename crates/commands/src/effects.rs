//! What a command changed: the one stream that replication, the append-only file, notifications
//! and tracking read from (see ARCHITECTURE.md, "Life of a write").
//!
//! A command that changes data calls [`Effects::changed`]; it is then propagated as the client sent
//! it, unless it says with [`Effects::rewrite`] what to send instead: relative times become
//! absolute, random choices and floating point sums become their result.
//!
//! Source: Redis documentation, "Replication", "How Redis replication deals with expires".

use dunlin_keyspace::{DatabaseIndex, Incident, IncidentsWanted, KeyIncident, RemovalCause};

bitflags::bitflags! {
    /// Classes of keyspace events, by the letters of `notify-keyspace-events`.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct KeyEventClass: u16 {
        /// `K`: events are published to `__keyspace@<db>__:<key>`.
        const KEYSPACE = 1 << 0;
        /// `E`: events are published to `__keyevent@<db>__:<event>`.
        const KEYEVENT = 1 << 1;
        /// `g`: commands that work on any type.
        const GENERIC = 1 << 2;
        /// `$`: strings.
        const STRING = 1 << 3;
        /// `l`: lists.
        const LIST = 1 << 4;
        /// `s`: sets.
        const SET = 1 << 5;
        /// `h`: hashes.
        const HASH = 1 << 6;
        /// `z`: sorted sets.
        const SORTED_SET = 1 << 7;
        /// `x`: a key expired.
        const EXPIRED = 1 << 8;
        /// `e`: a key was evicted.
        const EVICTED = 1 << 9;
        /// `t`: streams.
        const STREAM = 1 << 10;
        /// `m`: a read missed its key (not part of `A`).
        const KEY_MISS = 1 << 11;
        /// `d`: modules.
        const MODULE = 1 << 12;
        /// `n`: a key was created (not part of `A`).
        const NEW = 1 << 13;
    }
}

const CHANNELS: KeyEventClass = KeyEventClass::KEYSPACE.union(KeyEventClass::KEYEVENT);

/// Something that happened to a key, for subscribers; where a key was removed, for followers too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyEvent {
    /// The class subscribers chose.
    pub class: KeyEventClass,
    /// The name of the event, `set` for example.
    pub name: &'static str,
    /// The database.
    pub db: DatabaseIndex,
    /// The key.
    pub key: Box<[u8]>,
    /// Why the key was removed, if that is what happened, and no command did it.
    pub removal: Option<RemovalCause>,
    /// The fields that were removed from the key, if that is what happened.
    pub fields: Vec<Box<[u8]>>,
}

/// Collects what one command changed.
#[derive(Debug, Default)]
pub struct Effects {
    changes: u64,
    /// Whether nobody repeats the commands: rewritten words are not kept.
    unfollowed: bool,
    rewritten: Rewritten,
    rewrites: bool,
    /// The client's words are propagated although nothing changed.
    propagate_unchanged: bool,
    /// They are for replicas alone.
    for_replicas: bool,
    /// Which classes of events are to be told (`notify-keyspace-events`).
    configured: KeyEventClass,
    /// Whether nobody could hear of an event.
    unheard: bool,
    /// Which classes of events somebody may hear of; others are not recorded.
    event_mask: KeyEventClass,
    events: Vec<KeyEvent>,
}

/// Commands to propagate instead of the client's, back to back in one buffer.
#[derive(Debug, Default)]
struct Rewritten {
    bytes: Vec<u8>,
    /// End of each word in `bytes`.
    word_ends: Vec<usize>,
    /// Index behind the last word of each command in `word_ends`.
    command_ends: Vec<usize>,
}

impl Effects {
    /// Chooses which classes of events are told (`notify-keyspace-events`).
    pub fn set_event_mask(&mut self, mask: KeyEventClass) {
        self.configured = mask;
        self.update_event_mask();
    }

    /// Says whether there is anybody who might hear of an event (there is unless said otherwise).
    pub fn set_heard(&mut self, heard: bool) {
        self.unheard = !heard;
        self.update_event_mask();
    }

    fn update_event_mask(&mut self) {
        let has_channel = self.configured.intersects(CHANNELS);
        self.event_mask = match has_channel && !self.unheard {
            true => self.configured,
            false => KeyEventClass::empty(),
        };
    }

    /// Which incidents of the keyspace matter to followers and subscribers.
    #[must_use]
    pub fn incidents_wanted(&self) -> IncidentsWanted {
        let removals = KeyEventClass::EXPIRED
            .union(KeyEventClass::EVICTED)
            .union(KeyEventClass::HASH)
            .union(KeyEventClass::GENERIC);
        IncidentsWanted {
            removed: !self.unfollowed || self.wants(removals),
            created: self.wants(KeyEventClass::NEW),
            missed: self.wants(KeyEventClass::KEY_MISS),
        }
    }

    /// Says whether anybody repeats what is propagated (somebody does unless said otherwise): if
    /// nobody does, [`Effects::rewrite`] copies no words.
    pub const fn set_followed(&mut self, followed: bool) {
        self.unfollowed = !followed;
    }

    /// Whether anybody repeats what is propagated.
    #[must_use]
    pub const fn is_followed(&self) -> bool {
        !self.unfollowed
    }

    /// Counts `count` changes: the command is propagated, and a save point comes nearer.
    #[inline]
    pub const fn changed(&mut self, count: u64) {
        self.changes += count;
    }

    /// Number of changes since the last [`Effects::clear`].
    #[must_use]
    pub const fn changes(&self) -> u64 {
        self.changes
    }

    /// Propagates these words instead of the client's; several calls make several commands.
    pub fn rewrite(&mut self, words: &[&[u8]]) {
        self.rewrites = true;
        if self.unfollowed {
            return;
        }
        for word in words {
            self.rewritten.bytes.extend_from_slice(word);
            self.rewritten.word_ends.push(self.rewritten.bytes.len());
        }
        self.rewritten.command_ends.push(self.rewritten.word_ends.len());
    }

    /// Propagates the client's words with some of them replaced: `replaced` tells at which index
    /// stands what instead.
    pub fn rewrite_some(&mut self, words: &[&[u8]], replaced: &[(usize, &[u8])]) {
        self.rewrites = true;
        if self.unfollowed {
            return;
        }
        for (index, word) in words.iter().enumerate() {
            let instead = replaced.iter().find(|(at, _)| *at == index);
            self.rewritten.bytes.extend_from_slice(instead.map_or(word, |(_, word)| word));
            self.rewritten.word_ends.push(self.rewritten.bytes.len());
        }
        self.rewritten.command_ends.push(self.rewritten.word_ends.len());
    }

    /// Propagates the client's words even if nothing changed (FLUSHALL of empty databases).
    pub const fn propagate_unchanged(&mut self) {
        self.propagate_unchanged = true;
    }

    /// Propagates the client's words to replicas, for whose clients they matter (PUBLISH): no data
    /// changed, and there is nothing that an append-only file would have to repeat.
    pub const fn propagate_to_replicas(&mut self) {
        self.propagate_unchanged = true;
        self.for_replicas = true;
    }

    /// Whether what is propagated concerns replicas alone.
    #[must_use]
    pub const fn is_for_replicas(&self) -> bool {
        self.for_replicas
    }

    /// Propagates nothing, although data changed.
    pub const fn suppress(&mut self) {
        self.rewrites = true;
    }

    /// Records an event on a key, if its class is wanted.
    #[inline]
    pub fn notify(
        &mut self,
        class: KeyEventClass,
        name: &'static str,
        db: DatabaseIndex,
        key: &[u8],
    ) {
        if self.event_mask.intersects(class) {
            let (removal, fields) = (None, Vec::new());
            self.events.push(KeyEvent { class, name, db, key: key.into(), removal, fields });
        }
    }

    /// Records what happened to a key beside what a command says of it.
    pub fn add_incident(&mut self, incident: KeyIncident) {
        let KeyIncident { db, key, incident, fields } = incident;
        let (class, name, removal) = match incident {
            Incident::Created => (KeyEventClass::NEW, "new", None),
            Incident::Missed => (KeyEventClass::KEY_MISS, "keymiss", None),
            Incident::Removed(cause @ RemovalCause::Expired) => {
                (KeyEventClass::EXPIRED, "expired", Some(cause))
            }
            Incident::Removed(cause @ RemovalCause::Evicted) => {
                (KeyEventClass::EVICTED, "evicted", Some(cause))
            }
            Incident::Removed(cause @ RemovalCause::FieldsExpired) => {
                (KeyEventClass::HASH, "hexpired", Some(cause))
            }
            Incident::Emptied => (KeyEventClass::GENERIC, "del", None),
        };
        self.events.push(KeyEvent { class, name, db, key, removal, fields });
    }

    /// Where events are told: to the channels of keys (`K`), of events (`E`).
    #[must_use]
    pub const fn event_channels(&self) -> KeyEventClass {
        self.event_mask.intersection(CHANNELS)
    }

    /// Whether there is nothing to propagate, to count, to tell, or to [clear](Self::clear).
    #[must_use]
    #[inline]
    pub const fn is_empty(&self) -> bool {
        self.changes == 0 && !self.propagate_unchanged && !self.rewrites && self.events.is_empty()
    }

    /// Whether the client's own words are to be propagated.
    #[must_use]
    pub const fn is_verbatim(&self) -> bool {
        (self.changes > 0 || self.propagate_unchanged) && !self.rewrites
    }

    /// Calls `visit` with the words of each rewritten command, in order.
    pub fn for_each_rewrite(&self, mut visit: impl FnMut(&[&[u8]])) {
        let mut words: Vec<&[u8]> = Vec::new();
        let (mut from, mut word) = (0, 0);
        for &command_end in &self.rewritten.command_ends {
            words.clear();
            for &end in &self.rewritten.word_ends[word..command_end] {
                words.push(&self.rewritten.bytes[from..end]);
                from = end;
            }
            word = command_end;
            visit(&words);
        }
    }

    /// Whether anybody wants events of one of these classes.
    #[must_use]
    pub const fn wants(&self, classes: KeyEventClass) -> bool {
        self.event_mask.intersects(classes)
    }

    /// Events and removals in the order in which they happened. A removal may be among them for
    /// followers alone.
    #[must_use]
    pub fn events(&self) -> &[KeyEvent] {
        &self.events
    }

    /// Whether events were recorded.
    #[must_use]
    #[inline]
    pub const fn has_events(&self) -> bool {
        !self.events.is_empty()
    }

    /// Takes the recorded events, in order.
    pub fn take_events(&mut self) -> Vec<KeyEvent> {
        std::mem::take(&mut self.events)
    }

    /// Forgets everything but events and the event mask; buffers are kept.
    #[inline]
    pub fn clear(&mut self) {
        self.changes = 0;
        self.propagate_unchanged = false;
        self.for_replicas = false;
        if self.rewrites {
            self.rewrites = false;
            self.rewritten.bytes.clear();
            self.rewritten.word_ends.clear();
            self.rewritten.command_ends.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rewrites(effects: &Effects) -> Vec<Vec<Vec<u8>>> {
        let mut all = Vec::new();
        effects.for_each_rewrite(|words| all.push(words.iter().map(|w| w.to_vec()).collect()));
        all
    }

    #[test]
    fn a_change_is_propagated_verbatim_unless_rewritten() {
        let mut effects = Effects::default();
        assert!(!effects.is_verbatim());
        effects.changed(1);
        assert!(effects.is_verbatim());
        effects.rewrite(&[b"DEL", b"a"]);
        effects.rewrite(&[b"SET", b"", b"1"]);
        assert!(!effects.is_verbatim());
        assert_eq!(
            rewrites(&effects),
            [vec![b"DEL".to_vec(), b"a".to_vec()], vec![b"SET".to_vec(), vec![], b"1".to_vec()],]
        );
        effects.clear();
        assert!(rewrites(&effects).is_empty());
    }

    #[test]
    fn some_words_are_replaced() {
        let mut effects = Effects::default();
        effects.changed(1);
        effects.rewrite_some(&[b"XADD", b"k", b"*", b"f"], &[(2, b"1-1"), (0, b"xadd")]);
        let words = [b"xadd".to_vec(), b"k".to_vec(), b"1-1".to_vec(), b"f".to_vec()];
        assert_eq!(rewrites(&effects), [words.to_vec()]);
    }

    #[test]
    fn only_wanted_classes_are_recorded() {
        let mut effects = Effects::default();
        effects.notify(KeyEventClass::STRING, "set", 0, b"k");
        assert!(effects.take_events().is_empty());
        effects.set_event_mask(KeyEventClass::STRING | KeyEventClass::KEYEVENT);
        effects.notify(KeyEventClass::STRING, "set", 0, b"k");
        effects.notify(KeyEventClass::GENERIC, "del", 0, b"k");
        assert_eq!(effects.take_events().len(), 1);
    }
}
