//! A snapshot as commands that build it: the base of an append-only file without RDB
//! (`aof-use-rdb-preamble no`).
//!
//! Source: Redis documentation, "Persistence", log rewriting.
//! Differs: deadlines of hash fields are written too (HPEXPIREAT); Redis 7.2 has none.

use dunlin_keyspace::LargeKey;
use dunlin_resp::{write_count, write_request, write_word};
use dunlin_stdx::number::format_f64;
use dunlin_stdx::time::UnixMs;
use dunlin_values::listpack::Listpack;
use dunlin_values::stream::{Delivery, Direction, Group, IdText, Log, Stream, StreamId};
use dunlin_values::{Encoding, Entry, FrozenItem, IntText, ValueType};

use super::words::Gathered;

/// Writes keys as commands. One key at a time may be in pieces.
#[derive(Debug, Default)]
pub(super) struct CommandWriter {
    gathered: Gathered,
    /// The large collection in progress.
    large: Option<OpenKey>,
}

#[derive(Debug)]
struct OpenKey {
    key: Box<[u8]>,
    deadline: Option<UnixMs>,
    verb: &'static [u8],
}

impl CommandWriter {
    /// Writes `SELECT`.
    pub(super) fn select(out: &mut Vec<u8>, db: u32) {
        write_request(out, &[b"SELECT", itoa::Buffer::new().format(db).as_bytes()]);
    }

    /// Writes an entry.
    pub(super) fn entry(&mut self, out: &mut Vec<u8>, entry: &Entry) {
        let (key, mut digits) = (entry.key(), IntText::default());
        match entry.value_type() {
            ValueType::String => {
                let text = entry.string().expect("a string");
                write_request(out, &[b"SET", key, text.as_bytes(&mut digits)]);
            }
            ValueType::List => {
                let list = entry.list().expect("a list");
                list.for_each(|element| {
                    let mut digits = IntText::default();
                    self.element(out, key, element.as_bytes(&mut digits));
                });
                self.gathered.flush(b"RPUSH", key, out);
            }
            ValueType::Set => {
                for member in entry.set().expect("a set").iter() {
                    self.member(out, key, member.as_bytes(&mut digits));
                }
                self.gathered.flush(b"SADD", key, out);
            }
            ValueType::SortedSet => {
                for (member, score) in entry.sorted_set().expect("a sorted set").iter() {
                    self.scored(out, key, member.as_bytes(&mut digits), score);
                }
                self.gathered.flush(b"ZADD", key, out);
            }
            ValueType::Hash => {
                self.hash(out, entry);
                self.gathered.flush(b"HMSET", key, out);
                field_deadlines(out, entry);
            }
            ValueType::Stream => {
                let stream = entry.stream().expect("a stream");
                write_entries(out, key, &stream.log);
                write_stream_tail(out, key, stream);
            }
        }
        write_deadline(out, key, entry.deadline());
    }

    /// Begins a large collection.
    pub(super) fn begin_large(&mut self, large: &LargeKey<'_>) {
        let verb: &[u8] = match large.header.encoding {
            Encoding::Quicklist => b"RPUSH",
            Encoding::Skiplist => b"ZADD",
            _ if large.header.is_hash => b"HMSET",
            _ => b"SADD",
        };
        self.large = Some(OpenKey { key: large.key.into(), deadline: large.deadline, verb });
    }

    /// Writes the next item of the large collection, or keeps it until a command is full.
    pub(super) fn item(&mut self, out: &mut Vec<u8>, item: FrozenItem<'_>) {
        let open = self.large.take().expect("a large collection has begun");
        let key = &*open.key;
        match item {
            FrozenItem::ListNode(bytes) => {
                let mut digits = IntText::default();
                for (_, element) in Listpack::new(bytes) {
                    self.element(out, key, element.as_bytes(&mut digits));
                }
            }
            FrozenItem::LongElement(element) => self.element(out, key, element),
            FrozenItem::Member(member) => self.member(out, key, member),
            FrozenItem::Scored(member, score) => self.scored(out, key, member, score),
            FrozenItem::Field { name, value, deadline } => {
                self.field(out, key, name, value);
                if let Some(at) = deadline {
                    self.gathered.flush(b"HMSET", key, out);
                    write_field_deadline(out, key, name, at);
                }
            }
            FrozenItem::StreamNode(master, bytes) => {
                let mut log = Log::default();
                log.load_node(master, bytes.to_vec()).expect("a node of a stream of ours");
                write_entries(out, key, &log);
            }
            FrozenItem::StreamTail(stream) => write_stream_tail(out, key, stream),
        }
        self.large = Some(open);
    }

    /// Ends the large collection.
    pub(super) fn end_large(&mut self, out: &mut Vec<u8>) {
        let open = self.large.take().expect("a large collection has begun");
        self.gathered.flush(open.verb, &open.key, out);
        write_deadline(out, &open.key, open.deadline);
    }

    fn element(&mut self, out: &mut Vec<u8>, key: &[u8], element: &[u8]) {
        self.gathered.word(element);
        self.gathered.end_item(b"RPUSH", key, out);
    }

    fn member(&mut self, out: &mut Vec<u8>, key: &[u8], member: &[u8]) {
        self.gathered.word(member);
        self.gathered.end_item(b"SADD", key, out);
    }

    fn scored(&mut self, out: &mut Vec<u8>, key: &[u8], member: &[u8], score: f64) {
        self.gathered.word(&format_f64(score));
        self.gathered.word(member);
        self.gathered.end_item(b"ZADD", key, out);
    }

    fn field(&mut self, out: &mut Vec<u8>, key: &[u8], name: &[u8], value: &[u8]) {
        self.gathered.word(name);
        self.gathered.word(value);
        self.gathered.end_item(b"HMSET", key, out);
    }

    fn hash(&mut self, out: &mut Vec<u8>, entry: &Entry) {
        let (mut name, mut value) = (IntText::default(), IntText::default());
        for field in entry.hash(UnixMs(i64::MIN)).expect("a hash").iter() {
            let (name, value) = (field.name.as_bytes(&mut name), field.value.as_bytes(&mut value));
            self.field(out, entry.key(), name, value);
        }
    }
}

/// The deadlines of a hash's fields, behind the fields: setting a field takes its deadline away.
fn field_deadlines(out: &mut Vec<u8>, entry: &Entry) {
    if entry.earliest_field_deadline().is_none() {
        return;
    }
    let mut digits = IntText::default();
    for field in entry.hash(UnixMs(i64::MIN)).expect("a hash").iter() {
        if let Some(at) = field.deadline {
            write_field_deadline(out, entry.key(), field.name.as_bytes(&mut digits), at);
        }
    }
}

fn write_field_deadline(out: &mut Vec<u8>, key: &[u8], name: &[u8], UnixMs(at): UnixMs) {
    let mut digits = IntText::default();
    write_request(out, &[b"HPEXPIREAT", key, digits.format(at), b"FIELDS", b"1", name]);
}

fn write_deadline(out: &mut Vec<u8>, key: &[u8], deadline: Option<UnixMs>) {
    if let Some(UnixMs(at)) = deadline {
        write_request(out, &[b"PEXPIREAT", key, IntText::default().format(at)]);
    }
}

/// The entries of a stream, or of one of its nodes.
fn write_entries(out: &mut Vec<u8>, key: &[u8], log: &Log) {
    let (mut id_text, mut digits) = (IdText::default(), IntText::default());
    let mut entries = log.all(Direction::Forward);
    while let Some(id) = entries.next_id() {
        write_count(out, b'*', 3 + 2 * entries.fields_left());
        for word in [b"XADD", key, id.format(&mut id_text)] {
            write_word(out, word);
        }
        while let Some((name, value)) = entries.next_field() {
            write_word(out, name.as_bytes(&mut digits));
            write_word(out, value.as_bytes(&mut digits));
        }
    }
}

/// What a stream is besides its entries.
fn write_stream_tail(out: &mut Vec<u8>, key: &[u8], stream: &Stream) {
    let log = &stream.log;
    if log.is_empty() {
        // An entry that is trimmed at once: the stream is there and has none.
        write_request(out, &[b"XADD", key, b"MAXLEN", b"0", b"0-1", b"x", b"y"]);
    }
    let (mut last, mut deleted) = (IdText::default(), IdText::default());
    write_request(
        out,
        &[
            b"XSETID",
            key,
            log.last_id().format(&mut last),
            b"ENTRIESADDED",
            itoa::Buffer::new().format(log.entries_added()).as_bytes(),
            b"MAXDELETEDID",
            log.max_deleted_id().format(&mut deleted),
        ],
    );
    for (name, group) in &stream.groups {
        write_group(out, key, name, group);
    }
}

fn write_group(out: &mut Vec<u8>, key: &[u8], name: &[u8], group: &Group) {
    let (mut id, mut number) = (IdText::default(), itoa::Buffer::new());
    let read = group.entries_read().map_or("-1", |read| number.format(read)).as_bytes();
    let last_id = group.last_id().format(&mut id);
    write_request(out, &[b"XGROUP", b"CREATE", key, name, last_id, b"ENTRIESREAD", read]);
    for consumer in group.consumers() {
        if consumer.pending_len() == 0 {
            write_request(out, &[b"XGROUP", b"CREATECONSUMER", key, name, consumer.name()]);
        }
        let index = group.find(consumer.name()).expect("a consumer of the group");
        for (id, delivery) in group.pending_of(index, StreamId::MIN..=StreamId::MAX) {
            write_pending(out, [key, name, consumer.name()], id, delivery);
        }
    }
}

/// An entry that a consumer was given: `of` names stream, group and consumer.
fn write_pending(out: &mut Vec<u8>, of: [&[u8]; 3], id: StreamId, delivery: Delivery) {
    let (mut id_text, mut at, mut count) =
        (IdText::default(), IntText::default(), itoa::Buffer::new());
    write_count(out, b'*', 12);
    write_word(out, b"XCLAIM");
    of.iter().for_each(|word| write_word(out, word));
    for word in [
        b"0",
        id.format(&mut id_text),
        b"TIME",
        at.format(delivery.at.0),
        b"RETRYCOUNT",
        count.format(delivery.count).as_bytes(),
        b"JUSTID",
        b"FORCE",
    ] {
        write_word(out, word);
    }
}

#[cfg(test)]
mod tests {
    use dunlin_aof::{Command, Commands};
    use dunlin_values::list::{ListBuilder, ListLimits};
    use dunlin_values::sorted_set::{PackedLimits, SortedSet};
    use dunlin_values::stream::NodeLimits;
    use dunlin_values::{MemberHasher, NewValue, StringRef};

    use super::*;

    fn check(entry: &Entry, expected: &[&str]) {
        let mut out = Vec::new();
        CommandWriter::default().entry(&mut out, entry);
        let words = |command: Command<'_>| {
            let words: Vec<_> = command.arguments().map(String::from_utf8_lossy).collect();
            words.join(" ")
        };
        let commands: Vec<String> = Commands::new(&out).map(words).collect();
        assert_eq!(commands, expected);
    }

    #[test]
    fn strings_and_deadlines() {
        check(&Entry::new(b"k", NewValue::Int(-5), None), &["SET k -5"]);
        let entry = Entry::new(b"k", NewValue::string(b"text"), Some(UnixMs(99)));
        check(&entry, &["SET k text", "PEXPIREAT k 99"]);
    }

    #[test]
    fn lists_and_sorted_sets() {
        let mut list = ListBuilder::new(ListLimits::default());
        ["a", "7"].iter().for_each(|word| list.push(StringRef::Bytes(word.as_bytes())));
        list.finish().put(|value| check(&Entry::new(b"l", value, None), &["RPUSH l a 7"]));

        let limits = PackedLimits { entries: 128, value: 64 };
        let mut set = SortedSet::new(limits, MemberHasher::new(1), 2, 1);
        for (member, score) in [("b", 0.1), ("a", f64::NEG_INFINITY), ("c", 1e300)] {
            set.set(member.as_bytes(), score);
        }
        let expected = ["ZADD z -inf a 0.1 b 1e+300 c"];
        set.store(|value| check(&Entry::new(b"z", value, None), &expected));
    }

    fn id(seq: u64) -> StreamId {
        StreamId { ms: 5, seq }
    }

    #[test]
    fn a_stream_with_its_groups() {
        let mut stream = Stream::default();
        for seq in 1..=3 {
            let limits = NodeLimits { bytes: 4096, entries: 100 };
            stream.log.add(id(seq), &[b"f", b"v"], limits).expect("it is short");
        }
        stream.log.delete(id(2));
        let mut group = Group::new(id(3), Some(3));
        group.add_consumer(b"idle", UnixMs(1));
        let consumer = group.add_consumer(b"busy", UnixMs(1));
        group.deliver(id(1), Delivery { at: UnixMs(70), count: 4, consumer });
        stream.groups.insert((*b"g").into(), group);
        stream.groups.insert((*b"h").into(), Group::new(id(1), None));
        let expected = [
            "XADD s 5-1 f v",
            "XADD s 5-3 f v",
            "XSETID s 5-3 ENTRIESADDED 3 MAXDELETEDID 5-2",
            "XGROUP CREATE s g 5-3 ENTRIESREAD 3",
            "XCLAIM s g busy 0 5-1 TIME 70 RETRYCOUNT 4 JUSTID FORCE",
            "XGROUP CREATECONSUMER s g idle",
            "XGROUP CREATE s h 5-1 ENTRIESREAD -1",
        ];
        check(&Entry::new(b"s", stream.into(), None), &expected);
        let empty = ["XADD s MAXLEN 0 0-1 x y", "XSETID s 0-0 ENTRIESADDED 0 MAXDELETEDID 0-0"];
        check(&Entry::new(b"s", Stream::default().into(), None), &empty);
    }
}
