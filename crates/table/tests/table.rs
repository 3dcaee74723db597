//! Growth, shrinking, marks, crowded hashes and memory of the table, through its public face.

mod support;

use std::rc::Rc;

use dunlin_table::{Growth, Table};
use support::{Item, Numbers, hash_number, rehash};

#[test]
fn an_empty_table_allocates_nothing_and_one_item_takes_one_bucket() {
    let mut numbers = Numbers::new();
    assert_eq!(numbers.table.memory_bytes(), 0);
    assert_eq!(size_of::<Table<Item>>(), 16);
    assert!(!numbers.contains(1));
    assert!(!numbers.remove(1));
    numbers.insert(1, None);
    assert_eq!(numbers.table.memory_bytes(), 128);
    assert!(numbers.contains(1));
    assert!(numbers.remove(1));
    assert_eq!(numbers.table.memory_bytes(), 0);
}

#[test]
fn growing_and_shrinking_keeps_every_item() {
    const N: u64 = 60_000;
    let mut numbers = Numbers::new();
    for number in 0..N {
        numbers.insert(number, (number % 100 == 0).then_some(number as i64));
        if number.is_power_of_two() {
            numbers.assert_consistent();
            (0..=number).for_each(|number| assert!(numbers.contains(number)));
            assert!(!numbers.contains(number + 1));
        }
    }
    numbers.assert_consistent();
    let full = numbers.table.stats();
    assert!(full.segments > 64);
    assert_eq!(full.with_deadline, 600);
    for number in 0..N {
        assert!(numbers.remove(number), "{number}");
        if (N - number).is_power_of_two() {
            numbers.assert_consistent();
            (number + 1..N).for_each(|number| assert!(numbers.contains(number)));
            let stats = numbers.table.stats();
            assert!(stats.buckets * 7 <= stats.len * 4 + 7, "sparse: {stats:?}");
        }
    }
    assert_eq!(numbers.table.stats(), dunlin_table::TableStats::default());
    assert_eq!(Rc::strong_count(&numbers.alive), 1);
}

/// As when one table is copied into another that hashes with the same seed.
#[test]
fn items_in_the_order_of_their_hashes_are_told_apart_as_they_come() {
    const N: u64 = 200_000;
    let mut order: Vec<u64> = (0..N).collect();
    order.sort_unstable_by_key(|&number| hash_number(number));
    for order in [order.clone(), order.into_iter().rev().collect()] {
        let mut numbers = Numbers::new();
        let mut most_stashed = 0;
        for (count, &number) in order.iter().enumerate() {
            numbers.insert(number, None);
            if count % 500 == 0 {
                most_stashed = most_stashed.max(numbers.table.stats().stashed);
            }
        }
        numbers.assert_consistent();
        order.iter().for_each(|&number| assert!(numbers.contains(number)));
        assert!(most_stashed < 1000, "{most_stashed} items wait for a look at all of them");
        let stats = numbers.table.stats();
        assert!(stats.buckets * 7 <= stats.len * 4, "sparse: {stats:?}");
    }
}

/// Large enough for several directory pages.
#[test]
fn a_large_table_grows_and_shrinks() {
    const N: u64 = 700_000;
    let mut numbers = Numbers::new();
    (0..N).for_each(|number| numbers.insert(number, (number % 1000 == 0).then_some(5)));
    numbers.assert_consistent();
    assert!(numbers.table.stats().directory_entries > 1024);
    let mut expired = 0;
    assert!(!numbers.table.expire_due(5, &mut usize::MAX.clone(), &mut |_, _| expired += 1));
    assert_eq!(expired, N / 1000);
    let left = (0..N - 1000).filter(|&number| numbers.remove(number)).count() as u64;
    assert_eq!(left, N - 1000 - (N - 1000) / 1000);
    numbers.assert_consistent();
    assert!(numbers.table.memory_bytes() < 64 * 1024, "{:?}", numbers.table.stats());
    (N - 999..N).for_each(|number| assert!(numbers.remove(number)));
    assert_eq!(numbers.table.memory_bytes(), 0);
}

#[test]
fn memory_per_item_is_bounded_in_every_phase_of_growth() {
    let mut numbers = Numbers::new();
    for number in 0..200_000u64 {
        numbers.insert(number, None);
        if number > 10_000 && number % 997 == 0 {
            let per_item = numbers.table.memory_bytes() as f64 / numbers.table.len() as f64;
            assert!(per_item < 13.5, "{per_item} bytes at {number}");
        }
    }
    assert!(numbers.table.stats().stashed < 200);
}

#[test]
fn dropping_and_draining_release_every_item_once() {
    let mut numbers = Numbers::of(0..5000);
    let mut drained = 0;
    numbers.table.drain(|_| drained += 1);
    assert_eq!((drained, numbers.table.len(), Rc::strong_count(&numbers.alive)), (5000, 0, 1));
    let Numbers { table, alive } = Numbers::of(0..3000);
    drop(table);
    assert_eq!(Rc::strong_count(&alive), 1);
}

#[test]
fn a_guard_writes_back_moves_and_deadlines() {
    let mut numbers = Numbers::of(0..3000);
    for number in 0..3000u64 {
        let key = number.to_le_bytes();
        let mut item = numbers.table.find_mut(hash_number(number), &key).expect("present");
        item.reallocate();
        item.record_mut().value = number + 1;
        item.record_mut().deadline = (number % 3 == 0).then_some(1000 + number as i64);
    }
    numbers.assert_consistent();
    assert_eq!(numbers.table.with_deadline(), 1000);
    assert_eq!(numbers.table.earliest_deadline(), Some(1000));
    let key = 3u64.to_le_bytes();
    let hash = hash_number(3);
    assert_eq!(numbers.table.find(hash, &key).expect("present").record().value, 4);
    let other = Item::new(&key, None, 77, &numbers.alive);
    let old = numbers.table.find_mut(hash, &key).expect("present").replace(other);
    assert_eq!(old.record().deadline, Some(1003));
    drop(old);
    assert_eq!(numbers.table.with_deadline(), 999);
    let mut item = numbers.table.find_mut(hash, &key).expect("present");
    item.record_mut().deadline = Some(5);
    assert_eq!(item.remove().record().value, 77);
    assert_eq!(numbers.table.with_deadline(), 999);
    numbers.assert_consistent();
}

#[test]
fn a_leaked_guard_takes_its_item_with_it() {
    let mut numbers = Numbers::of(0..2000);
    let key = 9u64.to_le_bytes();
    let mut guard = numbers.table.find_mut(hash_number(9), &key).expect("present");
    guard.reallocate();
    core::mem::forget(guard);
    assert!(!numbers.contains(9));
    numbers.insert(9, None);
    (2000..20_000).for_each(|number| numbers.insert(number, None));
    (0..20_000).for_each(|number| assert!(numbers.remove(number)));
}

/// Inserts, finds and removes items whose hash is `hash_of` their number.
fn check_crowded(n: u64, hash_of: impl Fn(u64) -> u64) {
    let alive = Rc::new(());
    let mut table = Table::new();
    let rehash = |item: &Item| hash_of(support::number_of(dunlin_table::ThinItem::key(item)));
    for number in 0..n {
        let deadline = (number % 2 == 0).then_some(number as i64);
        let item = Item::new(&number.to_le_bytes(), deadline, number, &alive);
        table.insert(hash_of(number), item, rehash);
    }
    table.assert_consistent(rehash);
    assert!(table.stats().directory_entries <= 64, "{:?}", table.stats());
    let mut scanned = 0;
    let mut cursor = 0;
    loop {
        cursor = table.scan(cursor, &mut |_| scanned += 1);
        if cursor == 0 {
            break;
        }
    }
    assert_eq!(scanned, n);
    assert!(table.sample(3).is_some());
    assert_eq!(table.sample_many_with_deadline(3, n as usize, &mut |_| {}), n as usize / 2);
    let mut expired = 0;
    assert!(!table.expire_due(n as i64 / 2 - 1, &mut usize::MAX.clone(), &mut |_, _| expired += 1));
    assert_eq!(expired, n / 4);
    table.assert_consistent(rehash);
    for number in (0..n).rev() {
        let expired = number % 2 == 0 && number < n / 2;
        assert_eq!(table.remove(hash_of(number), &number.to_le_bytes()).is_none(), expired);
        if number % 512 == 0 {
            table.assert_consistent(rehash);
        }
    }
    assert_eq!((table.memory_bytes(), Rc::strong_count(&alive)), (0, 1));
}

#[test]
fn equal_hashes_go_to_the_stash() {
    check_crowded(2000, |_| 0x1234_5678_9abc_def0);
    check_crowded(2000, |_| 0);
    check_crowded(2000, |_| u64::MAX);
}

#[test]
fn hashes_that_differ_only_below_do_not_blow_up_the_directory() {
    check_crowded(4000, |number| 0xabcd_ef00_0000_0000 | hash_number(number) >> 40);
    check_crowded(4000, |number| number);
}

#[test]
fn a_split_hands_the_mark_on_and_unequal_marks_are_not_merged() {
    let mut numbers = Numbers::new();
    assert_eq!(numbers.table.segment_mark(0), None);
    numbers.insert(0, None);
    assert_eq!(numbers.table.segment_mark(0), Some(0));
    numbers.table.set_segment_mark(0, 7);
    (1..20_000).for_each(|number| numbers.insert(number, None));
    for hash in (0..64).map(|index| index << 58) {
        assert_eq!(numbers.table.segment_mark(hash), Some(7));
    }
    numbers.table.set_segment_mark(0, 8);
    (1..20_000).for_each(|number| assert!(numbers.remove(number)));
    assert!(numbers.table.stats().segments > 1, "different marks");
    assert_eq!(numbers.table.segment_mark(0), Some(8));
    assert_eq!(numbers.table.segment_mark(u64::MAX), Some(7));
    numbers.assert_consistent();
}

#[test]
fn a_guard_knows_its_segment() {
    let mut numbers = Numbers::of(0..3000);
    let all = numbers.table.len();
    let mut in_segment = 0;
    numbers.table.for_each_in_segment(hash_number(7), |_| in_segment += 1);
    assert!((100..1000).contains(&in_segment) && in_segment < all);
    let mut item = numbers.table.find_mut(hash_number(7), &7u64.to_le_bytes()).expect("there");
    assert_eq!((item.hash(), item.segment_mark()), (hash_number(7), 0));
    item.set_segment_mark(3);
    let mut others = 0;
    item.for_each_other_in_segment(|other| {
        assert_ne!(other.record().value, 7);
        others += 1;
    });
    drop(item);
    assert_eq!(others, in_segment - 1);
    assert_eq!(numbers.table.segment_mark(hash_number(7)), Some(3));
}

#[test]
fn prefetching_is_harmless() {
    let mut numbers = Numbers::new();
    for n in [0, 5, 5000] {
        (numbers.table.len() as u64..n).for_each(|number| numbers.insert(number, None));
        for number in 0..10_000 {
            let hash = hash_number(number);
            numbers.table.prefetch_directory(hash);
            numbers.table.prefetch_bucket(hash);
            numbers.table.prefetch_item(hash);
            numbers.table.prefetch_scan(Table::<Item>::cursor_of(hash));
        }
    }
    numbers.table.assert_consistent(rehash);
}

/// At the limit of memory items come and go; the table must not take more memory each time.
#[test]
fn late_growth_keeps_its_size_while_items_come_and_go() {
    let mut numbers = Numbers::of(0..100_000);
    let before = numbers.table.stats().memory_bytes;
    for number in 100_000..300_000_u64 {
        numbers.table.insert_with(
            hash_number(number),
            Item::new(&number.to_le_bytes(), None, number, &numbers.alive),
            rehash,
            Growth::Late,
        );
        assert!(numbers.remove(number - 100_000));
    }
    numbers.assert_consistent();
    let after = numbers.table.stats().memory_bytes;
    assert!(after < before + before / 50, "{before} bytes became {after}");
}
