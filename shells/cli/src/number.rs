//! Numbers among the arguments, read as far as they are numbers: C's `atoi` and `atof`, whose
//! leniency scripts rely on.

/// The integer at the beginning, 0 if there is none. Out of range becomes the nearest.
pub(crate) fn leading_integer(text: &[u8]) -> i64 {
    let text = text.trim_ascii_start();
    let (negative, digits) = match text.split_first() {
        Some((b'-', rest)) => (true, rest),
        Some((b'+', rest)) => (false, rest),
        _ => (false, text),
    };
    let magnitude =
        digits.iter().take_while(|byte| byte.is_ascii_digit()).fold(0i64, |value, digit| {
            value.saturating_mul(10).saturating_add(i64::from(digit - b'0'))
        });
    if negative { -magnitude } else { magnitude }
}

/// The decimal number at the beginning, 0 if there is none.
pub(crate) fn leading_decimal(text: &[u8]) -> f64 {
    let text = String::from_utf8_lossy(text.trim_ascii_start()).into_owned();
    let ends = text.char_indices().map(|(at, c)| at + c.len_utf8());
    let mut value = 0.0;
    for end in ends.take(40) {
        if let Ok(longer) = text[..end].parse::<f64>() {
            value = longer;
        }
    }
    value
}

/// [`leading_integer`] as a database's number or the like.
pub(crate) fn leading_i32(text: &[u8]) -> i32 {
    let value = leading_integer(text);
    i32::try_from(value).unwrap_or(if value < 0 { i32::MIN } else { i32::MAX })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_follows_the_number_is_ignored() {
        for (text, value) in [("12", 12), ("-3x", -3), (" +7 8", 7), ("x", 0), ("", 0), ("-", 0)] {
            assert_eq!(leading_integer(text.as_bytes()), value, "{text}");
        }
        assert_eq!(leading_integer(b"99999999999999999999"), i64::MAX);
        assert_eq!(leading_i32(b"-99999999999"), i32::MIN);
        for (text, value) in [("0.5", 0.5), ("1e-1s", 0.1), ("x", 0.0), (".25", 0.25), ("3", 3.0)] {
            assert!((leading_decimal(text.as_bytes()) - value).abs() < 1e-12, "{text}");
        }
    }
}
