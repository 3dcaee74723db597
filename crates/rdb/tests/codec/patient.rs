//! A file that is still arriving is read as one that is there.

use std::cell::Cell;
use std::io::{self, Read};

use crate::entries::{contents, entry, limits};
use crate::hostile::file;
use dunlin_rdb::{Item, Reader, Version};
use proptest::prelude::*;

/// Bytes of which only some have arrived.
struct Arriving<'a> {
    bytes: &'a [u8],
    read: usize,
    arrived: &'a Cell<usize>,
}

impl Read for Arriving<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let rest = &self.bytes[self.read..self.arrived.get().min(self.bytes.len())];
        if rest.is_empty() && self.arrived.get() <= self.bytes.len() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        self.read += count;
        Ok(count)
    }
}

/// An item, told apart by what it holds.
fn shown(item: &Item) -> String {
    match item {
        Item::Key { entry, access } => format!("{:?} {access:?}", contents(entry)),
        other => format!("{other:?}"),
    }
}

fn step<R: Read>(reader: &mut Reader<R>, items: &mut Vec<String>) -> Result<bool, bool> {
    match reader.next_item() {
        Ok(item) => {
            items.push(format!("{} up to {}", shown(&item), reader.offset()));
            Ok(!matches!(item, Item::End(_)))
        }
        Err(error) if error.is_waiting() => Err(true),
        Err(error) => {
            items.push(error.to_string());
            Err(false)
        }
    }
}

/// What a file holds up to its end or the first error, which is the last thing.
fn whole(bytes: &[u8]) -> Vec<String> {
    let mut items = Vec::new();
    match Reader::open(bytes, limits()) {
        Ok(mut reader) => while step(&mut reader, &mut items) == Ok(true) {},
        Err(error) => items.push(error.to_string()),
    }
    items
}

/// The same of a file that arrives in pieces of these sizes, again and again.
fn in_pieces(bytes: &[u8], sizes: &[usize]) -> Vec<String> {
    let (arrived, mut items) = (Cell::new(0), Vec::new());
    let mut reader = Reader::patient(Arriving { bytes, read: 0, arrived: &arrived }, limits());
    let mut sizes = sizes.iter().cycle();
    loop {
        match step(&mut reader, &mut items) {
            Ok(true) => {}
            Err(true) if arrived.get() < bytes.len() => {
                let size = sizes.next().copied().unwrap_or(1);
                arrived.set((arrived.get() + size).min(bytes.len()));
            }
            // The end is told when all has arrived.
            Err(true) => arrived.set(usize::MAX),
            Ok(false) | Err(false) => return items,
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { max_shrink_iters: 200, ..ProptestConfig::with_cases(48) })]

    #[test]
    fn pieces_of_any_size_are_read_as_the_whole(
        keys in prop::collection::vec(entry(), 1..6),
        sizes in prop::collection::vec(prop_oneof![3 => 1_usize..20, 1 => 1_usize..70_000], 1..8),
        change in prop::option::of((any::<prop::sample::Index>(), any::<u8>())),
    ) {
        let mut bytes = file(&keys, Version::V11);
        if let Some((at, byte)) = change {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        prop_assert_eq!(in_pieces(&bytes, &sizes), whole(&bytes));
        let cut = &bytes[..bytes.len() - sizes[0].min(bytes.len())];
        prop_assert_eq!(in_pieces(cut, &sizes), whole(cut));
    }
}
