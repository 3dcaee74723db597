//! Reading a set in whatever form it is held.

use crate::entry::{Entry, IntText};
use crate::kind::PackedKind;
use crate::listpack::{Element, Elements, Listpack};
use crate::object::Object;
use crate::set::intset::IntSet;
use crate::set::table::{SetTable, TableMembers};

/// A set, for reading.
#[derive(Clone, Copy, Debug)]
pub enum SetRef<'a> {
    /// Integers in ascending order.
    Ints(IntSet<'a>),
    /// Members one behind the other.
    Packed(Listpack<'a>),
    /// Members in a table.
    Table(&'a SetTable),
}

impl Entry {
    /// The set this key holds, or `None` if it holds another type.
    #[must_use]
    #[inline]
    pub fn set(&self) -> Option<SetRef<'_>> {
        match self.packed() {
            Some((PackedKind::IntSet, bytes)) => Some(SetRef::Ints(IntSet::new(bytes))),
            Some((PackedKind::Set | PackedKind::TableSet, bytes)) => {
                Some(SetRef::Packed(Listpack::new(bytes)))
            }
            Some(_) => None,
            None => match self.object()? {
                Object::Set(table) => Some(SetRef::Table(table)),
                _ => None,
            },
        }
    }
}

impl<'a> SetRef<'a> {
    /// Number of members. O(1)
    #[must_use]
    #[inline]
    pub fn len(self) -> usize {
        match self {
            Self::Ints(set) => set.len(),
            Self::Packed(set) => set.len(),
            Self::Table(set) => set.len(),
        }
    }

    /// Whether there is no member: only while a set is being built.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// Whether `member` is one.
    #[must_use]
    #[inline]
    pub fn contains(self, member: &[u8]) -> bool {
        match self {
            Self::Table(set) => set.contains(member),
            packed => packed.contains_element(Element::of(member)),
        }
    }

    /// Whether `member` is one.
    #[must_use]
    pub fn contains_element(self, member: Element<'_>) -> bool {
        match (self, member) {
            (Self::Ints(set), Element::Int(number)) => set.contains(number),
            (Self::Ints(_), Element::Text(_)) => false,
            (Self::Packed(set), member) => set.find(member).is_some(),
            (Self::Table(set), member) => set.contains(member.as_bytes(&mut IntText::default())),
        }
    }

    /// All members.
    #[must_use]
    pub fn iter(self) -> Members<'a> {
        match self {
            Self::Ints(set) => Members::Ints { set, next: 0 },
            Self::Packed(set) => Members::Packed(set.iter()),
            Self::Table(set) => Members::Table(set.iter()),
        }
    }

    /// A random member, all with the same chance; `None` if there is none. The same number gives
    /// the same member.
    #[must_use]
    pub fn sample(self, random: u64) -> Option<Element<'a>> {
        /// A number below `len`, all very nearly as likely.
        fn below(random: u64, len: usize) -> usize {
            ((u128::from(random) * len as u128) >> 64) as usize
        }
        match self {
            _ if self.is_empty() => None,
            Self::Ints(set) => Some(Element::Int(set.get(below(random, set.len())))),
            Self::Packed(set) => {
                let index = below(random, set.len());
                Some(set.get(set.seek(index as i64)?))
            }
            Self::Table(set) => set.sample(random).map(Element::Text),
        }
    }

    /// Visits some members and returns the cursor for the next call, 0 at the end: one bucket of a
    /// table, all members of smaller forms. A member that is there from the first call to the last
    /// is visited at least once, whatever is added and removed meanwhile.
    pub fn scan(self, cursor: u64, visit: &mut dyn FnMut(Element<'_>)) -> u64 {
        match self {
            Self::Table(set) => set.scan(cursor, &mut |member| visit(Element::Text(member))),
            packed => {
                packed.iter().for_each(visit);
                0
            }
        }
    }
}

/// The members of a set. Those of a table are all [`Element::Text`], also where they are numbers.
pub enum Members<'a> {
    /// Of an intset, in ascending order.
    Ints {
        /// The set.
        set: IntSet<'a>,
        /// Index of the next member.
        next: usize,
    },
    /// Of a listpack, in the order in which they came.
    Packed(Elements<'a>),
    /// Of a table, in no order.
    Table(TableMembers<'a>),
}

impl<'a> Iterator for Members<'a> {
    type Item = Element<'a>;

    #[inline]
    fn next(&mut self) -> Option<Element<'a>> {
        match self {
            Self::Ints { set, next } => {
                let index = *next;
                *next += 1;
                (index < set.len()).then(|| Element::Int(set.get(index)))
            }
            Self::Packed(elements) => elements.next().map(|(_, element)| element),
            Self::Table(members) => members.next().map(Element::Text),
        }
    }
}
