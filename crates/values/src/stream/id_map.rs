//! An ordered map of IDs that mostly arrive in order and go in order.
//!
//! Runs of up to [`RUN_MAX`] entries lie in vectors, in a tree by a lower bound of their IDs. A run
//! that is filled from the front is full before the next one begins: a hundred thousand pending
//! entries take 40 bytes each, where the standard tree's leaves, split in the middle, would take
//! 85. Runs that have become short join one beside them, so that what is left after random removals
//! is small too. Copies may share runs: see [`IdMap::share`].

use std::collections::BTreeMap;
use std::collections::btree_map::Range;
use std::ops::Deref;
use std::sync::Arc;
use std::{mem, slice};

use super::id::StreamId;

/// Most entries of a run.
const RUN_MAX: usize = 64;

/// A run this short joins one beside it that has room for it.
const RUN_SHORT: usize = RUN_MAX / 4;

/// Most entries of two runs that are joined: the result may grow again before it is split.
const JOINED_MAX: usize = RUN_MAX * 3 / 4;

/// Entries in order.
type Entries<V> = Vec<(StreamId, V)>;

/// Some of the entries, as long as a vector.
#[derive(Clone, Debug)]
enum Run<V> {
    /// Only this map has them.
    Own(Entries<V>),
    /// Copies of the map may have them too: see [`IdMap::share`].
    Shared(Arc<Entries<V>>),
}

impl<V> Deref for Run<V> {
    type Target = Entries<V>;

    #[inline]
    fn deref(&self) -> &Entries<V> {
        match self {
            Self::Own(entries) => entries,
            Self::Shared(entries) => entries,
        }
    }
}

impl<V: Clone> Run<V> {
    /// The entries for changing them; what is shared is copied first.
    #[inline]
    fn to_mut(&mut self) -> &mut Entries<V> {
        if let Self::Shared(_) = self {
            self.separate();
        }
        match self {
            Self::Own(entries) => entries,
            Self::Shared(_) => unreachable!("just separated"),
        }
    }

    #[cold]
    fn separate(&mut self) {
        *self = Self::Own(mem::take(self).into_entries());
    }

    fn into_entries(self) -> Entries<V> {
        match self {
            Self::Own(entries) => entries,
            Self::Shared(entries) => Arc::unwrap_or_clone(entries),
        }
    }

    fn share(&mut self) {
        if let Self::Own(entries) = self {
            *self = Self::Shared(Arc::new(mem::take(entries)));
        }
    }
}

impl<V> Default for Run<V> {
    fn default() -> Self {
        Self::Own(Vec::new())
    }
}

/// An ordered map of IDs.
#[derive(Clone, Debug)]
pub(super) struct IdMap<V> {
    runs: BTreeMap<StreamId, Run<V>>,
    len: usize,
}

impl<V> Default for IdMap<V> {
    fn default() -> Self {
        Self { runs: BTreeMap::new(), len: 0 }
    }
}

impl<V: Clone> IdMap<V> {
    /// Makes copies cheap that are made from now on: they take the runs, not the entries, and a run
    /// is copied when it is changed in one of the maps. O(n / 64).
    pub(super) fn share(&mut self) {
        self.runs.values_mut().for_each(Run::share);
    }

    pub(super) const fn len(&self) -> usize {
        self.len
    }

    /// Bytes of heap, estimated for the tree; what the values own is not in them.
    pub(super) fn heap_bytes(&self) -> usize {
        /// A node of the tree is about half full where keys ascend.
        const TREE_ROOM: usize = 2;
        let tree_bytes = self.runs.len() * TREE_ROOM * size_of::<(StreamId, Run<V>)>();
        self.len.next_multiple_of(RUN_SHORT) * size_of::<(StreamId, V)>() + tree_bytes
    }

    pub(super) fn get(&self, id: StreamId) -> Option<&V> {
        let (_, run) = self.runs.range(..=id).next_back()?;
        let at = place(run, id).ok()?;
        Some(&run[at].1)
    }

    pub(super) fn get_mut(&mut self, id: StreamId) -> Option<&mut V> {
        let (_, run) = self.runs.range_mut(..=id).next_back()?;
        let at = place(run, id).ok()?;
        Some(&mut run.to_mut()[at].1)
    }

    /// Returns what the ID stood for before.
    pub(super) fn insert(&mut self, id: StreamId, value: V) -> Option<V> {
        if self.runs.first_key_value().is_none_or(|(bound, _)| *bound > id) {
            // The first run now begins here.
            let first = self.runs.pop_first().map_or_else(Run::default, |(_, run)| run);
            self.runs.insert(id, first);
        }
        let (_, run) = self.runs.range_mut(..=id).next_back()?;
        let at = match place(run, id) {
            Ok(at) => return Some(mem::replace(&mut run.to_mut()[at].1, value)),
            Err(at) => at,
        };
        let run = run.to_mut();
        self.len += 1;
        if run.len() < RUN_MAX {
            run.insert(at, (id, value));
        } else if at == RUN_MAX {
            self.runs.insert(id, Run::Own(vec![(id, value)]));
        } else {
            let mut behind = run.split_off(RUN_MAX / 2);
            match at.checked_sub(RUN_MAX / 2) {
                Some(at) => behind.insert(at, (id, value)),
                None => run.insert(at, (id, value)),
            }
            self.runs.insert(behind[0].0, Run::Own(behind));
        }
        None
    }

    pub(super) fn remove(&mut self, id: StreamId) -> Option<V> {
        let (&bound, run) = self.runs.range_mut(..=id).next_back()?;
        let at = place(run, id).ok()?;
        let run = run.to_mut();
        let (_, value) = run.remove(at);
        self.len -= 1;
        if run.len() <= RUN_SHORT {
            self.shorten(bound);
        }
        Some(value)
    }

    /// Joins a short run with one beside it, or gives back the room it does not need.
    fn shorten(&mut self, bound: StreamId) {
        let len = self.runs[&bound].len();
        if let Some((_, before)) = self.runs.range(..bound).next_back()
            && before.len() + len <= JOINED_MAX
        {
            let run = self.runs.remove(&bound).unwrap_or_default();
            if let Some((_, before)) = self.runs.range_mut(..bound).next_back() {
                before.to_mut().extend(run.into_entries());
            }
            return;
        }
        let mut runs = self.runs.range_mut(bound..);
        let Some((_, run)) = runs.next() else { return };
        if let Some((&next_bound, next)) = runs.next()
            && next.len() + len <= JOINED_MAX
        {
            run.to_mut().append(next.to_mut());
            self.runs.remove(&next_bound);
        } else if run.is_empty() {
            self.runs.remove(&bound);
        } else if run.capacity() > 2 * RUN_SHORT {
            run.to_mut().shrink_to(2 * RUN_SHORT);
        }
    }

    /// All entries.
    pub(super) fn all(&self) -> Iter<'_, V> {
        Iter { front: [].iter(), runs: self.runs.range(..), back: [].iter() }
    }

    /// The entries from `id` on.
    pub(super) fn from(&self, id: StreamId) -> Iter<'_, V> {
        let bound = self.runs.range(..=id).next_back().map_or(id, |(bound, _)| *bound);
        let mut runs = self.runs.range(bound..);
        let front = runs.next().map_or(&[][..], |(_, run)| {
            let at = place(run, id).unwrap_or_else(|at| at);
            &run[at..]
        });
        Iter { front: front.iter(), runs, back: [].iter() }
    }

    /// The entries up to `id`, itself included.
    pub(super) fn until(&self, id: StreamId) -> Iter<'_, V> {
        let mut runs = self.runs.range(..=id);
        let back = runs.next_back().map_or(&[][..], |(_, run)| {
            let end = place(run, id).map_or_else(|at| at, |at| at + 1);
            &run[..end]
        });
        Iter { front: [].iter(), runs, back: back.iter() }
    }

    pub(super) fn first(&self) -> Option<&(StreamId, V)> {
        self.runs.values().next()?.first()
    }

    pub(super) fn last(&self) -> Option<&(StreamId, V)> {
        self.runs.values().next_back()?.last()
    }
}

/// Entries in order, from either end.
#[derive(Clone, Debug)]
pub(super) struct Iter<'a, V> {
    front: slice::Iter<'a, (StreamId, V)>,
    runs: Range<'a, StreamId, Run<V>>,
    back: slice::Iter<'a, (StreamId, V)>,
}

impl<'a, V> Iterator for Iter<'a, V> {
    type Item = &'a (StreamId, V);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(entry) = self.front.next() {
                return Some(entry);
            }
            match self.runs.next() {
                Some((_, run)) => self.front = run.iter(),
                None => return self.back.next(),
            }
        }
    }
}

impl<V> DoubleEndedIterator for Iter<'_, V> {
    #[inline]
    fn next_back(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(entry) = self.back.next_back() {
                return Some(entry);
            }
            match self.runs.next_back() {
                Some((_, run)) => self.back = run.iter(),
                None => return self.front.next_back(),
            }
        }
    }
}

/// Where an ID is in a run, or would be.
#[inline]
fn place<V>(run: &[(StreamId, V)], id: StreamId) -> Result<usize, usize> {
    match run.last() {
        // What is new goes to the end.
        Some((last, _)) if *last < id => Err(run.len()),
        _ => run.binary_search_by_key(&id, |(id, _)| *id),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_is_a_map(
            steps in prop::collection::vec((0u8..3, 0u64..400, 1usize..90), 1..60),
            edges in (0u64..400, 0u64..400),
        ) {
            let (mut map, mut plain) = (IdMap::default(), BTreeMap::new());
            for (kind, from, count) in steps {
                for step in 0..count as u64 {
                    // Runs in order, the wrong way round, and scattered.
                    let seq = [from + step, from + 100 - step, from * (step + 1) % 401]
                        [usize::from(kind)];
                    let id = StreamId::new(1, seq);
                    if (from + step) % 7 < 4 {
                        prop_assert_eq!(map.insert(id, step), plain.insert(id, step));
                    } else {
                        prop_assert_eq!(map.remove(id), plain.remove(&id));
                    }
                }
                if kind == 2 {
                    // Acknowledged in order.
                    for (id, _) in plain.clone().into_iter().take(count) {
                        prop_assert_eq!(map.remove(id), plain.remove(&id));
                    }
                }
                prop_assert_eq!(map.len(), plain.len());
                prop_assert!(map.runs.values().all(|run| !run.is_empty() && run.len() <= RUN_MAX));
            }
            prop_assert!(map.all().copied().eq(plain.clone()));
            prop_assert!(map.all().rev().copied().eq(plain.clone().into_iter().rev()));
            prop_assert_eq!(map.first().map(|(id, _)| id), plain.keys().next());
            prop_assert_eq!(map.last().map(|(id, _)| id), plain.keys().next_back());
            for edge in [edges.0, edges.1, 0, 1000] {
                let id = StreamId::new(1, edge);
                prop_assert_eq!(map.get(id), plain.get(&id));
                let own = |(id, value): (&StreamId, &u64)| (*id, *value);
                prop_assert!(map.from(id).copied().eq(plain.range(id..).map(own)));
                prop_assert!(map.from(id).rev().copied().eq(plain.range(id..).rev().map(own)));
                prop_assert!(map.until(id).copied().eq(plain.range(..=id).map(own)));
                prop_assert!(map.until(id).rev().copied().eq(plain.range(..=id).rev().map(own)));
            }
        }
    }

    #[test]
    fn copies_of_a_shared_map_go_their_own_ways() {
        let mut map = IdMap::default();
        for seq in 0..640 {
            map.insert(StreamId::new(1, seq), seq);
        }
        map.share();
        let mut copy = map.clone();
        for seq in 0..200 {
            map.remove(StreamId::new(1, seq));
            copy.insert(StreamId::new(1, 1000 - seq), seq);
            *map.get_mut(StreamId::new(1, 300 + seq)).expect("it is there") = 0;
        }
        assert_eq!((map.len(), copy.len()), (440, 840));
        assert!(copy.all().take(640).map(|(id, seq)| (id.seq, *seq)).eq((0..640).zip(0..)));
        assert!(
            map.all()
                .all(|(id, seq)| *seq == if (300..500).contains(&id.seq) { 0 } else { id.seq })
        );
    }

    #[test]
    fn a_run_is_as_long_as_a_vector() {
        assert_eq!(size_of::<Run<u64>>(), size_of::<Entries<u64>>());
    }

    #[test]
    fn what_arrives_in_order_leaves_no_gaps() {
        let mut map = IdMap::default();
        for seq in 0..6400 {
            map.insert(StreamId::new(1, seq), ());
        }
        assert_eq!(map.runs.len(), 100);
        assert!(map.runs.values().all(|run| run.capacity() == RUN_MAX));
        for seq in (0..6400).filter(|seq| seq % 40 != 0) {
            map.remove(StreamId::new(1, seq));
        }
        assert_eq!(map.len(), 160);
        let room: usize = map.runs.values().map(|run| run.capacity()).sum();
        assert!(room <= 4 * 160, "room for {room}");
    }
}
