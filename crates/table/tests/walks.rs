//! SCAN's guarantee, sampling and expiry over whole tables.

mod support;

use std::collections::BTreeSet;

use dunlin_table::{CURSOR_BITS, SegmentWalk, Table, Walked};
use proptest::prelude::*;
use support::{Item, Numbers, hash_number, rehash};

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// Items that stay are visited, whatever comes and goes between two steps.
    #[test]
    fn a_scan_visits_whatever_stays(
        staying in 1u64..3000,
        changes in proptest::collection::vec((any::<bool>(), 0u64..6000, 1usize..40), 0..40),
    ) {
        const PASSING: u64 = 1_000_000;
        let mut numbers = Numbers::of(0..staying);
        let (mut first, mut last) = (PASSING, PASSING);
        let mut seen = BTreeSet::new();
        let mut changes = changes.into_iter();
        let (mut cursor, mut steps_left) = (0, 1);
        loop {
            cursor = numbers.table.scan(cursor, &mut |item| {
                seen.insert(item.record().value);
            });
            prop_assert!(cursor < 1 << CURSOR_BITS);
            if cursor == 0 {
                break;
            }
            steps_left -= 1;
            if steps_left > 0 {
                continue;
            }
            let Some((grows, n, steps)) = changes.next() else { steps_left = usize::MAX; continue };
            steps_left = steps;
            if grows {
                (last..last + n).for_each(|number| numbers.insert(number, None));
                last += n;
            } else {
                let until = (first + n).min(last);
                (first..until).for_each(|number| assert!(numbers.remove(number)));
                first = until;
            }
        }
        prop_assert_eq!(seen.range(..PASSING).count() as u64, staying);
    }
}

/// Steps of growth between two calls from one bucket to many segments, and back.
#[test]
fn a_scan_survives_growth_from_one_bucket_and_back() {
    for grown_after in 0..6 {
        let mut numbers = Numbers::of(0..40);
        let mut seen = BTreeSet::new();
        let mut cursor = 0;
        for step in 0.. {
            cursor = numbers.table.scan(cursor, &mut |item| {
                seen.insert(item.record().value);
            });
            if cursor == 0 {
                break;
            }
            if step == grown_after {
                (1000..30_000).for_each(|number| numbers.insert(number, None));
            }
            if step == grown_after + 700 {
                (1000..30_000).for_each(|number| assert!(numbers.remove(number)));
            }
        }
        assert_eq!(seen.range(..40).count(), 40);
    }
}

#[test]
fn an_unchanging_table_is_scanned_without_repeats() {
    for n in [0, 1, 7, 8, 100, 800, 5000] {
        let numbers = Numbers::of(0..n);
        let mut seen = Vec::new();
        let mut cursor = 0;
        loop {
            cursor = numbers.table.scan(cursor, &mut |item| seen.push(item.record().value));
            if cursor == 0 {
                break;
            }
        }
        seen.sort_unstable();
        assert_eq!(seen, (0..n).collect::<Vec<_>>());
    }
}

#[test]
fn foreign_cursors_are_harmless() {
    let numbers = Numbers::of(0..5000);
    for cursor in [1 << CURSOR_BITS, u64::MAX, 1 << 63] {
        assert_eq!(numbers.table.scan(cursor, &mut |_| panic!("visited")), 0);
    }
    let mut cursor = 0x1_2345_6789;
    while cursor != 0 {
        let next = numbers.table.scan(cursor, &mut |_| {});
        assert!(next == 0 || next > cursor);
        cursor = next;
    }
}

/// Notes every number it meets, and stops after so many buckets.
#[derive(Default)]
struct Notes {
    met: BTreeSet<u64>,
    buckets_left: usize,
    moves: bool,
}

impl SegmentWalk<Item> for Notes {
    fn hash(&self, item: &Item) -> u64 {
        rehash(item)
    }

    fn visit(&mut self, item: &Item) -> bool {
        assert!(self.met.insert(item.record().value), "{} came twice", item.record().value);
        self.moves && item.record().value.is_multiple_of(3)
    }

    fn change(&mut self, item: &mut Item) {
        item.reallocate();
    }

    fn may_go_on(&mut self) -> bool {
        self.buckets_left = self.buckets_left.saturating_sub(1);
        self.buckets_left > 0
    }
}

#[test]
fn segments_are_walked_once_each() {
    let mut numbers = Numbers::of(0..9000);
    let mut notes = Notes { buckets_left: usize::MAX, moves: true, ..Notes::default() };
    let (mut cursor, mut segments) = (0, 0);
    loop {
        let end = numbers.table.end_of_segment(cursor);
        let walked = numbers.table.walk_segment(cursor, &mut notes);
        assert_eq!(walked, Walked::Whole { next: end });
        segments += 1;
        cursor = end;
        if cursor == 0 {
            break;
        }
    }
    assert_eq!((notes.met.len(), segments), (9000, numbers.table.stats().segments));
    numbers.assert_consistent();
}

/// Between any two buckets the table grows or shrinks: what was there all the time is met once.
#[test]
fn a_walk_that_pauses_meets_each_item_once() {
    for (first, last) in [(3000, 9000), (9000, 1000), (500, 40), (40, 600)] {
        let mut numbers = Numbers::of(0..first);
        let mut notes = Notes { moves: true, ..Notes::default() };
        let (mut cursor, mut count, mut pauses) = (0, first, 0);
        loop {
            notes.buckets_left = 1 + pauses % 7;
            pauses += 1;
            match numbers.table.walk_segment(cursor, &mut notes) {
                Walked::Whole { next: 0 } => break,
                Walked::Whole { next } | Walked::Part { next } => {
                    assert!(next > cursor);
                    cursor = next;
                }
            }
            // Steps of 29 and 31: every few pauses a segment is split or merged. What was met
            // before it was removed does not come back.
            for _ in 0..30 {
                if count < last {
                    let number = count + 100_000;
                    if Table::<Item>::cursor_of(hash_number(number)) < cursor {
                        numbers.insert(number, None);
                    }
                    count += 1;
                } else if count > last {
                    count -= 1;
                    numbers.remove(count);
                }
            }
        }
        let stayed = first.min(last);
        assert!((0..stayed).all(|number| notes.met.contains(&number)), "{first} to {last}");
        assert!(notes.met.iter().all(|number| *number < first));
        numbers.assert_consistent();
    }
}

/// Draws `40 * n` items and compares their frequencies with equal chances. The limit is about
/// eight standard deviations above the mean of chi-square.
fn check_fairness(n: u64, mut draw: impl FnMut(u64) -> u64) {
    let mut drawn = vec![0u32; n as usize];
    let draws = 40 * n;
    for random in 0..draws {
        drawn[draw(random) as usize] += 1;
    }
    let expected = draws as f64 / n as f64;
    let chi_square: f64 =
        drawn.iter().map(|&count| (f64::from(count) - expected).powi(2) / expected).sum();
    assert!(chi_square < n as f64 + 8.0 * (2.0 * n as f64).sqrt() + 20.0, "{chi_square} at {n}");
}

#[test]
fn every_item_has_the_same_chance() {
    for n in [1, 5, 60, 700, 6000] {
        let numbers = Numbers::of(0..n);
        check_fairness(n, |random| numbers.table.sample(random).expect("not empty").record().value);
    }
    let mut shrunk = Numbers::of(0..8000);
    (1000..8000).for_each(|number| assert!(shrunk.remove(number)));
    check_fairness(1000, |random| shrunk.table.sample(random).expect("not empty").record().value);
}

#[test]
fn every_item_with_a_deadline_has_the_same_chance() {
    let mut numbers = Numbers::new();
    assert!(numbers.table.sample_with_deadline(1).is_none());
    for number in 0..6000 {
        numbers.insert(number, (number < 50).then_some(1));
    }
    check_fairness(50, |random| {
        numbers.table.sample_with_deadline(random).expect("some have one").record().value
    });
}

#[test]
fn runs_of_neighbours_are_different_items() {
    let mut numbers = Numbers::new();
    for n in [1u64, 10, 3000] {
        (numbers.table.len() as u64..n).for_each(|number| {
            numbers.insert(number, (number % 10 == 0).then_some(1));
        });
        for random in [0u64, 1 << 63, u64::MAX, 0x1234_5678_9abc_def0] {
            for wanted in [0, 1, 5, 1000, 10_000] {
                let mut seen = BTreeSet::new();
                let visited = numbers.table.sample_many(random, wanted, &mut |item| {
                    assert!(seen.insert(item.record().value));
                });
                assert_eq!((visited, seen.len()), (wanted.min(n as usize), visited));
                let mut seen = BTreeSet::new();
                let visited =
                    numbers.table.sample_many_with_deadline(random, wanted, &mut |item| {
                        assert!(seen.insert(item.record().value) && item.record().value % 10 == 0);
                    });
                assert_eq!(visited, wanted.min((n as usize).div_ceil(10)));
            }
        }
    }
}

#[test]
fn due_items_are_found_in_small_portions() {
    let mut numbers = Numbers::new();
    for number in 0..50_000u64 {
        let deadline = (number % 50 == 0).then_some(if number % 100 == 0 { 10 } else { 1_000 });
        numbers.insert(number, deadline);
    }
    assert_eq!(numbers.table.earliest_deadline(), Some(10));
    let mut expired = 0;
    assert!(!numbers.table.expire_due(9, &mut 1, &mut |_, _| panic!("not due")));
    let mut calls = 0;
    loop {
        let mut budget = 20;
        calls += 1;
        if !numbers.table.expire_due(10, &mut budget, &mut |item, _| {
            assert_eq!(item.record().deadline, Some(10));
            expired += 1;
        }) {
            break;
        }
        assert_eq!(budget, 0, "stopped only because the budget was used up");
    }
    assert_eq!(expired, 500);
    assert!(calls > 25, "{calls}");
    assert_eq!(numbers.table.earliest_deadline(), Some(1_000));
    assert_eq!(numbers.table.with_deadline(), 500);
    numbers.assert_consistent();
}
