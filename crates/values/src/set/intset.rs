//! Intset: integers in ascending order, all as wide as the widest.
//!
//! ```text
//! width u32le: 2, 4 or 8 | count u32le | integers, little endian, ascending
//! ```
//!
//! Source: RDB format, "intset".

use crate::listpack::Buffer;

/// Bytes in front of the integers: width and count.
pub const HEADER_LEN: usize = 8;

/// An intset without members.
pub const EMPTY: [u8; HEADER_LEN] = [2, 0, 0, 0, 0, 0, 0, 0];

/// An intset, for reading.
#[derive(Clone, Copy, Debug)]
pub struct IntSet<'a> {
    /// The integers, `width` bytes each.
    numbers: &'a [u8],
    width: Width,
}

/// Bytes that each integer takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Width {
    Two = 2,
    Four = 4,
    Eight = 8,
}

impl Width {
    #[inline]
    const fn of(number: i64) -> Self {
        match number {
            -0x8000..=0x7fff => Self::Two,
            -0x8000_0000..=0x7fff_ffff => Self::Four,
            _ => Self::Eight,
        }
    }

    const fn from_bytes(bytes: u32) -> Option<Self> {
        match bytes {
            2 => Some(Self::Two),
            4 => Some(Self::Four),
            8 => Some(Self::Eight),
            _ => None,
        }
    }

    #[inline]
    const fn bytes(self) -> usize {
        self as usize
    }
}

/// Why bytes are not an intset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CorruptIntSet(pub &'static str);

/// Checks bytes that come from elsewhere; tells the count of members.
///
/// # Errors
/// [`CorruptIntSet`] with what is wrong.
pub fn validate(bytes: &[u8]) -> Result<usize, CorruptIntSet> {
    let header = bytes.first_chunk::<HEADER_LEN>().ok_or(CorruptIntSet("no header"))?;
    let [width, count] = header_words(header);
    let width = Width::from_bytes(width).ok_or(CorruptIntSet("unknown width"))?;
    let count = count as usize;
    if count == 0 || count.checked_mul(width.bytes()) != Some(bytes.len() - HEADER_LEN) {
        return Err(CorruptIntSet("count and length disagree"));
    }
    let set = IntSet { numbers: &bytes[HEADER_LEN..], width };
    if !set.iter().is_sorted_by(|a, b| a < b) {
        return Err(CorruptIntSet("not in ascending order"));
    }
    Ok(count)
}

#[inline]
fn header_words(header: &[u8; HEADER_LEN]) -> [u32; 2] {
    let [a, b, c, d, e, f, g, h] = *header;
    [u32::from_le_bytes([a, b, c, d]), u32::from_le_bytes([e, f, g, h])]
}

impl<'a> IntSet<'a> {
    /// The intset in `bytes`, which this program wrote or [`validate`] accepted.
    #[must_use]
    #[inline]
    pub fn new(bytes: &'a [u8]) -> Self {
        let width = match bytes[0] {
            2 => Width::Two,
            4 => Width::Four,
            _ => Width::Eight,
        };
        Self { numbers: &bytes[HEADER_LEN..], width }
    }

    /// Number of members.
    #[must_use]
    #[inline]
    pub const fn len(self) -> usize {
        // All widths are powers of two.
        self.numbers.len() >> self.width.bytes().trailing_zeros()
    }

    /// Whether there is no member.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.numbers.is_empty()
    }

    /// The member at `index`, in ascending order.
    ///
    /// # Panics
    /// If there are not so many.
    #[must_use]
    #[inline]
    pub fn get(self, index: usize) -> i64 {
        match self.width {
            Width::Two => i64::from(i16::from_le_bytes(self.bytes_of(index))),
            Width::Four => i64::from(i32::from_le_bytes(self.bytes_of(index))),
            Width::Eight => i64::from_le_bytes(self.bytes_of(index)),
        }
    }

    #[inline]
    fn bytes_of<const WIDTH: usize>(self, index: usize) -> [u8; WIDTH] {
        let from = index * WIDTH;
        self.numbers[from..from + WIDTH].try_into().expect("as long as asked for")
    }

    /// The smallest member.
    #[must_use]
    pub fn min(self) -> Option<i64> {
        (!self.is_empty()).then(|| self.get(0))
    }

    /// The greatest member.
    #[must_use]
    pub fn max(self) -> Option<i64> {
        self.len().checked_sub(1).map(|last| self.get(last))
    }

    /// Where `number` is, or where it would be.
    ///
    /// # Errors
    /// The index at which it would stand, if it is not a member.
    #[inline]
    pub fn search(self, number: i64) -> Result<usize, usize> {
        let (mut from, mut until) = (0, self.len());
        while from < until {
            let middle = from.midpoint(until);
            match self.get(middle).cmp(&number) {
                std::cmp::Ordering::Less => from = middle + 1,
                std::cmp::Ordering::Equal => return Ok(middle),
                std::cmp::Ordering::Greater => until = middle,
            }
        }
        Err(from)
    }

    /// Whether `number` is a member. O(log n)
    #[must_use]
    #[inline]
    pub fn contains(self, number: i64) -> bool {
        self.search(number).is_ok()
    }

    /// The members in ascending order.
    pub fn iter(self) -> impl ExactSizeIterator<Item = i64> + 'a {
        (0..self.len()).map(move |index| self.get(index))
    }
}

/// Adds a member; returns whether it is new. O(n)
pub fn add(buffer: &mut impl Buffer, number: i64) -> bool {
    let set = IntSet::new(buffer.bytes());
    let Err(index) = set.search(number) else { return false };
    let (width, count) = (set.width, set.len());
    if Width::of(number) > width {
        widen(buffer, Width::of(number));
    }
    let width = width.max(Width::of(number)).bytes();
    let bytes = number.to_le_bytes();
    buffer.splice(HEADER_LEN + index * width, 0, &bytes[..width]);
    write_count(buffer, count + 1);
    true
}

/// Removes a member; returns whether it was one. The others stay as wide as they are. O(n)
pub fn remove(buffer: &mut impl Buffer, number: i64) -> bool {
    let set = IntSet::new(buffer.bytes());
    let Ok(index) = set.search(number) else { return false };
    let (width, count) = (set.width.bytes(), set.len());
    buffer.splice(HEADER_LEN + index * width, width, &[]);
    write_count(buffer, count - 1);
    true
}

/// Rewrites all members with more bytes each.
fn widen(buffer: &mut impl Buffer, width: Width) {
    let old = IntSet::new(buffer.bytes());
    let mut wide = Vec::with_capacity(old.len() * width.bytes());
    for number in old.iter() {
        wide.extend_from_slice(&number.to_le_bytes()[..width.bytes()]);
    }
    let old_len = old.numbers.len();
    buffer.splice(HEADER_LEN, old_len, &wide);
    buffer.bytes_mut()[0] = width.bytes() as u8;
}

fn write_count(buffer: &mut impl Buffer, count: usize) {
    let count = u32::try_from(count).expect("an intset has at most 2^30 members");
    buffer.bytes_mut()[4..HEADER_LEN].copy_from_slice(&count.to_le_bytes());
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn bytes_are_those_of_redis() {
        let mut bytes = EMPTY.to_vec();
        for number in [300, 1, 2, 1] {
            add(&mut bytes, number);
        }
        assert_eq!(bytes, b"\x02\0\0\0\x03\0\0\0\x01\0\x02\0\x2c\x01");
        add(&mut bytes, -70_000);
        assert_eq!(bytes[..8], *b"\x04\0\0\0\x04\0\0\0");
        assert_eq!(IntSet::new(&bytes).iter().collect::<Vec<_>>(), [-70_000, 1, 2, 300]);
    }

    #[test]
    fn what_is_wrong_is_found() {
        assert_eq!(validate(b"\x02\0\0\0\x02\0\0\0\x01\0\x02\0"), Ok(2));
        let broken: [&[u8]; 6] = [
            b"\x02\0\0\0\x02\0\0",
            b"\x02\0\0\0\0\0\0\0",
            b"\x03\0\0\0\x01\0\0\0\x01\0\0",
            b"\x02\0\0\0\x02\0\0\0\x01\0",
            b"\x02\0\0\0\x02\0\0\0\x02\0\x01\0",
            b"\x08\0\0\0\x00\0\0\x20",
        ];
        for bytes in broken {
            assert!(validate(bytes).is_err(), "{}", bytes.escape_ascii());
        }
    }

    proptest! {
        #[test]
        fn an_intset_is_a_sorted_set_of_numbers(
            steps in prop::collection::vec((any::<bool>(), any::<i64>(), 0_u32..64), 1..120)
        ) {
            let (mut bytes, mut model) = (EMPTY.to_vec(), BTreeSet::new());
            for (adds, number, shift) in steps {
                let number = number >> shift;
                if adds {
                    prop_assert_eq!(add(&mut bytes, number), model.insert(number));
                } else {
                    prop_assert_eq!(remove(&mut bytes, number), model.remove(&number));
                }
                let set = IntSet::new(&bytes);
                prop_assert!(set.iter().eq(model.iter().copied()));
                prop_assert_eq!((set.min(), set.max()), (model.first().copied(), model.last().copied()));
                prop_assert_eq!(set.contains(number), model.contains(&number));
                prop_assert_eq!(validate(&bytes).ok(), Some(model.len()).filter(|&len| len > 0));
            }
        }
    }
}
