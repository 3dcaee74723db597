//! Flags of commands and of their keys.

bitflags::bitflags! {
    /// How the server may run a command.
    ///
    /// Source: Redis 7.2 documentation, "COMMAND", section "Flags".
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
    pub struct Flags: u32 {
        /// May change the keyspace.
        const WRITE = 1 << 0;
        /// Reads keys and never changes them.
        const READONLY = 1 << 1;
        /// May use more memory, so it is refused when `maxmemory` is reached.
        const DENYOOM = 1 << 2;
        /// Administration.
        const ADMIN = 1 << 3;
        /// Works with channels.
        const PUBSUB = 1 << 4;
        /// Not allowed in scripts.
        const NOSCRIPT = 1 << 5;
        /// May block its client.
        const BLOCKING = 1 << 6;
        /// Allowed while the data set is loading.
        const LOADING = 1 << 7;
        /// Allowed on a replica whose link is down and that serves no stale data.
        const STALE = 1 << 8;
        /// Not shown by MONITOR.
        const SKIP_MONITOR = 1 << 9;
        /// Not put in the slow log.
        const SKIP_SLOWLOG = 1 << 10;
        /// Runs on an importing slot as if ASKING had been sent.
        const ASKING = 1 << 11;
        /// Constant or logarithmic time.
        const FAST = 1 << 12;
        /// Allowed before authentication.
        const NO_AUTH = 1 << 13;
        /// May be propagated although it is no write (PUBLISH, EVAL).
        const MAY_REPLICATE = 1 << 14;
        /// Also answered by a sentinel.
        const SENTINEL = 1 << 15;
        /// Answered by a sentinel alone.
        const ONLY_SENTINEL = 1 << 16;
        /// Its key arguments are optional, so none at all is no error.
        const NO_MANDATORY_KEYS = 1 << 17;
        /// Refused unless the configuration enables it (`enable-debug-command` and friends).
        const PROTECTED = 1 << 18;
        /// Not allowed during asynchronous (replica, swapdb) loading.
        const NO_ASYNC_LOADING = 1 << 19;
        /// Not allowed in MULTI.
        const NO_MULTI = 1 << 20;
        /// First key, last key and step do not tell all its keys.
        /// Derived from the key specs; never written in a spec.
        const MOVABLE_KEYS = 1 << 21;
        /// Allowed while a script holds the server past `busy-reply-threshold`.
        const ALLOW_BUSY = 1 << 22;
        /// May change keys that its arguments do not name, such as expired ones (SCAN).
        const TOUCHES_ARBITRARY_KEYS = 1 << 23;
        /// As [`Flags::LOADING`], where Redis does not say so.
        const LOADING_HERE = 1 << 24;
        /// As [`Flags::NO_MULTI`], where Redis does not say so.
        const NO_MULTI_HERE = 1 << 25;
        /// A command of dunlin alone that lists of commands leave out, so that they are Redis's.
        const UNLISTED = 1 << 26;
    }
}

/// The flags that `COMMAND INFO` shows, in its order; the others stay hidden there.
const SHOWN: [(Flags, &str); 19] = [
    (Flags::WRITE, "write"),
    (Flags::READONLY, "readonly"),
    (Flags::DENYOOM, "denyoom"),
    (Flags::ADMIN, "admin"),
    (Flags::PUBSUB, "pubsub"),
    (Flags::NOSCRIPT, "noscript"),
    (Flags::BLOCKING, "blocking"),
    (Flags::LOADING, "loading"),
    (Flags::STALE, "stale"),
    (Flags::SKIP_MONITOR, "skip_monitor"),
    (Flags::SKIP_SLOWLOG, "skip_slowlog"),
    (Flags::ASKING, "asking"),
    (Flags::FAST, "fast"),
    (Flags::NO_AUTH, "no_auth"),
    (Flags::NO_MANDATORY_KEYS, "no_mandatory_keys"),
    (Flags::NO_ASYNC_LOADING, "no_async_loading"),
    (Flags::NO_MULTI, "no_multi"),
    (Flags::MOVABLE_KEYS, "movablekeys"),
    (Flags::ALLOW_BUSY, "allow_busy"),
];

impl Flags {
    /// The names that `COMMAND INFO` shows for the flags in the set, in its order.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        SHOWN.iter().filter(move |(one, _)| self.contains(*one)).map(|(_, name)| *name)
    }
}

bitflags::bitflags! {
    /// What a command does with the keys that one of its key specs finds.
    ///
    /// Exactly one of `RO`, `RW`, `OW`, `RM` says what happens to the key; `ACCESS`, `UPDATE`,
    /// `INSERT`, `DELETE` say what happens to the user's data in it.
    ///
    /// Source: Redis 7.2 documentation, "Key specifications", section "flags".
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
    pub struct KeyFlags: u16 {
        /// Reads the value.
        const RO = 1 << 0;
        /// Changes the value or its metadata.
        const RW = 1 << 1;
        /// Overwrites the value without looking at it.
        const OW = 1 << 2;
        /// Removes the key.
        const RM = 1 << 3;
        /// Returns, copies or uses the data, not only its size, type or existence.
        const ACCESS = 1 << 4;
        /// Changes data; the new data may depend on the old.
        const UPDATE = 1 << 5;
        /// Adds data and never changes or deletes what is there.
        const INSERT = 1 << 6;
        /// Deletes data, or the whole key.
        const DELETE = 1 << 7;
        /// Not a key, but routed like one (the channel of SPUBLISH).
        const NOT_KEY = 1 << 8;
        /// The spec may miss keys.
        const INCOMPLETE = 1 << 9;
        /// Other flags may hold, depending on the arguments.
        const VARIABLE_FLAGS = 1 << 10;
    }
}

/// Every key flag with its name in `COMMAND INFO`, in its order.
const KEY_FLAG_NAMES: [(KeyFlags, &str); 11] = [
    (KeyFlags::RO, "RO"),
    (KeyFlags::RW, "RW"),
    (KeyFlags::OW, "OW"),
    (KeyFlags::RM, "RM"),
    (KeyFlags::ACCESS, "access"),
    (KeyFlags::UPDATE, "update"),
    (KeyFlags::INSERT, "insert"),
    (KeyFlags::DELETE, "delete"),
    (KeyFlags::NOT_KEY, "not_key"),
    (KeyFlags::INCOMPLETE, "incomplete"),
    (KeyFlags::VARIABLE_FLAGS, "variable_flags"),
];

impl KeyFlags {
    /// The names that `COMMAND INFO` and `COMMAND GETKEYSANDFLAGS` show, in their order.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        KEY_FLAG_NAMES.iter().filter(move |(one, _)| self.contains(*one)).map(|(_, name)| *name)
    }
}

/// Gives a set of flags `union_of`, which const contexts can call where `|` is not const.
macro_rules! const_union {
    ($($set:ty),*) => {$(
        impl $set {
            pub(crate) const fn union_of(list: &[Self]) -> Self {
                let mut all = Self::empty();
                let mut i = 0;
                while i < list.len() {
                    all = all.union(list[i]);
                    i += 1;
                }
                all
            }
        }
    )*};
}
const_union!(Flags, KeyFlags, crate::Categories);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_flags_have_no_name() {
        let hidden = Flags::MAY_REPLICATE
            | Flags::SENTINEL
            | Flags::ONLY_SENTINEL
            | Flags::PROTECTED
            | Flags::TOUCHES_ARBITRARY_KEYS
            | Flags::LOADING_HERE
            | Flags::UNLISTED
            | Flags::NO_MULTI_HERE;
        assert_eq!(hidden.names().count(), 0);
        assert_eq!(
            (Flags::all() - hidden).names().count(),
            (Flags::all() - hidden).bits().count_ones() as usize
        );
    }

    #[test]
    fn every_key_flag_has_a_name() {
        assert_eq!(KeyFlags::all().names().count(), KeyFlags::all().bits().count_ones() as usize);
    }
}
