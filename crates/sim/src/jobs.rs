//! Work beside the command thread, stepped one piece at a time in an order that a seed decides.
//!
//! A job that is idle is stepped only after its signal was raised: whoever forgets to raise it
//! leaves the job asleep, as it would sleep on its thread. A call that the disk declares slow makes
//! its job wait in simulated time.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use dunlin_persistence::{Backend, Disk, Job, JobRole, Step};
use fastrand::Rng;

use crate::disk::SimDisk;

/// A job and where it is.
struct Running {
    role: JobRole,
    job: Box<dyn Job>,
    is_idle: bool,
    /// Simulated time before which it is not stepped.
    not_before: Duration,
}

impl Running {
    /// Whether it has something to do; hears its signal.
    fn is_ready(&mut self, now: Duration) -> bool {
        if self.not_before > now {
            return false;
        }
        if self.is_idle && self.job.signal().wait(Duration::ZERO) {
            self.is_idle = false;
        }
        !self.is_idle
    }
}

/// The jobs of one process.
#[derive(Default)]
pub struct Jobs {
    running: Vec<Running>,
    /// Roles for which the system refuses a thread.
    refused: Option<JobRole>,
}

impl Jobs {
    /// Takes a job; it runs when it is stepped.
    pub fn add(&mut self, role: JobRole, job: Box<dyn Job>) {
        self.running.push(Running { role, job, is_idle: false, not_before: Duration::ZERO });
    }

    /// Lets one job that is ready do a piece of work; which one, chance decides. `None` if none is
    /// ready.
    pub fn step(&mut self, disk: &SimDisk, now: Duration, random: &mut Rng) -> Option<JobRole> {
        let ready: Vec<usize> =
            (0..self.running.len()).filter(|&index| self.running[index].is_ready(now)).collect();
        let index = random.choice(ready)?;
        let running = &mut self.running[index];
        let role = running.role;
        let step = running.job.step();
        running.not_before = now + disk.take_delay();
        match step {
            Step::Working => {}
            Step::Idle => running.is_idle = true,
            Step::Done => drop(self.running.swap_remove(index)),
        }
        Some(role)
    }

    /// Lets each job that has something to do work once, however slow the disk is: somebody waits for
    /// them.
    pub fn step_all(&mut self, disk: &SimDisk) {
        for mut running in std::mem::take(&mut self.running) {
            let delay = std::mem::take(&mut running.not_before);
            if running.is_ready(Duration::ZERO) {
                let step = running.job.step();
                disk.take_delay();
                running.is_idle = step == Step::Idle;
                if step == Step::Done {
                    continue;
                }
            } else {
                running.not_before = delay;
            }
            self.running.push(running);
        }
    }

    /// When the next job that a slow call delays goes on.
    pub fn next_delayed(&self, now: Duration) -> Option<Duration> {
        self.running.iter().map(|running| running.not_before).filter(|&time| time > now).min()
    }

    /// Whether a job of this role runs.
    pub fn runs(&self, role: JobRole) -> bool {
        self.running.iter().any(|running| running.role == role)
    }

    /// Refuses to start jobs of this role from now on, for want of a thread.
    pub fn refuse(&mut self, role: Option<JobRole>) {
        self.refused = role;
    }

    /// Drops all jobs where they are, as the end of the process does.
    pub fn end(&mut self) {
        self.running.clear();
    }
}

/// Where the append-only file is synced while clients wait for it.
#[derive(Debug)]
pub enum SyncPlace {
    /// On the command thread, if it can.
    Here,
    /// In the job.
    Beside,
    /// Now here, now there.
    ByChance(Rng),
}

/// The persistence backend of one simulated process. Clones are the same process.
#[derive(Clone)]
pub struct SimBackend {
    disk: SimDisk,
    jobs: Arc<Mutex<Jobs>>,
    woken: Arc<AtomicBool>,
    process_id: u32,
    sync_place: Arc<Mutex<SyncPlace>>,
}

impl SimBackend {
    /// A process over this disk.
    pub fn new(disk: SimDisk, process_id: u32) -> SimBackend {
        let sync_place = Arc::new(Mutex::new(SyncPlace::Beside));
        SimBackend { disk, jobs: Arc::default(), woken: Arc::default(), process_id, sync_place }
    }

    /// From now on the append-only file is synced there.
    pub fn sync_at(&self, place: SyncPlace) {
        *self.sync_place.lock().unwrap_or_else(PoisonError::into_inner) = place;
    }

    /// The disk of the process.
    pub fn sim_disk(&self) -> &SimDisk {
        &self.disk
    }

    /// Whether a job has told something since the last time this was asked.
    pub fn take_woken(&self) -> bool {
        self.woken.swap(false, Ordering::Relaxed)
    }

    /// Its jobs.
    pub fn jobs(&self) -> MutexGuard<'_, Jobs> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Backend for SimBackend {
    fn disk(&self) -> Arc<dyn Disk> {
        Arc::new(self.disk.clone())
    }

    fn spawn(&mut self, role: JobRole, job: Box<dyn Job>) -> io::Result<()> {
        let mut jobs = self.jobs();
        if jobs.refused == Some(role) {
            return Err(io::Error::from_raw_os_error(libc::EAGAIN));
        }
        jobs.add(role, job);
        Ok(())
    }

    fn wait(&mut self) {
        let disk = self.disk.clone();
        self.jobs().step_all(&disk);
    }

    fn syncs_here(&mut self, _: Option<u64>) -> bool {
        match &mut *self.sync_place.lock().unwrap_or_else(PoisonError::into_inner) {
            SyncPlace::Here => true,
            SyncPlace::Beside => false,
            SyncPlace::ByChance(random) => random.bool(),
        }
    }

    fn waker(&self) -> Arc<dyn Fn() + Send + Sync> {
        let woken = Arc::clone(&self.woken);
        Arc::new(move || woken.store(true, Ordering::Relaxed))
    }

    fn process_id(&self) -> u32 {
        self.process_id
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::{Call, Fault};
    use dunlin_persistence::{Events, Signal};
    use std::path::Path;

    /// Writes a byte for each piece of work it finds.
    struct Writer {
        disk: SimDisk,
        work: Events<u8>,
        signal: Arc<Signal>,
    }

    impl Job for Writer {
        fn step(&mut self) -> Step {
            let Some(byte) = self.work.next() else { return Step::Idle };
            if byte == 0 {
                return Step::Done;
            }
            let mut file = self.disk.append(Path::new("log")).expect("no faults");
            file.write_all(&[byte]).expect("no faults");
            Step::Working
        }

        fn signal(&self) -> Arc<Signal> {
            Arc::clone(&self.signal)
        }
    }

    struct Fixture {
        disk: SimDisk,
        backend: SimBackend,
        work: Events<u8>,
        signal: Arc<Signal>,
        random: Rng,
    }

    impl Fixture {
        fn new() -> Fixture {
            let disk = SimDisk::new(1);
            let mut backend = SimBackend::new(disk.clone(), 1);
            let (work, signal) = (Events::new(backend.waker()), Arc::new(Signal::default()));
            let job = Writer { disk: disk.clone(), work: work.clone(), signal: signal.clone() };
            backend.spawn(JobRole::Append, Box::new(job)).expect("taken");
            Fixture { disk, backend, work, signal, random: Rng::with_seed(1) }
        }

        /// Steps until nothing is ready.
        fn run(&mut self, now_s: u64) -> usize {
            let now = Duration::from_secs(now_s);
            let mut jobs = self.backend.jobs();
            std::iter::from_fn(|| jobs.step(&self.disk, now, &mut self.random)).count()
        }
    }

    #[test]
    fn an_idle_job_sleeps_until_its_signal() {
        let mut fixture = Fixture::new();
        fixture.work.tell(b'a');
        assert_eq!(fixture.run(0), 2, "a byte and nothing");
        fixture.work.tell(b'b');
        assert_eq!(fixture.run(0), 0, "nobody woke it");
        fixture.signal.raise();
        assert_eq!(fixture.run(0), 2);
        fixture.work.tell(0);
        fixture.signal.raise();
        assert_eq!(fixture.run(0), 1);
        assert!(!fixture.backend.jobs().runs(JobRole::Append));
        assert_eq!(fixture.disk.content("log").expect("written"), b"ab");
    }

    #[test]
    fn a_slow_call_delays_its_job() {
        let mut fixture = Fixture::new();
        fixture.disk.fail(Call::Write, "log", 0, 1, Fault::Slow(Duration::from_secs(5)));
        fixture.work.tell(b'a');
        assert_eq!(fixture.run(10), 1);
        let next = fixture.backend.jobs().next_delayed(Duration::from_secs(10));
        assert_eq!(next, Some(Duration::from_secs(15)));
        assert_eq!(fixture.run(14), 0);
        assert_eq!(fixture.run(15), 1);
    }

    #[test]
    fn a_thread_can_be_refused() {
        let fixture = Fixture::new();
        fixture.backend.jobs().refuse(Some(JobRole::Snapshot));
        let job = || {
            let (disk, work) = (fixture.disk.clone(), fixture.work.clone());
            Box::new(Writer { disk, work, signal: fixture.signal.clone() })
        };
        assert!(fixture.backend.clone().spawn(JobRole::Snapshot, job()).is_err());
        assert!(fixture.backend.clone().spawn(JobRole::Load, job()).is_ok());
    }
}
