//! The numbers of the format.

/// A version of the format, as files and payloads name it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    /// Read by Redis 7.0 and later, and by Valkey.
    #[default]
    V10 = 10,
    /// Read by Redis 7.2 and later, and by Valkey: sets as listpacks, streams that know when a
    /// consumer last got something.
    V11 = 11,
    /// Read by Redis 7.4 and later: hashes whose fields have deadlines.
    V12 = 12,
}

impl Version {
    /// The number.
    #[must_use]
    pub const fn number(self) -> u16 {
        self as u16
    }
}

/// The greatest version that is read.
pub const VERSION_MAX: u16 = Version::V12.number();

/// What every file begins with; four digits of the version follow.
pub(crate) const MAGIC: &[u8; 5] = b"REDIS";

/// What may stand where the type of a key could stand.
pub(crate) mod opcode {
    pub(crate) const SLOT_INFO: u8 = 244;
    pub(crate) const FUNCTION: u8 = 245;
    pub(crate) const FUNCTION_BEFORE_RELEASE: u8 = 246;
    pub(crate) const MODULE_AUX: u8 = 247;
    pub(crate) const IDLE: u8 = 248;
    pub(crate) const FREQUENCY: u8 = 249;
    pub(crate) const AUX: u8 = 250;
    pub(crate) const RESIZE_DB: u8 = 251;
    pub(crate) const DEADLINE_MS: u8 = 252;
    pub(crate) const DEADLINE_SECONDS: u8 = 253;
    pub(crate) const SELECT_DB: u8 = 254;
    pub(crate) const END: u8 = 255;
}

/// The types of values.
pub(crate) mod kind {
    pub(crate) const STRING: u8 = 0;
    pub(crate) const LIST: u8 = 1;
    pub(crate) const SET: u8 = 2;
    /// Scores as text.
    pub(crate) const SORTED_SET_TEXT: u8 = 3;
    pub(crate) const HASH: u8 = 4;
    pub(crate) const SORTED_SET: u8 = 5;
    pub(crate) const MODULE: u8 = 7;
    pub(crate) const HASH_ZIPMAP: u8 = 9;
    pub(crate) const LIST_ZIPLIST: u8 = 10;
    pub(crate) const SET_INTSET: u8 = 11;
    pub(crate) const SORTED_SET_ZIPLIST: u8 = 12;
    pub(crate) const HASH_ZIPLIST: u8 = 13;
    pub(crate) const LIST_ZIPLISTS: u8 = 14;
    /// Without what later types remember of entries that are gone.
    pub(crate) const STREAM_1: u8 = 15;
    pub(crate) const HASH_LISTPACK: u8 = 16;
    pub(crate) const SORTED_SET_LISTPACK: u8 = 17;
    pub(crate) const LIST_NODES: u8 = 18;
    /// Without the time when a consumer last got something.
    pub(crate) const STREAM_2: u8 = 19;
    pub(crate) const SET_LISTPACK: u8 = 20;
    pub(crate) const STREAM_3: u8 = 21;
    /// Deadlines are absolute, and none stands in front.
    pub(crate) const HASH_DEADLINES_CANDIDATE: u8 = 22;
    pub(crate) const HASH_LISTPACK_DEADLINES_CANDIDATE: u8 = 23;
    /// A deadline stands in front; those of the fields count from it.
    pub(crate) const HASH_DEADLINES: u8 = 24;
    pub(crate) const HASH_LISTPACK_DEADLINES: u8 = 25;
    /// The greatest that anybody writes.
    pub(crate) const MAX: u8 = HASH_LISTPACK_DEADLINES;

    /// Whether there is such a type. 6 was that of modules before they were released, without a way
    /// to pass over it; 8 was never used.
    #[inline]
    pub(crate) const fn is_known(kind: u8) -> bool {
        kind <= MAX && kind != 6 && kind != 8
    }

    /// What the types are called where files are checked.
    pub(crate) const NAMES: [&str; MAX as usize + 1] = [
        "string",
        "list-linked",
        "set-hashtable",
        "zset-v1",
        "hash-hashtable",
        "zset-v2",
        "module-pre-release",
        "module-value",
        "",
        "hash-zipmap",
        "list-ziplist",
        "set-intset",
        "zset-ziplist",
        "hash-ziplist",
        "quicklist",
        "stream",
        "hash-listpack",
        "zset-listpack",
        "quicklist-v2",
        "stream-v2",
        "set-listpack",
        "stream-v3",
        "hash-hashtable-md-pre-release",
        "hash-listpack-md-pre-release",
        "hash-hashtable-md",
        "hash-listpack-md",
    ];
}

/// What a node of a list is.
pub(crate) mod node {
    /// One element, as it is.
    pub(crate) const PLAIN: u64 = 1;
    /// A listpack.
    pub(crate) const PACKED: u64 = 2;
}

/// How lengths and strings begin.
pub(crate) mod length {
    /// 32 bits follow, the highest first.
    pub(crate) const LONG: u8 = 0x80;
    /// 64 bits follow, the highest first.
    pub(crate) const LONGEST: u8 = 0x81;
    /// A string in another form than its bytes.
    pub(crate) const INT_8: u8 = 0xc0;
    pub(crate) const INT_16: u8 = 0xc1;
    pub(crate) const INT_32: u8 = 0xc2;
    pub(crate) const LZF: u8 = 0xc3;
}
