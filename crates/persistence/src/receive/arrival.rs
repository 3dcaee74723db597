//! How far a file is that is being received, between who writes it and who verifies it.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::job::Signal;
use crate::load::LoadError;

/// How long a reader waits at most before it looks by itself.
const WAIT_MAX: Duration = Duration::from_secs(1);

/// A file that is arriving.
pub(crate) struct Arrival {
    state: Mutex<State>,
    /// Whether the one that verifies may wait for the one that writes.
    lets_wait: bool,
    checker: Arc<Signal>,
    writer: Arc<Signal>,
}

#[derive(Default)]
struct State {
    stage: Stage,
    written_bytes: u64,
    verdict: Option<Result<(), LoadError>>,
}

/// What there is of the file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Stage {
    /// Nothing.
    #[default]
    Awaited,
    /// A part of it.
    Partial,
    /// All of it.
    Whole,
    /// It is given up.
    Aborted,
}

impl Arrival {
    /// A file that is not there yet; `writer` is raised when it was verified.
    pub(crate) fn new(lets_wait: bool, writer: Arc<Signal>) -> Self {
        Self { state: Mutex::default(), lets_wait, checker: Arc::default(), writer }
    }

    pub(super) const fn lets_wait(&self) -> bool {
        self.lets_wait
    }

    pub(super) fn checker_signal(&self) -> Arc<Signal> {
        Arc::clone(&self.checker)
    }

    /// What there is of the file.
    pub(super) fn stage(&self) -> Stage {
        self.lock().stage
    }

    /// The file is there, and so many bytes of it.
    pub(super) fn written(&self, written_bytes: u64) {
        self.go_on(|state| (state.stage, state.written_bytes) = (Stage::Partial, written_bytes));
    }

    /// All of the file is there.
    pub(super) fn finish(&self) {
        self.go_on(|state| state.stage = Stage::Whole);
    }

    /// Nobody wants the file any more.
    pub(super) fn abort(&self) {
        self.lock().stage = Stage::Aborted;
        self.checker.raise();
    }

    fn go_on(&self, change: impl FnOnce(&mut State)) {
        let mut state = self.lock();
        if state.stage != Stage::Aborted {
            change(&mut state);
        }
        drop(state);
        self.checker.raise();
    }

    /// How many bytes there are behind the first `read_bytes`; 0 at the end of the file.
    ///
    /// # Errors
    /// [`io::ErrorKind::WouldBlock`] while there are none yet, unless it lets wait;
    /// [`io::ErrorKind::ConnectionAborted`] when the file is given up.
    pub(super) fn readable(&self, read_bytes: u64) -> io::Result<usize> {
        loop {
            let state = self.lock();
            let more = state.written_bytes.saturating_sub(read_bytes);
            match state.stage {
                Stage::Aborted => return Err(io::ErrorKind::ConnectionAborted.into()),
                Stage::Whole => return Ok(usize::try_from(more).unwrap_or(usize::MAX)),
                _ if more > 0 => return Ok(usize::try_from(more).unwrap_or(usize::MAX)),
                Stage::Awaited | Stage::Partial => {}
            }
            drop(state);
            if !self.lets_wait {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            self.checker.wait(WAIT_MAX);
        }
    }

    /// The file is sound, or why it is not.
    pub(super) fn judge(&self, verdict: Result<(), LoadError>) {
        self.lock().verdict = Some(verdict);
        self.writer.raise();
    }

    /// The verdict, if there is one and it speaks against the file.
    pub(super) fn take_fault(&self) -> Option<LoadError> {
        match self.lock().verdict.take_if(|verdict| verdict.is_err()) {
            Some(Err(error)) => Some(error),
            _ => None,
        }
    }

    /// Whether the file was verified.
    pub(super) fn is_sound(&self) -> bool {
        matches!(self.lock().verdict, Some(Ok(())))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
