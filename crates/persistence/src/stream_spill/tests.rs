//! A spilled stream beside a plain vector.

use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use proptest::prelude::*;

use super::{StreamSpill, StreamSpillEvent, StreamSpillJob, StreamSpillPlan};
use crate::job::{Job, Step};
use crate::memory_disk::MemoryDisk;

struct Bench {
    disk: MemoryDisk,
    spill: StreamSpill,
    job: StreamSpillJob,
}

impl Bench {
    fn new(segment_bytes: u64, bytes_max: u64) -> Self {
        let disk = MemoryDisk::default();
        let plan = StreamSpillPlan { directory: PathBuf::from("/srv"), segment_bytes, bytes_max };
        let (spill, job) = StreamSpill::new(plan, Arc::new(disk.clone()), Arc::new(|| ()));
        Self { disk, spill, job }
    }

    fn run(&mut self) -> Vec<StreamSpillEvent> {
        while self.job.step() == Step::Working {}
        self.events()
    }

    fn events(&self) -> Vec<StreamSpillEvent> {
        std::iter::from_fn(|| self.spill.next_event()).collect()
    }
}

fn read(reader: usize, offset: u64, bytes: &'static [u8]) -> StreamSpillEvent {
    StreamSpillEvent::Read { reader, offset, bytes: Bytes::from_static(bytes) }
}

#[test]
fn blocks_are_read_from_memory_and_then_from_the_files() {
    let mut bench = Bench::new(1000, u64::MAX);
    bench.spill.write(100, &b"first "[..]);
    bench.spill.write(106, Box::<[u8]>::from(&b"second"[..]));
    assert_eq!((bench.spill.len_bytes(), bench.spill.waiting_bytes()), (12, 12));
    bench.spill.request(1, 102, 100);
    assert_eq!(bench.events(), [read(1, 102, b"rst ")], "of one block");
    assert_eq!(bench.job.step(), Step::Working);
    assert_eq!(bench.events(), [StreamSpillEvent::Written { up_to: 106 }]);
    assert_eq!(bench.spill.waiting_bytes(), 6);
    bench.spill.request(2, 100, 3);
    bench.spill.request(3, 106, 3);
    assert_eq!(bench.events(), [read(3, 106, b"sec")]);
    let written = StreamSpillEvent::Written { up_to: 112 };
    assert_eq!(bench.run(), [read(2, 100, b"fir"), written]);
    bench.spill.request(4, 103, 7);
    assert_eq!(bench.run(), [read(4, 103, b"st seco")]);
    assert_eq!(bench.spill.waiting_bytes(), 0);
}

#[test]
fn readers_and_the_writer_take_turns() {
    let mut bench = Bench::new(1000, u64::MAX);
    bench.spill.write(0, &b"old"[..]);
    bench.run();
    for offset in 3..6 {
        bench.spill.write(offset, &b"x"[..]);
        bench.spill.request(offset as usize, 0, 1);
    }
    let written = |up_to| StreamSpillEvent::Written { up_to };
    let expected =
        [read(3, 0, b"o"), written(4), read(4, 0, b"o"), written(5), read(5, 0, b"o"), written(6)];
    assert_eq!(bench.run(), expected);
}

#[test]
fn what_is_forgotten_is_given_back_in_whole_files() {
    let mut bench = Bench::new(10, u64::MAX);
    for n in 0..10 {
        bench.spill.write(n * 5, vec![n as u8; 5]);
    }
    bench.run();
    assert_eq!(bench.disk.open_nameless(), 5);
    bench.spill.forget_before(29);
    assert_eq!((bench.spill.start(), bench.spill.len_bytes()), (29, 21));
    bench.spill.request(1, 29, 10);
    assert_eq!(bench.run(), [read(1, 29, &[5])]);
    assert_eq!(bench.disk.open_nameless(), 3);
    bench.spill.forget_before(1000);
    assert_eq!(bench.spill.len_bytes(), 0);
    assert_eq!(bench.run(), []);
    assert_eq!(bench.disk.open_nameless(), 0);
    // It may go on elsewhere then.
    bench.spill.write(70, &b"later"[..]);
    bench.spill.request(1, 70, 10);
    assert_eq!(bench.run(), [read(1, 70, b"later"), StreamSpillEvent::Written { up_to: 75 }]);
    assert_eq!(bench.spill.start(), 70);
    drop(bench.spill);
    assert_eq!(bench.job.step(), Step::Done);
    assert_eq!(bench.disk.open_nameless(), 0);
}

#[test]
fn blocks_that_are_forgotten_in_time_are_never_written() {
    let mut bench = Bench::new(10, u64::MAX);
    bench.spill.write(0, vec![0; 8]);
    bench.spill.write(8, vec![1; 8]);
    bench.spill.write(16, vec![2; 8]);
    bench.job.step();
    bench.spill.forget_before(17);
    assert_eq!(bench.spill.waiting_bytes(), 8);
    bench.spill.request(1, 17, 3);
    bench.run();
    assert_eq!(bench.disk.nameless_bytes(), 16);
    bench.spill.request(2, 17, 20);
    assert_eq!(bench.run(), [read(2, 17, &[2; 7])]);
}

#[test]
fn a_request_that_is_overtaken_by_forgetting_is_told() {
    let mut bench = Bench::new(4, u64::MAX);
    bench.spill.write(0, &b"abcd"[..]);
    bench.spill.write(4, &b"efgh"[..]);
    bench.run();
    bench.spill.request(1, 0, 2);
    bench.spill.forget_before(4);
    assert_eq!(bench.run(), [StreamSpillEvent::Gone { reader: 1, offset: 0 }]);
}

#[test]
fn a_full_disk_is_told_once_and_takes_nothing_away() {
    for call in 0..3 {
        let mut bench = Bench::new(1000, u64::MAX);
        bench.disk.fail_at(call);
        bench.spill.write(0, &b"one"[..]);
        bench.spill.write(3, &b"two"[..]);
        let events = bench.run();
        let StreamSpillEvent::Failed(why) = &events[events.len() - 1] else { panic!("{events:?}") };
        let doing = if call == 0 { "create" } else { "write" };
        let expected =
            format!("Failed to {doing} a file for the replication stream in /srv: made to fail");
        assert_eq!(*why, expected);
        bench.spill.write(6, &b"three"[..]);
        for (offset, bytes) in [(0, &b"one"[..]), (3, b"two"), (6, b"three")] {
            bench.spill.request(7, offset, 100);
            assert_eq!(bench.run(), [read(7, offset, bytes)]);
        }
    }
}

#[test]
fn a_limit_is_as_good_as_a_full_disk_and_a_read_that_fails_is_told() {
    let mut bench = Bench::new(4, 10);
    for n in 0..4 {
        bench.spill.write(n * 3, &b"abc"[..]);
    }
    let events = bench.run();
    let limit = "the files have reached their limit of 10 bytes".to_owned();
    assert_eq!(events[3..], [StreamSpillEvent::Failed(limit)]);
    bench.disk.fail_at(0);
    bench.spill.request(1, 0, 3);
    let expected = "Failed to read a file for the replication stream in /srv: made to fail";
    assert_eq!(bench.run(), [StreamSpillEvent::Failed(expected.to_owned())]);
}

#[test]
fn a_disk_that_does_not_keep_up_is_told_once() {
    let mut bench = Bench::new(1 << 40, u64::MAX);
    let block = Bytes::from(vec![b'x'; 1 << 20]);
    let write = |bench: &mut Bench| bench.spill.write(bench.spill.end(), block.clone());
    (0..96).for_each(|_| write(&mut bench));
    assert_eq!(bench.events(), []);
    write(&mut bench);
    let waiting_bytes = 97 << 20;
    let why = format!("{waiting_bytes} bytes wait to be written: the disk does not keep up");
    assert_eq!(bench.events(), [StreamSpillEvent::Failed(why)]);
    write(&mut bench);
    assert_eq!(bench.events(), []);
}

/// What the owner of a stream does.
#[derive(Clone, Debug)]
enum Action {
    Write(Vec<u8>),
    /// From a point in thousandths of what is there.
    Request(u64, usize),
    Forget(u64),
    Step,
}

fn action() -> impl Strategy<Value = Action> {
    prop_oneof![
        3 => prop::collection::vec(any::<u8>(), 1..40).prop_map(Action::Write),
        4 => (0..1000_u64, 1..60_usize).prop_map(|(at, len)| Action::Request(at, len)),
        1 => (0..300_u64).prop_map(Action::Forget),
        4 => Just(Action::Step),
    ]
}

proptest! {
    #[test]
    fn what_is_read_is_what_was_written(actions in prop::collection::vec(action(), 1..200)) {
        let mut bench = Bench::new(50, u64::MAX);
        let base = 1_000_000;
        let (mut model, mut start, mut asked, mut answered) = (Vec::new(), 0_u64, 0, 0);
        let place = |start: u64, len: usize, at: u64| start + (len as u64 - start) * at / 1000;
        for action in actions.into_iter().chain(std::iter::repeat_n(Action::Step, 600)) {
            match action {
                Action::Write(bytes) => {
                    bench.spill.write(base + model.len() as u64, bytes.clone());
                    model.extend(bytes);
                }
                Action::Request(at, len) if start < model.len() as u64 => {
                    bench.spill.request(asked, base + place(start, model.len(), at), len);
                    asked += 1;
                }
                Action::Forget(at) => {
                    start = place(start, model.len(), at);
                    bench.spill.forget_before(base + start);
                }
                Action::Request(..) => {}
                Action::Step => {
                    bench.job.step();
                }
            }
            prop_assert_eq!(bench.spill.len_bytes(), model.len() as u64 - start);
            for event in bench.events() {
                match event {
                    StreamSpillEvent::Read { offset, bytes, .. } => {
                        let at = (offset - base) as usize;
                        prop_assert!(!bytes.is_empty());
                        prop_assert_eq!(&model[at..at + bytes.len()], &bytes[..]);
                        answered += 1;
                    }
                    StreamSpillEvent::Gone { offset, .. } => {
                        prop_assert!(offset < base + start);
                        answered += 1;
                    }
                    StreamSpillEvent::Written { up_to } => {
                        prop_assert!(up_to <= base + model.len() as u64);
                    }
                    StreamSpillEvent::Failed(why) => prop_assert!(false, "{}", why),
                }
            }
        }
        prop_assert_eq!(asked, answered);
        prop_assert_eq!(bench.spill.waiting_bytes(), 0);
        // A file holds some of what is wanted, and was begun when the one before was full.
        prop_assert!(bench.disk.open_nameless() as u64 <= (model.len() as u64 - start) / 50 + 2);
    }
}

#[test]
fn a_disk_that_is_busy_says_so_before_it_is_too_far_behind() {
    let mut bench = Bench::new(1 << 40, u64::MAX);
    let block = Bytes::from(vec![b'x'; 1 << 20]);
    for _ in 0..48 {
        assert!(bench.spill.has_room());
        bench.spill.write(bench.spill.end(), block.clone());
    }
    assert!(!bench.spill.has_room());
    let written = bench.run();
    assert_eq!(written.last(), Some(&StreamSpillEvent::Written { up_to: 48 << 20 }));
    assert!(bench.spill.has_room());
}
