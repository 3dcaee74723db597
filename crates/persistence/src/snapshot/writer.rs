//! Compresses what was encoded, writes it to every target and makes it last.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use dunlin_stdx::lzf::Compressor;

use super::detour::DetourPlace;
use super::error::{Operation, reason};
use super::form::Form;
use super::queue::{ChunkQueue, GivenUp, QueueFigures, Taken};
use super::sink::{Poured, Sink};
use super::spill::SpillFile;
use crate::events::Events;
use crate::job::{Job, Signal, Step};

/// Bytes of the spill file that are copied in one step.
const COPY_BYTES: usize = 256 << 10;

/// Memory beyond which a block is not used again: it held a large value.
const KEPT_BYTES_MAX: usize = 1 << 20;

/// What became of a snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SnapshotEvent {
    /// It is complete, at least for one target.
    Finished(SnapshotReport),
    /// It could not be completed, for this reason; nothing of it is left.
    Failed(String),
    /// It was cancelled; nothing of it is left.
    Cancelled,
}

/// A snapshot that was completed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnapshotReport {
    /// What became of each target, in the order of the request.
    pub targets: Vec<TargetEnd>,
    /// How much waited on the way.
    pub figures: QueueFigures,
}

/// What became of a place that was to get a snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TargetEnd {
    /// It has all of it: so many bytes.
    Complete(u64),
    /// It is so slow that the others were not to wait for it: it gets the rest from a file of its own.
    Lagging,
    /// It could not be completed, for this reason.
    Failed(String),
    /// It is not wanted any more.
    Cancelled,
}

/// Writes a snapshot. It ends with exactly one [`SnapshotEvent`].
#[must_use = "a job does nothing unless it is run"]
pub struct SnapshotWriter {
    queue: Arc<ChunkQueue>,
    form: Form,
    compressor: Option<Compressor>,
    sinks: Vec<Sink>,
    place: DetourPlace,
    /// Finished records that the sinks are taking.
    block: Bytes,
    phase: Phase,
    /// Bytes of finished records, for those who watch.
    written_bytes: Arc<AtomicU64>,
    events: Events<SnapshotEvent>,
}

enum Phase {
    /// Nothing was written.
    New,
    /// Taking chunks from the queue.
    Records,
    /// Copying the spill file.
    Spilled(SpillFile),
    /// Records are complete; the footer goes out.
    Footer,
    /// Everything was taken; targets are completed.
    Finishing,
    /// The event was told; targets that were too slow for the others get the rest.
    Trailing,
    /// There is nothing to be done any more.
    Ended,
}

impl SnapshotWriter {
    pub(super) fn new(
        queue: Arc<ChunkQueue>,
        form: Form,
        (sinks, place): (Vec<Sink>, DetourPlace),
        written_bytes: Arc<AtomicU64>,
        events: Events<SnapshotEvent>,
    ) -> Self {
        Self {
            queue,
            compressor: form.compressor(),
            form,
            sinks,
            place,
            block: Bytes::new(),
            phase: Phase::New,
            written_bytes,
            events,
        }
    }

    fn begin(&mut self) -> Phase {
        self.sinks.iter_mut().for_each(Sink::begin);
        Phase::Records
    }

    /// The memory of the block before, if nobody holds it any more, for the next one.
    fn reclaim(&mut self) -> Vec<u8> {
        match std::mem::take(&mut self.block).try_into_mut() {
            Ok(mut memory) if memory.capacity() <= KEPT_BYTES_MAX => {
                memory.clear();
                memory.into()
            }
            _ => Vec::new(),
        }
    }

    /// The block is complete: sums it up, so that the sinks may take it.
    fn begin_block(&mut self, block: Vec<u8>) {
        self.block = block.into();
        self.written_bytes.fetch_add(self.block.len() as u64, Ordering::Relaxed);
        for sink in self.sinks.iter_mut().filter(|sink| sink.is_open()) {
            sink.begin_block(&self.block);
        }
    }

    /// Hands the block to whoever takes it.
    fn pour(&mut self) -> Poured {
        let mut all = Poured::default();
        for sink in self.sinks.iter_mut().filter(|sink| sink.is_open()) {
            let poured = sink.pour(&self.block, &self.place);
            all.is_behind |= poured.is_behind;
            all.has_more |= poured.has_more;
        }
        all
    }

    /// What comes next, when everything so far was taken; `None` to wait for the signal.
    fn next(&mut self) -> Option<Phase> {
        match self.queue.take() {
            Taken::Chunk(chunk) => {
                let mut block = self.reclaim();
                chunk.finish_into(&mut block, self.compressor.as_mut());
                self.queue.recycle(chunk);
                self.begin_block(block);
                Some(Phase::Records)
            }
            Taken::Spilled(file) => Some(Phase::Spilled(file)),
            Taken::End => Some(self.footer()),
            // What is given up is seen at the next step.
            Taken::GivenUp => Some(Phase::Records),
            Taken::Nothing => None,
        }
    }

    fn copy_spilled(&mut self, mut file: SpillFile) -> Phase {
        let mut block = self.reclaim();
        match file.read(&mut block, COPY_BYTES) {
            Ok(()) if block.is_empty() => self.footer(),
            Ok(()) => {
                self.begin_block(block);
                Phase::Spilled(file)
            }
            Err(error) => self.spill_failed(&error),
        }
    }

    fn spill_failed(&self, error: &io::Error) -> Phase {
        let why = reason(Operation::ReadSpill, Path::new("the snapshot"), error);
        self.queue.give_up(GivenUp::Failed(why));
        Phase::Records
    }

    fn footer(&mut self) -> Phase {
        self.block = Bytes::new();
        for sink in self.sinks.iter_mut().filter(|sink| sink.is_open()) {
            sink.begin_footer(&self.form);
        }
        Phase::Footer
    }

    /// One step of completing each target; whether all are complete that nobody has to wait for.
    fn finish(&mut self) -> bool {
        let mut all_complete = true;
        let waited_for = |sink: &&mut Sink| sink.is_open() && !sink.is_detoured();
        for sink in self.sinks.iter_mut().filter(waited_for) {
            all_complete &= sink.finish();
        }
        all_complete
    }

    /// Serves those who lag behind; whether all are complete.
    fn trail(&mut self) -> Step {
        let mut all = Poured::default();
        for sink in self.sinks.iter_mut().filter(|sink| sink.is_open()) {
            let poured = sink.trail(&self.place);
            all.has_more |= poured.has_more;
        }
        if self.sinks.iter().any(Sink::is_open) {
            return if all.has_more { Step::Working } else { Step::Idle };
        }
        self.phase = Phase::Ended;
        Step::Done
    }

    /// Takes back what is not published yet; whether nothing is left to be done.
    fn give_up(&mut self, why: &GivenUp) -> bool {
        for sink in self.sinks.iter_mut().filter(|sink| sink.is_revocable()) {
            match why {
                GivenUp::Cancelled => sink.cancel(),
                GivenUp::Failed(why) => sink.fail(why.clone()),
            }
        }
        if self.sinks.iter().any(Sink::has_hope) {
            return false;
        }
        self.end(match why {
            GivenUp::Cancelled => SnapshotEvent::Cancelled,
            GivenUp::Failed(why) => SnapshotEvent::Failed(why.clone()),
        });
        true
    }

    /// Whether no target is left that could be completed; tells so.
    fn is_lost(&mut self) -> bool {
        if self.sinks.iter().any(Sink::has_hope) {
            return false;
        }
        let failure = self.sinks.iter().find_map(Sink::failure).cloned();
        let (why, event) = match failure {
            Some(why) => (GivenUp::Failed(why.clone()), SnapshotEvent::Failed(why)),
            None => (GivenUp::Cancelled, SnapshotEvent::Cancelled),
        };
        self.queue.give_up(why);
        self.end(event);
        true
    }

    fn report(&self) -> SnapshotReport {
        SnapshotReport {
            targets: self.sinks.iter().map(Sink::end).collect(),
            figures: self.queue.figures(),
        }
    }

    /// Everybody has everything, or lags behind on a detour.
    fn end_or_trail(&mut self) -> Step {
        let report = self.report();
        self.end(SnapshotEvent::Finished(report));
        if !self.sinks.iter().any(Sink::is_detoured) {
            return Step::Done;
        }
        self.phase = Phase::Trailing;
        self.block = Bytes::new();
        self.queue.forget_spare();
        Step::Working
    }

    fn end(&mut self, event: SnapshotEvent) {
        self.phase = Phase::Ended;
        self.events.tell(event);
    }
}

impl SnapshotWriter {
    /// Goes on, everything so far having been taken.
    fn advance(&mut self) -> Step {
        let next = match std::mem::replace(&mut self.phase, Phase::Records) {
            Phase::New => Some(self.begin()),
            Phase::Records => self.next(),
            Phase::Spilled(file) => Some(self.copy_spilled(file)),
            Phase::Footer => Some(Phase::Finishing),
            Phase::Finishing => {
                let is_complete = self.finish();
                if self.is_lost() {
                    return Step::Done;
                }
                if is_complete {
                    return self.end_or_trail();
                }
                Some(Phase::Finishing)
            }
            Phase::Trailing | Phase::Ended => unreachable!("seen before"),
        };
        match next {
            Some(phase) => {
                self.phase = phase;
                Step::Working
            }
            None => Step::Idle,
        }
    }
}

impl Job for SnapshotWriter {
    fn step(&mut self) -> Step {
        match self.phase {
            Phase::Ended => return Step::Done,
            Phase::Trailing => return self.trail(),
            _ => {}
        }
        if let Some(why) = self.queue.why_given_up()
            && self.give_up(&why)
        {
            return Step::Done;
        }
        let poured = self.pour();
        if self.is_lost() {
            return Step::Done;
        }
        match if poured.is_behind { Step::Idle } else { self.advance() } {
            Step::Idle if poured.has_more => Step::Working,
            step => step,
        }
    }

    fn signal(&self) -> Arc<Signal> {
        self.queue.writer_signal()
    }
}
