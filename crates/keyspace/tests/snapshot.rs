//! Snapshots against a model: whatever commands do while a snapshot runs, its sink gets every key of
//! the epoch once, as it was then.

mod support;

use dunlin_keyspace::{
    EvictionOrder, EvictionPolicy, EvictionScope, Keyspace, Layout, Slot, SnapshotScope,
    WalkProgress,
};
use dunlin_slots::{SlotSet, key_slot};
use dunlin_stdx::time::UnixMs;
use dunlin_values::NewValue;
use proptest::prelude::*;
use support::{Contents, Notes, change, contents_of, finish, keyspace, put_new, shrink};

const DATABASES: u32 = 3;
const LAYOUTS: [Layout; 2] = [Layout::OneTable, Layout::TablePerSlot];

/// The name of key number `n`: five hash tags, so that slots hold many keys.
fn name(n: usize) -> Vec<u8> {
    format!("{{{}}}key:{n}", n % 5).into_bytes()
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Put { kind: u8, len: usize },
    Change,
    Delete,
    Expire { at: i64 },
    Overwrite,
    Rename { to: usize },
    Move,
    Copy { to: usize },
    Swap,
    Flush,
    FlushAll,
    DropSlot,
    Evict,
    RandomKey,
    Scan,
    ExpireDue { at: i64 },
    ExpireFields { at: i64 },
    PutMany { count: usize },
    DeleteMany { count: usize },
    Walk { budget: usize },
    Begin { few_slots: bool },
    Abort,
}

fn flush_all(keyspace: &mut Keyspace, lazily: bool) {
    for db in 0..DATABASES {
        keyspace.flush(db, lazily);
    }
}

/// A step, and the database and key that it is about.
type Steps = Vec<(Step, u32, usize)>;

fn steps() -> impl Strategy<Value = Steps> {
    let step = prop_oneof![
        6 => (any::<u8>(), 0usize..60).prop_map(|(kind, len)| Step::Put { kind, len }),
        1 => (2u8..7, 1001usize..1400).prop_map(|(kind, len)| Step::Put { kind, len }),
        12 => Just(Step::Change),
        2 => Just(Step::Delete),
        2 => (0i64..100).prop_map(|at| Step::Expire { at }),
        2 => Just(Step::Overwrite),
        2 => (0usize..30).prop_map(|to| Step::Rename { to }),
        2 => Just(Step::Move),
        2 => (0usize..30).prop_map(|to| Step::Copy { to }),
        1 => Just(Step::Swap),
        1 => Just(Step::Flush),
        1 => Just(Step::FlushAll),
        1 => Just(Step::DropSlot),
        1 => Just(Step::Evict),
        1 => Just(Step::RandomKey),
        1 => Just(Step::Scan),
        1 => (0i64..100).prop_map(|at| Step::ExpireDue { at }),
        1 => (0i64..100).prop_map(|at| Step::ExpireFields { at }),
        1 => (1usize..1500).prop_map(|count| Step::PutMany { count }),
        1 => (1usize..1500).prop_map(|count| Step::DeleteMany { count }),
        8 => (0usize..60).prop_map(|budget| Step::Walk { budget }),
        2 => (0usize..3000).prop_map(|budget| Step::Walk { budget }),
        3 => any::<bool>().prop_map(|few_slots| Step::Begin { few_slots }),
        1 => Just(Step::Abort),
    ];
    proptest::collection::vec((step, 0..DATABASES, 0usize..30), 1..120)
}

/// A keyspace beside what its running snapshot is to hold.
struct Trial {
    keyspace: Keyspace,
    layout: Layout,
    notes: Notes,
    expected: Option<Contents>,
    completed: usize,
}

impl Trial {
    fn new(layout: Layout) -> Self {
        let keyspace = keyspace(DATABASES, layout);
        Self { keyspace, layout, notes: Notes::default(), expected: None, completed: 0 }
    }

    fn begin(&mut self, few_slots: bool) {
        if self.keyspace.is_snapshot_running() {
            let sink = Box::new(Notes::default());
            assert!(self.keyspace.begin_snapshot(SnapshotScope::All, sink).is_err());
            return;
        }
        let mut scope = SnapshotScope::All;
        if few_slots && self.layout == Layout::TablePerSlot {
            let slots: SlotSet = (0..30).step_by(2).map(|n| key_slot(&name(n))).collect();
            let some = slots.iter().take(3).collect();
            scope = SnapshotScope::Slots(some);
        }
        let expected = contents_of(&self.keyspace, &scope);
        let sink = Box::new(self.notes.clone());
        let Ok(start) = self.keyspace.begin_snapshot(scope, sink) else {
            panic!("none is running")
        };
        assert_eq!(start.keys(), expected.len());
        self.expected = Some(expected);
    }

    fn walk(&mut self, budget: usize) {
        if self.keyspace.walk(budget) == WalkProgress::Done {
            self.check_end();
        }
    }

    fn check_end(&mut self) {
        let Some(expected) = self.expected.take() else { return };
        let progress = self.keyspace.snapshot_progress().expect("it is running");
        assert_eq!(progress.keys_done, expected.len());
        assert!(self.keyspace.end_snapshot().is_some());
        let got = self.notes.take();
        assert!(got == expected, "{:?}", first_difference(&got, &expected));
        self.completed += 1;
    }

    fn abort(&mut self) {
        assert_eq!(self.keyspace.abort_snapshot().is_some(), self.expected.take().is_some());
        // What came was right, too.
        self.notes.take();
    }

    fn apply(&mut self, step: Step, db: u32, n: usize) {
        let (key, keyspace) = (name(n), &mut self.keyspace);
        let other_db = (db + 1) % DATABASES;
        match step {
            Step::Put { kind, len } => put_new(keyspace, db, &key, kind, len),
            Step::Change => change(keyspace, db, &key, n),
            Step::Delete => drop(keyspace.delete(db, &key, n.is_multiple_of(2))),
            Step::Expire { at } => {
                if let Slot::Occupied(mut slot) = keyspace.slot(db, &key) {
                    slot.set_deadline((at > 10).then_some(UnixMs(at)));
                }
            }
            Step::Overwrite => {
                if let Slot::Occupied(mut slot) = keyspace.slot(db, &key) {
                    slot.assign(NewValue::Int(n as i64), None);
                }
            }
            Step::Rename { to } => {
                if let Some(entry) = keyspace.take(db, &key) {
                    keyspace.put(db, entry.renamed(&name(to)));
                }
            }
            Step::Move => {
                if let Some(entry) = keyspace.take(db, &key) {
                    keyspace.put(other_db, entry);
                }
            }
            Step::Copy { to } => {
                let copy = keyspace
                    .get(db, &key)
                    .map(|entry| entry.duplicate(&name(to), entry.deadline()));
                if let Some(copy) = copy {
                    keyspace.replace(other_db, copy);
                }
            }
            Step::Swap => keyspace.swap(db, other_db),
            Step::Flush => drop(keyspace.flush(db, true)),
            Step::FlushAll => flush_all(keyspace, false),
            Step::DropSlot => drop(keyspace.drop_slot(key_slot(&key), true)),
            Step::Evict => {
                let policy =
                    EvictionPolicy { scope: EvictionScope::AllKeys, order: EvictionOrder::ByClock };
                keyspace.evict_one(policy, 3);
            }
            Step::RandomKey => drop(keyspace.random_key(db)),
            Step::Scan => drop(keyspace.scan(db, 0, 1000, |_| {})),
            Step::ExpireDue { at } => {
                keyspace.begin_turn(UnixMs(at));
                keyspace.expire_due(db, &mut 100);
            }
            Step::ExpireFields { at } => {
                keyspace.begin_turn(UnixMs(at));
                keyspace.expire_fields(db, &key, &[b"e1"]);
            }
            Step::PutMany { count } => (0..count).for_each(|i| {
                let deadline = (i % 7 == 0).then_some(UnixMs(50));
                keyspace.slot(db, &name(1000 + n + i)).set(NewValue::Int(i as i64), deadline);
            }),
            Step::DeleteMany { count } => (0..count).for_each(|i| {
                keyspace.delete(db, &name(1000 + n + i), false);
            }),
            Step::Walk { budget } => self.walk(budget),
            Step::Begin { few_slots } => self.begin(few_slots),
            Step::Abort => self.abort(),
        }
    }
}

fn first_difference(got: &Contents, expected: &Contents) -> Option<String> {
    let differs = |key: &&(u32, Vec<u8>)| got.get(*key) != expected.get(*key);
    let key = got.keys().chain(expected.keys()).find(differs)?;
    let (db, text) = (key.0, String::from_utf8_lossy(&key.1));
    Some(format!("{text} of {db}: got {:?}, expected {:?}", got.get(key), expected.get(key)))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, ..ProptestConfig::default() })]

    #[test]
    fn a_snapshot_holds_the_epoch(steps in steps()) {
        for layout in LAYOUTS {
            let mut trial = Trial::new(layout);
            for n in 0..30 {
                let len = if n % 4 == 3 { 1000 + n } else { 3 * n };
                put_new(&mut trial.keyspace, (n % 2) as u32, &name(n), n as u8, len);
            }
            trial.begin(false);
            for &(step, db, n) in &steps {
                trial.apply(step, db, n);
            }
            trial.begin(false);
            while trial.expected.is_some() {
                trial.walk(10);
            }
            prop_assert!(trial.completed > 0);
        }
    }
}

/// A thousand keys in each of two databases.
fn two_thousand(layout: Layout) -> Trial {
    let mut trial = Trial::new(layout);
    for n in 0..1000 {
        put_new(&mut trial.keyspace, 0, &name(n), n as u8, n % 20);
        put_new(&mut trial.keyspace, 1, &name(n), (n + 1) as u8, n % 10);
    }
    trial
}

fn finish_trial(mut trial: Trial) {
    while trial.expected.is_some() {
        trial.walk(50);
    }
    assert_eq!(trial.completed, 1);
    // And another one, of what is there now.
    trial.begin(false);
    while trial.expected.is_some() {
        trial.walk(1000);
    }
}

/// Does something when the walk has come so far, for every layout and several distances.
fn check_in_mid_walk(act: impl Fn(&mut Keyspace)) {
    for layout in LAYOUTS {
        for slices in [0, 1, 5, 11, 25, 35] {
            let mut trial = two_thousand(layout);
            trial.begin(false);
            (0..slices).for_each(|_| trial.walk(50));
            act(&mut trial.keyspace);
            finish_trial(trial);
        }
    }
}

#[test]
fn flushall_in_mid_walk() {
    check_in_mid_walk(|keyspace| flush_all(keyspace, true));
    check_in_mid_walk(|keyspace| {
        for round in 0..3 {
            flush_all(keyspace, round == 1);
            (0..500).for_each(|n| put_new(keyspace, 0, &name(n), n as u8, 3));
        }
    });
}

#[test]
fn swapdb_in_mid_walk() {
    check_in_mid_walk(|keyspace| keyspace.swap(0, 1));
    check_in_mid_walk(|keyspace| {
        keyspace.swap(0, 2);
        keyspace.flush(2, true);
        keyspace.swap(1, 2);
        (0..500).for_each(|n| put_new(keyspace, 2, &name(n), n as u8, 3));
        (0..500).for_each(|n| put_new(keyspace, 0, &name(n), n as u8, 4));
    });
}

#[test]
fn rename_in_mid_walk() {
    check_in_mid_walk(|keyspace| {
        for n in 0..1000 {
            let entry = keyspace.take(0, &name(n)).expect("it is there");
            keyspace.put(0, entry.renamed(&name((n + 500) % 2000)));
        }
    });
}

#[test]
fn move_in_mid_walk() {
    check_in_mid_walk(|keyspace| {
        for n in 0..1000 {
            let entry = keyspace.take(n as u32 % 2, &name(n)).expect("it is there");
            keyspace.put(2, entry);
        }
    });
}

#[test]
fn a_slot_is_dropped_in_mid_walk() {
    for first in 0..5 {
        check_in_mid_walk(|keyspace| {
            for n in first..5 {
                keyspace.drop_slot(key_slot(&name(n)), n % 2 == 0);
                (0..500).for_each(|n| put_new(keyspace, 0, &name(n), n as u8, 4));
            }
            keyspace.drop_slot(key_slot(&name(first)), true);
        });
    }
}

#[test]
fn tables_that_grow_and_shrink_in_mid_walk() {
    for layout in LAYOUTS {
        let mut trial = two_thousand(layout);
        for n in 0..20_000 {
            trial.keyspace.slot(0, &name(10_000 + n)).set(NewValue::Int(1), None);
        }
        trial.begin(false);
        for round in 0..40 {
            trial.walk(400);
            for n in 0..1000 {
                let n = (round % 20) * 1000 + n;
                if round < 20 {
                    trial.keyspace.slot(1, &name(10_000 + n)).set(NewValue::Int(2), None);
                }
                if round % 3 == 0 {
                    trial.keyspace.delete(0, &name(10_000 + n), false);
                }
            }
        }
        finish_trial(trial);
    }
}

/// Segments merge only where they are equally far: some are begun, some are done, most are neither.
#[test]
fn segments_that_merge_in_mid_walk() {
    for layout in LAYOUTS {
        for walked in [0, 700, 9000, 19_000] {
            let mut trial = Trial::new(layout);
            for n in 0..20_000 {
                trial.keyspace.slot(0, &name(n)).set(NewValue::Int(1), None);
            }
            trial.begin(false);
            trial.walk(walked);
            (0..20_000).step_by(1500).for_each(|n| change(&mut trial.keyspace, 0, &name(n), n));
            for n in (0..20_000).filter(|n| n % 50 != 0) {
                trial.keyspace.delete(0, &name(n), false);
                if n % 1000 == 1 {
                    trial.walk(20);
                }
            }
            (0..20_000).step_by(100).for_each(|n| change(&mut trial.keyspace, 0, &name(n), n));
            finish_trial(trial);
        }
    }
}

/// After an abort at any step, the next snapshot is right.
#[test]
fn another_snapshot_after_an_abort() {
    for layout in LAYOUTS {
        let mut trial = two_thousand(layout);
        for steps in 0..60 {
            trial.begin(false);
            for step in 0..steps {
                trial.apply(Step::Change, step as u32 % 2, step * 7 % 1000);
                trial.apply(Step::Put { kind: 0, len: 5 }, 0, 2000 + step * 60 + steps);
                trial.walk(step * 5);
            }
            trial.abort();
        }
        let before = trial.completed;
        trial.begin(false);
        for step in 0..30 {
            trial.apply(Step::Change, 0, step * 31 % 1000);
            trial.apply(Step::Put { kind: 0, len: 5 }, 0, 9000 + step);
            trial.walk(50);
        }
        while trial.expected.is_some() {
            trial.walk(50);
        }
        assert_eq!(trial.completed, before + 1);
    }
}

#[test]
fn several_hundred_snapshots_in_a_row() {
    for layout in LAYOUTS {
        let mut trial = Trial::new(layout);
        for n in 0..300 {
            put_new(&mut trial.keyspace, 0, &name(n), n as u8, n % 20);
        }
        for round in 0..300 {
            trial.begin(round % 3 == 0);
            for step in 0..8 {
                trial.apply(Step::Change, 0, (round * 13 + step * 41) % 300);
                trial.walk(60);
            }
            if round % 5 == 4 {
                trial.abort();
            }
            while trial.expected.is_some() {
                trial.walk(100);
            }
        }
        assert!(trial.completed > 230);
    }
}

#[test]
fn the_walk_waits_for_room_and_the_barrier_does_not() {
    let mut keyspace = keyspace(1, Layout::OneTable);
    (0..1000).for_each(|n| put_new(&mut keyspace, 0, &name(n), 0, n));
    let notes = Notes::default();
    notes.set_full(true);
    let Ok(start) = keyspace.begin_snapshot(SnapshotScope::All, Box::new(notes.clone())) else {
        panic!("none is running")
    };
    assert_eq!((start.keys(), start.databases[0].with_deadline), (1000, 0));
    assert_eq!(keyspace.walk(100), WalkProgress::NoRoom);
    assert!(keyspace.end_snapshot().is_none());
    change(&mut keyspace, 0, &name(3), 3);
    change(&mut keyspace, 0, &name(3), 3);
    assert_eq!(notes.take_hurried(), [name(3)]);
    notes.set_full(false);
    assert_eq!(keyspace.walk(100), WalkProgress::More);
    assert!(notes.len() < 150, "{}", notes.len());
    finish(&mut keyspace);
    assert_eq!((notes.take_hurried().len(), notes.take().len()), (0, 1000));
}

/// What no key of the epoch is about costs no entry.
#[test]
fn new_keys_and_repeated_writes_hand_out_nothing() {
    let mut keyspace = keyspace(2, Layout::OneTable);
    (0..100).for_each(|n| put_new(&mut keyspace, 0, &name(n), 0, n));
    let notes = Notes::default();
    assert!(keyspace.begin_snapshot(SnapshotScope::All, Box::new(notes.clone())).is_ok());
    (100..300).for_each(|n| put_new(&mut keyspace, 0, &name(n), 0, n));
    (100..300).for_each(|n| change(&mut keyspace, 0, &name(n), 1));
    (0..100).for_each(|n| put_new(&mut keyspace, 1, &name(n), 0, n));
    (0..100).for_each(|n| change(&mut keyspace, 1, &name(n), 2));
    assert_eq!(notes.len(), 0);
    finish(&mut keyspace);
    assert_eq!((notes.take_hurried().len(), notes.len()), (0, 100));
    (0..100).for_each(|n| change(&mut keyspace, 0, &name(n), 2));
    assert_eq!(notes.len(), 100);
}

type Act = (&'static str, fn(&mut Keyspace, &[u8]));

/// What may happen to a key whose collection is frozen.
const FATES: [Act; 15] = [
    ("changed", |keyspace, key| change(keyspace, 0, key, 7)),
    ("shrunk to one element", |keyspace, key| shrink(keyspace, 0, key)),
    ("deleted", |keyspace, key| {
        keyspace.delete(0, key, true);
    }),
    ("overwritten", |keyspace, key| keyspace.slot(0, key).set(NewValue::Int(1), None)),
    ("overwritten by a large one", |keyspace, key| put_new(keyspace, 0, key, 4, 1500)),
    ("renamed", |keyspace, key| {
        let entry = keyspace.take(0, key).expect("it is there");
        keyspace.put(0, entry.renamed(b"{9}other"));
        change(keyspace, 0, b"{9}other", 3);
    }),
    ("renamed over a frozen one", |keyspace, key| {
        let entry = keyspace.take(0, key).expect("it is there");
        keyspace.put(0, entry.renamed(&name(1)));
    }),
    ("moved", |keyspace, key| {
        let entry = keyspace.take(0, key).expect("it is there");
        keyspace.put(2, entry);
        keyspace.swap(2, 1);
        change(keyspace, 1, key, 5);
    }),
    ("moved to a new database that is emptied", |keyspace, key| {
        keyspace.flush(2, true);
        let entry = keyspace.take(0, key).expect("it is there");
        keyspace.put(2, entry);
        keyspace.flush(2, true);
        keyspace.flush(0, true);
        keyspace.swap(0, 2);
    }),
    ("copied", |keyspace, key| {
        let copy = keyspace.get(0, key).map(|entry| entry.duplicate(b"{1}copy", None));
        keyspace.put(1, copy.expect("it is there"));
        change(keyspace, 1, b"{1}copy", 2);
    }),
    ("flushed", |keyspace, _| flush_all(keyspace, true)),
    ("swapped", |keyspace, key| {
        keyspace.swap(0, 1);
        change(keyspace, 1, key, 4);
    }),
    ("dropped", |keyspace, key| {
        keyspace.drop_slot(key_slot(key), true);
        put_new(keyspace, 0, key, 3, 1100);
        keyspace.drop_slot(key_slot(key), false);
    }),
    ("expired", |keyspace, key| {
        if let Slot::Occupied(mut slot) = keyspace.slot(0, key) {
            slot.set_deadline(Some(UnixMs(5)));
        }
        keyspace.begin_turn(UnixMs(6));
        assert!(keyspace.peek(0, key).is_none());
    }),
    ("expired by the cycle", |keyspace, key| {
        if let Slot::Occupied(mut slot) = keyspace.slot(0, key) {
            slot.set_deadline(Some(UnixMs(5)));
        }
        keyspace.begin_turn(UnixMs(6));
        keyspace.expire_due(0, &mut 100);
    }),
];

/// The kinds of `put_new` that are large when they are long: all collections.
const LARGE_KINDS: [u8; 5] = [2, 3, 4, 5, 6];

/// Three large collections, of which the first meets its fate when so much was handed out, frozen by
/// the barrier or by the walk.
fn check_fate((fate, act): Act, layout: Layout, kind: u8, slices: usize, is_hurried: bool) {
    let mut trial = Trial::new(layout);
    (0..3).for_each(|n| put_new(&mut trial.keyspace, 0, &name(n), kind, 1200));
    (3..50).for_each(|n| put_new(&mut trial.keyspace, n as u32 % 2, &name(n), n as u8, 5));
    trial.begin(false);
    if is_hurried {
        (0..3).for_each(|n| change(&mut trial.keyspace, 0, &name(n), n));
    }
    (0..slices).for_each(|_| trial.walk(120));
    act(&mut trial.keyspace, &name(0));
    trial.walk(100);
    act_again(&mut trial.keyspace);
    while trial.expected.is_some() {
        trial.walk(100);
    }
    assert_eq!(trial.notes.large_count(), 3, "{fate}");
    assert_none_frozen(&trial.keyspace);
}

/// Goes on changing what is left.
fn act_again(keyspace: &mut Keyspace) {
    for db in 0..DATABASES {
        (0..50).for_each(|n| change(keyspace, db, &name(n), 11 + n));
    }
}

fn assert_none_frozen(keyspace: &Keyspace) {
    for db in 0..DATABASES {
        keyspace.database(db).for_each(|entry| assert_eq!(entry.frozen_id(), None));
    }
}

#[test]
fn large_collections_are_handed_out_whatever_becomes_of_their_keys() {
    for layout in LAYOUTS {
        for kind in LARGE_KINDS {
            for (slices, is_hurried) in [(0, false), (0, true), (1, false), (4, true)] {
                for fate in FATES {
                    check_fate(fate, layout, kind, slices, is_hurried);
                }
            }
        }
    }
}

#[test]
fn an_abort_thaws_everything() {
    for layout in LAYOUTS {
        for slices in 0..12 {
            let mut trial = Trial::new(layout);
            (0..12)
                .for_each(|n| put_new(&mut trial.keyspace, 0, &name(n), LARGE_KINDS[n % 5], 1500));
            trial.begin(false);
            (0..slices).for_each(|n| change(&mut trial.keyspace, 0, &name(n), n));
            (0..slices).for_each(|_| trial.walk(100));
            let entry = trial.keyspace.take(0, &name(5)).expect("it is there");
            trial.keyspace.put(1, entry.renamed(b"other"));
            trial.keyspace.delete(0, &name(6), true);
            if slices % 3 == 0 {
                trial.keyspace.flush(0, true);
            }
            trial.abort();
            assert_none_frozen(&trial.keyspace);
        }
    }
}

/// Barrier entries of other keys do not wait behind a large collection.
#[test]
fn the_barrier_passes_a_large_collection() {
    let mut trial = Trial::new(Layout::OneTable);
    put_new(&mut trial.keyspace, 0, b"large", 3, 50_000);
    (0..100).for_each(|n| put_new(&mut trial.keyspace, 0, &name(n), 0, n));
    trial.begin(false);
    change(&mut trial.keyspace, 0, b"large", 1);
    trial.walk(10);
    assert_eq!(trial.notes.len(), 0, "fifty thousand members take longer");
    (0..50).for_each(|n| change(&mut trial.keyspace, 0, &name(n), n));
    assert_eq!(trial.notes.len(), 50);
    finish_trial(trial);
}
