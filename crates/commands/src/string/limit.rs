//! How long a string may grow under the commands that lengthen it.

use crate::context::{Caller, Context};
use crate::error::CommandError;

/// Longest string, in bytes, that a stream may build. A primary has checked its own limit, which
/// may be above ours; beyond a terabyte the stream is damaged, and no memory is asked for.
const STREAM_MAX: u64 = 1 << 40;

/// The longest string a caller may build: `proto-max-bulk-len` for clients.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StringLimit(u64);

impl StringLimit {
    /// The limit of the caller in `cx`.
    pub(crate) const fn of(cx: &Context<'_>) -> Self {
        match cx.caller {
            Caller::Stream => Self(STREAM_MAX),
            _ => Self(cx.config.network.proto_max_bulk_len),
        }
    }

    /// The length of `added` bytes put behind `offset`.
    ///
    /// # Errors
    /// `ERR string exceeds maximum allowed size (proto-max-bulk-len)`
    pub(crate) fn sum(self, offset: usize, added: usize) -> Result<usize, CommandError> {
        offset.checked_add(added).filter(|&total| total as u64 <= self.0).ok_or(
            CommandError::fixed("ERR string exceeds maximum allowed size (proto-max-bulk-len)"),
        )
    }

    /// Whether the byte at `offset` may be addressed.
    pub(crate) const fn has_byte(self, offset: u64) -> bool {
        offset < self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_stop_at_the_limit_and_do_not_wrap() {
        let limit = StringLimit(10);
        assert_eq!(limit.sum(4, 6), Ok(10));
        assert!(limit.sum(4, 7).is_err());
        assert!(limit.sum(usize::MAX, 2).is_err());
        assert!(limit.has_byte(9) && !limit.has_byte(10));
    }
}
