//! Redis Cluster hash slots.
//!
//! Every key belongs to one of 16,384 slots: [`key_slot`]. Nodes own sets of slots ([`SlotSet`]),
//! which are written as ranges ([`SlotRange`]): `0-5460 7000`.
//!
//! ```
//! use dunlin_slots::{SlotSet, key_slot};
//!
//! assert_eq!(key_slot(b"foo"), 12182);
//! assert_eq!(key_slot(b"{user1000}.following"), key_slot(b"{user1000}.followers"));
//! let owned: SlotSet = "0-5460 7000".parse().unwrap();
//! assert!(owned.contains(7000) && owned.len() == 5462);
//! ```
//!
//! Source: redis.io, "Redis cluster specification", key distribution model and appendix A.

#![forbid(unsafe_code)]

mod crc16;
mod range;
mod set;

pub use crc16::crc16;
pub use range::{InvalidSlot, SlotRange};
pub use set::SlotSet;

/// Count of slots.
pub const SLOTS: u16 = 16_384;

/// The slot of a key: CRC16 of the key, or of its hash tag, modulo [`SLOTS`]. O(length).
#[must_use]
#[inline]
pub fn key_slot(key: &[u8]) -> u16 {
    crc16(hash_tag(key)) % SLOTS
}

/// What of a key is hashed: the bytes between the first `{` and the first `}` behind it, if there
/// are any; else the whole key. Keys with the same tag share a slot.
#[must_use]
#[inline]
pub fn hash_tag(key: &[u8]) -> &[u8] {
    let Some(open) = memchr::memchr(b'{', key) else { return key };
    let inside = &key[open + 1..];
    match memchr::memchr(b'}', inside) {
        None | Some(0) => key,
        Some(close) => &inside[..close],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_slots() {
        for (key, slot) in [
            ("", 0),
            ("foo", 12182),
            ("k1", 12706),
            ("k2", 449),
            ("num", 2765),
            ("a", 15495),
            ("name", 5798),
            ("age", 741),
            ("school", 8455),
            ("x", 16287),
            ("address", 3680),
            ("sdfsdf", 12091),
            ("{oo}anything", 1629),
            ("123456789", 0x31c3),
        ] {
            assert_eq!(key_slot(key.as_bytes()), slot, "{key:?}");
        }
    }

    #[test]
    fn hash_tags() {
        for (key, tag) in [
            ("{user1000}.following", "user1000"),
            ("foo{}{bar}", "foo{}{bar}"),
            ("foo{{bar}}zap", "{bar"),
            ("foo{bar}{zap}", "bar"),
            ("foo{bar", "foo{bar"),
            ("foo}bar{", "foo}bar{"),
            ("}{a}", "a"),
            ("", ""),
        ] {
            assert_eq!(hash_tag(key.as_bytes()), tag.as_bytes());
        }
    }
}
