//! Hashes as files hold them.

use dunlin_stdx::time::UnixMs;

use super::edit::{HashLimits, LISTPACK_BYTES_MAX, TABLE_HASH_BYTES_MAX, TABLE_HASH_LEN_MAX};
use super::table::HashTable;
use super::view::Packed;
use crate::entry::{IntText, NewValue};
use crate::kind::PackedKind;
use crate::listpack::{self, Appender, Corrupt, Distinct, Element, Listpack, normalized, survey};
use crate::object::Object;

/// A field is there twice.
const REPEATED: &str = "a field is there twice";

impl HashLimits {
    /// The hash in a listpack that comes from elsewhere: of field, value, or of field, value,
    /// deadline. It stays a listpack unless it has too many fields, however long they are.
    ///
    /// # Errors
    /// [`Corrupt`] with what is wrong. Without fields it is not wrong.
    pub fn of_listpack<'b>(
        &self,
        bytes: &'b mut Vec<u8>,
        with_deadlines: bool,
        distinct: &mut Distinct,
    ) -> Result<NewValue<'b>, Corrupt> {
        let stride = if with_deadlines { 3 } else { 2 };
        let found = survey(bytes)?;
        if !found.count.is_multiple_of(stride) {
            return Err(Corrupt { at: bytes.len(), reason: "a field without a value" });
        }
        if !found.is_normal {
            *bytes = normalized(Listpack::new(bytes));
        }
        let list = Listpack::new(bytes);
        if with_deadlines
            && let Some((place, _)) = list.iter().skip(2).step_by(3).find(|(_, at)| !is_time(*at))
        {
            return Err(Corrupt { at: place.offset(), reason: "a deadline that is no time" });
        }
        if let Some(place) = distinct.repeated(list, stride) {
            return Err(Corrupt { at: place.offset(), reason: REPEATED });
        }
        let len = found.count / stride;
        let is_small = len <= TABLE_HASH_LEN_MAX && bytes.len() <= TABLE_HASH_BYTES_MAX;
        let kind = match with_deadlines {
            _ if len > self.listpack_len && (with_deadlines || !is_small) => {
                let packed = Packed { list: Listpack::new(bytes), with_deadlines };
                return Ok(boxed(table_of(packed, self)));
            }
            true => PackedKind::HashWithDeadlines,
            false if len > self.listpack_len => PackedKind::TableHash,
            false => PackedKind::Hash,
        };
        Ok(NewValue::Packed(kind, bytes))
    }
}

fn is_time(element: Element<'_>) -> bool {
    matches!(element, Element::Int(0..))
}

fn boxed<'b>(table: HashTable) -> NewValue<'b> {
    NewValue::Boxed(Box::new(Object::Hash(Box::new(table))))
}

fn table_of(packed: Packed<'_>, limits: &HashLimits) -> HashTable {
    let mut table = HashTable::new(limits.hasher);
    let (mut name_digits, mut value_digits) = (IntText::default(), IntText::default());
    for (_, field) in packed.iter() {
        let value = field.value.as_bytes(&mut value_digits);
        table.insert(field.name.as_bytes(&mut name_digits), value, field.deadline);
    }
    table.had_deadlines |= packed.with_deadlines;
    table
}

/// A hash whose fields come one after the other.
pub struct HashBuilder<'b> {
    limits: HashLimits,
    with_deadlines: bool,
    form: Form<'b>,
    len: usize,
    repeats: bool,
}

enum Form<'b> {
    /// `fits` while clients may see a listpack.
    Packed {
        list: Appender<'b>,
        fits: bool,
    },
    Table(HashTable),
}

impl<'b> HashBuilder<'b> {
    /// Begins a hash that will have `len` fields; `bytes` is room for the packed forms.
    #[must_use]
    pub fn new(
        limits: HashLimits,
        len: usize,
        with_deadlines: bool,
        bytes: &'b mut Vec<u8>,
    ) -> Self {
        let form = if len > limits.listpack_len && (with_deadlines || len > TABLE_HASH_LEN_MAX) {
            Form::Table(HashTable::new(limits.hasher))
        } else {
            bytes.clear();
            bytes.extend_from_slice(&listpack::EMPTY);
            Form::Packed { list: Appender::new(bytes), fits: len <= limits.listpack_len }
        };
        Self { limits, with_deadlines, form, len: 0, repeats: false }
    }

    /// Adds a field.
    pub fn push(&mut self, name: Element<'_>, value: Element<'_>, deadline: Option<UnixMs>) {
        self.len += 1;
        let Form::Packed { list, fits } = &mut self.form else {
            return self.push_to_table(name, value, deadline);
        };
        let longest = name.text_len().max(value.text_len());
        let bytes = list.len_bytes() + name.text_len() + value.text_len();
        *fits &= longest <= self.limits.listpack_value_len
            && self.len <= self.limits.listpack_len
            && bytes <= LISTPACK_BYTES_MAX;
        let is_small = self.len <= TABLE_HASH_LEN_MAX && bytes + 20 <= TABLE_HASH_BYTES_MAX;
        if !*fits && (self.with_deadlines || !is_small) {
            self.move_to_table();
            return self.push_to_table(name, value, deadline);
        }
        list.push(name);
        list.push(value);
        if self.with_deadlines {
            list.push(Element::Int(deadline.map_or(0, |at| at.0.max(1))));
        }
    }

    fn push_to_table(&mut self, name: Element<'_>, value: Element<'_>, deadline: Option<UnixMs>) {
        let Form::Table(table) = &mut self.form else { return };
        let (mut name_digits, mut value_digits) = (IntText::default(), IntText::default());
        let name = name.as_bytes(&mut name_digits);
        let is_new = table.set(name, value.as_bytes(&mut value_digits), |_| deadline);
        self.repeats |= !is_new;
    }

    fn move_to_table(&mut self) {
        let table = Form::Table(HashTable::new(self.limits.hasher));
        let Form::Packed { list, .. } = std::mem::replace(&mut self.form, table) else { return };
        let bytes = list.finish();
        let packed = Packed { list: Listpack::new(bytes), with_deadlines: self.with_deadlines };
        for (_, field) in packed.iter() {
            self.push_to_table(field.name, field.value, field.deadline);
        }
    }

    /// The hash.
    ///
    /// # Errors
    /// What is wrong, if a field was added twice.
    pub fn finish(self, distinct: &mut Distinct) -> Result<NewValue<'b>, &'static str> {
        match self.form {
            Form::Table(_) if self.repeats => Err(REPEATED),
            Form::Table(mut table) => {
                table.had_deadlines |= self.with_deadlines;
                Ok(boxed(table))
            }
            Form::Packed { list, fits } => {
                let bytes = &*list.finish();
                let stride = if self.with_deadlines { 3 } else { 2 };
                if distinct.repeated(Listpack::new(bytes), stride).is_some() {
                    return Err(REPEATED);
                }
                let kind = match (self.with_deadlines, fits) {
                    (true, _) => PackedKind::HashWithDeadlines,
                    (false, true) => PackedKind::Hash,
                    (false, false) => PackedKind::TableHash,
                };
                Ok(NewValue::Packed(kind, bytes))
            }
        }
    }
}
