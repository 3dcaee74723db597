//! The 80-bit extended floating point numbers of x86: INCRBYFLOAT and HINCRBYFLOAT.
//!
//! Redis on x86-64 adds in C's `long double`, whose 64-bit significand makes 0.1 + 0.2 print as
//! 0.3. Programs rely on it, so dunlin computes in the same format on every processor. The
//! arithmetic is `rustc_apfloat`'s; text takes a short way where 128-bit integers can hold the
//! whole calculation, which they do for every number of up to 19 digits and 27 decimals: reading
//! two numbers, adding and printing take 2,700 instructions (callgrind), some 0.6 µs.
//!
//! Source: redis.io, command INCRBYFLOAT ("17 digits of precision after the decimal point").

use rustc_apfloat::ieee::X87DoubleExtended;
use rustc_apfloat::{Float, Round};

use crate::number::{has_nonzero_digit, hex_is_nonzero, normal_hex};

/// Longer texts are not numbers (`MAX_LONG_DOUBLE_CHARS` less the end of a C string).
const TEXT_BYTES_MAX: usize = 5 * 1024 - 1;

/// Decimals that are printed at most.
const DECIMALS: usize = 17;
const TEN_TO_DECIMALS: u128 = 10u128.pow(DECIMALS as u32);

/// The exponent field of [`X87DoubleExtended`] for 2^0, plus the 63 bits that its significand,
/// read as an integer, stands too high.
const EXPONENT_BIAS: i32 = 16383 + 63;

/// A number in the 80-bit format: a 64-bit significand, 10^±4932.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LongDouble(X87DoubleExtended);

impl LongDouble {
    /// Reads what C's `strtold` accepts as a whole: decimal, hexadecimal, `inf`, `infinity`; no
    /// leading space, no NaN, no finite text that overflows or vanishes, at most 5119 bytes.
    #[must_use]
    pub fn parse(text: &[u8]) -> Option<Self> {
        if text.len() > TEXT_BYTES_MAX {
            return None;
        }
        let (negative, unsigned) = match text {
            [b'-', rest @ ..] => (true, rest),
            [b'+', rest @ ..] => (false, rest),
            _ => (false, text),
        };
        let magnitude = parse_short(unsigned).or_else(|| parse_long(unsigned))?;
        Some(Self(if negative { -magnitude } else { magnitude }))
    }

    /// Whether it is neither infinite nor NaN. Redis refuses increments with another result:
    /// `increment would produce NaN or Infinity`.
    #[must_use]
    pub fn is_finite(self) -> bool {
        self.0.is_finite()
    }

    /// `self * factor`, rounded up; `None` if that is above `i64::MAX`. What is below `i64::MIN`
    /// becomes that.
    #[must_use]
    pub fn scaled_up(self, factor: i64) -> Option<i64> {
        let scaled = (self.0 * Self::from(factor).0).value;
        if scaled > Self::from(i64::MAX).0 {
            return None;
        }
        let rounded = scaled.to_i128_r(64, Round::TowardPositive, &mut false).value;
        Some(i64::try_from(rounded).unwrap_or(if rounded < 0 { i64::MIN } else { i64::MAX }))
    }

    /// Prints it with 17 decimals, then without trailing zeros, as Redis stores the result.
    #[must_use]
    pub fn to_text(self) -> Vec<u8> {
        if self.0.is_nan() {
            return b"nan".to_vec();
        }
        let mut text = Vec::with_capacity(32);
        if self.0.is_negative() {
            text.push(b'-');
        }
        if self.0.is_infinite() {
            text.extend_from_slice(b"inf");
            return text;
        }
        let bits = self.0.to_bits();
        let significand = u128::from(bits as u64);
        let exponent = i32::from((bits >> 64) as u16 & 0x7fff).max(1) - EXPONENT_BIAS;
        match exponent {
            ..=0 => push_fraction(significand, exponent.unsigned_abs(), &mut text),
            1..=64 => push_integer(significand << exponent, &mut text),
            _ => push_huge(significand, exponent.unsigned_abs(), &mut text),
        }
        if text == b"-0" {
            text.remove(0);
        }
        text
    }
}

impl From<i64> for LongDouble {
    fn from(value: i64) -> Self {
        Self(X87DoubleExtended::from_i128(i128::from(value)).value)
    }
}

impl std::ops::Add for LongDouble {
    type Output = Self;

    /// Rounds to nearest, ties to even.
    fn add(self, other: Self) -> Self {
        Self((self.0 + other.0).value)
    }
}

/// Reads up to 19 digits with up to 27 of them (or zeros) behind the point. Both the digits and
/// the power of ten are exact in the format, so their quotient is rounded once.
fn parse_short(unsigned: &[u8]) -> Option<X87DoubleExtended> {
    let (mut value, mut digits, mut decimals) = (0u64, 0, None);
    for &byte in unsigned {
        match byte {
            b'0'..=b'9' => {
                value = value.checked_mul(10)?.checked_add(u64::from(byte - b'0'))?;
                digits += 1;
                decimals = decimals.map(|count: u32| count + 1);
            }
            b'.' if decimals.is_none() => decimals = Some(0),
            _ => return None,
        }
    }
    let decimals = decimals.unwrap_or(0);
    if digits == 0 || decimals > 27 {
        return None;
    }
    let value = X87DoubleExtended::from_u128(u128::from(value)).value;
    if decimals == 0 {
        return Some(value);
    }
    Some((value / X87DoubleExtended::from_u128(10u128.pow(decimals)).value).value)
}

fn parse_long(unsigned: &[u8]) -> Option<X87DoubleExtended> {
    if unsigned.eq_ignore_ascii_case(b"inf") || unsigned.eq_ignore_ascii_case(b"infinity") {
        return Some(X87DoubleExtended::INFINITY);
    }
    let (text, nonzero) = if let [b'0', b'x' | b'X', ..] = unsigned {
        let text = normal_hex(unsigned)?;
        let nonzero = hex_is_nonzero(&text);
        (text, nonzero)
    } else {
        // Digits first: the library also reads names and signs, which are not wanted here.
        let plain = |byte: &u8| matches!(byte, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-');
        let starts_well = matches!(unsigned, [b'0'..=b'9', ..] | [b'.', b'0'..=b'9', ..]);
        // The library takes an exponent without digits for zero.
        let ends_well = matches!(unsigned, [.., b'0'..=b'9' | b'.']);
        if !starts_well || !ends_well || !unsigned.iter().all(plain) {
            return None;
        }
        (std::str::from_utf8(unsigned).ok()?.to_owned(), has_nonzero_digit(unsigned))
    };
    let value = X87DoubleExtended::from_str_r(&text, Round::NearestTiesToEven).ok()?.value;
    (value.is_finite() && value.is_zero() != nonzero).then_some(value)
}

/// Prints `significand / 2^shift`, rounded to [`DECIMALS`], ties to even.
fn push_fraction(significand: u128, shift: u32, text: &mut Vec<u8>) {
    // 2^64 x 10^17 is below 2^121; shifted by more it is less than half of the last decimal.
    let scaled = significand * TEN_TO_DECIMALS;
    let rounded = if shift > 122 {
        0
    } else {
        let quotient = scaled >> shift;
        let rest = scaled - (quotient << shift);
        let half = (1u128 << shift) >> 1;
        let up = rest > half || (rest == half && shift > 0 && quotient & 1 == 1);
        quotient + u128::from(up)
    };
    push_integer(rounded / TEN_TO_DECIMALS, text);
    let fraction = (rounded % TEN_TO_DECIMALS) as u64;
    if fraction != 0 {
        // A leading one keeps the zeros behind the point.
        let mut buffer = itoa::Buffer::new();
        let digits = &buffer.format(fraction + TEN_TO_DECIMALS as u64).as_bytes()[1..];
        let kept = digits.iter().rposition(|digit| *digit != b'0').map_or(0, |last| last + 1);
        text.push(b'.');
        text.extend_from_slice(&digits[..kept]);
    }
}

fn push_integer(value: u128, text: &mut Vec<u8>) {
    text.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

/// Prints `significand x 2^shift` with numbers of any length. O(shift^2), some 50 µs for the
/// largest; nobody counts in such numbers.
fn push_huge(significand: u128, mut shift: u32, text: &mut Vec<u8>) {
    const LIMB: u128 = 10u128.pow(18);
    // Groups of 18 digits, the lowest first.
    let mut limbs = vec![significand % LIMB, significand / LIMB];
    while shift > 0 {
        let step = shift.min(64);
        let mut carry = 0;
        for limb in &mut limbs {
            let shifted = (*limb << step) + carry;
            *limb = shifted % LIMB;
            carry = shifted / LIMB;
        }
        while carry > 0 {
            limbs.push(carry % LIMB);
            carry /= LIMB;
        }
        shift -= step;
    }
    while limbs.last() == Some(&0) {
        limbs.pop();
    }
    if let Some((highest, lower)) = limbs.split_last() {
        push_integer(*highest, text);
        for limb in lower.iter().rev() {
            let mut buffer = itoa::Buffer::new();
            text.extend_from_slice(&buffer.format(limb + LIMB).as_bytes()[1..]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn text(value: Option<LongDouble>) -> String {
        value.map_or("-".to_owned(), |value| String::from_utf8_lossy(&value.to_text()).into_owned())
    }

    fn check_sum(left: &str, right: &str, expected: &str) {
        let sum = LongDouble::parse(left.as_bytes()).unwrap()
            + LongDouble::parse(right.as_bytes()).unwrap();
        assert_eq!(text(Some(sum)), expected, "{left} + {right}");
    }

    #[test]
    fn scaling_rounds_up() {
        let check = |text: &str, expected: Option<i64>| {
            let number = LongDouble::parse(text.as_bytes()).expect("a number");
            assert_eq!(number.scaled_up(1000), expected, "{text}");
        };
        check("0.0001", Some(1));
        check("1.5", Some(1500));
        check("0", Some(0));
        check("-0.0001", Some(0));
        check("-0.0011", Some(-1));
        check("9223372036854775.807", Some(i64::MAX));
        check("9223372036854775.8075", None);
        check("inf", None);
        check("1e4000", None);
        check("-1e4000", Some(i64::MIN));
        check("-inf", Some(i64::MIN));
    }

    #[test]
    fn sums_as_redis_prints_them() {
        check_sum("0.1", "0.2", "0.3");
        check_sum("10.50", "0.1", "10.6");
        check_sum("5.0e3", "2.0e2", "5200");
        check_sum("3", "-3.0", "0");
        check_sum("-0.1", "0.1", "0");
        check_sum("1e-20", "0", "0");
        check_sum("-1e-20", "0", "0");
        check_sum("17179869184", "1.5", "17179869185.5");
        check_sum("9223372036854775807", "1", "9223372036854775808");
        check_sum("1e30", "0", "1000000000000000000024696061952");
    }

    #[test]
    fn texts() {
        let largest = "1.189731495357231765e4932";
        for (from, expected) in [
            ("0", "0"),
            ("-0", "0"),
            ("+1.5", "1.5"),
            ("1.", "1"),
            (".5", "0.5"),
            ("1e2", "100"),
            ("0x10", "16"),
            ("-0x1.8p1", "-3"),
            ("inf", "inf"),
            ("-Infinity", "-inf"),
            ("0e99999999999", "0"),
            ("nan", "-"),
            ("", "-"),
            ("-", "-"),
            (".", "-"),
            ("--1", "-"),
            ("+-1", "-"),
            ("1e", "-"),
            ("1e+", "-"),
            ("e1", "-"),
            ("1.2.3", "-"),
            (" 1", "-"),
            ("1 ", "-"),
            ("1_0", "-"),
            ("1e5000", "-"),
            ("1e-5000", "-"),
            ("0x1p99999999999", "-"),
            ("0x1p-99999999999", "-"),
        ] {
            assert_eq!(text(LongDouble::parse(from.as_bytes())), expected, "{from:?}");
        }
        assert_eq!(text(LongDouble::parse(largest.as_bytes())).len(), 4933);
        assert!(LongDouble::parse(&[b'1'; 5120]).is_none());
        assert!(!(LongDouble::parse(b"inf").unwrap() + LongDouble::from(1)).is_finite());
    }

    proptest! {
        #[test]
        fn integers_come_back(value: i64) {
            prop_assert_eq!(text(Some(LongDouble::from(value))), value.to_string());
            prop_assert_eq!(LongDouble::parse(value.to_string().as_bytes()), Some(LongDouble::from(value)));
        }

        /// The short way of reading gives what the library gives.
        #[test]
        fn short_equals_long(unsigned in "[0-9]{1,12}(\\.[0-9]{0,20})?") {
            let unsigned = unsigned.as_bytes();
            if let Some(value) = parse_short(unsigned) {
                prop_assert_eq!(Some(value), parse_long(unsigned));
            }
        }

        #[test]
        fn long_integers_print_exactly(value: u64, shift in 0..64u32) {
            let (mut short, mut long) = (Vec::new(), Vec::new());
            push_integer(u128::from(value) << shift, &mut short);
            push_huge(u128::from(value), shift, &mut long);
            prop_assert!(short == long || value == 0);
        }

        #[test]
        fn garbage_never_panics(text in "[-+]?(0x)?[0-9a-fpe.]{0,12}[pe]?[-+]?[0-9]{0,12}") {
            if let Some(value) = LongDouble::parse(text.as_bytes()) {
                let _ = value.to_text();
            }
        }
    }
}
