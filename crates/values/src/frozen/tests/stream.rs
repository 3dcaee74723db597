//! Streams.

use dunlin_stdx::time::UnixMs;
use proptest::prelude::*;

use super::{Edit, Frozen, FrozenItem, Subject, check_replaced, run, steps};
use crate::stream::{Delivery, Group, Keep, NodeLimits, Stream, StreamId, Trim};
use crate::{Entry, NewValue, Object};

/// A stream as the files hold it: its nodes, and the rest in words.
type Content = (Vec<(StreamId, Vec<u8>)>, String);

struct Log {
    entry: Entry,
    /// The same stream, edited in the same way but never frozen.
    plain: Stream,
}

const LIMITS: NodeLimits = NodeLimits { bytes: 0, entries: 5 };

fn rest(stream: &Stream) -> String {
    let log = &stream.log;
    let ids = [log.first_id(), log.last_id(), log.max_deleted_id()];
    let mut text = format!("{} {ids:?} {}", log.len(), log.entries_added());
    for (name, group) in &stream.groups {
        let pending: Vec<_> = group.pending(StreamId::MIN..=StreamId::MAX).collect();
        let consumers = group.consumers().map(|consumer| {
            let index = group.find(consumer.name()).expect("it has a name");
            let pending = group.pending_of(index, StreamId::MIN..=StreamId::MAX).count();
            (consumer.name(), consumer.seen, consumer.active, pending)
        });
        let consumers: Vec<_> = consumers.collect();
        let read = (group.last_id(), group.entries_read());
        text += &format!("; {name:?} {read:?} {pending:?} {consumers:?}");
    }
    text
}

fn content(stream: &Stream) -> Content {
    let nodes = stream.log.node_bytes().map(|(master, bytes)| (master, bytes.to_vec()));
    (nodes.collect(), rest(stream))
}

fn id(number: u64) -> StreamId {
    StreamId::new(number / 10, number % 10)
}

fn edit_log(stream: &mut Stream, (kind, first, count, vary): Edit) {
    let log = &mut stream.log;
    match kind {
        0..4 => {
            for step in 0..u64::from(count) / 4 + 1 {
                let last = log.last_id();
                let id = id((last.ms * 10 + last.seq) + step % 3 + 1);
                log.add(id, &[b"field", &[vary; 3]], LIMITS).expect("short enough");
            }
        }
        4 | 5 => {
            for number in first..first + count / 8 + 1 {
                log.delete(id(number.into()));
            }
        }
        6 => {
            let keep = if vary.is_multiple_of(2) {
                Keep::Newest(log.len() / 2)
            } else {
                Keep::From(id(u64::from(first) / 4))
            };
            log.trim(&Trim { keep, approximate: vary.is_multiple_of(3), limit: None });
        }
        // The last ID may go back as far as to the newest entry that is there.
        _ => log.set_last_id(log.newest_id().unwrap_or_default(), Some(vary.into()), None),
    }
}

fn edit_groups(stream: &mut Stream, (kind, first, count, vary): Edit) {
    let name: &[u8] = [b"a", b"b", b"c"][usize::from(first) % 3];
    match kind {
        8 if vary < 60 => {
            stream.groups.remove(name);
        }
        8 => {
            if !stream.groups.contains_key(name) {
                let group = Group::new(id(first.into()), Some(vary.into()));
                assert!(stream.groups.insert(name.into(), group).is_none());
            }
        }
        _ => {
            let Some(group) = stream.groups.get_mut(name) else { return };
            let consumer = [&b"x"[..], b"y"][usize::from(vary) % 2];
            let consumer = match group.find(consumer) {
                Some(index) => index,
                None => group.add_consumer(consumer, UnixMs(1)),
            };
            for number in first..first + count {
                if vary < 60 {
                    group.acknowledge(id(number.into()));
                } else {
                    let delivery = Delivery { at: UnixMs(2), count: vary.into(), consumer };
                    group.deliver(id(number.into()), delivery);
                }
            }
        }
    }
}

impl Subject for Log {
    type Content = Content;

    fn new(_: u8) -> Self {
        let mut plain = Stream::default();
        edit_log(&mut plain, (0, 0, 100, 0));
        let entry = Entry::new(b"stream", NewValue::from(plain.clone()), None);
        Self { entry, plain }
    }

    fn edit(&mut self, edit: Edit) {
        let Some(Object::Stream(stream)) = self.entry.object_mut() else { panic!("a stream") };
        for stream in [&mut **stream, &mut self.plain] {
            if edit.0 < 8 { edit_log(stream, edit) } else { edit_groups(stream, edit) }
        }
    }

    fn model(&self) -> Content {
        content(&self.plain)
    }

    fn content(entry: &Entry) -> Content {
        content(entry.stream().expect("a stream"))
    }

    fn entry(&mut self) -> &mut Entry {
        &mut self.entry
    }

    fn add(content: &mut Content, item: FrozenItem<'_>) {
        match item {
            FrozenItem::StreamNode(master, bytes) => {
                assert!(content.1.is_empty(), "the rest comes last");
                content.0.push((master, bytes.to_vec()));
            }
            FrozenItem::StreamTail(stream) => {
                assert_eq!(stream.log.nodes(), 0);
                content.1 = rest(stream);
            }
            other => panic!("{other:?}"),
        }
    }
}

proptest! {
    #[test]
    fn a_stream_is_handed_out_as_it_was(steps in steps()) {
        run::<Log>(steps);
    }
}

#[test]
fn what_is_gone_is_handed_out_by_whoever_holds_the_entry() {
    check_replaced::<Log>((4, 0, 3000, 0), (0, 0, 2000, 0));
}

/// The last entries go, the last ID goes back, and new entries get IDs that others had.
#[test]
fn nodes_with_ids_that_others_had_are_not_taken_for_them() {
    let mut log = Log::new(0);
    log.edit((0, 0, 400, 0));
    let last = log.plain.log.last_id();
    let mut frozen = Frozen::new(&mut log, 1);
    frozen.emit(&mut log.entry, 100);
    log.edit((4, (last.ms * 5) as u16, 2000, 0));
    assert!(log.plain.log.newest_id().is_some_and(|newest| newest < last));
    for vary in 0..4 {
        log.edit((7, 0, 0, vary));
        log.edit((0, 0, 100, vary));
        log.edit((4, (last.ms * 5) as u16, 40, 0));
        frozen.emit(&mut log.entry, 100);
    }
    while !frozen.emit(&mut log.entry, 1000) {}
}

#[test]
fn streams_are_large_from_some_bytes_on() {
    let mut stream = Stream::default();
    let value = vec![b'x'; 1000];
    let limits = NodeLimits { bytes: 4096, entries: 100 };
    for seq in 1..200 {
        stream.log.add(StreamId::new(1, seq), &[b"field", &value], limits).expect("short enough");
    }
    assert!(!Entry::new(b"k", NewValue::from(stream.clone()), None).is_large());
    for seq in 200..400 {
        stream.log.add(StreamId::new(1, seq), &[b"field", &value], limits).expect("short enough");
    }
    assert!(Entry::new(b"k", NewValue::from(stream), None).is_large());
}
