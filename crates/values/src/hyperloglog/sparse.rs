//! The sparse form: runs of equal registers.
//!
//! ```text
//! 00xxxxxx            x + 1 registers are zero          (1 to 64)
//! 01xxxxxx yyyyyyyy   xy + 1 registers are zero         (1 to 16384)
//! 1vvvvvxx            x + 1 registers are v + 1         (1 to 4 registers of 1 to 32)
//! ```
//!
//! Setting a register splits the run that holds it, then joins neighbours of the same value. Which
//! runs result is the same as in Redis, because the bytes can be seen (GET, DUMP).

use std::fmt::Write as _;

use super::estimate::Histogram;
use super::{Corrupt, HEADER_LEN, Observation, REGISTERS};

const SHORT_ZEROS_MAX: usize = 64;
const VALUES_MAX: usize = 4;
/// Highest register that this form can say.
const VALUE_MAX: u8 = 32;

/// Runs looked at after a change, to join neighbours.
const JOINED_MAX: usize = 5;

/// Equal registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Run {
    /// What each of them is.
    value: u8,
    /// How many there are.
    len: usize,
    /// Bytes that say so.
    bytes: usize,
}

impl Run {
    /// The run that begins at `at`. A second byte that is missing counts as zero.
    #[inline]
    fn read(registers: &[u8], at: usize) -> Option<Self> {
        let first = *registers.get(at)?;
        Some(match first {
            0x80.. => {
                Self { value: (first >> 2 & 0x1f) + 1, len: usize::from(first & 3) + 1, bytes: 1 }
            }
            0x40.. => {
                let second = registers.get(at + 1).copied().unwrap_or(0);
                let len = usize::from(first & 0x3f) << 8 | usize::from(second);
                Self { value: 0, len: len + 1, bytes: 2 }
            }
            _ => Self { value: 0, len: usize::from(first) + 1, bytes: 1 },
        })
    }

    /// Whether this is the form of zeros that needs two bytes.
    const fn is_long(self) -> bool {
        self.bytes == 2
    }
}

/// All runs with their places.
fn runs(registers: &[u8]) -> impl Iterator<Item = (usize, Run)> + '_ {
    let mut at = 0;
    std::iter::from_fn(move || {
        let run = Run::read(registers, at)?;
        let place = at;
        at += run.bytes;
        Some((place, run))
    })
}

/// A register, if a run covers it.
pub(super) fn get(registers: &[u8], register: usize) -> Option<u8> {
    let mut first = 0;
    runs(registers).find_map(|(_, run)| {
        first += run.len;
        (register < first).then_some(run.value)
    })
}

/// Counts registers by value.
pub(super) fn histogram(registers: &[u8]) -> Result<Histogram, Corrupt> {
    let (mut histogram, mut total) = ([0; 64], 0);
    for (_, run) in runs(registers) {
        total += run.len;
        if total > REGISTERS {
            return Err(Corrupt);
        }
        histogram[usize::from(run.value)] += run.len as u32;
    }
    if total == REGISTERS { Ok(histogram) } else { Err(Corrupt) }
}

/// Raises each register in `out` to what it is here.
pub(super) fn merge(registers: &[u8], out: &mut [u8; REGISTERS]) -> Result<(), Corrupt> {
    let mut first = 0;
    for (_, run) in runs(registers) {
        let end = first + run.len;
        let covered = out.get_mut(first..end).ok_or(Corrupt)?;
        if run.value > 0 {
            covered.iter_mut().for_each(|out| *out = run.value.max(*out));
        }
        first = end;
    }
    if first == REGISTERS { Ok(()) } else { Err(Corrupt) }
}

/// The runs as text: `Z:16383 v:1,1`.
pub(super) fn describe(registers: &[u8]) -> String {
    let mut text = String::new();
    for (_, run) in runs(registers) {
        let separator = if text.is_empty() { "" } else { " " };
        // Writing to a string cannot fail.
        let _ = match (run.value, run.is_long()) {
            (0, true) => write!(text, "{separator}Z:{}", run.len),
            (0, false) => write!(text, "{separator}z:{}", run.len),
            (value, _) => write!(text, "{separator}v:{value},{}", run.len),
        };
    }
    text
}

/// Appends a run of equal registers, unless it is empty.
fn push_run(out: &mut Vec<u8>, value: u8, len: usize) {
    match (value, len) {
        (_, 0) => {}
        (0, len) => push_zeros(out, len),
        (value, len) => out.push(values(value, len)),
    }
}

/// Appends a run of zeros.
pub(super) fn push_zeros(out: &mut Vec<u8>, len: usize) {
    let len_minus_one = len - 1;
    if len > SHORT_ZEROS_MAX {
        out.push(0x40 | (len_minus_one >> 8) as u8);
    }
    out.push(len_minus_one as u8);
}

/// The byte of a run of registers that are not zero.
const fn values(value: u8, len: usize) -> u8 {
    0x80 | (value - 1) << 2 | (len - 1) as u8
}

/// Raises a register of the value in `bytes`, which is known to be lower. Returns false, having
/// changed nothing, if this form cannot say it or would be longer than `bytes_max`.
///
/// # Errors
/// [`Corrupt`], having changed nothing.
pub(super) fn set(
    bytes: &mut Vec<u8>,
    observed: Observation,
    bytes_max: usize,
) -> Result<bool, Corrupt> {
    if observed.run > VALUE_MAX {
        return Ok(false);
    }
    let Found { at, before, first, run } =
        find(&bytes[HEADER_LEN..], observed.register).ok_or(Corrupt)?;
    if at + run.bytes > bytes.len() - HEADER_LEN {
        return Err(Corrupt);
    }
    let in_front = observed.register - first;
    let mut split = Vec::with_capacity(5);
    push_run(&mut split, run.value, in_front);
    push_run(&mut split, observed.run, 1);
    push_run(&mut split, run.value, run.len - 1 - in_front);
    if split.len() > run.bytes && bytes.len() + split.len() - run.bytes > bytes_max {
        return Ok(false);
    }
    let from = HEADER_LEN + at;
    bytes.splice(from..from + run.bytes, split);
    join_values(bytes, HEADER_LEN + before);
    Ok(true)
}

/// The run that holds a register.
struct Found {
    at: usize,
    /// Where the run in front of it begins, or 0.
    before: usize,
    /// The first register it covers.
    first: usize,
    run: Run,
}

fn find(registers: &[u8], register: usize) -> Option<Found> {
    let (mut before, mut first) = (0, 0);
    for (at, run) in runs(registers) {
        if register < first + run.len {
            return Some(Found { at, before, first, run });
        }
        (before, first) = (at, first + run.len);
    }
    None
}

/// Joins neighbouring runs of the same value, among a few from `at` on.
fn join_values(bytes: &mut Vec<u8>, mut at: usize) {
    for _ in 0..JOINED_MAX {
        let Some(run) = Run::read(bytes, at) else { return };
        let next = bytes.get(at + 1).filter(|next| run.value > 0 && **next >= 0x80);
        let joined = next
            .and_then(|_| Run::read(bytes, at + 1))
            .filter(|next| next.value == run.value && next.len + run.len <= VALUES_MAX);
        if let Some(next) = joined {
            bytes[at] = values(run.value, run.len + next.len);
            bytes.remove(at + 1);
        } else {
            at += run.bytes;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hyperloglog::new_sparse;

    fn check(sets: &[(usize, u8)], expected: &str) {
        let mut bytes = new_sparse();
        for (register, run) in sets {
            let observed = Observation { register: *register, run: *run };
            assert_eq!(set(&mut bytes, observed, usize::MAX), Ok(true));
        }
        assert_eq!(describe(&bytes[HEADER_LEN..]), expected);
        let total: usize = runs(&bytes[HEADER_LEN..]).map(|(_, run)| run.len).sum();
        assert_eq!(total, REGISTERS);
    }

    #[test]
    fn runs_split_and_join() {
        check(&[(0, 3)], "v:3,1 Z:16383");
        check(&[(16_383, 3)], "Z:16383 v:3,1");
        check(&[(64, 1)], "z:64 v:1,1 Z:16319");
        check(&[(65, 1)], "Z:65 v:1,1 Z:16318");
        check(&[(0, 2), (1, 2), (2, 2)], "v:2,3 Z:16381");
        check(&[(0, 2), (1, 2), (2, 2), (3, 2), (4, 2)], "v:2,4 v:2,1 Z:16379");
        check(&[(0, 2), (1, 2), (2, 2), (1, 5)], "v:2,1 v:5,1 v:2,1 Z:16381");
        check(&[(0, 2), (2, 2), (1, 2)], "v:2,3 Z:16381");
        check(&[(0, 2), (1, 3), (0, 3)], "v:3,2 Z:16382");
    }

    #[test]
    fn what_does_not_fit_is_left_alone() {
        let mut bytes = new_sparse();
        let before = bytes.clone();
        let observed = |run| Observation { register: 100, run };
        assert_eq!(set(&mut bytes, observed(33), usize::MAX), Ok(false));
        assert_eq!(set(&mut bytes, observed(32), 20), Ok(false));
        assert_eq!(bytes, before);
        assert_eq!(set(&mut bytes, observed(32), 21), Ok(true));
        assert_eq!(bytes.len(), 21);
    }
}
