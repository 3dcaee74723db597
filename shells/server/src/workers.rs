//! Threads that run jobs.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use dunlin_persistence::{Backend, Disk, Job, JobRole, Signal, Step};
use dunlin_reactor::Waker;

use crate::disk::MachineDisk;
use crate::memory::{Allocator, HelperShares};

/// How long an idle job sleeps at most before it looks for work by itself.
const IDLE_MAX: Duration = Duration::from_secs(1);

/// How much a background job leaves the processor to others, on the scale of nice(1).
const BACKGROUND_NICENESS: i32 = 10;

/// A sync that usually takes no longer, in microseconds, is done by the command thread. Handing it
/// over costs two changes of threads, some 50 to 100 microseconds on a busy processor; what can run
/// beside a longer sync is worth more than that.
const SHORT_SYNC_US: u64 = 1000;

/// Runs each job on a thread of its own.
pub(crate) struct Workers {
    waker: Waker,
    allocator: &'static dyn Allocator,
    shares: HelperShares,
    /// Raised whenever a job has told something.
    told: Arc<Signal>,
}

impl Workers {
    pub(crate) fn new(
        waker: Waker,
        allocator: &'static dyn Allocator,
        shares: HelperShares,
    ) -> Self {
        Self { waker, allocator, shares, told: Arc::default() }
    }
}

impl Backend for Workers {
    fn disk(&self) -> Arc<dyn Disk> {
        Arc::new(MachineDisk)
    }

    fn spawn(&mut self, role: JobRole, mut job: Box<dyn Job>) -> io::Result<()> {
        let (allocator, share) = (self.allocator, self.shares.join());
        let run = move || {
            if role.is_background() {
                // On Linux this is about the calling thread alone. Refused, it runs as the others do.
                let _ = rustix::process::setpriority_process(None, BACKGROUND_NICENESS);
            }
            let signal = job.signal();
            loop {
                match job.step() {
                    Step::Working => share.publish(allocator),
                    Step::Idle => {
                        share.publish(allocator);
                        signal.wait(IDLE_MAX);
                    }
                    Step::Done => break,
                }
            }
            drop(job);
            share.publish(allocator);
        };
        std::thread::Builder::new().name(role.name().to_owned()).spawn(run).map(drop)
    }

    fn lets_jobs_wait(&self) -> bool {
        true
    }

    fn wait(&mut self) {
        self.told.wait(IDLE_MAX);
    }

    fn syncs_here(&mut self, usual_us: Option<u64>) -> bool {
        usual_us.is_some_and(|usual_us| usual_us <= SHORT_SYNC_US)
    }

    fn sleep(&mut self, duration: Duration) {
        std::thread::sleep(duration);
    }

    fn waker(&self) -> Arc<dyn Fn() + Send + Sync> {
        let (waker, told) = (self.waker.clone(), Arc::clone(&self.told));
        Arc::new(move || {
            told.raise();
            waker.wake();
        })
    }

    fn process_id(&self) -> u32 {
        std::process::id()
    }
}
