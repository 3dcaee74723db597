//! The elements to be sorted, and their order.

use std::cmp::Ordering;
use std::ops::Range;

use dunlin_stdx::number::{parse_f64, parse_f64_leniently, parse_i64};
use dunlin_values::{IntText, StringRef};

/// The bytes of a string in [`Rows::bytes`].
#[derive(Clone, Copy, Debug)]
struct Text {
    start: usize,
    len: u32,
}

/// Copies of elements, one behind the other.
///
/// They are copied, once, because values of other keys are looked up while they are sorted.
#[derive(Debug, Default)]
pub(super) struct Rows {
    bytes: Vec<u8>,
    elements: Vec<Text>,
}

/// What an element is sorted by, and which element that is.
///
/// `rank` decides most comparisons without a look at the texts: a number in an order-preserving
/// form, or the first eight bytes of a text.
#[derive(Clone, Copy, Debug)]
struct Key {
    rank: u64,
    row: u32,
}

/// How rows with equal weights are ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ties {
    /// As they came.
    AsHeld,
    /// By the bytes of the elements: those of a set come in no order.
    ByElement,
}

/// What rows are compared by.
#[derive(Debug)]
pub(super) enum Weights {
    /// Numbers; equal ones by the bytes of the elements.
    Numbers(Vec<f64>),
    /// The elements' texts up to the first NUL byte, as C compares them.
    Elements,
    /// The elements' bytes.
    ElementBytes,
    /// Texts of their own; rows without one come first.
    Texts(Texts),
}

/// Texts to compare rows by.
#[derive(Debug, Default)]
pub(super) struct Texts {
    bytes: Vec<u8>,
    places: Vec<Option<Text>>,
    /// Only what is in front of the first NUL byte counts.
    as_in_c: bool,
}

impl Texts {
    pub(super) fn new(as_in_c: bool) -> Self {
        Self { as_in_c, ..Self::default() }
    }

    /// The text of the next row.
    pub(super) fn push(&mut self, text: Option<StringRef<'_>>) {
        let place = text.map(|text| append(&mut self.bytes, text));
        self.places.push(place);
    }

    fn get(&self, row: u32) -> Option<&[u8]> {
        let text = self.places[row as usize].map(|place| slice(&self.bytes, place))?;
        Some(if self.as_in_c { until_nul(text) } else { text })
    }
}

fn append(bytes: &mut Vec<u8>, text: StringRef<'_>) -> Text {
    let start = bytes.len();
    bytes.extend_from_slice(text.as_bytes(&mut IntText::default()));
    let len = u32::try_from(bytes.len() - start).expect("a string is shorter than 4 GB");
    Text { start, len }
}

fn slice(bytes: &[u8], text: Text) -> &[u8] {
    &bytes[text.start..text.start + text.len as usize]
}

fn until_nul(text: &[u8]) -> &[u8] {
    memchr::memchr(0, text).map_or(text, |end| &text[..end])
}

/// The number that a weight stands for, as C's `strtod` reads it; `None` for what is no number or is
/// out of range.
pub(super) fn number(weight: StringRef<'_>) -> Option<f64> {
    let text = match weight {
        StringRef::Int(number) => return Some(number as f64),
        StringRef::Bytes(bytes) => bytes,
        StringRef::Shared(bytes) => bytes,
    };
    // Most weights are integers, and those are read in a tenth of the time.
    if let Some(number) = parse_i64(text) {
        return Some(number as f64);
    }
    let value = parse_f64_leniently(text)?;
    let is_out_of_range = (value.is_infinite() && text.iter().any(u8::is_ascii_digit))
        || (value == 0.0 && parse_f64(text).is_none() && has_digits(text));
    (!is_out_of_range).then_some(value)
}

/// Whether a number that is zero was written with other digits: it was too small.
fn has_digits(text: &[u8]) -> bool {
    until_nul(text)
        .iter()
        .take_while(|byte| !matches!(byte, b'e' | b'E' | b'p' | b'P'))
        .any(|byte| matches!(byte, b'1'..=b'9'))
}

impl Rows {
    /// Adds an element.
    #[inline]
    pub(super) fn push(&mut self, element: StringRef<'_>) {
        let text = append(&mut self.bytes, element);
        self.elements.push(text);
    }

    /// Number of elements.
    pub(super) const fn len(&self) -> usize {
        self.elements.len()
    }

    /// Element number `row`.
    #[inline]
    pub(super) fn get(&self, row: u32) -> &[u8] {
        slice(&self.bytes, self.elements[row as usize])
    }

    /// All rows, as they came.
    pub(super) fn rows(&self) -> Range<u32> {
        0..u32::try_from(self.len()).expect("fewer elements than a collection may hold bytes")
    }

    /// Calls `visit` with the elements of these rows.
    ///
    /// In sorted order each element is a cache miss: those of a batch are asked for together, so that
    /// they overlap (storing a million takes half the time).
    pub(super) fn visit(&self, rows: &[u32], mut visit: impl FnMut(&[u8])) {
        const BATCH: usize = 32;
        let mut elements = Vec::with_capacity(BATCH);
        for batch in rows.chunks(BATCH) {
            elements.clear();
            elements.extend(batch.iter().map(|row| self.get(*row)));
            let first_bytes = elements.iter().filter_map(|element| element.first());
            std::hint::black_box(first_bytes.fold(0, |sum: u8, byte| sum ^ byte));
            elements.iter().for_each(|element| visit(element));
        }
    }

    /// The rows of a part of the order that the weights make.
    pub(super) fn sorted(
        &self,
        weights: &Weights,
        ties: Ties,
        descending: bool,
        window: Range<usize>,
    ) -> Vec<u32> {
        let rank = |row| Key { rank: self.rank(weights, row), row };
        let mut keys: Vec<Key> = self.rows().map(rank).collect();
        let compare = |left: &Key, right: &Key| {
            let order = left
                .rank
                .cmp(&right.rank)
                .then_with(|| self.compare(weights, ties, left.row, right.row));
            let order = if descending { order.reverse() } else { order };
            order.then(left.row.cmp(&right.row))
        };
        let Range { start, end } = window;
        if end < keys.len() {
            keys.select_nth_unstable_by(end, compare);
            keys.truncate(end);
        }
        if start > 0 && start < keys.len() {
            keys.select_nth_unstable_by(start, compare);
        }
        let part = &mut keys[start.min(end)..];
        part.sort_unstable_by(compare);
        part.iter().map(|key| key.row).collect()
    }

    fn rank(&self, weights: &Weights, row: u32) -> u64 {
        match weights {
            Weights::Numbers(numbers) => ordered_bits(numbers[row as usize]),
            Weights::Elements => first_bytes(until_nul(self.get(row))),
            Weights::ElementBytes => first_bytes(self.get(row)),
            Weights::Texts(texts) => texts.get(row).map_or(0, first_bytes),
        }
    }

    /// Compares rows of the same rank.
    fn compare(&self, weights: &Weights, ties: Ties, left: u32, right: u32) -> Ordering {
        let elements = || self.get(left).cmp(self.get(right));
        let order = match weights {
            Weights::Numbers(_) | Weights::ElementBytes => return elements(),
            Weights::Elements => until_nul(self.get(left)).cmp(until_nul(self.get(right))),
            Weights::Texts(texts) => texts.get(left).cmp(&texts.get(right)),
        };
        match ties {
            Ties::AsHeld => order,
            Ties::ByElement => order.then_with(elements),
        }
    }
}

/// The first bytes of a text as a number of the same order; shorter texts are filled with zeros.
fn first_bytes(text: &[u8]) -> u64 {
    let mut bytes = [0; 8];
    let len = text.len().min(8);
    bytes[..len].copy_from_slice(&text[..len]);
    u64::from_be_bytes(bytes)
}

/// A number of the same order as `value`, which is not NaN; both zeros are equal.
fn ordered_bits(value: f64) -> u64 {
    const SIGN: u64 = 1 << 63;
    let bits = (value + 0.0).to_bits();
    if bits & SIGN == 0 { bits | SIGN } else { !bits }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rows(elements: &[Vec<u8>]) -> Rows {
        let mut rows = Rows::default();
        for element in elements {
            rows.push(StringRef::Bytes(element));
        }
        rows
    }

    #[test]
    fn bits_keep_the_order_of_numbers() {
        let numbers = [f64::NEG_INFINITY, -2.5, -1e-300, 0.0, 1e-300, 1.0, 1e300, f64::INFINITY];
        for pair in numbers.windows(2) {
            assert!(ordered_bits(pair[0]) < ordered_bits(pair[1]), "{pair:?}");
        }
        assert_eq!(ordered_bits(-0.0), ordered_bits(0.0));
    }

    #[test]
    fn numbers_are_read_as_in_c() {
        let check = |text: &str, expected| {
            assert_eq!(number(StringRef::Bytes(text.as_bytes())), expected, "{text:?}");
        };
        check("", Some(0.0));
        check(" 1.5", Some(1.5));
        check("-0", Some(-0.0));
        check("0e999", Some(0.0));
        check("0x10", Some(16.0));
        check("inf", Some(f64::INFINITY));
        check("1\0x", Some(1.0));
        check("1 ", None);
        check("x", None);
        check("nan", None);
        check("1e400", None);
        check("1e-400", None);
        assert_eq!(number(StringRef::Int(-7)), Some(-7.0));
    }

    proptest! {
        #[test]
        fn any_part_is_that_of_a_stable_sort(
            elements in prop::collection::vec(prop::collection::vec(0_u8..3, 0..12), 0..60),
            numbers in prop::collection::vec(-2_i8..3, 60),
            limit in (0_usize..70, 0_usize..70),
            descending in any::<bool>(),
            kind in 0..4,
        ) {
            let rows = rows(&elements);
            let len = elements.len();
            let window = limit.0.min(len)..(limit.0.min(len) + limit.1).min(len);
            let text_of = |row: usize| (numbers[row] != 0).then(|| elements[(row + 1) % len].clone());
            let weights = match kind {
                0 => Weights::Numbers(numbers.iter().map(|n| f64::from(*n)).collect()),
                1 => Weights::Elements,
                2 => Weights::ElementBytes,
                _ => {
                    let mut texts = Texts::new(false);
                    (0..len).for_each(|row| texts.push(text_of(row).as_deref().map(StringRef::Bytes)));
                    Weights::Texts(texts)
                }
            };
            let mut model: Vec<usize> = (0..len).collect();
            model.sort_by(|left, right| {
                let order = match kind {
                    0 => numbers[*left].cmp(&numbers[*right])
                        .then_with(|| elements[*left].cmp(&elements[*right])),
                    1 => until_nul(&elements[*left]).cmp(until_nul(&elements[*right])),
                    2 => elements[*left].cmp(&elements[*right]),
                    _ => text_of(*left).cmp(&text_of(*right)),
                };
                if descending { order.reverse() } else { order }
            });
            let sorted = rows.sorted(&weights, Ties::AsHeld, descending, window.clone());
            let sorted: Vec<usize> = sorted.into_iter().map(|row| row as usize).collect();
            prop_assert_eq!(&sorted, &model[window]);
        }
    }
}
