//! Streams against plain maps.

use std::collections::BTreeMap;

use dunlin_stdx::time::UnixMs;
use proptest::prelude::*;

use super::*;

type Pairs = Vec<(Vec<u8>, Vec<u8>)>;

const LIMITS: NodeLimits = NodeLimits { bytes: 4096, entries: 100 };

fn add(log: &mut Log, id: StreamId, pairs: &[(&[u8], &[u8])], limits: NodeLimits) {
    let words: Vec<&[u8]> = pairs.iter().flat_map(|(field, value)| [*field, *value]).collect();
    let id = log.next_id(NewId::Exactly(id), 0).expect("behind the last");
    log.add(id, &words, limits).expect("small");
}

fn read(mut entries: Entries<'_>) -> Vec<(StreamId, Pairs)> {
    let mut found = Vec::new();
    while let Some(id) = entries.next_id() {
        let mut pairs = Vec::new();
        while let Some((field, value)) = entries.next_field() {
            pairs.push((field.to_vec(), value.to_vec()));
        }
        found.push((id, pairs));
    }
    found
}

fn ids(mut entries: Entries<'_>) -> Vec<StreamId> {
    std::iter::from_fn(|| entries.next_id()).collect()
}

fn node_hex(log: &Log) -> String {
    let node = log.node_bytes().next().expect("a node").1;
    node.iter().map(|byte| format!("{byte:02X}")).collect()
}

/// The bytes are those of a real server: rdb format, "stream listpack".
#[test]
fn nodes_are_those_of_redis() {
    let mut log = Log::default();
    add(&mut log, StreamId::new(1, 1), &[(b"f", b"v")], LIMITS);
    add(&mut log, StreamId::new(1, 2), &[(b"f", b"w")], LIMITS);
    add(&mut log, StreamId::new(2, 1), &[(b"g", b"w"), (b"h", b"i")], LIMITS);
    let expected = "3E000000 1800 0301 0001 0101 816602 0001 0201 0001 0001 817602 0401 0201 0001 \
                    0101 817702 0401 0001 0101 0001 0201 816702 817702 816802 816902 0801 FF";
    assert_eq!(node_hex(&log), expected.replace(' ', ""));
    assert!(log.delete(StreamId::new(1, 2)));
    assert!(!log.delete(StreamId::new(1, 2)));
    let expected = "3E000000 1800 0201 0101 0101 816602 0001 0201 0001 0001 817602 0401 0301 0001 \
                    0101 817702 0401 0001 0101 0001 0201 816702 817702 816802 816902 0801 FF";
    assert_eq!(node_hex(&log), expected.replace(' ', ""));
}

#[test]
fn new_ids_are_behind_the_last() {
    let mut log = Log::default();
    let id = StreamId::new;
    assert_eq!(log.next_id(NewId::Any, 0), Ok(id(0, 1)));
    assert_eq!(log.next_id(NewId::Within(0), 9), Ok(id(0, 1)));
    assert_eq!(log.next_id(NewId::Exactly(id(0, 0)), 9), Err(Refusal::NotBehindLast));
    log.set_last_id(id(5, u64::MAX), None, None);
    assert_eq!(log.next_id(NewId::Any, 4), Ok(id(6, 0)));
    assert_eq!(log.next_id(NewId::Any, 7), Ok(id(7, 0)));
    assert_eq!(log.next_id(NewId::Within(5), 7), Err(Refusal::NotBehindLast));
    assert_eq!(log.next_id(NewId::Within(4), 7), Err(Refusal::NotBehindLast));
    assert_eq!(log.next_id(NewId::Within(6), 7), Ok(id(6, 0)));
    log.set_last_id(StreamId::MAX, None, None);
    assert_eq!(log.next_id(NewId::Any, 4), Err(Refusal::Exhausted));
    assert_eq!(log.next_id(NewId::Exactly(id(1, 1)), 4), Err(Refusal::Exhausted));
}

/// Counts the nodes of a trie the slow way.
fn radix_nodes_of(keys: &[[u8; 16]], depth: usize) -> usize {
    let Some(first) = keys.first() else { return 1 };
    let end = (depth..16).find(|at| keys.iter().any(|key| key[*at] != first[*at])).unwrap_or(16);
    let chain = usize::from(end > depth);
    if end == 16 {
        return chain + 1;
    }
    let mut parts: BTreeMap<u8, Vec<[u8; 16]>> = BTreeMap::new();
    keys.iter().for_each(|key| parts.entry(key[end]).or_default().push(*key));
    chain + 1 + parts.values().map(|part| radix_nodes_of(part, end + 1)).sum::<usize>()
}

#[derive(Clone, Debug)]
enum Step {
    Add(StreamId, Vec<u8>, u8),
    Delete(usize),
    DeleteAny(StreamId),
    Trim(Trim),
}

fn any_id() -> impl Strategy<Value = StreamId> {
    let edge = |max: u64| prop_oneof![0..max, Just(max << 33), Just(u64::MAX - max)];
    (edge(300), edge(40)).prop_map(|(ms, seq)| StreamId::new(ms, seq))
}

fn any_step() -> impl Strategy<Value = Step> {
    let value = prop_oneof![
        any::<i64>().prop_map(|number| number.to_string().into_bytes()),
        prop::collection::vec(any::<u8>(), 0..20),
        prop::collection::vec(any::<u8>(), 60..400),
    ];
    let delta = prop_oneof![
        (0u64..3, 0u64..4).prop_map(|(ms, seq)| StreamId::new(ms, seq)),
        (0u64..1 << 40, any::<u64>()).prop_map(|(ms, seq)| StreamId::new(ms, seq)),
    ];
    let keep = prop_oneof![(0u64..60).prop_map(Keep::Newest), any_id().prop_map(Keep::From)];
    let trim = (keep, any::<bool>(), prop::option::of(0u64..30))
        .prop_map(|(keep, approximate, limit)| Trim { keep, approximate, limit });
    prop_oneof![
        12 => (delta, value, 0u8..6).prop_map(|(id, value, kind)| Step::Add(id, value, kind)),
        3 => any::<usize>().prop_map(Step::Delete),
        1 => any_id().prop_map(Step::DeleteAny),
        1 => trim.prop_map(Step::Trim),
    ]
}

fn pairs_of_kind(kind: u8, value: &[u8]) -> Pairs {
    let names: &[&[u8]] = match kind {
        0..=2 => &[b"f"],
        3 => &[b"17", b"b"],
        4 => &[b"f", b"f"],
        _ => &[b"", b"g", b"-1"],
    };
    names.iter().map(|name| (name.to_vec(), value.to_vec())).collect()
}

/// The model's log.
#[derive(Default)]
struct Plain {
    entries: BTreeMap<StreamId, Pairs>,
    max_deleted: StreamId,
    added: u64,
}

impl Plain {
    fn delete(&mut self, id: StreamId) -> bool {
        let found = self.entries.remove(&id).is_some();
        if found {
            self.max_deleted = self.max_deleted.max(id);
        }
        found
    }

    fn trim(&mut self, keep: Keep) -> u64 {
        let before = self.entries.len();
        match keep {
            Keep::Newest(count) => {
                while self.entries.len() as u64 > count {
                    self.entries.pop_first();
                }
            }
            Keep::From(id) => self.entries = self.entries.split_off(&id),
        }
        (before - self.entries.len()) as u64
    }

    /// Entries up to `id` were taken away.
    fn take_up_to(&mut self, first: Option<StreamId>) -> u64 {
        self.trim(first.map_or(Keep::Newest(0), Keep::From))
    }
}

fn check_same(log: &Log, plain: &Plain) {
    let first = plain.entries.keys().next().copied();
    assert_eq!(log.len(), plain.entries.len() as u64);
    assert_eq!(log.first_id(), first.unwrap_or_default());
    assert_eq!(log.newest_id(), plain.entries.keys().next_back().copied());
    assert_eq!((log.max_deleted_id(), log.entries_added()), (plain.max_deleted, plain.added));
    let mut live = 0;
    let mut last = None;
    for (master, bytes) in log.node_bytes() {
        let valid = validate_node(master, bytes).expect("a sound node");
        assert!(last.is_none_or(|last| last < master));
        last = Some(valid.last_id);
        live += valid.live;
    }
    assert_eq!(live, log.len());
}

fn check_ranges(log: &Log, plain: &Plain, from: StreamId, to: StreamId) {
    let expected: Vec<(StreamId, Pairs)> = match from <= to {
        true => plain.entries.range(from..=to).map(|(id, pairs)| (*id, pairs.clone())).collect(),
        false => Vec::new(),
    };
    assert_eq!(read(log.entries(from, to, Direction::Forward)), expected);
    let mut names: Vec<StreamId> = expected.iter().map(|(id, _)| *id).collect();
    assert_eq!(ids(log.entries(from, to, Direction::Forward)), names);
    names.reverse();
    assert_eq!(ids(log.entries(from, to, Direction::Backward)), names);
    let mut backward = read(log.entries(from, to, Direction::Backward));
    backward.reverse();
    assert_eq!(backward, expected);
}

proptest! {
    #[test]
    fn a_log_is_an_ordered_map(
        steps in prop::collection::vec(any_step(), 1..250),
        bytes in prop_oneof![Just(0u64), Just(4096), 50u64..800],
        entries in prop_oneof![Just(0u64), Just(100), 1u64..12],
        ranges in prop::collection::vec((any_id(), any_id()), 10),
    ) {
        let limits = NodeLimits { bytes, entries };
        let (mut log, mut plain) = (Log::default(), Plain::default());
        for step in steps {
            match step {
                Step::Add(delta, value, kind) => {
                    let last = log.last_id();
                    let id = StreamId::new(last.ms.saturating_add(delta.ms), match delta.ms {
                        0 => last.seq.saturating_add(delta.seq),
                        _ => delta.seq,
                    });
                    let pairs = pairs_of_kind(kind, &value);
                    if log.next_id(NewId::Exactly(id), 0).is_err() {
                        prop_assert!(id <= last || last == StreamId::MAX);
                        continue;
                    }
                    let refs: Vec<_> = pairs.iter().map(|(f, v)| (&f[..], &v[..])).collect();
                    add(&mut log, id, &refs, limits);
                    plain.entries.insert(id, pairs);
                    plain.added += 1;
                }
                Step::Delete(at) => {
                    let at = at % (plain.entries.len() + 1);
                    let Some(id) = plain.entries.keys().nth(at).copied() else { continue };
                    prop_assert!(log.contains(id));
                    prop_assert!(log.delete(id) && plain.delete(id) && !log.contains(id));
                }
                Step::DeleteAny(id) => prop_assert_eq!(log.delete(id), plain.delete(id)),
                Step::Trim(trim) if trim.approximate || trim.limit.is_some() => {
                    // Not more than asked for; then the model follows.
                    let removed = log.trim(&trim);
                    let first = (!log.is_empty()).then(|| log.first_id());
                    let kept = plain.entries.len() as u64;
                    prop_assert_eq!(plain.take_up_to(first), removed);
                    prop_assert!(trim.limit.is_none_or(|limit| removed <= limit));
                    match trim.keep {
                        Keep::Newest(count) => prop_assert!(log.len() >= count.min(kept)),
                        Keep::From(id) => prop_assert!(first.is_none_or(|first| first <= id
                            || removed == 0 || !log.contains(id))),
                    }
                }
                Step::Trim(trim) => prop_assert_eq!(log.trim(&trim), plain.trim(trim.keep)),
            }
            check_same(&log, &plain);
        }
        for (from, to) in ranges {
            check_ranges(&log, &plain, from, to);
        }
        check_ranges(&log, &plain, StreamId::MIN, StreamId::MAX);
        for (from, to) in plain.entries.keys().zip(plain.entries.keys().skip(5)) {
            check_ranges(&log, &plain, *from, *to);
        }
        let keys: Vec<[u8; 16]> = log.node_bytes().map(|(id, _)| {
            (u128::from(id.ms) << 64 | u128::from(id.seq)).to_be_bytes()
        }).collect();
        prop_assert_eq!(log.nodes(), keys.len());
        prop_assert_eq!(log.radix_nodes(), radix_nodes_of(&keys, 0));
    }

    #[test]
    fn radix_nodes_are_counted(ids in prop::collection::btree_set(any_id(), 0..60)) {
        let mut log = Log::default();
        let one_each = NodeLimits { bytes: 0, entries: 1 };
        for id in &ids {
            if *id > StreamId::MIN {
                add(&mut log, *id, &[(b"f", b"v")], one_each);
            }
        }
        let keys: Vec<[u8; 16]> = log.node_bytes().map(|(id, _)| {
            (u128::from(id.ms) << 64 | u128::from(id.seq)).to_be_bytes()
        }).collect();
        prop_assert_eq!(log.radix_nodes(), radix_nodes_of(&keys, 0));
    }

    #[test]
    fn damaged_nodes_are_refused_or_harmless(
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        deleted in 0u64..6,
    ) {
        let mut log = Log::default();
        for ms in 1..6 {
            let pairs: &[(&[u8], &[u8])] =
                if ms == 3 { &[(b"g", b"12345"), (b"h", b"")] } else { &[(b"f", b"v")] };
            add(&mut log, StreamId::new(ms, 0), pairs, LIMITS);
        }
        log.delete(StreamId::new(deleted, 0));
        let (master, bytes) = log.node_bytes().next().expect("a node");
        let mut bytes = bytes.to_vec();
        for (at, byte) in damage {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Ok(valid) = validate_node(master, &bytes) {
            let mut log = Log::default();
            log.load_node(master, bytes).expect("just checked");
            prop_assert_eq!(log.len(), valid.live);
            let found = ids(log.all(Direction::Forward));
            let mut backward = ids(log.all(Direction::Backward));
            backward.reverse();
            prop_assert_eq!(found.len() as u64, valid.live);
            prop_assert_eq!(&found, &backward);
            let keep = Keep::Newest(valid.live / 2);
            let removed = log.trim(&Trim { keep, approximate: false, limit: None });
            prop_assert_eq!(removed, valid.live - valid.live / 2);
            for id in found.into_iter().skip(removed as usize) {
                prop_assert!(log.delete(id));
            }
            prop_assert_eq!(log.len(), 0);
        }
    }
}

/// A node need not hold its numbers in as few bytes as Redis and we do.
#[test]
fn wide_numbers_are_read_and_replaced() {
    // live 3, deleted 0, one field "f"; flags, differences and counts in two bytes each.
    let mut bytes = vec![0; 6];
    let mut wide = |number: u8| bytes.extend_from_slice(&[0xc0, number, 2]);
    wide(3);
    wide(0);
    wide(1);
    bytes.extend_from_slice(&[0x81, b'f', 2]);
    for number in [&[0][..], &[2, 0, 0, 9, 4], &[2, 1, 0, 9, 4], &[2, 2, 0, 9, 4]].concat() {
        bytes.extend_from_slice(&[0xc0, number, 2]);
    }
    bytes.push(0xff);
    let (len, count) = (bytes.len() as u32, 20u16);
    bytes[..4].copy_from_slice(&len.to_le_bytes());
    bytes[4..6].copy_from_slice(&count.to_le_bytes());
    for keep in 0..=3 {
        let mut log = Log::default();
        log.load_node(StreamId::new(5, 0), bytes.clone()).expect("a sound node");
        let trim = Trim { keep: Keep::Newest(keep), approximate: false, limit: None };
        assert_eq!(log.trim(&trim), 3 - keep);
        let left: Vec<StreamId> = (5..8).map(|ms| StreamId::new(ms, 0)).collect();
        assert_eq!(ids(log.all(Direction::Forward)), left[3 - keep as usize..]);
        assert!(log.node_bytes().all(|(master, bytes)| validate_node(master, bytes).is_ok()));
    }
}

/// What a group knows, kept plainly.
#[derive(Default)]
struct PlainGroup {
    pending: BTreeMap<StreamId, (u8, i64, u64)>,
    consumers: Vec<u8>,
}

proptest! {
    #[test]
    fn a_group_is_a_map_of_deliveries(
        steps in prop::collection::vec((0u8..10, 0u64..30, 0u8..5, 0i64..1000), 1..200),
    ) {
        let (mut group, mut plain) = (Group::default(), PlainGroup::default());
        for (step, id, name, time) in steps {
            let id = StreamId::new(id, 0);
            let text = [b'a' + name];
            match step {
                0..=5 => {
                    let consumer = group.find(&text).unwrap_or_else(|| {
                        plain.consumers.push(name);
                        group.add_consumer(&text, UnixMs(time))
                    });
                    let count = group.delivery(id).map_or(1, |delivery| delivery.count + 1);
                    group.deliver(id, Delivery { at: UnixMs(time), count, consumer });
                    plain.pending.insert(id, (name, time, count));
                }
                6..=8 => {
                    let gone = group.acknowledge(id).map(|delivery| delivery.at.0);
                    prop_assert_eq!(gone, plain.pending.remove(&id).map(|(_, time, _)| time));
                }
                _ => {
                    let before = plain.pending.len();
                    plain.pending.retain(|_, (owner, ..)| *owner != name);
                    let removed = group.remove_consumer(&text);
                    prop_assert_eq!(removed.unwrap_or(0), before - plain.pending.len());
                    prop_assert_eq!(removed.is_some(), plain.consumers.contains(&name));
                    plain.consumers.retain(|other| *other != name);
                }
            }
            prop_assert_eq!(group.pending_len(), plain.pending.len());
            prop_assert_eq!(group.consumers_len(), plain.consumers.len());
        }
        let everything = StreamId::MIN..=StreamId::MAX;
        let found: Vec<_> = group.pending(everything.clone()).map(|(id, delivery)| {
            let name = group.consumer(delivery.consumer).name()[0] - b'a';
            (id, (name, delivery.at.0, delivery.count))
        }).collect();
        prop_assert_eq!(&found, &plain.pending.into_iter().collect::<Vec<_>>());
        for name in 0..5 {
            let Some(index) = group.find(&[b'a' + name]) else { continue };
            let mine = group.pending_of(index, everything.clone()).map(|(id, _)| id);
            let expected = found.iter().filter(|(_, (owner, ..))| *owner == name);
            prop_assert!(mine.eq(expected.map(|(id, _)| *id)));
            let none = StreamId::MAX..=StreamId::MIN;
            prop_assert_eq!(group.pending_of(index, none.clone()).count(), 0);
            prop_assert_eq!(group.pending(none).count(), 0);
        }
    }
}

#[test]
fn nodes_of_small_entries_are_small() {
    let mut log = Log::default();
    for ms in 0..100_000u64 {
        add(&mut log, StreamId::new(1_700_000_000_000 + ms, 0), &[(b"field", b"value")], LIMITS);
    }
    let per_entry = log.heap_bytes() as f64 / log.len() as f64;
    assert!(per_entry < 18.0, "{per_entry} bytes");
}
