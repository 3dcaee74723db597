//! Walking over the keys a command can see: all at once (KEYS), or step by step (SCAN).

use dunlin_values::Entry;

use crate::keyspace::{DatabaseIndex, Expiry, Keyspace, is_due};

/// Buckets that a step of SCAN may visit for each key it was asked for: bounds its time where
/// buckets are nearly empty. As many as in Redis.
const BUCKETS_PER_KEY: usize = 10;

impl Keyspace {
    /// Calls `visit` with every key that has not expired. O(n).
    pub fn for_each_visible(&self, db: DatabaseIndex, mut visit: impl FnMut(&Entry)) {
        let (now, ignored) = (self.now, self.expiry == Expiry::Ignore);
        self.database(db).for_each(|entry| {
            if ignored || !is_due(now, entry) {
                visit(entry);
            }
        });
    }

    /// One step of a scan: goes on from `cursor` (0 to begin) until about `count` keys were met, and
    /// returns the cursor of the next step, 0 when the scan is complete. Keys that have expired
    /// count as met, but are removed instead of visited.
    ///
    /// A key that is there from the first step to the last is visited at least once, whatever is
    /// added and removed meanwhile. A cursor that was never handed out is harmless.
    pub fn scan(
        &mut self,
        db: DatabaseIndex,
        cursor: u64,
        count: usize,
        mut visit: impl FnMut(&Entry),
    ) -> u64 {
        let (now, ignored) = (self.now, self.expiry == Expiry::Ignore);
        let database = self.database(db);
        let mut expired: Vec<Box<[u8]>> = Vec::new();
        let (mut cursor, mut met) = (cursor, 0);
        let mut buckets = count.saturating_mul(BUCKETS_PER_KEY);
        loop {
            cursor = database.scan(cursor, &mut |entry| {
                met += 1;
                if ignored || !is_due(now, entry) {
                    visit(entry);
                } else {
                    expired.push(entry.key().into());
                }
            });
            if cursor == 0 || met >= count || buckets == 0 {
                break;
            }
            buckets -= 1;
        }
        for key in expired {
            // Looking at a key removes it where that is allowed.
            let _ = self.peek(db, &key);
        }
        cursor
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use dunlin_stdx::time::UnixMs;
    use dunlin_values::NewValue;

    use crate::garbage::{Freer, Garbage};
    use crate::{Expiry, Keyspace, Layout};

    struct DropAtOnce;

    impl Freer for DropAtOnce {
        fn free_later(&mut self, garbage: Garbage) {
            drop(garbage);
        }
    }

    fn name(n: usize) -> String {
        format!("key:{n}")
    }

    /// A thousand keys, every fourth of which expires at 50.
    fn thousand(layout: Layout) -> Keyspace {
        let mut keyspace = Keyspace::new(1, layout, 7, Box::new(DropAtOnce));
        for n in 0..1000 {
            let deadline = (n % 4 == 0).then_some(UnixMs(50));
            keyspace.slot(0, name(n).as_bytes()).set(NewValue::Int(1), deadline);
        }
        keyspace
    }

    fn scan_all(keyspace: &mut Keyspace, count: usize) -> BTreeSet<Vec<u8>> {
        let (mut seen, mut cursor) = (BTreeSet::new(), 0);
        loop {
            let mut met = 0;
            cursor = keyspace.scan(0, cursor, count, |entry| {
                met += 1;
                seen.insert(entry.key().to_vec());
            });
            assert!(met < count + 64, "{met} keys in a step of {count}");
            if cursor == 0 {
                return seen;
            }
        }
    }

    #[test]
    fn a_scan_sees_every_key_and_removes_the_expired() {
        for layout in [Layout::OneTable, Layout::TablePerSlot] {
            let mut keyspace = thousand(layout);
            assert_eq!(scan_all(&mut keyspace, 10).len(), 1000);
            keyspace.begin_turn(UnixMs(50));
            let mut visible = 0;
            keyspace.for_each_visible(0, |_| visible += 1);
            assert_eq!(visible, 750);
            assert_eq!(keyspace.database(0).len(), 1000);
            assert_eq!(scan_all(&mut keyspace, 1).len(), 750);
            assert_eq!(keyspace.database(0).len(), 750);
            assert_eq!(keyspace.stats().expired, 250);
        }
    }

    #[test]
    fn where_keys_are_hidden_a_scan_removes_nothing() {
        let mut keyspace = thousand(Layout::OneTable);
        keyspace.begin_turn(UnixMs(50));
        keyspace.set_expiry(Expiry::Hide);
        assert_eq!(scan_all(&mut keyspace, 10).len(), 750);
        assert_eq!(keyspace.database(0).len(), 1000);
        keyspace.set_expiry(Expiry::Ignore);
        assert_eq!(scan_all(&mut keyspace, 10).len(), 1000);
    }

    #[test]
    fn a_random_key_has_not_expired() {
        let mut keyspace = thousand(Layout::OneTable);
        keyspace.begin_turn(UnixMs(50));
        for _ in 0..200 {
            let key = keyspace.random_key(0).expect("750 keys are left");
            assert!(keyspace.peek(0, &key).is_some());
        }
        for n in 0..1000 {
            if n % 4 != 0 {
                keyspace.delete(0, name(n).as_bytes(), false);
            }
        }
        assert_eq!(keyspace.random_key(0), None);
        assert!(keyspace.database(0).is_empty());
    }

    #[test]
    fn cursors_from_elsewhere_are_harmless() {
        for layout in [Layout::OneTable, Layout::TablePerSlot] {
            let mut keyspace = thousand(layout);
            for cursor in [1, 12_345, 1 << 34, (1 << 48) - 1, 1 << 48, i64::MAX as u64, u64::MAX] {
                let next = keyspace.scan(0, cursor, 10, |_| {});
                assert!(next < 1 << 48, "{cursor} leads to {next}");
            }
        }
    }
}
