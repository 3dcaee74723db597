//! Reading a hash in whatever form it is held.

use dunlin_stdx::time::UnixMs;

use crate::entry::{Entry, IntText};
use crate::hash::table::{HashTable, TableFields};
use crate::kind::PackedKind;
use crate::listpack::{Element, Elements, Listpack, Place};
use crate::object::Object;

/// Draws from a table before it is walked: where most fields are hidden, drawing meets none.
const DRAWS_MAX: usize = 100;

/// A field of a hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FieldRef<'a> {
    /// Its name.
    pub name: Element<'a>,
    /// Its value.
    pub value: Element<'a>,
    /// When it expires, if it does.
    pub deadline: Option<UnixMs>,
}

impl FieldRef<'_> {
    /// Whether its deadline has passed.
    #[inline]
    pub(super) fn is_due(&self, now: UnixMs) -> bool {
        self.deadline.is_some_and(|at| at <= now)
    }
}

/// A hash, for reading. Fields whose deadline has passed are not seen.
#[derive(Clone, Copy, Debug)]
pub struct HashRef<'a> {
    form: Form<'a>,
    now: UnixMs,
}

/// How a hash is held.
#[derive(Clone, Copy, Debug)]
enum Form<'a> {
    Packed(Packed<'a>),
    Table(&'a HashTable),
}

/// A hash in a listpack.
#[derive(Clone, Copy, Debug)]
pub(super) struct Packed<'a> {
    pub(super) list: Listpack<'a>,
    pub(super) with_deadlines: bool,
}

impl Entry {
    /// The hash this key holds, as it is seen at `now`; `None` if the key holds another type. At
    /// [`UnixMs`]'s minimum no deadline has passed.
    #[must_use]
    #[inline]
    pub fn hash(&self, now: UnixMs) -> Option<HashRef<'_>> {
        let form = match self.packed() {
            Some((kind, bytes)) => Form::Packed(Packed::new(kind, bytes)?),
            None => match self.object()? {
                Object::Hash(table) => Form::Table(table),
                _ => return None,
            },
        };
        Some(HashRef { form, now })
    }

    /// A time before which no field of the hash expires that this key holds: `None` if it holds
    /// another type, or if no field has a deadline. O(1) for hashes that never had deadlines.
    #[must_use]
    pub fn earliest_field_deadline(&self) -> Option<UnixMs> {
        match self.packed() {
            Some((PackedKind::HashWithDeadlines, bytes)) => {
                let packed = Packed { list: Listpack::new(bytes), with_deadlines: true };
                packed.iter().filter_map(|(_, field)| field.deadline).min()
            }
            Some(_) => None,
            None => match self.object()? {
                Object::Hash(table) => table.earliest_deadline(),
                _ => None,
            },
        }
    }

    /// Whether the key holds a hash whose fields have or had deadlines. O(1)
    #[must_use]
    #[inline]
    pub fn had_field_deadlines(&self) -> bool {
        match self.packed() {
            Some((kind, _)) => kind == PackedKind::HashWithDeadlines,
            None => matches!(self.object(), Some(Object::Hash(table)) if table.had_deadlines),
        }
    }
}

impl<'a> HashRef<'a> {
    /// Number of fields. O(1), but a walk while fields are held whose deadline has passed.
    #[must_use]
    pub fn len(self) -> usize {
        match self.form {
            Form::Packed(packed) if packed.with_deadlines => self.iter().count(),
            Form::Packed(packed) => packed.len(),
            Form::Table(table) => table.len() - table.due(self.now),
        }
    }

    /// Whether there is no field that can be seen.
    #[must_use]
    pub fn is_empty(self) -> bool {
        match self.form {
            Form::Packed(packed) if packed.with_deadlines => self.iter().next().is_none(),
            _ => self.len() == 0,
        }
    }

    /// Number of fields that are held, whether they are seen or not. O(1)
    #[must_use]
    pub fn held_len(self) -> usize {
        match self.form {
            Form::Packed(packed) => packed.len(),
            Form::Table(table) => table.len(),
        }
    }

    /// The field of this name.
    #[must_use]
    #[inline]
    pub fn get(self, name: &[u8]) -> Option<FieldRef<'a>> {
        let field = match self.form {
            Form::Packed(packed) => packed.find(name).map(|place| packed.field(place))?,
            Form::Table(table) => table.get(name)?,
        };
        (!field.is_due(self.now)).then_some(field)
    }

    /// All fields.
    #[must_use]
    pub fn iter(self) -> Fields<'a> {
        let walk = match self.form {
            Form::Packed(packed) => Walk::Packed(packed.iter()),
            Form::Table(table) => Walk::Table(table.iter()),
        };
        Fields { walk, now: self.now }
    }

    /// A random field, all with very nearly the same chance; `None` if there is none. The same
    /// numbers give the same field.
    #[must_use]
    pub fn sample(self, mut random: impl FnMut() -> u64) -> Option<FieldRef<'a>> {
        let Form::Table(table) = self.form else {
            let len = self.len();
            let index = (u128::from(random()) * len as u128) >> 64;
            return self.nth(index as usize);
        };
        for _ in 0..DRAWS_MAX {
            let field = table.sample(random())?;
            if !field.is_due(self.now) {
                return Some(field);
            }
        }
        let len = self.len();
        let index = (u128::from(random()) * len as u128) >> 64;
        self.iter().nth(index as usize)
    }

    /// The field number `index` in the order of [`HashRef::iter`].
    fn nth(self, index: usize) -> Option<FieldRef<'a>> {
        match self.form {
            Form::Packed(packed) if !packed.with_deadlines => {
                let place = packed.list.seek(2 * index as i64)?;
                Some(packed.field(place))
            }
            _ => self.iter().nth(index),
        }
    }

    /// Visits some fields and returns the cursor for the next call, 0 at the end: one bucket of a
    /// table, all fields of smaller forms. A field that is there from the first call to the last is
    /// visited at least once, whatever is added and removed meanwhile.
    pub fn scan(self, cursor: u64, visit: &mut dyn FnMut(FieldRef<'_>)) -> u64 {
        let Form::Table(table) = self.form else {
            self.iter().for_each(visit);
            return 0;
        };
        table.scan(cursor, &mut |field| {
            if !field.is_due(self.now) {
                visit(field);
            }
        })
    }

    /// The table, if the hash is in one.
    #[must_use]
    pub const fn table(self) -> Option<&'a HashTable> {
        match self.form {
            Form::Table(table) => Some(table),
            Form::Packed(_) => None,
        }
    }
}

impl<'a> Packed<'a> {
    /// The hash in a packed value, if it is one.
    #[inline]
    pub(super) fn new(kind: PackedKind, bytes: &'a [u8]) -> Option<Self> {
        let with_deadlines = match kind {
            PackedKind::Hash | PackedKind::TableHash => false,
            PackedKind::HashWithDeadlines => true,
            _ => return None,
        };
        Some(Self { list: Listpack::new(bytes), with_deadlines })
    }

    /// Elements per field.
    #[inline]
    pub(super) const fn stride(self) -> usize {
        if self.with_deadlines { 3 } else { 2 }
    }

    #[inline]
    pub(super) fn len(self) -> usize {
        self.list.len() / self.stride()
    }

    /// Where the field of this name begins.
    #[inline]
    pub(super) fn find(self, name: &[u8]) -> Option<Place> {
        self.list.find_from(self.list.first(), Element::of(name), self.stride())
    }

    /// The field that begins at `place`.
    #[inline]
    pub(super) fn field(self, place: Place) -> FieldRef<'a> {
        let elements = self.list.iter_from(place);
        let mut fields = PackedFields { elements, with_deadlines: self.with_deadlines };
        fields.next().expect("a field begins here").1
    }

    /// `place` itself, unless it is the end.
    pub(super) fn at(self, place: Place) -> Option<Place> {
        (place < self.list.end()).then_some(place)
    }

    /// Where the next field begins behind the one at `place`.
    pub(super) fn behind(self, place: Place) -> Option<Place> {
        let mut behind = place;
        for _ in 0..self.stride() {
            behind = self.list.behind(behind);
        }
        self.at(behind)
    }

    pub(super) fn iter(self) -> PackedFields<'a> {
        PackedFields { elements: self.list.iter(), with_deadlines: self.with_deadlines }
    }
}

/// The fields of a hash in a listpack, with their places.
pub(super) struct PackedFields<'a> {
    elements: Elements<'a>,
    with_deadlines: bool,
}

impl<'a> Iterator for PackedFields<'a> {
    type Item = (Place, FieldRef<'a>);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let (place, name) = self.elements.next()?;
        let (_, value) = self.elements.next()?;
        let deadline = if self.with_deadlines {
            match self.elements.next()?.1 {
                Element::Int(0) | Element::Text(_) => None,
                Element::Int(at) => Some(UnixMs(at)),
            }
        } else {
            None
        };
        Some((place, FieldRef { name, value, deadline }))
    }
}

/// The fields of a hash. Names and values of a table are all [`Element::Text`], also where they are
/// numbers.
pub struct Fields<'a> {
    walk: Walk<'a>,
    now: UnixMs,
}

enum Walk<'a> {
    Packed(PackedFields<'a>),
    Table(TableFields<'a>),
}

impl<'a> Iterator for Fields<'a> {
    type Item = FieldRef<'a>;

    #[inline]
    fn next(&mut self) -> Option<FieldRef<'a>> {
        loop {
            let field = match &mut self.walk {
                Walk::Packed(fields) => fields.next()?.1,
                Walk::Table(fields) => fields.next()?,
            };
            if !field.is_due(self.now) {
                return Some(field);
            }
        }
    }
}

impl FieldRef<'_> {
    /// Name and value as text, for tests and digests.
    #[must_use]
    pub fn to_vecs(&self) -> (Vec<u8>, Vec<u8>) {
        let mut digits = IntText::default();
        (self.name.as_bytes(&mut digits).to_vec(), self.value.to_vec())
    }
}
