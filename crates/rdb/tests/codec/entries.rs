//! Random entries of every type and form, and what they hold.

use bytes::Bytes;
use dunlin_rdb::LoadLimits;
use dunlin_stdx::time::UnixMs;
use dunlin_values::hash::HashMut;
use dunlin_values::list::{End, ListMut, NewList};
use dunlin_values::set::{SetLimits, SetMut};
use dunlin_values::sorted_set::SortedSet;
use dunlin_values::stream::{Delivery, Direction, Group, NodeLimits, Stream, StreamId};
use dunlin_values::{AccessHint, Entry, MemberHasher, NewValue, PackedKind, StringRef, ValueMut};
use proptest::prelude::*;

/// The limits that entries are made with and read with.
pub(crate) fn limits() -> LoadLimits {
    let mut limits = LoadLimits { hasher: MemberHasher::new(77), ..LoadLimits::default() };
    limits.list.max_listpack_size = 12;
    limits.list.compress_depth = 1;
    limits.set.listpack_len = 10;
    limits.set.intset_len = 15;
    limits.hash.listpack_len = 10;
    limits.sorted_set.entries = 10;
    limits
}

fn text() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        4 => prop::collection::vec(any::<u8>(), 0..12),
        3 => (-300_i64..70_000).prop_map(|n| n.to_string().into_bytes()),
        1 => any::<i64>().prop_map(|n| n.to_string().into_bytes()),
        1 => any::<i32>().prop_map(|n| n.to_string().into_bytes()),
        1 => "[a-c]{20,120}".prop_map(String::into_bytes),
        1 => "0?[0-9]{1,25}".prop_map(String::into_bytes),
    ]
}

fn long_text() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        5 => text(),
        1 => (prop::collection::vec(any::<u8>(), 1..50), 1_usize..900)
            .prop_map(|(piece, times)| piece.repeat(times)),
        1 => (0_u64..1000).prop_map(|seed| noise(seed, 40_000)),
    ]
}

/// Bytes in which nothing repeats.
pub(crate) fn noise(seed: u64, len: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(2) | 1;
    (0..len)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 56) as u8
        })
        .collect()
}

fn deadline() -> impl Strategy<Value = Option<UnixMs>> {
    prop::option::weighted(0.3, (0_i64..1 << 45).prop_map(UnixMs))
}

fn string(key: Vec<u8>) -> impl Strategy<Value = Entry> {
    (long_text(), deadline(), any::<bool>()).prop_map(move |(text, deadline, shared)| {
        if shared && text.len() > 4000 {
            return Entry::new(&key, NewValue::shared(Bytes::from(text)), deadline);
        }
        Entry::new(&key, NewValue::string(&text), deadline)
    })
}

fn list(key: Vec<u8>) -> impl Strategy<Value = Entry> {
    (prop::collection::vec(long_text(), 1..60), deadline(), any::<bool>()).prop_map(
        move |(texts, deadline, grown)| {
            let first = if grown { 1 } else { texts.len() };
            let texts: Vec<_> = texts.iter().map(|text| StringRef::Bytes(text)).collect();
            let list = NewList::pushed(End::Back, texts[..first].iter().copied(), limits().list);
            let mut entry = list.put(|value| Entry::new(&key, value, deadline));
            let mut rest = ListMut::new(ValueMut::new(&mut entry), limits().list);
            texts[first..].iter().for_each(|text| rest.push(End::Back, [*text]));
            entry
        },
    )
}

fn set(key: Vec<u8>) -> impl Strategy<Value = Entry> {
    let numbers = any::<i64>().prop_map(|n| (n >> 40).to_string().into_bytes());
    let members =
        prop_oneof![prop::collection::vec(numbers, 1..30), prop::collection::vec(text(), 1..60),];
    (members, deadline()).prop_map(move |(members, deadline)| {
        let mut entry = Entry::new(&key, SetLimits::NO_INTS, deadline);
        let mut set = SetMut::new(ValueMut::new(&mut entry), limits().set);
        for member in &members {
            set.add(member);
        }
        entry
    })
}

fn hash(key: Vec<u8>) -> impl Strategy<Value = Entry> {
    let field = (text(), text(), prop::option::weighted(0.5, 1_i64..1 << 45));
    (prop::collection::vec(field, 1..60), deadline(), any::<bool>()).prop_map(
        move |(fields, deadline, expires)| {
            let mut entry = Entry::new(&key, NewValue::Packed(PackedKind::Hash, &EMPTY), deadline);
            let now = UnixMs(i64::MIN);
            let mut hash = HashMut::new(ValueMut::new(&mut entry), limits().hash, now);
            for (name, value, deadline) in &fields {
                hash.set(name, value);
                if expires {
                    hash.set_deadline(name, deadline.map(UnixMs));
                }
            }
            entry
        },
    )
}

const EMPTY: [u8; 7] = dunlin_values::listpack::EMPTY;

fn sorted_set(key: Vec<u8>) -> impl Strategy<Value = Entry> {
    let score = prop_oneof![
        (-1000_i64..1000).prop_map(|n| n as f64 / 4.0),
        any::<f64>().prop_filter("a number", |score| !score.is_nan()),
        Just(f64::INFINITY),
        Just(-0.0),
    ];
    (prop::collection::vec((text(), score), 1..60), deadline()).prop_map(
        move |(members, deadline)| {
            let mut set = SortedSet::new(limits().sorted_set, MemberHasher::new(5), 1, 1);
            for (member, score) in &members {
                set.set(member, *score);
            }
            set.store(|value| Entry::new(&key, value, deadline))
        },
    )
}

fn stream(key: Vec<u8>) -> impl Strategy<Value = Entry> {
    let entry = (1_u64..40, prop::collection::vec((text(), text()), 1..4), any::<bool>());
    let group = (text(), any::<bool>(), prop::collection::vec((0_usize..60, 0_usize..3), 0..40));
    (prop::collection::vec(entry, 0..60), prop::collection::vec(group, 0..3), deadline()).prop_map(
        move |(entries, groups, deadline)| {
            let mut stream = Stream::default();
            let mut ids = Vec::new();
            let mut ms = 0;
            for (distance, pairs, _) in &entries {
                ms += distance;
                let id = StreamId::new(ms, distance % 3);
                let pairs: Vec<&[u8]> =
                    pairs.iter().flat_map(|(name, value)| [&name[..], &value[..]]).collect();
                let limits = NodeLimits { bytes: 4096, entries: 9 };
                stream.log.add(id, &pairs, limits).expect("in order");
                ids.push(id);
            }
            let gone = ids.iter().zip(&entries).filter(|(_, (_, _, deleted))| *deleted);
            for (id, _) in gone {
                stream.log.delete(*id);
            }
            for (name, knows, pending) in groups {
                let last = ids.last().copied().unwrap_or_default();
                let mut group = Group::new(last, knows.then_some(entries.len() as u64));
                let names: [&[u8]; 3] = [b"alice", b"bob", b"7"];
                let consumers =
                    names.map(|name| group.add_consumer(name, UnixMs(1_700_000_000_000)));
                group.consumer_mut(consumers[1]).active = Some(UnixMs(12));
                for (place, owner) in pending.iter().filter(|(place, _)| *place < ids.len()) {
                    let consumer = consumers[*owner];
                    let at = UnixMs(*place as i64 * 7);
                    group.deliver(ids[*place], Delivery { at, count: *owner as u64, consumer });
                }
                stream.groups.insert(name.into(), group);
            }
            Entry::new(&key, stream.into(), deadline)
        },
    )
}

/// A random entry.
pub(crate) fn entry() -> impl Strategy<Value = Entry> {
    text().prop_flat_map(|key| {
        prop_oneof![
            string(key.clone()),
            list(key.clone()),
            set(key.clone()),
            hash(key.clone()),
            sorted_set(key.clone()),
            stream(key),
        ]
    })
}

/// How a key was used.
pub(crate) fn access() -> impl Strategy<Value = AccessHint> {
    prop_oneof![
        Just(AccessHint::None),
        any::<u64>().prop_map(AccessHint::IdleSeconds),
        any::<u8>().prop_map(AccessHint::Frequency),
    ]
}

/// Everything that an entry holds, in an order that does not depend on its form.
pub(crate) fn contents(entry: &Entry) -> Vec<String> {
    let show = |text: &[u8]| text.escape_ascii().to_string();
    let mut lines = Vec::new();
    if let Some(text) = entry.string() {
        lines.push(show(text.as_bytes(&mut Default::default())));
    } else if let Some(list) = entry.list() {
        list.for_each(|text| lines.push(show(text.as_bytes(&mut Default::default()))));
    } else if let Some(set) = entry.set() {
        lines.extend(set.iter().map(|member| show(&member.to_vec())));
        lines.sort();
    } else if let Some(hash) = entry.hash(UnixMs(i64::MIN)) {
        lines.extend(hash.iter().map(|field| {
            let (name, value) = field.to_vecs();
            format!("{}={} until {:?}", show(&name), show(&value), field.deadline)
        }));
        lines.sort();
    } else if let Some(set) = entry.sorted_set() {
        // Minus zero is zero in one form and not in the other.
        let line = |(member, score): (dunlin_values::listpack::Element<'_>, f64)| {
            format!("{:?} {}", score + 0.0, show(&member.to_vec()))
        };
        lines.extend(set.iter().map(line));
    } else if let Some(stream) = entry.stream() {
        stream_contents(stream, &mut lines);
    }
    lines.insert(0, format!("{} {:?}", show(entry.key()), entry.value_type()));
    lines.push(format!("{:?}", entry.deadline()));
    lines
}

fn stream_contents(stream: &Stream, lines: &mut Vec<String>) {
    let log = &stream.log;
    let mut entries = log.all(Direction::Forward);
    while let Some(id) = entries.next_id() {
        let mut line = id.to_string();
        while let Some((name, value)) = entries.next_field() {
            line += &format!(" {:?}={:?}", name.to_vec(), value.to_vec());
        }
        lines.push(line);
    }
    lines.push(format!(
        "{} {} {} {} {} {}",
        log.len(),
        log.first_id(),
        log.last_id(),
        log.max_deleted_id(),
        log.entries_added(),
        log.nodes()
    ));
    for (name, group) in &stream.groups {
        lines.push(format!("{name:?} {} {:?}", group.last_id(), group.entries_read()));
        for consumer in group.consumers() {
            lines.push(format!("{:?} {:?}", consumer.name(), consumer.seen));
            lines.extend(consumer.pending_ids().map(|id| {
                let delivery = group.delivery(id).expect("pending");
                format!("{id} {:?} {}", delivery.at, delivery.count)
            }));
        }
    }
}

/// When each consumer was active last, which only [`dunlin_rdb::Version::V11`] keeps.
pub(crate) fn activity(entry: &Entry) -> Vec<Option<UnixMs>> {
    let groups = entry.stream().into_iter().flat_map(|stream| stream.groups.values());
    groups.flat_map(Group::consumers).map(|consumer| consumer.active).collect()
}
