//! Runs of slots.

use std::fmt;
use std::str::FromStr;

use crate::SLOTS;

/// The slots from `first` to `last`, both included; `first <= last < 16384`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SlotRange {
    first: u16,
    last: u16,
}

/// A slot that is no number below 16,384, or a range whose end lies before its start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidSlot;

impl fmt::Display for InvalidSlot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Invalid or out of range slot")
    }
}

impl std::error::Error for InvalidSlot {}

impl SlotRange {
    /// All slots.
    pub const ALL: Self = Self { first: 0, last: SLOTS - 1 };

    /// The slots from `first` to `last`.
    ///
    /// # Errors
    /// [`InvalidSlot`] if they are in the wrong order or out of range.
    pub const fn new(first: u16, last: u16) -> Result<Self, InvalidSlot> {
        if first <= last && last < SLOTS { Ok(Self { first, last }) } else { Err(InvalidSlot) }
    }

    /// The lowest slot.
    #[must_use]
    pub const fn first(self) -> u16 {
        self.first
    }

    /// The highest slot.
    #[must_use]
    pub const fn last(self) -> u16 {
        self.last
    }

    /// Count of slots, at least one.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "a range is never empty")]
    pub const fn len(self) -> usize {
        (self.last - self.first) as usize + 1
    }

    /// Whether `slot` lies in the range.
    #[must_use]
    pub const fn contains(self, slot: u16) -> bool {
        self.first <= slot && slot <= self.last
    }

    /// The slots in ascending order.
    pub fn iter(self) -> impl DoubleEndedIterator<Item = u16> {
        self.first..=self.last
    }
}

/// `5461`, or `0-5460` if there are several.
impl fmt::Display for SlotRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.first == self.last {
            write!(f, "{}", self.first)
        } else {
            write!(f, "{}-{}", self.first, self.last)
        }
    }
}

impl FromStr for SlotRange {
    type Err = InvalidSlot;

    fn from_str(text: &str) -> Result<Self, InvalidSlot> {
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        Self::new(parse_slot(first)?, parse_slot(last)?)
    }
}

fn parse_slot(text: &str) -> Result<u16, InvalidSlot> {
    if !text.starts_with(|first: char| first.is_ascii_digit()) {
        return Err(InvalidSlot);
    }
    text.parse().map_err(|_| InvalidSlot)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts() {
        for text in ["0", "5461", "0-5460", "16383", "0-16383"] {
            assert_eq!(text.parse::<SlotRange>().unwrap().to_string(), text);
        }
        assert_eq!("7-7".parse::<SlotRange>().unwrap().to_string(), "7");
        for text in ["", "-", "1-", "-1", "2-1", "16384", "0-16384", "a", "+1", "1-2-3", " 1"] {
            assert_eq!(text.parse::<SlotRange>(), Err(InvalidSlot), "{text:?}");
        }
    }

    #[test]
    fn bounds() {
        let range = SlotRange::new(10, 12).unwrap();
        assert_eq!((range.first(), range.last(), range.len()), (10, 12, 3));
        assert!(range.contains(10) && range.contains(12) && !range.contains(13));
        assert_eq!(range.iter().collect::<Vec<_>>(), [10, 11, 12]);
        assert_eq!(SlotRange::ALL.len(), 16384);
    }
}
