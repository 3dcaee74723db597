//! What a call of SORT asks for.

use std::ops::Range;

use super::pattern::Pattern;
use crate::args::Args;
use crate::error::CommandError;

/// Whether a call may store its result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::generic) enum Access {
    /// SORT.
    MayStore,
    /// SORT_RO.
    ReadOnly,
}

/// How elements become comparable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Comparison {
    Numbers,
    Texts,
}

/// The options of a call.
#[derive(Debug)]
pub(super) struct Query<'a> {
    pub(super) descending: bool,
    pub(super) comparison: Comparison,
    /// What is compared instead of the elements.
    pub(super) by: Option<Pattern<'a>>,
    /// `BY` with a constant: elements stay in the order in which they are held.
    pub(super) unsorted: bool,
    /// What is replied instead of the elements.
    pub(super) get: Vec<Pattern<'a>>,
    /// Where the result goes, if it is not replied.
    pub(super) store: Option<&'a [u8]>,
    offset: i64,
    count: i64,
}

impl<'a> Query<'a> {
    /// Reads the options. `clustered`: other keys may be on other nodes, and are not looked up.
    ///
    /// # Errors
    /// [`CommandError::Syntax`], [`CommandError::NotInteger`], or that BY and GET are denied.
    pub(super) fn read(
        args: Args<'a>,
        access: Access,
        clustered: bool,
    ) -> Result<Self, CommandError> {
        let mut query = Self {
            descending: false,
            comparison: Comparison::Numbers,
            by: None,
            unsorted: false,
            get: Vec::new(),
            store: None,
            offset: 0,
            count: -1,
        };
        let mut options = args.cursor(2);
        while let Some(option) = options.next_word() {
            let is = |word: &str| option.eq_ignore_ascii_case(word.as_bytes());
            let left = options.remaining();
            if is("ASC") {
                query.descending = false;
            } else if is("DESC") {
                query.descending = true;
            } else if is("ALPHA") {
                query.comparison = Comparison::Texts;
            } else if is("LIMIT") && left >= 2 {
                (query.offset, query.count) = (options.integer()?, options.integer()?);
            } else if is("STORE") && left >= 1 && access == Access::MayStore {
                query.store = Some(options.value()?);
            } else if is("BY") && left >= 1 {
                let pattern = Pattern::new(options.value()?);
                let is_constant = !matches!(pattern, Pattern::Key { .. });
                if !is_constant && clustered {
                    return Err(denied("BY"));
                }
                query.unsorted |= is_constant;
                query.by = Some(pattern);
            } else if is("GET") && left >= 1 {
                if clustered {
                    return Err(denied("GET"));
                }
                query.get.push(Pattern::new(options.value()?));
            } else {
                return Err(CommandError::Syntax);
            }
        }
        Ok(query)
    }

    /// Which of `len` elements are replied, in the order that was asked for.
    pub(super) fn window(&self, len: usize) -> Range<usize> {
        let clipped = |number: i64| usize::try_from(number).unwrap_or(0).min(len);
        let start = clipped(self.offset);
        let count = if self.count < 0 { len } else { clipped(self.count) };
        start..start.saturating_add(count).min(len)
    }
}

fn denied(option: &str) -> CommandError {
    CommandError::err(format!("{option} option of SORT denied in Cluster mode."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_are_clipped() {
        let check = |limit: &[&[u8]], window: Range<usize>| {
            let words = [[b"sort".as_slice(), b"k", b"limit"].as_slice(), limit].concat();
            let query = Query::read(Args::new(&words), Access::ReadOnly, false).expect("valid");
            assert_eq!(query.window(10), window, "{limit:?}");
        };
        check(&[b"0", b"-1"], 0..10);
        check(&[b"-5", b"3"], 0..3);
        check(&[b"8", b"5"], 8..10);
        check(&[b"10", b"5"], 10..10);
        check(&[b"3", b"0"], 3..3);
        check(&[b"9223372036854775807", b"9223372036854775807"], 10..10);
        check(&[b"-9223372036854775808", b"-9223372036854775808"], 0..10);
    }
}
