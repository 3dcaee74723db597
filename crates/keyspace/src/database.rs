//! One numbered database.

use dunlin_table::Table;
use dunlin_values::Entry;

/// A numbered database: its keys, and what INFO's `keyspace` section tells of it.
#[derive(Default)]
pub struct Database {
    table: Table<Entry>,
}

impl Database {
    /// Number of keys, expired ones that nobody has met yet included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// Whether there is no key.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Number of keys with a deadline.
    #[must_use]
    pub fn with_deadline(&self) -> usize {
        self.table.with_deadline()
    }

    /// The table that holds `key`, if it holds it at all.
    #[inline]
    pub(crate) fn table(&self, _key: &[u8]) -> &Table<Entry> {
        &self.table
    }

    /// As [`Database::table`], for writing.
    #[inline]
    pub(crate) fn table_mut(&mut self, _key: &[u8]) -> &mut Table<Entry> {
        &mut self.table
    }
}
