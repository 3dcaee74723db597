//! What the commands on consumer groups share.

use dunlin_keyspace::DatabaseIndex;
use dunlin_stdx::time::UnixMs;
use dunlin_values::stream::{ConsumerIndex, Delivery, Group, IdText, StreamId};

use crate::effects::{Effects, KeyEventClass};
use crate::error::CommandError;

/// There is no such key, or it has no such group.
pub(super) fn no_key_or_group(key: &[u8], group: &[u8]) -> CommandError {
    quoting(&[b"NOGROUP No such key '", c_text(key), b"' or consumer group '", c_text(group), b"'"])
}

/// The key has no such group.
pub(super) fn no_group(key: &[u8], group: &[u8]) -> CommandError {
    let (key, group) = (c_text(key), c_text(group));
    quoting(&[b"NOGROUP No such consumer group '", group, b"' for key name '", key, b"'"])
}

/// An error text of several parts.
pub(super) fn quoting(parts: &[&[u8]]) -> CommandError {
    CommandError::Quoting(parts.concat())
}

/// What 7.2 shows of a client's word in an error: all up to a NUL byte.
pub(super) fn c_text(word: &[u8]) -> &[u8] {
    word.split(|byte| *byte == 0).next().unwrap_or_default()
}

/// What a command on a group was called with, and when: what is propagated needs the names.
#[derive(Clone, Copy)]
pub(super) struct Scene<'a> {
    pub(super) key: &'a [u8],
    pub(super) group: &'a [u8],
    pub(super) now: UnixMs,
}

impl Scene<'_> {
    /// The consumer of this name, who asks for entries now; made if there is none yet. Tells
    /// whether it was made.
    pub(super) fn consumer(self, group: &mut Group, name: &[u8]) -> (ConsumerIndex, bool) {
        let found = group.find(name);
        let index = found.unwrap_or_else(|| group.add_consumer(name, self.now));
        group.consumer_mut(index).seen = self.now;
        (index, found.is_none())
    }

    /// Propagates how an entry is pending now, or was before it was dropped because the stream no
    /// longer has it: repeating that drops it too. The last ID of the group goes along.
    pub(super) fn propagate_claim(
        self,
        effects: &mut Effects,
        group: &Group,
        id: &[u8],
        delivery: Delivery,
    ) {
        if !effects.is_followed() {
            return;
        }
        let (mut at, mut count, mut last_id) =
            (itoa::Buffer::new(), itoa::Buffer::new(), IdText::default());
        effects.rewrite(&[
            b"XCLAIM",
            self.key,
            self.group,
            group.consumer(delivery.consumer).name(),
            b"0",
            id,
            b"TIME",
            at.format(delivery.at.0).as_bytes(),
            b"RETRYCOUNT",
            // As signed as it is replied.
            count.format(delivery.count as i64).as_bytes(),
            b"FORCE",
            b"JUSTID",
            b"LASTID",
            group.last_id().format(&mut last_id),
        ]);
    }

    /// [`Scene::propagate_claim`] of an ID that no word of the client names.
    pub(super) fn propagate_claim_of(
        self,
        effects: &mut Effects,
        group: &Group,
        id: StreamId,
        delivery: Delivery,
    ) {
        if effects.is_followed() {
            self.propagate_claim(effects, group, id.format(&mut IdText::default()), delivery);
        }
    }

    /// Propagates how far a group is, where no claim does.
    pub(super) fn propagate_last_id(self, effects: &mut Effects, group: &Group) {
        if !effects.is_followed() {
            return;
        }
        let (mut last_id, mut read) = (IdText::default(), itoa::Buffer::new());
        effects.rewrite(&[
            b"XGROUP",
            b"SETID",
            self.key,
            self.group,
            group.last_id().format(&mut last_id),
            b"ENTRIESREAD",
            read.format(group.entries_read().map_or(-1, |read| read as i64)).as_bytes(),
        ]);
    }

    /// Counts and tells that a consumer was made.
    pub(super) fn consumer_made(self, effects: &mut Effects, db: DatabaseIndex) {
        changed(effects, db, "xgroup-createconsumer", self.key);
    }
}

/// Counts one change and records its event, where a slot is still borrowed from the context.
pub(super) fn changed(effects: &mut Effects, db: DatabaseIndex, event: &'static str, key: &[u8]) {
    effects.changed(1);
    effects.notify(KeyEventClass::STREAM, event, db, key);
}
