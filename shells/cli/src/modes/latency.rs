//! `--latency` and `--latency-history`: how long PING takes.

use std::io::Write;
use std::thread;
use std::time::{Duration, Instant};

use super::{Lasting, Output, Stopped};
use crate::connection::Connection;
use crate::format::Format;
use crate::options::{LatencyReport, Options};

/// Between two PINGs.
pub(super) const PAUSE: Duration = Duration::from_millis(10);
/// What a line of the history is about, unless `-i` says otherwise.
const HISTORY: Duration = Duration::from_secs(15);
/// How long samples are taken for a single line.
const SINGLE: Duration = Duration::from_secs(1);

/// Samples in whole milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Figures {
    min: u64,
    max: u64,
    total: u64,
    count: u64,
}

impl Figures {
    fn add(&mut self, latency_ms: u64) {
        self.min = if self.count == 0 { latency_ms } else { self.min.min(latency_ms) };
        self.max = self.max.max(latency_ms);
        self.total += latency_ms;
        self.count += 1;
    }

    fn text(self, format: Format) -> String {
        let Self { min, max, total, count } = self;
        let average = total as f64 / count.max(1) as f64;
        match format {
            Format::Standard => {
                format!("min: {min}, max: {max}, avg: {average:.2} ({count} samples)")
            }
            Format::Csv => format!("{min},{max},{average:.2},{count}\n"),
            Format::Raw => format!("{min} {max} {average:.2} {count}\n"),
            Format::Json | Format::QuotedJson => format!(
                "{{\"min\": {min}, \"max\": {max}, \"avg\": {average:.2}, \"count\": {count}}}\n"
            ),
        }
    }
}

/// Asks for ever if a person reads along or for a history, else for a while.
pub(super) fn run(
    connection: Connection,
    options: &Options,
    report: LatencyReport,
) -> Result<(), Stopped> {
    let mut server = Lasting::new(connection, options);
    let mut out = Output::new();
    let span = |standard: Duration| {
        if options.interval.is_zero() { standard } else { options.interval }
    };
    let format = options.output.format;
    let mut begin = Instant::now();
    let mut figures = Figures::default();
    loop {
        let start = Instant::now();
        server.ask(&[b"PING"])?;
        figures.add(u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX));
        if format == Format::Standard {
            // To the beginning of the line, and what is on it goes.
            write!(out, "\x1b[0G\x1b[2K{}", figures.text(format))?;
            out.flush()?;
        } else if report == LatencyReport::History {
            write!(out, "{}", figures.text(format))?;
        } else if begin.elapsed() > span(SINGLE) {
            write!(out, "{}", figures.text(format))?;
            return Ok(out.flush()?);
        }
        if report == LatencyReport::History && begin.elapsed() > span(HISTORY) {
            writeln!(out, " -- {:.2} seconds range", begin.elapsed().as_secs_f32())?;
            out.flush()?;
            begin = Instant::now();
            figures = Figures::default();
        }
        thread::sleep(PAUSE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_in_every_format() {
        let mut figures = Figures::default();
        [3, 0, 1].iter().for_each(|sample| figures.add(*sample));
        for (format, text) in [
            (Format::Standard, "min: 0, max: 3, avg: 1.33 (3 samples)"),
            (Format::Csv, "0,3,1.33,3\n"),
            (Format::Raw, "0 3 1.33 3\n"),
            (Format::Json, "{\"min\": 0, \"max\": 3, \"avg\": 1.33, \"count\": 3}\n"),
        ] {
            assert_eq!(figures.text(format), text);
        }
    }
}
