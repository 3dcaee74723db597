//! From registers to a count.

use super::REGISTERS;
use super::hash::RUN_BITS;

/// How many registers there are of each run.
pub(super) type Histogram = [u32; 64];

/// 1 / (2 ln 2)
const ALPHA: f64 = 0.721_347_520_444_481_7;

/// Histograms that are filled in turns: a register does not wait until the one before it is
/// counted, although both are likely the same.
const LANES: usize = 4;

/// Counts registers, eight to a word, each below 64.
pub(super) fn histogram(words: impl Iterator<Item = u64>) -> Histogram {
    let mut lanes = [[0_u32; 64]; LANES];
    for word in words {
        if word == 0 {
            lanes[0][0] += 8;
            continue;
        }
        let runs = word.to_le_bytes();
        for place in 0..runs.len() {
            lanes[place % LANES][usize::from(runs[place] & 63)] += 1;
        }
    }
    let mut sum = [0; 64];
    for lane in lanes {
        sum.iter_mut().zip(lane).for_each(|(sum, count)| *sum += count);
    }
    sum
}

/// The estimate.
///
/// Source: Otmar Ertl, "New cardinality estimation algorithms for HyperLogLog sketches",
/// arXiv:1702.01284, algorithm 6. Runs beyond 51, which no element gives, count for nothing.
pub(super) fn count(histogram: &Histogram) -> u64 {
    let registers = REGISTERS as f64;
    let of = |run: usize| f64::from(histogram[run]);
    let run_max = RUN_BITS as usize + 1;
    let mut z = registers * tau((registers - of(run_max)) / registers);
    for run in (1..run_max).rev() {
        z = (z + of(run)) * 0.5;
    }
    z += registers * sigma(of(0) / registers);
    let estimate = (ALPHA * registers * registers / z).round();
    // What C's `llroundl` makes of infinity: registers that no element gives can lead there.
    if estimate < i64::MAX as f64 { estimate as u64 } else { i64::MIN.cast_unsigned() }
}

fn sigma(mut x: f64) -> f64 {
    if x == 1.0 {
        return f64::INFINITY;
    }
    let (mut y, mut z) = (1.0, x);
    loop {
        x *= x;
        let before = z;
        z += x * y;
        y += y;
        if before == z {
            return z;
        }
    }
}

fn tau(mut x: f64) -> f64 {
    if x == 0.0 || x == 1.0 {
        return 0.0;
    }
    let (mut y, mut z) = (1.0, 1.0 - x);
    loop {
        x = x.sqrt();
        let before = z;
        y *= 0.5;
        z -= (1.0 - x) * (1.0 - x) * y;
        if before == z {
            return z / 3.0;
        }
    }
}
