//! A hash in a table: each field, with its value, in an allocation of its own.

use std::fmt;

use dunlin_stdx::time::UnixMs;
use dunlin_table::{Iter, Table, TableStats, ThinItem as _};

use crate::frozen::{FrozenHeader, FrozenItem, FrozenPlace, FrozenTable, Part, Parted, Thawed};
use crate::hash::field::{Field, FieldParts};
use crate::hash::view::FieldRef;
use crate::hasher::MemberHasher;
use crate::kind::Encoding;
use crate::listpack::Element;

/// A hash in a table.
pub struct HashTable {
    table: Table<Field>,
    hasher: MemberHasher,
    /// Heap bytes of all fields.
    field_bytes: usize,
    /// Whether a field has or had a deadline.
    pub(super) had_deadlines: bool,
    frozen: FrozenPlace<FrozenTable>,
}

impl HashTable {
    /// An empty hash.
    #[must_use]
    pub const fn new(hasher: MemberHasher) -> Self {
        Self {
            table: Table::new(),
            hasher,
            field_bytes: 0,
            had_deadlines: false,
            frozen: FrozenPlace::EMPTY,
        }
    }

    /// Number of fields, those included whose deadline has passed.
    #[must_use]
    #[inline]
    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// Whether there is no field.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.table.is_empty()
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
            + self.field_bytes
            + self.frozen.get().map_or(0, FrozenTable::heap_bytes)
    }

    /// Whether it is better handed out in pieces.
    pub(crate) fn is_large(&self) -> bool {
        FrozenTable::is_worth_it(self.len(), self.field_bytes)
    }

    pub(crate) fn freeze(&mut self, id: u32) -> FrozenHeader {
        self.frozen.put(FrozenTable::new(id, self.len(), self.field_bytes));
        FrozenHeader {
            encoding: Encoding::Hashtable,
            is_hash: true,
            items: self.len(),
            earliest_field_deadline: self.earliest_deadline(),
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

    /// A time before which no field's deadline passes; `None` if no field has one.
    pub(super) fn earliest_deadline(&self) -> Option<UnixMs> {
        self.table.earliest_deadline().map(UnixMs)
    }

    #[inline]
    pub(super) fn get(&self, name: &[u8]) -> Option<FieldRef<'_>> {
        self.table.find(self.hasher.hash(name), name).map(|field| field_ref(field.contents()))
    }

    /// Sets a field to what `value` makes of its present state; returns whether it is new.
    #[inline]
    pub(super) fn set(
        &mut self,
        name: &[u8],
        value: &[u8],
        deadline: impl FnOnce(Option<UnixMs>) -> Option<UnixMs>,
    ) -> bool {
        let hash = self.hasher.hash(name);
        if let Some(frozen) = self.frozen.get_mut() {
            frozen.keep(&self.table, self.hasher, (hash, name), true);
        }
        match self.table.find_or_table(hash, name) {
            Ok(mut field) => {
                let before = field.heap_bytes();
                let deadline = deadline(field.parts().deadline());
                field.assign(value, deadline);
                self.field_bytes = self.field_bytes - before + field.heap_bytes();
                self.had_deadlines |= deadline.is_some();
                false
            }
            Err(table) => {
                let deadline = deadline(None);
                let (hasher, field) = (self.hasher, Field::new(name, value, deadline));
                self.field_bytes += field.heap_bytes();
                self.had_deadlines |= deadline.is_some();
                table.insert(hash, field, |field| hasher.hash(field.parts().name()));
                true
            }
        }
    }

    /// Adds a field that is not there yet.
    pub(super) fn insert(&mut self, name: &[u8], value: &[u8], deadline: Option<UnixMs>) {
        let (hasher, field) = (self.hasher, Field::new(name, value, deadline));
        let hash = hasher.hash(name);
        if let Some(frozen) = self.frozen.get_mut() {
            frozen.keep(&self.table, hasher, (hash, name), true);
        }
        self.field_bytes += field.heap_bytes();
        self.had_deadlines |= deadline.is_some();
        self.table.insert(hash, field, |field| hasher.hash(field.parts().name()));
    }

    /// Changes the deadline of a field that is there.
    pub(super) fn set_deadline(&mut self, name: &[u8], deadline: Option<UnixMs>) {
        let hash = self.hasher.hash(name);
        if let Some(frozen) = self.frozen.get_mut() {
            frozen.keep(&self.table, self.hasher, (hash, name), false);
        }
        if let Some(mut field) = self.table.find_mut(hash, name) {
            let before = field.heap_bytes();
            field.set_deadline(deadline);
            self.field_bytes = self.field_bytes - before + field.heap_bytes();
            self.had_deadlines |= deadline.is_some();
        }
    }

    /// Removes a field; returns whether it was there.
    #[inline]
    pub(super) fn remove(&mut self, name: &[u8]) -> bool {
        let hash = self.hasher.hash(name);
        if let Some(frozen) = self.frozen.get_mut() {
            frozen.keep(&self.table, self.hasher, (hash, name), false);
        }
        let removed = self.table.remove(hash, name);
        if let Some(field) = &removed {
            self.field_bytes -= field.heap_bytes();
        }
        removed.is_some()
    }

    /// Removes fields whose deadline has passed, as [`Table::expire_due`] does.
    pub(super) fn expire_due(
        &mut self,
        now: UnixMs,
        budget: &mut usize,
        out: &mut dyn FnMut(&[u8]),
    ) -> bool {
        let Self { table, hasher, field_bytes, frozen, .. } = self;
        table.expire_due(now.0, budget, &mut |field, _| {
            let name = field.parts().name();
            if let Some(frozen) = frozen.get_mut() {
                frozen.keep_removed(hasher.hash(name), &field);
            }
            *field_bytes -= field.heap_bytes();
            out(name);
        })
    }

    /// Number of fields whose deadline has passed: O(1) where there is none, else a walk over the
    /// fields that have one.
    pub(super) fn due(&self, now: UnixMs) -> usize {
        if self.earliest_deadline().is_none_or(|at| at > now) {
            return 0;
        }
        self.iter().filter(|field| field.is_due(now)).count()
    }

    pub(super) fn sample(&self, random: u64) -> Option<FieldRef<'_>> {
        self.table.sample(random).map(|field| field_ref(field.contents()))
    }

    pub(super) fn iter(&self) -> TableFields<'_> {
        TableFields(self.table.iter())
    }

    pub(super) fn scan(&self, cursor: u64, visit: &mut dyn FnMut(FieldRef<'_>)) -> u64 {
        self.table.scan(cursor, &mut |field| visit(field_ref(field.contents())))
    }
}

/// What a field in a table looks like from outside. Its name and value are text also where they are
/// numbers.
#[inline]
fn field_ref(contents: &[u8]) -> FieldRef<'_> {
    let parts = FieldParts::of_contents(contents);
    FieldRef {
        name: Element::Text(parts.name()),
        value: Element::Text(parts.value()),
        deadline: parts.deadline(),
    }
}

/// The deadline of a field that has none, as it is kept.
const NO_DEADLINE: i64 = i64::MIN;

impl Parted for Field {
    fn part(&self) -> Part<'_> {
        let parts = self.parts();
        let deadline = parts.deadline().map_or(NO_DEADLINE, |at| at.0);
        Part { name: parts.name(), value: parts.value(), number: deadline.cast_unsigned() }
    }

    fn item(part: Part<'_>) -> FrozenItem<'_> {
        let deadline = part.number.cast_signed();
        FrozenItem::Field {
            name: part.name,
            value: part.value,
            deadline: (deadline != NO_DEADLINE).then_some(UnixMs(deadline)),
        }
    }
}

impl Clone for HashTable {
    fn clone(&self) -> Self {
        let mut copy = Self::new(self.hasher.another());
        for field in &self.table {
            let parts = field.parts();
            copy.insert(parts.name(), parts.value(), parts.deadline());
        }
        copy.had_deadlines = self.had_deadlines;
        copy
    }
}

impl fmt::Debug for HashTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HashTable").field("len", &self.len()).finish_non_exhaustive()
    }
}

/// The fields of a hash in a table.
pub(super) struct TableFields<'a>(Iter<'a, Field>);

impl<'a> Iterator for TableFields<'a> {
    type Item = FieldRef<'a>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        self.0.next().map(|field| field_ref(field.contents()))
    }
}
