//! ACL categories.

bitflags::bitflags! {
    /// The ACL categories (`+@read`, `-@dangerous`) a command belongs to.
    ///
    /// A spec names those of its data type only; those that its flags imply are added by
    /// [`CommandSpec::acl_categories`](crate::CommandSpec::acl_categories).
    /// The order is that of `ACL CAT`.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
    pub struct Categories: u32 {
        /// Works on keys whatever their type.
        const KEYSPACE = 1 << 0;
        /// Reads keys; implied by [`Flags::READONLY`](crate::Flags::READONLY).
        const READ = 1 << 1;
        /// Writes keys; implied by [`Flags::WRITE`](crate::Flags::WRITE).
        const WRITE = 1 << 2;
        /// Sets.
        const SET = 1 << 3;
        /// Sorted sets.
        const SORTEDSET = 1 << 4;
        /// Lists.
        const LIST = 1 << 5;
        /// Hashes.
        const HASH = 1 << 6;
        /// Strings.
        const STRING = 1 << 7;
        /// Bit operations.
        const BITMAP = 1 << 8;
        /// HyperLogLogs.
        const HYPERLOGLOG = 1 << 9;
        /// Geographic indexes.
        const GEO = 1 << 10;
        /// Streams.
        const STREAM = 1 << 11;
        /// Channels; implied by [`Flags::PUBSUB`](crate::Flags::PUBSUB).
        const PUBSUB = 1 << 12;
        /// Administration; implied by [`Flags::ADMIN`](crate::Flags::ADMIN).
        const ADMIN = 1 << 13;
        /// Constant or logarithmic time; implied by [`Flags::FAST`](crate::Flags::FAST).
        const FAST = 1 << 14;
        /// Everything that is not [`Categories::FAST`].
        const SLOW = 1 << 15;
        /// May block its client; implied by [`Flags::BLOCKING`](crate::Flags::BLOCKING).
        const BLOCKING = 1 << 16;
        /// Wants care; implied by [`Flags::ADMIN`](crate::Flags::ADMIN).
        const DANGEROUS = 1 << 17;
        /// The client's own connection.
        const CONNECTION = 1 << 18;
        /// MULTI, EXEC and WATCH.
        const TRANSACTION = 1 << 19;
        /// Scripts and functions.
        const SCRIPTING = 1 << 20;
    }
}

/// Every category with its name as `COMMAND INFO` prints it, in the order of `ACL CAT`.
const NAMES: [(Categories, &str); 21] = [
    (Categories::KEYSPACE, "@keyspace"),
    (Categories::READ, "@read"),
    (Categories::WRITE, "@write"),
    (Categories::SET, "@set"),
    (Categories::SORTEDSET, "@sortedset"),
    (Categories::LIST, "@list"),
    (Categories::HASH, "@hash"),
    (Categories::STRING, "@string"),
    (Categories::BITMAP, "@bitmap"),
    (Categories::HYPERLOGLOG, "@hyperloglog"),
    (Categories::GEO, "@geo"),
    (Categories::STREAM, "@stream"),
    (Categories::PUBSUB, "@pubsub"),
    (Categories::ADMIN, "@admin"),
    (Categories::FAST, "@fast"),
    (Categories::SLOW, "@slow"),
    (Categories::BLOCKING, "@blocking"),
    (Categories::DANGEROUS, "@dangerous"),
    (Categories::CONNECTION, "@connection"),
    (Categories::TRANSACTION, "@transaction"),
    (Categories::SCRIPTING, "@scripting"),
];

impl Categories {
    /// The names of the categories in the set, each with its leading `@`, in the order of
    /// `ACL CAT`.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        NAMES.iter().filter(move |(one, _)| self.contains(*one)).map(|(_, name)| *name)
    }

    /// The category of that name (any case, without `@`).
    #[must_use]
    pub fn from_word(word: &[u8]) -> Option<Self> {
        NAMES
            .iter()
            .find(|(_, name)| name.as_bytes()[1..].eq_ignore_ascii_case(word))
            .map(|(one, _)| *one)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_category_has_one_name() {
        assert_eq!(
            Categories::all().names().count(),
            Categories::all().bits().count_ones() as usize
        );
        for name in Categories::all().names() {
            let category = Categories::from_word(&name.as_bytes()[1..]).unwrap();
            assert_eq!(category.names().collect::<Vec<_>>(), [name]);
        }
        assert_eq!(Categories::from_word(b"Read"), Some(Categories::READ));
        assert_eq!(Categories::from_word(b"all"), None);
    }
}
