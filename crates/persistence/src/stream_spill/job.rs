//! The job's end: writes blocks into segment files and reads from them.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;

use bytes::Bytes;

use super::{Block, Request, Shared, StreamSpillEvent, StreamSpillPlan};
use crate::disk::{Disk, DiskFile, error_text};
use crate::events::Events;
use crate::job::{Job, Signal, Step};

/// Writes and reads a spilled stream beside the command thread. Each step is one call to the disk or
/// two, readers and writer in turn.
#[must_use = "a job does nothing unless it is run"]
pub struct StreamSpillJob {
    plan: StreamSpillPlan,
    disk: Arc<dyn Disk>,
    shared: Arc<Shared>,
    events: Events<StreamSpillEvent>,
    segments: VecDeque<Segment>,
    /// A write has failed: there will be no other.
    has_failed: bool,
    /// The last step was a read.
    has_read: bool,
}

/// A file, and the part of the stream that is in it.
struct Segment {
    file: Box<dyn DiskFile>,
    offset: u64,
    len_bytes: u64,
}

impl Segment {
    const fn end(&self) -> u64 {
        self.offset + self.len_bytes
    }
}

/// What a step is to do.
enum Work {
    Read(Request),
    Write(Block),
    Nothing,
    End,
}

impl StreamSpillJob {
    pub(super) fn new(
        plan: StreamSpillPlan,
        disk: Arc<dyn Disk>,
        shared: Arc<Shared>,
        events: Events<StreamSpillEvent>,
    ) -> Self {
        let segments = VecDeque::new();
        Self { plan, disk, shared, events, segments, has_failed: false, has_read: false }
    }

    /// The next piece of work, and from where on the stream is wanted.
    fn next(&self) -> (Work, u64) {
        let mut state = self.shared.lock();
        let forgotten = state.forgotten;
        if state.is_closed {
            return (Work::End, forgotten);
        }
        // The block stays where readers find it until it is written.
        let block = state.waiting.front().filter(|_| !self.has_failed).cloned();
        let request = match block {
            Some(_) if self.has_read => None,
            _ => state.requests.pop_front(),
        };
        let work = match (request, block) {
            (Some(request), _) => Work::Read(request),
            (None, Some(block)) => Work::Write(block),
            (None, None) => Work::Nothing,
        };
        (work, forgotten)
    }

    /// Writes a block whole, and then lets its memory go.
    fn write(&mut self, block: &Block) {
        if let Err(why) = self.append(block) {
            self.has_failed = true;
            self.events.tell(StreamSpillEvent::Failed(why));
            return;
        }
        let mut state = self.shared.lock();
        if state.waiting.front().is_some_and(|front| front.offset == block.offset) {
            state.waiting.pop_front();
            state.waiting_bytes -= block.bytes.len();
        }
        drop(state);
        self.events.tell(StreamSpillEvent::Written { up_to: block.end() });
    }

    fn append(&mut self, block: &Block) -> Result<(), String> {
        let used_bytes: u64 = self.segments.iter().map(|segment| segment.len_bytes).sum();
        let bytes_max = self.plan.bytes_max;
        if used_bytes + block.bytes.len() as u64 > bytes_max {
            return Err(format!("the files have reached their limit of {bytes_max} bytes"));
        }
        let segment_bytes = self.plan.segment_bytes;
        // What was forgotten before it was written has left a gap.
        let goes_on = |last: &Segment| last.end() == block.offset && last.len_bytes < segment_bytes;
        if !self.segments.back().is_some_and(goes_on) {
            let file = self.disk.temporary(&self.plan.directory);
            let file = file.map_err(|error| self.failed("create", &error))?;
            self.segments.push_back(Segment { file, offset: block.offset, len_bytes: 0 });
        }
        let Some(last) = self.segments.back_mut() else { return Ok(()) };
        match last.file.write_all(&block.bytes) {
            Ok(()) => last.len_bytes += block.bytes.len() as u64,
            Err(error) => return Err(self.failed("write", &error)),
        }
        Ok(())
    }

    /// Answers a request.
    fn read(&mut self, request: Request) {
        let Request { reader, offset, len } = request;
        let event = match self.find(offset, len) {
            Ok(Some(bytes)) => StreamSpillEvent::Read { reader, offset, bytes },
            Ok(None) => StreamSpillEvent::Gone { reader, offset },
            Err(error) => StreamSpillEvent::Failed(self.failed("read", &error)),
        };
        self.events.tell(event);
    }

    fn find(&mut self, offset: u64, len: usize) -> io::Result<Option<Bytes>> {
        let at = self.segments.partition_point(|segment| segment.end() <= offset);
        let Some(segment) = self.segments.get_mut(at).filter(|segment| segment.offset <= offset)
        else {
            return Ok(None);
        };
        let left = usize::try_from(segment.end() - offset).unwrap_or(usize::MAX);
        let mut bytes = vec![0; len.min(left)];
        read_exact_at(&mut *segment.file, offset - segment.offset, &mut bytes)?;
        Ok(Some(bytes.into()))
    }

    fn failed(&self, doing: &str, error: &io::Error) -> String {
        let directory = self.plan.directory.display();
        let error = error_text(error);
        format!("Failed to {doing} a file for the replication stream in {directory}: {error}")
    }
}

fn read_exact_at(file: &mut dyn DiskFile, position: u64, buffer: &mut [u8]) -> io::Result<()> {
    let mut filled = 0;
    while filled < buffer.len() {
        match file.read_at(position + filled as u64, &mut buffer[filled..]) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

impl Job for StreamSpillJob {
    fn step(&mut self) -> Step {
        let (work, forgotten) = self.next();
        while self.segments.front().is_some_and(|segment| segment.end() <= forgotten) {
            self.segments.pop_front();
        }
        self.has_read = matches!(work, Work::Read(_));
        match work {
            Work::Read(request) => self.read(request),
            Work::Write(block) => self.write(&block),
            Work::Nothing => return Step::Idle,
            Work::End => {
                self.segments.clear();
                return Step::Done;
            }
        }
        Step::Working
    }

    fn signal(&self) -> Arc<Signal> {
        Arc::clone(&self.shared.signal)
    }
}
