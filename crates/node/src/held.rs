//! Replies that must not leave before the log is on disk.
//!
//! With `appendfsync always` every byte of output carries the end of the log at the time it was
//! produced, and leaves once the log is synced up to there: nobody sees a value that a crash can
//! still take away, while the next requests already run (DESIGN D7, group commit). Output of one
//! connection leaves in order, so a held reply holds back what follows it and nothing else.
//!
//! All output of a turn is marked with the end of the log at the end of that turn: the turn's writes
//! are one group and are synced together.

use std::collections::{HashMap, VecDeque};

use dunlin_session::Token;

/// Output of one connection that was produced when the log ended at `log_end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Mark {
    bytes: usize,
    log_end: u64,
}

/// What one connection may and may not send.
#[derive(Debug, Default)]
struct Held {
    /// Bytes that may be sent.
    free: usize,
    /// Bytes that may not, oldest first.
    marks: VecDeque<Mark>,
}

impl Held {
    fn held_bytes(&self) -> usize {
        self.marks.iter().map(|mark| mark.bytes).sum()
    }

    /// Takes note of output that was added since the last call; `len` is all that waits.
    fn note(&mut self, len: usize, log_end: u64) {
        let known = self.free + self.held_bytes();
        if len < known {
            // The output was dropped for being too long; what is left of it says nothing.
            *self = Self::default();
            self.marks.push_back(Mark { bytes: len, log_end });
            return;
        }
        match self.marks.back_mut() {
            Some(mark) if mark.log_end == log_end => mark.bytes += len - known,
            _ if len > known => self.marks.push_back(Mark { bytes: len - known, log_end }),
            _ => {}
        }
    }

    fn release(&mut self, synced: u64) {
        while let Some(mark) = self.marks.front().filter(|mark| mark.log_end <= synced) {
            self.free += mark.bytes;
            self.marks.pop_front();
        }
    }
}

/// The output of all connections that have to wait for the log.
#[derive(Debug, Default)]
pub(crate) struct HeldOutput {
    connections: HashMap<Token, Held>,
    /// Connections in the order of the marks they wait for; one that is gone may still be named.
    waiting: VecDeque<(u64, Token)>,
}

impl HeldOutput {
    /// Whether nothing is held.
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.connections.is_empty()
    }

    /// Number of connections whose output waits.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.connections.len()
    }

    /// Takes note that a connection has `len` bytes of output at the end of a turn, and says whether
    /// it may send some.
    pub(crate) fn note(&mut self, token: Token, len: usize, log: LogEnds) -> bool {
        if log.end <= log.synced && !self.connections.contains_key(&token) {
            return len > 0;
        }
        let held = self.connections.entry(token).or_default();
        held.release(log.synced);
        held.note(len, log.end);
        held.release(log.synced);
        let may_send = held.free > 0;
        match held.marks.back() {
            Some(mark) => {
                let waits = (mark.log_end, token);
                if self.waiting.back() != Some(&waits) {
                    self.waiting.push_back(waits);
                }
            }
            None => {
                self.connections.remove(&token);
            }
        }
        may_send
    }

    /// The next connection that may send more, now that the log is synced.
    pub(crate) fn next_released(&mut self, synced: u64) -> Option<Token> {
        loop {
            let &(log_end, token) = self.waiting.front()?;
            if log_end > synced {
                return None;
            }
            self.waiting.pop_front();
            let Some(held) = self.connections.get_mut(&token) else { continue };
            let before = held.free;
            held.release(synced);
            let is_released = held.free > before;
            if held.marks.is_empty() {
                self.connections.remove(&token);
            }
            if is_released {
                return Some(token);
            }
        }
    }

    /// How much of a connection's output may be sent; `None` if all of it.
    pub(crate) fn sendable(&mut self, token: Token) -> Option<&mut usize> {
        if self.connections.is_empty() {
            return None;
        }
        self.connections.get_mut(&token).map(|held| &mut held.free)
    }

    /// Whether some of a connection's output may not be sent yet.
    pub(crate) fn holds(&self, token: Token) -> bool {
        self.connections.contains_key(&token)
    }

    /// The connection is gone.
    pub(crate) fn forget(&mut self, token: Token) {
        if !self.connections.is_empty() {
            self.connections.remove(&token);
        }
    }
}

/// How far the log reaches, in bytes since the server began to count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct LogEnds {
    /// All that was produced.
    pub(crate) end: u64,
    /// What output has to wait for is on disk up to here.
    pub(crate) synced: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: Token = Token(1);
    const B: Token = Token(2);

    fn log(end: u64, synced: u64) -> LogEnds {
        LogEnds { end, synced }
    }

    #[test]
    fn nothing_is_held_while_the_log_is_synced() {
        let mut held = HeldOutput::default();
        assert!(held.note(A, 5, log(10, 10)));
        assert!(held.is_empty() && held.sendable(A).is_none());
    }

    #[test]
    fn each_part_leaves_when_its_log_is_synced() {
        let mut held = HeldOutput::default();
        assert!(!held.note(A, 5, log(10, 0)));
        assert!(!held.note(A, 8, log(20, 0)));
        assert!(!held.note(B, 1, log(20, 0)));
        assert_eq!(held.next_released(5), None);
        assert_eq!(held.next_released(10), Some(A));
        assert_eq!(held.sendable(A).copied(), Some(5));
        assert_eq!(held.next_released(10), None);
        // It has sent what it may, and gets more.
        *held.sendable(A).expect("held") -= 5;
        assert!(!held.note(A, 4, log(30, 10)));
        assert_eq!(held.next_released(20), Some(A));
        assert_eq!(held.sendable(A).copied(), Some(3));
        assert_eq!(held.next_released(20), Some(B));
        assert!(!held.holds(B));
        assert_eq!(held.next_released(30), Some(A));
        assert!(held.is_empty());
    }

    #[test]
    fn a_read_waits_for_the_writes_before_it_and_no_longer() {
        let mut held = HeldOutput::default();
        assert!(!held.note(A, 5, log(10, 0)));
        assert!(!held.note(B, 7, log(10, 0)));
        assert_eq!(held.next_released(10), Some(A));
        assert_eq!(held.next_released(10), Some(B));
        assert!(held.note(B, 7, log(10, 10)));
        assert!(held.is_empty());
    }

    #[test]
    fn output_that_was_dropped_is_counted_anew() {
        let mut held = HeldOutput::default();
        assert!(!held.note(A, 500, log(10, 0)));
        assert!(!held.note(A, 2, log(20, 0)));
        assert_eq!(held.next_released(10), None);
        assert_eq!(held.next_released(20), Some(A));
        held.forget(A);
        assert!(held.is_empty());
    }

    #[test]
    fn a_place_that_another_connection_took_is_not_confused() {
        let mut held = HeldOutput::default();
        assert!(!held.note(A, 500, log(10, 0)));
        held.forget(A);
        assert!(!held.note(A, 3, log(20, 0)));
        assert_eq!(held.next_released(10), None);
        assert_eq!(held.next_released(20), Some(A));
    }
}
