//! How much of the stream a primary keeps for replicas that are behind: in memory, then on disk, then
//! the slowest one has to go.

use dunlin_persistence::StreamSpillEvent;
use dunlin_replication::{Backlog, ReplicaNumber};
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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct MemoryLimits {
    /// From here on the oldest part goes to a file as fast as the disk takes it.
    easy: u64,
    /// From here on it goes to the file in any case.
    hard: u64,
}

impl MemoryLimits {
    /// What is kept in any case (`repl-backlog-size`) is in memory with the blocks at both its ends.
    const fn least(floor: u64) -> u64 {
        floor.saturating_add(Backlog::SLACK_BYTES)
    }

    /// `repl-backlog-max-size` was set.
    fn configured(bytes: u64, floor: u64) -> Self {
        let limit = bytes.max(Self::least(floor));
        Self { easy: limit, hard: limit }
    }

    /// It was not, on a machine with so much memory; zero where it does not tell.
    fn default_of(machine_bytes: u64, maxmemory: u64, floor: u64) -> Self {
        let share = if machine_bytes == 0 { FALLBACK_BYTES } else { machine_bytes / MEMORY_SHARE };
        let limit = if maxmemory > 0 { share.min(maxmemory) } else { share };
        let least = Self::least(floor);
        let hard = limit.max(least);
        Self { easy: EASY_BYTES.clamp(least, hard), hard }
    }
}

impl Engine {
    /// What `repl-backlog-max-size` says, which is one limit, or its default, which is two.
    fn backlog_limits(&mut self) -> MemoryLimits {
        let configured = self.config.replication.repl_backlog_max_size;
        let floor = self.config.replication.repl_backlog_size;
        if configured > 0 {
            return MemoryLimits::configured(configured, floor);
        }
        let machine =
            *self.links.machine_bytes.get_or_insert_with(|| self.host.memory().system_bytes);
        MemoryLimits::default_of(machine, self.config.memory.maxmemory, floor)
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

#[cfg(test)]
mod tests {
    use super::*;

    const MB: u64 = 1 << 20;

    #[test]
    fn what_is_kept_in_any_case_never_goes_to_a_file() {
        let limits = |easy, hard| MemoryLimits { easy, hard };
        let least = |floor| floor + Backlog::SLACK_BYTES;
        assert_eq!(MemoryLimits::default_of(16_384 * MB, 0, MB), limits(256 * MB, 4096 * MB));
        assert_eq!(MemoryLimits::default_of(16_384 * MB, 100 * MB, MB), limits(100 * MB, 100 * MB));
        assert_eq!(MemoryLimits::default_of(0, 0, MB), limits(256 * MB, FALLBACK_BYTES));
        let large = 512 * MB;
        assert_eq!(
            MemoryLimits::default_of(16_384 * MB, 0, large),
            limits(least(large), 4096 * MB)
        );
        let huge = 8192 * MB;
        assert_eq!(
            MemoryLimits::default_of(16_384 * MB, 0, huge),
            limits(least(huge), least(huge))
        );
        assert_eq!(MemoryLimits::configured(4 * MB, MB), limits(4 * MB, 4 * MB));
        assert_eq!(MemoryLimits::configured(MB, MB), limits(least(MB), least(MB)));
    }
}
