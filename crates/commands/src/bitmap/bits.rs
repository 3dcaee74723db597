//! Counting and finding bits, and combining strings of them, 64 at a time.

use std::ops::Range;

const WORD_BYTES: usize = 8;

/// How many bits of `range` are set.
pub(super) fn count_ones(bytes: &[u8], range: Range<u64>) -> u64 {
    let Some(edges) = Edges::of(range) else { return 0 };
    let Edges { first, last, first_mask, last_mask } = edges;
    if first == last {
        return u64::from((bytes[first] & first_mask & last_mask).count_ones());
    }
    let ends = (bytes[first] & first_mask).count_ones() + (bytes[last] & last_mask).count_ones();
    u64::from(ends) + count_all_ones(&bytes[first + 1..last])
}

/// Words counted at once. Adding them bit by bit before counting (a Harley-Seal tree) leaves one
/// population count for eight words; without the POPCNT instruction that is what costs.
const TREE: usize = 8;

fn count_all_ones(bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks::<WORD_BYTES>();
    let (trees, words) = words.as_chunks::<TREE>();
    let (mut ones, mut twos, mut fours, mut eights) = (0, 0, 0, 0);
    for tree in trees {
        let [a, b, c, d, e, f, g, h] = tree.map(u64::from_ne_bytes);
        let (twos_a, twos_b, twos_c, twos_d);
        (twos_a, ones) = add(ones, a, b);
        (twos_b, ones) = add(ones, c, d);
        (twos_c, ones) = add(ones, e, f);
        (twos_d, ones) = add(ones, g, h);
        let (fours_a, fours_b);
        (fours_a, twos) = add(twos, twos_a, twos_b);
        (fours_b, twos) = add(twos, twos_c, twos_d);
        let eight;
        (eight, fours) = add(fours, fours_a, fours_b);
        eights += u64::from(eight.count_ones());
    }
    let ones_of = |word: u64| u64::from(word.count_ones());
    eights * 8
        + ones_of(fours) * 4
        + ones_of(twos) * 2
        + ones_of(ones)
        + words.iter().map(|word| ones_of(u64::from_ne_bytes(*word))).sum::<u64>()
        + rest.iter().map(|byte| u64::from(byte.count_ones())).sum::<u64>()
}

/// Adds three bits in each of 64 columns: carries, sums.
const fn add(a: u64, b: u64, c: u64) -> (u64, u64) {
    let half = a ^ b;
    (a & b | half & c, half ^ c)
}

/// The first bit of `range` that is `wanted`.
pub(super) fn find(bytes: &[u8], range: Range<u64>, wanted: bool) -> Option<u64> {
    let Edges { first, last, first_mask, last_mask } = Edges::of(range)?;
    // What is looked for becomes 1, what is outside the range 0.
    let flip = if wanted { 0 } else { 0xff };
    let at = |index: usize, mask: u8| {
        let found = (bytes[index] ^ flip) & mask;
        (found != 0).then(|| index as u64 * 8 + u64::from(found.leading_zeros()))
    };
    if first == last {
        return at(first, first_mask & last_mask);
    }
    at(first, first_mask)
        .or_else(|| {
            let inner = &bytes[first + 1..last];
            find_in_all(inner, flip).map(|bit| bit + (first as u64 + 1) * 8)
        })
        .or_else(|| at(last, last_mask))
}

/// The first bit that differs from those of `flip` (all 0 or all 1).
fn find_in_all(bytes: &[u8], flip: u8) -> Option<u64> {
    let (words, rest) = bytes.as_chunks::<WORD_BYTES>();
    let skipped = [flip; WORD_BYTES];
    let whole = words.iter().position(|word| *word != skipped);
    let start = whole.unwrap_or(words.len()) * WORD_BYTES;
    let tail = if whole.is_some() { &bytes[start..] } else { rest };
    let byte = tail.iter().position(|byte| *byte != flip)?;
    let bit = (tail[byte] ^ flip).leading_zeros();
    Some((start + byte) as u64 * 8 + u64::from(bit))
}

/// The bytes at both ends of a range of bits, and which of their bits belong to it.
struct Edges {
    first: usize,
    last: usize,
    first_mask: u8,
    last_mask: u8,
}

impl Edges {
    fn of(range: Range<u64>) -> Option<Self> {
        let last_bit = range.end.checked_sub(1).filter(|last| *last >= range.start)?;
        Some(Self {
            first: (range.start / 8) as usize,
            last: (last_bit / 8) as usize,
            first_mask: 0xff >> (range.start % 8),
            last_mask: 0xff << (7 - last_bit % 8),
        })
    }
}

/// How two strings of bits are combined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    /// Set where both are.
    And,
    /// Set where one is.
    Or,
    /// Set where they differ.
    Xor,
}

/// Combines `other` into `result`. The shorter one counts as if it ended in zeros.
pub(super) fn combine(result: &mut Vec<u8>, other: &[u8], operation: Operation) {
    let common = result.len().min(other.len());
    let (shared, tail) = other.split_at(common);
    match operation {
        Operation::And => {
            each_word(&mut result[..common], shared, |a, b| a & b);
            result[common..].fill(0);
            result.resize(common.max(result.len()).max(other.len()), 0);
        }
        Operation::Or => {
            each_word(&mut result[..common], shared, |a, b| a | b);
            result.extend_from_slice(tail);
        }
        Operation::Xor => {
            each_word(&mut result[..common], shared, |a, b| a ^ b);
            result.extend_from_slice(tail);
        }
    }
}

/// Turns every bit round.
pub(super) fn invert(bytes: &mut [u8]) {
    let (words, rest) = bytes.as_chunks_mut::<WORD_BYTES>();
    for word in words {
        *word = (!u64::from_ne_bytes(*word)).to_ne_bytes();
    }
    rest.iter_mut().for_each(|byte| *byte = !*byte);
}

/// Applies `operation` word by word; the operations work on each bit alone, so the bytes behind
/// the last word go through it as words with zeros above.
fn each_word(result: &mut [u8], other: &[u8], operation: impl Fn(u64, u64) -> u64) {
    debug_assert_eq!(result.len(), other.len());
    let (words, rest) = result.as_chunks_mut::<WORD_BYTES>();
    let (other_words, other_rest) = other.as_chunks::<WORD_BYTES>();
    for (word, other) in words.iter_mut().zip(other_words) {
        *word = operation(u64::from_ne_bytes(*word), u64::from_ne_bytes(*other)).to_ne_bytes();
    }
    for (byte, other) in rest.iter_mut().zip(other_rest) {
        *byte = operation(u64::from(*byte), u64::from(*other)) as u8;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn bit(bytes: &[u8], index: u64) -> bool {
        bytes.get((index / 8) as usize).is_some_and(|byte| byte >> (7 - index % 8) & 1 == 1)
    }

    /// Strings with long runs of equal bytes, so that the searches get somewhere.
    fn strings() -> impl Strategy<Value = Vec<u8>> {
        let run = (prop_oneof![Just(0u8), Just(0xff), any::<u8>()], 1..90usize);
        prop::collection::vec(run, 0..6)
            .prop_map(|runs| runs.into_iter().flat_map(|(byte, n)| vec![byte; n]).collect())
    }

    fn string_and_range() -> impl Strategy<Value = (Vec<u8>, Range<u64>)> {
        strings().prop_flat_map(|bytes| {
            let total = bytes.len() as u64 * 8;
            (Just(bytes), 0..=total, 0..=total)
                .prop_map(|(bytes, a, b)| (bytes, a.min(b)..a.max(b)))
        })
    }

    proptest! {
        #[test]
        fn ones_are_counted_as_one_by_one((bytes, range) in string_and_range()) {
            let expected = range.clone().filter(|&index| bit(&bytes, index)).count() as u64;
            prop_assert_eq!(count_ones(&bytes, range), expected);
        }

        #[test]
        fn bits_are_found_as_one_by_one(
            (bytes, range) in string_and_range(),
            wanted: bool,
        ) {
            let expected = range.clone().find(|&index| bit(&bytes, index) == wanted);
            prop_assert_eq!(find(&bytes, range, wanted), expected);
        }

        #[test]
        fn strings_are_combined_as_bit_by_bit(first in strings(), other in strings()) {
            for (operation, model) in [
                (Operation::And, (|a, b| a & b) as fn(bool, bool) -> bool),
                (Operation::Or, |a, b| a | b),
                (Operation::Xor, |a, b| a ^ b),
            ] {
                let mut result = first.clone();
                combine(&mut result, &other, operation);
                prop_assert_eq!(result.len(), first.len().max(other.len()));
                for index in 0..result.len() as u64 * 8 {
                    prop_assert_eq!(bit(&result, index), model(bit(&first, index), bit(&other, index)));
                }
            }
            let mut inverted = first.clone();
            invert(&mut inverted);
            prop_assert!(first.iter().zip(&inverted).all(|(a, b)| *a == !*b));
        }
    }
}
