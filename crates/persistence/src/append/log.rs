//! The command thread's end of the log.
//!
//! While the job has nothing to do, the command thread writes itself: one `write` costs less than
//! waking a thread, and what was written survives the death of the process. While the job is at
//! work (it syncs, mostly), the bytes are queued for it. For the same reason it may sync itself
//! ([`AppendLog::sync_here`]). The lock between them is never held during a call of the system that
//! may wait, except for that one `write`.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use dunlin_aof::BaseForm;

use super::events::{AppendEvent, WriteFailure};
use super::files::AppendFiles;
use super::job::AppendJob;
use super::open_log::OpenLog;
use super::queue::{Queue, Request};
use super::rewrite::Incremental;
use crate::events::Events;
use crate::job::Signal;
use crate::snapshot::ReplicationAux;

/// What became of bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Appended {
    /// They are in the file.
    Written,
    /// They wait for the job.
    Queued,
    /// They could not be written, and wait for [`AppendLog::retry`].
    Failed(WriteFailure),
    /// No file is open (none yet, or no longer): they are gone.
    Dropped,
}

/// Between the two ends.
pub(super) struct Shared {
    pub(super) state: Mutex<State>,
    pub(super) signal: Arc<Signal>,
}

#[derive(Default)]
pub(super) struct State {
    /// The file that is appended to, unless the job has taken it for a call, or there is none.
    pub(super) log: Option<OpenLog>,
    pub(super) queue: Queue,
    /// The job carries out a request; it has taken the file if that matters.
    pub(super) is_busy: bool,
    /// The last write failed; the first request is what is left of it.
    pub(super) is_failing: bool,
    /// Offset of the end of what was written.
    pub(super) written: u64,
    /// Offset of the end of what was synced.
    pub(super) synced: u64,
    /// Length of the file that is appended to.
    pub(super) len_bytes: u64,
    pub(super) is_closed: bool,
}

impl Shared {
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The command thread's end of the log. Dropped, it closes the log.
pub struct AppendLog {
    shared: Arc<Shared>,
}

impl AppendLog {
    /// Both ends: this one and the job, which tells `events` what becomes of requests. `open` is
    /// what [`AppendFiles::start`] returned; without it a rewrite must begin before anything is
    /// appended. `offset` is where the caller's counting begins: all before it is synced.
    #[must_use]
    pub fn new(
        files: AppendFiles,
        open: Option<OpenLog>,
        offset: u64,
        events: Events<AppendEvent>,
    ) -> (Self, AppendJob) {
        let len_bytes = open.as_ref().map_or(0, OpenLog::len_bytes);
        let state =
            State { log: open, len_bytes, written: offset, synced: offset, ..State::default() };
        let shared = Arc::new(Shared { state: Mutex::new(state), signal: Arc::default() });
        let job = AppendJob::new(files, Arc::clone(&shared), events);
        (Self { shared }, job)
    }

    /// Appends `bytes`, written now if the job is idle; `end` is the offset of their end, in the
    /// caller's counting.
    pub fn write(&self, bytes: &[u8], end: u64) -> Appended {
        let mut state = self.shared.lock();
        let state = &mut *state;
        if !state.is_failing
            && state.queue.is_empty()
            && let Some(log) = &mut state.log
        {
            let written = log.append(bytes);
            state.len_bytes = log.len_bytes();
            return match written {
                Ok(()) => {
                    state.written = end;
                    Appended::Written
                }
                Err(short) => {
                    state.queue.put_back(bytes[short.kept..].to_vec(), end);
                    state.is_failing = true;
                    Appended::Failed(short.failure)
                }
            };
        }
        self.enqueue(state, bytes, end)
    }

    /// Appends `bytes` by way of the job, which syncs them: for `appendfsync always`, where the
    /// command thread goes on meanwhile.
    pub fn write_and_sync(&self, bytes: &[u8], end: u64) -> Appended {
        let mut state = self.shared.lock();
        let appended = self.enqueue(&mut state, bytes, end);
        if appended == Appended::Queued {
            state.queue.sync();
        }
        appended
    }

    fn enqueue(&self, state: &mut State, bytes: &[u8], end: u64) -> Appended {
        let is_open = state.log.is_some() || state.is_busy || !state.queue.is_empty();
        if state.is_closed || !is_open {
            return Appended::Dropped;
        }
        state.queue.write(bytes, end);
        if !state.is_failing {
            self.shared.signal.raise();
        }
        Appended::Queued
    }

    /// Asks for a sync of all that was appended. `false` if there is nothing to sync.
    pub fn sync(&self) -> bool {
        let mut state = self.shared.lock();
        let is_clean = state.log.as_ref().is_some_and(|log| !log.is_dirty());
        let is_open = state.log.is_some() || state.is_busy || !state.queue.is_empty();
        if !is_open || (is_clean && state.queue.is_empty() && !state.is_busy) {
            return false;
        }
        state.queue.sync();
        if !state.is_failing {
            self.shared.signal.raise();
        }
        true
    }

    /// Syncs all that was appended, now and on this thread, and returns the offset of its end; `None`
    /// if there is nothing to sync, or the job has something to do: then [`AppendLog::sync`] is the
    /// way.
    ///
    /// # Errors
    /// What the system said; as with [`AppendEvent::SyncFailed`], which is not told.
    pub fn sync_here(&self) -> Option<Result<u64, String>> {
        let mut state = self.shared.lock();
        let is_free = !state.is_busy && !state.is_failing && state.queue.is_empty();
        let mut log = state.log.take_if(|log| is_free && log.is_dirty())?;
        // Only this thread gives the job something to do: nobody misses the file meanwhile.
        drop(state);
        let synced = log.sync();
        let mut state = self.shared.lock();
        state.log = Some(log);
        Some(synced.map(|()| {
            state.synced = state.written;
            state.synced
        }))
    }

    /// Tries again to write what could not be written.
    pub fn retry(&self) {
        let mut state = self.shared.lock();
        if state.is_failing {
            state.is_failing = false;
            self.shared.signal.raise();
        }
    }

    /// Lets what is appended from now on go to a new file: the base that is being made ends here.
    /// With [`Incremental::Temporary`], bytes that could not be written are forgotten, because the
    /// base will hold what they did; if the rewrite cannot begin then, no file is open.
    pub fn begin_rewrite(&self, incremental: Incremental) {
        let mut state = self.shared.lock();
        if incremental == Incremental::Temporary && state.is_failing {
            state.queue.drop_writes();
            state.is_failing = false;
            // What would follow in it does not belong to what is in it.
            state.log = None;
        }
        self.push(&mut state, Request::Begin(incremental));
    }

    /// Puts a base in place that is whole and synced. Without `removes_history`
    /// (`aof-disable-auto-gc yes`) what it stands for is kept.
    pub fn commit_rewrite(&self, temporary_base: PathBuf, form: BaseForm, removes_history: bool) {
        let request = Request::Commit { temporary_base, form, removes_history };
        self.push(&mut self.shared.lock(), request);
    }

    /// Removes what was kept by rewrites without `removes_history`.
    pub fn remove_history(&self) {
        self.push(&mut self.shared.lock(), Request::RemoveHistory);
    }

    /// Gives up the rewrite that was begun. One that was [`Incremental::Temporary`] leaves no file
    /// open.
    pub fn abort_rewrite(&self) {
        self.push(&mut self.shared.lock(), Request::Abort);
    }

    /// Writes and syncs what was appended, then ends the job. What comes later is dropped.
    pub fn close(&self) {
        self.close_with(None);
    }

    /// As [`AppendLog::close`]; the file ends with where the stream of changes is, if everything that
    /// was appended lasts.
    pub fn close_at(&self, position: ReplicationAux) {
        self.close_with(Some(position));
    }

    fn close_with(&self, position: Option<ReplicationAux>) {
        let mut state = self.shared.lock();
        if !state.is_closed {
            state.is_closed = true;
            // A last attempt.
            state.is_failing = false;
            self.push(&mut state, Request::Close(position));
        }
    }

    fn push(&self, state: &mut State, request: Request) {
        state.queue.push(request);
        self.shared.signal.raise();
    }

    /// Whether the job has nothing to do and nothing waits.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        let state = self.shared.lock();
        !state.is_busy && state.queue.is_empty()
    }

    /// Whether the last write failed.
    #[must_use]
    pub fn is_failing(&self) -> bool {
        self.shared.lock().is_failing
    }

    /// Bytes that wait to be written (`aof_buffer_length`). There is no limit here: the caller
    /// stops running writes when there are too many.
    #[must_use]
    pub fn queued_bytes(&self) -> usize {
        self.shared.lock().queue.bytes()
    }

    /// Offset up to which everything is written.
    #[must_use]
    pub fn written(&self) -> u64 {
        self.shared.lock().written
    }

    /// Offset up to which everything is synced.
    #[must_use]
    pub fn synced(&self) -> u64 {
        self.shared.lock().synced
    }

    /// Length of the incremental file that is appended to.
    #[must_use]
    pub fn len_bytes(&self) -> u64 {
        self.shared.lock().len_bytes
    }
}

impl Drop for AppendLog {
    fn drop(&mut self) {
        self.close();
    }
}
