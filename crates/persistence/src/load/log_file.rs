//! Reading a file of commands, or the commands behind a snapshot.

use std::io::{self, Read};

use dunlin_aof::{Annotation, Item, LogError, LogReader, StreamPosition};

use super::BATCH_BYTES;

/// Bytes of a file that are read at once.
const BLOCK_BYTES: usize = BATCH_BYTES;

/// A file of commands.
pub(super) struct LogFileReader<R> {
    file: R,
    /// Bytes that were read; those in front of `start` have been handed over.
    buffer: Vec<u8>,
    start: usize,
    log: LogReader,
    is_at_end: bool,
    /// What the last item said, if that was a position and it speaks of this place.
    position: Option<StreamPosition>,
}

/// What a step came to.
pub(super) enum LogStep {
    /// There is more to read.
    More,
    /// The file ends with a whole command.
    End,
    /// The file ends in the middle of a command or of a transaction.
    Truncated(LogError),
}

impl<R: Read> LogFileReader<R> {
    /// Reads from `offset` on: `rest` are the first bytes, more follow from `file`.
    pub(super) fn new(file: R, rest: Vec<u8>, offset: u64) -> Self {
        let log = LogReader::at(offset);
        Self { file, buffer: rest, start: 0, log, is_at_end: false, position: None }
    }

    /// Reads a block and appends whole commands to `out`.
    pub(super) fn step(&mut self, out: &mut Vec<u8>) -> Result<LogStep, LogFailure> {
        self.scan(out)?;
        if self.is_at_end {
            return match self.log.finish(&self.buffer[self.start..]) {
                Ok(()) => Ok(LogStep::End),
                Err(error) if error.fault.is_truncation() => Ok(LogStep::Truncated(error)),
                Err(error) => Err(LogFailure::Log(error)),
            };
        }
        self.fill().map_err(LogFailure::Io)?;
        self.scan(out)?;
        Ok(LogStep::More)
    }

    /// Takes the whole commands out of the buffer.
    fn scan(&mut self, out: &mut Vec<u8>) -> Result<(), LogFailure> {
        loop {
            let rest = &self.buffer[self.start..];
            match self.log.next(rest).map_err(LogFailure::Log)? {
                Item::Commands { len_bytes, .. } => {
                    out.extend_from_slice(&rest[..len_bytes]);
                    self.start += len_bytes;
                    self.position = None;
                }
                Item::Annotation { len_bytes, annotation } => {
                    self.start += len_bytes;
                    let begin = self.log.position() - len_bytes as u64;
                    self.position = match annotation {
                        Annotation::Position(found) if found.file_bytes == begin => Some(found),
                        _ => None,
                    };
                }
                Item::Incomplete => return Ok(()),
            }
        }
    }

    fn fill(&mut self) -> io::Result<()> {
        self.buffer.drain(..self.start);
        self.start = 0;
        let have = self.buffer.len();
        // A damaged length may ask for anything: only as much is believed as has come.
        let more = self.log.needed_bytes().clamp(BLOCK_BYTES, have.max(BLOCK_BYTES));
        self.buffer.resize(have + more, 0);
        let count = loop {
            match self.file.read(&mut self.buffer[have..]) {
                Ok(count) => break count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.buffer.truncate(have);
                    return Err(error);
                }
            }
        };
        self.buffer.truncate(have + count);
        self.is_at_end = count == 0;
        Ok(())
    }

    /// The position with which the file ends, as far as it was read.
    pub(super) const fn position(&self) -> Option<StreamPosition> {
        self.position
    }

    /// What was found so far.
    pub(super) const fn log(&self) -> &LogReader {
        &self.log
    }
}

/// Why a file of commands cannot be read.
#[derive(Debug)]
pub(super) enum LogFailure {
    /// The system cannot read it.
    Io(io::Error),
    /// Its bytes are no commands.
    Log(LogError),
}
