//! LZF: the fast, weak compression of snapshots and of the inner nodes of lists.
//!
//! ```text
//! c < 32     c + 1 bytes follow as they are
//! c >= 32    copy: length (c >> 5) + 2 (7: plus the next byte), from
//!            ((c & 31) << 8 | next byte) + 1 bytes before
//! ```
//!
//! Source: the RDB format, "LZF stream"; streams are read by LibLZF and the other way round.

/// Longest run of bytes as they are.
const LITERALS_MAX: usize = 32;
/// Shortest and longest copy.
const COPY_MIN: usize = 3;
const COPY_MAX: usize = 264;
/// A copy of this length or more takes a third byte.
const LONG_COPY_MIN: usize = 9;
/// How far back a copy may reach.
const DISTANCE_MAX: usize = 8192;

/// The table of places where three bytes were seen last.
const TABLE_BITS: u32 = 13;

/// The compressed form of `input`: up to a thirtieth longer where nothing repeats.
///
/// # Panics
/// If the input is 4 GB or longer.
#[must_use]
pub fn compress(input: &[u8]) -> Vec<u8> {
    assert!(u32::try_from(input.len()).is_ok(), "places are 32 bits wide");
    let mut out = Vec::with_capacity(input.len() + input.len() / LITERALS_MAX + 1);
    // Places count from 1: 0 is none.
    let mut seen = [0_u32; 1 << TABLE_BITS];
    let (mut at, mut literals_at) = (0, 0);
    while at + COPY_MIN <= input.len() {
        let last = std::mem::replace(&mut seen[slot(input, at)], at as u32 + 1) as usize;
        let len = if last > 0 { copy_len(input, last - 1, at) } else { 0 };
        if len < COPY_MIN {
            at += 1;
            continue;
        }
        push_literals(&mut out, &input[literals_at..at]);
        push_copy(&mut out, at + 1 - last, len);
        for inside in at + 1..at + len {
            if inside + COPY_MIN <= input.len() {
                seen[slot(input, inside)] = inside as u32 + 1;
            }
        }
        at += len;
        literals_at = at;
    }
    push_literals(&mut out, &input[literals_at..]);
    out
}

/// Where three bytes are noted in the table.
fn slot(input: &[u8], at: usize) -> usize {
    let bytes = u32::from_le_bytes([input[at], input[at + 1], input[at + 2], 0]);
    // The upper bits of a product with an odd number depend on all three bytes.
    (bytes.wrapping_mul(0x9e37_79b1) >> (u32::BITS - TABLE_BITS)) as usize
}

/// How many bytes at `at` repeat those at `from`, 0 if that is too far back.
fn copy_len(input: &[u8], from: usize, at: usize) -> usize {
    if at - from > DISTANCE_MAX {
        return 0;
    }
    let most = (input.len() - at).min(COPY_MAX);
    (0..most).take_while(|offset| input[from + offset] == input[at + offset]).count()
}

fn push_literals(out: &mut Vec<u8>, literals: &[u8]) {
    for run in literals.chunks(LITERALS_MAX) {
        out.push(run.len() as u8 - 1);
        out.extend_from_slice(run);
    }
}

fn push_copy(out: &mut Vec<u8>, distance: usize, len: usize) {
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
    // A copy of two or three bytes makes at most 264: what cannot be is not reserved.
    if len / COPY_MAX > input.len() {
        return None;
    }
    let mut out = Vec::with_capacity(len);
    let mut bytes = input.iter();
    while let Some(control) = bytes.next() {
        let control = usize::from(*control);
        if control < LITERALS_MAX {
            let (run, rest) = bytes.as_slice().split_at_checked(control + 1)?;
            out.extend_from_slice(run);
            bytes = rest.iter();
        } else {
            let mut copied = (control >> 5) + 2;
            if copied == LONG_COPY_MIN {
                copied += usize::from(*bytes.next()?);
            }
            let distance = ((control & 31) << 8 | usize::from(*bytes.next()?)) + 1;
            let from = out.len().checked_sub(distance)?;
            if out.len() + copied > len {
                return None;
            }
            // Byte by byte where the copy repeats itself.
            if distance >= copied {
                out.extend_from_within(from..from + copied);
            } else {
                (from..from + copied).for_each(|place| out.push(out[place]));
            }
        }
        if out.len() > len {
            return None;
        }
    }
    (out.len() == len).then_some(out)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn bytes_are_those_of_the_format() {
        let run = b"\x01aa\xe0\x57\x00\x01aa";
        assert_eq!(decompress(run, 100), Some(vec![b'a'; 100]));
        assert_eq!(decompress(&compress(&[b'a'; 100]), 100), Some(vec![b'a'; 100]));
        assert!(compress(&[b'a'; 100]).len() <= 10);
        assert_eq!(compress(b""), b"");
        assert_eq!(compress(b"ab"), b"\x01ab");
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

    proptest! {
        #[test]
        fn what_is_compressed_comes_back(
            pieces in prop::collection::vec(
                (prop::collection::vec(0_u8..4, 0..40), 1_usize..20), 0..40),
            noise in prop::collection::vec(any::<u8>(), 0..300),
        ) {
            let mut input = noise;
            pieces.iter().for_each(|(piece, times)| input.extend(piece.repeat(*times)));
            let compressed = compress(&input);
            prop_assert!(compressed.len() <= input.len() + input.len() / 32 + 1);
            prop_assert_eq!(decompress(&compressed, input.len()), Some(input));
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
