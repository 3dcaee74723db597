//! Hash tags for slots: what `{tag}` becomes in cluster mode.

use std::sync::LazyLock;

use dunlin_slots::{SLOTS, key_slot};

/// The text that is overwritten.
pub(crate) const PLACEHOLDER: &[u8] = b"{tag}";

/// Three bytes that go between the braces.
pub(crate) type Tag = [u8; 3];

/// For each slot the first three characters, in the order of `CHARACTERS`, that lie in it.
static TAGS: LazyLock<Vec<Tag>> = LazyLock::new(|| {
    const CHARACTERS: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut tags = vec![[0; 3]; usize::from(SLOTS)];
    let mut missing = tags.len();
    for &a in CHARACTERS {
        for &b in CHARACTERS {
            for &c in CHARACTERS {
                let place = &mut tags[usize::from(key_slot(&[a, b, c]))];
                if *place == [0; 3] {
                    *place = [a, b, c];
                    missing -= 1;
                }
            }
        }
    }
    assert_eq!(missing, 0, "three characters reach every slot");
    tags
});

/// A tag whose keys lie in the slot.
pub(crate) fn of_slot(slot: u16) -> Tag {
    TAGS[usize::from(slot)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_slot_has_its_tag() {
        for slot in 0..SLOTS {
            let mut key = b"key:{tag}:1".to_vec();
            key[5..8].copy_from_slice(&of_slot(slot));
            assert_eq!(key_slot(&key), slot);
        }
    }
}
