//! LZF: the fast, weak compression of snapshots and of the inner nodes of lists.
//!
//! ```text
//! c < 32     c + 1 bytes follow as they are
//! c >= 32    copy: length (c >> 5) + 2 (7: plus the next byte), from
//!            ((c & 31) << 8 | next byte) + 1 bytes before
//! ```
//!
//! A [`Compressor`] keeps its table and its output from call to call: short strings would otherwise
//! pay more for clearing the table than for compressing. Where nothing repeats it looks at fewer
//! and fewer places, so that strings without repetition pass nearly at the speed of memory.
//!
//! Source: the RDB format, "LZF stream"; streams are read by LibLZF and the other way round.

use std::cell::RefCell;

/// Longest run of bytes as they are.
const LITERALS_MAX: usize = 32;
/// Shortest and longest copy.
const COPY_MIN: usize = 3;
const COPY_MAX: usize = 264;
/// A copy of this length or more takes a third byte.
const LONG_COPY_MIN: usize = 9;
/// How far back a copy may reach.
const DISTANCE_MAX: usize = 8192;

/// The table of places where three bytes were seen last: 16 KB, half of a first-level cache.
const TABLE_BITS: u32 = 12;

/// Bytes that are read at once at a place: one more than are compared.
const WORD: usize = 4;

/// After two to this many places without a copy, each step becomes one byte longer.
const PATIENCE_BITS: u32 = 5;

/// Compresses strings one after the other.
///
/// Measured on one core (`cargo run --release -p dunlin-stdx --example lzf`), in MB/s:
///
/// | what | length | compress | to | decompress |
/// |---|---|---|---|---|
/// | noise | 1 KB | 2,000 | not at all | |
/// | noise | 64 KB | 25,000 | not at all | |
/// | words | 64 bytes | 450 | 85% | 1,150 |
/// | words | 1 KB | 470 | 63% | 920 |
/// | words | 64 KB | 440 | 42% | 620 |
/// | zeros | 64 KB | 18,000 | 1% | 3,100 |
pub struct Compressor {
    /// By hash: where three bytes were seen last, counted from `base` on.
    seen: Box<[u32; 1 << TABLE_BITS]>,
    /// The place of the first byte of the next string: places below are of strings before.
    base: u32,
    out: Vec<u8>,
}

impl Default for Compressor {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for Compressor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Compressor").finish_non_exhaustive()
    }
}

impl Compressor {
    /// A compressor; it holds some 16 KB and as much as its longest output.
    #[must_use]
    pub fn new() -> Self {
        Self { seen: Box::new([0; 1 << TABLE_BITS]), base: 1, out: Vec::new() }
    }

    /// The compressed form of `input`, if it is at most `most` bytes long. `None` as well for 4 GB
    /// and more: places are 32 bits wide.
    #[must_use]
    pub fn compress(&mut self, input: &[u8], most: usize) -> Option<&[u8]> {
        let len = u32::try_from(input.len()).ok()?;
        if self.base.checked_add(len).is_none() {
            self.seen.fill(0);
            self.base = 1;
        }
        let is_short = self.fill(input, most);
        // Of 4 GB all at once nothing would be left to count with.
        self.base = self.base.saturating_add(len);
        is_short.then_some(self.out.as_slice())
    }

    /// Whether the output got no longer than `most`.
    fn fill(&mut self, input: &[u8], most: usize) -> bool {
        self.out.clear();
        let (mut at, mut literals_at, mut misses) = (0, 0, 0_usize);
        while let Some(word) = word_at(input, at) {
            let seen = &mut self.seen[slot(word)];
            let last = std::mem::replace(seen, self.base.wrapping_add(at as u32));
            let from = last.wrapping_sub(self.base) as usize;
            let found = last >= self.base
                && at - from <= DISTANCE_MAX
                && word_at(input, from).is_some_and(|other| (other ^ word) & 0xff_ffff == 0);
            if !found {
                misses += 1;
                at += 1 + (misses >> PATIENCE_BITS);
                continue;
            }
            misses = 0;
            let (from, start) = extend_back(input, from, at, literals_at);
            let len = copy_len(input, from, start);
            push_literals(&mut self.out, &input[literals_at..start]);
            push_copy(&mut self.out, start - from, len);
            if self.out.len() > most {
                return false;
            }
            at = start + len;
            literals_at = at;
            self.note(input, at - 2);
        }
        let literals = input.len() - literals_at;
        if self.out.len() + literals + literals.div_ceil(LITERALS_MAX) > most {
            return false;
        }
        push_literals(&mut self.out, &input[literals_at..]);
        true
    }

    /// Notes a place without looking for another one.
    #[inline]
    fn note(&mut self, input: &[u8], at: usize) {
        if let Some(word) = word_at(input, at) {
            self.seen[slot(word)] = self.base.wrapping_add(at as u32);
        }
    }
}

/// The compressed form of `input`, if it is at most `most` bytes long: for strings that come one
/// now and then. `None` as well for 4 GB and more.
#[must_use]
pub fn compress(input: &[u8], most: usize) -> Option<Box<[u8]>> {
    thread_local! {
        static COMPRESSOR: RefCell<Compressor> = RefCell::new(Compressor::new());
    }
    COMPRESSOR.with_borrow_mut(|compressor| compressor.compress(input, most).map(Into::into))
}

#[inline]
fn word_at(input: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*input.get(at..)?.first_chunk::<WORD>()?))
}

/// Where three bytes are noted in the table.
#[inline]
const fn slot(word: u32) -> usize {
    // The upper bits of a product with an odd number depend on all three bytes.
    ((word << 8).wrapping_mul(0x9e37_79b1) >> (u32::BITS - TABLE_BITS)) as usize
}

/// Moves a copy to the front as far as bytes agree and were not written yet: steps longer than one
/// byte meet it in its middle. Not so far that the copy would end before `at`: places in front of
/// what was noted would be looked at once more, and could be copies of themselves.
#[inline]
fn extend_back(input: &[u8], from: usize, at: usize, literals_at: usize) -> (usize, usize) {
    let front = literals_at.max((at + COPY_MIN).saturating_sub(COPY_MAX));
    let (mut from, mut at) = (from, at);
    while at > front && from > 0 && input[from - 1] == input[at - 1] {
        (from, at) = (from - 1, at - 1);
    }
    (from, at)
}

/// How many bytes at `at` repeat those at `from`, as many as one copy takes.
#[inline]
fn copy_len(input: &[u8], from: usize, at: usize) -> usize {
    const STRIDE: usize = size_of::<u64>();
    let most = (input.len() - at).min(COPY_MAX);
    let (old, new) = (&input[from..from + most], &input[at..at + most]);
    let mut len = 0;
    for (old, new) in old.chunks_exact(STRIDE).zip(new.chunks_exact(STRIDE)) {
        let word = |bytes: &[u8]| u64::from_le_bytes(bytes.try_into().expect("eight bytes"));
        let difference = word(old) ^ word(new);
        if difference != 0 {
            return len + difference.trailing_zeros() as usize / 8;
        }
        len += STRIDE;
    }
    len + old[len..].iter().zip(&new[len..]).take_while(|(old, new)| old == new).count()
}

fn push_literals(out: &mut Vec<u8>, literals: &[u8]) {
    for run in literals.chunks(LITERALS_MAX) {
        out.push(run.len() as u8 - 1);
        out.extend_from_slice(run);
    }
}

fn push_copy(out: &mut Vec<u8>, distance: usize, len: usize) {
    debug_assert!((1..=DISTANCE_MAX).contains(&distance) && (COPY_MIN..=COPY_MAX).contains(&len));
    let distance = distance - 1;
    let high = (distance >> 8) as u8;
    if len < LONG_COPY_MIN {
        out.push((len as u8 - 2) << 5 | high);
    } else {
        out.extend_from_slice(&[7 << 5 | high, (len - LONG_COPY_MIN) as u8]);
    }
    out.push(distance as u8);
}

/// What was compressed, which is `len` bytes long; `None` if `input` is corrupt or says another
/// length.
#[must_use]
pub fn decompress(input: &[u8], len: usize) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    decompress_into(input, len, &mut out).then_some(out)
}

/// Writes what was compressed, which is `len` bytes long, into `out` in place of what is there.
/// `false` if `input` is corrupt or says another length; nothing is then to be made of `out`.
#[must_use]
pub fn decompress_into(input: &[u8], len: usize, out: &mut Vec<u8>) -> bool {
    out.clear();
    // A copy of two or three bytes makes at most 264: what cannot be is not reserved.
    if len / COPY_MAX > input.len() {
        return false;
    }
    out.reserve_exact(len);
    take_tokens(input, len, out).is_some() && out.len() == len
}

fn take_tokens(input: &[u8], len: usize, out: &mut Vec<u8>) -> Option<()> {
    let mut input = input;
    while let Some((control, rest)) = input.split_first() {
        let control = usize::from(*control);
        if control < LITERALS_MAX {
            let (run, rest) = rest.split_at_checked(control + 1)?;
            if out.len() + run.len() > len {
                return None;
            }
            out.extend_from_slice(run);
            input = rest;
            continue;
        }
        let mut left = (control >> 5) + 2;
        let mut rest = rest;
        if left == LONG_COPY_MIN {
            let (more, behind) = rest.split_first()?;
            (left, rest) = (left + usize::from(*more), behind);
        }
        let (low, behind) = rest.split_first()?;
        input = behind;
        let from = out.len().checked_sub(((control & 31) << 8 | usize::from(*low)) + 1)?;
        if out.len() + left > len {
            return None;
        }
        // A copy that repeats itself doubles what it may take from with every turn.
        while left > 0 {
            let piece = left.min(out.len() - from);
            out.extend_from_within(from..from + piece);
            left -= piece;
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn packed(input: &[u8]) -> Vec<u8> {
        compress(input, usize::MAX).expect("no limit").into_vec()
    }

    #[test]
    fn bytes_are_those_of_the_format() {
        let run = b"\x01aa\xe0\x57\x00\x01aa";
        assert_eq!(decompress(run, 100), Some(vec![b'a'; 100]));
        assert_eq!(decompress(&packed(&[b'a'; 100]), 100), Some(vec![b'a'; 100]));
        assert!(packed(&[b'a'; 100]).len() <= 10);
        assert_eq!(packed(b""), b"");
        assert_eq!(packed(b"ab"), b"\x01ab");
    }

    #[test]
    fn a_copy_met_far_behind_its_beginning_ends_where_it_was_met_or_later() {
        // After so much noise steps are longer than the longest copy.
        let mut state = 1_u64;
        let mut noise = |_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 56) as u8
        };
        let mut input: Vec<u8> = (0..3_000_000).map(&mut noise).collect();
        for len in [7, 16, 23, 33, 64] {
            let block: Vec<u8> = (0..len).map(&mut noise).collect();
            input.extend(block.repeat(40_000 / len));
            input.extend((0..1_000_000).map(&mut noise));
        }
        let compressed = compress(&input, usize::MAX).expect("any length will do");
        assert!(decompress(&compressed, input.len()) == Some(input));
    }

    #[test]
    fn corrupt_bytes_are_refused() {
        let check = |bytes: &[u8], len| assert_eq!(decompress(bytes, len), None, "{bytes:?}");
        check(b"\x01a", 2);
        check(b"\x20", 3);
        check(b"\x20\x00", 3);
        check(b"\x00a\x20\x01", 4);
        check(b"\x01ab", 3);
        check(b"\x01ab", 1);
        check(b"\x00a\xe0\xff\x00", 10);
        check(b"", usize::MAX);
    }

    #[test]
    fn what_was_seen_in_strings_before_is_forgotten() {
        let mut compressor = Compressor::new();
        for base in [1, u32::MAX - 150, u32::MAX - 5] {
            compressor.base = base;
            for _ in 0..5 {
                let input = b"abcdefghijklmnopqrstuvwxyz, abcdefghijklmnopqrstuvwxyz.";
                let bytes = compressor.compress(input, usize::MAX).expect("no limit").to_vec();
                assert!(bytes.len() < 40, "{}", bytes.len());
                assert_eq!(decompress(&bytes, input.len()).as_deref(), Some(&input[..]));
            }
        }
    }

    proptest! {
        #[test]
        fn what_is_compressed_comes_back(
            pieces in prop::collection::vec(
                (prop::collection::vec(0_u8..4, 0..40), 1_usize..20), 0..40),
            noise in prop::collection::vec(any::<u8>(), 0..300),
        ) {
            let mut compressor = Compressor::new();
            for inputs in [[false, true], [true, false]] {
                let mut input = Vec::new();
                for is_noise in inputs {
                    if is_noise {
                        input.extend_from_slice(&noise);
                    } else {
                        pieces.iter().for_each(|(piece, times)| input.extend(piece.repeat(*times)));
                    }
                }
                let compressed = compressor.compress(&input, usize::MAX).expect("no limit").to_vec();
                prop_assert!(compressed.len() <= input.len() + input.len() / 32 + 1);
                let len = compressed.len();
                prop_assert_eq!(decompress(&compressed, input.len()), Some(input.clone()));
                prop_assert!(compressor.compress(&input, len).is_some());
                prop_assert!(len == 0 || compressor.compress(&input, len - 1).is_none());
            }
        }

        #[test]
        fn hostile_bytes_never_panic(
            bytes in prop::collection::vec(any::<u8>(), 0..200),
            len in 0_usize..1000,
        ) {
            if let Some(out) = decompress(&bytes, len) {
                prop_assert_eq!(out.len(), len);
            }
        }
    }
}
