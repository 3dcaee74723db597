//! Amounts of memory as people write them: `100mb` in redis.conf, `1.16M` in INFO.
//!
//! Source: redis.conf, "Note on units": `1k` is 1000 bytes, `1kb` is 1024; case does not matter.

const KB: u64 = 1024;
const MB: u64 = 1024 * KB;
const GB: u64 = 1024 * MB;

/// Reads digits and a unit: none or `b`, `k`, `kb`, `m`, `mb`, `g`, `gb`. As in Redis, a unit
/// without digits is zero.
///
/// Differs: an amount above 2^64 - 1 is refused, where Redis wraps around.
#[must_use]
pub fn parse(text: &[u8]) -> Option<u64> {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (digits, unit) = text.split_at(digits);
    let unit = match unit.to_ascii_lowercase().as_slice() {
        b"" | b"b" => 1,
        b"k" => 1000,
        b"kb" => KB,
        b"m" => 1_000_000,
        b"mb" => MB,
        b"g" => 1_000_000_000,
        b"gb" => GB,
        _ => return None,
    };
    let amount = digits.iter().try_fold(0u64, |amount, digit| {
        amount.checked_mul(10)?.checked_add(u64::from(digit - b'0'))
    })?;
    amount.checked_mul(unit)
}

/// Prints the amount in the largest unit of 1024 that is exact: `100mb`, `1025`. This is how
/// CONFIG REWRITE writes it.
#[must_use]
pub fn exact(bytes: u64) -> String {
    match bytes {
        0 => "0".to_owned(),
        _ if bytes.is_multiple_of(GB) => format!("{}gb", bytes / GB),
        _ if bytes.is_multiple_of(MB) => format!("{}mb", bytes / MB),
        _ if bytes.is_multiple_of(KB) => format!("{}kb", bytes / KB),
        _ => bytes.to_string(),
    }
}

/// Prints the amount with two decimals in a unit that suits it: `1.16M`; below 1024 as `512B`.
/// This is how INFO's `*_human` fields show it.
#[must_use]
pub fn human(bytes: u64) -> String {
    let in_unit =
        |power: u32, unit: char| format!("{:.2}{unit}", bytes as f64 / 1024f64.powi(power as i32));
    match bytes.checked_ilog2().unwrap_or(0) / 10 {
        1 => in_unit(1, 'K'),
        2 => in_unit(2, 'M'),
        3 => in_unit(3, 'G'),
        4 => in_unit(4, 'T'),
        5 => in_unit(5, 'P'),
        // Nothing, or more than anyone has.
        _ => format!("{bytes}B"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_units() {
        for (text, expected) in [
            ("0", Some(0)),
            ("1024", Some(1024)),
            ("10b", Some(10)),
            ("1k", Some(1000)),
            ("1Kb", Some(1024)),
            ("2m", Some(2_000_000)),
            ("100MB", Some(104_857_600)),
            ("1g", Some(1_000_000_000)),
            ("1gb", Some(1 << 30)),
            ("mb", Some(0)),
            ("-1", None),
            ("1.5gb", None),
            ("1tb", None),
            ("1 kb", None),
            ("18446744073709551615", Some(u64::MAX)),
            ("18446744073709551616", None),
            ("17179869184gb", None),
        ] {
            assert_eq!(parse(text.as_bytes()), expected, "{text:?}");
        }
    }

    #[test]
    fn prints_exactly() {
        for bytes in [0, 1, 1023, 1024, 1025, 1536, MB, 3 * MB + KB, GB, 5 * GB, u64::MAX] {
            assert_eq!(parse(exact(bytes).as_bytes()), Some(bytes));
        }
        assert_eq!((exact(104_857_600), exact(1025)), ("100mb".to_owned(), "1025".to_owned()));
    }

    #[test]
    fn prints_for_people() {
        for (bytes, expected) in [
            (0, "0B"),
            (1023, "1023B"),
            (1024, "1.00K"),
            (1_216_348, "1.16M"),
            (1_073_741_823, "1024.00M"),
            (1 << 30, "1.00G"),
            (3 << 40, "3.00T"),
            (1 << 50, "1.00P"),
            (1 << 60, "1152921504606846976B"),
        ] {
            assert_eq!(human(bytes), expected);
        }
    }
}
