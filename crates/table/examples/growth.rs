//! Measures the table at ten million keys: bytes per key, the worst pause of an insertion, and
//! look-ups with and without prefetching in batches of 16.
//!
//! `cargo run --release -p dunlin-table --example growth [keys]`

#![allow(unsafe_code)]

use core::hint::black_box;
use core::ptr::NonNull;
use std::time::{Duration, Instant};

use dunlin_table::{Table, ThinItem};
use nix::time::{ClockId, clock_gettime};

/// A 16-byte key with a 24-byte value, as a small string entry would be.
struct Record {
    key: [u8; 16],
    value: [u64; 2],
    deadline: Option<i64>,
}

struct Item(NonNull<Record>);

impl Item {
    fn new(number: u64, deadline: Option<i64>) -> Item {
        let record = Record { key: key_of(number), value: [number, 1], deadline };
        Item(NonNull::from(Box::leak(Box::new(record))))
    }

    fn record(&self) -> &Record {
        // SAFETY: made from a box that lives as long as the handle.
        unsafe { self.0.as_ref() }
    }
}

impl Drop for Item {
    fn drop(&mut self) {
        // SAFETY: the owning handle is dropped once; views are never dropped.
        drop(unsafe { Box::from_raw(self.0.as_ptr()) });
    }
}

// SAFETY: the handle is a `NonNull` to its own box, forgotten by `into_raw`; keys never change.
unsafe impl ThinItem for Item {
    fn into_raw(self) -> NonNull<u8> {
        core::mem::ManuallyDrop::new(self).0.cast()
    }

    unsafe fn from_raw(raw: NonNull<u8>) -> Self {
        Item(raw.cast())
    }

    fn key(&self) -> &[u8] {
        &self.record().key
    }

    fn deadline(&self) -> Option<i64> {
        self.record().deadline
    }
}

fn key_of(number: u64) -> [u8; 16] {
    let mut key = *b"key:000000000000";
    let mut rest = number;
    for digit in key[4..].iter_mut().rev() {
        *digit = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    key
}

fn hash(key: &[u8]) -> u64 {
    let half = |at: usize| u64::from_le_bytes(key[at..at + 8].try_into().expect("16 bytes"));
    let fold = |a: u64, b: u64| {
        let product = u128::from(a) * u128::from(b);
        product as u64 ^ (product >> 64) as u64
    };
    fold(
        fold(half(0) ^ 0x243f_6a88_85a3_08d3, half(8) ^ 0x1319_8a2e_0370_7344),
        0xa409_3822_299f_31d0,
    )
}

fn rehash(item: &Item) -> u64 {
    hash(item.key())
}

/// Time this thread has run, so that pauses do not count what other processes took.
fn thread_time() -> Duration {
    let now = clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).expect("the clock exists");
    Duration::from(now)
}

fn item(number: u64) -> (u64, Item) {
    let deadline = number.is_multiple_of(1000).then_some((number % 10_000) as i64);
    let item = Item::new(number, deadline);
    (rehash(&item), item)
}

fn fill(keys: u64) -> Table<Item> {
    let mut table = Table::new();
    let start = Instant::now();
    for number in 0..keys {
        let (hash, item) = item(number);
        table.insert(hash, item, rehash);
    }
    println!("insert: {:?} each, with the item's allocation", start.elapsed() / keys as u32);
    table
}

/// How often the same growth is watched.
const ROUNDS: usize = 3;

/// Fills tables with the same keys and watches each insertion. Growth is the same in each round,
/// so the shortest of an insertion's pauses is what the table itself takes, without interrupts
/// and what else a shared machine does.
fn watch_growth(keys: u64) {
    let mut shortest = vec![u32::MAX; keys as usize];
    for _ in 0..ROUNDS {
        let items: Vec<_> = (0..keys).map(item).collect();
        let mut table = Table::new();
        for ((hash, item), shortest) in items.into_iter().zip(&mut shortest) {
            let before = thread_time();
            table.insert(hash, item, rehash);
            *shortest = (*shortest).min((thread_time() - before).as_nanos() as u32);
        }
    }
    let over =
        [20, 100, 1000].map(|micros| shortest.iter().filter(|&&ns| ns >= micros * 1000).count());
    let worst = Duration::from_nanos(shortest.iter().max().copied().unwrap_or(0).into());
    println!("worst insert: {worst:?}; insertions over 20, 100, 1000 us: {over:?}");
}

fn watch_memory(keys: u64) {
    let mut table = Table::new();
    let (mut least, mut most, mut sum, mut samples) = (f64::MAX, 0f64, 0.0, 0.0);
    for number in 0..keys {
        let (hash, item) = item(number);
        table.insert(hash, item, rehash);
        if number > 100_000 && number % 65_536 == 0 {
            let per_key = table.memory_bytes() as f64 / number as f64;
            (least, most) = (least.min(per_key), most.max(per_key));
            (sum, samples) = (sum + per_key, samples + 1.0);
        }
    }
    let stats = table.stats();
    println!("bytes per key: {:.2} now", stats.memory_bytes as f64 / stats.len as f64);
    println!("bytes per key on the way: {least:.2} to {most:.2}, mean {:.2}", sum / samples);
    println!("{stats:?}");
}

type HashedKey = ([u8; 16], u64);

fn look_up(table: &Table<Item>, name: &str, keys: &[HashedKey], prefetches: bool) {
    let start = Instant::now();
    let mut found = 0u64;
    for batch in keys.chunks(16) {
        if prefetches {
            batch.iter().for_each(|&(_, hash)| table.prefetch_bucket(hash));
            batch.iter().for_each(|&(_, hash)| table.prefetch_item(hash));
        }
        for (key, hash) in batch {
            // The answer decides what is looked up next, as a command's reply must be finished
            // before the next command runs.
            let hash = hash ^ (found >> 63);
            found += table.find(hash, key).map_or(0, |item| item.record().value[1]);
        }
    }
    let each = start.elapsed().as_nanos() / keys.len() as u128;
    println!("{name}: {each} ns each, {found} of {} found", keys.len());
}

fn main() {
    let keys: u64 = std::env::args().nth(1).map_or(10_000_000, |n| n.parse().expect("a number"));
    watch_growth(keys);
    watch_memory(keys);
    let mut table = fill(keys);
    let mut rng = fastrand::Rng::with_seed(1);
    let numbers: Vec<u64> = (0..1 << 22).map(|_| rng.u64(0..keys)).collect();
    let hashed = |number| (key_of(number), hash(&key_of(number)));
    let present: Vec<HashedKey> = numbers.iter().map(|&number| hashed(number)).collect();
    let absent: Vec<HashedKey> = numbers.iter().map(|&number| hashed(number + keys)).collect();
    look_up(&table, "find", &present, false);
    look_up(&table, "find with prefetch in batches of 16", &present, true);
    look_up(&table, "miss", &absent, false);
    look_up(&table, "miss with prefetch in batches of 16", &absent, true);

    let start = Instant::now();
    (0..100_000).for_each(|random| assert!(black_box(table.sample(random)).is_some()));
    println!("sample: {:?} each", start.elapsed() / 100_000);
    let start = Instant::now();
    (0..100_000)
        .for_each(|random| assert!(black_box(table.sample_with_deadline(random)).is_some()));
    println!("sample with deadline: {:?} each", start.elapsed() / 100_000);

    let start = Instant::now();
    let mut expired = 0;
    table.expire_due(4_000, &mut usize::MAX.clone(), &mut |_, _| expired += 1);
    println!("expire {expired} of {}: {:?}", table.len(), start.elapsed());

    let start = Instant::now();
    let mut worst = Duration::ZERO;
    for number in 0..keys {
        let key = key_of(number);
        let before = thread_time();
        let removed = table.remove(hash(&key), &key);
        worst = worst.max(thread_time() - before);
        drop(removed);
    }
    println!("remove: {:?} each, worst {worst:?}", start.elapsed() / keys as u32);
    assert_eq!(table.memory_bytes(), 0);
}
