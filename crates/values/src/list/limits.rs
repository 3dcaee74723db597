//! How long a run of elements may become, and which runs are compressed.

/// Bytes of a node for -1 to -5, in this order.
///
/// Source: redis.conf, `list-max-listpack-size`.
const BYTES_MAX: [usize; 5] = [4 << 10, 8 << 10, 16 << 10, 32 << 10, 64 << 10];

/// Where the limit is a count of elements, no node grows beyond this many bytes.
const COUNTED_BYTES_MAX: usize = 8 << 10;

/// Elements of at least this many bytes have a node of their own, without a listpack around them:
/// they are sent to clients without a copy.
const PLAIN_MIN: usize = 32 << 10;

/// Bytes that an element may take in a listpack beyond its text; Redis reckons so.
const ELEMENT_OVERHEAD: usize = 8;

/// The parameters of lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListLimits {
    /// `list-max-listpack-size`: at most this many elements, or, if negative, kilobytes by class.
    pub max_listpack_size: i32,
    /// `list-compress-depth`: nodes at either end that are not compressed; 0 compresses none.
    pub compress_depth: u32,
    /// Elements of at least this many bytes always stand alone (DEBUG QUICKLIST-PACKED-THRESHOLD).
    pub packed_threshold: usize,
}

/// `list-max-listpack-size`, understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bound {
    Bytes(usize),
    Elements(usize),
}

impl ListLimits {
    fn bound(self) -> Bound {
        match self.max_listpack_size {
            0 => Bound::Elements(1),
            count @ 1.. => Bound::Elements(count.unsigned_abs() as usize),
            class => {
                let class = class.unsigned_abs() as usize;
                Bound::Bytes(BYTES_MAX[class.min(BYTES_MAX.len()) - 1])
            }
        }
    }

    /// Whether one listpack of so many bytes and elements is too much.
    pub(super) fn exceeded(self, bytes: usize, elements: usize) -> bool {
        match self.bound() {
            Bound::Bytes(most) => bytes > most,
            Bound::Elements(most) => bytes > COUNTED_BYTES_MAX || elements > most,
        }
    }

    /// Whether a listpack of so many bytes and elements is at most half of what one may be: a list
    /// that shrank to this gives its nodes up.
    pub(super) fn half_used(self, bytes: usize, elements: usize) -> bool {
        match self.bound() {
            Bound::Bytes(most) => bytes <= most / 2,
            Bound::Elements(most) => elements <= most / 2,
        }
    }

    /// Whether a listpack of so many bytes and elements has room for an element of `len` bytes.
    #[inline]
    pub(super) fn admits(self, bytes: usize, elements: usize, len: usize) -> bool {
        !self.stands_alone(len) && !self.exceeded(bytes + len + ELEMENT_OVERHEAD, elements + 1)
    }

    /// Whether an element of `len` bytes has a node of its own.
    #[inline]
    pub(super) fn stands_alone(self, len: usize) -> bool {
        len >= PLAIN_MIN || len >= self.packed_threshold
    }

    /// Whether a node may keep `bytes` bytes when one of its elements was replaced by a longer one.
    /// More than it would be given otherwise, so that it is rarely torn apart.
    pub(super) fn bears(self, bytes: usize) -> bool {
        let most = match self.bound() {
            Bound::Bytes(most) => most,
            Bound::Elements(_) => COUNTED_BYTES_MAX,
        };
        bytes <= 2 * most.max(PLAIN_MIN)
    }

    /// The limits of the nodes of a quicklist, which are kept in 16 bits.
    pub(super) fn of_nodes(self) -> Self {
        const COMPRESS_DEPTH_MAX: u32 = u16::MAX as u32;
        let max_listpack_size = self.max_listpack_size.clamp(-5, i32::from(i16::MAX));
        let compress_depth = self.compress_depth.min(COMPRESS_DEPTH_MAX);
        Self { max_listpack_size, compress_depth, ..self }
    }
}

impl Default for ListLimits {
    fn default() -> Self {
        Self { max_listpack_size: -2, compress_depth: 0, packed_threshold: usize::MAX }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(max_listpack_size: i32) -> ListLimits {
        ListLimits { max_listpack_size, ..ListLimits::default() }
    }

    #[test]
    fn negative_sizes_are_classes_of_bytes() {
        for (size, bytes) in [(-1, 4096), (-2, 8192), (-5, 65536), (-6, 65536), (i32::MIN, 65536)] {
            assert!(!limits(size).exceeded(bytes, 60_000), "{size}");
            assert!(limits(size).exceeded(bytes + 1, 1), "{size}");
            assert!(limits(size).half_used(bytes / 2, 60_000), "{size}");
            assert!(!limits(size).half_used(bytes / 2 + 1, 1), "{size}");
        }
    }

    #[test]
    fn positive_sizes_count_elements_up_to_8_kilobytes() {
        assert!(!limits(128).exceeded(8192, 128));
        assert!(limits(128).exceeded(8193, 1));
        assert!(limits(128).exceeded(100, 129));
        assert!(limits(128).half_used(1 << 20, 64));
        assert!(!limits(0).exceeded(100, 1));
        assert!(limits(0).exceeded(100, 2));
    }

    #[test]
    fn long_elements_stand_alone() {
        assert!(limits(-5).stands_alone(32 << 10));
        assert!(!limits(-5).stands_alone(1000));
        assert!(ListLimits { packed_threshold: 20, ..limits(-2) }.stands_alone(20));
        assert!(!limits(-5).admits(7, 0, 32 << 10));
        assert!(limits(-2).admits(8192 - 8 - 100, 10, 100));
        assert!(!limits(-2).admits(8192 - 7 - 100, 10, 100));
    }
}
