//! Fields of hashes whose deadline has passed: who removes them, and when.
//!
//! A command that works on a hash calls [`Keyspace::expire_fields`] first, which removes the fields it
//! names and a bounded number of others; what is left over is hidden from it. The active cycle
//! removes the rest, hash by hash, a bounded number at a time. A hash without fields is no key.
//!
//! Source: Redis documentation, HEXPIRE, and "Keyspace notifications".

use dunlin_stdx::time::UnixMs;
use dunlin_values::hash::{HashLimits, HashMut};

use crate::keyspace::{DatabaseIndex, Expiry, Keyspace};
use crate::slot::Slot;

/// Fields with a deadline that are read at once in one hash.
const FIELDS_PER_HASH: usize = 64;

/// Hashes that are looked into before the active cycle looks at the clock again.
const HASHES_PER_LOOK: usize = 8;

impl Keyspace {
    /// The time at which the fields of hashes are seen: those whose deadline is not later are not.
    #[must_use]
    #[inline]
    pub const fn fields_seen_at(&self) -> UnixMs {
        match self.expiry {
            Expiry::Ignore => UnixMs(i64::MIN),
            Expiry::Remove | Expiry::Hide => self.now,
        }
    }

    /// Removes fields of a hash whose deadline has passed: all that are `named`, and some of the
    /// others. Costs nothing to speak of while no field of any hash is due.
    #[inline]
    pub fn expire_fields(&mut self, db: DatabaseIndex, key: &[u8], named: &[&[u8]]) {
        if self.databases[db as usize].fields.is_any_due(self.now) {
            self.expire_fields_of(db, key, named);
        }
    }

    #[cold]
    fn expire_fields_of(&mut self, db: DatabaseIndex, key: &[u8], named: &[&[u8]]) {
        let fields = &self.databases[db as usize].fields;
        if self.expiry == Expiry::Remove && fields.is_due(key, self.now) {
            self.expire_some_fields(db, key, named);
        }
    }

    /// As [`Keyspace::expire_due`], for the fields of hashes.
    pub(crate) fn expire_due_fields(&mut self, db: DatabaseIndex) -> bool {
        let fields = &mut self.databases[db as usize].fields;
        let mut due = Vec::new();
        if fields.is_any_due(self.now) {
            fields.take_due(self.now, HASHES_PER_LOOK, &mut due);
        }
        for item in due {
            self.expire_some_fields(db, item.key(), &[]);
        }
        self.databases[db as usize].fields.is_any_due(self.now)
    }

    /// Removes fields that are due in one hash, and the key if none is left.
    fn expire_some_fields(&mut self, db: DatabaseIndex, key: &[u8], named: &[&[u8]]) {
        let (now, touch) = (self.now, self.touch);
        // Sizes do not matter for a hash that shrinks.
        let limits = HashLimits {
            listpack_len: usize::MAX,
            listpack_value_len: usize::MAX,
            hasher: self.member_hasher(),
        };
        self.touch = false;
        let mut expired: Vec<Box<[u8]>> = Vec::new();
        if let Slot::Occupied(mut slot) = self.slot(db, key)
            && slot.had_field_deadlines()
        {
            let mut hash = HashMut::new(slot.bookkeeping_mut(), limits, now);
            expired.extend(named.iter().filter(|name| hash.expire(name)).map(|&name| name.into()));
            let mut budget = FIELDS_PER_HASH;
            hash.expire_due(&mut budget, &mut |name| expired.push(name.into()));
            let is_emptied = hash.view().held_len() == 0;
            slot.fields_expired(expired, is_emptied);
        }
        self.touch = touch;
    }
}

#[cfg(test)]
mod tests {
    use dunlin_values::hash::HashRef;
    use dunlin_values::{Entry, ValueMut};

    use super::*;
    use crate::changes::{Incident, IncidentsWanted, RemovalCause};
    use crate::garbage::{Freer, Garbage};
    use crate::{Layout, Occupied};

    struct DropAtOnce;

    impl Freer for DropAtOnce {
        fn free_later(&mut self, garbage: Garbage) {
            drop(garbage);
        }
    }

    fn limits() -> HashLimits {
        let hasher = dunlin_values::MemberHasher::new(1);
        HashLimits { listpack_len: 16, listpack_value_len: 64, hasher }
    }

    fn keyspace(layout: Layout) -> Keyspace {
        let mut keyspace = Keyspace::new(2, layout, 7, Box::new(DropAtOnce));
        keyspace.report_incidents(IncidentsWanted { removed: true, created: false, missed: false });
        keyspace
    }

    /// Makes a hash of `len` fields; field number n is due at `10 * n` if n is not 0.
    fn add_hash(keyspace: &mut Keyspace, key: &[u8], len: usize) {
        let mut entry = Entry::new(key, limits().build(&[], &mut Vec::new()).0, None);
        let mut hash = HashMut::new(ValueMut::new(&mut entry), limits(), UnixMs(0));
        for n in 0..len {
            let name = format!("f{n}");
            hash.set(name.as_bytes(), b"v");
            let at = (n > 0).then_some(UnixMs(10 * n as i64));
            hash.set_deadline(name.as_bytes(), at);
        }
        keyspace.put(0, entry);
    }

    fn edit(keyspace: &mut Keyspace, key: &[u8], change: impl FnOnce(&mut Occupied<'_>)) {
        let Slot::Occupied(mut slot) = keyspace.slot(0, key) else { panic!("no such key") };
        change(&mut slot);
    }

    fn held_len(keyspace: &Keyspace, key: &[u8]) -> usize {
        let entry = keyspace.held(0, key);
        entry.map_or(0, |entry| entry.hash(UnixMs(0)).map_or(0, HashRef::held_len))
    }

    fn removals(keyspace: &mut Keyspace) -> Vec<String> {
        let mut told = Vec::new();
        while let Some(incident) = keyspace.next_incident() {
            let key = String::from_utf8_lossy(&incident.key).into_owned();
            let fields = incident.fields.iter().map(|name| String::from_utf8_lossy(name));
            let fields = fields.collect::<Vec<_>>().join(" ");
            told.push(match incident.incident {
                Incident::Removed(RemovalCause::FieldsExpired) => format!("{key}: {fields}"),
                Incident::Emptied => format!("{key} is empty"),
                other => format!("{key}: {other:?}"),
            });
        }
        told
    }

    #[test]
    fn what_a_command_names_goes_first() {
        for layout in [Layout::OneTable, Layout::TablePerSlot] {
            for len in [5, 500] {
                let mut keyspace = keyspace(layout);
                add_hash(&mut keyspace, b"h", len);
                keyspace.begin_turn(UnixMs(20));
                keyspace.expire_fields(0, b"other", &[b"f1"]);
                assert_eq!(held_len(&keyspace, b"h"), len);
                keyspace.expire_fields(0, b"h", &[b"f2", b"f3", b"f0", b"nosuch", b"f1"]);
                assert_eq!(removals(&mut keyspace), ["h: f2 f1"]);
                assert_eq!(held_len(&keyspace, b"h"), len - 2);
                assert_eq!(keyspace.stats().expired_fields, 2);
            }
        }
    }

    #[test]
    fn a_command_removes_a_bounded_number_and_the_cycle_the_rest() {
        let mut keyspace = keyspace(Layout::OneTable);
        add_hash(&mut keyspace, b"h", 10_000);
        keyspace.begin_turn(UnixMs(1_000_000));
        keyspace.expire_fields(0, b"h", &[b"f9999"]);
        let left = held_len(&keyspace, b"h");
        assert!((9_000..9_999).contains(&left), "{left}");
        let mut rounds = 0;
        while keyspace.expire_due_fields(0) {
            rounds += 1;
            assert!(rounds < 1000);
        }
        assert_eq!(held_len(&keyspace, b"h"), 1);
        assert!(rounds > 10);
    }

    #[test]
    fn a_hash_without_fields_is_no_key() {
        let mut keyspace = keyspace(Layout::TablePerSlot);
        for n in 0..100 {
            let key = format!("h{n}");
            add_hash(&mut keyspace, key.as_bytes(), 3);
            edit(&mut keyspace, key.as_bytes(), |slot| {
                HashMut::new(slot.value_mut(), limits(), UnixMs(0)).remove(b"f0");
            });
        }
        keyspace.begin_turn(UnixMs(15));
        while keyspace.expire_due_fields(0) {}
        assert_eq!(keyspace.database(0).len(), 100);
        assert_eq!(removals(&mut keyspace).len(), 100);
        keyspace.begin_turn(UnixMs(20));
        while keyspace.expire_due_fields(0) {}
        assert_eq!(keyspace.database(0).len(), 0);
        assert_eq!(keyspace.database(0).fields.len(), 0);
        let told = removals(&mut keyspace);
        assert_eq!(told.len(), 200);
        assert!(told.contains(&"h7 is empty".to_owned()) && told.contains(&"h7: f2".to_owned()));
    }

    #[test]
    fn followers_hide_and_keep() {
        let mut keyspace = keyspace(Layout::OneTable);
        add_hash(&mut keyspace, b"h", 5);
        keyspace.begin_turn(UnixMs(100));
        keyspace.set_expiry(Expiry::Hide);
        keyspace.expire_fields(0, b"h", &[b"f1"]);
        let mut budget = 100;
        assert!(!keyspace.expire_due(0, &mut budget));
        assert_eq!(held_len(&keyspace, b"h"), 5);
        let now = keyspace.fields_seen_at();
        assert_eq!(keyspace.held(0, b"h").and_then(|entry| Some(entry.hash(now)?.len())), Some(1));
        keyspace.set_expiry(Expiry::Ignore);
        assert_eq!(keyspace.fields_seen_at(), UnixMs(i64::MIN));
    }

    /// The account of deadlines follows keys wherever they go.
    #[test]
    fn keys_that_go_are_forgotten() {
        for layout in [Layout::OneTable, Layout::TablePerSlot] {
            let mut keyspace = keyspace(layout);
            let noted = |keyspace: &Keyspace, db| keyspace.database(db).fields.len();
            add_hash(&mut keyspace, b"h", 3);
            assert_eq!(noted(&keyspace, 0), 1);
            keyspace.delete(0, b"h", false);
            assert_eq!(noted(&keyspace, 0), 0);
            add_hash(&mut keyspace, b"h", 30);
            add_hash(&mut keyspace, b"h", 3);
            edit(&mut keyspace, b"h", |slot| slot.assign(dunlin_values::NewValue::Int(1), None));
            assert_eq!(noted(&keyspace, 0), 0);
            add_hash(&mut keyspace, b"h", 30);
            edit(&mut keyspace, b"h", |slot| slot.set_deadline(Some(UnixMs(5))));
            let entry = keyspace.take(0, b"h").expect("just added");
            assert_eq!(noted(&keyspace, 0), 0);
            keyspace.put(1, entry.renamed(b"g"));
            assert_eq!(noted(&keyspace, 1), 1);
            keyspace.swap(0, 1);
            assert_eq!((noted(&keyspace, 0), noted(&keyspace, 1)), (1, 0));
            keyspace.begin_turn(UnixMs(5));
            let mut budget = 100;
            keyspace.expire_due(0, &mut budget);
            assert_eq!((noted(&keyspace, 0), keyspace.database(0).len()), (0, 0));
            add_hash(&mut keyspace, b"h", 3);
            keyspace.flush(0, false);
            assert_eq!(noted(&keyspace, 0), 0);
        }
    }
}
