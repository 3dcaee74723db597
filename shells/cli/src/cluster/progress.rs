//! How far a move of slots is, drawn on a terminal's standard error.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::time::{Duration, Instant};

use rustix::termios::tcgetwinsize;

use super::console::draws;

/// Between two drawings.
const DRAW_EVERY: Duration = Duration::from_millis(100);
/// Width of a terminal that does not tell.
const COLUMNS: usize = 80;

/// A bar with the speed and the time left; nothing where standard error is no terminal.
pub(super) struct Progress {
    start: Instant,
    drawn: Option<Instant>,
    is_drawing: bool,
    slots: usize,
    done: usize,
    keys: usize,
}

impl Progress {
    /// Nothing of so many slots has moved.
    pub(super) fn new(slots: usize) -> Self {
        let is_drawing = draws();
        Self { start: Instant::now(), drawn: None, is_drawing, slots, done: 0, keys: 0 }
    }

    /// So many keys more have moved.
    pub(super) fn moved(&mut self, keys: usize) {
        self.keys += keys;
    }

    /// One slot more has moved.
    pub(super) fn slot_done(&mut self) {
        self.done += 1;
    }

    /// Draws, unless it has been done just before.
    pub(super) fn draw(&mut self) {
        if !self.is_drawing || self.drawn.is_some_and(|drawn| drawn.elapsed() < DRAW_EVERY) {
            return;
        }
        self.drawn = Some(Instant::now());
        let columns = tcgetwinsize(io::stderr()).map_or(COLUMNS, |size| usize::from(size.ws_col));
        let columns = if columns == 0 { COLUMNS } else { columns };
        let text = line(self.done, self.slots, self.keys, self.start.elapsed(), columns);
        let _ = write!(io::stderr(), "\r{text}\x1b[K");
    }

    /// Makes room for a line of text.
    pub(super) fn clear(&mut self) {
        if self.drawn.take().is_some() {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}

/// The bar, as much of it as fits: the rest first goes the time, then the bar itself.
fn line(done: usize, slots: usize, keys: usize, elapsed: Duration, columns: usize) -> String {
    let seconds = elapsed.as_secs_f64().max(0.001);
    let part = done as f64 / slots.max(1) as f64;
    let percent = format!("{:>3.0}%", part * 100.0);
    let speed = format!("{:.0} keys/s", keys as f64 / seconds);
    let left = match done {
        0 => String::new(),
        _ => format!(", {:.0} s left", seconds / part - seconds),
    };
    let full = format!(" {percent} {done}/{slots} slots, {keys} keys, {speed}{left}");
    // The last column stays free: some terminals begin a new line there.
    let room = columns.saturating_sub(1);
    for text in [full, format!(" {percent} {speed}{left}"), format!("{percent} {speed}"), percent] {
        if text.len() <= room {
            return with_bar(text, part, room);
        }
    }
    String::new()
}

fn with_bar(text: String, part: f64, room: usize) -> String {
    let width = room.saturating_sub(text.len() + 2).min(30);
    if width < 5 {
        return text;
    }
    let marks = (part * width as f64) as usize;
    let mut bar = String::from("[");
    let _ = write!(bar, "{:<width$}]{text}", "#".repeat(marks.min(width)));
    bar
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_fit() {
        let second = Duration::from_secs(1);
        let wide = line(1024, 4096, 250_000, second, 100);
        let expected = "[#######                       ]  25% 1024/4096 slots, 250000 keys, \
                        250000 keys/s, 3 s left";
        assert_eq!(wide, expected);
        assert_eq!(line(1024, 4096, 250_000, second, 20), " 25% 250000 keys/s");
        for columns in 0..120 {
            for (done, slots) in [(0, 0), (0, 10), (10, 10)] {
                let text = line(done, slots, usize::MAX, second, columns);
                assert!(text.len() < columns.max(1), "{columns}: {text}");
            }
        }
    }
}
