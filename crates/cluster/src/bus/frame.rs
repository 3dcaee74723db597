//! Cuts the bytes of a link into frames.

use bytes::{Bytes, BytesMut};

use super::header::{HEADER_BYTES, SIGNATURE};
use super::kind::Refusal;

/// The longest frame of a known node: a message of PUBLISH as long as a client may send one, and its
/// channel.
pub const FRAME_BYTES_MAX: usize = (512 << 20) + (64 << 10);

/// The longest frame of a peer that is not known yet. It may only greet: with gossip about a tenth of
/// the largest cluster and all that have failed, that is a hundred kilobytes.
pub const STRANGER_FRAME_BYTES_MAX: usize = 1 << 20;

/// Signature and length.
const PREFIX_BYTES: usize = 8;

/// Cuts the bytes of a link into frames. It never holds more than one frame, and nothing of a frame
/// whose first eight bytes are wrong.
#[derive(Clone, Debug, Default)]
pub struct FrameReader {
    buffer: BytesMut,
}

impl FrameReader {
    /// A reader at the start of a link.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Bytes of a frame that is not complete.
    #[must_use]
    pub fn buffered_bytes(&self) -> usize {
        self.buffer.len()
    }

    /// Takes from `input` what is needed for the next frame, and gives it if it is complete. `None`:
    /// all of the input was taken.
    ///
    /// # Errors
    /// [`Refusal::NotTheBus`] if this is no frame, or one longer than `len_max`. The link is of no use
    /// then.
    pub fn next(&mut self, input: &mut &[u8], len_max: usize) -> Result<Option<Bytes>, Refusal> {
        self.take(PREFIX_BYTES, input);
        let signed = self.buffer.len().min(SIGNATURE.len());
        if self.buffer[..signed] != SIGNATURE[..signed] {
            return Err(Refusal::NotTheBus);
        }
        let Some(len) = self.buffer.get(4..PREFIX_BYTES) else { return Ok(None) };
        let len = u32::from_be_bytes([len[0], len[1], len[2], len[3]]) as usize;
        if len < HEADER_BYTES || len > len_max {
            return Err(Refusal::NotTheBus);
        }
        self.buffer.reserve(len.saturating_sub(self.buffer.len()).min(input.len()));
        self.take(len, input);
        // Without a rest of it, the buffer does not keep the memory of the frame: there are two links to
        // each node, and most of them are silent.
        let is_whole = self.buffer.len() == len;
        Ok(is_whole.then(|| std::mem::take(&mut self.buffer).freeze()))
    }

    /// Fills the buffer up to `len` bytes.
    fn take(&mut self, len: usize, input: &mut &[u8]) {
        let missing = len.saturating_sub(self.buffer.len()).min(input.len());
        let (taken, rest) = input.split_at(missing);
        self.buffer.extend_from_slice(taken);
        *input = rest;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_the_bus_is_seen_at_once() {
        for bytes in [
            b"GET / HTTP/1.1\r\n".as_slice(),
            b"*1\r\n$4\r\nPING\r\n",
            b"R*",
            b"RCmb\0\0\0\x64",
            b"RCmb\xff\xff\xff\xff",
        ] {
            let mut input = bytes;
            let mut reader = FrameReader::new();
            assert_eq!(reader.next(&mut input, FRAME_BYTES_MAX), Err(Refusal::NotTheBus));
            assert!(reader.buffered_bytes() <= PREFIX_BYTES);
        }
    }

    #[test]
    fn frames_are_cut_wherever_the_bytes_are() {
        let mut frame = b"RCmb\0\0\x08\xd1".to_vec();
        frame.resize(2257, 7);
        let stream = frame.repeat(3);
        for size in [1, 7, 8, 9, 2256, 2257, 2258, 9999] {
            let mut reader = FrameReader::new();
            let mut count = 0;
            for piece in stream.chunks(size) {
                let mut input = piece;
                while let Some(cut) = reader.next(&mut input, FRAME_BYTES_MAX).unwrap() {
                    assert_eq!(cut, frame);
                    count += 1;
                }
                assert!(input.is_empty());
            }
            assert_eq!((count, reader.buffered_bytes()), (3, 0), "in pieces of {size}");
        }
    }
}
