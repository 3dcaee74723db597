//! The groups of a stream by name.

use std::collections::BTreeMap;
use std::collections::btree_map::{self, Keys, Values};
use std::mem;

use super::group::Group;
use crate::frozen::{FrozenPlace, Thawed};

/// The groups of a stream by name.
///
/// While the stream is frozen, a group is copied before it is changed for the first time; what is
/// pending is shared by the copies as far as it stays the same.
#[derive(Clone, Debug, Default)]
pub struct Groups {
    groups: BTreeMap<Box<[u8]>, Group>,
    frozen: FrozenPlace<Changed>,
}

/// Groups that were changed since, as they were; `None` were not there.
pub(super) type Changed = BTreeMap<Box<[u8]>, Option<Group>>;

impl Groups {
    /// Number of groups.
    #[must_use]
    pub fn len(&self) -> usize {
        self.groups.len()
    }

    /// Whether there is no group.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }

    /// The group of this name.
    #[must_use]
    pub fn get(&self, name: &[u8]) -> Option<&Group> {
        self.groups.get(name)
    }

    /// Whether there is a group of this name.
    #[must_use]
    pub fn contains_key(&self, name: &[u8]) -> bool {
        self.groups.contains_key(name)
    }

    /// The group of this name, for changing it.
    pub fn get_mut(&mut self, name: &[u8]) -> Option<&mut Group> {
        let group = self.groups.get_mut(name)?;
        if let Some(changed) = self.frozen.get_mut()
            && !changed.contains_key(name)
        {
            group.share();
            changed.insert(name.into(), Some(group.clone()));
        }
        Some(group)
    }

    /// Adds a group; returns the one that had the name.
    pub fn insert(&mut self, name: Box<[u8]>, group: Group) -> Option<Group> {
        let before = self.groups.insert(name.clone(), group);
        if let Some(changed) = self.frozen.get_mut() {
            changed.entry(name).or_insert_with(|| before.clone());
        }
        before
    }

    /// Removes a group; tells whether there was one.
    pub fn remove(&mut self, name: &[u8]) -> bool {
        let Some((name, group)) = self.groups.remove_entry(name) else { return false };
        if let Some(changed) = self.frozen.get_mut() {
            changed.entry(name).or_insert(Some(group));
        }
        true
    }

    /// The names in order.
    pub fn keys(&self) -> Keys<'_, Box<[u8]>, Group> {
        self.groups.keys()
    }

    /// The groups in the order of their names.
    pub fn values(&self) -> Values<'_, Box<[u8]>, Group> {
        self.groups.values()
    }

    /// Names and groups in order.
    pub fn iter(&self) -> btree_map::Iter<'_, Box<[u8]>, Group> {
        self.groups.iter()
    }

    /// Remembers from now on what the groups were.
    pub(super) fn freeze(&mut self) {
        self.frozen.put(Changed::new());
    }

    /// Makes the groups what they were when the stream was frozen, which is then forgotten; returns
    /// what they are, for [`Groups::go_on`].
    pub(super) fn go_back(&mut self) -> Changed {
        let changed = self.frozen.get_mut().map(mem::take).unwrap_or_default();
        drop(self.thaw());
        self.exchange(changed)
    }

    /// Makes the groups what they are, after [`Groups::go_back`]; returns what they were.
    pub(super) fn go_on(&mut self, groups: Changed) -> Changed {
        self.exchange(groups)
    }

    fn exchange(&mut self, groups: Changed) -> Changed {
        groups
            .into_iter()
            .map(|(name, group)| {
                let other = match group {
                    Some(group) => self.groups.insert(name.clone(), group),
                    None => self.groups.remove(&name),
                };
                (name, other)
            })
            .collect()
    }

    /// Makes copies cheap that are made from now on.
    pub(super) fn share(&mut self) {
        self.groups.values_mut().for_each(Group::share);
    }

    pub(super) fn thaw(&mut self) -> Thawed {
        self.frozen.clear()
    }

    /// Bytes of heap, estimated.
    pub(super) fn heap_bytes(&self) -> usize {
        let changed = self.frozen.get().into_iter().flatten();
        let kept = changed.filter_map(|(name, group)| Some((name, group.as_ref()?)));
        self.groups
            .iter()
            .chain(kept)
            .map(|(name, group)| name.len() + group.heap_bytes() + size_of::<(Box<[u8]>, Group)>())
            .sum()
    }
}

impl<'a> IntoIterator for &'a Groups {
    type Item = (&'a Box<[u8]>, &'a Group);
    type IntoIter = btree_map::Iter<'a, Box<[u8]>, Group>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl FromIterator<(Box<[u8]>, Group)> for Groups {
    fn from_iter<I: IntoIterator<Item = (Box<[u8]>, Group)>>(groups: I) -> Self {
        Self { groups: groups.into_iter().collect(), frozen: FrozenPlace::EMPTY }
    }
}
