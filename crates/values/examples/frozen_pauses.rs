//! How long the longest pauses are while large collections are handed out in pieces.
//!
//! `cargo run --release -p dunlin-values --example frozen_pauses [elements] [type]` makes a
//! collection of a million elements of each type, freezes it, and hands it out in pieces of 64 KB,
//! with a hundred random writes between two pieces. It prints the mean and the longest times that
//! each kind of step took, in microseconds of processor time; a reading of that clock takes half of
//! one. The server's allocator is jemalloc: run it with that one preloaded.

use dunlin_stdx::time::UnixMs;
use dunlin_values::hash::{HashLimits, HashMut};
use dunlin_values::list::{End, ListBuilder, ListLimits, ListMut};
use dunlin_values::set::{SetLimits, SetMut};
use dunlin_values::sorted_set::{PackedLimits, SortedSet, SortedSetMut};
use dunlin_values::stream::{Delivery, Group, NodeLimits, Stream, StreamId};
use dunlin_values::{Entry, FrozenItem, MemberHasher, NewValue, StringRef, ValueMut};
use nix::sys::time::TimeValLike;
use nix::time::{ClockId, clock_gettime};

const BUDGET_BYTES: usize = 64 * 1024;
const WRITES_BETWEEN: usize = 100;
const HASHER: MemberHasher = MemberHasher::new(1);

/// The times of one kind of step.
#[derive(Default)]
struct Times {
    count: u64,
    total_us: f64,
    /// The longest, then the next ones: other processes disturb once in a while.
    longest_us: [f64; 3],
}

impl Times {
    fn measure<R>(&mut self, step: impl FnOnce() -> R) -> R {
        let start_ns = cpu_time_ns();
        let result = step();
        let us = (cpu_time_ns() - start_ns) as f64 / 1e3;
        self.count += 1;
        self.total_us += us;
        if let Some(place) = self.longest_us.iter().position(|longest| us > *longest) {
            self.longest_us[place..].rotate_right(1);
            self.longest_us[place] = us;
        }
        result
    }

    fn print(&self, name: &str, step: &str) {
        let [first, second, third] = self.longest_us;
        let mean = self.total_us / self.count.max(1) as f64;
        println!(
            "{name:<12} {step:<20} {:>8} times, mean {mean:>8.2} us, longest {first:>8.1} \
             {second:>8.1} {third:>8.1} us",
            self.count
        );
    }
}

/// What this thread used of the processor: what others do does not count as a pause.
fn cpu_time_ns() -> i64 {
    let time = clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).expect("a thread has a clock");
    time.num_nanoseconds()
}

fn member(number: u64) -> [u8; 16] {
    let mut text = *b"member:000000000";
    let mut left = number;
    for digit in text.iter_mut().rev().take(9) {
        *digit = b'0' + (left % 10) as u8;
        left /= 10;
    }
    text
}

fn measure(name: &str, entry: &mut Entry, mut write: impl FnMut(&mut Entry, u64)) {
    let mut random = fastrand::Rng::with_seed(1);
    let (mut usual, mut freeze, mut emit, mut writes, mut thaw) =
        (Times::default(), Times::default(), Times::default(), Times::default(), Times::default());
    for _ in 0..100_000 {
        let number = random.u64(..);
        usual.measure(|| write(entry, number));
    }
    let heap_before = entry.heap_bytes();
    let header = freeze.measure(|| ValueMut::new(entry).freeze(1));
    let (mut items, mut bytes, mut growth) = (0, 0, 0);
    let mut tail = Times::default();
    // What a writer does: it copies what it gets.
    let mut out = Vec::new();
    loop {
        for _ in 0..WRITES_BETWEEN {
            let number = random.u64(..);
            writes.measure(|| write(entry, number));
        }
        growth = growth.max(entry.heap_bytes().saturating_sub(heap_before));
        out.clear();
        let complete = emit.measure(|| {
            entry.emit_frozen(&mut { BUDGET_BYTES }, &mut |item| {
                items += 1;
                match item {
                    FrozenItem::Member(member) => out.extend_from_slice(member),
                    FrozenItem::Scored(member, score) => {
                        out.extend_from_slice(&score.to_le_bytes());
                        out.extend_from_slice(member);
                    }
                    FrozenItem::Field { name, value, .. } => {
                        out.extend_from_slice(name);
                        out.extend_from_slice(value);
                    }
                    FrozenItem::ListNode(node) | FrozenItem::StreamNode(_, node) => {
                        out.extend_from_slice(node);
                    }
                    FrozenItem::LongElement(_) => {}
                    FrozenItem::StreamTail(stream) => drop(tail.measure(|| stream.clone())),
                }
            })
        });
        bytes += out.len();
        if complete {
            break;
        }
    }
    assert!(items >= header.items);
    let kept = thaw.measure(|| entry.thaw());
    drop(kept);
    println!("{name}: {items} items, {bytes} bytes, {growth} bytes of heap for what was changed");
    usual.print(name, "write, not frozen");
    freeze.print(name, "freeze");
    writes.print(name, "write, frozen");
    emit.print(name, "emit");
    if tail.count > 0 {
        tail.print(name, "copy the tail");
    }
    // And an end before the end, after as many changes.
    ValueMut::new(entry).freeze(2);
    (0..300_000).for_each(|_| write(entry, random.u64(..)));
    let kept = thaw.measure(|| entry.thaw());
    thaw.print(name, "thaw");
    let mut dropping = Times::default();
    dropping.measure(|| drop(kept));
    dropping.print(name, "drop what was kept");
}

fn measure_set(elements: u64) {
    let limits =
        SetLimits { intset_len: 0, listpack_len: 0, listpack_member_len: 0, hasher: HASHER };
    let mut entry = Entry::new(b"set", SetLimits::NO_MEMBERS, None);
    let mut set = SetMut::new(ValueMut::new(&mut entry), limits);
    (0..elements).for_each(|number| assert!(set.add(&member(number))));
    measure("set", &mut entry, |entry, random| {
        let mut set = SetMut::new(ValueMut::new(entry), limits);
        let number = random >> 8;
        if random.is_multiple_of(2) {
            set.add(&member(number % (2 * elements)));
        } else {
            set.remove(&member(number % elements));
        }
    });
}

fn measure_hash(elements: u64) {
    let limits = HashLimits { listpack_len: 0, listpack_value_len: 0, hasher: HASHER };
    let names: Vec<[u8; 16]> = (0..elements).map(member).collect();
    let words: Vec<&[u8]> = names.iter().flat_map(|name| [&name[..], &[b'x'; 100]]).collect();
    let mut room = Vec::new();
    let (value, _) = limits.build(&words, &mut room);
    let mut entry = Entry::new(b"hash", value, None);
    measure("hash", &mut entry, |entry, random| {
        let mut hash = HashMut::new(ValueMut::new(entry), limits, UnixMs(0));
        hash.set(&member((random >> 8) % (2 * elements)), &[random as u8; 100]);
    });
}

fn measure_sorted_set(elements: u64) {
    let limits = PackedLimits { entries: 0, value: 0 };
    let set = SortedSet::new(limits, HASHER, 1, 1);
    let mut entry = set.store(|value| Entry::new(b"sorted set", value, None));
    let set_in = |entry: &mut Entry, number: u64, score: f64| {
        SortedSetMut::new(ValueMut::new(entry), limits, HASHER)
            .expect("a sorted set")
            .set(&member(number), score)
    };
    for number in 0..elements {
        set_in(&mut entry, number, number as f64);
    }
    measure("sorted set", &mut entry, |entry, random| {
        set_in(entry, (random >> 8) % (2 * elements), (random % elements) as f64);
    });
}

/// A list of elements of 100 bytes, 80 to a node.
fn measure_list(elements: u64) {
    let limits = ListLimits::default();
    let mut builder = ListBuilder::new(limits);
    (0..elements).for_each(|number| builder.push(StringRef::Bytes(&member(number).repeat(6))));
    let mut entry = builder.finish().put(|value| Entry::new(b"list", value, None));
    measure("list", &mut entry, |entry, random| {
        let mut list = ListMut::new(ValueMut::new(entry), limits);
        let text = member(random % elements).repeat(6);
        let element = StringRef::Bytes(&text);
        let place = (random >> 8) as usize % list.len();
        match random % 4 {
            0 => list.push(End::Back, [element]),
            1 => list.remove_range(0, 1),
            2 => list.insert(place, End::Front, element),
            _ => list.set(place, element),
        }
    });
}

/// A stream with nodes of 4 KB, and a group to which a tenth of the entries are pending.
fn measure_stream(elements: u64) {
    let limits = NodeLimits { bytes: 4096, entries: 100 };
    let mut stream = Stream::default();
    let mut group = Group::new(StreamId::MIN, Some(0));
    let consumer = group.add_consumer(b"consumer", UnixMs(0));
    for number in 0..elements {
        let id = StreamId::new(number + 1, 0);
        stream.log.add(id, &[b"field", &[b'x'; 100]], limits).expect("short enough");
        if number % 10 == 0 {
            group.deliver(id, Delivery { at: UnixMs(0), count: 1, consumer });
        }
    }
    stream.groups.insert((*b"group").into(), group);
    let mut entry = Entry::new(b"stream", NewValue::from(stream), None);
    measure("stream", &mut entry, |entry, random| {
        let stream = ValueMut::new(entry).into_stream().expect("a stream");
        let id = StreamId::new(random % (elements * 8) / 8 + 1, 0);
        match random % 8 {
            0..3 => drop(stream.log.delete(id)),
            3 => {
                let group = stream.groups.get_mut(b"group").expect("there is one");
                group.acknowledge(id);
            }
            _ => {
                let next = stream.log.last_id().next().expect("there are more");
                stream.log.add(next, &[b"field", &[b'x'; 100]], limits).expect("short enough");
            }
        }
    });
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let elements = arguments.next().map_or(1_000_000, |text| text.parse().expect("a number"));
    let only = arguments.next();
    let types = [
        ("set", measure_set as fn(u64)),
        ("hash", measure_hash),
        ("sorted-set", measure_sorted_set),
        ("list", measure_list),
        ("stream", measure_stream),
    ];
    for (name, measure) in types {
        if only.as_deref().is_none_or(|only| only == name) {
            measure(elements);
        }
    }
}
