//! Payloads that are made in pieces.

use bytes::Bytes;
use dunlin_rdb::{Changed, LargeDump, Version, dump, restore};
use dunlin_stdx::time::UnixMs;
use dunlin_values::hash::HashMut;
use dunlin_values::list::{End, ListMut, NewList};
use dunlin_values::set::{SetLimits, SetMut};
use dunlin_values::sorted_set::SortedSet;
use dunlin_values::stream::{Group, NodeLimits, Stream, StreamId};
use dunlin_values::{Entry, MemberHasher, NewValue, PackedKind, StringRef, ValueMut};

use crate::entries::{contents, limits, noise};

const ITEMS: u64 = 3000;

fn text(n: u64) -> Vec<u8> {
    noise(n, 1 + (n % 90) as usize)
}

fn set(items: u64) -> Entry {
    let mut entry = Entry::new(b"set", SetLimits::NO_INTS, None);
    let mut set = SetMut::new(ValueMut::new(&mut entry), limits().set);
    (0..items).for_each(|n| {
        set.add(&text(n));
    });
    entry
}

fn hash(deadline: Option<UnixMs>) -> Entry {
    const EMPTY: [u8; 7] = dunlin_values::listpack::EMPTY;
    let mut entry = Entry::new(b"hash", NewValue::Packed(PackedKind::Hash, &EMPTY), None);
    let mut hash = HashMut::new(ValueMut::new(&mut entry), limits().hash, UnixMs(0));
    for n in 0..ITEMS {
        hash.set(&n.to_string().into_bytes(), &text(n));
    }
    if deadline.is_some() {
        hash.set_deadline(b"7", deadline);
    }
    entry
}

fn sorted_set() -> Entry {
    let mut set = SortedSet::new(limits().sorted_set, MemberHasher::new(5), 1, 1);
    (0..ITEMS).for_each(|n| {
        set.set(&text(n), (n % 70) as f64 / 3.0);
    });
    set.store(|value| Entry::new(b"scores", value, None))
}

fn list() -> Entry {
    let texts: Vec<_> = (0..ITEMS).map(text).collect();
    let first = texts[..1].iter().map(|text| StringRef::Bytes(text));
    let list = NewList::pushed(End::Back, first, limits().list);
    let mut entry = list.put(|value| Entry::new(b"list", value, None));
    let mut rest = ListMut::new(ValueMut::new(&mut entry), limits().list);
    texts[1..].iter().for_each(|text| rest.push(End::Back, [StringRef::Bytes(text)]));
    entry
}

fn stream() -> Entry {
    let mut stream = Stream::default();
    for n in 1..=ITEMS {
        let value = noise(n, 200);
        let limits = NodeLimits { bytes: 4096, entries: 9 };
        stream.log.add(StreamId::new(n, 0), &[b"field", &value], limits).expect("in order");
    }
    let mut group = Group::new(StreamId::new(7, 0), Some(7));
    group.add_consumer(b"alice", UnixMs(1_700_000_000_000));
    stream.groups.insert(b"g".as_slice().into(), group);
    Entry::new(b"stream", stream.into(), None)
}

/// As SETRANGE and APPEND leave it.
fn grown_string() -> Entry {
    Entry::new(b"grown", NewValue::raw(&mut noise(4, 1 << 20)), None)
}

fn string() -> Entry {
    Entry::new(b"string", NewValue::shared(Bytes::from(noise(3, 1 << 20))), None)
}

/// The payload, the length that was announced, and how large the largest piece was.
fn in_pieces(entry: &Entry, version: Version, budget: usize) -> (Vec<u8>, usize, usize) {
    let mut dump = LargeDump::of(entry, version).expect("it is large");
    let len = loop {
        if let Some(len) = dump.measure(entry, budget).expect("it stays the same") {
            break len;
        }
    };
    let (mut bytes, mut largest) = (Vec::new(), 0);
    loop {
        let before = bytes.len();
        let is_all = dump.write(entry, budget, &mut bytes).expect("it stays the same");
        largest = largest.max(bytes.len() - before);
        if is_all {
            return (bytes, len, largest);
        }
    }
}

#[test]
fn the_pieces_make_up_a_payload() {
    for entry in [set(ITEMS), hash(None), sorted_set(), list(), stream(), string(), grown_string()]
    {
        for (version, budget) in [
            (Version::V10, 1),
            (Version::V11, 1000),
            (Version::V10, 20_000),
            (Version::V10, 1 << 30),
        ] {
            let name = String::from_utf8_lossy(entry.key()).into_owned();
            let (bytes, len, largest) = in_pieces(&entry, version, budget);
            assert_eq!(bytes.len(), len, "{name}");
            assert!(largest < budget.saturating_add(8000), "{name}: {largest} at {budget}");
            let read = restore(&bytes, entry.key(), None, limits()).expect("a good payload");
            assert_eq!(contents(&read), contents(&entry), "{name}");
            assert_eq!(len, dump(&entry, version).len(), "{name}");
        }
    }
}

#[test]
fn small_values_and_those_that_change_by_themselves_are_made_at_once() {
    assert!(LargeDump::of(&set(100), Version::V10).is_none());
    assert!(LargeDump::of(&hash(Some(UnixMs(1 << 40))), Version::V10).is_none());
    let entry = Entry::new(b"k", NewValue::shared(Bytes::from(noise(3, 1000))), None);
    assert!(LargeDump::of(&entry, Version::V10).is_none());
}

#[test]
fn a_value_that_changes_meanwhile_is_noticed() {
    let mut entry = set(ITEMS);
    let mut dump = LargeDump::of(&entry, Version::V10).expect("it is large");
    assert_eq!(dump.measure(&entry, 100), Ok(None));
    SetMut::new(ValueMut::new(&mut entry), limits().set).add(b"one more");
    assert_eq!(dump.measure(&entry, 100), Err(Changed));
    // Others of the same number are noticed when the bytes do not add up.
    let mut dump = LargeDump::of(&entry, Version::V10).expect("it is large");
    let measured = dump.measure(&entry, usize::MAX);
    assert!(measured.is_ok_and(|len| len.is_some()));
    let mut other = SetMut::new(ValueMut::new(&mut entry), limits().set);
    other.remove(b"one more");
    other.add(b"one");
    assert_eq!(dump.write(&entry, usize::MAX, &mut Vec::new()), Err(Changed));
    assert_eq!(dump.write(&string(), 100, &mut Vec::new()), Err(Changed));
}
