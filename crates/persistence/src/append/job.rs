//! The job's end of the log: writes, syncs and rewrites, in the order of the requests.

use std::path::Path;
use std::sync::Arc;

use dunlin_aof::BaseForm;

use super::error::AppendError;
use super::events::AppendEvent;
use super::files::AppendFiles;
use super::log::Shared;
use super::open_log::OpenLog;
use super::queue::Request;
use super::rewrite::{Committed, Incremental};
use crate::events::Events;
use crate::job::{Job, Signal, Step};
use crate::snapshot::ReplicationAux;

/// Writes and syncs the log beside the command thread. Each step is one request.
pub struct AppendJob {
    files: AppendFiles,
    shared: Arc<Shared>,
    events: Events<AppendEvent>,
    /// Where the rewrite that has begun writes.
    rewrite: Option<Incremental>,
    /// Whether files wait to be removed.
    removes_history: bool,
    /// The rewrite that is told when they are.
    committed: Option<Committed>,
    /// Why the last bytes of a log that is being closed are not in it.
    lost: Option<String>,
    is_done: bool,
}

impl AppendJob {
    pub(super) fn new(
        files: AppendFiles,
        shared: Arc<Shared>,
        events: Events<AppendEvent>,
    ) -> Self {
        let mut job = Self {
            files,
            shared,
            events,
            rewrite: None,
            removes_history: false,
            committed: None,
            lost: None,
            is_done: false,
        };
        job.tell_log();
        job
    }

    fn tell_log(&mut self) {
        for line in self.files.take_log() {
            self.events.tell(AppendEvent::Log(line));
        }
    }

    fn put_log(&self, log: Option<OpenLog>) {
        let mut state = self.shared.lock();
        state.len_bytes = log.as_ref().map_or(0, OpenLog::len_bytes);
        state.log = log;
    }

    fn write(&mut self, log: Option<OpenLog>, bytes: Vec<u8>, end: u64) {
        // Without a file nobody waits for the bytes.
        let Some(mut log) = log else { return };
        let written = log.append(&bytes);
        let mut state = self.shared.lock();
        state.len_bytes = log.len_bytes();
        state.log = Some(log);
        let event = match written {
            Ok(()) => {
                state.written = end;
                if state.queue.sync_is_next() {
                    return;
                }
                AppendEvent::Written(end)
            }
            Err(short) => {
                if state.is_closed {
                    self.lost = Some(short.failure.error.clone());
                } else {
                    let mut rest = bytes;
                    rest.drain(..short.kept);
                    state.queue.put_back(rest, end);
                    state.is_failing = true;
                }
                AppendEvent::WriteFailed(short.failure)
            }
        };
        drop(state);
        self.events.tell(event);
    }

    /// Syncs a file and tells so; whether all that was written to it lasts.
    fn sync(&self, log: &mut OpenLog) -> bool {
        let synced = log.sync();
        let is_synced = synced.is_ok();
        let event = match synced {
            Ok(()) => {
                let mut state = self.shared.lock();
                state.synced = state.written;
                AppendEvent::Synced(state.synced)
            }
            Err(error) => AppendEvent::SyncFailed(error),
        };
        self.events.tell(event);
        is_synced
    }

    fn begin(&mut self, mut log: Option<OpenLog>, incremental: Incremental) {
        // The file before must last before the next one gets its first byte.
        let is_synced = match &mut log {
            Some(log) if log.sync_failed() => false,
            Some(log) if log.is_dirty() => self.sync(log),
            _ => true,
        };
        let begun = if !is_synced && incremental == Incremental::Listed {
            let text = "The AOF file could not be synced: what follows it would not belong to it";
            Err(AppendError::System(text.to_owned()))
        } else {
            self.files.begin_rewrite(incremental)
        };
        let event = match begun {
            Ok(next) => {
                log = next;
                self.rewrite = Some(incremental);
                AppendEvent::RewriteBegun(incremental)
            }
            Err(error) => AppendEvent::RewriteNotBegun(error),
        };
        self.put_log(log);
        self.tell_log();
        self.events.tell(event);
    }

    /// `log` is the file of a rewrite that is [`Incremental::Temporary`].
    /// Whether it is done.
    fn commit(&mut self, mut log: Option<OpenLog>, temporary_base: &Path, form: BaseForm) -> bool {
        let committed = match self.rewrite {
            None => Err(AppendError::System("No rewrite has begun".to_owned())),
            Some(_) if log.as_mut().is_some_and(|log| log.is_dirty() && !self.sync(log)) => {
                Err(AppendError::System("The AOF file could not be synced".to_owned()))
            }
            Some(incremental) => self.files.commit_rewrite(incremental, temporary_base, form),
        };
        let is_committed = committed.is_ok();
        if self.rewrite.take() == Some(Incremental::Temporary) {
            if !is_committed {
                self.files.abort_rewrite(Incremental::Temporary);
            }
            let log = log.filter(|_| is_committed);
            self.put_log(log.map(OpenLog::listed));
        }
        self.tell_log();
        match committed {
            Ok(committed) => self.committed = Some(committed),
            Err(error) => self.events.tell(AppendEvent::RewriteNotCommitted(error)),
        }
        is_committed
    }

    /// Removes a piece of what is no longer needed, between two requests; tells the rewrite when
    /// all is gone.
    fn clean_up(&mut self) {
        self.removes_history = self.removes_history && self.files.remove_history();
        if !self.removes_history
            && let Some(committed) = self.committed.take()
        {
            self.tell_log();
            self.events.tell(AppendEvent::RewriteCommitted(committed));
        }
    }

    fn abort(&mut self, log: Option<OpenLog>) {
        match self.rewrite.take() {
            Some(Incremental::Temporary) => {
                drop(log);
                self.put_log(None);
                self.files.abort_rewrite(Incremental::Temporary);
            }
            _ => self.put_log(log),
        }
        self.tell_log();
    }

    fn close(&mut self, log: Option<OpenLog>, position: Option<ReplicationAux>) {
        let mut closed = self.lost.take().map_or(Ok(()), Err);
        if let Some(mut log) = log {
            let synced = log.sync();
            if synced.is_ok() {
                let mut state = self.shared.lock();
                state.synced = state.written;
            }
            closed = closed.and(synced);
            if log.incremental() == Incremental::Temporary {
                self.files.abort_rewrite(Incremental::Temporary);
            } else if let (Ok(()), Some(position)) = (&closed, position) {
                self.end_at(&mut log, position);
            }
        }
        if let Some(committed) = self.committed.take() {
            self.events.tell(AppendEvent::RewriteCommitted(committed));
        }
        // Whoever hears of the end may open the log again at once.
        self.files.release();
        self.is_done = true;
        self.tell_log();
        self.events.tell(AppendEvent::Closed(closed));
    }

    /// What was appended lasts, whatever becomes of the line behind it.
    fn end_at(&mut self, log: &mut OpenLog, position: ReplicationAux) {
        if let Err(error) = log.end_at(position) {
            self.files.warn(format!(
                "The AOF file could not be ended with the position of the replication stream: \
                 {error}. Replicas will need a full synchronization after the next start."
            ));
        }
    }

    const fn has_to_clean_up(&self) -> bool {
        (self.removes_history || self.committed.is_some()) && !self.is_done
    }

    /// The next request, and the file, unless the command thread may go on writing to it meanwhile.
    fn next(&self) -> Option<(Request, Option<OpenLog>)> {
        let mut state = self.shared.lock();
        if state.is_failing {
            return None;
        }
        let request = state.queue.pop()?;
        state.is_busy = true;
        let leaves_log = match request {
            Request::Commit { .. } => self.rewrite != Some(Incremental::Temporary),
            Request::RemoveHistory => true,
            _ => false,
        };
        let log = if leaves_log { None } else { state.log.take() };
        Some((request, log))
    }
}

impl Job for AppendJob {
    fn step(&mut self) -> Step {
        if self.is_done {
            return Step::Done;
        }
        let Some((request, log)) = self.next() else {
            if !self.has_to_clean_up() {
                return Step::Idle;
            }
            self.clean_up();
            return Step::Working;
        };
        match request {
            Request::Write(bytes, end) => self.write(log, bytes, end),
            Request::Sync => {
                if let Some(mut log) = log {
                    self.sync(&mut log);
                    self.put_log(Some(log));
                }
            }
            Request::Begin(incremental) => self.begin(log, incremental),
            Request::Commit { temporary_base, form, removes_history } => {
                let is_committed = self.commit(log, &temporary_base, form);
                self.removes_history |= is_committed && removes_history;
            }
            Request::RemoveHistory => self.removes_history = true,
            Request::Abort => self.abort(log),
            Request::Close(position) => self.close(log, position),
        }
        self.shared.lock().is_busy = false;
        // Also where requests never cease.
        if self.has_to_clean_up() {
            self.clean_up();
        }
        if self.is_done { Step::Done } else { Step::Working }
    }

    fn signal(&self) -> Arc<Signal> {
        Arc::clone(&self.shared.signal)
    }
}
