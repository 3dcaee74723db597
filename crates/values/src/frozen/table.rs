//! What a collection in a table was.

use dunlin_table::{CURSOR_BITS, Table, ThinItem};

use super::{FrozenItem, SMALL_BYTES_MAX, SMALL_ITEMS_MAX, spend};
use crate::hasher::MemberHasher;

/// Items that a shard has on average, at most.
const SHARD_ITEMS: usize = if cfg!(test) { 16 } else { 256 };

/// Bytes that the items of a shard have on average, at most.
const SHARD_BYTES: usize = 64 * 1024;

/// Most bits of a hash that choose the shard: the list of shards then takes 512 KB. Beyond 16
/// million items (or 4 GB) pieces become larger.
const SHARD_BITS_MAX: u32 = if cfg!(test) { 6 } else { 16 };

/// Most items of a shard that are kept one by one. When more are changed, the rest of the shard is
/// kept as a whole (some 20 µs), and what comes later is of no interest: a collection that grows
/// while it waits takes no more memory than it had.
const CHANGED_MAX: usize = if cfg!(test) { 8 } else { 64 };

/// Buckets whose items are asked for ahead of those that are read: with 8, a million members that
/// are in no cache are handed out in 78 ms, without in 213.
const BUCKETS_AHEAD: u64 = 8;

/// An item of a collection in a table, as it is kept and handed out.
pub(crate) trait Parted: ThinItem {
    /// The item, taken apart.
    fn part(&self) -> Part<'_>;

    /// The item, as it is handed out.
    fn item(part: Part<'_>) -> FrozenItem<'_>;
}

/// An item, taken apart.
#[derive(Clone, Copy)]
pub(crate) struct Part<'a> {
    /// Member or field.
    pub(crate) name: &'a [u8],
    /// Value of a field, else empty.
    pub(crate) value: &'a [u8],
    /// Bits of a score, or a deadline.
    pub(crate) number: u64,
}

/// What a collection in a table was, as far as it was not handed out yet.
///
/// Hashes are cut into shards by their upper bits, so that a shard has some 256 items: what is there
/// between two hashes does not change when segments of the table split and merge. Shards are handed
/// out in order. Before an item of a shard to come is changed or removed, it is copied to the shard,
/// and of one that is added it is noted that it was not there. Thus a write costs one copy of one
/// item, whatever the length of the collection.
pub(crate) struct FrozenTable {
    id: u32,
    /// How many upper bits of a hash choose the shard.
    bits: u32,
    /// The shards in front of this one were handed out.
    next: usize,
    shards: Box<[Option<Box<Shard>>]>,
    /// Heap of all shards.
    shard_bytes: usize,
}

/// What was changed in a shard that was not handed out yet.
#[derive(Default)]
struct Shard {
    /// Whether all that the shard was is in `records`.
    is_whole: bool,
    /// Where in `records` each item is that was changed, by the hash of its name, ascending.
    changed: Vec<(u64, usize)>,
    /// See [`Record`].
    records: Vec<u8>,
}

/// A record of an item.
///
/// ```text
/// was there u8 | length of the name u32 | length of the value u32 | number u64 | name | value
/// ```
struct Record<'a> {
    was_there: bool,
    part: Part<'a>,
}

impl Record<'_> {
    fn write(&self, to: &mut Vec<u8>) {
        let Part { name, value, number } = self.part;
        to.push(self.was_there.into());
        to.extend_from_slice(&len_bytes(name));
        to.extend_from_slice(&len_bytes(value));
        to.extend_from_slice(&number.to_le_bytes());
        to.extend_from_slice(name);
        to.extend_from_slice(value);
    }
}

fn len_bytes(text: &[u8]) -> [u8; 4] {
    u32::try_from(text.len()).expect("a string is shorter than 4 GB").to_le_bytes()
}

impl<'a> Record<'a> {
    /// The first of several records, and those behind it.
    fn read(bytes: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let (&was_there, rest) = bytes.split_first()?;
        let (name_len, rest) = rest.split_first_chunk()?;
        let (value_len, rest) = rest.split_first_chunk()?;
        let (number, rest) = rest.split_first_chunk()?;
        let (name, rest) = rest.split_at_checked(u32::from_le_bytes(*name_len) as usize)?;
        let (value, rest) = rest.split_at_checked(u32::from_le_bytes(*value_len) as usize)?;
        let part = Part { name, value, number: u64::from_le_bytes(*number) };
        Some((Self { was_there: was_there != 0, part }, rest))
    }
}

impl Shard {
    /// Where among the changed items this one is, or would be.
    fn place(&self, hash: u64, name: &[u8]) -> Result<usize, usize> {
        let first = self.changed.partition_point(|(other, _)| *other < hash);
        let same = self.changed[first..].iter().take_while(|(other, _)| *other == hash);
        for (at, (_, record)) in (first..).zip(same) {
            if self.record_at(*record).is_some_and(|record| record.part.name == name) {
                return Ok(at);
            }
        }
        Err(first)
    }

    fn record_at(&self, at: usize) -> Option<Record<'_>> {
        Some(Record::read(&self.records[at..])?.0)
    }

    fn is_changed(&self, hash: u64, name: &[u8]) -> bool {
        !self.changed.is_empty() && self.place(hash, name).is_ok()
    }

    /// Keeps an item that is not among the changed ones, whose place would be `at`.
    fn note(&mut self, at: usize, hash: u64, record: &Record<'_>) {
        self.changed.insert(at, (hash, self.records.len()));
        record.write(&mut self.records);
    }

    fn heap_bytes(&self) -> usize {
        size_of::<Self>()
            + self.changed.capacity() * size_of::<(u64, usize)>()
            + self.records.capacity()
    }
}

impl FrozenTable {
    /// Whether a collection of so many items, with so many bytes, is better not handed out at once.
    pub(crate) const fn is_worth_it(items: usize, item_bytes: usize) -> bool {
        items > SMALL_ITEMS_MAX || item_bytes > SMALL_BYTES_MAX
    }

    /// A collection of so many items, with so many bytes, is frozen.
    pub(crate) fn new(id: u32, items: usize, item_bytes: usize) -> Self {
        let wanted = (items / SHARD_ITEMS).max(item_bytes / SHARD_BYTES).max(1);
        let bits = wanted.next_power_of_two().trailing_zeros().min(SHARD_BITS_MAX);
        let shards = (0..1 << bits).map(|_| None).collect();
        Self { id, bits, next: 0, shards, shard_bytes: 0 }
    }

    /// The number with which it was frozen.
    pub(crate) const fn id(&self) -> u32 {
        self.id
    }

    /// Bytes of heap it holds, itself included.
    pub(crate) fn heap_bytes(&self) -> usize {
        size_of::<Self>() + self.shards.len() * size_of::<Option<Box<Shard>>>() + self.shard_bytes
    }

    #[inline]
    const fn shard_of(&self, hash: u64) -> usize {
        // Two shifts: there may be no bits.
        (hash >> 1 >> (63 - self.bits)) as usize
    }

    /// The item of this name is about to be changed or removed, if it is there, or to be added, if
    /// `may_come` says so.
    #[cold]
    #[inline(never)]
    pub(crate) fn keep<T: Parted>(
        &mut self,
        table: &Table<T>,
        hasher: MemberHasher,
        (hash, name): (u64, &[u8]),
        may_come: bool,
    ) {
        if !self.is_open(hash) {
            return;
        }
        let held = table.find(hash, name);
        let record = match &held {
            Some(held) => Record { was_there: true, part: held.part() },
            None if may_come => {
                Record { was_there: false, part: Part { name, value: &[], number: 0 } }
            }
            None => return,
        };
        if !self.note(hash, &record) {
            return;
        }
        let shard = self.shard_of(hash);
        if self.shards[shard].as_ref().is_some_and(|shard| shard.changed.len() > CHANGED_MAX) {
            self.keep_rest(table, hasher, shard);
        }
    }

    /// An item is removed, or just was.
    pub(crate) fn keep_removed<T: Parted>(&mut self, hash: u64, removed: &T) {
        if self.is_open(hash) {
            self.note(hash, &Record { was_there: true, part: removed.part() });
        }
    }

    /// Whether a change to an item of this hash is of interest.
    fn is_open(&self, hash: u64) -> bool {
        let shard = self.shard_of(hash);
        shard >= self.next && !self.shards[shard].as_ref().is_some_and(|shard| shard.is_whole)
    }

    /// Keeps an item before its first change; whether it was the first.
    fn note(&mut self, hash: u64, record: &Record<'_>) -> bool {
        let number = self.shard_of(hash);
        let before = self.shard_heap_bytes(number);
        let shard = self.shards[number].get_or_insert_default();
        let Err(at) = shard.place(hash, record.part.name) else { return false };
        shard.note(at, hash, record);
        self.shard_bytes = self.shard_bytes - before + self.shard_heap_bytes(number);
        true
    }

    fn shard_heap_bytes(&self, number: usize) -> usize {
        self.shards[number].as_ref().map_or(0, |shard| shard.heap_bytes())
    }

    /// Keeps all that a shard was and that was not changed yet.
    fn keep_rest<T: Parted>(&mut self, table: &Table<T>, hasher: MemberHasher, number: usize) {
        let Some(mut shard) = self.shards[number].take() else { return };
        self.shard_bytes -= shard.heap_bytes();
        let mut rest = Vec::new();
        self.for_each_of_shard(table, hasher, number, &mut |hash, item| {
            let part = item.part();
            if !shard.is_changed(hash, part.name) {
                Record { was_there: true, part }.write(&mut rest);
            }
        });
        shard.records.extend_from_slice(&rest);
        shard.records.shrink_to_fit();
        (shard.is_whole, shard.changed) = (true, Vec::new());
        self.shard_bytes += shard.heap_bytes();
        self.shards[number] = Some(shard);
    }

    /// Calls `visit` with all items of a shard, and their hashes. The table holds its items in the
    /// order of their hashes, bucket by bucket; the first and the last bucket of the shard may hold
    /// items of its neighbours too.
    fn for_each_of_shard<T: Parted>(
        &self,
        table: &Table<T>,
        hasher: MemberHasher,
        number: usize,
        visit: &mut dyn FnMut(u64, &T),
    ) {
        let cursors_each = 1 << (CURSOR_BITS - self.bits);
        let mut cursor = number as u64 * cursors_each;
        let end = cursor + cursors_each;
        let mut asked_for = cursor;
        loop {
            let next = table.scan(cursor, &mut |item| {
                let hash = hasher.hash(item.key());
                if self.shard_of(hash) == number {
                    visit(hash, item);
                }
            });
            if next == 0 || next >= end {
                return;
            }
            // Buckets of a segment are equally wide.
            let width = next - cursor;
            cursor = next;
            asked_for = asked_for.max(next);
            while asked_for < cursor + BUCKETS_AHEAD * width {
                table.prefetch_scan(asked_for);
                asked_for += width;
            }
        }
    }

    /// Hands out shards until the budget is spent; whether there are no more.
    pub(crate) fn emit<T: Parted>(
        &mut self,
        table: &Table<T>,
        hasher: MemberHasher,
        budget: &mut usize,
        visit: &mut dyn FnMut(FrozenItem<'_>),
    ) -> bool {
        while self.next < self.shards.len() {
            if *budget == 0 {
                return false;
            }
            // What looking for an empty shard costs.
            spend(budget, 0);
            let mut hand_out = |part: Part<'_>| {
                spend(budget, part.name.len() + part.value.len());
                visit(T::item(part));
            };
            let shard = self.shards[self.next].take().unwrap_or_default();
            if !shard.is_whole {
                self.for_each_of_shard(table, hasher, self.next, &mut |hash, item| {
                    let part = item.part();
                    if !shard.is_changed(hash, part.name) {
                        hand_out(part);
                    }
                });
            }
            let mut records = &*shard.records;
            while let Some((record, rest)) = Record::read(records) {
                if record.was_there {
                    hand_out(record.part);
                }
                records = rest;
            }
            self.next += 1;
        }
        true
    }
}
