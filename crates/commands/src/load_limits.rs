//! In which forms values from elsewhere are held: those that commands would have given them.

use dunlin_config::Config;
use dunlin_rdb::LoadLimits;
use dunlin_values::MemberHasher;
use dunlin_values::hash::HashLimits;
use dunlin_values::list::ListLimits;
use dunlin_values::set::SetLimits;

use crate::server::Switches;
use crate::sorted_set::packed_limits;

/// The limits that the configuration sets, for values that are read: of a file, a stream of keys, a
/// payload. `hasher` is a fresh one of the keyspace's.
#[must_use]
pub fn load_limits(config: &Config, switches: &Switches, hasher: MemberHasher) -> LoadLimits {
    /// A limit beyond what memory holds is none.
    fn len(limit: u64) -> usize {
        usize::try_from(limit).unwrap_or(usize::MAX)
    }
    let encodings = &config.encodings;
    LoadLimits {
        list: ListLimits {
            max_listpack_size: encodings.list_max_listpack_size,
            compress_depth: encodings.list_compress_depth,
            packed_threshold: len(switches.quicklist_packed_threshold_bytes),
        },
        set: SetLimits {
            intset_len: len(encodings.set_max_intset_entries),
            listpack_len: len(encodings.set_max_listpack_entries),
            listpack_member_len: len(encodings.set_max_listpack_value),
            hasher,
        },
        hash: HashLimits {
            listpack_len: len(encodings.hash_max_listpack_entries),
            listpack_value_len: len(encodings.hash_max_listpack_value),
            hasher,
        },
        sorted_set: packed_limits(config),
        hasher,
    }
}
