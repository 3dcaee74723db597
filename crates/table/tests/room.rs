//! Tables that are made for so many items.

mod support;

use std::rc::Rc;

use dunlin_table::Table;
use support::Numbers;

fn with_room_for(items: usize) -> Numbers {
    Numbers { table: Table::with_room_for(items), alive: Rc::new(()) }
}

#[test]
fn a_table_with_room_hardly_grows() {
    for items in [0, 1, 5, 7, 8, 100, 700, 701, 1400, 5000, 77_777, 200_000] {
        let mut numbers = with_room_for(items);
        numbers.assert_consistent();
        let before = numbers.table.stats();
        (0..items as u64).for_each(|number| numbers.insert(number, None));
        numbers.assert_consistent();
        (0..items as u64).for_each(|number| assert!(numbers.contains(number)));
        let after = numbers.table.stats();
        assert_eq!(after.segments, before.segments, "{items}");
        // One segment in forty gets more than the usual spread.
        assert!(after.buckets <= before.buckets * 102 / 100 + 2, "{items}: {before:?} {after:?}");
        let per_item = after.memory_bytes as f64 / items as f64;
        assert!(items < 5000 || per_item < 13.5, "{per_item} bytes for each of {items}");
    }
}

#[test]
fn room_in_vain_is_given_back() {
    let mut numbers = with_room_for(300_000);
    assert!(numbers.table.is_empty() && numbers.table.memory_bytes() > 2_000_000);
    numbers.table.give_room_back();
    assert_eq!(numbers.table.memory_bytes(), 0);

    let mut numbers = with_room_for(300_000);
    (0..2000).for_each(|number| numbers.insert(number, (number % 7 == 0).then_some(5)));
    numbers.table.give_room_back();
    numbers.assert_consistent();
    assert!(numbers.table.memory_bytes() < 120_000, "{}", numbers.table.memory_bytes());
    (0..2000).for_each(|number| assert!(numbers.remove(number)));
    assert_eq!(numbers.table.memory_bytes(), 0);
}

/// More items than were expected let the table grow as ever, and it shrinks as ever.
#[test]
fn what_was_not_expected_finds_room() {
    let mut numbers = with_room_for(3000);
    (0..60_000).for_each(|number| numbers.insert(number, None));
    numbers.assert_consistent();
    (0..60_000).for_each(|number| assert!(numbers.remove(number)));
    assert_eq!(numbers.table.memory_bytes(), 0);
}
