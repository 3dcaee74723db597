//! A backend for tests: jobs over a disk in memory, stepped by hand.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::backend::{Backend, JobRole};
use crate::disk::Disk;
use crate::job::{Job, Step};
use crate::memory_disk::MemoryDisk;

/// Runs nothing by itself. Clones are the same process.
#[derive(Clone, Default)]
pub(crate) struct HandBackend {
    pub(crate) disk: MemoryDisk,
    running: Arc<Mutex<Vec<Running>>>,
    woken: Arc<AtomicUsize>,
}

struct Running {
    job: Box<dyn Job>,
    is_idle: bool,
}

impl HandBackend {
    /// A process over a disk that others may have used before.
    pub(crate) fn over(disk: &MemoryDisk) -> Self {
        Self { disk: disk.clone(), ..Self::default() }
    }

    /// Steps a job that has something to do, the one that began last first; whether there was one.
    /// One that is idle has to be woken by its signal.
    pub(crate) fn step(&self) -> bool {
        let mut running = self.running();
        for index in (0..running.len()).rev() {
            let Running { job, is_idle } = &mut running[index];
            if *is_idle && !job.signal().wait(Duration::ZERO) {
                continue;
            }
            match job.step() {
                Step::Working => *is_idle = false,
                Step::Idle => *is_idle = true,
                Step::Done => drop(running.remove(index)),
            }
            return true;
        }
        false
    }

    /// Steps until nothing has anything to do.
    pub(crate) fn run(&self) {
        while self.step() {}
    }

    /// How many jobs have not ended.
    pub(crate) fn jobs(&self) -> usize {
        self.running().len()
    }

    /// How often the command thread was woken.
    pub(crate) fn woken(&self) -> usize {
        self.woken.load(Ordering::Relaxed)
    }

    fn running(&self) -> MutexGuard<'_, Vec<Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Backend for HandBackend {
    fn disk(&self) -> Arc<dyn Disk> {
        Arc::new(self.disk.clone())
    }

    fn spawn(&mut self, _: JobRole, job: Box<dyn Job>) -> io::Result<()> {
        self.running().push(Running { job, is_idle: false });
        Ok(())
    }

    fn wait(&mut self) {
        self.step();
    }

    fn waker(&self) -> Arc<dyn Fn() + Send + Sync> {
        let woken = Arc::clone(&self.woken);
        Arc::new(move || {
            woken.fetch_add(1, Ordering::Relaxed);
        })
    }

    fn process_id(&self) -> u32 {
        7
    }
}
