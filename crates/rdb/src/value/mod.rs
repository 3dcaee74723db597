//! Values as files hold them, of all types that were ever written, made into the forms that
//! commands would have given them.
//!
//! Every byte is checked, whatever `sanitize-dump-payload` says: what gets through here is as good
//! as what commands made.

mod collections;
mod lists;
mod streams;
mod ziplist;
mod zipmap;

use dunlin_values::hash::HashLimits;
use dunlin_values::list::ListLimits;
use dunlin_values::listpack::{Corrupt, Distinct};
use dunlin_values::set::SetLimits;
use dunlin_values::sorted_set::PackedLimits;
use dunlin_values::{MemberHasher, NewValue};

use crate::error::{ReadError, ReadErrorCause, Result};
use crate::format::kind;
use crate::module;
use crate::source::Source;
use crate::text;

/// In which forms collections are held, as configured.
#[derive(Clone, Copy, Debug)]
pub struct LoadLimits {
    /// Of lists.
    pub list: ListLimits,
    /// Of sets; the hasher is not used.
    pub set: SetLimits,
    /// Of hashes; the hasher is not used.
    pub hash: HashLimits,
    /// Of sorted sets.
    pub sorted_set: PackedLimits,
    /// How what is in tables is hashed: each table by another one that follows from this.
    pub hasher: MemberHasher,
}

impl Default for LoadLimits {
    /// The limits of a server without a configuration file.
    fn default() -> Self {
        let hasher = MemberHasher::new(0);
        Self {
            list: ListLimits::default(),
            set: SetLimits { intset_len: 512, listpack_len: 128, listpack_member_len: 64, hasher },
            hash: HashLimits { listpack_len: 128, listpack_value_len: 64, hasher },
            sorted_set: PackedLimits { entries: 128, value: 64 },
            hasher,
        }
    }
}

/// Reads values; keeps its memory from one to the next.
#[derive(Debug)]
pub(crate) struct ValueReader {
    limits: LoadLimits,
    distinct: Distinct,
    /// Room for a compressed string.
    unpacked: Vec<u8>,
    /// Room for a name whose value is being read.
    name: Vec<u8>,
    /// Room for a blob that has to be converted.
    blob: Vec<u8>,
    /// Room for a packed collection.
    packed: Vec<u8>,
}

impl ValueReader {
    pub(crate) const fn new(limits: LoadLimits) -> Self {
        Self {
            limits,
            distinct: Distinct::new(),
            unpacked: Vec::new(),
            name: Vec::new(),
            blob: Vec::new(),
            packed: Vec::new(),
        }
    }

    /// Reads a value of this type; `None` is a collection without members.
    #[inline]
    pub(crate) fn read<'a>(
        &'a mut self,
        kind: u8,
        source: &'a mut impl Source,
    ) -> Result<Option<NewValue<'a>>> {
        if kind == kind::STRING {
            return text::value(source, &mut self.unpacked).map(Some);
        }
        self.renew_hasher();
        match kind {
            kind::LIST => self.list(source),
            kind::LIST_ZIPLIST => self.list_ziplist(source),
            kind::LIST_ZIPLISTS | kind::LIST_NODES => self.list_nodes(kind, source),
            kind::SET => self.set(source),
            kind::SET_INTSET => self.set_intset(source).map(Some),
            kind::SET_LISTPACK => self.set_listpack(source),
            kind::SORTED_SET | kind::SORTED_SET_TEXT => self.sorted_set(kind, source),
            kind::SORTED_SET_LISTPACK | kind::SORTED_SET_ZIPLIST => {
                self.sorted_set_listpack(kind, source)
            }
            kind::HASH => self.hash(source),
            kind::HASH_DEADLINES | kind::HASH_DEADLINES_CANDIDATE => {
                self.hash_with_deadlines(kind, source)
            }
            kind::HASH_ZIPMAP => self.hash_zipmap(source).map(Some),
            kind::HASH_LISTPACK
            | kind::HASH_ZIPLIST
            | kind::HASH_LISTPACK_DEADLINES
            | kind::HASH_LISTPACK_DEADLINES_CANDIDATE => self.hash_listpack(kind, source),
            kind::STREAM_1 | kind::STREAM_2 | kind::STREAM_3 => self.stream(kind, source).map(Some),
            kind::MODULE => {
                let offset = source.offset();
                let name = module::name(source.length()?);
                Err(ReadError { offset, cause: ReadErrorCause::Module(name) })
            }
            other => {
                let offset = source.offset();
                Err(ReadError { offset, cause: ReadErrorCause::Kind(other) })
            }
        }
    }

    /// Each table hashes in its own way.
    const fn renew_hasher(&mut self) {
        let hasher = self.limits.hasher;
        self.limits.hasher = hasher.another();
        self.limits.set.hasher = hasher;
        self.limits.hash.hasher = hasher;
    }
}

/// The error for bytes that begin at `offset` and end in front of what comes next. Of compressed
/// bytes only that is known.
fn corrupt(offset: u64, source: &impl Source, corrupt: Corrupt) -> ReadError {
    let at = offset + corrupt.at as u64;
    ReadError::corrupt(if at < source.offset() { at } else { offset }, corrupt.reason)
}
