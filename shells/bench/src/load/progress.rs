//! The line that is overwritten while a test runs.

use std::io::{self, Write};
use std::time::{Duration, Instant};

use super::shared::Shared;

const INTERVAL: Duration = Duration::from_millis(250);

/// The line and when it is due. One for all tests of a run.
#[derive(Debug)]
pub(crate) struct Progress {
    is_shown: bool,
    title: String,
    started: Instant,
    due: Instant,
    /// When it was last shown, and the counters then.
    last: Option<(Instant, u64, u64)>,
    /// How long the line is that the next one is to hide.
    shown_bytes: usize,
}

impl Progress {
    /// It is due at once.
    pub(crate) fn new(is_shown: bool) -> Self {
        let now = Instant::now();
        Self { is_shown, title: String::new(), started: now, due: now, last: None, shown_bytes: 0 }
    }

    /// Another test begins.
    pub(crate) fn begin(&mut self, title: &str) {
        title.clone_into(&mut self.title);
        self.shown_bytes = 0;
    }

    /// The first request is sent now.
    pub(crate) fn start(&mut self, now: Instant) {
        self.started = now;
        self.last = self.last.map(|(at, ..)| (at, 0, 0));
    }

    /// How long it is until the line is due.
    pub(crate) fn timeout(&self, now: Instant) -> Duration {
        self.due.saturating_duration_since(now)
    }

    /// Shows how the test goes, if that is due.
    pub(crate) fn show_if_due(&mut self, now: Instant, shared: &Shared<'_>) {
        if now < self.due {
            return;
        }
        self.due = now + INTERVAL;
        if self.is_shown {
            let line = self.line(now, shared.finished(), shared.latency_micros());
            let text = self.cleared() + &line + "\r";
            self.shown_bytes = line.len() + 1;
            show(&text);
        }
    }

    /// The same for connections that send nothing.
    pub(crate) fn show_clients_if_due(&mut self, now: Instant, clients: usize) {
        if now >= self.due {
            self.due = now + INTERVAL;
            if self.is_shown {
                show(&format!("clients: {clients}\r"));
            }
        }
    }

    /// What hides the last line.
    pub(crate) fn cleared(&self) -> String {
        format!("{:1$}\r", "", self.shown_bytes.max(1))
    }

    fn line(&mut self, now: Instant, finished: u64, latency_micros: u64) -> String {
        let (last_at, last_finished, last_micros) = self.last.unwrap_or((now, 0, 0));
        self.last = Some((now, finished, latency_micros));
        let rate = |requests: u64, since: Instant| {
            let seconds = now.duration_since(since).as_secs_f64();
            if seconds == 0.0 { 0.0 } else { requests as f64 / seconds }
        };
        let mean = |micros: u64, requests: u64| match requests {
            0 => "nan".to_owned(),
            _ => format!("{:.3}", micros as f64 / requests as f64 / 1_000.0),
        };
        let (new, new_micros) =
            (finished.saturating_sub(last_finished), latency_micros.saturating_sub(last_micros));
        format!(
            "{}: rps={:.1} (overall: {:.1}) avg_msec={} (overall: {})",
            self.title,
            rate(new, last_at.max(self.started)),
            rate(finished, self.started),
            mean(new_micros, new),
            mean(latency_micros, finished),
        )
    }
}

/// Where standard output is gone, the load goes on.
fn show(text: &str) {
    let mut out = io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines() {
        let mut progress = Progress::new(true);
        progress.begin("SET");
        let start = Instant::now();
        progress.start(start);
        let nothing = "SET: rps=0.0 (overall: 0.0) avg_msec=nan (overall: nan)";
        assert_eq!(progress.line(start, 0, 0), nothing);
        let line = progress.line(start + INTERVAL, 1_000, 100_000);
        assert_eq!(line, "SET: rps=4000.0 (overall: 4000.0) avg_msec=0.100 (overall: 0.100)");
        let line = progress.line(start + 2 * INTERVAL, 1_500, 300_000);
        assert_eq!(line, "SET: rps=2000.0 (overall: 3000.0) avg_msec=0.400 (overall: 0.200)");
    }

    #[test]
    fn a_line_hides_the_one_before() {
        let mut progress = Progress::new(true);
        assert_eq!(progress.cleared(), " \r");
        progress.shown_bytes = 4;
        assert_eq!(progress.cleared(), "    \r");
        progress.begin("GET");
        assert_eq!(progress.cleared(), " \r");
    }
}
