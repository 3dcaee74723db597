//! The time of day where this machine stands.

#![allow(unsafe_code)] // one block, see `local_time`

/// A local date and time, to the second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LocalTime {
    /// Year, such as 2026.
    pub year: i32,
    /// Month, 1 to 12.
    pub month: u8,
    /// Day of the month, 1 to 31.
    pub day: u8,
    /// Hour, 0 to 23.
    pub hour: u8,
    /// Minute, 0 to 59.
    pub minute: u8,
    /// Second, 0 to 60.
    pub second: u8,
}

/// The local date and time at `unix_seconds`, by the system's time zone data.
#[must_use]
pub fn local_time(unix_seconds: i64) -> LocalTime {
    let mut parts = std::mem::MaybeUninit::<libc::tm>::zeroed();
    // SAFETY: both pointers are to live values of the right type; localtime_r keeps none of them.
    // All-zero bytes are a valid `tm` (its only pointer, tm_zone, may be null), which stands if
    // the call fails.
    let parts = unsafe {
        libc::localtime_r(&raw const unix_seconds, parts.as_mut_ptr());
        parts.assume_init()
    };
    let small = |value: i32| u8::try_from(value).unwrap_or(0);
    LocalTime {
        year: parts.tm_year.saturating_add(1900),
        month: small(parts.tm_mon + 1),
        day: small(parts.tm_mday),
        hour: small(parts.tm_hour),
        minute: small(parts.tm_min),
        second: small(parts.tm_sec),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_follow_each_other_in_any_zone() {
        let (today, tomorrow) = (local_time(1_790_000_000), local_time(1_790_086_400));
        assert_eq!((today.year, today.month), (2026, 9));
        assert_eq!((today.minute, today.second), (tomorrow.minute, tomorrow.second));
        assert_ne!(today.day, tomorrow.day);
    }
}
