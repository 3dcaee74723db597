//! Which seeds a test runs.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

/// Runs `test` with seeds 0 to `count`; `SIM_SEEDS` in the environment asks for another number of
/// them, `SIM_SEED` for a single one. A seed that fails is named before the test ends.
pub fn seeds(name: &str, count: u64, mut test: impl FnMut(u64)) {
    let asked = |variable: &str| std::env::var(variable).ok()?.parse::<u64>().ok();
    let range = match asked("SIM_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..asked("SIM_SEEDS").unwrap_or(count),
    };
    for seed in range {
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| test(seed))) {
            eprintln!("{name}: seed {seed} fails; SIM_SEED={seed} runs it alone");
            resume_unwind(panic);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
