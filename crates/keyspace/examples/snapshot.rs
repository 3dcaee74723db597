//! What a snapshot costs: the walk per key, its longest slice, and writes while it runs.
//!
//! `cargo run --release -p dunlin-keyspace --example snapshot [keys] [value bytes]`

use std::time::Duration;

use dunlin_keyspace::{
    DatabaseIndex, Emitter, Freer, Garbage, Keyspace, LargeKey, Layout, SnapshotScope,
    SnapshotSink, WalkProgress,
};
use dunlin_values::{AccessHint, Entry, FrozenItem, IntText, NewValue};
use nix::time::{ClockId, clock_gettime};

/// Units of one slice: some 0.1 ms.
const BUDGET: usize = 1000;

/// Keys that are written to for each figure.
const WRITES: usize = 500_000;

/// Keys that are looked up at once, as in a pipeline.
const BATCH: usize = 16;

struct DropAtOnce;

impl Freer for DropAtOnce {
    fn free_later(&mut self, garbage: Garbage) {
        drop(garbage);
    }
}

/// Copies keys and strings into a buffer, as an encoder would.
#[derive(Default)]
struct Copies {
    buffer: Vec<u8>,
}

impl Copies {
    fn copy(&mut self, bytes: &[u8]) {
        if self.buffer.len() > 64 * 1024 {
            self.buffer.clear();
        }
        self.buffer.extend_from_slice(bytes);
    }
}

impl SnapshotSink for Copies {
    fn entry(&mut self, _: DatabaseIndex, entry: &Entry, _: AccessHint, _: Emitter) {
        self.copy(entry.key());
        if let Some(string) = entry.string() {
            self.copy(string.as_bytes(&mut IntText::default()));
        }
    }

    fn begin_large(&mut self, _: LargeKey<'_>) {}

    fn item(&mut self, _: FrozenItem<'_>) {}

    fn end_large(&mut self) {}

    fn has_room(&self) -> bool {
        true
    }
}

fn name(n: usize) -> [u8; 16] {
    let mut name = *b"key:000000000000";
    let mut rest = n;
    for digit in name[4..].iter_mut().rev() {
        *digit = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    name
}

/// Processor time of this thread: what others do on the machine counts little.
fn now() -> Duration {
    clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).expect("the clock exists").into()
}

fn per(elapsed: Duration, count: usize) -> f64 {
    elapsed.as_nanos() as f64 / count as f64
}

/// Sets random keys in prefetched batches; returns nanoseconds for each.
fn set_random(keyspace: &mut Keyspace, keys: usize, value: &[u8], rng: &mut fastrand::Rng) -> f64 {
    let start = now();
    for _ in 0..WRITES / BATCH {
        let names: [[u8; 16]; BATCH] = std::array::from_fn(|_| name(rng.usize(..keys)));
        for name in &names {
            keyspace.prefetch_bucket(0, keyspace.place(name));
        }
        for name in &names {
            keyspace.prefetch_entry(0, keyspace.place(name));
        }
        for name in &names {
            keyspace.slot(0, name).set(NewValue::string(value), None);
        }
    }
    per(now() - start, WRITES)
}

fn begin(keyspace: &mut Keyspace) {
    let sink = Box::<Copies>::default();
    assert!(keyspace.begin_snapshot(SnapshotScope::All, sink).is_ok());
}

/// Walks to the end; returns the time and the slices, longest first.
fn walk(keyspace: &mut Keyspace) -> (Duration, Vec<Duration>) {
    let (mut total, mut slices) = (Duration::ZERO, Vec::new());
    loop {
        let start = now();
        let progress = keyspace.walk(BUDGET);
        let slice = now() - start;
        total += slice;
        slices.push(slice);
        if progress == WalkProgress::Done {
            break;
        }
    }
    slices.sort_unstable_by(|a, b| b.cmp(a));
    assert!(keyspace.end_snapshot().is_some());
    (total, slices)
}

fn main() {
    let mut arguments = std::env::args().skip(1).filter_map(|word| word.parse().ok());
    let keys = arguments.next().unwrap_or(5_000_000);
    let value = vec![b'x'; arguments.next().unwrap_or(8)];
    for layout in [Layout::OneTable, Layout::TablePerSlot] {
        let mut keyspace = Keyspace::new(1, layout, 7, Box::new(DropAtOnce));
        let mut rng = fastrand::Rng::with_seed(1);
        for n in 0..keys {
            keyspace.slot(0, &name(n)).set(NewValue::string(&value), None);
        }
        println!("{layout:?}, {keys} keys, values of {} bytes", value.len());
        let start = now();
        begin(&mut keyspace);
        println!("  begin: {:?}", now() - start);
        let (total, slices) = walk(&mut keyspace);
        println!(
            "  walk: {:.0} ns per key; {} slices of {BUDGET} units, longest {:?}, {:?}, median {:?}",
            per(total, keys),
            slices.len(),
            slices[0],
            slices[slices.len() / 1000],
            slices[slices.len() / 2],
        );
        let mut set = |keyspace: &mut Keyspace, what: &str| {
            println!("  SET {what}: {:.0} ns", set_random(keyspace, keys, &value, &mut rng));
        };
        set(&mut keyspace, "without a snapshot");
        begin(&mut keyspace);
        set(&mut keyspace, "of a key that was not handed out");
        keyspace.abort_snapshot();
        begin(&mut keyspace);
        set(&mut keyspace, "of a key that was not handed out, after an abort");
        while keyspace.walk(1_000_000) != WalkProgress::Done {}
        set(&mut keyspace, "of a key that was handed out");
        keyspace.end_snapshot();
        set(&mut keyspace, "without a snapshot, again");
    }
}
