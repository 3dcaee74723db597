//! A spilled stream on a disk that fails.

use std::time::Duration;

use dunlin_config::Config;
use dunlin_persistence::{Persistence, StreamSpill, StreamSpillEvent};
use dunlin_sim::{Call, Fault, SimBackend, SimDisk, seeds};
use fastrand::Rng;

use crate::NOW;

/// The stream as it was written.
struct Model {
    base: u64,
    bytes: Vec<u8>,
    start: u64,
}

impl Model {
    fn end(&self) -> u64 {
        self.base + self.bytes.len() as u64
    }

    /// Checks what came back; whether the disk has failed.
    fn check(&self, spill: &StreamSpill, seed: u64) -> bool {
        let mut has_failed = false;
        while let Some(event) = spill.next_event() {
            match event {
                StreamSpillEvent::Read { offset, bytes, .. } => {
                    let at = (offset - self.base) as usize;
                    assert!(!bytes.is_empty(), "seed {seed}");
                    assert_eq!(&self.bytes[at..at + bytes.len()], &bytes[..], "seed {seed}");
                }
                StreamSpillEvent::Gone { offset, .. } => assert!(offset < self.start),
                StreamSpillEvent::Written { up_to } => assert!(up_to <= self.end()),
                StreamSpillEvent::Failed(why) => {
                    assert!(why.contains(": "), "{why}");
                    has_failed = true;
                }
            }
        }
        has_failed
    }
}

#[test]
fn what_a_spilled_stream_gives_back_is_what_it_got() {
    seeds("a spilled stream", 200, |seed| {
        let mut random = Rng::with_seed(seed);
        let disk = SimDisk::new(seed);
        disk.fail_by_chance(Call::Write, 200_000, Fault::Short);
        disk.fail_by_chance(Call::Read, 200_000, Fault::Short);
        let fails = random.bool();
        if fails {
            disk.fail_by_chance(Call::Write, 10_000, Fault::ENOSPC);
            disk.fail_by_chance(Call::Create, 10_000, Fault::EIO);
        }
        let backend = SimBackend::new(disk.clone(), 1);
        let mut persistence = Persistence::new(Box::new(backend.clone()), NOW);
        let mut spill = persistence.open_stream_spill(&Config::default()).expect("a thread");
        let base = random.u64(..1 << 40);
        let mut model = Model { base, bytes: Vec::new(), start: base };
        let mut has_failed = false;
        for _ in 0..random.usize(..400) {
            match random.u8(..8) {
                0 | 1 => {
                    let block: Vec<u8> =
                        (0..random.usize(1..3000)).map(|_| random.u8(..)).collect();
                    spill.write(model.end(), block.clone());
                    model.bytes.extend(block);
                }
                2 | 3 if model.start < model.end() => {
                    let offset = random.u64(model.start..model.end());
                    spill.request(1, offset, random.usize(1..5000));
                }
                4 if random.u8(..4) == 0 => {
                    model.start = random.u64(model.start..=model.end());
                    spill.forget_before(model.start);
                }
                _ => {
                    backend.jobs().step(&disk, Duration::ZERO, &mut random);
                }
            }
            has_failed |= model.check(&spill, seed);
        }
        while backend.jobs().step(&disk, Duration::ZERO, &mut random).is_some() {}
        has_failed |= model.check(&spill, seed);
        assert!(fails || !has_failed, "seed {seed}");
        assert!(has_failed || spill.waiting_bytes() == 0, "seed {seed}");
        // Nothing of it is left, and nothing of it ever had a name.
        drop(spill);
        while backend.jobs().step(&disk, Duration::ZERO, &mut random).is_some() {}
        assert!(disk.paths().is_empty(), "seed {seed}");
    });
}
