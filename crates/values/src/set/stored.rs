//! Sets as files hold them.

use super::edit::{
    LISTPACK_BYTES_MAX, SetLimits, TABLE_SET_BYTES_MAX, TABLE_SET_LEN_MAX, listpack_of,
};
use super::intset::{self, IntSet};
use super::table::SetTable;
use super::view::SetRef;
use crate::entry::{IntText, NewValue};
use crate::kind::PackedKind;
use crate::listpack::{self, Appender, Corrupt, Distinct, Element, Listpack, normalized, survey};
use crate::object::Object;

/// A member is there twice.
const REPEATED: &str = "a member is there twice";

impl SetLimits {
    /// The set in a listpack that comes from elsewhere. It stays a listpack unless it has too many
    /// members, however long they are.
    ///
    /// # Errors
    /// [`Corrupt`] with what is wrong. Without members it is not wrong.
    pub fn of_listpack<'b>(
        &self,
        bytes: &'b mut Vec<u8>,
        distinct: &mut Distinct,
    ) -> Result<NewValue<'b>, Corrupt> {
        let found = survey(bytes)?;
        if !found.is_normal {
            *bytes = normalized(Listpack::new(bytes));
        }
        let list = Listpack::new(bytes);
        if let Some(place) = distinct.repeated(list, 1) {
            return Err(Corrupt { at: place.offset(), reason: REPEATED });
        }
        if found.count <= self.listpack_len {
            return Ok(NewValue::Packed(PackedKind::Set, bytes));
        }
        if is_small(list) {
            return Ok(NewValue::Packed(PackedKind::TableSet, bytes));
        }
        Ok(boxed(self.table_of(SetRef::Packed(list))))
    }

    /// The set in an intset that comes from elsewhere. It stays one unless it has too many members.
    ///
    /// # Errors
    /// [`Corrupt`] with what is wrong; also without members.
    pub fn of_intset<'b>(&self, bytes: &'b mut Vec<u8>) -> Result<NewValue<'b>, Corrupt> {
        let len =
            intset::validate(bytes).map_err(|corrupt| Corrupt { at: 0, reason: corrupt.0 })?;
        if len <= self.intset_len_max() {
            return Ok(NewValue::Packed(PackedKind::IntSet, bytes));
        }
        let ints = SetRef::Ints(IntSet::new(bytes));
        if len <= TABLE_SET_LEN_MAX {
            let list = listpack_of(ints);
            if list.len() <= TABLE_SET_BYTES_MAX {
                *bytes = list;
                return Ok(NewValue::Packed(PackedKind::TableSet, bytes));
            }
        }
        Ok(boxed(self.table_of(ints)))
    }

    fn table_of(&self, set: SetRef<'_>) -> SetTable {
        let mut table = SetTable::new(self.hasher);
        let mut digits = IntText::default();
        for member in set.iter() {
            let member = member.as_bytes(&mut digits);
            table.insert_new(self.hasher.hash(member), member);
        }
        table
    }
}

fn is_small(list: Listpack<'_>) -> bool {
    list.as_bytes().len() <= TABLE_SET_BYTES_MAX && list.len() <= TABLE_SET_LEN_MAX
}

fn boxed<'b>(table: SetTable) -> NewValue<'b> {
    NewValue::Boxed(Box::new(Object::Set(Box::new(table))))
}

/// A set whose members come one after the other.
pub struct SetBuilder<'b> {
    limits: SetLimits,
    form: Form<'b>,
    len: usize,
    longest: usize,
    repeats: bool,
}

enum Form<'b> {
    Ints(&'b mut Vec<u8>),
    /// `fits` while clients may see a listpack.
    Packed {
        list: Appender<'b>,
        fits: bool,
    },
    Table(SetTable),
}

impl<'b> SetBuilder<'b> {
    /// Begins a set that will have `len` members; `bytes` is room for the packed forms.
    #[must_use]
    pub fn new(limits: SetLimits, len: usize, bytes: &'b mut Vec<u8>) -> Self {
        bytes.clear();
        let form = if len <= limits.intset_len_max() {
            bytes.extend_from_slice(&intset::EMPTY);
            Form::Ints(bytes)
        } else if len <= TABLE_SET_LEN_MAX {
            bytes.extend_from_slice(&listpack::EMPTY);
            Form::Packed { list: Appender::new(bytes), fits: false }
        } else {
            Form::Table(SetTable::new(limits.hasher))
        };
        Self { limits, form, len: 0, longest: 0, repeats: false }
    }

    /// Adds a member.
    pub fn push(&mut self, member: Element<'_>) {
        self.longest = self.longest.max(member.text_len());
        if let Form::Ints(bytes) = &mut self.form {
            if let Element::Int(number) = member {
                self.repeats |= !intset::add(*bytes, number);
                self.len += 1;
                return;
            }
            self.leave_ints();
        }
        self.len += 1;
        let Form::Packed { list, fits } = &mut self.form else {
            return self.push_to_table(member);
        };
        let bytes = list.len_bytes() + member.text_len();
        *fits &= self.len <= self.limits.listpack_len
            && member.text_len() <= self.limits.listpack_member_len
            && bytes <= LISTPACK_BYTES_MAX;
        if !*fits && (self.len > TABLE_SET_LEN_MAX || bytes + 10 > TABLE_SET_BYTES_MAX) {
            self.move_to_table();
            return self.push_to_table(member);
        }
        list.push(member);
    }

    /// The integers so far become a listpack, which clients may see if they are few and short.
    fn leave_ints(&mut self) {
        let table = Form::Table(SetTable::new(self.limits.hasher));
        let Form::Ints(bytes) = std::mem::replace(&mut self.form, table) else { return };
        let fits =
            self.len < self.limits.listpack_len && self.longest <= self.limits.listpack_member_len;
        let list = listpack_of(SetRef::Ints(IntSet::new(bytes)));
        *bytes = list;
        self.form = Form::Packed { list: Appender::new(bytes), fits };
    }

    fn push_to_table(&mut self, member: Element<'_>) {
        let Form::Table(table) = &mut self.form else { return };
        self.repeats |= !table.insert(member.as_bytes(&mut IntText::default()));
    }

    fn move_to_table(&mut self) {
        let table = Form::Table(SetTable::new(self.limits.hasher));
        let Form::Packed { list, .. } = std::mem::replace(&mut self.form, table) else { return };
        let bytes = list.finish();
        Listpack::new(bytes).iter().for_each(|(_, member)| self.push_to_table(member));
    }

    /// The set.
    ///
    /// # Errors
    /// What is wrong, if a member was added twice.
    pub fn finish(self, distinct: &mut Distinct) -> Result<NewValue<'b>, &'static str> {
        if self.repeats {
            return Err(REPEATED);
        }
        match self.form {
            Form::Ints(bytes) => Ok(NewValue::Packed(PackedKind::IntSet, bytes)),
            Form::Table(table) => Ok(boxed(table)),
            Form::Packed { list, fits } => {
                let bytes = &*list.finish();
                if distinct.repeated(Listpack::new(bytes), 1).is_some() {
                    return Err(REPEATED);
                }
                let kind = if fits { PackedKind::Set } else { PackedKind::TableSet };
                Ok(NewValue::Packed(kind, bytes))
            }
        }
    }
}
