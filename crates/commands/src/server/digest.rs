//! DEBUG DIGEST: a fingerprint of the data set, equal wherever the data are equal, on Redis too.
//!
//! Unordered collections (the keys of a database, the members of a set) are folded with XOR, so
//! that the order in which they are met does not matter; where order matters, each step digests the
//! digest so far. Of a deadline only its existence counts, so that two servers whose clocks differ
//! agree.
//!
//! Source: redis.io, "Debugging"; algorithm checked against the replies of a 7.2.6 server.

use dunlin_keyspace::{DatabaseIndex, Keyspace};
use dunlin_stdx::number::format_f64_shortest;
use dunlin_stdx::time::UnixMs;
use dunlin_values::set::SetRef;
use dunlin_values::sorted_set::SortedSetRef;
use dunlin_values::stream::Direction;
use dunlin_values::{Entry, IntText, ValueType};
use sha1::{Digest as _, Sha1};

/// A fingerprint: a SHA-1 sum, or several folded into one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Digest([u8; 20]);

impl Digest {
    /// The fingerprint of all databases; all zeros if they are empty. O(n).
    #[must_use]
    pub fn of_keyspace(keyspace: &Keyspace) -> Self {
        let mut all = Self::default();
        for db in (0..keyspace.databases()).filter(|db| !keyspace.database(*db).is_empty()) {
            all.mix(&db.to_be_bytes());
            keyspace.database(db).for_each(|entry| {
                let mut pair = Self::default();
                pair.mix(entry.key());
                pair.add_value(entry);
                all.fold(&pair.0);
            });
        }
        all
    }

    /// The fingerprint of one value, its name left out; all zeros if there is no such key.
    #[must_use]
    pub fn of_value(keyspace: &Keyspace, db: DatabaseIndex, key: &[u8]) -> Self {
        let mut digest = Self::default();
        if let Some(entry) = keyspace.held(db, key) {
            digest.add_value(&entry);
        }
        digest
    }

    /// In forty hexadecimal digits.
    #[must_use]
    pub fn to_hex(self) -> String {
        self.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn add_value(&mut self, entry: &Entry) {
        self.mix(&type_number(entry.value_type()).to_be_bytes());
        match entry.value_type() {
            ValueType::String => self.add_string(entry),
            ValueType::List => self.add_list(entry),
            ValueType::Set => self.add_set(entry),
            ValueType::SortedSet => self.add_sorted_set(entry),
            ValueType::Hash => self.add_hash(entry),
            ValueType::Stream => self.add_stream(entry),
        }
        if entry.deadline().is_some() {
            self.fold(b"!!expire!!");
        }
    }

    fn add_string(&mut self, entry: &Entry) {
        if let Some(string) = entry.string() {
            self.mix(string.as_bytes(&mut IntText::default()));
        }
    }

    fn add_list(&mut self, entry: &Entry) {
        if let Some(list) = entry.list() {
            list.for_each(|element| self.mix(element.as_bytes(&mut IntText::default())));
        }
    }

    fn add_set(&mut self, entry: &Entry) {
        let mut digits = IntText::default();
        for member in entry.set().into_iter().flat_map(SetRef::iter) {
            self.fold(member.as_bytes(&mut digits));
        }
    }

    fn add_sorted_set(&mut self, entry: &Entry) {
        let mut digits = IntText::default();
        for (member, score) in entry.sorted_set().into_iter().flat_map(SortedSetRef::iter) {
            let mut pair = Self::default();
            pair.mix(member.as_bytes(&mut digits));
            pair.mix(&format_f64_shortest(score));
            self.fold(&pair.0);
        }
    }

    /// Fields count as they are held, also those whose deadline has passed: only their removal
    /// changes the data.
    fn add_hash(&mut self, entry: &Entry) {
        let Some(hash) = entry.hash(UnixMs(i64::MIN)) else { return };
        let mut digits = IntText::default();
        for field in hash.iter() {
            let mut pair = Self::default();
            pair.mix(field.name.as_bytes(&mut digits));
            pair.mix(field.value.as_bytes(&mut digits));
            if field.deadline.is_some() {
                pair.mix(b"!!hexpire!!");
            }
            self.fold(&pair.0);
        }
    }

    fn add_stream(&mut self, entry: &Entry) {
        let Some(stream) = entry.stream() else { return };
        let mut entries = stream.log.all(Direction::Forward);
        while let Some(id) = entries.next_id() {
            self.mix(format!("{}.{}", id.ms, id.seq).as_bytes());
            while let Some((field, value)) = entries.next_field() {
                self.mix(field.as_bytes(&mut IntText::default()));
                self.mix(value.as_bytes(&mut IntText::default()));
            }
        }
    }

    /// Adds something whose place among its neighbours does not matter.
    fn fold(&mut self, bytes: &[u8]) {
        let sum = Sha1::digest(bytes);
        self.0.iter_mut().zip(sum).for_each(|(mine, its)| *mine ^= its);
    }

    /// Adds something that comes behind what was added before.
    fn mix(&mut self, bytes: &[u8]) {
        self.fold(bytes);
        self.0 = Sha1::digest(self.0).into();
    }
}

/// The number Redis has for a type.
const fn type_number(value_type: ValueType) -> u32 {
    match value_type {
        ValueType::String => 0,
        ValueType::List => 1,
        ValueType::Set => 2,
        ValueType::SortedSet => 3,
        ValueType::Hash => 4,
        ValueType::Stream => 6,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trial::Trial;

    fn digest(commands: &[&str]) -> String {
        let mut trial = Trial::new();
        for command in commands {
            trial.run(command);
        }
        Digest::of_keyspace(&trial.keyspace).to_hex()
    }

    /// The sums are a 7.2.6 server's.
    #[test]
    fn sums_are_those_of_redis() {
        let zeros = "0".repeat(40);
        assert_eq!(digest(&[]), zeros);
        assert_eq!(digest(&["SET a 1"]), "943d800368fb9c0e951138f1bc0e313ac769d91f");
        let two = ["SET b hello", "SET a 1"];
        assert_eq!(digest(&two), "2539797405e828ad7a3aa48c536b3eaf2803a421");
        let with_deadline = ["SET a 1", "EXPIREAT a 33177117420", "SET b hello"];
        assert_eq!(digest(&with_deadline), "bd6c42b827c67d2717e11feac6ed92c703682f4f");
        let edited = ["SET c 1.5", "APPEND c 0", "SET a 1", "SET b hello"];
        assert_eq!(digest(&edited), "a98387a5e580be6f3e3a3bd100e9da06fee033f7");
    }

    /// The sums are a 7.2.6 server's; members count in any order and any form.
    #[test]
    fn sums_of_sets_are_those_of_redis() {
        let sum = "5c43c25ca312d0127cf89f41ba7b9c7a7bcbb56e";
        assert_eq!(digest(&["SADD s 1 2 abc"]), sum);
        let long = "x".repeat(70);
        let (add, remove) = (format!("SADD s {long} abc 2 1"), format!("SREM s {long}"));
        assert_eq!(digest(&[&add, &remove]), sum);
    }

    /// The sums are a 7.2.6 server's; fields count in any order and any form.
    #[test]
    fn sums_of_hashes_are_those_of_redis() {
        let sum = "fd9ecfda308bb8e54375a6160ae4b5491cf05458";
        assert_eq!(digest(&["HSET h a 1 b 2 abc xyz"]), sum);
        let long = format!("HSET h c {}", "x".repeat(70));
        let large = ["HSET h abc xyz b 2 a 1", &long];
        assert_eq!(digest(&large), "31532fbc86d0704cd1a245996f24417e8efc177a");
        assert_eq!(digest(&[large[0], large[1], "HDEL h c"]), sum);
    }

    #[test]
    fn a_value_has_a_sum_of_its_own() {
        let mut trial = Trial::new();
        trial.run("SET a 1");
        let of = |trial: &Trial, key: &[u8]| Digest::of_value(&trial.keyspace, 0, key).to_hex();
        assert_eq!(of(&trial, b"a"), "b4fc66738120fba0b5aa500ab5c2bf89cea1c5da");
        trial.run("EXPIREAT a 33177117420");
        assert_eq!(of(&trial, b"a"), "5279988c5d1911f474bcbbf2f0a87012d40f8459");
        assert_eq!(of(&trial, b"nosuch"), "0".repeat(40));
    }
}
