//! A set in a table: each member in an allocation of its own.

use std::fmt;

use dunlin_table::{Iter, Table, TableStats};

use crate::frozen::{FrozenHeader, FrozenItem, FrozenPlace, FrozenTable, Part, Parted, Thawed};
use crate::hasher::MemberHasher;
use crate::kind::Encoding;
use crate::thin::ThinBytes;

/// A set in a table.
pub struct SetTable {
    table: Table<ThinBytes>,
    hasher: MemberHasher,
    /// Heap bytes of all members.
    member_bytes: usize,
    frozen: FrozenPlace<FrozenTable>,
}

impl SetTable {
    /// An empty set.
    #[must_use]
    pub const fn new(hasher: MemberHasher) -> Self {
        Self { table: Table::new(), hasher, member_bytes: 0, frozen: FrozenPlace::EMPTY }
    }

    /// Number of members.
    #[must_use]
    #[inline]
    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// Whether there is no member.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.table.is_empty()
    }

    /// How members are hashed.
    #[must_use]
    #[inline]
    pub const fn hasher(&self) -> MemberHasher {
        self.hasher
    }

    /// Whether `member` is one.
    #[must_use]
    #[inline]
    pub fn contains(&self, member: &[u8]) -> bool {
        self.contains_hashed(self.hasher.hash(member), member)
    }

    /// Whether `member`, whose hash is `hash`, is one.
    #[must_use]
    #[inline]
    pub fn contains_hashed(&self, hash: u64, member: &[u8]) -> bool {
        self.table.find(hash, member).is_some()
    }

    /// Asks for the bucket of a hash; first of two steps for many look-ups at once.
    #[inline]
    pub fn prefetch_bucket(&self, hash: u64) {
        self.table.prefetch_bucket(hash);
    }

    /// Asks for the member of a hash; the second step.
    #[inline]
    pub fn prefetch_member(&self, hash: u64) {
        self.table.prefetch_item(hash);
    }

    /// Adds a member; returns whether it is new.
    #[inline]
    pub fn insert(&mut self, member: &[u8]) -> bool {
        let hash = self.hasher.hash(member);
        if self.contains_hashed(hash, member) {
            return false;
        }
        self.insert_new(hash, member);
        true
    }

    /// Adds a member that is not one yet and whose hash is `hash`.
    pub(super) fn insert_new(&mut self, hash: u64, member: &[u8]) {
        let hasher = self.hasher;
        if let Some(frozen) = self.frozen.get_mut() {
            frozen.keep(&self.table, hasher, (hash, member), true);
        }
        self.member_bytes += ThinBytes::heap_bytes_of(member.len());
        let rehash = |member: &ThinBytes| hasher.hash(member.as_bytes());
        self.table.insert(hash, ThinBytes::new(member), rehash);
    }

    /// Removes a member; returns whether it was one.
    #[inline]
    pub fn remove(&mut self, member: &[u8]) -> bool {
        let hash = self.hasher.hash(member);
        if let Some(frozen) = self.frozen.get_mut() {
            frozen.keep(&self.table, self.hasher, (hash, member), false);
        }
        let removed = self.table.remove(hash, member);
        if removed.is_some() {
            self.member_bytes -= ThinBytes::heap_bytes_of(member.len());
        }
        removed.is_some()
    }

    /// A random member, all with very nearly the same chance; `None` if there is none.
    #[must_use]
    pub fn sample(&self, random: u64) -> Option<&[u8]> {
        self.table.sample(random).map(|member| member.key())
    }

    /// All members.
    #[must_use]
    pub fn iter(&self) -> TableMembers<'_> {
        TableMembers(self.table.iter())
    }

    /// Visits the members of one bucket and returns the cursor for the next call, 0 at the end. A
    /// member that is there from the first call to the last is visited at least once.
    pub fn scan(&self, cursor: u64, visit: &mut dyn FnMut(&[u8])) -> u64 {
        self.table.scan(cursor, &mut |member| visit(member.as_bytes()))
    }

    /// Figures about the table's shape.
    #[must_use]
    pub fn stats(&self) -> TableStats {
        self.table.stats()
    }

    /// How much work dropping it is, counted in allocations.
    #[must_use]
    pub fn free_effort(&self) -> usize {
        self.len() + 1
    }

    /// Bytes of heap it holds, itself included.
    #[must_use]
    pub fn heap_bytes(&self) -> usize {
        size_of::<Self>()
            + self.table.memory_bytes()
            + self.member_bytes
            + self.frozen.get().map_or(0, FrozenTable::heap_bytes)
    }

    /// Whether it is better handed out in pieces.
    pub(crate) fn is_large(&self) -> bool {
        FrozenTable::is_worth_it(self.len(), self.member_bytes)
    }

    pub(crate) fn freeze(&mut self, id: u32) -> FrozenHeader {
        self.frozen.put(FrozenTable::new(id, self.len(), self.member_bytes));
        FrozenHeader {
            encoding: Encoding::Hashtable,
            is_hash: false,
            items: self.len(),
            earliest_field_deadline: None,
        }
    }

    pub(crate) fn frozen_id(&self) -> Option<u32> {
        self.frozen.get().map(FrozenTable::id)
    }

    pub(crate) fn emit_frozen(
        &mut self,
        budget: &mut usize,
        visit: &mut dyn FnMut(FrozenItem<'_>),
    ) -> bool {
        let Some(frozen) = self.frozen.get_mut() else { return true };
        frozen.emit(&self.table, self.hasher, budget, visit)
    }

    pub(crate) fn thaw(&mut self) -> Thawed {
        self.frozen.clear()
    }
}

impl Parted for ThinBytes {
    fn part(&self) -> Part<'_> {
        Part { name: self.as_bytes(), value: &[], number: 0 }
    }

    fn item(part: Part<'_>) -> FrozenItem<'_> {
        FrozenItem::Member(part.name)
    }
}

impl Clone for SetTable {
    fn clone(&self) -> Self {
        let mut copy = Self::new(self.hasher.another());
        for member in self.iter() {
            copy.insert_new(copy.hasher.hash(member), member);
        }
        copy
    }
}

impl fmt::Debug for SetTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SetTable").field("len", &self.len()).finish_non_exhaustive()
    }
}

/// The members of a set in a table.
pub struct TableMembers<'a>(Iter<'a, ThinBytes>);

impl<'a> Iterator for TableMembers<'a> {
    type Item = &'a [u8];

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        self.0.next().map(|member| member.key())
    }
}
