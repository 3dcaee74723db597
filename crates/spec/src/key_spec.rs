//! Key specs: rules that find the keys among a command's arguments.
//!
//! A rule has two halves: where to begin, and which arguments from there on are keys.
//! Positions count from the command's name, which is 0.
//!
//! Source: Redis 7.2 documentation, "Key specifications".

use crate::KeyFlags;

/// One rule that finds keys, and what the command does with them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeySpec {
    pub(crate) notes: Option<&'static str>,
    pub(crate) flags: KeyFlags,
    pub(crate) begin: BeginSearch,
    pub(crate) find: FindKeys,
}

/// Where the keys of a spec begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BeginSearch {
    /// No rule can tell.
    Unknown,
    /// At this position.
    Index(u16),
    /// Behind a keyword (any case).
    Keyword {
        /// The keyword.
        word: &'static str,
        /// Where to start looking; negative counts from the end and looks backwards.
        start_from: i16,
    },
}

/// Which arguments are keys, from the beginning that [`BeginSearch`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FindKeys {
    /// No rule can tell.
    Unknown,
    /// From the beginning to a last key.
    Range {
        /// The last key: relative to the beginning, or, when negative, to the number of
        /// arguments.
        last: i16,
        /// Distance from one key to the next.
        step: u16,
        /// With `last` -1: keys take one part in this many of the arguments left (XREAD: half);
        /// 0 and 1 mean no limit.
        limit: u16,
    },
    /// As many as an argument says.
    KeyNum {
        /// Where the number stands, relative to the beginning.
        count_at: u16,
        /// Where the first key stands, relative to the beginning.
        first: u16,
        /// Distance from one key to the next.
        step: u16,
    },
}

impl KeySpec {
    const fn new(begin: BeginSearch, flags: &[KeyFlags]) -> Self {
        let find = FindKeys::Range { last: 0, step: 1, limit: 0 };
        Self { notes: None, flags: KeyFlags::union_of(flags), begin, find }
    }

    /// One key at a fixed position.
    #[must_use]
    pub const fn at(index: u16, flags: &[KeyFlags]) -> Self {
        Self::new(BeginSearch::Index(index), flags)
    }

    /// One key behind a keyword that is looked for from `start_from` on (negative: from the end
    /// backwards).
    #[must_use]
    pub const fn after(word: &'static str, start_from: i16, flags: &[KeyFlags]) -> Self {
        Self::new(BeginSearch::Keyword { word, start_from }, flags)
    }

    /// Keys that no rule finds; the command has a function for them
    /// ([`getkeys`](crate::getkeys)).
    #[must_use]
    pub const fn unknown(flags: &[KeyFlags]) -> Self {
        let mut spec = Self::new(BeginSearch::Unknown, flags);
        spec.find = FindKeys::Unknown;
        spec
    }

    /// More keys up to `last`: relative to the first, or, when negative, to the number of
    /// arguments (-1 is the last argument).
    #[must_use]
    pub const fn to(mut self, last: i16) -> Self {
        let (step, limit) = self.step_and_limit();
        self.find = FindKeys::Range { last, step, limit };
        self
    }

    /// Every n-th argument is a key.
    #[must_use]
    pub const fn step(mut self, step: u16) -> Self {
        assert!(step > 0, "a key range advances");
        if let FindKeys::Range { last, limit, .. } = self.find {
            self.find = FindKeys::Range { last, step, limit };
        }
        self
    }

    /// Keys take one part in `limit` of the arguments left.
    #[must_use]
    pub const fn limit(mut self, limit: u16) -> Self {
        let (step, _) = self.step_and_limit();
        self.find = FindKeys::Range { last: -1, step, limit };
        self
    }

    /// As many keys as the argument `count_at` says, the first at `first` (both relative to the
    /// beginning).
    #[must_use]
    pub const fn counted(mut self, count_at: u16, first: u16) -> Self {
        self.find = FindKeys::KeyNum { count_at, first, step: 1 };
        self
    }

    /// A remark that `COMMAND INFO` shows.
    #[must_use]
    pub const fn notes(mut self, notes: &'static str) -> Self {
        self.notes = Some(notes);
        self
    }

    /// What the command does with the keys.
    #[must_use]
    pub const fn flags(&self) -> KeyFlags {
        self.flags
    }

    /// Where the keys begin.
    #[must_use]
    pub const fn begin(&self) -> BeginSearch {
        self.begin
    }

    /// Which arguments are keys.
    #[must_use]
    pub const fn find(&self) -> FindKeys {
        self.find
    }

    const fn step_and_limit(&self) -> (u16, u16) {
        match self.find {
            FindKeys::Range { step, limit, .. } => (step, limit),
            FindKeys::KeyNum { .. } | FindKeys::Unknown => (1, 0),
        }
    }
}

/// First key, last key and step: all that clients knew of a command's keys before key specs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct KeyRange {
    /// Position of the first key; 0 when there is none.
    pub first: u16,
    /// Position of the last key; negative counts from the number of arguments.
    pub last: i16,
    /// Distance from one key to the next; 0 when there is none.
    pub step: u16,
}

impl KeyRange {
    /// The range that covers as many of the specs as one range can, and whether it misses some.
    ///
    /// A lone range is taken as it is. Of several, those that follow each other with step 1 are
    /// joined.
    pub(crate) const fn of(specs: &[KeySpec]) -> (Self, bool) {
        if let [KeySpec { begin: BeginSearch::Index(first), find, flags, .. }] = *specs
            && let FindKeys::Range { last, step, .. } = find
        {
            let last = absolute(first, last);
            return (Self { first, last, step }, flags.contains(KeyFlags::INCOMPLETE));
        }
        let mut joined = Self { first: 0, last: 0, step: 0 };
        let mut misses_some = false;
        let mut i = 0;
        while i < specs.len() {
            let spec = &specs[i];
            i += 1;
            if spec.flags.contains(KeyFlags::INCOMPLETE) {
                misses_some = true;
            }
            if let BeginSearch::Index(first) = spec.begin
                && let FindKeys::Range { last, step: 1, .. } = spec.find
                && (joined.last == 0 || joined.last == first as i16 - 1)
            {
                let last = absolute(first, last);
                let is_first = joined.step == 0;
                joined = Self { first: if is_first { first } else { joined.first }, last, step: 1 };
            } else {
                misses_some = true;
            }
        }
        (joined, misses_some)
    }
}

/// A last key that is relative to the first, as a position; negative ones stay.
const fn absolute(first: u16, last: i16) -> i16 {
    if last >= 0 { first as i16 + last } else { last }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RO: &[KeyFlags] = &[KeyFlags::RO];

    #[track_caller]
    fn check(specs: &[KeySpec], first: u16, last: i16, step: u16, misses_some: bool) {
        assert_eq!(KeyRange::of(specs), (KeyRange { first, last, step }, misses_some));
    }

    #[test]
    fn one_range_is_taken_as_it_is() {
        check(&[], 0, 0, 0, false);
        check(&[KeySpec::at(1, RO)], 1, 1, 1, false);
        check(&[KeySpec::at(1, RO).to(-1).step(2)], 1, -1, 2, false);
        check(&[KeySpec::at(2, RO).to(1)], 2, 3, 1, false);
        check(&[KeySpec::at(3, &[KeyFlags::RW, KeyFlags::INCOMPLETE])], 3, 3, 1, true);
    }

    #[test]
    fn ranges_in_a_row_are_joined() {
        check(&[KeySpec::at(1, RO), KeySpec::at(2, RO)], 1, 2, 1, false);
        check(&[KeySpec::at(2, RO), KeySpec::at(3, RO).to(-1)], 2, -1, 1, false);
    }

    #[test]
    fn what_no_range_covers_moves() {
        check(&[KeySpec::at(2, RO).counted(0, 1)], 0, 0, 0, true);
        check(&[KeySpec::at(1, RO), KeySpec::unknown(RO)], 1, 1, 1, true);
        check(&[KeySpec::at(1, RO), KeySpec::at(3, RO)], 1, 1, 1, true);
        check(&[KeySpec::after("STREAMS", 1, RO).to(-1).limit(2)], 0, 0, 0, true);
    }
}
