//! Which seeds a test runs.

use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

/// Runs `test` with seeds 0 to `count`; `SIM_SEEDS` in the environment asks for another number of
/// them or for a range (`500..1000`), `SIM_SEED` for a single one. A seed that fails is named before
/// the test ends.
pub fn seeds(name: &str, count: u64, mut test: impl FnMut(u64)) {
    let asked = |variable: &str| range(&std::env::var(variable).ok()?);
    let range = match asked("SIM_SEED") {
        Some(one) => one.end..one.end + 1,
        None => asked("SIM_SEEDS").unwrap_or(0..count),
    };
    for seed in range {
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| test(seed))) {
            eprintln!("{name}: seed {seed} fails; SIM_SEED={seed} runs it alone");
            resume_unwind(panic);
        }
    }
}

/// `1000`, or `500..1000`.
fn range(text: &str) -> Option<Range<u64>> {
    match text.split_once("..") {
        Some((from, end)) => Some(from.parse().ok()?..end.parse().ok()?),
        None => Some(0..text.parse().ok()?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_of_seeds_or_a_range() {
        assert_eq!(range("1000"), Some(0..1000));
        assert_eq!(range("500..1000"), Some(500..1000));
        assert_eq!(range("many"), None);
    }

    #[test]
    fn a_seed_that_fails_ends_the_test() {
        let mut run = Vec::new();
        let failed = catch_unwind(AssertUnwindSafe(|| {
            seeds("example", 10, |seed| {
                run.push(seed);
                assert!(seed < 3, "this one fails");
            });
        }));
        assert!(failed.is_err());
        assert_eq!(run.last(), Some(&3));
    }
}
