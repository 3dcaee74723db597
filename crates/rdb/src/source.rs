//! Where bytes are read from: a file, or a payload in memory.
//!
//! A length that the bytes declare is only believed when so many bytes are there: what is not there
//! is not allocated, beyond [`STEP_MAX`].

use std::io::{self, Read};

use crate::checksum::Checksum;
use crate::error::{ReadError, ReadErrorCause, Result};
use crate::format::length;

/// Bytes of a file that are read at once.
const BUFFER_LEN: usize = 256 << 10;

/// Bytes that are read first, then four times as many each time: many files are small.
const BUFFER_LEN_MIN: usize = 16 << 10;

/// Most bytes that are allocated before the ones in front of them have come.
const STEP_MAX: usize = 16 << 20;

/// A buffer that has grown beyond this for the sake of one item is given back behind it.
const KEPT_BUFFER_MAX: usize = 4 << 20;

/// Bytes, one after the other.
pub(crate) trait Source {
    /// Place of the next byte.
    fn offset(&self) -> u64;

    /// The next `len` bytes, until something else is read.
    fn take(&mut self, len: usize) -> Result<&[u8]>;

    /// The next `len` bytes, in memory of their own.
    fn take_vec(&mut self, len: usize) -> Result<Vec<u8>>;

    /// The next byte.
    #[inline]
    fn byte(&mut self) -> Result<u8> {
        Ok(self.take(1)?[0])
    }

    /// The next `LEN` bytes.
    #[inline]
    fn array<const LEN: usize>(&mut self) -> Result<[u8; LEN]> {
        let offset = self.offset();
        let bytes = self.take(LEN)?;
        bytes.first_chunk().copied().ok_or(ReadError::ended(offset))
    }

    /// A length or another number.
    #[inline]
    fn length(&mut self) -> Result<u64> {
        let first = self.byte()?;
        if first < 0x40 {
            return Ok(u64::from(first));
        }
        self.long_length(first)
    }

    /// A length that begins with this byte.
    fn long_length(&mut self, first: u8) -> Result<u64> {
        match first {
            0..0x40 => Ok(u64::from(first)),
            0x40..0x80 => Ok(u64::from(first & 0x3f) << 8 | u64::from(self.byte()?)),
            length::LONG => Ok(u64::from(u32::from_be_bytes(self.array()?))),
            length::LONGEST => Ok(u64::from_be_bytes(self.array()?)),
            _ => Err(ReadError::corrupt(self.offset() - 1, "unknown length encoding")),
        }
    }
}

/// The length at `at` in bytes that this program wrote, and the place behind it.
pub(crate) fn length_at(bytes: &[u8], at: usize) -> (usize, usize) {
    let mut source = SliceSource::new(&bytes[at..]);
    let len = source.length().expect("the length was just written");
    (len as usize, at + source.offset() as usize)
}

/// Bytes in memory.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SliceSource<'a> {
    rest: &'a [u8],
    len: usize,
}

impl<'a> SliceSource<'a> {
    #[inline]
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, len: bytes.len() }
    }
}

impl Source for SliceSource<'_> {
    #[inline]
    fn offset(&self) -> u64 {
        (self.len - self.rest.len()) as u64
    }

    #[inline]
    fn take(&mut self, len: usize) -> Result<&[u8]> {
        match self.rest.split_at_checked(len) {
            Some((taken, rest)) => {
                self.rest = rest;
                Ok(taken)
            }
            None => Err(ReadError::ended(self.len as u64)),
        }
    }

    fn take_vec(&mut self, len: usize) -> Result<Vec<u8>> {
        self.take(len).map(<[u8]>::to_vec)
    }
}

/// Bytes of a file, which are summed up as they are read.
pub(crate) struct FileSource<R> {
    file: R,
    buffer: Vec<u8>,
    /// What of the buffer was read from the file and not taken yet.
    start: usize,
    end: usize,
    /// Up to where the buffer was summed up; at most `start`.
    summed: usize,
    /// Bytes of the file in front of the buffer.
    before: u64,
    checksum: Option<Checksum>,
    /// From where on the buffer is kept, so that it can be taken once more; `None` if it never is.
    mark: Option<usize>,
}

impl<R: Read> FileSource<R> {
    pub(crate) fn new(file: R) -> Self {
        Self {
            file,
            buffer: Vec::new(),
            start: 0,
            end: 0,
            summed: 0,
            before: 0,
            checksum: Some(Checksum::new()),
            mark: None,
        }
    }

    /// What is taken from here on can be taken once more, until this is called again.
    pub(crate) fn mark(&mut self) {
        self.sum();
        self.mark = Some(self.start);
    }

    /// Bytes of memory that are held for what is read.
    #[cfg(test)]
    pub(crate) const fn buffer_bytes(&self) -> usize {
        self.buffer.len()
    }

    /// Goes back to the mark; how many bytes behind it are in memory.
    pub(crate) fn rewind(&mut self) -> usize {
        self.start = self.mark.unwrap_or(self.start);
        self.end - self.start
    }

    /// No longer sums up: nobody will ask.
    pub(crate) const fn ignore_checksum(&mut self) {
        self.checksum = None;
    }

    /// The checksum of everything taken so far, if it is summed up.
    pub(crate) fn checksum(&self) -> Option<u64> {
        let mut checksum = self.checksum?;
        checksum.update(&self.buffer[self.summed..self.start]);
        Some(checksum.value())
    }

    /// The bytes that were read and not taken, and the rest of the file.
    pub(crate) fn into_rest(mut self) -> (Vec<u8>, R) {
        self.buffer.truncate(self.end);
        self.buffer.drain(..self.start);
        (self.buffer, self.file)
    }

    fn sum(&mut self) {
        if let Some(checksum) = &mut self.checksum {
            checksum.update(&self.buffer[self.summed..self.start]);
        }
        self.summed = self.start;
    }

    /// Reads until `len` bytes can be taken from the buffer.
    #[cold]
    pub(crate) fn fill(&mut self, len: usize) -> Result<()> {
        self.make_room();
        while self.end - self.start < len {
            if self.end == self.buffer.len() {
                let more = self.buffer.len().clamp(BUFFER_LEN, STEP_MAX);
                self.buffer.resize(self.buffer.len() + more, 0);
            }
            let offset = self.before + self.end as u64;
            match self.file.read(&mut self.buffer[self.end..]) {
                Ok(0) => return Err(ReadError::ended(offset)),
                Ok(count) => self.end += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    return Err(ReadError { offset, cause: ReadErrorCause::Io(error) });
                }
            }
        }
        Ok(())
    }

    /// Moves what is still needed to the front of the buffer.
    fn make_room(&mut self) {
        let kept = self.mark.unwrap_or(self.start);
        if self.mark.is_none() {
            self.sum();
        }
        if kept > 0 {
            self.buffer.copy_within(kept..self.end, 0);
        }
        self.before += kept as u64;
        self.end -= kept;
        self.start -= kept;
        self.summed -= kept;
        self.mark = self.mark.map(|_| 0);
        let is_too_large = self.buffer.len() > KEPT_BUFFER_MAX && self.end < BUFFER_LEN;
        if is_too_large || self.end == 0 && self.buffer.len() > BUFFER_LEN {
            // One long string is no reason to keep as much memory.
            self.buffer.truncate(self.end);
            self.buffer.shrink_to_fit();
        }
        if self.buffer.len() < BUFFER_LEN {
            let grown = (4 * self.buffer.len()).clamp(BUFFER_LEN_MIN, BUFFER_LEN);
            self.buffer.resize(grown, 0);
        }
    }
}

impl<R: Read> Source for FileSource<R> {
    #[inline]
    fn offset(&self) -> u64 {
        self.before + self.start as u64
    }

    #[inline]
    fn take(&mut self, len: usize) -> Result<&[u8]> {
        if self.end - self.start < len {
            self.fill(len)?;
        }
        let taken = &self.buffer[self.start..self.start + len];
        self.start += len;
        Ok(taken)
    }

    fn take_vec(&mut self, len: usize) -> Result<Vec<u8>> {
        if len <= BUFFER_LEN / 4 || self.mark.is_some() {
            return self.take(len).map(<[u8]>::to_vec);
        }
        let mut bytes = Vec::with_capacity(len.min(STEP_MAX));
        let here = len.min(self.end - self.start);
        bytes.extend_from_slice(&self.buffer[self.start..self.start + here]);
        self.start += here;
        self.sum();
        while bytes.len() < len {
            let from = bytes.len();
            let step = (len - from).min(STEP_MAX.max(from));
            bytes.reserve_exact(step);
            let read = (&mut self.file).take(step as u64).read_to_end(&mut bytes);
            let count = bytes.len() - from;
            self.before += count as u64;
            let offset = self.offset();
            if let Err(error) = read {
                return Err(ReadError { offset, cause: ReadErrorCause::Io(error) });
            }
            if count < step {
                return Err(ReadError::ended(offset));
            }
            if let Some(checksum) = &mut self.checksum {
                checksum.update(&bytes[from..]);
            }
        }
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives few bytes at a time.
    struct Drip<'a>(&'a [u8], usize);

    impl Read for Drip<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let len = buffer.len().min(self.1);
            self.0.read(&mut buffer[..len])
        }
    }

    #[test]
    fn a_file_is_read_as_memory_is() {
        let bytes: Vec<u8> = (0..3_000_000_u32).map(|n| (n * 7 % 251) as u8).collect();
        for drip in [1 << 20, 70_001] {
            let (mut file, mut slice) =
                (FileSource::new(Drip(&bytes, drip)), SliceSource::new(&bytes));
            for len in [0, 1, 5, 1000, 300_000, 262_144, 65_536, 65_537, 1_500_000, 3] {
                assert_eq!(file.take(len).expect("there"), slice.take(len).expect("there"));
                let len = len / 3;
                assert_eq!(file.take_vec(len).expect("there"), slice.take_vec(len).expect("there"));
                assert_eq!(file.offset(), slice.offset());
                let taken = &bytes[..slice.offset() as usize];
                assert_eq!(file.checksum(), Some(Checksum::of(taken)));
            }
            let rest = slice.rest.len();
            let (mut tail, mut behind) = file.into_rest();
            behind.read_to_end(&mut tail).expect("memory");
            assert_eq!(tail, bytes[bytes.len() - rest..]);
        }
    }

    #[test]
    fn a_declared_length_is_not_believed() {
        let mut file = FileSource::new(&b"abc"[..]);
        assert_eq!(file.take_vec(usize::MAX / 2).expect_err("too long").offset, 3);
        let mut file = FileSource::new(&b"abc"[..]);
        assert_eq!(file.take(usize::MAX / 2).expect_err("too long").offset, 3);
        assert!(file.buffer.len() <= 2 * BUFFER_LEN);
        let mut slice = SliceSource::new(b"abc");
        assert_eq!(slice.take_vec(usize::MAX).expect_err("too long").offset, 3);
    }
}
