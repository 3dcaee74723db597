//! What is said while slots move: in the order of the plan, whatever ends first.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use dunlin_manager::{MoveResult, Party};

use super::members::{Members, replied_with_error};
use super::mover::{Done, Event, Job, Telling, line};
use super::progress::Progress;
use super::{Failed, Manager, Outcome, json};

/// The bar is drawn at least this often.
const DRAW_EVERY: Duration = Duration::from_millis(200);

/// Says what pairs tell, in the order of the plan.
pub(super) struct Teller<'a, 'b> {
    manager: &'a Manager<'b>,
    members: &'a Members,
    jobs: &'a [Job],
    telling: Telling,
    stop: &'a AtomicBool,
    progress: Progress,
    /// The job whose lines appear at once.
    current: usize,
    /// What the others have to say.
    kept: Vec<Vec<Done>>,
    has_ended: Vec<bool>,
    done: usize,
    failures: Vec<Failure>,
}

/// A slot that has not moved.
struct Failure {
    job: usize,
    slot: u16,
    party: Party,
    text: String,
    /// Notes have told it.
    is_told: bool,
}

impl<'a, 'b> Teller<'a, 'b> {
    pub(super) fn new(
        manager: &'a Manager<'b>,
        members: &'a Members,
        jobs: &'a [Job],
        telling: Telling,
        stop: &'a AtomicBool,
    ) -> Self {
        let slots = jobs.iter().map(|job| job.slots.len()).sum();
        Self {
            manager,
            members,
            jobs,
            telling,
            stop,
            progress: Progress::new(slots),
            current: 0,
            kept: jobs.iter().map(|_| Vec::new()).collect(),
            has_ended: vec![false; jobs.len()],
            done: 0,
            failures: Vec::new(),
        }
    }

    pub(super) fn run(mut self, arrived: &Receiver<Event>) -> Outcome {
        self.begin();
        loop {
            match arrived.recv_timeout(DRAW_EVERY) {
                Ok(Event::Keys(keys)) => self.progress.moved(keys),
                Ok(Event::End(job)) => {
                    self.has_ended[job] = true;
                    self.go_on();
                }
                Ok(Event::Slot(job, done)) => {
                    self.count(job, &done);
                    match job == self.current {
                        true => self.tell(&done),
                        false => self.kept[job].push(done),
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            self.progress.draw();
        }
        self.progress.clear();
        self.end()
    }

    fn count(&mut self, job: usize, done: &Done) {
        match &done.result {
            MoveResult::Done => {
                self.progress.slot_done();
                self.done += 1;
            }
            MoveResult::Failed { party, text, is_told } => self.failures.push(Failure {
                job,
                slot: done.slot,
                party: *party,
                text: text.clone(),
                is_told: *is_told,
            }),
        }
    }

    /// The line of a pair.
    fn begin(&mut self) {
        let Some(job) = self.jobs.get(self.current) else { return };
        if self.telling == Telling::Marks {
            let (source, target) =
                (self.members.address(job.source), self.members.address(job.target));
            self.progress.clear();
            let count = job.slots.len();
            self.manager.console.plain(&format!("Moving {count} slots from {source} to {target}"));
        }
    }

    /// When the current job has ended, the next one speaks.
    fn go_on(&mut self) {
        while self.has_ended.get(self.current) == Some(&true) {
            if self.telling == Telling::Marks {
                self.progress.clear();
                self.manager.console.write("\n");
            }
            self.current += 1;
            // A job that was never begun has nothing to say.
            if self.stop.load(Ordering::Relaxed)
                && self.kept.get(self.current).is_none_or(Vec::is_empty)
            {
                continue;
            }
            self.begin();
            for done in self.kept.get_mut(self.current).map(std::mem::take).unwrap_or_default() {
                self.tell(&done);
            }
        }
    }

    /// Says that a slot of the current job has moved.
    fn tell(&mut self, done: &Done) {
        let console = &self.manager.console;
        self.progress.clear();
        match self.telling {
            Telling::Lines => {
                let job = &self.jobs[self.current];
                line(self.manager, self.members, (job.source, job.target), done);
            }
            Telling::Marks => {
                for (_, note) in &done.notes {
                    console.say(note.tone, &note.text);
                }
                if done.result == MoveResult::Done {
                    console.write("#");
                }
            }
        }
    }

    /// What is left to say when all has ended.
    fn end(self) -> Outcome {
        let console = &self.manager.console;
        for Failure { job, party, text, is_told, .. } in &self.failures {
            if console.is_trib() {
                console.error(&format!("[ERR] Calling MIGRATE: {text}"));
                continue;
            }
            let job = &self.jobs[*job];
            let node = if *party == Party::Target { job.target } else { job.source };
            if !is_told {
                replied_with_error(self.manager, &self.members.address(node), text);
            }
            match self.telling {
                Telling::Lines if *is_told => {}
                Telling::Lines => console.error(&format!("clusterManagerMoveSlot failed: {text}")),
                Telling::Marks => console.error(&format!("*** clusterManagerMoveSlot: {text}")),
            }
        }
        let total: usize = self.jobs.iter().map(|job| job.slots.len()).sum();
        console.json(|| json::moves(self.members, self.jobs, self.done));
        if self.done == total && !self.stop.load(Ordering::Relaxed) {
            return Ok(());
        }
        self.explain(total);
        if self.done == total { Ok(()) } else { Err(Failed) }
    }

    /// How far it came, and what is to be done.
    fn explain(&self, total: usize) {
        let console = &self.manager.console;
        console.aside(&format!("*** Stopped: {} of {total} slots have moved.", self.done));
        let open: Vec<String> =
            self.failures.iter().map(|failure| failure.slot.to_string()).collect();
        if open.is_empty() {
            return console.aside("*** No slot is left open.");
        }
        let (address, slots) = (self.members.address(0), open.join(", "));
        let fix = match console.is_trib() {
            true => format!("redis-trib.rb fix {address}"),
            false => format!("redis-cli --cluster fix {address}"),
        };
        console.aside(&format!(
            "*** These slots may be open, with keys on both nodes and none lost: {slots}. Mend them \
             with: {fix}"
        ));
    }
}
