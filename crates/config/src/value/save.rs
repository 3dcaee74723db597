//! When a snapshot is taken by itself.

use super::{Line, Value, Words, integer, join, line};
use crate::Invalid;
use crate::parameter::{Kind, Parameter};

/// A snapshot is due when this many changes and this much time have passed since the last one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SavePoint {
    /// At least this long.
    pub seconds: u64,
    /// At least this many.
    pub changes: u64,
}

/// The save points; none means that snapshots are taken on request alone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SavePoints(pub Vec<SavePoint>);

impl Value for SavePoints {
    fn parse(words: Words<'_>, _: &Parameter, before: &Self) -> Result<Self, Invalid> {
        let clears = words.words.len() == 1 && words.list().is_empty();
        let words_given = words.list();
        if !words_given.len().is_multiple_of(2) {
            return Err(Invalid::SavePoints);
        }
        let mut points = if words.adds && !clears { before.clone() } else { SavePoints::default() };
        for pair in words_given.chunks_exact(2) {
            let at_least = |word: &[u8], min| {
                let number = integer(word).filter(|number| *number >= min);
                number.and_then(|number| u64::try_from(number).ok()).ok_or(Invalid::SavePoints)
            };
            let (seconds, changes) = (at_least(pair[0], 1)?, at_least(pair[1], 0)?);
            points.0.push(SavePoint { seconds, changes });
        }
        Ok(points)
    }

    fn show(&self, _: &Kind) -> Vec<u8> {
        join(self.0.iter().map(|point| format!("{} {}", point.seconds, point.changes)))
    }

    /// One line per point. Always written: a file without `save` means the default.
    fn lines(&self, _: &Self, parameter: &Parameter) -> Vec<Line> {
        if self.0.is_empty() {
            return vec![line(parameter, b"\"\"", true)];
        }
        let point = |point: &SavePoint| {
            let value = format!("{} {}", point.seconds, point.changes);
            line(parameter, value.as_bytes(), true)
        };
        self.0.iter().map(point).collect()
    }
}
