//! The deadline options of SET and GETEX: EX, PX, EXAT, PXAT.
//!
//! Source: Redis documentation, SET and GETEX.

use dunlin_stdx::number::parse_i64;
use dunlin_stdx::time::UnixMs;

use crate::error::CommandError;

/// How a deadline is worded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    /// Seconds from now.
    Ex,
    /// Milliseconds from now.
    Px,
    /// Seconds since 1970.
    ExAt,
    /// Milliseconds since 1970.
    PxAt,
}

impl Unit {
    /// The unit a word names, in any case.
    pub(crate) fn from_word(word: &[u8]) -> Option<Self> {
        const NAMES: [(&[u8], Unit); 4] =
            [(b"EX", Unit::Ex), (b"PX", Unit::Px), (b"EXAT", Unit::ExAt), (b"PXAT", Unit::PxAt)];
        NAMES.iter().find(|(name, _)| name.eq_ignore_ascii_case(word)).map(|(_, unit)| *unit)
    }

    const fn is_seconds(self) -> bool {
        matches!(self, Self::Ex | Self::ExAt)
    }

    /// Whether the deadline is named itself, not the time until then.
    pub(crate) const fn is_absolute(self) -> bool {
        matches!(self, Self::ExAt | Self::PxAt)
    }
}

/// A deadline as the client words it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Expiry<'a> {
    /// How it is worded.
    pub(crate) unit: Unit,
    /// The number, as it came: syntax errors go before errors of the number.
    pub(crate) amount: &'a [u8],
}

impl Expiry<'_> {
    /// The instant that is meant.
    ///
    /// # Errors
    /// [`CommandError::NotInteger`]; [`CommandError::InvalidExpire`] with the name of the command
    /// for what is not positive or does not fit.
    pub(crate) fn deadline(
        self,
        now: UnixMs,
        command: &'static str,
    ) -> Result<UnixMs, CommandError> {
        let amount = parse_i64(self.amount).ok_or(CommandError::NotInteger)?;
        let ms = if self.unit.is_seconds() { amount.checked_mul(1000) } else { Some(amount) };
        let since = if self.unit.is_absolute() { 0 } else { now.0 };
        ms.filter(|&ms| ms > 0)
            .and_then(|ms| ms.checked_add(since))
            .map(UnixMs)
            .ok_or(CommandError::InvalidExpire(command))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_is_positive_and_fits() {
        let now = UnixMs(1_000_000);
        let check = |unit: &str, amount: &str, expected: Result<i64, &str>| {
            let unit = Unit::from_word(unit.as_bytes()).expect("a unit");
            let deadline = Expiry { unit, amount: amount.as_bytes() }.deadline(now, "set");
            let text = deadline.map(|at| at.0).map_err(|error| error.text().into_owned());
            assert_eq!(text, expected.map_err(str::to_owned), "{unit:?} {amount}");
        };
        let invalid = Err("ERR invalid expire time in 'set' command");
        check("ex", "1", Ok(1_001_000));
        check("PX", "1", Ok(1_000_001));
        check("exat", "1", Ok(1000));
        check("pXaT", "1", Ok(1));
        check("EX", "0", invalid);
        check("PXAT", "-1", invalid);
        check("EX", "9223372036854775", invalid);
        check("PX", "-9223372036854775808", invalid);
        check("EX", "9223372036853775", Ok(9_223_372_036_853_775_000 + 1_000_000));
        check("EX", "9223372036854776", invalid);
        check("EXAT", "9223372036854775", Ok(9_223_372_036_854_775_000));
        check("PX", "9223372036854775807", invalid);
        check("PXAT", "9223372036854775807", Ok(i64::MAX));
        check("PX", "1.5", Err("ERR value is not an integer or out of range"));
        check("PX", "", Err("ERR value is not an integer or out of range"));
    }
}
