//! How much of the stream a primary keeps for replicas that are behind: in memory, then on disk, then
//! the slowest one has to go.

use dunlin_persistence::StreamSpillEvent;
use dunlin_replication::ReplicaNumber;
use dunlin_session::Token;

use super::Spill;
use crate::engine::Engine;

/// Memory that the stream takes before a file does, unless the configuration says otherwise: enough
/// for a replica that is away for a moment, and no surprise on a machine that was sized for the data.
const EASY_BYTES: u64 = 256 << 20;

/// Part of the machine's memory that the stream may take where the disk does not keep up.
const MEMORY_SHARE: u64 = 4;

/// What it may take where the machine does not tell how much memory it has.
const FALLBACK_BYTES: u64 = 1 << 30;

/// Bytes that are read from the spill for a replica at once.
const READ_BYTES: usize = 1 << 20;

/// How much of the stream may be in memory, in bytes.
#[derive(Clone, Copy, Debug)]
struct MemoryLimits {
    /// From here on the oldest part goes to a file as fast as the disk takes it.
    easy: u64,
    /// From here on it goes to the file in any case.
    hard: u64,
}

impl Engine {
    /// What `repl-backlog-max-size` says, which is one limit, or its default, which is two.
    fn backlog_limits(&mut self) -> MemoryLimits {
        let configured = self.config.replication.repl_backlog_max_size;
        let floor = self.config.replication.repl_backlog_size;
        if configured > 0 {
            let limit = configured.max(floor);
            return MemoryLimits { easy: limit, hard: limit };
        }
        let machine =
            *self.links.machine_bytes.get_or_insert_with(|| self.host.memory().system_bytes);
        let share = if machine == 0 { FALLBACK_BYTES } else { machine / MEMORY_SHARE };
        let maxmemory = self.config.memory.maxmemory;
        let limit = if maxmemory > 0 { share.min(maxmemory) } else { share };
        let hard = limit.max(floor);
        MemoryLimits { easy: EASY_BYTES.clamp(floor.min(hard), hard), hard }
    }

    /// Forgets what nobody needs of the stream, and finds another place for what memory does not hold.
    pub(super) fn limit_backlog(&mut self) {
        let floor = self.config.replication.repl_backlog_size;
        let Some(backlog) = &self.replication.backlog else { return };
        if backlog.len() <= floor && self.links.spill.is_none() {
            return;
        }
        let limits = self.backlog_limits();
        self.replication.trim(floor, limits.easy);
        if let Some(backlog) = &self.replication.backlog {
            if let Some(spill) = &mut self.links.spill {
                spill.files.forget_before(backlog.first());
                if backlog.first() >= backlog.resident_from() {
                    self.links.spill = None;
                }
            }
            if backlog.resident_bytes() > limits.easy {
                self.spill_stream(limits);
            }
        }
    }

    /// Moves the oldest part of the stream to a file.
    fn spill_stream(&mut self, limits: MemoryLimits) {
        let MemoryLimits { easy, hard } = limits;
        if self.links.spill.is_none() {
            match self.persistence.open_stream_spill(&self.config) {
                Ok(files) => {
                    self.links.spill = Some(Spill { files, readers: Vec::new() });
                    self.host.log_notice(&format!(
                        "The replication stream kept for slow replicas has reached {easy} bytes \
                         of memory (repl-backlog-max-size): the oldest part goes to a temporary file"
                    ));
                }
                Err(why) => return self.drop_those_behind(&why),
            }
        }
        let (Some(spill), Some(backlog)) = (&mut self.links.spill, &mut self.replication.backlog)
        else {
            return;
        };
        while backlog.resident_bytes() > easy
            && (spill.files.has_room() || backlog.resident_bytes() > hard)
            && let Some((offset, block)) = backlog.evict_block()
        {
            spill.files.write(offset, block);
        }
    }

    /// A replica needs a part of the stream that is not in memory.
    pub(super) fn read_spilled(&mut self, number: ReplicaNumber) {
        let Some(replica) = self.replication.replicas.get(number) else { return };
        if let Some(spill) = &mut self.links.spill
            && !spill.readers.contains(&number)
        {
            spill.files.request(number.0, replica.next, READ_BYTES);
            spill.readers.push(number);
        }
    }

    /// Takes note of what became of the spilled stream.
    pub(super) fn tend_spill(&mut self) {
        while let Some(spill) = &mut self.links.spill
            && let Some(event) = spill.files.next_event()
        {
            let (reader, offset, bytes) = match event {
                StreamSpillEvent::Written { .. } => continue,
                StreamSpillEvent::Read { reader, offset, bytes } => (reader, offset, bytes),
                StreamSpillEvent::Gone { reader, offset } => (reader, offset, bytes::Bytes::new()),
                StreamSpillEvent::Failed(why) => return self.drop_those_behind(&why),
            };
            let number = ReplicaNumber(reader);
            spill.readers.retain(|one| *one != number);
            self.send_spilled(number, offset, bytes);
        }
    }

    /// A piece of the stream was read for a replica; none if it is not kept any more, because the
    /// replica that asked for it is gone.
    fn send_spilled(&mut self, number: ReplicaNumber, offset: u64, bytes: bytes::Bytes) {
        let Some(replica) = self.replication.replicas.get_mut(number) else { return };
        if replica.next != offset || bytes.is_empty() {
            // Another replica has the connection's place by now: it asks for what it needs.
            return self.send_to(number);
        }
        let token = Token(number.0);
        let Some(session) = self.sessions.get_mut(token) else { return };
        replica.next += bytes.len() as u64;
        self.replication.traffic.output_bytes += bytes.len() as u64;
        session.reply.output.push_shared(bytes);
        self.sessions.note_written(token);
    }

    /// The stream can be kept no longer for those who need what is not in memory; if nobody does yet, for
    /// the one that is furthest behind.
    fn drop_those_behind(&mut self, why: &str) {
        self.links.spill = None;
        let Some(backlog) = &mut self.replication.backlog else { return };
        backlog.forget_evicted();
        let kept_from = backlog.first();
        let replicas = || self.replication.replicas.iter().filter(|one| one.needs_stream());
        let slowest = replicas().map(|replica| replica.next).min().unwrap_or(kept_from);
        let dropped_below = kept_from.max(slowest + 1);
        let end = self.replication.history.offset() + 1;
        let dropped: Vec<_> = replicas()
            .filter(|replica| replica.next < dropped_below)
            .map(|replica| (replica.number, replica.name(), end - replica.next.min(end)))
            .collect();
        let (memory, disk) = (self.backlog_limits().hard, self.config.replication.repl_spill_limit);
        for (number, name, behind) in dropped {
            self.drop_replica(
                number,
                &format!(
                    "Disconnecting replica {name}: it is {behind} bytes behind, and the stream is \
                     kept for it in memory up to {memory} bytes (repl-backlog-max-size) and on disk \
                     up to {disk} bytes (repl-spill-limit, 0 for no limit): {why}. Raise these \
                     limits to let it catch up."
                ),
            );
        }
    }
}
