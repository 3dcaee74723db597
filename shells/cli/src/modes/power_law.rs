//! Numbers of which the low ones come often.

/// Draws from `min..=max` by a power law: with `alpha` 6.2 a fifth of the numbers is drawn four
/// times in five. `uniform` is a random number in `0.0..1.0`.
pub(super) fn draw(uniform: f64, min: i64, max: i64, alpha: f64) -> i64 {
    let (low, high) = (min as f64, max as f64 + 1.0);
    let power = alpha + 1.0;
    let scaled = (high.powf(power) - low.powf(power)) * uniform + low.powf(power);
    // High numbers are likely under the curve; mirrored, low ones are.
    let drawn = scaled.powf(1.0 / power) as i64;
    (max - drawn + min).clamp(min, max.max(min))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fifth_of_the_numbers_is_drawn_four_times_in_five() {
        let draws: Vec<i64> =
            (0..10_000).map(|step| draw(f64::from(step) / 10_000.0, 1, 1000, 6.2)).collect();
        assert!(draws.iter().all(|number| (1..=1000).contains(number)));
        let often = draws.iter().filter(|number| **number <= 200).count();
        assert!((7_700..8_300).contains(&often), "{often}");
    }
}
