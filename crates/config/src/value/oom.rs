//! Out-of-memory scores per role of the process.

use super::{Value, Words, integer, join};
use crate::Invalid;
use crate::parameter::{Kind, Parameter};

/// Values for `/proc/self/oom_score_adj`, each -2000 to 2000.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OomScores {
    /// Of a primary.
    pub primary: i32,
    /// Of a replica.
    pub replica: i32,
    /// Of a background child.
    pub child: i32,
}

impl OomScores {
    /// Whether each score is at least the one before, as an unprivileged process needs.
    pub fn rises(self) -> bool {
        self.primary <= self.replica && self.replica <= self.child
    }
}

impl Value for OomScores {
    fn parse(words: Words<'_>, _: &Parameter, _: &Self) -> Result<Self, Invalid> {
        let [primary, replica, child] = words.words else { return Err(Invalid::ArgumentCount) };
        let score = |word: &[u8]| {
            integer(word)
                .filter(|score| (-2000..=2000).contains(score))
                .and_then(|score| i32::try_from(score).ok())
                .ok_or(Invalid::OomScore)
        };
        Ok(OomScores { primary: score(primary)?, replica: score(replica)?, child: score(child)? })
    }

    fn show(&self, _: &Kind) -> Vec<u8> {
        join([self.primary, self.replica, self.child].map(|score| score.to_string()))
    }
}
