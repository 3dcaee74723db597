//! Streams.

use dunlin_stdx::time::UnixMs;
use dunlin_values::NewValue;
use dunlin_values::stream::{CorruptNode, Delivery, Group, Log, Stream, StreamId};

use super::{ValueReader, corrupt};
use crate::error::{ReadError, Result};
use crate::format::kind;
use crate::source::Source;
use crate::text::{Text, owned, text};

/// What stands for "unknown" and "never".
const NONE: u64 = u64::MAX;

/// An entry that is pending, whose consumer is not known yet.
struct Pending {
    id: StreamId,
    at: UnixMs,
    count: u64,
    is_owned: bool,
}

impl ValueReader {
    pub(super) fn stream<'a>(
        &'a mut self,
        kind: u8,
        source: &mut impl Source,
    ) -> Result<NewValue<'a>> {
        let mut stream = Stream::default();
        let nodes = source.length()?;
        for _ in 0..nodes {
            self.stream_node(&mut stream.log, source)?;
        }
        let offset = source.offset();
        if source.length()? > 0 && nodes == 0 {
            return Err(ReadError::corrupt(offset, "a stream of entries without nodes"));
        }
        remembered(&mut stream.log, kind, source)?;
        for _ in 0..source.length()? {
            let offset = source.offset();
            let name = owned(source)?;
            let group = self.group(&stream.log, kind, source)?;
            if stream.groups.insert(name.into(), group).is_some() {
                return Err(ReadError::corrupt(offset, "a group is there twice"));
            }
        }
        Ok(stream.into())
    }

    fn stream_node(&mut self, log: &mut Log, source: &mut impl Source) -> Result<()> {
        let offset = source.offset();
        let master = match text(source, &mut self.unpacked)? {
            Text::Bytes(bytes) => bytes.try_into().ok().map(id_of),
            Text::Int(_) => None,
        };
        let Some(master) = master else {
            return Err(ReadError::corrupt(offset, "the ID of a node is not 16 bytes long"));
        };
        let offset = source.offset();
        log.load_node(master, owned(source)?).map_err(|reason| match reason {
            CorruptNode::Listpack(reason) => corrupt(offset, source, reason),
            CorruptNode::Order => ReadError::corrupt(offset, "nodes of a stream are out of order"),
            CorruptNode::Element { reason, .. } => ReadError::corrupt(offset, reason),
        })
    }

    fn group(&mut self, log: &Log, kind: u8, source: &mut impl Source) -> Result<Group> {
        let last_id = id(source)?;
        let entries_read = match kind {
            kind::STREAM_1 => log.added_up_to(last_id),
            _ => Some(source.length()?).filter(|read| *read != NONE),
        };
        let mut group = Group::new(last_id, entries_read);
        let offset = source.offset();
        let mut pending = pending(source)?;
        for _ in 0..source.length()? {
            self.consumer(&mut group, &mut pending, kind, source)?;
        }
        if pending.iter().any(|entry| !entry.is_owned) {
            return Err(ReadError::corrupt(offset, "a pending entry without a consumer"));
        }
        Ok(group)
    }

    fn consumer(
        &mut self,
        group: &mut Group,
        pending: &mut [Pending],
        kind: u8,
        source: &mut impl Source,
    ) -> Result<()> {
        let offset = source.offset();
        text(source, &mut self.unpacked)?.copy_to(&mut self.name);
        if group.find(&self.name).is_some() {
            return Err(ReadError::corrupt(offset, "a consumer is there twice"));
        }
        let seen = time(source)?;
        let active = match kind {
            kind::STREAM_3 => Some(time(source)?).filter(|at| at.0 != -1),
            _ => Some(seen),
        };
        let consumer = group.add_consumer(&self.name, seen);
        group.consumer_mut(consumer).active = active;
        for _ in 0..source.length()? {
            let offset = source.offset();
            let id = id_of(source.array()?);
            let entry = pending.binary_search_by_key(&id, |entry| entry.id);
            let entry = entry.ok().map(|at| &mut pending[at]).filter(|entry| !entry.is_owned);
            let Some(entry) = entry else {
                let reason = "an entry of a consumer that is not pending in the group";
                return Err(ReadError::corrupt(offset, reason));
            };
            entry.is_owned = true;
            group.deliver(id, Delivery { at: entry.at, count: entry.count, consumer });
        }
        Ok(())
    }
}

/// What a stream remembers besides its entries.
fn remembered(log: &mut Log, kind: u8, source: &mut impl Source) -> Result<()> {
    let offset = source.offset();
    let last_id = id(source)?;
    if last_id < log.last_id() {
        return Err(ReadError::corrupt(offset, "a stream ends in front of its last entry"));
    }
    if kind == kind::STREAM_1 {
        log.set_last_id(last_id, None, None);
        return Ok(());
    }
    // The first entry, which is in the first node.
    id(source)?;
    let max_deleted_id = id(source)?;
    log.set_last_id(last_id, Some(source.length()?), Some(max_deleted_id));
    Ok(())
}

/// The pending entries of a group, in order.
fn pending(source: &mut impl Source) -> Result<Vec<Pending>> {
    let mut entries = Vec::new();
    let offset = source.offset();
    // Each takes more bytes than it will take memory: a hostile count ends with the bytes.
    for _ in 0..source.length()? {
        let id = id_of(source.array()?);
        let at = time(source)?;
        entries.push(Pending { id, at, count: source.length()?, is_owned: false });
    }
    entries.sort_by_key(|entry| entry.id);
    if entries.windows(2).any(|pair| pair[0].id == pair[1].id) {
        return Err(ReadError::corrupt(offset, "a pending entry is there twice"));
    }
    Ok(entries)
}

fn id(source: &mut impl Source) -> Result<StreamId> {
    Ok(StreamId::new(source.length()?, source.length()?))
}

fn id_of(bytes: [u8; 16]) -> StreamId {
    let both = u128::from_be_bytes(bytes);
    StreamId::new((both >> 64) as u64, both as u64)
}

fn time(source: &mut impl Source) -> Result<UnixMs> {
    Ok(UnixMs(i64::from_le_bytes(source.array()?)))
}
