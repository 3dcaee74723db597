//! Types and encodings by the names clients see.

/// Longest string, in bytes, that `OBJECT ENCODING` calls `embstr`; longer ones are `raw`.
///
/// Source: Redis documentation, OBJECT ENCODING.
pub const EMBSTR_MAX: usize = 44;

/// The type of a value, as TYPE names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ValueType {
    /// A binary-safe string, also the integers and bitmaps.
    String,
    /// A list of strings.
    List,
    /// A set of strings.
    Set,
    /// A sorted set: strings ordered by score.
    SortedSet,
    /// A hash: fields and their values.
    Hash,
    /// A stream of entries with consumer groups.
    Stream,
}

impl ValueType {
    /// Every type.
    pub const ALL: [Self; 6] =
        [Self::String, Self::List, Self::Set, Self::SortedSet, Self::Hash, Self::Stream];

    /// The name TYPE replies and SCAN's TYPE option takes.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::List => "list",
            Self::Set => "set",
            Self::SortedSet => "zset",
            Self::Hash => "hash",
            Self::Stream => "stream",
        }
    }

    /// The type with this name, in any case, if there is one.
    #[must_use]
    pub fn from_name(name: &[u8]) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name().as_bytes().eq_ignore_ascii_case(name))
    }
}

/// What a value is that is packed into the entry's own allocation as one run of bytes.
///
/// The bytes are those of Redis's files, so that they are written and read without a walk.
/// Source: RDB format, "listpack" and "intset".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum PackedKind {
    /// A list: a listpack of its elements.
    List,
    /// A set of integers: an intset.
    IntSet,
    /// A set: a listpack of its members.
    Set,
    /// A set that clients see as a table (a member is too long for a listpack, or there were too
    /// many): while it is small, a listpack of its members all the same.
    TableSet,
    /// A hash: a listpack of field, value, field, value.
    Hash,
    /// A hash that clients see as a table (something in it is too long for a listpack, or there
    /// was too much): while it is small, a listpack of field, value all the same.
    TableHash,
    /// A hash whose fields may have deadlines: a listpack of field, value, deadline in Unix
    /// milliseconds, 0 for none.
    HashWithDeadlines,
    /// A sorted set: a listpack of member, score, in ascending order.
    SortedSet,
}

impl PackedKind {
    /// Every kind, in the order of their numbers.
    pub(crate) const ALL: [Self; 8] = [
        Self::List,
        Self::IntSet,
        Self::Set,
        Self::TableSet,
        Self::Hash,
        Self::TableHash,
        Self::HashWithDeadlines,
        Self::SortedSet,
    ];

    /// The type that clients see.
    #[must_use]
    pub const fn value_type(self) -> ValueType {
        match self {
            Self::List => ValueType::List,
            Self::IntSet | Self::Set | Self::TableSet => ValueType::Set,
            Self::Hash | Self::TableHash | Self::HashWithDeadlines => ValueType::Hash,
            Self::SortedSet => ValueType::SortedSet,
        }
    }

    /// The encoding that clients see.
    #[must_use]
    pub const fn encoding(self) -> Encoding {
        match self {
            Self::IntSet => Encoding::IntSet,
            Self::TableSet | Self::TableHash => Encoding::Hashtable,
            Self::HashWithDeadlines => Encoding::ListpackEx,
            Self::List | Self::Set | Self::Hash | Self::SortedSet => Encoding::Listpack,
        }
    }
}

const _: () = {
    let mut number = 0;
    while number < PackedKind::ALL.len() {
        assert!(PackedKind::ALL[number] as usize == number, "kinds are found by their number");
        number += 1;
    }
};

/// How a value is held, as OBJECT ENCODING names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Encoding {
    /// A string that is an `i64`.
    Int,
    /// A string of at most [`EMBSTR_MAX`] bytes that was set as a whole.
    Embstr,
    /// Any other string.
    Raw,
    /// A small collection in one run of bytes.
    Listpack,
    /// A small hash whose fields may have deadlines, in one run of bytes.
    ListpackEx,
    /// A small set of integers.
    IntSet,
    /// A list of listpacks.
    Quicklist,
    /// A set or hash in a table.
    Hashtable,
    /// A sorted set with an index by score; the name is that of the structure Redis has there.
    Skiplist,
    /// A stream.
    Stream,
}

impl Encoding {
    /// The name OBJECT ENCODING replies.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Int => "int",
            Self::Embstr => "embstr",
            Self::Raw => "raw",
            Self::Listpack => "listpack",
            Self::ListpackEx => "listpackex",
            Self::IntSet => "intset",
            Self::Quicklist => "quicklist",
            Self::Hashtable => "hashtable",
            Self::Skiplist => "skiplist",
            Self::Stream => "stream",
        }
    }
}
