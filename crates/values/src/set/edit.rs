//! Editing a set, and when it changes its form.

use crate::entry::{IntText, NewValue};
use crate::hasher::MemberHasher;
use crate::kind::PackedKind;
use crate::listpack::{self, Element, Listpack, ListpackMut, encoded_len};
use crate::object::Object;
use crate::set::intset::{self, IntSet};
use crate::set::table::SetTable;
use crate::set::view::SetRef;
use crate::value_mut::ValueMut;

/// Longest listpack, in bytes, that grows further.
///
/// Source: Redis configuration file: "set-max-listpack-entries"; the bound is that of RDB.
pub(super) const LISTPACK_BYTES_MAX: usize = 1 << 30;

/// Most members of an intset, whatever the configuration says.
const INTSET_LEN_MAX: usize = 1 << 30;

/// Longest [`PackedKind::TableSet`], in bytes: some 15 members of 65 bytes, which are compared in
/// the time of one cache miss.
pub(super) const TABLE_SET_BYTES_MAX: usize = 1024;

/// Most members of a [`PackedKind::TableSet`].
pub(super) const TABLE_SET_LEN_MAX: usize = 32;

/// Sizes up to which sets are held in their smaller forms, and how larger ones hash.
#[derive(Clone, Copy, Debug)]
pub struct SetLimits {
    /// Most members of an intset (`set-max-intset-entries`).
    pub intset_len: usize,
    /// Most members of a listpack (`set-max-listpack-entries`).
    pub listpack_len: usize,
    /// Longest member of a listpack, in bytes (`set-max-listpack-value`).
    pub listpack_member_len: usize,
    /// How members of a table are hashed.
    pub hasher: MemberHasher,
}

impl SetLimits {
    /// An empty set for `len` members that begin with `first`; `len` may be a guess.
    #[must_use]
    pub fn new_set(&self, first: &[u8], len: usize) -> NewValue<'static> {
        if len <= self.intset_len && matches!(Element::of(first), Element::Int(_)) {
            return Self::NO_INTS;
        }
        if len <= self.listpack_len {
            return Self::NO_MEMBERS;
        }
        NewValue::Packed(PackedKind::TableSet, &listpack::EMPTY)
    }

    /// An empty set that is an intset.
    pub const NO_INTS: NewValue<'static> = NewValue::Packed(PackedKind::IntSet, &intset::EMPTY);

    /// An empty set that is a listpack.
    pub const NO_MEMBERS: NewValue<'static> = NewValue::Packed(PackedKind::Set, &listpack::EMPTY);

    pub(super) fn intset_len_max(&self) -> usize {
        self.intset_len.min(INTSET_LEN_MAX)
    }

    /// Whether a listpack of `bytes` bytes and `len` members may take a member of `member_len`.
    const fn fits_listpack(&self, bytes: usize, len: usize, member_len: usize) -> bool {
        len < self.listpack_len
            && member_len <= self.listpack_member_len
            && bytes + member_len <= LISTPACK_BYTES_MAX
    }
}

/// A set, for editing.
pub struct SetMut<'a> {
    value: ValueMut<'a>,
    limits: SetLimits,
}

impl<'a> SetMut<'a> {
    /// The set in `value`.
    ///
    /// # Panics
    /// Its methods panic if the value is not a set: look first.
    #[must_use]
    #[inline]
    pub const fn new(value: ValueMut<'a>, limits: SetLimits) -> Self {
        Self { value, limits }
    }

    /// The set, for reading.
    #[must_use]
    pub fn view(&self) -> SetRef<'_> {
        self.value.set().expect("the value is a set")
    }

    /// Makes room for about `len` members more: a form too small for them alone is left at once.
    pub fn expect(&mut self, len: usize) {
        match self.value.packed() {
            Some((PackedKind::Set, _)) if len > self.limits.listpack_len => self.convert_to_table(),
            Some((PackedKind::IntSet, _)) if len > self.limits.intset_len => {
                self.convert_to_table();
            }
            _ => {}
        }
    }

    /// Adds a member; returns whether it is new.
    #[inline]
    pub fn add(&mut self, member: &[u8]) -> bool {
        if let Some(Object::Set(table)) = self.value.object_mut() {
            return table.insert(member);
        }
        self.add_packed(Element::of(member))
    }

    /// Adds a member; returns whether it is new.
    pub fn add_element(&mut self, member: Element<'_>) -> bool {
        if let Some(Object::Set(table)) = self.value.object_mut() {
            return table.insert(member.as_bytes(&mut IntText::default()));
        }
        self.add_packed(match member {
            // A table's members are text also where they are numbers.
            Element::Text(text) => Element::of(text),
            number @ Element::Int(_) => number,
        })
    }

    fn add_packed(&mut self, member: Element<'_>) -> bool {
        let (kind, bytes) = self.value.packed().expect("the value is a set");
        if kind == PackedKind::IntSet {
            return match member {
                Element::Int(number) => self.add_int(number),
                Element::Text(text) => self.add_to_ints(text),
            };
        }
        let list = Listpack::new(bytes);
        if list.find(member).is_some() {
            return false;
        }
        let fits = if kind == PackedKind::Set {
            self.limits.fits_listpack(bytes.len(), list.len(), member.text_len())
        } else {
            list.len() < TABLE_SET_LEN_MAX
                && bytes.len() + encoded_len(member) <= TABLE_SET_BYTES_MAX
        };
        if fits {
            self.list_mut().push_back(member);
        } else {
            self.convert_to_table();
            self.add_element(member);
        }
        true
    }

    /// Adds an integer to an intset.
    fn add_int(&mut self, number: i64) -> bool {
        let mut bytes = self.value.packed_mut().expect("an intset is packed");
        let added = intset::add(&mut bytes, number);
        if added && self.view().len() > self.limits.intset_len_max() {
            self.convert_to_table();
        }
        added
    }

    /// Adds something that is not an integer to an intset, which therefore becomes something else.
    fn add_to_ints(&mut self, text: &[u8]) -> bool {
        let (_, bytes) = self.value.packed().expect("an intset is packed");
        let ints = IntSet::new(bytes);
        let (mut longest, mut listpack_bytes) = (0, 0);
        for extreme in [ints.min(), ints.max()].into_iter().flatten().map(Element::Int) {
            longest = longest.max(extreme.text_len());
            let bytes = listpack::EMPTY.len() + encoded_len(extreme) * ints.len();
            listpack_bytes = listpack_bytes.max(bytes);
        }
        let fits = longest <= self.limits.listpack_member_len
            && self.limits.fits_listpack(listpack_bytes, ints.len(), text.len());
        if fits {
            let mut list = listpack_of(SetRef::Ints(ints));
            ListpackMut::new(&mut list).push_back(Element::Text(text));
            self.value.convert(NewValue::Packed(PackedKind::Set, &list));
        } else {
            self.convert_to_table();
            self.add(text);
        }
        true
    }

    /// Removes a member; returns whether it was one. The set keeps its form, and its key: whoever
    /// removes the last member removes the key.
    #[inline]
    pub fn remove(&mut self, member: &[u8]) -> bool {
        if let Some(Object::Set(table)) = self.value.object_mut() {
            return table.remove(member);
        }
        self.remove_packed(Element::of(member))
    }

    fn remove_packed(&mut self, member: Element<'_>) -> bool {
        let (kind, bytes) = self.value.packed().expect("the value is a set");
        if kind == PackedKind::IntSet {
            let Element::Int(number) = member else { return false };
            let mut bytes = self.value.packed_mut().expect("an intset is packed");
            return intset::remove(&mut bytes, number);
        }
        let place = Listpack::new(bytes).find(member);
        if let Some(place) = place {
            self.list_mut().remove(place, 1);
        }
        place.is_some()
    }

    /// Removes a random member and returns it; `None` if there is none.
    pub fn pop(&mut self, random: u64) -> Option<Vec<u8>> {
        let member = self.view().sample(random)?.to_vec();
        let removed = self.remove(&member);
        debug_assert!(removed, "what was met is a member");
        Some(member)
    }

    /// Makes a set of integers an intset if it is short enough for one, and not frozen.
    ///
    /// # Panics
    /// If a member is not an integer.
    pub fn convert_to_ints(&mut self) {
        let set = self.view();
        let stays = matches!(set, SetRef::Ints(_)) || self.value.frozen_id().is_some();
        if stays || set.len() > self.limits.intset_len_max() {
            return;
        }
        let mut digits = IntText::default();
        let mut numbers: Vec<i64> = set
            .iter()
            .map(|member| match Element::of(member.as_bytes(&mut digits)) {
                Element::Int(number) => number,
                Element::Text(_) => panic!("a member is not an integer"),
            })
            .collect();
        // Ascending, so that each goes to the end.
        numbers.sort_unstable();
        let mut bytes = intset::EMPTY.to_vec();
        for number in numbers {
            intset::add(&mut bytes, number);
        }
        self.value.convert(NewValue::Packed(PackedKind::IntSet, &bytes));
    }

    /// Leaves the forms with limits: the encoding is `hashtable` from here on.
    fn convert_to_table(&mut self) {
        let set = self.view();
        if set.len() < TABLE_SET_LEN_MAX {
            let list = listpack_of(set);
            if list.len() < TABLE_SET_BYTES_MAX && !self.is_table_set() {
                self.value.convert(NewValue::Packed(PackedKind::TableSet, &list));
                return;
            }
        }
        let mut table = SetTable::new(self.limits.hasher);
        let mut digits = IntText::default();
        for member in set.iter() {
            let member = member.as_bytes(&mut digits);
            table.insert_new(self.limits.hasher.hash(member), member);
        }
        self.value.convert(NewValue::Boxed(Box::new(Object::Set(Box::new(table)))));
    }

    fn is_table_set(&self) -> bool {
        matches!(self.value.packed(), Some((PackedKind::TableSet, _)))
    }

    fn list_mut(&mut self) -> ListpackMut<crate::entry::PackedMut<'_>> {
        ListpackMut::new(self.value.packed_mut().expect("a listpack is packed"))
    }
}

/// The members of a set as a listpack.
pub(super) fn listpack_of(set: SetRef<'_>) -> Vec<u8> {
    if let SetRef::Packed(list) = set {
        return list.as_bytes().to_vec();
    }
    let mut bytes = listpack::EMPTY.to_vec();
    let members: Vec<Element<'_>> = set.iter().collect();
    let mut list = ListpackMut::new(&mut bytes);
    list.insert(list.view().end(), &members);
    bytes
}
