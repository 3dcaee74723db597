//! Integers of 1 to 64 bits at any bit of a string, the highest bit first.

/// The type of a field: `u1` to `u63`, `i1` to `i64`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FieldType {
    /// Whether the highest bit is the sign.
    pub(super) signed: bool,
    /// How many bits there are.
    pub(super) bits: u32,
}

/// What becomes of a number that does not fit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Overflow {
    /// The bits that do not fit are lost.
    #[default]
    Wrap,
    /// The nearest number that fits is taken.
    Saturate,
    /// Nothing is written.
    Fail,
}

/// Bytes that a field of 64 bits may touch.
const SPAN_BYTES: usize = 9;

impl FieldType {
    /// Reads the name of a type.
    pub(super) fn parse(word: &[u8]) -> Option<Self> {
        let (signed, bits_max, digits) = match word {
            [b'i', digits @ ..] => (true, 64, digits),
            [b'u', digits @ ..] => (false, 63, digits),
            _ => return None,
        };
        let bits = dunlin_stdx::number::parse_i64(digits)?;
        (1..=bits_max).contains(&bits).then_some(Self { signed, bits: bits as u32 })
    }

    /// The number at bit `offset`; beyond the end of `bytes` there are zeros.
    pub(super) fn read(self, bytes: &[u8], offset: u64) -> i64 {
        let (span, _) = read_span(bytes, offset);
        let raw = (span >> self.bits_behind(offset)) as u64 & self.mask();
        self.number_of(raw)
    }

    /// Writes a number at bit `offset`.
    ///
    /// # Panics
    /// If the field is not wholly inside `bytes`.
    pub(super) fn write(self, bytes: &mut [u8], offset: u64, number: i64) {
        let behind = self.bits_behind(offset);
        let (span, first) = read_span(bytes, offset);
        let mask = u128::from(self.mask()) << behind;
        let written = span & !mask | (u128::from(number as u64) << behind) & mask;
        let touched = ((offset % 8) as usize + self.bits as usize).div_ceil(8);
        let span_bytes = written.to_be_bytes();
        let span_bytes = &span_bytes[size_of::<u128>() - SPAN_BYTES..];
        bytes[first..first + touched].copy_from_slice(&span_bytes[..touched]);
    }

    /// `held + increment` as a number of this type, or `None` if it does not fit and must not be
    /// written.
    pub(super) fn increase(self, held: i64, increment: i64, overflow: Overflow) -> Option<i64> {
        self.fit(i128::from(held) + i128::from(increment), overflow)
    }

    /// `number` as a number of this type, or `None` if it does not fit and must not be written. A
    /// negative number is a very large one to an unsigned field.
    pub(super) fn convert(self, number: i64, overflow: Overflow) -> Option<i64> {
        if !self.signed {
            return self.fit(i128::from(number as u64), overflow);
        }
        // Redis 7.2 takes numbers next to the least possible for too large, because the distance
        // to the maximum overflows.
        let misjudged = self.bits < 64 && self.max() - i128::from(number) > i128::from(i64::MAX);
        if misjudged && overflow == Overflow::Saturate {
            return Some(self.max() as i64);
        }
        self.fit(i128::from(number), overflow)
    }

    fn fit(self, number: i128, overflow: Overflow) -> Option<i64> {
        let (min, max) = (if self.signed { -self.max() - 1 } else { 0 }, self.max());
        match overflow {
            _ if (min..=max).contains(&number) => Some(number as i64),
            Overflow::Wrap => Some(self.number_of(number as u64 & self.mask())),
            Overflow::Saturate => Some(number.clamp(min, max) as i64),
            Overflow::Fail => None,
        }
    }

    fn max(self) -> i128 {
        let value_bits = if self.signed { self.bits - 1 } else { self.bits };
        (1i128 << value_bits) - 1
    }

    const fn mask(self) -> u64 {
        u64::MAX >> (64 - self.bits)
    }

    /// The number that the lowest bits of `raw` stand for.
    const fn number_of(self, raw: u64) -> i64 {
        let unused = 64 - self.bits;
        if self.signed { (raw << unused) as i64 >> unused } else { raw as i64 }
    }

    /// How many bits of the nine bytes around the field stand behind it.
    const fn bits_behind(self, offset: u64) -> u32 {
        SPAN_BYTES as u32 * 8 - (offset % 8) as u32 - self.bits
    }
}

/// The nine bytes from the one that holds bit `offset`, zeros behind the end, and its index.
fn read_span(bytes: &[u8], offset: u64) -> (u128, usize) {
    let first = (offset / 8) as usize;
    let held = bytes.get(first..).unwrap_or_default();
    let held = &held[..held.len().min(SPAN_BYTES)];
    let mut span = [0; size_of::<u128>()];
    let at = size_of::<u128>() - SPAN_BYTES;
    span[at..at + held.len()].copy_from_slice(held);
    (u128::from_be_bytes(span), first)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn field(name: &str) -> FieldType {
        FieldType::parse(name.as_bytes()).expect("a type")
    }

    #[test]
    fn names_of_types() {
        for name in ["i1", "u1", "i64", "u63"] {
            assert!(FieldType::parse(name.as_bytes()).is_some(), "{name}");
        }
        for name in ["", "i", "u0", "i0", "u64", "i65", "x8", "I8", "u-1", "u08", "8", "u8 "] {
            assert!(FieldType::parse(name.as_bytes()).is_none(), "{name}");
        }
    }

    #[test]
    fn what_does_not_fit() {
        use Overflow::{Fail, Saturate, Wrap};
        let check = |name: &str, held, increment, expected: [Option<i64>; 3]| {
            let results = [Wrap, Saturate, Fail].map(|o| field(name).increase(held, increment, o));
            assert_eq!(results, expected, "{name} {held} + {increment}");
        };
        check("u8", 250, 10, [Some(4), Some(255), None]);
        check("u8", 5, -10, [Some(251), Some(0), None]);
        check("i8", 127, 1, [Some(-128), Some(127), None]);
        check("i8", -128, -1, [Some(127), Some(-128), None]);
        check("i64", i64::MAX, 1, [Some(i64::MIN), Some(i64::MAX), None]);
        check("i64", i64::MIN, -1, [Some(i64::MAX), Some(i64::MIN), None]);
        check("u63", i64::MAX, 1, [Some(0), Some(i64::MAX), None]);
        check("i1", 0, 1, [Some(-1), Some(0), None]);
        check("u8", 1, 1, [Some(2); 3]);
        assert_eq!(field("u8").convert(-1, Saturate), Some(255));
        assert_eq!(field("u8").convert(-1, Wrap), Some(255));
        assert_eq!(field("i8").convert(-129, Saturate), Some(-128));
        assert_eq!(field("i8").convert(i64::MIN, Saturate), Some(127));
        assert_eq!(field("i64").convert(i64::MIN, Saturate), Some(i64::MIN));
    }

    fn types() -> impl Strategy<Value = FieldType> {
        prop_oneof![
            (1..=64u32).prop_map(|bits| FieldType { signed: true, bits }),
            (1..=63u32).prop_map(|bits| FieldType { signed: false, bits }),
        ]
    }

    /// One bit at a time.
    fn model_read(field: FieldType, bytes: &[u8], offset: u64) -> i64 {
        let bit = |index: u64| {
            bytes.get((index / 8) as usize).map_or(0, |byte| byte >> (7 - index % 8) & 1)
        };
        let raw =
            (0..u64::from(field.bits)).fold(0u64, |raw, n| raw << 1 | u64::from(bit(offset + n)));
        if field.signed && bit(offset) == 1 {
            (i128::from(raw) - (1i128 << field.bits)) as i64
        } else {
            raw as i64
        }
    }

    proptest! {
        #[test]
        fn fields_are_read_and_written_as_bit_by_bit(
            mut bytes in prop::collection::vec(any::<u8>(), 1..24),
            field in types(),
            offset in 0..200u64,
            number: i64,
        ) {
            prop_assert_eq!(field.read(&bytes, offset), model_read(field, &bytes, offset));
            let end = offset + u64::from(field.bits);
            if end <= bytes.len() as u64 * 8 {
                let before = bytes.clone();
                field.write(&mut bytes, offset, number);
                let wrapped = field.convert(number, Overflow::Wrap);
                prop_assert_eq!(Some(field.read(&bytes, offset)), wrapped);
                let bit = |bytes: &[u8], index: u64| bytes[(index / 8) as usize] >> (7 - index % 8) & 1;
                for index in (0..bytes.len() as u64 * 8).filter(|i| !(offset..end).contains(i)) {
                    prop_assert_eq!(bit(&bytes, index), bit(&before, index));
                }
            }
        }
    }
}
