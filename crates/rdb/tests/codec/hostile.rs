//! Whatever the bytes are: an error or entries that agree with themselves, never a panic.

use crate::entries::{contents, entry, limits};
use dunlin_rdb::{
    Checksum, Draft, Item, LoadLimits, Reader, Version, WriteOptions, dump, restore_value,
};
use dunlin_values::{AccessHint, Entry};
use proptest::prelude::*;

/// Reads a file to its end or its first error; whatever is read must be readable and writable.
fn read(bytes: &[u8]) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    let Ok(mut reader) = Reader::open(bytes, limits()) else { return found };
    reader.skip_modules();
    loop {
        match reader.next_item() {
            Ok(Item::Key { entry, .. }) => {
                found.push(contents(&entry));
                check(&entry);
            }
            Ok(Item::End(_)) => return found,
            Ok(_) => {}
            Err(error) => {
                assert!(error.offset <= bytes.len() as u64, "{error}");
                return found;
            }
        }
    }
}

/// What was read is written, and read again as the same.
fn check(entry: &Entry) {
    let payload = dump(entry, Version::V11);
    let again = restore_value(&payload, entry.key(), entry.deadline(), limits());
    assert_eq!(contents(&again.expect("our own")), contents(entry));
    let larger = LoadLimits::default();
    let again = restore_value(&payload, entry.key(), entry.deadline(), larger);
    assert_eq!(contents(&again.expect("our own")), contents(entry));
}

pub(crate) fn file(keys: &[Entry], version: Version) -> Vec<u8> {
    let mut draft = Draft::new();
    draft.magic(version);
    draft.select_db(0);
    for entry in keys {
        draft.entry(
            entry,
            AccessHint::Frequency(7),
            &WriteOptions { version, ..WriteOptions::default() },
        );
    }
    draft.end();
    let mut bytes = Vec::new();
    let mut compressor = dunlin_stdx::lzf::Compressor::new();
    draft.finish(Some(&mut compressor), &mut |piece| bytes.extend_from_slice(piece));
    let checksum = Checksum::of(&bytes);
    bytes.extend_from_slice(&checksum.to_le_bytes());
    bytes
}

/// The body of a value, without the footer of a payload.
fn body(entry: &Entry) -> Vec<u8> {
    let mut payload = dump(entry, Version::V11);
    payload.truncate(payload.len() - 10);
    payload
}

proptest! {
    // A case is hundreds of readings.
    #![proptest_config(ProptestConfig { max_shrink_iters: 200, ..ProptestConfig::with_cases(24) })]

    #[test]
    fn a_cut_file_gives_what_was_whole(keys in prop::collection::vec(entry(), 1..4)) {
        let bytes = file(&keys, Version::V11);
        let step = (bytes.len() / 100).max(1);
        for len in (0..bytes.len()).step_by(step) {
            let found = read(&bytes[..len]);
            for (found, entry) in found.iter().zip(&keys) {
                prop_assert_eq!(found, &contents(entry));
            }
        }
    }

    #[test]
    fn changed_bytes_never_panic(
        keys in prop::collection::vec(entry(), 1..4),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..30),
        count in 1_usize..4,
    ) {
        let bytes = file(&keys, Version::V11);
        for changes in changes.chunks(count) {
            let mut changed = bytes.clone();
            for (at, byte) in changes {
                let at = at.index(changed.len() - 9) + 9;
                changed[at.min(bytes.len() - 1)] = *byte;
            }
            read(&changed);
        }
    }

    #[test]
    fn changed_values_never_panic(
        entry in entry(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..60),
    ) {
        let bytes = body(&entry);
        for (at, byte) in changes {
            let mut changed = bytes.clone();
            changed[at.index(bytes.len())] = byte;
            if let Ok(entry) = restore_value(&changed, b"k", None, limits()) {
                check(&entry);
            }
        }
        for len in (0..bytes.len()).step_by((bytes.len() / 50).max(1)) {
            // Nothing follows: a value that is cut is no value.
            prop_assert!(restore_value(&bytes[..len], b"k", None, limits()).is_err());
        }
    }

    #[test]
    fn random_bytes_never_panic(kind in 0_u8..30, bytes in prop::collection::vec(any::<u8>(), 0..80)) {
        let value = [&[kind][..], &bytes].concat();
        if let Ok(entry) = restore_value(&value, b"k", None, limits()) {
            check(&entry);
        }
        let file = [b"REDIS0011", &value[..]].concat();
        read(&file);
    }
}

#[test]
fn declared_lengths_take_no_memory() {
    let huge = [0x81, 0x00, 0x00, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff];
    // What modules wrote has no length.
    for kind in (0..=25).filter(|kind| *kind != 7) {
        for tail in [&[][..], &[1, b'a'], &[0; 40]] {
            let value = [&[kind][..], &huge, tail].concat();
            assert!(restore_value(&value, b"k", None, limits()).is_err(), "{kind}");
            let file = [b"REDIS0011", &[kind][..], &[1, b'k'], &huge, tail].concat();
            assert!(read(&file).is_empty(), "{kind}");
        }
    }
    // Compressed strings that say they were long.
    let packed = [&[0, 0xc3, 3][..], &huge, &[0xe0, 0xff, 0]].concat();
    assert!(restore_value(&packed, b"k", None, limits()).is_err());
}
