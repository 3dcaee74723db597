//! Compresses what was encoded, writes it to every target and makes it last.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use dunlin_stdx::lzf::Compressor;

use super::error::{Operation, reason};
use super::form::{Form, Sum};
use super::outlet::Outlet;
use super::queue::{ChunkQueue, GivenUp, QueueFigures, Taken};
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
    /// The event was told.
    Ended,
}

/// A target while it is written.
struct Sink {
    outlet: Box<dyn Outlet>,
    header: Vec<u8>,
    /// What goes out before the block, or instead of it: header and footer.
    own: Vec<u8>,
    own_taken: usize,
    block_taken: usize,
    sum: Sum,
    len_bytes: u64,
    state: SinkState,
}

enum SinkState {
    Open,
    Complete,
    Failed(String),
}

impl Sink {
    /// Hands over what the outlet takes; whether it took everything.
    fn pour(&mut self, block: &Bytes) -> Result<bool, String> {
        self.outlet.check()?;
        while self.own_taken < self.own.len() {
            match self.outlet.write(&self.own[self.own_taken..])? {
                0 => return Ok(false),
                count => self.own_taken += count,
            }
        }
        while self.block_taken < block.len() {
            match self.outlet.write_shared(block, self.block_taken)? {
                0 => return Ok(false),
                count => self.block_taken += count,
            }
        }
        Ok(true)
    }

    /// Bytes of its own are to go out next; the block has been taken.
    fn begin_own(&mut self, bytes: Vec<u8>) {
        self.len_bytes += bytes.len() as u64;
        (self.own, self.own_taken) = (bytes, 0);
    }

    fn is_open(&self) -> bool {
        matches!(self.state, SinkState::Open)
    }

    fn fail(&mut self, why: String) {
        self.outlet.abandon(&why);
        self.state = SinkState::Failed(why);
    }
}

impl SnapshotWriter {
    pub(super) fn new(
        queue: Arc<ChunkQueue>,
        form: Form,
        outlets: Vec<(Box<dyn Outlet>, Vec<u8>)>,
        written_bytes: Arc<AtomicU64>,
        events: Events<SnapshotEvent>,
    ) -> Self {
        let sink = |(mut outlet, header): (Box<dyn Outlet>, Vec<u8>)| {
            outlet.attach(queue.writer_signal());
            Sink {
                outlet,
                header,
                own: Vec::new(),
                own_taken: 0,
                block_taken: 0,
                sum: form.sum(),
                len_bytes: 0,
                state: SinkState::Open,
            }
        };
        let sinks = outlets.into_iter().map(sink).collect();
        let compressor = form.compressor();
        let block = Bytes::new();
        Self { queue, form, compressor, sinks, block, phase: Phase::New, written_bytes, events }
    }

    fn begin(&mut self) -> Phase {
        for sink in &mut self.sinks {
            let header = std::mem::take(&mut sink.header);
            sink.sum.update(&header);
            sink.begin_own(header);
        }
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
            sink.sum.update(&self.block);
            sink.block_taken = 0;
            sink.len_bytes += self.block.len() as u64;
        }
    }

    /// Hands the block to whoever takes it; whether all took everything.
    fn pour(&mut self) -> bool {
        let mut all_taken = true;
        for sink in self.sinks.iter_mut().filter(|sink| sink.is_open()) {
            match sink.pour(&self.block) {
                Ok(taken) => all_taken &= taken,
                Err(why) => sink.fail(why),
            }
        }
        all_taken
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
            Taken::Spilled(mut file) => Some(match file.rewind() {
                Ok(()) => Phase::Spilled(file),
                Err(error) => self.spill_failed(&error),
            }),
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
            let footer = self.form.footer(&mut sink.sum);
            sink.begin_own(footer);
            sink.block_taken = 0;
        }
        Phase::Footer
    }

    /// One step of completing each target; whether all are complete.
    fn finish(&mut self) -> bool {
        let mut all_complete = true;
        for sink in self.sinks.iter_mut().filter(|sink| sink.is_open()) {
            match sink.outlet.finish() {
                Ok(true) => sink.state = SinkState::Complete,
                Ok(false) => all_complete = false,
                Err(why) => sink.fail(why),
            }
        }
        all_complete
    }

    /// Takes back what is not published yet; whether nothing is left to be done.
    fn give_up(&mut self, why: &GivenUp) -> bool {
        let text = match why {
            GivenUp::Cancelled => "cancelled",
            GivenUp::Failed(why) => why,
        };
        let taken_back = |sink: &&mut Sink| sink.is_open() && !sink.outlet.is_published();
        self.sinks.iter_mut().filter(taken_back).for_each(|sink| sink.fail(text.to_owned()));
        let some_complete = self.sinks.iter().any(|s| !matches!(s.state, SinkState::Failed(_)));
        if some_complete {
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
        let mut failures = self.sinks.iter().map(|sink| match &sink.state {
            SinkState::Failed(why) => Some(why),
            SinkState::Open | SinkState::Complete => None,
        });
        let Some(Some(why)) = failures.next().map(|first| first.cloned()) else { return false };
        if !failures.all(|failure| failure.is_some()) {
            return false;
        }
        drop(failures);
        self.queue.give_up(GivenUp::Failed(why.clone()));
        self.end(SnapshotEvent::Failed(why));
        true
    }

    fn report(&self) -> SnapshotReport {
        let outcome = |sink: &Sink| match &sink.state {
            SinkState::Failed(why) => TargetEnd::Failed(why.clone()),
            SinkState::Open | SinkState::Complete => TargetEnd::Complete(sink.len_bytes),
        };
        SnapshotReport {
            targets: self.sinks.iter().map(outcome).collect(),
            figures: self.queue.figures(),
        }
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
                    let report = self.report();
                    self.end(SnapshotEvent::Finished(report));
                    return Step::Done;
                }
                Some(Phase::Finishing)
            }
            Phase::Ended => unreachable!("seen before"),
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
        if let Phase::Ended = self.phase {
            return Step::Done;
        }
        if let Some(why) = self.queue.why_given_up()
            && self.give_up(&why)
        {
            return Step::Done;
        }
        let all_taken = self.pour();
        if self.is_lost() {
            return Step::Done;
        }
        if all_taken { self.advance() } else { Step::Idle }
    }

    fn signal(&self) -> Arc<Signal> {
        self.queue.writer_signal()
    }
}
