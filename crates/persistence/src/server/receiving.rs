//! Taking a data set that a primary sends: into a file, or straight into a keyspace.
//!
//! | transfer | begun by | ends with |
//! |---|---|---|
//! | to a file | [`Persistence::begin_receive`] | [`Persistence::take_received`] |
//! | from that file | [`Persistence::begin_load_received`] | [`Loaded::Done`], [`Loaded::Failed`] |
//! | from the connection | the same, with [`ReceivedSource::Stream`] | the same |
//!
//! Bytes come by [`Persistence::receive`] while [`Persistence::receive_has_room`], their end by
//! [`Persistence::finish_receive`]. Either kind of transfer is given up by
//! [`Persistence::abort_receive`] and [`Persistence::abort_load`].

use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use dunlin_config::Config;
use dunlin_keyspace::{Expiry, Keyspace};
use dunlin_stdx::time::Now;

use super::Persistence;
use super::loading::{Load, LoadOrigin, Loaded, rules};
use crate::backend::JobRole;
use crate::events::Events;
use crate::load::{LoadPlan, LoadRules, Loader};
use crate::receive::{
    Arrival, CheckJob, ReceiveEvent, ReceiveJob, ReceiveQueue, ReceiveRequest, ReceivedFile,
};
use crate::stream_spill::{StreamSpill, StreamSpillPlan};

/// How much of a spilled stream is in one file, and given back at once.
const STREAM_SEGMENT_BYTES: u64 = 64 << 20;

/// What the log calls a data set that is loaded as it arrives.
const STREAM_NAME: &str = "the data set of the primary";

/// Where a data set comes from that a primary has sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReceivedSource {
    /// The file that was received.
    File,
    /// The connection (`repl-diskless-load`).
    Stream {
        /// Its length, if the primary has told it.
        len_bytes: Option<u64>,
    },
}

/// The transfer under way, and what the last one left.
#[derive(Default)]
pub(super) struct Receiving {
    queue: Option<Arc<ReceiveQueue>>,
    /// Hears what becomes of a file.
    events: Option<Events<ReceiveEvent>>,
    file: Option<ReceivedFile>,
    /// The name of the file while it arrives.
    temporary: Option<PathBuf>,
    /// The second in the name of the last file: each has a name of its own.
    last_name_s: i64,
}

impl Persistence {
    /// Begins to write what a primary sends to a temporary file in `dir`.
    ///
    /// # Errors
    /// There is no thread for it.
    pub fn begin_receive(
        &mut self,
        keyspace: &Keyspace,
        config: &Config,
        now: Now,
    ) -> Result<(), String> {
        self.abort_receive();
        let seconds = now.unix_ms().seconds().max(self.receiving.last_name_s + 1);
        self.receiving.last_name_s = seconds;
        let dir = config.persistence.dir.as_path();
        let pid = self.backend.process_id();
        let temporary = dir.join(format!("temp-{seconds}.{pid}.rdb"));
        let request = ReceiveRequest {
            temporary: temporary.clone(),
            publish: dir.join(config.persistence.dbfilename.as_path()),
        };
        let rules = received_rules(keyspace, config, now);
        let wake = self.backend.waker();
        let queue = Arc::new(ReceiveQueue::new(false, wake.clone()));
        let events = Events::new(wake);
        let arrival = Arc::new(Arrival::new(self.backend.lets_jobs_wait(), queue.signal()));
        let disk = self.backend.disk();
        let path = temporary.clone();
        let check = CheckJob::new(path, rules, Arc::clone(&disk), Arc::clone(&arrival));
        let job = ReceiveJob::new(request, disk, Arc::clone(&queue), arrival, events.clone());
        // The one that is dropped unrun tells the other.
        let spawned = self.backend.spawn(JobRole::Check, Box::new(check));
        let spawned = spawned.and_then(|()| self.backend.spawn(JobRole::Receive, Box::new(job)));
        spawned.map_err(|error| format!("The transfer has no thread: {error}"))?;
        self.receiving.queue = Some(queue);
        self.receiving.events = Some(events);
        self.receiving.temporary = Some(temporary);
        Ok(())
    }

    /// Takes bytes that the primary has sent, in order.
    pub fn receive(&mut self, bytes: Bytes) {
        if let Some(queue) = &self.receiving.queue {
            queue.push(bytes);
        }
    }

    /// Whether more bytes are welcome. If not, the waker is called when they are; what comes
    /// nevertheless is taken.
    #[must_use]
    pub fn receive_has_room(&self) -> bool {
        self.receiving.queue.as_ref().is_none_or(|queue| queue.has_room())
    }

    /// All has arrived. A file is synced and verified now, and takes the place of the snapshot file;
    /// [`Persistence::take_received`] tells when that is done.
    pub fn finish_receive(&mut self) {
        if let Some(queue) = &self.receiving.queue {
            queue.finish();
        }
    }

    /// Gives up the transfer under way: its temporary file is removed. Also forgets the file that was
    /// received, which keeps its name.
    pub fn abort_receive(&mut self) {
        if let Some(queue) = self.receiving.queue.take() {
            queue.abort();
        }
        self.receiving.events = None;
        self.receiving.file = None;
        self.receiving.temporary = None;
    }

    /// The process ends: nothing is left of a transfer or of a load.
    pub(super) fn end_receive(&mut self) {
        let temporary = self.receiving.temporary.take();
        self.abort_receive();
        if let Some(temporary) = temporary {
            // The job may have no time left. Mostly it has removed it, or given it another name.
            let _ = self.backend.disk().remove(&temporary);
        }
    }

    /// What became of the file, once: its length in bytes, or why there is none.
    pub fn take_received(&mut self) -> Option<Result<u64, String>> {
        let event = self.receiving.events.as_ref()?.next()?;
        self.receiving.events = None;
        self.receiving.queue = None;
        self.receiving.temporary = None;
        Some(match event {
            ReceiveEvent::Received(file) => {
                let len_bytes = file.len_bytes;
                self.receiving.file = Some(file);
                Ok(len_bytes)
            }
            ReceiveEvent::Failed(why) => Err(why),
        })
    }

    /// Begins to load what a primary has sent into `keyspace`, which is empty: the one that serves
    /// clients, or one that will take its place. [`Persistence::next_loaded`] hands it over, into the
    /// same keyspace. Keys that have expired are loaded, because a primary removes them. The
    /// append-only file is not touched.
    ///
    /// # Errors
    /// There is no thread for it, or nothing was received, or something is being loaded already.
    pub fn begin_load_received(
        &mut self,
        keyspace: &mut Keyspace,
        config: &Config,
        source: ReceivedSource,
        now: Now,
    ) -> Result<(), String> {
        if self.load.is_some() {
            return Err("Another data set is being loaded".to_owned());
        }
        let rules = received_rules(keyspace, config, now);
        let (disk, wake) = (self.backend.disk(), self.backend.waker());
        let (plan, (loader, receiver)) = match source {
            ReceivedSource::File => {
                let file = self.receiving.file.take();
                let file = file.ok_or_else(|| "No data set was received".to_owned())?;
                let plan = LoadPlan::received(file.name.clone(), file.len_bytes);
                (plan, Loader::received(file, rules, disk, wake))
            }
            ReceivedSource::Stream { len_bytes } => {
                self.abort_receive();
                let lets_wait = self.backend.lets_jobs_wait();
                let queue = Arc::new(ReceiveQueue::new(lets_wait, wake.clone()));
                self.receiving.queue = Some(Arc::clone(&queue));
                let plan = LoadPlan::received(STREAM_NAME.to_owned(), len_bytes.unwrap_or(0));
                (plan.clone(), Loader::arriving(plan, queue, rules, disk, wake))
            }
        };
        if let Err(error) = self.backend.spawn(JobRole::Load, Box::new(loader)) {
            self.abort_receive();
            return Err(format!("Loading has no thread: {error}"));
        }
        let origin = LoadOrigin::Primary { expiry: keyspace.expiry() };
        keyspace.set_expiry(Expiry::Ignore);
        self.load = Some(Load::new(receiver, plan, origin, now));
        Ok(())
    }

    /// Gives up the load of what a primary has sent. What is in `keyspace` already stays there.
    pub fn abort_load(&mut self, keyspace: &mut Keyspace) {
        if let Some(Load { origin: LoadOrigin::Primary { expiry }, .. }) = self.load {
            self.load = None;
            keyspace.set_expiry(expiry);
            self.abort_receive();
        }
    }

    /// What a primary has sent cannot be loaded.
    pub(super) fn refuse_received(
        &mut self,
        keyspace: &mut Keyspace,
        mut lines: Vec<String>,
    ) -> Loaded {
        self.abort_load(keyspace);
        lines.iter().for_each(|line| self.journal.warning(line));
        Loaded::Failed(lines.swap_remove(0))
    }

    /// Opens files in `dir` for the part of the stream of changes that memory does not hold.
    ///
    /// # Errors
    /// There is no thread for it.
    pub fn open_stream_spill(&mut self, config: &Config) -> Result<StreamSpill, String> {
        let plan = StreamSpillPlan {
            directory: config.persistence.dir.as_path().to_owned(),
            segment_bytes: STREAM_SEGMENT_BYTES,
            bytes_max: match config.replication.repl_spill_limit {
                0 => u64::MAX,
                limit => limit,
            },
        };
        let (spill, job) = StreamSpill::new(plan, self.backend.disk(), self.backend.waker());
        let spawned = self.backend.spawn(JobRole::StreamSpill, Box::new(job));
        spawned.map_err(|error| format!("Spilling the stream has no thread: {error}"))?;
        Ok(spill)
    }

    /// Removes the snapshot file, which is the one that was received (`rdb-del-sync-files`). Quick
    /// while it is being loaded: its blocks are freed when the loader closes it.
    pub fn delete_received(&mut self, config: &Config) {
        let path = config.persistence.dir.as_path().join(config.persistence.dbfilename.as_path());
        if let Err(error) = self.backend.disk().remove(&path) {
            let error = crate::disk::error_text(&error);
            self.journal.warning(format!("Can't remove {}: {error}", path.display()));
        }
    }
}

impl Drop for Receiving {
    fn drop(&mut self) {
        // Nobody is to wait for what will not come.
        if let Some(queue) = &self.queue {
            queue.abort();
        }
    }
}

/// By which rules the data set of a primary is loaded.
fn received_rules(keyspace: &Keyspace, config: &Config, now: Now) -> LoadRules {
    LoadRules { drop_expired: false, ..rules(keyspace, config, now) }
}
