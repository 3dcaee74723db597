//! Load: connections that are kept busy.
//!
//! Each worker is a thread (or the only one) with an event loop and its share of the connections.
//! What they share are counters: a batch is sent only if not all requests have been issued, and who
//! counts the last reply ends the test for all ([`shared`]). A batch is the pipeline's bytes, so a
//! connection takes one write and one read for it; nothing is allocated meanwhile.

mod client;
mod progress;
mod shared;
mod stream;
mod worker;

use std::panic::resume_unwind;
use std::sync::{Barrier, OnceLock};
use std::time::{Duration, Instant};

pub(crate) use progress::Progress;
use shared::Shared;
use worker::Worker;

use crate::cluster::Cluster;
use crate::connection::{Peer, authentication};
use crate::failure::Failure;
use crate::latency::Latencies;
use crate::options::{Load, Options, Target};
use crate::request::Pipeline;
use crate::suite;

/// Who is loaded.
#[derive(Debug)]
pub(crate) enum Targets {
    Server(Peer),
    Cluster(Cluster),
}

impl Targets {
    /// What stands in the keys of the tests.
    pub(crate) fn tag(&self) -> &'static str {
        match self {
            Self::Server(_) => "",
            Self::Cluster(_) => ":{tag}",
        }
    }

    pub(crate) fn cluster(&self) -> Option<&Cluster> {
        match self {
            Self::Server(_) => None,
            Self::Cluster(cluster) => Some(cluster),
        }
    }
}

/// What all tests of a run have in common.
#[derive(Debug)]
pub(crate) struct Plan {
    load: Load,
    target: Target,
    /// What a connection sends before its first batch, and how many replies that has.
    prefix: Vec<u8>,
    prefix_replies: usize,
}

impl Plan {
    pub(crate) fn new(options: &Options, targets: &Targets) -> Self {
        let target = options.target.clone();
        let mut prefix: Vec<Vec<u8>> = Vec::new();
        prefix.extend(authentication(&target).map(|words| suite::request(&words)));
        if options.load.is_tracking {
            prefix.push(suite::request(&["CLIENT", "TRACKING", "on"]));
        }
        // A cluster has one database.
        if target.db != 0 && targets.cluster().is_none() {
            prefix.push(suite::request(&["SELECT", &target.db.to_string()]));
        }
        if options.load.is_resp3 {
            prefix.push(suite::request(&["HELLO", "3"]));
        }
        let prefix_replies = prefix.len();
        Self { load: options.load.clone(), target, prefix: prefix.concat(), prefix_replies }
    }
}

/// What a test took.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// Replies; pipelines may make them a little more than was asked for.
    pub(crate) requests: u64,
    /// From the first request to the last reply.
    pub(crate) elapsed: Duration,
    pub(crate) latencies: Latencies,
}

impl Outcome {
    pub(crate) fn requests_per_second(&self) -> f64 {
        self.requests as f64 / self.elapsed.as_secs_f64()
    }
}

/// Runs a test.
///
/// # Errors
/// A connection that cannot be made or that breaks; a reply that is an error.
pub(crate) fn run(
    plan: &Plan,
    targets: &Targets,
    request: &[u8],
    progress: &mut Progress,
) -> Result<Outcome, Failure> {
    let load = &plan.load;
    let pipeline = Pipeline::new(request, load.depth, load.keyspace, targets.cluster().is_some());
    let (shared, workers) = workers(plan, targets, &pipeline)?;
    let (started, workers) = drive(&shared, workers, progress, Worker::run)?;
    let mut latencies = Latencies::new(load.digits);
    workers.iter().for_each(|worker| latencies.add(worker.latencies()));
    let ended = shared.ended().unwrap_or_else(Instant::now);
    let elapsed = ended.duration_since(started);
    Ok(Outcome { requests: shared.finished(), elapsed, latencies })
}

/// Opens the connections and waits until one of them fails.
///
/// # Errors
/// A connection that cannot be made or that breaks.
pub(crate) fn idle(plan: &Plan, targets: &Targets, progress: &mut Progress) -> Result<(), Failure> {
    let pipeline = Pipeline::new(b"", 1, None, false);
    let (shared, workers) = workers(plan, targets, &pipeline)?;
    drive(&shared, workers, progress, Worker::idle).map(|_| ())
}

/// The workers, one if there are no threads, without connections yet.
fn workers<'a>(
    plan: &'a Plan,
    targets: &'a Targets,
    pipeline: &Pipeline,
) -> Result<(Shared<'a>, Vec<Worker>), Failure> {
    let mut shared = Shared::new(plan, targets);
    let mut workers = Vec::new();
    for index in 0..plan.load.threads.max(1) {
        let worker = Worker::new(index, plan, targets, pipeline.clone())?;
        shared.add_waker(worker.waker()?);
        workers.push(worker);
    }
    Ok((shared, workers))
}

type Task = fn(&mut Worker, &Shared<'_>, Option<&mut Progress>) -> Result<(), Failure>;

/// Lets all workers connect, then, at the same moment, begin; says when that was, and hands them
/// back when all have ended.
fn drive(
    shared: &Shared<'_>,
    mut workers: Vec<Worker>,
    progress: &mut Progress,
    task: Task,
) -> Result<(Instant, Vec<Worker>), Failure> {
    if shared.plan.load.threads == 0 {
        workers[0].connect(shared)?;
        let started = Instant::now();
        progress.start(started);
        task(&mut workers[0], shared, Some(progress))?;
        return Ok((started, workers));
    }
    let started = in_threads(shared, &mut workers, progress, task)?;
    Ok((started, workers))
}

/// The same with a thread for each worker; the first one tells how it goes.
fn in_threads(
    shared: &Shared<'_>,
    workers: &mut [Worker],
    progress: &mut Progress,
    task: Task,
) -> Result<Instant, Failure> {
    let (barrier, started) = (Barrier::new(workers.len()), OnceLock::new());
    let mut progress = Some(progress);
    let start = |worker: &mut Worker, mut progress: Option<&mut Progress>| {
        let connected = worker.connect(shared).inspect_err(|_| shared.end());
        barrier.wait();
        let now = *started.get_or_init(Instant::now);
        if let Some(progress) = &mut progress {
            progress.start(now);
        }
        connected.and_then(|()| task(worker, shared, progress).inspect_err(|_| shared.end()))
    };
    let start = &start;
    let results: Vec<Result<(), Failure>> = std::thread::scope(|scope| {
        let threads: Vec<_> = workers
            .iter_mut()
            .map(|worker| {
                let progress = progress.take();
                scope.spawn(move || start(worker, progress))
            })
            .collect();
        let results = threads.into_iter().map(|thread| thread.join());
        results.map(|joined| joined.unwrap_or_else(|panic| resume_unwind(panic))).collect()
    });
    results.into_iter().collect::<Result<(), Failure>>()?;
    Ok(started.get().copied().unwrap_or_else(Instant::now))
}
