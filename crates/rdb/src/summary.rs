//! What is in a file: how much of which type.

use std::io::{self, Write};

use dunlin_stdx::time::UnixMs;
use dunlin_values::ValueType;

use crate::reader::Item;

/// What is in a file.
#[derive(Debug, Default)]
pub struct Summary {
    now: UnixMs,
    /// Number of keys.
    pub keys: u64,
    /// Number of keys that expire.
    pub with_deadline: u64,
    /// Number of keys that have expired.
    pub expired: u64,
    /// Number of collections without members, which are passed over when the file is loaded.
    pub empty: u64,
    /// Number of libraries of functions.
    pub functions: u64,
    /// Number of hashes whose fields have deadlines.
    pub with_field_deadlines: u64,
    /// By type, in the order of [`ValueType::ALL`], then keys of modules.
    types: [TypeSummary; ValueType::ALL.len() + 1],
    /// Number of keys by database, in the order of the file.
    databases: Vec<(u64, u64)>,
}

/// The keys of one type.
#[derive(Clone, Debug, Default)]
struct TypeSummary {
    keys: u64,
    len_bytes: u64,
    with_deadline: u64,
    /// The one that takes most bytes of the file.
    largest: Option<(u64, Box<[u8]>)>,
}

impl Summary {
    pub(crate) fn new(now: UnixMs) -> Self {
        Self { now, ..Self::default() }
    }

    /// Counts an item that takes so many bytes of the file.
    pub(crate) fn add(&mut self, item: &Item, len_bytes: u64) {
        match item {
            Item::Key { entry, .. } => {
                let deadline = entry.deadline();
                self.with_deadline += u64::from(deadline.is_some());
                self.expired += u64::from(deadline.is_some_and(|at| at < self.now));
                let has_field_deadline = entry.earliest_field_deadline().is_some();
                self.with_field_deadlines += u64::from(has_field_deadline);
                let kind = entry.value_type();
                let place = ValueType::ALL.iter().position(|other| *other == kind);
                self.add_key(place, entry.key(), len_bytes, deadline.is_some());
            }
            Item::Module { key: Some(key), .. } => {
                self.add_key(None, key, len_bytes, false);
            }
            Item::EmptyKey(_) => self.empty += 1,
            Item::Function(_) => self.functions += 1,
            Item::SelectDb(number) => self.databases.push((*number, 0)),
            Item::Aux { .. } | Item::ResizeDb { .. } | Item::Module { .. } | Item::End(_) => {}
        }
    }

    fn add_key(&mut self, place: Option<usize>, key: &[u8], len_bytes: u64, expires: bool) {
        self.keys += 1;
        if let Some((_, keys)) = self.databases.last_mut() {
            *keys += 1;
        }
        let of_type = &mut self.types[place.unwrap_or(ValueType::ALL.len())];
        of_type.keys += 1;
        of_type.len_bytes += len_bytes;
        of_type.with_deadline += u64::from(expires);
        if of_type.largest.as_ref().is_none_or(|(most, _)| len_bytes > *most) {
            of_type.largest = Some((len_bytes, key.into()));
        }
    }

    /// The lines with which redis-check-rdb ends.
    pub(crate) fn write_counts(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "[info] {} keys read", self.keys)?;
        writeln!(out, "[info] {} expires", self.with_deadline)?;
        writeln!(out, "[info] {} already expired", self.expired)
    }

    /// More than redis-check-rdb tells: a line for each type and database.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let names = ValueType::ALL.iter().map(|kind| kind.name()).chain(["module"]);
        for (name, of_type) in names.zip(&self.types).filter(|(_, of_type)| of_type.keys > 0) {
            let TypeSummary { keys, len_bytes, with_deadline, largest } = of_type;
            write!(
                out,
                "[summary] {name}: {keys} keys, {with_deadline} expire, {len_bytes} bytes in the \
                 file"
            )?;
            if let Some((most, key)) = largest {
                write!(out, ", largest '{}' with {most}", key.escape_ascii())?;
            }
            writeln!(out)?;
        }
        for (number, keys) in self.databases.iter().filter(|(_, keys)| *keys > 0) {
            writeln!(out, "[summary] database {number}: {keys} keys")?;
        }
        let others = [
            (self.with_field_deadlines, "hashes with field deadlines"),
            (self.functions, "function libraries"),
            (self.empty, "empty keys that are skipped"),
        ];
        for (count, what) in others.into_iter().filter(|(count, _)| *count > 0) {
            writeln!(out, "[summary] {count} {what}")?;
        }
        Ok(())
    }
}
