//! Consumer groups: who was given which entry and has not acknowledged it.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use dunlin_stdx::time::UnixMs;
use slab::Slab;

use super::id::StreamId;
use super::id_map::IdMap;
use super::log::Log;

/// Consumers of one stream who share its entries.
#[derive(Clone, Debug, Default)]
pub struct Group {
    last_id: StreamId,
    entries_read: Option<u64>,
    /// Entries given to somebody and not acknowledged.
    pending: IdMap<Delivery>,
    consumers: Slab<Consumer>,
    by_name: BTreeMap<Box<[u8]>, ConsumerIndex>,
}

/// A consumer within its group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConsumerIndex(u32);

/// One of those who share a group.
#[derive(Clone, Debug)]
pub struct Consumer {
    name: Box<[u8]>,
    /// When it last asked for entries.
    pub seen: UnixMs,
    /// When it last got some.
    pub active: Option<UnixMs>,
    /// What it was given, as in [`Group::pending`].
    pending: IdMap<()>,
}

/// That an entry was given to a consumer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// When, for the last time.
    pub at: UnixMs,
    /// How often.
    pub count: u64,
    /// To whom.
    pub consumer: ConsumerIndex,
}

impl Group {
    /// A group that begins behind `last_id`. `entries_read` is how many entries were added up to
    /// there, if anybody knows.
    #[must_use]
    pub fn new(last_id: StreamId, entries_read: Option<u64>) -> Self {
        Self { last_id, entries_read, ..Self::default() }
    }

    /// The last entry given to anybody as new.
    #[must_use]
    pub const fn last_id(&self) -> StreamId {
        self.last_id
    }

    /// How many entries were ever added up to [`Group::last_id`], if that is known.
    #[must_use]
    pub const fn entries_read(&self) -> Option<u64> {
        self.entries_read
    }

    /// XGROUP SETID: the group goes on behind `last_id`.
    pub const fn set_last_id(&mut self, last_id: StreamId, entries_read: Option<u64>) {
        (self.last_id, self.entries_read) = (last_id, entries_read);
    }

    /// The group goes on behind `last_id` if it was not so far yet; tells whether.
    pub fn raise_last_id(&mut self, last_id: StreamId) -> bool {
        let rises = last_id > self.last_id;
        self.last_id = self.last_id.max(last_id);
        rises
    }

    /// An entry of `log` is given out: tells whether it was new to the group.
    pub fn advance(&mut self, id: StreamId, log: &Log) -> bool {
        if id <= self.last_id {
            return false;
        }
        match self.entries_read {
            Some(read) if !log.has_gap_from(id) => self.entries_read = Some(read.wrapping_add(1)),
            _ if log.entries_added() > 0 => self.entries_read = log.added_up_to(id),
            _ => {}
        }
        self.last_id = id;
        true
    }

    /// How many entries of `log` nobody was given yet, if that can be told without counting.
    #[must_use]
    pub fn lag(&self, log: &Log) -> Option<i64> {
        let read = match self.entries_read {
            _ if log.entries_added() == 0 => 0,
            Some(read) if !log.has_gap_from(self.last_id) => read,
            _ => log.added_up_to(self.last_id)?,
        };
        Some(log.entries_added().wrapping_sub(read) as i64)
    }

    /// The consumer of this name.
    #[must_use]
    pub fn find(&self, name: &[u8]) -> Option<ConsumerIndex> {
        self.by_name.get(name).copied()
    }

    /// A consumer.
    ///
    /// # Panics
    /// If it was removed meanwhile.
    #[must_use]
    pub fn consumer(&self, index: ConsumerIndex) -> &Consumer {
        &self.consumers[index.0 as usize]
    }

    /// A consumer, for noting when it was here.
    ///
    /// # Panics
    /// If it was removed meanwhile.
    pub fn consumer_mut(&mut self, index: ConsumerIndex) -> &mut Consumer {
        &mut self.consumers[index.0 as usize]
    }

    /// Number of consumers.
    #[must_use]
    pub fn consumers_len(&self) -> usize {
        self.consumers.len()
    }

    /// All consumers by name.
    pub fn consumers(&self) -> impl Iterator<Item = &Consumer> {
        self.by_name.values().map(|index| self.consumer(*index))
    }

    /// Adds a consumer who has never got anything. Nobody has the name yet.
    pub fn add_consumer(&mut self, name: &[u8], now: UnixMs) -> ConsumerIndex {
        debug_assert!(self.find(name).is_none(), "names are distinct");
        let consumer =
            Consumer { name: name.into(), seen: now, active: None, pending: IdMap::default() };
        let index = u32::try_from(self.consumers.insert(consumer)).expect("memory ends before");
        let index = ConsumerIndex(index);
        self.by_name.insert(name.into(), index);
        index
    }

    /// Removes a consumer with all that is pending for it; tells how much that was.
    pub fn remove_consumer(&mut self, name: &[u8]) -> Option<usize> {
        let index = self.by_name.remove(name)?;
        let consumer = self.consumers.remove(index.0 as usize);
        for (id, ()) in consumer.pending.all() {
            self.pending.remove(*id);
        }
        Some(consumer.pending.len())
    }

    /// Number of entries that are pending.
    #[must_use]
    pub fn pending_len(&self) -> usize {
        self.pending.len()
    }

    /// The delivery of an entry that is pending.
    #[must_use]
    pub fn delivery(&self, id: StreamId) -> Option<Delivery> {
        self.pending.get(id).copied()
    }

    /// The first and the last entry that are pending.
    #[must_use]
    pub fn pending_edges(&self) -> Option<(StreamId, StreamId)> {
        Some((self.pending.first()?.0, self.pending.last()?.0))
    }

    /// What is pending within a range of IDs.
    pub fn pending(
        &self,
        range: RangeInclusive<StreamId>,
    ) -> impl Iterator<Item = (StreamId, Delivery)> {
        let (from, to) = range.into_inner();
        self.pending.from(from).copied().take_while(move |(id, _)| *id <= to)
    }

    /// The first entry from `id` on that is pending.
    #[must_use]
    pub fn next_pending(&self, id: StreamId) -> Option<(StreamId, Delivery)> {
        self.pending.from(id).next().copied()
    }

    /// The first entry from `id` on that is pending for one consumer.
    #[must_use]
    pub fn next_pending_of(
        &self,
        index: ConsumerIndex,
        id: StreamId,
    ) -> Option<(StreamId, Delivery)> {
        self.pending_of(index, id..=StreamId::MAX).next()
    }

    /// What is pending for one consumer within a range of IDs.
    pub fn pending_of(
        &self,
        index: ConsumerIndex,
        range: RangeInclusive<StreamId>,
    ) -> impl Iterator<Item = (StreamId, Delivery)> {
        let (from, to) = range.into_inner();
        let ids = self.consumer(index).pending.from(from).map(|(id, ())| *id);
        ids.take_while(move |id| *id <= to).map(|id| {
            (id, *self.pending.get(id).expect("what is pending for one is pending for all"))
        })
    }

    /// Gives an entry to a consumer, whoever had it before.
    pub fn deliver(&mut self, id: StreamId, delivery: Delivery) {
        if let Some(before) = self.pending.insert(id, delivery) {
            if before.consumer == delivery.consumer {
                return;
            }
            self.consumer_mut(before.consumer).pending.remove(id);
        }
        self.consumer_mut(delivery.consumer).pending.insert(id, ());
    }

    /// Nobody has the entry any more; tells how it was delivered.
    pub fn acknowledge(&mut self, id: StreamId) -> Option<Delivery> {
        let delivery = self.pending.remove(id)?;
        self.consumer_mut(delivery.consumer).pending.remove(id);
        Some(delivery)
    }

    /// Makes copies cheap that are made from now on: they share what is pending, 64 entries at a
    /// time, until one of them changes it.
    pub(super) fn share(&mut self) {
        self.pending.share();
        self.consumers.iter_mut().for_each(|(_, consumer)| consumer.pending.share());
    }

    /// Bytes of heap, estimated.
    #[must_use]
    pub(super) fn heap_bytes(&self) -> usize {
        let names: usize = self.by_name.keys().map(|name| 2 * name.len()).sum();
        let own = |consumer: &Consumer| consumer.pending.heap_bytes();
        self.pending.heap_bytes()
            + self.consumers().map(own).sum::<usize>()
            + self.consumers.capacity() * size_of::<Consumer>()
            + self.by_name.len() * 2 * size_of::<(Box<[u8]>, ConsumerIndex)>()
            + names
    }
}

impl Consumer {
    /// The name.
    #[must_use]
    pub const fn name(&self) -> &[u8] {
        &self.name
    }

    /// Number of entries that are pending for it.
    #[must_use]
    pub fn pending_len(&self) -> usize {
        self.pending.len()
    }

    /// What is pending for it, in order.
    pub fn pending_ids(&self) -> impl Iterator<Item = StreamId> {
        self.pending.all().map(|(id, ())| *id)
    }
}
