//! XINFO STREAM.

use dunlin_resp::Reply;
use dunlin_values::stream::{Consumer, Direction, Group, Log, Stream, StreamId};

use super::{field, reply_progress};
use crate::args::Args;
use crate::error::CommandError;
use crate::stream::entry_reply::{reply_entries, reply_entry, reply_id};

/// What FULL shows: most entries of each kind.
#[derive(Clone, Copy, Debug)]
pub(super) struct Detail {
    limit: Option<u64>,
}

impl Detail {
    /// Entries that are shown unless COUNT says otherwise.
    const LIMIT_DEFAULT: u64 = 10;

    /// Reads `[FULL [COUNT count]]`.
    ///
    /// # Errors
    /// The words do not fit; [`CommandError::NotInteger`].
    pub(super) fn parse(args: Args<'_>) -> Result<Option<Self>, CommandError> {
        let wrong = || Err(CommandError::subcommand_syntax("XINFO", args.get(1)));
        let limit = match &args.words()[3..] {
            [] => return Ok(None),
            [full, rest @ ..] if full.eq_ignore_ascii_case(b"full") => match rest {
                [] => Self::LIMIT_DEFAULT,
                [count, _] if count.eq_ignore_ascii_case(b"count") => {
                    u64::try_from(args.integer(5)?).unwrap_or(Self::LIMIT_DEFAULT)
                }
                _ => return wrong(),
            },
            _ => return wrong(),
        };
        Ok(Some(Self { limit: (limit > 0).then_some(limit) }))
    }

    /// As a number for `take`.
    fn most(self) -> usize {
        self.limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX))
    }
}

/// Writes what the stream is, with its first and last entry.
pub(super) fn reply_short(reply: &mut Reply, stream: &Stream) {
    reply.map(10);
    reply_common(reply, &stream.log);
    field(reply, "groups").integer(stream.groups.len() as i64);
    for (name, direction) in
        [("first-entry", Direction::Forward), ("last-entry", Direction::Backward)]
    {
        field(reply, name);
        let mut entries = stream.log.all(direction);
        match entries.next_id() {
            Some(id) => reply_entry(reply, id, &mut entries),
            None => reply.null(),
        }
    }
}

/// Writes what the stream is, with entries, groups, consumers and what is pending.
pub(super) fn reply_full(reply: &mut Reply, stream: &Stream, detail: Detail) {
    reply.map(9);
    reply_common(reply, &stream.log);
    field(reply, "entries");
    reply_entries(reply, stream.log.all(Direction::Forward), detail.limit);
    field(reply, "groups").array(stream.groups.len());
    for (name, group) in &stream.groups {
        reply.map(7);
        field(reply, "name").bulk(name);
        reply_progress(reply, group, &stream.log);
        field(reply, "pel-count").integer(group.pending_len() as i64);
        field(reply, "pending").array(group.pending_len().min(detail.most()));
        for (id, delivery) in group.pending(StreamId::MIN..=StreamId::MAX).take(detail.most()) {
            reply.array(4);
            reply_id(reply, id);
            reply.bulk(group.consumer(delivery.consumer).name());
            reply.integer(delivery.at.0);
            reply.integer(delivery.count as i64);
        }
        field(reply, "consumers").array(group.consumers_len());
        group.consumers().for_each(|consumer| reply_consumer(reply, group, consumer, detail));
    }
}

fn reply_common(reply: &mut Reply, log: &Log) {
    field(reply, "length").integer(log.len() as i64);
    field(reply, "radix-tree-keys").integer(log.nodes() as i64);
    field(reply, "radix-tree-nodes").integer(log.radix_nodes() as i64);
    field(reply, "last-generated-id");
    reply_id(reply, log.last_id());
    field(reply, "max-deleted-entry-id");
    reply_id(reply, log.max_deleted_id());
    field(reply, "entries-added").integer(log.entries_added() as i64);
    field(reply, "recorded-first-entry-id");
    reply_id(reply, log.first_id());
}

fn reply_consumer(reply: &mut Reply, group: &Group, consumer: &Consumer, detail: Detail) {
    reply.map(5);
    field(reply, "name").bulk(consumer.name());
    field(reply, "seen-time").integer(consumer.seen.0);
    field(reply, "active-time").integer(consumer.active.map_or(-1, |time| time.0));
    field(reply, "pel-count").integer(consumer.pending_len() as i64);
    field(reply, "pending").array(consumer.pending_len().min(detail.most()));
    let Some(index) = group.find(consumer.name()) else { return };
    let pending = group.pending_of(index, StreamId::MIN..=StreamId::MAX);
    for (id, delivery) in pending.take(detail.most()) {
        reply.array(3);
        reply_id(reply, id);
        reply.integer(delivery.at.0);
        reply.integer(delivery.count as i64);
    }
}
