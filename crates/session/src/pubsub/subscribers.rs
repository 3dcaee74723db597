//! The subscribers of one channel or pattern.

use super::Rank;
use crate::sessions::Token;

/// Sessions in the order in which they subscribed. Leaving costs O(log n) and keeps the order:
/// whoever leaves is crossed out, and the list is rewritten when half of it is.
#[derive(Debug, Default)]
pub(crate) struct Subscribers {
    /// By rank, which only grows.
    entries: Vec<(Rank, Token)>,
    crossed_out: usize,
}

/// Stands where a subscriber was; no list has so many places.
const NOBODY: Token = Token(usize::MAX);

impl Subscribers {
    pub(super) fn len(&self) -> usize {
        self.entries.len() - self.crossed_out
    }

    pub(super) fn add(&mut self, rank: Rank, token: Token) {
        debug_assert!(self.entries.last().is_none_or(|(last, _)| *last < rank), "ranks grow");
        self.entries.push((rank, token));
    }

    /// Crosses out the subscription of this rank; tells whether others are left.
    pub(super) fn remove(&mut self, rank: Rank) -> bool {
        if let Ok(index) = self.entries.binary_search_by_key(&rank, |(rank, _)| *rank)
            && self.entries[index].1 != NOBODY
        {
            self.entries[index].1 = NOBODY;
            self.crossed_out += 1;
        }
        if self.crossed_out * 2 > self.entries.len() {
            self.entries.retain(|(_, token)| *token != NOBODY);
            self.entries.shrink_to(self.entries.len() * 2);
            self.crossed_out = 0;
        }
        self.len() > 0
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = Token> {
        self.entries.iter().map(|(_, token)| *token).filter(|token| *token != NOBODY)
    }
}
