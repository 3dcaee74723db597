//! Finding whole commands in a log.
//!
//! A log is commands as clients send them, `*<words>\r\n` and for each word `$<length>\r\n<bytes>\r\n`,
//! with annotations between them. [`LogReader`] looks at the headers alone, so that whole runs of
//! commands can be handed to whoever runs them; it also says how far a file that ends in the middle
//! of a command, or of a transaction, is good.
//!
//! It is as strict as redis-check-aof: line ends are `\r\n`, numbers are digits. Differs: the loader
//! of Redis is lenient (it skips two bytes behind each word without a look, and takes any number
//! that a line begins with), so that it runs what a damaged length left over; no version of Redis
//! has ever written what is refused here. MULTI within MULTI and EXEC alone are refused as well.
//! A file that ends within an annotation is truncated; Redis leaves it, and appends to it.

mod fault;
pub(crate) mod header;

pub use fault::{LogError, LogFault};

use crate::annotation::{ANNOTATION_BYTES_MAX, Annotation};
use header::Header;

/// What the bytes given to [`LogReader::next`] begin with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Item {
    /// Whole commands, as many as there are in one run.
    Commands {
        /// Bytes of all of them.
        len_bytes: usize,
        /// How many.
        count: u64,
    },
    /// An annotation.
    Annotation {
        /// Bytes of its line.
        len_bytes: usize,
        /// What it says.
        annotation: Annotation,
    },
    /// Nothing whole: call again with these bytes and more of the file behind them, or, at its end,
    /// call [`LogReader::finish`].
    Incomplete,
}

/// Reads the headers of a log that arrives in pieces. A command of a million words that arrives in
/// pieces is looked at once, not once per piece.
#[derive(Clone, Debug)]
pub struct LogReader {
    /// Where the next item begins, in bytes from the beginning of the file.
    position: u64,
    /// How far the command that begins there has been looked at.
    partial: Partial,
    /// Where the transaction that is open began.
    transaction: Option<u64>,
    needed_bytes: usize,
    lines: u64,
    commands: u64,
    failed: Option<LogError>,
}

/// A command that has not wholly arrived.
#[derive(Clone, Copy, Debug, Default)]
struct Partial {
    /// Bytes of it that need no other look.
    scanned: usize,
    /// Words that are still to come; 0 before its header has been read.
    words_left: i64,
    role: Role,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Role {
    /// The name has not been read.
    #[default]
    Unknown,
    Plain,
    Multi,
    Exec,
}

impl LogReader {
    /// Reads from this offset of a file: 0, or behind an RDB preamble.
    #[must_use]
    pub const fn at(offset: u64) -> Self {
        let partial = Partial { scanned: 0, words_left: 0, role: Role::Unknown };
        Self {
            position: offset,
            partial,
            transaction: None,
            needed_bytes: 1,
            lines: 0,
            commands: 0,
            failed: None,
        }
    }

    /// What `input` begins with; it begins where the items returned so far end. O(what was not
    /// looked at before).
    ///
    /// # Errors
    /// Bytes that are neither a command nor an annotation, after the whole commands before them
    /// were returned. The same error for ever after.
    pub fn next(&mut self, input: &[u8]) -> Result<Item, LogError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        let (mut end, mut count) = (0, 0);
        loop {
            let rest = &input[end..];
            match rest.first() {
                None => break,
                Some(b'#') if count > 0 => break,
                Some(b'#') => return self.annotation(rest),
                Some(_) => match self.command(rest) {
                    Ok(Some(len)) => {
                        end += len;
                        count += 1;
                    }
                    Ok(None) => break,
                    Err(error) => {
                        self.failed = Some(error);
                        break;
                    }
                },
            }
        }
        self.commands += count;
        match self.failed {
            _ if count > 0 => Ok(Item::Commands { len_bytes: end, count }),
            Some(error) => Err(error),
            None => Ok(Item::Incomplete),
        }
    }

    fn annotation(&mut self, rest: &[u8]) -> Result<Item, LogError> {
        let window = &rest[..rest.len().min(ANNOTATION_BYTES_MAX)];
        match window.iter().position(|byte| *byte == b'\n') {
            Some(end) => {
                let line = &rest[..=end];
                self.position += line.len() as u64;
                let annotation = Annotation::read(line);
                Ok(Item::Annotation { len_bytes: line.len(), annotation })
            }
            None if window.len() == ANNOTATION_BYTES_MAX => {
                let error = self.error_at(0, LogFault::AnnotationTooLong);
                self.failed = Some(error);
                Err(error)
            }
            None => {
                self.needed_bytes = 1;
                Ok(Item::Incomplete)
            }
        }
    }

    /// The length of the command that `rest` begins with, if all of it is there.
    #[inline]
    fn command(&mut self, rest: &[u8]) -> Result<Option<usize>, LogError> {
        let Partial { scanned: mut at, mut words_left, mut role } = self.partial;
        if words_left == 0 {
            if rest[0] != b'*' {
                return Err(self.error_at(0, LogFault::Format));
            }
            match header::read(rest, b'*') {
                Ok(Header::Whole { number, .. }) if number < 1 => {
                    return Err(self.error_at(0, LogFault::ArgumentCount(number)));
                }
                Ok(Header::Whole { number, len_bytes }) => {
                    words_left = number;
                    at = len_bytes;
                    self.lines += 1;
                }
                Ok(Header::Incomplete) => return Ok(self.wait(self.partial, 1)),
                Err(fault) => return Err(self.error_at(0, fault)),
            }
        }
        while words_left > 0 {
            let here = Partial { scanned: at, words_left, role };
            let (len, head) = match header::read(&rest[at..], b'$') {
                Ok(Header::Whole { number, len_bytes }) => (number, len_bytes),
                Ok(Header::Incomplete) => return Ok(self.wait(here, 1)),
                Err(fault) => return Err(self.error_at(at, fault)),
            };
            let Some(len) = word_len(len) else {
                self.lines += 1;
                return Err(self.error_at(at, LogFault::ArgumentLength(len)));
            };
            let start = at + head;
            let have = rest.len() - start;
            if have < len + 2 {
                return Ok(self.wait(here, len + 2 - have));
            }
            let end = start + len;
            if rest[end..end + 2] != *b"\r\n" {
                self.lines += 1;
                return Err(self.error_at(start, LogFault::LineEnd(rest[end], rest[end + 1])));
            }
            self.lines += 2;
            if role == Role::Unknown {
                let found = self.role(&rest[start..end]);
                role = found.map_err(|fault| self.error_at(start, fault))?;
            }
            words_left -= 1;
            at = end + 2;
        }
        self.partial = Partial::default();
        match role {
            Role::Multi => self.transaction = Some(self.position),
            Role::Exec => self.transaction = None,
            Role::Plain | Role::Unknown => {}
        }
        self.position += at as u64;
        Ok(Some(at))
    }

    /// What the command of this name does to the transaction.
    fn role(&self, name: &[u8]) -> Result<Role, LogFault> {
        match name.len() {
            5 if name.eq_ignore_ascii_case(b"multi") => match self.transaction {
                None => Ok(Role::Multi),
                Some(_) => Err(LogFault::UnexpectedMulti),
            },
            4 if name.eq_ignore_ascii_case(b"exec") => match self.transaction {
                None => Err(LogFault::UnexpectedExec),
                Some(_) => Ok(Role::Exec),
            },
            _ => Ok(Role::Plain),
        }
    }

    #[cold]
    fn wait(&mut self, partial: Partial, needed_bytes: usize) -> Option<usize> {
        self.partial = partial;
        self.needed_bytes = needed_bytes;
        None
    }

    #[cold]
    const fn error_at(&self, at: usize, fault: LogFault) -> LogError {
        LogError { offset: self.position + at as u64, fault }
    }

    /// The file ends behind `rest`, the bytes of which nothing was whole.
    ///
    /// # Errors
    /// The file was cut: it is good up to [`LogReader::ok_up_to`]. Or what [`LogReader::next`]
    /// returned.
    pub fn finish(&mut self, rest: &[u8]) -> Result<(), LogError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        let at = self.partial.scanned.min(rest.len());
        let fault = match &rest[at..] {
            _ if rest.first() == Some(&b'#') => LogFault::EndInAnnotation,
            [] if at > 0 => LogFault::EndInCommand,
            [] if self.transaction.is_some() => LogFault::EndInTransaction,
            [] => return Ok(()),
            line => return Err(self.end_in_line(at, line)),
        };
        Err(self.fail(at, fault))
    }

    /// Why a line of a command that begins `at` bytes behind its beginning is not whole.
    fn end_in_line(&mut self, at: usize, line: &[u8]) -> LogError {
        let kind = if at == 0 { b'*' } else { b'$' };
        match header::read(line, kind) {
            Ok(Header::Whole { number, len_bytes }) => {
                self.lines += 1;
                let expected = word_len(number).map_or(0, |len| len as u64 + 2);
                let got = (line.len() - len_bytes) as u64;
                self.fail(at + len_bytes, LogFault::EndInArgument { expected, got })
            }
            Ok(Header::Incomplete) => {
                let is_digit = |byte: &&u8| byte.is_ascii_digit() || **byte == b'-';
                let digits = line[1..].iter().take_while(is_digit).count();
                let end = line.get(1 + digits).copied().unwrap_or(0);
                self.fail(at, LogFault::EndInHeader(end, 0))
            }
            Err(fault) => self.fail(at, fault),
        }
    }

    fn fail(&mut self, at: usize, fault: LogFault) -> LogError {
        let error = self.error_at(at, fault);
        self.failed = Some(error);
        error
    }

    /// Where the items returned so far end, in bytes from the beginning of the file.
    #[must_use]
    pub const fn position(&self) -> u64 {
        self.position
    }

    /// How far the file is good: to the end of its last whole command or annotation, or to the
    /// beginning of the transaction that is open.
    #[must_use]
    pub fn ok_up_to(&self) -> u64 {
        self.transaction.unwrap_or(self.position)
    }

    /// Whether MULTI was read and its EXEC was not.
    #[must_use]
    pub const fn is_in_transaction(&self) -> bool {
        self.transaction.is_some()
    }

    /// How many bytes more are needed at least, after [`Item::Incomplete`]. A damaged length may ask
    /// for more than there are in the file.
    #[must_use]
    pub const fn needed_bytes(&self) -> usize {
        self.needed_bytes
    }

    /// Lines of commands that were read, those of a command that is not whole included.
    #[must_use]
    pub const fn lines(&self) -> u64 {
        self.lines
    }

    /// Whole commands that were read.
    #[must_use]
    pub const fn commands(&self) -> u64 {
        self.commands
    }
}

/// The length of a word, if one can be so long.
#[inline(always)]
const fn word_len(number: i64) -> Option<usize> {
    if number >= 0 && number <= i64::MAX - 2 { Some(number as usize) } else { None }
}

#[cfg(test)]
mod tests;
