//! How keys are written: with the types of the lowest version that holds them.

use dunlin_stdx::time::UnixMs;
use dunlin_values::hash::FieldRef;
use dunlin_values::list::{ListNode, ListRef};
use dunlin_values::listpack::Listpack;
use dunlin_values::set::SetRef;
use dunlin_values::stream::{Group, Stream, StreamId};
use dunlin_values::{
    AccessHint, Encoding, Entry, FrozenHeader, FrozenItem, Object, PackedKind, StringRef, ValueType,
};

use crate::draft::{Draft, WriteOptions};
use crate::format::{Version, kind, node};

/// A time before all deadlines: no field is hidden from who looks then.
pub(crate) const BEFORE_ALL: UnixMs = UnixMs(i64::MIN);

/// How the items of a large collection are written, from one draft to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LargeForm {
    version: Version,
    /// What the deadlines of its fields count from, if any has one.
    deadlines_from: Option<UnixMs>,
}

impl Draft {
    /// A key with its value, deadline and `access`.
    pub fn entry(&mut self, entry: &Entry, access: AccessHint, options: &WriteOptions) {
        self.prefixes(entry.deadline(), access);
        let kind_at = self.bytes.len();
        self.bytes.push(0);
        self.text(entry.key());
        self.bytes[kind_at] = self.value(entry, options);
    }

    /// The value of a key as DUMP has it: its type, then its body.
    pub(crate) fn typed_value(&mut self, entry: &Entry, options: &WriteOptions) {
        let kind_at = self.bytes.len();
        self.bytes.push(0);
        self.bytes[kind_at] = self.value(entry, options);
    }

    /// A large collection whose items follow, in this draft and others behind it.
    ///
    /// # Panics
    /// If the header is that of a string.
    #[must_use]
    pub fn begin_large(
        &mut self,
        key: &[u8],
        deadline: Option<UnixMs>,
        access: AccessHint,
        header: FrozenHeader,
        options: &WriteOptions,
    ) -> LargeForm {
        self.prefixes(deadline, access);
        let has_deadlines = header.is_hash && !options.plain_hashes;
        let deadlines_from = header.earliest_field_deadline.filter(|_| has_deadlines);
        let kind = match header.encoding {
            Encoding::Quicklist => kind::LIST_NODES,
            Encoding::Hashtable if !header.is_hash => kind::SET,
            Encoding::Hashtable if deadlines_from.is_some() => kind::HASH_DEADLINES,
            Encoding::Hashtable => kind::HASH,
            Encoding::Skiplist => kind::SORTED_SET,
            Encoding::Stream => stream_kind(options.version),
            other => panic!("a value held as {} is not large", other.name()),
        };
        self.bytes.push(kind);
        self.text(key);
        if let Some(from) = deadlines_from {
            self.begin_deadlines(from);
        }
        self.length(header.items as u64);
        LargeForm { version: options.version, deadlines_from }
    }

    /// The next item of a large collection. Nothing is written behind the last one.
    pub fn item(&mut self, form: LargeForm, item: FrozenItem<'_>) {
        match item {
            FrozenItem::ListNode(listpack) => self.list_node(ListNode::Packed(listpack)),
            FrozenItem::LongElement(element) => self.list_node(ListNode::Long(element)),
            FrozenItem::Member(member) => self.text(member),
            FrozenItem::Scored(member, score) => {
                self.text(member);
                self.bytes.extend_from_slice(&score.to_le_bytes());
            }
            FrozenItem::Field { name, value, deadline } => {
                self.deadline_of_field(form.deadlines_from, deadline);
                self.text(name);
                self.text(value);
            }
            FrozenItem::StreamNode(master, listpack) => self.stream_node(master, listpack),
            FrozenItem::StreamTail(stream) => self.stream_tail(stream, form.version),
        }
    }

    /// Writes the body of a value and tells its type.
    fn value(&mut self, entry: &Entry, options: &WriteOptions) -> u8 {
        if let Some((packed, bytes)) = entry.packed() {
            return self.packed(packed, bytes, entry, options);
        }
        match entry.string() {
            Some(StringRef::Int(number)) => self.int(number),
            Some(StringRef::Bytes(text)) => self.text(text),
            Some(StringRef::Shared(text)) => self.large(text),
            None => return self.object(entry, options),
        }
        kind::STRING
    }

    fn packed(
        &mut self,
        packed: PackedKind,
        bytes: &[u8],
        entry: &Entry,
        options: &WriteOptions,
    ) -> u8 {
        match packed {
            PackedKind::List => {
                self.length(1);
                self.list_node(ListNode::Packed(bytes));
                return kind::LIST_NODES;
            }
            PackedKind::Set if options.version >= Version::V11 => self.blob(bytes),
            PackedKind::Set | PackedKind::TableSet => {
                let list = Listpack::new(bytes);
                self.length(list.len() as u64);
                list.iter().for_each(|(_, member)| self.element(member));
                return kind::SET;
            }
            PackedKind::TableHash | PackedKind::HashWithDeadlines => {
                return self.fields(entry, options);
            }
            PackedKind::IntSet | PackedKind::Hash | PackedKind::SortedSet => self.blob(bytes),
        }
        match packed {
            PackedKind::IntSet => kind::SET_INTSET,
            PackedKind::Hash => kind::HASH_LISTPACK,
            PackedKind::SortedSet => kind::SORTED_SET_LISTPACK,
            _ => kind::SET_LISTPACK,
        }
    }

    fn object(&mut self, entry: &Entry, options: &WriteOptions) -> u8 {
        match entry.value_type() {
            ValueType::List => self.quicklist(entry),
            ValueType::Set => self.members(entry),
            ValueType::SortedSet => self.scores(entry),
            ValueType::Hash => self.fields(entry, options),
            ValueType::Stream => {
                if let Some(Object::Stream(stream)) = entry.object() {
                    self.stream(stream, options.version);
                }
                stream_kind(options.version)
            }
            ValueType::String => unreachable!("strings were written before"),
        }
    }

    fn quicklist(&mut self, entry: &Entry) -> u8 {
        if let Some(ListRef::Quick(list)) = entry.list() {
            self.length(list.nodes() as u64);
            list.for_each_node(|node| self.list_node(node));
        }
        kind::LIST_NODES
    }

    pub(crate) fn list_node(&mut self, node: ListNode<'_>) {
        match node {
            ListNode::Packed(listpack) => {
                self.length(node::PACKED);
                self.blob(listpack);
            }
            ListNode::Compressed { bytes, len } => {
                self.length(node::PACKED);
                self.compressed(bytes, len);
            }
            ListNode::Long(element) => {
                self.length(node::PLAIN);
                self.large(element);
            }
        }
    }

    fn members(&mut self, entry: &Entry) -> u8 {
        if let Some(set @ SetRef::Table(_)) = entry.set() {
            self.length(set.len() as u64);
            set.iter().for_each(|member| self.element(member));
        }
        kind::SET
    }

    /// The highest score first: where a reader adds one after the other, each is the new first one.
    fn scores(&mut self, entry: &Entry) -> u8 {
        if let Some(set) = entry.sorted_set() {
            self.length(set.len() as u64);
            for (member, score) in set.range_backwards(0..set.len()) {
                self.element(member);
                self.bytes.extend_from_slice(&score.to_le_bytes());
            }
        }
        kind::SORTED_SET
    }

    /// A hash field by field, with deadlines if there are any that are wanted.
    fn fields(&mut self, entry: &Entry, options: &WriteOptions) -> u8 {
        let Some(hash) = entry.hash(BEFORE_ALL) else { return kind::HASH };
        let deadlines_from = entry.earliest_field_deadline().filter(|_| !options.plain_hashes);
        if let Some(from) = deadlines_from {
            self.begin_deadlines(from);
        }
        self.length(hash.held_len() as u64);
        for FieldRef { name, value, deadline } in hash.iter() {
            self.deadline_of_field(deadlines_from, deadline);
            self.element(name);
            self.element(value);
        }
        if deadlines_from.is_some() { kind::HASH_DEADLINES } else { kind::HASH }
    }

    fn begin_deadlines(&mut self, from: UnixMs) {
        self.note_field_deadlines();
        self.bytes.extend_from_slice(&from.0.max(0).to_le_bytes());
    }

    /// The deadline of a field, counted from the earliest and 1; 0 is none.
    fn deadline_of_field(&mut self, from: Option<UnixMs>, deadline: Option<UnixMs>) {
        let Some(from) = from else { return };
        let number = deadline.map_or(0, |at| (at.0.max(0) - from.0.max(0)).max(0) as u64 + 1);
        self.length(number);
    }

    fn stream(&mut self, stream: &Stream, version: Version) {
        self.length(stream.log.nodes() as u64);
        for (master, listpack) in stream.log.node_bytes() {
            self.stream_node(master, listpack);
        }
        self.stream_tail(stream, version);
    }

    pub(crate) fn stream_node(&mut self, master: StreamId, listpack: &[u8]) {
        /// Bytes of an ID.
        const ID_BYTES: u64 = 16;
        self.length(ID_BYTES);
        self.raw_id(master);
        self.blob(listpack);
    }

    pub(crate) fn stream_tail(&mut self, stream: &Stream, version: Version) {
        let log = &stream.log;
        self.length(log.len());
        self.id(log.last_id());
        self.id(log.first_id());
        self.id(log.max_deleted_id());
        self.length(log.entries_added());
        self.length(stream.groups.len() as u64);
        for (name, group) in &stream.groups {
            self.text(name);
            self.group(group, version);
        }
    }

    fn group(&mut self, group: &Group, version: Version) {
        self.id(group.last_id());
        // Minus one stands for "unknown".
        self.length(group.entries_read().unwrap_or(u64::MAX));
        self.length(group.pending_len() as u64);
        for (id, delivery) in group.pending(StreamId::MIN..=StreamId::MAX) {
            self.raw_id(id);
            self.bytes.extend_from_slice(&delivery.at.0.to_le_bytes());
            self.length(delivery.count);
        }
        self.length(group.consumers_len() as u64);
        for consumer in group.consumers() {
            self.text(consumer.name());
            self.bytes.extend_from_slice(&consumer.seen.0.to_le_bytes());
            if version >= Version::V11 {
                let active = consumer.active.map_or(-1, |at| at.0);
                self.bytes.extend_from_slice(&active.to_le_bytes());
            }
            self.length(consumer.pending_len() as u64);
            consumer.pending_ids().for_each(|id| self.raw_id(id));
        }
    }

    fn id(&mut self, id: StreamId) {
        self.length(id.ms);
        self.length(id.seq);
    }

    fn raw_id(&mut self, id: StreamId) {
        self.bytes.extend_from_slice(&id.ms.to_be_bytes());
        self.bytes.extend_from_slice(&id.seq.to_be_bytes());
    }
}

pub(crate) const fn stream_kind(version: Version) -> u8 {
    if version.number() >= Version::V11.number() { kind::STREAM_3 } else { kind::STREAM_2 }
}
