//! Percentiles of command latency that INFO shows.

use dunlin_stdx::number::parse_f64;

use super::{Line, Value, Words, join, line};
use crate::Invalid;
use crate::parameter::{Kind, Parameter};

/// Percentiles, each 0 to 100, in the order written.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Percentiles(pub Vec<f64>);

impl Value for Percentiles {
    fn parse(words: Words<'_>, _: &Parameter, _: &Self) -> Result<Self, Invalid> {
        let percentile = |word: &&[u8]| {
            let number = parse_f64(word).ok_or(Invalid::Percentile)?;
            let in_range = (0.0..=100.0).contains(&number);
            in_range.then(|| rounded(number)).ok_or(Invalid::PercentileRange)
        };
        words.list().iter().map(percentile).collect::<Result<_, _>>().map(Percentiles)
    }

    fn show(&self, _: &Kind) -> Vec<u8> {
        join(self.0.iter().map(|percentile| format(*percentile)))
    }

    /// Always written: the default cannot be told from a choice.
    fn lines(&self, _: &Self, parameter: &Parameter) -> Vec<Line> {
        let value = if self.0.is_empty() { b"\"\"".to_vec() } else { self.show(&parameter.kind) };
        vec![line(parameter, &value, true)]
    }
}

/// Six decimals, trailing zeros dropped.
fn format(percentile: f64) -> String {
    let text = format!("{percentile:.6}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// The value that is shown is the value that is kept, so that a rewritten file reads the same.
fn rounded(percentile: f64) -> f64 {
    format(percentile).parse().unwrap_or(percentile)
}
