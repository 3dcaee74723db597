//! An item for tests: one boxed record behind a thin pointer, which counts its drops.

#![allow(unsafe_code, dead_code, unreachable_pub)]

use core::ptr::NonNull;
use std::rc::Rc;

use dunlin_table::{Table, ThinItem};

pub struct Record {
    pub key: Box<[u8]>,
    pub deadline: Option<i64>,
    pub value: u64,
    /// One more reference for each live record, so that leaks and double drops show.
    pub alive: Rc<()>,
}

pub struct Item(NonNull<Record>);

impl Item {
    pub fn new(key: &[u8], deadline: Option<i64>, value: u64, alive: &Rc<()>) -> Item {
        let record = Record { key: key.into(), deadline, value, alive: alive.clone() };
        Item(NonNull::from(Box::leak(Box::new(record))))
    }

    pub fn record(&self) -> &Record {
        // SAFETY: made from a box that lives as long as the handle.
        unsafe { self.0.as_ref() }
    }

    pub fn record_mut(&mut self) -> &mut Record {
        // SAFETY: as in `record`, and the handle is borrowed exclusively.
        unsafe { self.0.as_mut() }
    }

    /// Moves the record to another allocation, as a growing value does.
    pub fn reallocate(&mut self) {
        // SAFETY: the pointer came from a box and is replaced before anyone else can use it.
        let record = unsafe { Box::from_raw(self.0.as_ptr()) };
        self.0 = NonNull::from(Box::leak(Box::new(*record)));
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

/// A mixed hash of an eight-byte number.
pub fn hash_number(number: u64) -> u64 {
    let mut x = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    x = (x ^ x >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ x >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ x >> 31
}

pub fn number_of(key: &[u8]) -> u64 {
    u64::from_le_bytes(key.try_into().expect("test keys are eight bytes"))
}

pub fn rehash(item: &Item) -> u64 {
    hash_number(number_of(item.key()))
}

/// A table of numbers.
pub struct Numbers {
    pub table: Table<Item>,
    pub alive: Rc<()>,
}

impl Numbers {
    pub fn new() -> Numbers {
        Numbers { table: Table::new(), alive: Rc::new(()) }
    }

    pub fn of(numbers: core::ops::Range<u64>) -> Numbers {
        let mut made = Numbers::new();
        numbers.for_each(|number| made.insert(number, None));
        made
    }

    pub fn insert(&mut self, number: u64, deadline: Option<i64>) {
        let item = Item::new(&number.to_le_bytes(), deadline, number, &self.alive);
        self.table.insert(hash_number(number), item, rehash);
    }

    pub fn contains(&self, number: u64) -> bool {
        self.table.find(hash_number(number), &number.to_le_bytes()).is_some()
    }

    pub fn remove(&mut self, number: u64) -> bool {
        self.table.remove(hash_number(number), &number.to_le_bytes()).is_some()
    }

    pub fn assert_consistent(&self) {
        self.table.assert_consistent(rehash);
        assert_eq!(Rc::strong_count(&self.alive) - 1, self.table.len());
    }
}
