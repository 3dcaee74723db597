//! Numbers as Redis reads and prints them.
//!
//! Integers are strict: `12` and `-7` are numbers, `+12`, `012`, `-0`, ` 12` and `1.0` are not, so
//! that a string is an integer exactly when printing the integer gives the same string back.
//! Doubles are what C's `strtod` accepts as a whole, without leading space, NaN, or a finite text
//! that overflows or vanishes. They print as 7.2 prints them, in digits that read back as the
//! same double.
//!
//! Source: redis.io, commands INCR (limits), ZADD ("range of integers", "inf"); "RESP protocol
//! spec", doubles.

use std::ops::Deref;

use rustc_apfloat::Float;
use rustc_apfloat::ieee::Double;

use crate::grisu;

/// The most bytes an `i64` takes in print: `-9223372036854775808`.
pub const I64_TEXT_MAX: usize = 20;

/// Reads a signed 64-bit integer that is written as Redis would print it.
#[must_use]
#[inline]
pub fn parse_i64(text: &[u8]) -> Option<i64> {
    match text {
        // Up to 18 digits cannot overflow: the common case has no checks inside its loop.
        [first @ b'1'..=b'9', rest @ ..] if rest.len() < 18 => {
            let mut value = i64::from(first - b'0');
            for byte in rest {
                let digit = byte.wrapping_sub(b'0');
                if digit > 9 {
                    return None;
                }
                value = value * 10 + i64::from(digit);
            }
            Some(value)
        }
        [b'0'] => Some(0),
        [b'-', rest @ ..] => {
            let magnitude = parse_u64(rest)?;
            if magnitude == 0 { None } else { 0i64.checked_sub_unsigned(magnitude) }
        }
        _ => i64::try_from(parse_u64(text)?).ok(),
    }
}

/// Reads an unsigned 64-bit integer: no sign, no leading zero.
#[must_use]
pub fn parse_u64(text: &[u8]) -> Option<u64> {
    match text {
        [b'0'] => Some(0),
        [b'1'..=b'9', ..] if text.len() <= 20 => {
            let mut value: u64 = 0;
            for byte in text {
                let digit = byte.wrapping_sub(b'0');
                if digit > 9 {
                    return None;
                }
                value = value.checked_mul(10)?.checked_add(u64::from(digit))?;
            }
            Some(value)
        }
        _ => None,
    }
}

/// Reads a double as `getDoubleFromObject` does: decimal, `inf`, `infinity` (any case) or
/// hexadecimal (`0x1.8p3`), the whole text, never NaN. `1e400` and `1e-400` are refused because
/// they stand for neither infinity nor zero.
#[must_use]
pub fn parse_f64(text: &[u8]) -> Option<f64> {
    let unsigned = match text {
        [b'+' | b'-', rest @ ..] => rest,
        _ => text,
    };
    if let [b'0', b'x' | b'X', ..] = unsigned {
        return parse_hex_f64(text);
    }
    let value: f64 = std::str::from_utf8(text).ok()?.parse().ok()?;
    let overflowed = || unsigned.iter().any(u8::is_ascii_digit);
    if value.is_nan()
        || (value.is_infinite() && overflowed())
        || (value == 0.0 && has_nonzero_digit(unsigned))
    {
        return None;
    }
    Some(value)
}

/// Reads a double as C's `strtod` alone does, for the places where Redis checks no more than that
/// the text ends where the number does: leading space is skipped, what overflows is infinite, what
/// vanishes is zero, an empty text is 0, and a NUL byte ends the text. Never NaN.
#[must_use]
pub fn parse_f64_leniently(text: &[u8]) -> Option<f64> {
    let text = text.split(|byte| *byte == 0).next().unwrap_or_default();
    if text.is_empty() {
        return Some(0.0);
    }
    let is_space = |byte: &u8| matches!(byte, b' ' | b'\t'..=b'\r');
    let text = &text[text.iter().take_while(|byte| is_space(byte)).count()..];
    if let Some(hex) = normal_hex(text) {
        let value: Double = hex.parse().ok()?;
        return Some(f64::from_bits(u64::try_from(value.to_bits()).ok()?));
    }
    let value: f64 = std::str::from_utf8(text).ok()?.parse().ok()?;
    (!value.is_nan()).then_some(value)
}

/// Whether the mantissa of a decimal number has a digit other than zero.
pub(crate) fn has_nonzero_digit(unsigned: &[u8]) -> bool {
    unsigned
        .iter()
        .take_while(|byte| !matches!(byte, b'e' | b'E'))
        .any(|byte| matches!(byte, b'1'..=b'9'))
}

fn parse_hex_f64(text: &[u8]) -> Option<f64> {
    let text = normal_hex(text)?;
    let value: Double = text.parse().ok()?;
    let vanished = value.is_zero() && hex_is_nonzero(&text);
    if value.is_infinite() || vanished {
        return None;
    }
    Some(f64::from_bits(u64::try_from(value.to_bits()).ok()?))
}

/// Checks that `text` is a hexadecimal float as `strtod` reads one and completes it to the form
/// that needs no defaults: with an exponent.
pub(crate) fn normal_hex(text: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(text).ok()?;
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let body = unsigned.strip_prefix("0x").or_else(|| unsigned.strip_prefix("0X"))?;
    let (mantissa, exponent) = match body.split_once(['p', 'P']) {
        Some((mantissa, exponent)) => (mantissa, exponent),
        None => (body, "0"),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let is_hex = |part: &str| part.bytes().all(|byte| byte.is_ascii_hexdigit());
    let exponent_digits = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    let exponent_sign = if exponent.starts_with('-') { "-" } else { "" };
    let well_formed = is_hex(whole)
        && is_hex(fraction)
        && !(whole.is_empty() && fraction.is_empty())
        && !exponent_digits.is_empty()
        && exponent_digits.bytes().all(|byte| byte.is_ascii_digit());
    let sign = if text.starts_with('-') { "-" } else { "" };
    if !well_formed {
        return None;
    }
    // No format has exponents of six digits; the library must not have to add such numbers.
    let exponent: u32 = match exponent_digits.trim_start_matches('0') {
        "" => 0,
        digits => digits.parse().unwrap_or(EXPONENT_MAX).min(EXPONENT_MAX),
    };
    Some(format!("{sign}0x{mantissa}p{exponent_sign}{exponent}"))
}

const EXPONENT_MAX: u32 = 100_000;

/// Whether a text of [`normal_hex`] has a mantissa other than zero.
pub(crate) fn hex_is_nonzero(text: &str) -> bool {
    let digits = text.split(['x', 'p']).nth(1).unwrap_or_default();
    digits.bytes().any(|byte| !matches!(byte, b'0' | b'.'))
}

/// The text of a number, without an allocation.
#[derive(Clone, Copy, Debug)]
pub struct NumberText {
    bytes: [u8; 32],
    len: u8,
}

impl NumberText {
    const fn new() -> Self {
        Self { bytes: [0; 32], len: 0 }
    }

    fn push(&mut self, text: &[u8]) {
        let start = usize::from(self.len);
        self.bytes[start..start + text.len()].copy_from_slice(text);
        self.len += text.len() as u8;
    }

    fn push_zeros(&mut self, count: usize) {
        self.push(&[b'0'; 8][..count]);
    }
}

impl Deref for NumberText {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }
}

/// Prints a double as 7.2 does in replies (RESP2 and RESP3): integers up to 2^62 in full, else
/// the shortest digits (nearly: see the sources of Grisu2), with an exponent where more than seven zeros would have to be added.
#[must_use]
pub fn format_f64(value: f64) -> NumberText {
    let mut text = NumberText::new();
    if value.is_nan() {
        text.push(b"nan");
    } else if value.is_infinite() {
        text.push(if value < 0.0 { b"-inf" } else { b"inf" });
    } else if value == 0.0 {
        text.push(if value.is_sign_negative() { b"-0" } else { b"0" });
    } else if let Some(integer) = exact_i64(value) {
        text.push(itoa::Buffer::new().format(integer).as_bytes());
    } else {
        push_shortest(value, &mut text);
    }
    text
}

/// The integer `value` is, if it is one and lies within ±2^62: what Redis prints digit by digit.
#[must_use]
pub fn exact_i64(value: f64) -> Option<i64> {
    const BOUND: f64 = (1i64 << 62) as f64;
    if !(-BOUND..=BOUND).contains(&value) {
        return None;
    }
    let integer = value as i64;
    (integer as f64 == value).then_some(integer)
}

/// Prints a finite double other than zero in its shortest digits, also when it is an integer
/// (`1e+20`, but also `100000000`): the form in Lua numbers, RDB files of old versions and DEBUG.
#[must_use]
pub fn format_f64_shortest(value: f64) -> NumberText {
    let mut text = NumberText::new();
    if value == 0.0 || !value.is_finite() {
        return format_f64(value);
    }
    push_shortest(value, &mut text);
    text
}

/// Prints a double with 17 significant digits as C's `%.17g` does: what ZSCAN shows.
#[must_use]
pub fn format_f64_17_digits(value: f64) -> NumberText {
    const DIGITS: i32 = 17;
    let mut text = NumberText::new();
    if value == 0.0 || !value.is_finite() {
        return format_f64(value);
    }
    // Exactly rounded: `d.dddddddddddddddde-7`.
    let scientific = format!("{:.16e}", value.abs());
    let (mantissa, exponent) = scientific.split_once('e').expect("there is an exponent");
    let exponent: i32 = exponent.parse().expect("the exponent is a number");
    let mut digits: Vec<u8> = mantissa.bytes().filter(u8::is_ascii_digit).collect();
    while digits.len() > 1 && digits.ends_with(b"0") {
        digits.pop();
    }
    if value < 0.0 {
        text.push(b"-");
    }
    let count = digits.len() as i32;
    if !(-4..DIGITS).contains(&exponent) {
        text.push(&digits[..1]);
        if count > 1 {
            text.push(b".");
            text.push(&digits[1..]);
        }
        text.push(if exponent < 0 { b"e-" } else { b"e+" });
        if exponent.abs() < 10 {
            text.push(b"0");
        }
        text.push(itoa::Buffer::new().format(exponent.unsigned_abs()).as_bytes());
    } else if exponent < 0 {
        text.push(b"0.");
        text.push_zeros((-exponent - 1) as usize);
        text.push(&digits);
    } else if count <= exponent + 1 {
        text.push(&digits);
        for _ in count..=exponent {
            text.push_zeros(1);
        }
    } else {
        let (whole, fraction) = digits.split_at(exponent as usize + 1);
        text.push(whole);
        text.push(b".");
        text.push(fraction);
    }
    text
}

fn push_shortest(value: f64, text: &mut NumberText) {
    let digits = grisu::digits(value.abs());
    let (exponent, digits) = (digits.exponent, digits.as_bytes());
    let count = digits.len();
    if value < 0.0 {
        text.push(b"-");
    }
    let order = exponent + count as i32 - 1;
    if (0..=7).contains(&exponent) {
        text.push(digits);
        text.push_zeros(exponent as usize);
    } else if exponent < 0 && (exponent > -7 || order.abs() < 4) {
        let whole = count as i32 + exponent;
        if whole <= 0 {
            text.push(b"0.");
            text.push_zeros(-whole as usize);
            text.push(digits);
        } else {
            let (whole, fraction) = digits.split_at(whole as usize);
            text.push(whole);
            text.push(b".");
            text.push(fraction);
        }
    } else {
        text.push(&digits[..1]);
        if count > 1 {
            text.push(b".");
            text.push(&digits[1..]);
        }
        text.push(if order < 0 { b"e-" } else { b"e+" });
        text.push(itoa::Buffer::new().format(order.unsigned_abs()).as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn integers_are_strict() {
        for (text, expected) in [
            ("0", Some(0)),
            ("-1", Some(-1)),
            ("9223372036854775807", Some(i64::MAX)),
            ("-9223372036854775808", Some(i64::MIN)),
            ("9223372036854775808", None),
            ("-9223372036854775809", None),
            ("99999999999999999999", None),
            ("184467440737095516150", None),
            ("", None),
            ("-", None),
            ("-0", None),
            ("+1", None),
            ("01", None),
            ("-01", None),
            (" 1", None),
            ("1 ", None),
            ("1.0", None),
            ("12a", None),
            ("12345678901234567890123", None),
        ] {
            assert_eq!(parse_i64(text.as_bytes()), expected, "{text:?}");
        }
        assert_eq!(parse_u64(b"18446744073709551615"), Some(u64::MAX));
        assert_eq!(parse_u64(b"18446744073709551616"), None);
        assert_eq!(parse_u64(b"-1"), None);
    }

    #[test]
    fn doubles_as_strtod_reads_them() {
        for (text, expected) in [
            ("3", Some(3.0)),
            ("+3.5", Some(3.5)),
            (".5", Some(0.5)),
            ("5.", Some(5.0)),
            ("1e3", Some(1000.0)),
            ("1E-2", Some(0.01)),
            ("-0", Some(-0.0)),
            ("0e9999", Some(0.0)),
            ("inf", Some(f64::INFINITY)),
            ("-Infinity", Some(f64::NEG_INFINITY)),
            ("+iNf", Some(f64::INFINITY)),
            ("0x10", Some(16.0)),
            ("-0X1.8P1", Some(-3.0)),
            ("0x.8", Some(0.5)),
            ("0x1p-1074", Some(5e-324)),
            ("5e-324", Some(5e-324)),
            ("nan", None),
            ("1e400", None),
            ("1e-400", None),
            ("0x1p5000", None),
            ("0x1p-5000", None),
            ("", None),
            ("-", None),
            (".", None),
            ("1e", None),
            ("0x", None),
            ("0x.", None),
            ("0x1p", None),
            (" 1", None),
            ("1 ", None),
            ("1_0", None),
            ("infinit", None),
        ] {
            let value = parse_f64(text.as_bytes());
            assert_eq!(value.map(f64::to_bits), expected.map(f64::to_bits), "{text:?}");
        }
        assert_eq!(parse_f64(b"1\0"), None);
    }

    #[test]
    fn doubles_as_strtod_alone_reads_them() {
        for (text, expected) in [
            ("", Some(0.0)),
            ("1.5", Some(1.5)),
            (" \t\n\x0b\x0c\r1", Some(1.0)),
            ("1\0x", Some(1.0)),
            ("\0", Some(0.0)),
            ("1e400", Some(f64::INFINITY)),
            ("-1e400", Some(f64::NEG_INFINITY)),
            ("1e-400", Some(0.0)),
            ("0x10", Some(16.0)),
            ("0x1p5000", Some(f64::INFINITY)),
            ("0x1p-5000", Some(0.0)),
            ("-inf", Some(f64::NEG_INFINITY)),
            ("nan", None),
            (" ", None),
            ("1 ", None),
            ("(1", None),
            ("x", None),
        ] {
            let value = parse_f64_leniently(text.as_bytes());
            assert_eq!(value.map(f64::to_bits), expected.map(f64::to_bits), "{text:?}");
        }
    }

    #[test]
    fn doubles_as_redis_prints_them() {
        for (value, expected) in [
            (0.0, "0"),
            (-0.0, "-0"),
            (3.0, "3"),
            (-3.5, "-3.5"),
            (0.1, "0.1"),
            (1e15, "1000000000000000"),
            (4611686018427387904.0, "4611686018427387904"),
            (1e20, "1e+20"),
            (1.5e300, "1.5e+300"),
            (1e-5, "0.00001"),
            (1e-7, "1e-7"),
            (1.5e-10, "1.5e-10"),
            (0.000123456, "1.23456e-4"),
            (0.00012, "0.00012"),
            (123456.789, "123456.789"),
            (f64::MAX, "1.7976931348623157e+308"),
            (5e-324, "5e-324"),
            (f64::INFINITY, "inf"),
            (f64::NEG_INFINITY, "-inf"),
            (f64::NAN, "nan"),
        ] {
            assert_eq!(&*format_f64(value), expected.as_bytes(), "{value:e}");
        }
        assert_eq!(&*format_f64_shortest(1e15), b"1e+15");
        assert_eq!(&*format_f64_shortest(1e7), b"10000000");
        assert_eq!(&*format_f64_shortest(0.0), b"0");
    }

    #[test]
    fn doubles_with_17_digits() {
        for (value, expected) in [
            (0.0, "0"),
            (-0.0, "-0"),
            (1.0, "1"),
            (-100.0, "-100"),
            (0.1, "0.10000000000000001"),
            (1.5, "1.5"),
            (123456789012345680.0, "1.2345678901234568e+17"),
            (12345678901234568.0, "12345678901234568"),
            (1e16, "10000000000000000"),
            (1e17, "1e+17"),
            (0.0001, "0.0001"),
            (0.00001, "1.0000000000000001e-05"),
            (1e100, "1e+100"),
            (5e-324, "4.9406564584124654e-324"),
            (f64::MAX, "1.7976931348623157e+308"),
            (f64::NEG_INFINITY, "-inf"),
        ] {
            assert_eq!(&*format_f64_17_digits(value), expected.as_bytes(), "{value:e}");
        }
    }

    proptest! {
        #[test]
        fn integers_come_back(value: i64) {
            prop_assert_eq!(parse_i64(value.to_string().as_bytes()), Some(value));
        }

        #[test]
        fn doubles_come_back(bits: u64) {
            let value = f64::from_bits(bits);
            prop_assume!(value.is_finite());
            prop_assert_eq!(parse_f64(&format_f64(value)).map(f64::to_bits), Some(bits));
        }

        #[test]
        fn garbage_never_panics(text in "[-+0-9a-fxpPinfy. ]{0,24}") {
            let _ = (parse_i64(text.as_bytes()), parse_u64(text.as_bytes()), parse_f64(text.as_bytes()));
        }
    }
}
