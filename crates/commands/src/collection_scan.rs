//! What SSCAN, HSCAN and ZSCAN share: options, steps, and the shape of the reply.
//!
//! Source: Redis documentation, SCAN.

use dunlin_resp::{Mark, Reply};
use dunlin_stdx::glob::{self, Case};

use crate::args::Args;
use crate::error::CommandError;

/// Elements a step is asked for if the client names no COUNT.
const COUNT_DEFAULT: usize = 10;

/// Buckets visited for each element asked for, so that a nearly empty table costs a bounded step.
const BUCKETS_PER_ELEMENT: usize = 10;

/// `[MATCH pattern] [COUNT count]`
#[derive(Debug)]
pub(crate) struct ScanOptions<'a> {
    pattern: Option<&'a [u8]>,
    count: usize,
}

impl<'a> ScanOptions<'a> {
    /// Reads the words from `index` on.
    ///
    /// # Errors
    /// [`CommandError::Syntax`], [`CommandError::NotInteger`].
    pub(crate) fn parse(args: Args<'a>, index: usize) -> Result<Self, CommandError> {
        let mut options = Self { pattern: None, count: COUNT_DEFAULT };
        let mut words = args.cursor(index);
        while let Some(word) = words.next_word() {
            if words.remaining() == 0 {
                return Err(CommandError::Syntax);
            } else if word.eq_ignore_ascii_case(b"match") {
                options.pattern = Some(words.value()?).filter(|pattern| *pattern != b"*");
            } else if word.eq_ignore_ascii_case(b"count") {
                let wanted = usize::try_from(words.integer()?).ok().filter(|count| *count > 0);
                options.count = wanted.ok_or(CommandError::Syntax)?;
            } else {
                return Err(CommandError::Syntax);
            }
        }
        Ok(options)
    }

    /// Whether an element of this name is to be replied.
    pub(crate) fn accepts(&self, name: &[u8]) -> bool {
        self.pattern.is_none_or(|pattern| glob::matches(pattern, name, Case::Sensitive))
    }

    /// Calls `visit_bucket` with one cursor after the other until it has visited about as many
    /// elements as asked for (it counts them up), and returns the cursor for the next call.
    pub(crate) fn walk(
        &self,
        mut cursor: u64,
        mut visit_bucket: impl FnMut(u64, &mut usize) -> u64,
    ) -> u64 {
        let mut visited = 0;
        for _ in 0..self.count.saturating_mul(BUCKETS_PER_ELEMENT) {
            cursor = visit_bucket(cursor, &mut visited);
            if cursor == 0 || visited >= self.count {
                break;
            }
        }
        cursor
    }
}

/// Completes the reply of a step: `found` words were written since `step`. The cursor comes first
/// and is known last: headers are put before the words, back to front.
pub(crate) fn reply_step(reply: &mut Reply, step: Mark, found: usize, next: u64) {
    reply.set_array(step, found);
    reply.set_bulk_integer(step, next as i64);
    reply.set_array(step, 2);
}
