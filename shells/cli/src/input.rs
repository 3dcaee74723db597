//! Bytes that have arrived and wait to be decoded.

/// What is kept when nothing waits; also the first size.
const KEPT_BYTES: usize = 64 * 1024;
/// Room for one read, at least.
const ROOM_BYTES_MIN: usize = 16 * 1024;

/// A buffer that is written by reads and never cleared: what lies outside of `start..end` is room.
/// Clearing 64 KB for each read would nearly double what a short reply costs: 12.7 µs of processor time
/// for each SCAN of `--scan` over a million keys, against 7.3.
#[derive(Debug, Default)]
pub(crate) struct Input {
    bytes: Vec<u8>,
    start: usize,
    end: usize,
}

impl Input {
    /// What waits.
    pub(crate) fn waiting(&self) -> &[u8] {
        &self.bytes[self.start..self.end]
    }

    /// So many bytes of what waits are done with.
    ///
    /// # Panics
    /// When there were not so many.
    pub(crate) fn consume(&mut self, len: usize) {
        self.start += len;
        assert!(self.start <= self.end, "more was consumed than there was");
    }

    /// Room for what arrives; it grows with what waits.
    pub(crate) fn room(&mut self) -> &mut [u8] {
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
            if self.bytes.len() > KEPT_BYTES {
                self.bytes.truncate(KEPT_BYTES);
                self.bytes.shrink_to_fit();
            }
        }
        if self.bytes.len() - self.end < ROOM_BYTES_MIN {
            self.bytes.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
        }
        if self.bytes.len() - self.end < ROOM_BYTES_MIN {
            let len = KEPT_BYTES.max(2 * self.bytes.len());
            self.bytes.resize(len, 0);
        }
        &mut self.bytes[self.end..]
    }

    /// So many bytes of the room were written.
    ///
    /// # Panics
    /// When there was not so much room.
    pub(crate) fn arrived(&mut self, len: usize) {
        self.end += len;
        assert!(self.end <= self.bytes.len(), "more has arrived than there was room for");
    }

    /// Puts bytes before what waits.
    pub(crate) fn put_back(&mut self, bytes: &[u8]) {
        let all = [bytes, self.waiting()].concat();
        (self.start, self.end) = (0, all.len());
        self.bytes = all;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn add(input: &mut Input, bytes: &[u8]) {
        let mut rest = bytes;
        while !rest.is_empty() {
            let room = input.room();
            let len = room.len().min(rest.len());
            room[..len].copy_from_slice(&rest[..len]);
            input.arrived(len);
            rest = &rest[len..];
        }
    }

    #[test]
    fn bytes_come_out_as_they_went_in() {
        let bytes: Vec<u8> = (0..=255).cycle().take(1_000_000).collect();
        for step in [1000, 70_000, 999_999] {
            let mut input = Input::default();
            let mut out = Vec::new();
            for part in bytes.chunks(step) {
                add(&mut input, part);
                // All but a few, so that something is always left to move.
                let len = input.waiting().len().saturating_sub(7);
                out.extend_from_slice(&input.waiting()[..len]);
                input.consume(len);
            }
            out.extend_from_slice(input.waiting());
            assert!(out == bytes, "steps of {step}");
        }
    }

    #[test]
    fn memory_is_given_back() {
        let mut input = Input::default();
        add(&mut input, &vec![1; 1 << 20]);
        assert_eq!(input.waiting().len(), 1 << 20);
        input.consume(1 << 20);
        assert_eq!(input.room().len(), KEPT_BYTES);
        input.put_back(b"ab");
        assert_eq!(input.waiting(), b"ab");
        assert!(input.room().len() >= ROOM_BYTES_MIN);
        assert_eq!(input.waiting(), b"ab");
    }
}
