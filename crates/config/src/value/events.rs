//! Classes of keyspace events that are published.

use super::{Value, Words, quoted};
use crate::Invalid;
use crate::parameter::{Kind, Parameter};

bitflags::bitflags! {
    /// Classes of keyspace events, one letter each in `notify-keyspace-events`.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct KeyspaceEvents: u16 {
        /// `K`: publish on `__keyspace@<db>__:<key>`.
        const KEYSPACE = 1;
        /// `E`: publish on `__keyevent@<db>__:<event>`.
        const KEYEVENT = 1 << 1;
        /// `g`: commands for any type (DEL, EXPIRE, RENAME).
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
        const ZSET = 1 << 7;
        /// `x`: a key expired.
        const EXPIRED = 1 << 8;
        /// `e`: a key was evicted.
        const EVICTED = 1 << 9;
        /// `t`: streams.
        const STREAM = 1 << 10;
        /// `m`: a key was looked up and missed.
        const MISS = 1 << 11;
        /// `d`: module types.
        const MODULE = 1 << 12;
        /// `n`: a key was created.
        const NEW = 1 << 13;
        /// `A`: all but `m` and `n`.
        const ALL = Self::GENERIC.bits() | Self::STRING.bits() | Self::LIST.bits()
            | Self::SET.bits() | Self::HASH.bits() | Self::ZSET.bits() | Self::EXPIRED.bits()
            | Self::EVICTED.bits() | Self::STREAM.bits() | Self::MODULE.bits();
    }
}

/// Letters in the order in which Redis shows them, `A` first because it stands for many.
const LETTERS: [(u8, KeyspaceEvents); 15] = [
    (b'A', KeyspaceEvents::ALL),
    (b'g', KeyspaceEvents::GENERIC),
    (b'$', KeyspaceEvents::STRING),
    (b'l', KeyspaceEvents::LIST),
    (b's', KeyspaceEvents::SET),
    (b'h', KeyspaceEvents::HASH),
    (b'z', KeyspaceEvents::ZSET),
    (b'x', KeyspaceEvents::EXPIRED),
    (b'e', KeyspaceEvents::EVICTED),
    (b't', KeyspaceEvents::STREAM),
    (b'd', KeyspaceEvents::MODULE),
    (b'n', KeyspaceEvents::NEW),
    (b'K', KeyspaceEvents::KEYSPACE),
    (b'E', KeyspaceEvents::KEYEVENT),
    (b'm', KeyspaceEvents::MISS),
];

impl Value for KeyspaceEvents {
    fn parse(words: Words<'_>, _: &Parameter, _: &Self) -> Result<Self, Invalid> {
        let mut events = KeyspaceEvents::empty();
        for letter in words.one()? {
            let (_, class) =
                LETTERS.iter().find(|(known, _)| known == letter).ok_or(Invalid::EventClass)?;
            events |= *class;
        }
        Ok(events)
    }

    /// Differs: Redis 7.2 drops `n` from its answer when `A` is set; here it stays.
    fn show(&self, _: &Kind) -> Vec<u8> {
        let mut left = *self;
        let mut letters = Vec::new();
        for (letter, class) in LETTERS {
            if left.contains(class) {
                letters.push(letter);
                left -= class;
            }
        }
        letters
    }

    fn written(&self, kind: &Kind) -> Vec<u8> {
        quoted(&self.show(kind))
    }
}
