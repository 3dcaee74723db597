//! Editing a hash, and when it changes its form.

use dunlin_stdx::time::UnixMs;

use crate::entry::{IntText, NewValue, PackedMut};
use crate::hash::table::HashTable;
use crate::hash::view::{FieldRef, HashRef, Packed};
use crate::hasher::MemberHasher;
use crate::kind::PackedKind;
use crate::listpack::{self, Buffer, Element, Listpack, ListpackMut};
use crate::object::Object;
use crate::value_mut::ValueMut;

/// Longest listpack, in bytes, that grows further.
///
/// Source: Redis configuration file: "hash-max-listpack-entries"; the bound is that of RDB.
pub(super) const LISTPACK_BYTES_MAX: usize = 1 << 30;

/// Longest [`PackedKind::TableHash`], in bytes: some ten fields with values of 100 bytes, which are
/// walked over in the time of one cache miss.
pub(super) const TABLE_HASH_BYTES_MAX: usize = 1024;

/// Most fields of a [`PackedKind::TableHash`].
pub(super) const TABLE_HASH_LEN_MAX: usize = 32;

/// Most bytes that an element takes beside its text: five of header and five behind it.
const ELEMENT_OVERHEAD_MAX: usize = 10;

/// Sizes up to which hashes are held in their smaller forms, and how larger ones hash.
#[derive(Clone, Copy, Debug)]
pub struct HashLimits {
    /// Most fields of a listpack (`hash-max-listpack-entries`).
    pub listpack_len: usize,
    /// Longest name or value in a listpack, in bytes (`hash-max-listpack-value`).
    pub listpack_value_len: usize,
    /// How fields of a table are hashed.
    pub hasher: MemberHasher,
}

impl HashLimits {
    /// The form in which `words`, names and values in turns, make a new hash; `None` is a table.
    fn form_of(&self, words: &[&[u8]]) -> Option<PackedKind> {
        let bytes: usize = words.iter().map(|word| word.len()).sum();
        let fits = words.len() / 2 <= self.listpack_len
            && bytes <= LISTPACK_BYTES_MAX
            && words.iter().all(|word| word.len() <= self.listpack_value_len);
        if fits {
            return Some(PackedKind::Hash);
        }
        let is_small = words.len() / 2 <= TABLE_HASH_LEN_MAX
            && bytes + words.len() * ELEMENT_OVERHEAD_MAX <= TABLE_HASH_BYTES_MAX;
        is_small.then_some(PackedKind::TableHash)
    }

    /// A new hash of `words`, names and values in turns, and the number of its fields; where a name
    /// is there twice, its last value counts. `bytes` is room for the packed forms.
    #[must_use]
    pub fn build<'b>(&self, words: &[&[u8]], bytes: &'b mut Vec<u8>) -> (NewValue<'b>, usize) {
        let Some(kind) = self.form_of(words) else {
            let mut table = HashTable::new(self.hasher);
            for pair in words.chunks_exact(2) {
                table.set(pair[0], pair[1], |_| None);
            }
            let len = table.len();
            return (NewValue::Boxed(Box::new(Object::Hash(Box::new(table)))), len);
        };
        bytes.clear();
        let len: usize = words.iter().map(|word| word.len() + ELEMENT_OVERHEAD_MAX).sum();
        bytes.reserve(listpack::EMPTY.len() + len);
        bytes.extend_from_slice(&listpack::EMPTY);
        let mut list = ListpackMut::new(&mut *bytes);
        let mut len = 0;
        for pair in words.chunks_exact(2) {
            len += usize::from(set_in_list(&mut list, false, pair[0], pair[1]));
        }
        (NewValue::Packed(kind, bytes), len)
    }
}

/// Sets a field of a listpack, without a deadline; returns whether it was not there.
fn set_in_list<B: Buffer>(
    list: &mut ListpackMut<B>,
    with_deadlines: bool,
    name: &[u8],
    value: &[u8],
) -> bool {
    let value = Element::of(value);
    let hash = Packed { list: list.view(), with_deadlines };
    match (hash.find(name), with_deadlines) {
        (Some(place), false) => {
            let place = hash.list.behind(place);
            list.replace(place, 1, &[value]);
            false
        }
        (Some(place), true) => {
            let place = hash.list.behind(place);
            list.replace(place, 2, &[value, Element::Int(0)]);
            false
        }
        (None, false) => {
            list.insert(hash.list.end(), &[Element::of(name), value]);
            true
        }
        (None, true) => {
            list.insert(hash.list.end(), &[Element::of(name), value, Element::Int(0)]);
            true
        }
    }
}

/// A hash, for editing. Fields whose deadline has passed are not there for it, but are held.
pub struct HashMut<'a> {
    value: ValueMut<'a>,
    limits: HashLimits,
    now: UnixMs,
}

impl<'a> HashMut<'a> {
    /// The hash in `value`, as it is at `now`.
    ///
    /// # Panics
    /// Its methods panic if the value is not a hash: look first.
    #[must_use]
    #[inline]
    pub const fn new(value: ValueMut<'a>, limits: HashLimits, now: UnixMs) -> Self {
        Self { value, limits, now }
    }

    /// The hash, for reading.
    #[must_use]
    #[inline]
    pub fn view(&self) -> HashRef<'_> {
        self.value.hash(self.now).expect("the value is a hash")
    }

    /// Prepares for `words`, names and values in turns, that are about to be set: if they do not
    /// fit a listpack, it is left before the first of them, as in Redis.
    #[inline]
    pub fn expect(&mut self, words: &[&[u8]]) {
        if self.is_in_listpack() && self.limits.form_of(words) != Some(PackedKind::Hash) {
            self.convert_to_table();
        }
    }

    /// Sets a field, which loses its deadline; returns whether it is new.
    #[inline]
    pub fn set(&mut self, name: &[u8], value: &[u8]) -> bool {
        let now = self.now;
        if let Some(table) = self.table_mut() {
            let mut was_due = false;
            let is_new = table.set(name, value, |deadline| {
                was_due = deadline.is_some_and(|at| at <= now);
                None
            });
            return is_new || was_due;
        }
        self.set_packed(name, value)
    }

    fn set_packed(&mut self, name: &[u8], value: &[u8]) -> bool {
        if !self.fits(name, value) {
            let is_new = self.view().get(name).is_none();
            self.convert_to_table();
            self.set(name, value);
            return is_new;
        }
        let with_deadlines = self.packed().with_deadlines;
        let was_due = with_deadlines && self.holds_due(name);
        let added = set_in_list(&mut self.list_mut(), with_deadlines, name, value);
        if added && self.is_in_listpack() && self.packed().len() > self.limits.listpack_len {
            self.convert_to_table();
        }
        added || was_due
    }

    /// Whether a packed form holds a field of this name whose deadline has passed.
    fn holds_due(&self, name: &[u8]) -> bool {
        let hash = self.packed();
        hash.find(name).is_some_and(|place| hash.field(place).is_due(self.now))
    }

    /// Sets a field, which keeps its deadline if it has one; returns whether it is new.
    #[inline]
    pub fn set_keeping_deadline(&mut self, name: &[u8], value: &[u8]) -> bool {
        let now = self.now;
        if let Some(table) = self.table_mut() {
            let mut was_due = false;
            let is_new = table.set(name, value, |deadline| {
                was_due = deadline.is_some_and(|at| at <= now);
                deadline.filter(|_| !was_due)
            });
            return is_new || was_due;
        }
        let deadline = self.view().get(name).and_then(|field| field.deadline);
        let is_new = self.set_packed(name, value);
        if deadline.is_some() {
            self.set_deadline(name, deadline);
        }
        is_new
    }

    /// Gives a field a deadline or takes it away. A field that is not there is left alone.
    pub fn set_deadline(&mut self, name: &[u8], deadline: Option<UnixMs>) {
        if deadline.is_some() {
            self.make_room_for_deadlines();
        }
        if let Some(table) = self.table_mut() {
            table.set_deadline(name, deadline);
            return;
        }
        let hash = self.packed();
        if hash.with_deadlines
            && let Some(place) = hash.find(name)
        {
            let place = hash.list.behind(hash.list.behind(place));
            // Zero means none: the first millisecond of 1970 is as far in the past.
            let at = deadline.map_or(0, |at| if at.0 == 0 { 1 } else { at.0 });
            self.list_mut().replace(place, 1, &[Element::Int(at)]);
        }
    }

    /// Removes a field; returns whether it was there. The hash keeps its form, and its key: whoever
    /// removes the last field removes the key.
    #[inline]
    pub fn remove(&mut self, name: &[u8]) -> bool {
        let now = self.now;
        if let Some(table) = self.table_mut() {
            if table.had_deadlines && table.get(name).is_some_and(|field| field.is_due(now)) {
                return false;
            }
            return table.remove(name);
        }
        self.remove_packed(name, |field| !field.is_due(now))
    }

    /// Removes a field if its deadline has passed; returns whether it was there and has.
    pub fn expire(&mut self, name: &[u8]) -> bool {
        let now = self.now;
        if let Some(table) = self.table_mut() {
            return table.get(name).is_some_and(|field| field.is_due(now)) && table.remove(name);
        }
        self.remove_packed(name, |field| field.is_due(now))
    }

    fn remove_packed(&mut self, name: &[u8], accept: impl FnOnce(FieldRef<'_>) -> bool) -> bool {
        let hash = self.packed();
        let place = hash.find(name).filter(|&place| accept(hash.field(place)));
        if let Some(place) = place {
            let stride = hash.stride();
            self.list_mut().remove(place, stride);
        }
        place.is_some()
    }

    /// Removes fields whose deadline has passed and calls `out` with their names. Reading a field
    /// takes one from `budget`; at 0 this ends. Returns whether there may be more to remove.
    pub fn expire_due(&mut self, budget: &mut usize, out: &mut dyn FnMut(&[u8])) -> bool {
        let now = self.now;
        if let Some(table) = self.table_mut() {
            return table.expire_due(now, budget, out);
        }
        if !self.packed().with_deadlines {
            return false;
        }
        let mut digits = IntText::default();
        let mut next = self.packed().list.first();
        while let Some(place) = next {
            if *budget == 0 {
                return true;
            }
            *budget -= 1;
            let field = self.packed().field(place);
            if field.is_due(now) {
                out(field.name.as_bytes(&mut digits));
                self.list_mut().remove(place, 3);
                next = self.packed().at(place);
            } else {
                next = self.packed().behind(place);
            }
        }
        false
    }

    /// Whether a field of a packed form may be set to this value without leaving the form.
    fn fits(&self, name: &[u8], value: &[u8]) -> bool {
        let hash = self.packed();
        let bytes = hash.list.as_bytes().len() + name.len() + value.len();
        if self.is_in_listpack() {
            let longest = name.len().max(value.len());
            return longest <= self.limits.listpack_value_len && bytes <= LISTPACK_BYTES_MAX;
        }
        hash.len() < TABLE_HASH_LEN_MAX && bytes + 2 * ELEMENT_OVERHEAD_MAX <= TABLE_HASH_BYTES_MAX
    }

    /// Makes the form one whose fields may have deadlines.
    fn make_room_for_deadlines(&mut self) {
        match self.value.packed() {
            Some((PackedKind::TableHash, _)) => self.move_to_table(),
            Some((PackedKind::Hash, bytes)) => {
                let hash = Packed { list: Listpack::new(bytes), with_deadlines: false };
                let elements: Vec<Element<'_>> = hash
                    .iter()
                    .flat_map(|(_, field)| [field.name, field.value, Element::Int(0)])
                    .collect();
                let mut list = listpack::EMPTY.to_vec();
                let end = Listpack::new(&list).end();
                ListpackMut::new(&mut list).insert(end, &elements);
                self.value.convert(NewValue::Packed(PackedKind::HashWithDeadlines, &list));
            }
            _ => {}
        }
    }

    /// Leaves the forms with limits: the encoding is `hashtable` from here on.
    fn convert_to_table(&mut self) {
        if let Some((PackedKind::Hash, bytes)) = self.value.packed() {
            let hash = Packed { list: Listpack::new(bytes), with_deadlines: false };
            if bytes.len() < TABLE_HASH_BYTES_MAX && hash.len() < TABLE_HASH_LEN_MAX {
                let bytes = bytes.to_vec();
                self.value.convert(NewValue::Packed(PackedKind::TableHash, &bytes));
                return;
            }
        }
        self.move_to_table();
    }

    fn move_to_table(&mut self) {
        let mut table = HashTable::new(self.limits.hasher);
        let (mut name_digits, mut value_digits) = (IntText::default(), IntText::default());
        let hash = self.packed();
        for (_, field) in hash.iter() {
            let value = field.value.as_bytes(&mut value_digits);
            table.insert(field.name.as_bytes(&mut name_digits), value, field.deadline);
        }
        table.had_deadlines = hash.with_deadlines;
        self.value.convert(NewValue::Boxed(Box::new(Object::Hash(Box::new(table)))));
    }

    /// Whether clients see a listpack.
    #[inline]
    fn is_in_listpack(&self) -> bool {
        matches!(self.value.packed(), Some((PackedKind::Hash | PackedKind::HashWithDeadlines, _)))
    }

    #[inline]
    fn table_mut(&mut self) -> Option<&mut HashTable> {
        match self.value.object_mut()? {
            Object::Hash(table) => Some(table),
            _ => None,
        }
    }

    fn packed(&self) -> Packed<'_> {
        let (kind, bytes) = self.value.packed().expect("what is in no table is packed");
        Packed::new(kind, bytes).expect("the value is a hash")
    }

    fn list_mut(&mut self) -> ListpackMut<PackedMut<'_>> {
        ListpackMut::new(self.value.packed_mut().expect("what is in no table is packed"))
    }
}
