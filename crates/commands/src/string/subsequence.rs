//! The longest common subsequence of two strings.
//!
//! The textbook fills a table `L(i, j)`, the length for the first `i` bytes of one string and the
//! first `j` of the other. Neighbours in a row differ by 0 or 1, so a row is kept as one bit per
//! column, and 64 columns are computed with one addition: the carry carries each step of the row
//! above to the next place where the strings agree.
//!
//! The way back needs `L(i-1, j) > L(i, j-1)` where the bytes differ. There `L(i, j)` is the larger
//! of the two, so the question is whether `L(i, j) > L(i, j-1)`: the bit of row `i`, column `j`.
//!
//! Cost: `n * m / 64` steps, and `n * m / 8` bytes where the way back is asked for.
//!
//! Source: H. Hyyrö, "Bit-parallel LCS-length computation revisited" (2004).

use std::ops::Range;

/// A longest common subsequence and its contiguous pieces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Subsequence {
    /// The subsequence.
    pub(super) text: Vec<u8>,
    /// Its pieces, the last one first.
    pub(super) matches: Vec<Match>,
}

/// A piece that both strings have: at these places, of equal length.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Match {
    /// Where it lies in the first string.
    pub(super) a: Range<usize>,
    /// Where it lies in the second string.
    pub(super) b: Range<usize>,
}

impl Match {
    /// Its length in bytes.
    pub(super) fn len(&self) -> usize {
        self.a.len()
    }
}

/// The length of the longest common subsequence.
pub(super) fn common_len(a: &[u8], b: &[u8]) -> usize {
    let places = Places::of(a, b);
    let mut row = Row::first(b.len());
    for &byte in a {
        row.step(places.of_byte(byte));
    }
    row.rises(b.len())
}

impl Subsequence {
    /// The longest common subsequence that Redis finds: ties go to the shorter second string.
    pub(super) fn of(a: &[u8], b: &[u8]) -> Self {
        let places = Places::of(a, b);
        let mut row = Row::first(b.len());
        let width = row.0.len();
        let mut rows = Vec::with_capacity(a.len() * width);
        for &byte in a {
            row.step(places.of_byte(byte));
            rows.extend_from_slice(&row.0);
        }
        let rises =
            |i: usize, j: usize| rows[(i - 1) * width + (j - 1) / 64] >> ((j - 1) % 64) & 1 == 0;
        let mut found = Self { text: Vec::with_capacity(row.rises(b.len())), matches: Vec::new() };
        let (mut i, mut j) = (a.len(), b.len());
        while i > 0 && j > 0 {
            if a[i - 1] == b[j - 1] {
                (i, j) = (i - 1, j - 1);
                found.text.push(a[i]);
                found.extend_matches(i, j);
            } else if rises(i, j) {
                i -= 1;
            } else {
                j -= 1;
            }
        }
        found.text.reverse();
        found
    }

    /// Adds a pair of places in front: to the last piece if it begins right behind.
    fn extend_matches(&mut self, i: usize, j: usize) {
        match self.matches.last_mut() {
            Some(last) if last.a.start == i + 1 && last.b.start == j + 1 => {
                (last.a.start, last.b.start) = (i, j);
            }
            _ => self.matches.push(Match { a: i..i + 1, b: j..j + 1 }),
        }
    }
}

/// For each byte of the first string, the places of the second string that hold it, one bit each.
struct Places {
    /// Which group of words belongs to a byte; 0 is the empty group.
    group: [u16; 256],
    words: Vec<u64>,
    width: usize,
}

impl Places {
    fn of(a: &[u8], b: &[u8]) -> Self {
        let width = b.len().div_ceil(64);
        let mut group = [0; 256];
        let mut groups = 1;
        for &byte in a {
            if group[usize::from(byte)] == 0 {
                group[usize::from(byte)] = groups;
                groups += 1;
            }
        }
        let mut words = vec![0; usize::from(groups) * width];
        for (place, &byte) in b.iter().enumerate() {
            match usize::from(group[usize::from(byte)]) {
                0 => {}
                group => words[group * width + place / 64] |= 1 << (place % 64),
            }
        }
        Self { group, words, width }
    }

    fn of_byte(&self, byte: u8) -> &[u64] {
        let group = usize::from(self.group[usize::from(byte)]);
        &self.words[group * self.width..][..self.width]
    }
}

/// A row of the table: a bit is 0 where the length rises from one column to the next.
struct Row(Vec<u64>);

impl Row {
    /// The row above the first byte: it never rises.
    fn first(columns: usize) -> Self {
        Self(vec![u64::MAX; columns.div_ceil(64)])
    }

    /// The row of the next byte, which stands at `places` of the other string.
    fn step(&mut self, places: &[u64]) {
        let mut carry = false;
        for (word, &places) in self.0.iter_mut().zip(places) {
            let agreeing = *word & places;
            let (sum, carry_of_sum) = word.overflowing_add(agreeing);
            let (sum, carry_of_carry) = sum.overflowing_add(u64::from(carry));
            carry = carry_of_sum || carry_of_carry;
            *word = sum | (*word & !places);
        }
    }

    /// How often the row rises in its first `columns`: the length at its end.
    fn rises(&self, columns: usize) -> usize {
        let Some((last, full)) = self.0.split_last() else { return 0 };
        let used = columns - full.len() * 64;
        let last_rises = (!last & (u64::MAX >> (64 - used))).count_ones();
        full.iter().map(|word| word.count_zeros() as usize).sum::<usize>() + last_rises as usize
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The textbook: the whole table, and the way back through it.
    fn model(a: &[u8], b: &[u8]) -> (Vec<u8>, Vec<(usize, usize)>) {
        let mut len = vec![vec![0usize; b.len() + 1]; a.len() + 1];
        for i in 1..=a.len() {
            for j in 1..=b.len() {
                len[i][j] = if a[i - 1] == b[j - 1] {
                    len[i - 1][j - 1] + 1
                } else {
                    len[i - 1][j].max(len[i][j - 1])
                };
            }
        }
        let (mut i, mut j) = (a.len(), b.len());
        let mut pairs = Vec::new();
        while i > 0 && j > 0 {
            if a[i - 1] == b[j - 1] {
                (i, j) = (i - 1, j - 1);
                pairs.push((i, j));
            } else if len[i - 1][j] > len[i][j - 1] {
                i -= 1;
            } else {
                j -= 1;
            }
        }
        let text = pairs.iter().rev().map(|&(i, _)| a[i]).collect();
        (text, pairs)
    }

    fn pairs(found: &Subsequence) -> Vec<(usize, usize)> {
        let pieces = found.matches.iter();
        pieces.flat_map(|piece| piece.a.clone().zip(piece.b.clone()).rev()).collect()
    }

    #[test]
    fn pieces_are_contiguous_and_last_first() {
        let found = Subsequence::of(b"ohmytext", b"mynewtext");
        assert_eq!(found.text, b"mytext");
        let ranges: Vec<_> = found.matches.iter().map(|m| (m.a.clone(), m.b.clone())).collect();
        assert_eq!(ranges, [(4..8, 5..9), (2..4, 0..2)]);
        assert_eq!(common_len(b"", b"abc"), 0);
        assert_eq!(common_len(b"abc", b""), 0);
    }

    proptest! {
        #[test]
        fn as_the_textbook_finds_it(a in "[ab]{0,150}", b in "[abc]{0,150}") {
            let (a, b) = (a.as_bytes(), b.as_bytes());
            let (text, expected) = model(a, b);
            let found = Subsequence::of(a, b);
            prop_assert_eq!(common_len(a, b), text.len());
            prop_assert_eq!(&found.text, &text);
            prop_assert_eq!(pairs(&found), expected);
        }

        #[test]
        fn of_any_bytes(
            a in prop::collection::vec(any::<u8>(), 0..200),
            b in prop::collection::vec(any::<u8>(), 0..200),
        ) {
            prop_assert_eq!(Subsequence::of(&a, &b).text, model(&a, &b).0);
        }
    }
}
