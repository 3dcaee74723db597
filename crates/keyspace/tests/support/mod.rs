//! What snapshots are tested with: values of every kind, and a sink that writes down what it gets.

#![allow(dead_code, unreachable_pub)]

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use dunlin_keyspace::{
    DatabaseIndex, Emitter, Freer, Garbage, Keyspace, LargeKey, Layout, Slot, SnapshotScope,
    SnapshotSink, WalkProgress,
};
use dunlin_stdx::time::UnixMs;
use dunlin_values::hash::{HashLimits, HashMut};
use dunlin_values::list::{End, ListBuilder, ListLimits, ListMut};
use dunlin_values::listpack::{Element, Listpack};
use dunlin_values::set::{SetLimits, SetMut};
use dunlin_values::sorted_set::{PackedLimits, SortedSet, SortedSetMut};
use dunlin_values::stream::{Group, Keep, NewId, NodeLimits, Stream, StreamId, Trim};
use dunlin_values::{
    AccessHint, Encoding, Entry, FrozenHeader, FrozenItem, MemberHasher, NewValue, StringRef,
    ValueMut, ValueType,
};

/// Keys and what they hold, by database.
pub type Contents = BTreeMap<(DatabaseIndex, Vec<u8>), String>;

pub struct DropAtOnce;

impl Freer for DropAtOnce {
    fn free_later(&mut self, garbage: Garbage) {
        drop(garbage);
    }
}

pub fn keyspace(databases: u32, layout: Layout) -> Keyspace {
    Keyspace::new(databases, layout, 7, Box::new(DropAtOnce))
}

/// A sink that writes down what it gets.
#[derive(Clone, Default)]
pub struct Notes {
    got: Arc<Mutex<Contents>>,
    /// Keys that came from the barrier.
    hurried: Arc<Mutex<Vec<Vec<u8>>>>,
    is_full: Arc<AtomicBool>,
    /// The large collection that is coming, and how many did.
    large: Option<Large>,
    large_count: Arc<AtomicUsize>,
}

/// A large collection of which not everything has come.
#[derive(Clone)]
struct Large {
    db: DatabaseIndex,
    key: Vec<u8>,
    header: FrozenHeader,
    deadline: String,
    items: Vec<String>,
    /// What a stream is besides its nodes.
    tail: String,
}

impl Notes {
    pub fn take(&self) -> Contents {
        std::mem::take(&mut self.got.lock().expect("no thread has panicked"))
    }

    pub fn take_hurried(&self) -> Vec<Vec<u8>> {
        std::mem::take(&mut self.hurried.lock().expect("no thread has panicked"))
    }

    pub fn len(&self) -> usize {
        self.got.lock().expect("no thread has panicked").len()
    }

    pub fn large_count(&self) -> usize {
        self.large_count.load(Ordering::Relaxed)
    }

    pub fn set_full(&self, is_full: bool) {
        self.is_full.store(is_full, Ordering::Relaxed);
    }

    fn note(&self, db: DatabaseIndex, key: &[u8], contents: String) {
        let before =
            self.got.lock().expect("no thread has panicked").insert((db, key.to_vec()), contents);
        assert_eq!(before, None, "{} came twice", key.escape_ascii());
    }
}

impl SnapshotSink for Notes {
    fn entry(&mut self, db: DatabaseIndex, entry: &Entry, _: AccessHint, from: Emitter) {
        self.note(db, entry.key(), contents(entry));
        assert!(!entry.is_large(), "large collections come in pieces");
        match from {
            Emitter::Walk => {
                assert!(self.has_room(), "the walk waits for room");
                assert!(self.large.is_none(), "nothing comes between the items");
            }
            Emitter::Barrier => {
                self.hurried.lock().expect("no thread has panicked").push(entry.key().to_vec());
            }
        }
    }

    fn begin_large(&mut self, key: LargeKey<'_>) {
        assert!(self.large.is_none(), "one after the other");
        let deadline = format!("{:?}", key.deadline);
        let (db, header, key) = (key.db, key.header, key.key.to_vec());
        let (items, tail) = (Vec::new(), String::new());
        self.large = Some(Large { db, key, header, deadline, items, tail });
    }

    fn item(&mut self, item: FrozenItem<'_>) {
        let large = self.large.as_mut().expect("a collection has begun");
        match item {
            FrozenItem::ListNode(bytes) => large.items.push(list_node(bytes)),
            FrozenItem::LongElement(bytes) => large.items.push(bytes.escape_ascii().to_string()),
            FrozenItem::Member(member) => large.items.push(member.escape_ascii().to_string()),
            FrozenItem::Scored(member, score) => large.items.push(scored(member, score)),
            FrozenItem::Field { name, value, deadline } => {
                large.items.push(field(name, value, deadline));
            }
            FrozenItem::StreamNode(id, bytes) => large.items.push(stream_node(id, bytes)),
            FrozenItem::StreamTail(stream) => large.tail = stream_tail(stream),
        }
    }

    fn end_large(&mut self) {
        let mut large = self.large.take().expect("a collection has begun");
        let is_stream = large.header.encoding == Encoding::Stream;
        assert_eq!(large.items.len(), large.header.items, "{:?}", large.header);
        if large.header.encoding != Encoding::Quicklist && !is_stream {
            large.items.sort();
        }
        let text = joined(large.deadline + &large.tail, large.items);
        self.note(large.db, &large.key, text);
        self.large_count.fetch_add(1, Ordering::Relaxed);
    }

    fn has_room(&self) -> bool {
        !self.is_full.load(Ordering::Relaxed)
    }
}

/// Everything about an entry that a snapshot keeps, as text.
pub fn contents(entry: &Entry) -> String {
    let mut text = format!("{:?}", entry.deadline());
    let mut parts: Vec<String> = Vec::new();
    let show = |element: StringRef<'_>| {
        let mut digits = dunlin_values::IntText::default();
        element.as_bytes(&mut digits).escape_ascii().to_string()
    };
    match entry.value_type() {
        ValueType::String => text.extend(entry.string().map(show)),
        ValueType::List => {
            entry.list().expect("a list").for_each(|element| parts.push(show(element)));
        }
        ValueType::Set => {
            parts.extend(entry.set().expect("a set").iter().map(|member| show(member.into())));
            parts.sort();
        }
        ValueType::SortedSet => {
            let members = entry.sorted_set().expect("a sorted set").iter();
            parts.extend(members.map(|(member, score)| format!("{} {score}", show(member.into()))));
            parts.sort();
        }
        ValueType::Hash => {
            let fields = entry.hash(UnixMs(i64::MIN)).expect("a hash").iter();
            parts.extend(fields.map(|field| {
                let (name, value) = field.to_vecs();
                self::field(&name, &value, field.deadline)
            }));
            parts.sort();
        }
        ValueType::Stream => {
            let stream = entry.stream().expect("a stream");
            text.push_str(&stream_tail(stream));
            parts.extend(stream.log.node_bytes().map(|(id, bytes)| stream_node(id, bytes)));
        }
    }
    joined(text, parts)
}

fn joined(mut text: String, parts: Vec<String>) -> String {
    for part in parts {
        text.push('\n');
        text.push_str(&part);
    }
    text
}

fn scored(member: &[u8], score: f64) -> String {
    format!("{} {score}", member.escape_ascii())
}

pub fn field(name: &[u8], value: &[u8], deadline: Option<UnixMs>) -> String {
    format!("{}={} {deadline:?}", name.escape_ascii(), value.escape_ascii())
}

fn list_node(bytes: &[u8]) -> String {
    let elements = Listpack::new(bytes).iter().map(|(_, element)| match element {
        Element::Int(number) => number.to_string(),
        Element::Text(text) => text.escape_ascii().to_string(),
    });
    elements.collect::<Vec<_>>().join("\n")
}

fn stream_node(id: StreamId, bytes: &[u8]) -> String {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    format!("{id:?} {} {}", bytes.len(), hasher.finish())
}

fn stream_tail(stream: &Stream) -> String {
    let log = &stream.log;
    format!(
        "{} {:?} {:?} {:?} {} {:?}",
        log.len(),
        log.first_id(),
        log.last_id(),
        log.max_deleted_id(),
        log.entries_added(),
        stream.groups
    )
}

/// What all databases hold now, as far as the scope reaches.
pub fn contents_of(keyspace: &Keyspace, scope: &SnapshotScope) -> Contents {
    let mut all = Contents::new();
    for db in 0..keyspace.databases() {
        keyspace.database(db).for_each(|entry| {
            if scope.contains(dunlin_slots::key_slot(entry.key())) {
                all.insert((db, entry.key().to_vec()), contents(entry));
            }
        });
    }
    all
}

/// Goes on to the end, and ends the snapshot.
pub fn finish(keyspace: &mut Keyspace) {
    while keyspace.walk(200) != WalkProgress::Done {}
    let progress = keyspace.snapshot_progress().expect("it is running");
    assert_eq!(progress.keys_done, progress.keys_total);
    assert!(keyspace.end_snapshot().is_some());
}

pub fn hash_limits() -> HashLimits {
    HashLimits { listpack_len: 16, listpack_value_len: 64, hasher: MemberHasher::new(1) }
}

pub fn set_limits() -> SetLimits {
    SetLimits {
        intset_len: 16,
        listpack_len: 16,
        listpack_member_len: 64,
        hasher: MemberHasher::new(2),
    }
}

pub const PACKED_LIMITS: PackedLimits = PackedLimits { entries: 16, value: 64 };

pub fn list_limits() -> ListLimits {
    ListLimits { max_listpack_size: 8, ..ListLimits::default() }
}

/// Puts a new value of one of six types with `len` elements.
pub fn put_new(keyspace: &mut Keyspace, db: DatabaseIndex, key: &[u8], kind: u8, len: usize) {
    let hasher = MemberHasher::new(3);
    let words: Vec<String> = (0..len.max(1)).map(|n| format!("e{n}")).collect();
    match kind % 7 {
        0 => keyspace.slot(db, key).set(NewValue::Int(len as i64), None),
        1 => keyspace.slot(db, key).set(NewValue::string(&vec![b'x'; len]), None),
        2 => {
            let mut list = ListBuilder::new(list_limits());
            words.iter().for_each(|word| list.push(StringRef::Bytes(word.as_bytes())));
            list.finish().put(|value| keyspace.slot(db, key).set(value, None));
        }
        3 => {
            keyspace.slot(db, key).set(SetLimits::NO_MEMBERS, None);
            edit(keyspace, db, key, |value| {
                let mut set = SetMut::new(value, set_limits());
                words.iter().for_each(|word| assert!(set.add(word.as_bytes())));
            });
        }
        4 => {
            let mut set = SortedSet::new(PACKED_LIMITS, hasher, len, 2);
            words.iter().zip(0..).for_each(|(word, n)| {
                set.set(word.as_bytes(), f64::from(n));
            });
            set.store(|value| keyspace.slot(db, key).set(value, None));
        }
        5 => {
            let words: Vec<&[u8]> = words.iter().flat_map(|word| [word.as_bytes(), b"v"]).collect();
            let mut bytes = Vec::new();
            let (value, _) = hash_limits().build(&words, &mut bytes);
            keyspace.slot(db, key).set(value, None);
        }
        _ => {
            let mut stream = Stream::default();
            // A stream is large when its entries take some hundred kilobytes.
            let value = vec![b'v'; if len > 1000 { 300 } else { 5 }];
            for _ in 0..len.max(1) {
                add_to_stream(&mut stream, &value);
            }
            stream.groups.insert((*b"g").into(), Group::new(stream.log.first_id(), None));
            keyspace.slot(db, key).set(stream.into(), None);
        }
    }
}

fn add_to_stream(stream: &mut Stream, value: &[u8]) {
    let id = stream.log.next_id(NewId::Any, 1000).expect("there is a next one");
    let limits = NodeLimits { bytes: 4096, entries: 4 };
    stream.log.add(id, &[b"field", value], limits).expect("it is short");
}

pub fn edit(
    keyspace: &mut Keyspace,
    db: DatabaseIndex,
    key: &[u8],
    change: impl FnOnce(ValueMut<'_>),
) {
    let Slot::Occupied(mut slot) = keyspace.slot(db, key) else { panic!("no such key") };
    change(slot.value_mut());
}

/// Changes the value of a key, if there is one, as commands of its type would; `n` says how.
pub fn change(keyspace: &mut Keyspace, db: DatabaseIndex, key: &[u8], n: usize) {
    let Slot::Occupied(mut slot) = keyspace.slot(db, key) else { return };
    let word = format!("n{n}");
    let old = format!("e{n}");
    match slot.value_type() {
        ValueType::String => {
            let len = slot.string().map_or(0, StringRef::len);
            let bytes = slot.edit_string(len + n % 50).expect("a string");
            if let Some(byte) = bytes.last_mut() {
                *byte = byte.wrapping_add(1);
            }
        }
        ValueType::List => {
            let mut list = ListMut::new(slot.value_mut(), list_limits());
            if n.is_multiple_of(3) && list.len() > 1 {
                list.remove_range(n % list.len(), 1 + n % 3);
            } else if n % 3 == 1 {
                list.set(n % list.len(), StringRef::Bytes(word.as_bytes()));
            } else {
                list.push(End::Front, [StringRef::Bytes(word.as_bytes())]);
            }
            if list.is_empty() {
                slot.delete(n.is_multiple_of(2));
            }
        }
        ValueType::Set => {
            let mut set = SetMut::new(slot.value_mut(), set_limits());
            if n.is_multiple_of(2) {
                set.remove(old.as_bytes());
            } else {
                set.add(word.as_bytes());
            }
            if set.view().is_empty() {
                slot.delete(true);
            }
        }
        ValueType::SortedSet => {
            let hasher = MemberHasher::new(3);
            let mut set =
                SortedSetMut::new(slot.value_mut(), PACKED_LIMITS, hasher).expect("a sorted set");
            match n % 3 {
                0 => drop(set.remove(old.as_bytes())),
                1 => drop(set.set(old.as_bytes(), -1.0)),
                _ => drop(set.set(word.as_bytes(), 5.0)),
            }
            if set.view().is_empty() {
                slot.delete(true);
            }
        }
        ValueType::Hash => change_hash(slot, &word, &old, n),
        ValueType::Stream => {
            let is_seen = n.is_multiple_of(2);
            let value = if is_seen { slot.value_mut() } else { slot.bookkeeping_mut() };
            let stream = value.into_stream().expect("a stream");
            if is_seen {
                add_to_stream(stream, b"value");
            } else {
                let newest = stream.log.last_id();
                if let Some(group) = stream.groups.get_mut(b"g") {
                    group.set_last_id(newest, Some(n as u64));
                }
            }
        }
    }
}

/// Removes all elements of a collection but the first.
pub fn shrink(keyspace: &mut Keyspace, db: DatabaseIndex, key: &[u8]) {
    let Slot::Occupied(mut slot) = keyspace.slot(db, key) else { return };
    let names: Vec<String> = (1..2000).map(|n| format!("e{n}")).collect();
    match slot.value_type() {
        ValueType::String => {}
        ValueType::List => {
            let mut list = ListMut::new(slot.value_mut(), list_limits());
            list.remove_range(1, list.len() - 1);
        }
        ValueType::Set => {
            let mut set = SetMut::new(slot.value_mut(), set_limits());
            for name in &names {
                set.remove(name.as_bytes());
            }
        }
        ValueType::SortedSet => {
            let hasher = MemberHasher::new(3);
            let mut set =
                SortedSetMut::new(slot.value_mut(), PACKED_LIMITS, hasher).expect("a sorted set");
            set.remove_ranks(1..set.view().len());
        }
        ValueType::Hash => {
            let mut hash = HashMut::new(slot.value_mut(), hash_limits(), UnixMs(0));
            for name in &names {
                hash.remove(name.as_bytes());
            }
            slot.field_deadlines_changed();
        }
        ValueType::Stream => {
            let stream = slot.value_mut().into_stream().expect("a stream");
            stream.log.trim(&Trim { keep: Keep::Newest(1), approximate: false, limit: None });
        }
    }
}

fn change_hash(mut slot: dunlin_keyspace::Occupied<'_>, word: &str, old: &str, n: usize) {
    let mut hash = HashMut::new(slot.value_mut(), hash_limits(), UnixMs(0));
    match n % 4 {
        0 => drop(hash.remove(old.as_bytes())),
        1 => drop(hash.set(old.as_bytes(), word.as_bytes())),
        2 => drop(hash.set(word.as_bytes(), b"v")),
        _ => {
            if hash.view().get(old.as_bytes()).is_some() {
                hash.set_deadline(old.as_bytes(), Some(UnixMs(1 + n as i64)));
            }
        }
    }
    let is_empty = hash.view().held_len() == 0;
    slot.field_deadlines_changed();
    if is_empty {
        slot.delete(false);
    }
}
