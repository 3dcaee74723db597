//! What is written is read again as it was.

use std::io::Read;

use crate::entries::{access, activity, contents, entry, limits};
use dunlin_rdb::{
    Checksum, ChecksumOutcome, Draft, Item, Reader, Version, WriteOptions, checksum_bytes, dump,
    dump_plain, is_plain, restore,
};
use dunlin_stdx::lzf::{self, Compressor};
use dunlin_stdx::time::UnixMs;
use dunlin_values::list::{ListNode, ListRef};
use dunlin_values::{AccessHint, Encoding, Entry, FrozenHeader, FrozenItem, Object, PackedKind};
use proptest::prelude::*;

fn file(keys: &[(Entry, AccessHint)], version: Version, compress: bool) -> Vec<u8> {
    let mut draft = Draft::new();
    draft.magic(version);
    draft.aux(b"redis-ver", b"7.2.4");
    draft.aux(b"redis-bits", b"64");
    draft.function(b"#!lua name=lib\nreturn 1");
    draft.select_db(9);
    draft.resize_db(keys.len() as u64, 70_000);
    for (entry, access) in keys {
        draft.entry(entry, *access, &WriteOptions { version, ..WriteOptions::default() });
    }
    draft.end();
    let mut compressor = Compressor::new();
    let mut bytes = Vec::new();
    draft.finish(compress.then_some(&mut compressor), &mut |piece| bytes.extend_from_slice(piece));
    if !compress {
        assert_eq!((bytes.len(), &bytes), (draft.len_bytes(), &draft.to_vec()));
    }
    let checksum = Checksum::of(&bytes);
    bytes.extend_from_slice(&checksum_bytes(Some(checksum)));
    bytes
}

/// Gives as many bytes at a time as it is told.
struct Drip<'a>(&'a [u8], usize);

impl Read for Drip<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let len = buffer.len().min(self.1);
        self.0.read(&mut buffer[..len])
    }
}

fn read(bytes: &[u8], step: usize) -> Vec<(Entry, AccessHint)> {
    let mut reader = Reader::open(Drip(bytes, step), limits()).expect("a file");
    let mut keys = Vec::new();
    let mut others = Vec::new();
    loop {
        match reader.next_item().expect("a good file") {
            Item::Key { entry, access } => keys.push((entry, access)),
            Item::End(outcome) => {
                assert_eq!(outcome, ChecksumOutcome::Right);
                assert_eq!(reader.offset(), bytes.len() as u64);
                break;
            }
            other => others.push(format!("{other:?}")),
        }
    }
    assert_eq!(others.len(), 5);
    assert!(others[4].starts_with("ResizeDb"), "{others:?}");
    keys
}

/// What OBJECT ENCODING shows after a reload. Where a version has no type for a form, Redis forgets
/// it as well.
fn encoding(entry: &Entry, version: Version) -> Option<Encoding> {
    let is_raw = entry.encoding() == Encoding::Raw;
    let is_set = matches!(entry.packed(), Some((PackedKind::Set | PackedKind::TableSet, _)));
    let is_hash =
        matches!(entry.packed(), Some((PackedKind::TableHash | PackedKind::HashWithDeadlines, _)));
    let forgets = is_raw || is_set && version == Version::V10 || is_hash;
    (!forgets).then(|| entry.encoding())
}

/// Writes a collection item by item, over as many drafts.
fn in_pieces(entry: &Entry, access: AccessHint, version: Version) -> Option<Vec<u8>> {
    let (mut begin, mut draft, mut bytes) = (Draft::new(), Draft::new(), Vec::new());
    let now = UnixMs(i64::MIN);
    let hash = entry.hash(now);
    let items = match (entry.set(), entry.list(), entry.stream()) {
        _ if hash.is_some() => hash?.held_len(),
        (Some(set), ..) => set.len(),
        (_, Some(ListRef::Quick(list)), _) => list.nodes(),
        (.., Some(stream)) => stream.log.nodes(),
        _ => entry.sorted_set()?.len(),
    };
    let header = FrozenHeader {
        encoding: match entry.object()? {
            Object::String(_) => return None,
            object => object.encoding(),
        },
        is_hash: hash.is_some(),
        items,
        earliest_field_deadline: entry.earliest_field_deadline(),
    };
    let options = WriteOptions { version, ..WriteOptions::default() };
    let form = begin.begin_large(entry.key(), entry.deadline(), access, header, &options);
    let mut put = |item: FrozenItem<'_>| {
        draft.clear();
        draft.item(form, item);
        bytes.extend_from_slice(&draft.to_vec());
    };
    match entry.object()? {
        Object::List(list) => list.for_each_node(|node| match node {
            ListNode::Packed(listpack) => put(FrozenItem::ListNode(listpack)),
            ListNode::Long(element) => put(FrozenItem::LongElement(element)),
            ListNode::Compressed { bytes, len } => {
                let listpack = lzf::decompress(bytes, len).expect("our own");
                put(FrozenItem::ListNode(&listpack));
            }
        }),
        Object::Set(set) => set.iter().for_each(|member| put(FrozenItem::Member(member))),
        Object::SortedSet(index) => index
            .view()
            .iter()
            .for_each(|(member, score)| put(FrozenItem::Scored(&member.to_vec(), score))),
        Object::Hash(_) => hash?.iter().for_each(|field| {
            let (name, value) = field.to_vecs();
            put(FrozenItem::Field { name: &name, value: &value, deadline: field.deadline });
        }),
        Object::Stream(stream) => {
            for (master, listpack) in stream.log.node_bytes() {
                put(FrozenItem::StreamNode(master, listpack));
            }
            put(FrozenItem::StreamTail(stream));
        }
        Object::String(_) => return None,
    }
    Some([begin.to_vec(), bytes].concat())
}

proptest! {
    #[test]
    fn a_collection_in_pieces_is_one(
        entry in entry(),
        access in access(),
        version in prop_oneof![Just(Version::V10), Just(Version::V11)],
    ) {
        if let Some(record) = in_pieces(&entry, access, version) {
            let mut bytes = file(&[], version, false);
            bytes.truncate(bytes.len() - 9);
            bytes.extend_from_slice(&record);
            bytes.push(0xff);
            let checksum = Checksum::of(&bytes);
            bytes.extend_from_slice(&checksum_bytes(Some(checksum)));
            let found = read(&bytes, 1 << 20);
            prop_assert_eq!(found.len(), 1);
            prop_assert_eq!(contents(&found[0].0), contents(&entry));
            prop_assert_eq!(found[0].1, access);
        }
    }

    #[test]
    fn a_file_is_read_as_it_was_written(
        keys in prop::collection::vec((entry(), access()), 0..8),
        version in prop_oneof![Just(Version::V10), Just(Version::V11), Just(Version::V12)],
        compress in any::<bool>(),
        step in prop_oneof![1_usize..50, Just(1 << 20)],
    ) {
        let bytes = file(&keys, version, compress);
        let found = read(&bytes, step);
        prop_assert_eq!(keys.len(), found.len());
        for ((before, access), (after, found_access)) in keys.iter().zip(&found) {
            prop_assert_eq!(access, found_access);
            prop_assert_eq!(contents(before), contents(after));
            if let Some(encoding) = encoding(before, version) {
                prop_assert_eq!(encoding, after.encoding(), "{:?}", before);
            }
            if version >= Version::V11 {
                prop_assert_eq!(activity(before), activity(after));
            }
        }
        // What was read is written as it was read.
        let again = file(&found, version, compress);
        prop_assert_eq!(contents_of(&read(&again, 1 << 20)), contents_of(&found));
    }

    #[test]
    fn a_payload_is_restored_as_it_was_dumped(entry in entry()) {
        for version in [Version::V10, Version::V11] {
            let payload = dump(&entry, version);
            let restored = restore(&payload, entry.key(), entry.deadline(), limits());
            prop_assert_eq!(contents(&restored.expect("intact")), contents(&entry));
            let mut broken = payload.clone();
            let middle = broken.len() / 2;
            broken[middle] ^= 1;
            prop_assert!(restore(&broken, b"k", None, limits()).is_err());
        }
    }

    /// A peer as old as Redis 7.0 gets everything but deadlines of fields.
    #[test]
    fn a_plain_payload_is_what_redis_7_0_writes(entry in entry()) {
        let plain = dump_plain(&entry);
        prop_assert!(is_plain(&plain));
        let restored = restore(&plain, entry.key(), entry.deadline(), limits()).expect("intact");
        prop_assert_eq!(restored.earliest_field_deadline(), None);
        if entry.earliest_field_deadline().is_none() {
            prop_assert_eq!(contents(&restored), contents(&entry));
            prop_assert_eq!(plain, dump(&entry, Version::V10));
        } else {
            prop_assert!(!is_plain(&dump(&entry, Version::V10)));
        }
    }
}

fn contents_of(keys: &[(Entry, AccessHint)]) -> Vec<Vec<String>> {
    keys.iter().map(|(entry, _)| contents(entry)).collect()
}
