//! What waits for the job.

use std::collections::VecDeque;
use std::path::PathBuf;

use dunlin_aof::BaseForm;

use super::rewrite::Incremental;
use crate::snapshot::ReplicationAux;

/// The most bytes that are written with one call: a slow disk then answers other requests in
/// between, and what was written is freed.
const WRITE_BYTES_MAX: usize = 4 << 20;

pub(super) enum Request {
    /// Bytes, and the offset of their end.
    Write(Vec<u8>, u64),
    Sync,
    Begin(Incremental),
    Commit {
        temporary_base: PathBuf,
        form: BaseForm,
        removes_history: bool,
    },
    RemoveHistory,
    Abort,
    /// With the position that the file is to end with.
    Close(Option<ReplicationAux>),
}

/// Requests in order. Writes that follow each other are one, and so are syncs: what is behind a
/// sync that has not begun is covered by it as well.
#[derive(Default)]
pub(super) struct Queue {
    requests: VecDeque<Request>,
    bytes: usize,
}

impl Queue {
    pub(super) fn is_empty(&self) -> bool {
        self.requests.is_empty()
    }

    /// Bytes that wait to be written.
    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn write(&mut self, bytes: &[u8], end: u64) {
        self.bytes += bytes.len();
        // A sync that waits at the end takes these bytes along.
        let is_sync = matches!(self.requests.back(), Some(Request::Sync));
        let place = self.requests.len() - usize::from(is_sync);
        let last = place.checked_sub(1).and_then(|last| self.requests.get_mut(last));
        if let Some(Request::Write(waiting, waiting_end)) = last
            && waiting.len() + bytes.len() <= WRITE_BYTES_MAX
        {
            waiting.extend_from_slice(bytes);
            *waiting_end = end;
        } else {
            self.requests.insert(place, Request::Write(bytes.to_vec(), end));
        }
    }

    pub(super) fn sync(&mut self) {
        if !matches!(self.requests.back(), Some(Request::Sync)) {
            self.requests.push_back(Request::Sync);
        }
    }

    pub(super) fn push(&mut self, request: Request) {
        self.requests.push_back(request);
    }

    /// What was not written after all; it is the first again.
    pub(super) fn put_back(&mut self, bytes: Vec<u8>, end: u64) {
        self.bytes += bytes.len();
        self.requests.push_front(Request::Write(bytes, end));
    }

    pub(super) fn pop(&mut self) -> Option<Request> {
        let request = self.requests.pop_front();
        if let Some(Request::Write(bytes, _)) = &request {
            self.bytes -= bytes.len();
        }
        request
    }

    /// Whether a sync is the next request.
    pub(super) fn sync_is_next(&self) -> bool {
        matches!(self.requests.front(), Some(Request::Sync))
    }

    /// Forgets writes and syncs; the offset of the end of what is forgotten.
    pub(super) fn drop_writes(&mut self) {
        self.requests.retain(|request| !matches!(request, Request::Write(..) | Request::Sync));
        self.bytes = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The requests of a queue in letters.
    fn show(queue: &mut Queue) -> Vec<String> {
        let mut shown = Vec::new();
        while let Some(request) = queue.pop() {
            shown.push(match request {
                Request::Write(bytes, end) => {
                    format!("write {} to {end}", String::from_utf8_lossy(&bytes))
                }
                Request::Sync => "sync".to_owned(),
                _ => "other".to_owned(),
            });
        }
        shown
    }

    #[test]
    fn turns_that_wait_become_one_write_and_one_sync() {
        let mut queue = Queue::default();
        for (bytes, end) in [("a", 1), ("b", 2), ("c", 3)] {
            queue.write(bytes.as_bytes(), end);
            queue.sync();
        }
        assert_eq!(queue.bytes(), 3);
        queue.push(Request::Begin(Incremental::Listed));
        queue.write(b"d", 4);
        queue.sync();
        assert_eq!(show(&mut queue), ["write abc to 3", "sync", "other", "write d to 4", "sync"]);
        assert_eq!(queue.bytes(), 0);
    }

    #[test]
    fn a_sync_alone_takes_later_bytes_along() {
        let mut queue = Queue::default();
        queue.sync();
        queue.write(b"a", 1);
        queue.put_back(b"z".to_vec(), 0);
        assert_eq!(show(&mut queue), ["write z to 0", "write a to 1", "sync"]);
    }

    #[test]
    fn writes_are_of_bounded_size() {
        let mut queue = Queue::default();
        queue.write(&vec![0; WRITE_BYTES_MAX - 1], 1);
        queue.write(b"ab", 2);
        queue.write(b"cd", 3);
        assert_eq!(queue.requests.len(), 2);
    }
}
