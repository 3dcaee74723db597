//! Replies in, for those who only count them.

use memchr::memchr;

use crate::header::short_header;
use crate::reply_decoder::{BULK_BYTES_MAX, LINE_BYTES_MAX, ReplyError, number};

/// What was passed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Skipped {
    /// A reply that is no error; what an aggregate holds is not looked at.
    Reply,
    /// An error, whose text is [`ReplySkipper::error`].
    Error,
    /// A message that no request asked for.
    Push,
}

/// Finds where replies end without building values: for a load generator, which counts replies and
/// tells errors apart. It takes about 10 ns for a short reply, and memory only for errors and for
/// lines that arrive in pieces.
///
/// The type of a double, a boolean, a big number or a null is known, its text is not checked.
///
/// ```
/// use dunlin_resp::{ReplySkipper, Skipped};
///
/// let mut skipper = ReplySkipper::new();
/// let mut consumed = 0;
/// let input = b"+OK\r\n-ERR no\r\n*2\r\n:1\r\n$5\r\nhel";
/// assert_eq!(skipper.skip(input, &mut consumed), Ok(Some(Skipped::Reply)));
/// assert_eq!(skipper.skip(input, &mut consumed), Ok(Some(Skipped::Error)));
/// assert_eq!(skipper.error(), b"ERR no");
/// assert_eq!(skipper.skip(input, &mut consumed), Ok(None));
/// assert_eq!(consumed, input.len());
///
/// consumed = 0;
/// assert_eq!(skipper.skip(b"lo\r\n", &mut consumed), Ok(Some(Skipped::Reply)));
/// ```
#[derive(Debug)]
pub struct ReplySkipper {
    /// Values that are still to come before the reply is whole; none between replies.
    values_due: u64,
    /// Bytes of a string that are still to come, with its line end.
    string_bytes_due: u64,
    /// What the reply will have been.
    kind: Skipped,
    /// Whether the string that is arriving is the error itself.
    is_error_string: bool,
    /// The beginning of a line that arrives in pieces.
    line: Vec<u8>,
    error: Vec<u8>,
}

impl Default for ReplySkipper {
    fn default() -> Self {
        Self::new()
    }
}

impl ReplySkipper {
    /// A skipper at the beginning of a reply.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            values_due: 0,
            string_bytes_due: 0,
            kind: Skipped::Reply,
            is_error_string: false,
            line: Vec::new(),
            error: Vec::new(),
        }
    }

    /// The text of the last error, at most 64 KB of it.
    #[must_use]
    pub fn error(&self) -> &[u8] {
        &self.error
    }

    /// Reads from `input[*consumed..]` on until a reply is complete or the input ends, and moves
    /// `consumed` behind what was read. `None` means that all was read and more has to arrive.
    ///
    /// # Errors
    /// What is no reply. The connection cannot go on.
    pub fn skip(
        &mut self,
        input: &[u8],
        consumed: &mut usize,
    ) -> Result<Option<Skipped>, ReplyError> {
        while *consumed < input.len() {
            let is_whole = if self.string_bytes_due > 0 {
                self.pass_string(input, consumed)?
            } else if let Some((len, header)) = self.short_string(input, *consumed) {
                *consumed += header;
                self.begin_string(len);
                false
            } else {
                self.read_line(input, consumed)?
            };
            if is_whole {
                return Ok(Some(self.kind));
            }
        }
        Ok(None)
    }

    /// The length of a string of less than a hundred bytes and that of its header: nearly all of
    /// them.
    fn short_string(&self, input: &[u8], at: usize) -> Option<(u64, usize)> {
        if !self.line.is_empty() {
            return None;
        }
        short_header(input, at, b'$').map(|(len, header)| (len as u64, header))
    }

    fn begin_string(&mut self, len: u64) {
        self.begin(Skipped::Reply);
        self.string_bytes_due = len + 2;
    }

    /// A value begins; the outermost one says what the reply is.
    fn begin(&mut self, kind: Skipped) {
        if self.values_due == 0 {
            self.values_due = 1;
            self.kind = kind;
        }
    }

    /// A value has ended; whether the reply has.
    fn end(&mut self) -> bool {
        self.values_due -= 1;
        self.values_due == 0
    }

    /// Passes over what is there of a string; whether the reply has ended.
    fn pass_string(&mut self, input: &[u8], consumed: &mut usize) -> Result<bool, ReplyError> {
        let rest = &input[*consumed..];
        let text_due =
            usize::try_from(self.string_bytes_due.saturating_sub(2)).unwrap_or(usize::MAX);
        let text = &rest[..rest.len().min(text_due)];
        if self.is_error_string {
            let room = LINE_BYTES_MAX - self.error.len();
            self.error.extend_from_slice(&text[..text.len().min(room)]);
        }
        self.string_bytes_due -= text.len() as u64;
        *consumed += text.len();
        for &byte in &rest[text.len()..] {
            let expected = if self.string_bytes_due == 2 { b'\r' } else { b'\n' };
            if byte != expected {
                return Err(ReplyError::InvalidEnd);
            }
            *consumed += 1;
            self.string_bytes_due -= 1;
            if self.string_bytes_due == 0 {
                self.is_error_string = false;
                return Ok(self.end());
            }
        }
        Ok(false)
    }

    /// Reads a line, or keeps what is there of it; whether the reply has ended.
    fn read_line(&mut self, input: &[u8], consumed: &mut usize) -> Result<bool, ReplyError> {
        let rest = &input[*consumed..];
        if self.line.is_empty() {
            check_kind(rest[0])?;
        }
        let Some(end) = memchr(b'\n', &rest[..rest.len().min(LINE_BYTES_MAX)]) else {
            if self.line.len() + rest.len() >= LINE_BYTES_MAX {
                return Err(ReplyError::InvalidLine);
            }
            self.line.extend_from_slice(rest);
            *consumed += rest.len();
            return Ok(false);
        };
        *consumed += end + 1;
        if self.line.is_empty() {
            return self.take_line(&rest[..end]);
        }
        let mut line = std::mem::take(&mut self.line);
        line.extend_from_slice(&rest[..end]);
        let taken = self.take_line(&line);
        // The memory is used again.
        line.clear();
        self.line = line;
        taken
    }

    /// Takes a line without its line feed; whether the reply has ended.
    fn take_line(&mut self, line: &[u8]) -> Result<bool, ReplyError> {
        let (Some((&kind, text)), Some(end)) = (line.split_first(), memchr(b'\r', line)) else {
            return Err(ReplyError::InvalidLine);
        };
        if end + 1 != line.len() {
            return Err(ReplyError::InvalidLine);
        }
        let text = &text[..text.len() - 1];
        match kind {
            b'$' | b'*' if text == b"-1" => self.begin(Skipped::Reply),
            b'$' | b'=' | b'!' => {
                let is_error = kind == b'!' && self.values_due == 0;
                self.begin_string(length(text)?);
                if is_error {
                    self.kind = Skipped::Error;
                    self.error.clear();
                    self.is_error_string = true;
                }
                return Ok(false);
            }
            b'*' | b'~' => return self.begin_aggregate(Skipped::Reply, Some(length(text)?)),
            b'>' => return self.begin_aggregate(Skipped::Push, Some(length(text)?)),
            b'%' => return self.begin_aggregate(Skipped::Reply, length(text)?.checked_mul(2)),
            // The value that the attributes belong to comes after them.
            b'|' => {
                let values = length(text)?.checked_mul(2).and_then(|count| count.checked_add(1));
                return self.begin_aggregate(Skipped::Reply, values);
            }
            b'-' if self.values_due == 0 => {
                self.error.clear();
                self.error.extend_from_slice(text);
                self.begin(Skipped::Error);
            }
            b':' => {
                number(text)?;
                self.begin(Skipped::Reply);
            }
            _ => self.begin(Skipped::Reply),
        }
        Ok(self.end())
    }

    /// An aggregate of so many values begins; whether the reply has ended with it.
    fn begin_aggregate(&mut self, kind: Skipped, values: Option<u64>) -> Result<bool, ReplyError> {
        self.begin(kind);
        let due = values.and_then(|values| self.values_due.checked_add(values));
        self.values_due = due.ok_or(ReplyError::InvalidNumber)?;
        Ok(self.end())
    }
}

fn check_kind(kind: u8) -> Result<(), ReplyError> {
    let is_known = b"+-:$*_#,(=!~%>|".contains(&kind);
    if is_known { Ok(()) } else { Err(ReplyError::UnknownKind(kind)) }
}

fn length(text: &[u8]) -> Result<u64, ReplyError> {
    let len = u64::try_from(number(text)?).map_err(|_| ReplyError::InvalidNumber)?;
    if len > BULK_BYTES_MAX { Err(ReplyError::InvalidNumber) } else { Ok(len) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{ReplyDecoder, Value};

    type Seen = Vec<(Skipped, String)>;

    /// What is in `bytes` when they arrive in pieces, and how many of them were not read.
    fn skip_all(bytes: &[u8], piece: usize) -> Result<Seen, ReplyError> {
        let (mut skipper, mut seen) = (ReplySkipper::new(), Vec::new());
        for piece in bytes.chunks(piece.max(1)) {
            let mut consumed = 0;
            while let Some(skipped) = skipper.skip(piece, &mut consumed)? {
                let text = match skipped {
                    Skipped::Error => skipper.error().escape_ascii().to_string(),
                    _ => String::new(),
                };
                seen.push((skipped, text));
            }
            assert_eq!(consumed, piece.len());
        }
        Ok(seen)
    }

    /// The same by the decoder that builds values.
    fn decode_all(bytes: &[u8]) -> Result<Seen, ReplyError> {
        let (mut decoder, mut consumed, mut seen) = (ReplyDecoder::new(), 0, Vec::new());
        while let Some(value) = decoder.decode(bytes, &mut consumed)? {
            seen.push(match value {
                Value::Error(text) => (Skipped::Error, text.escape_ascii().to_string()),
                Value::Push(_) => (Skipped::Push, String::new()),
                _ => (Skipped::Reply, String::new()),
            });
        }
        Ok(seen)
    }

    const REPLIES: &[u8] = b"+OK\r\n:12\r\n-ERR no\r\n$-1\r\n*-1\r\n$0\r\n\r\n$3\r\nfoo\r\n\
        $120\r\n0123456789012345678901234567890123456789012345678901234567890123456789\
        01234567890123456789012345678901234567890123456789\r\n*0\r\n\
        *3\r\n:1\r\n*2\r\n$1\r\na\r\n-ERR within\r\n$-1\r\n>2\r\n+invalidate\r\n_\r\n\
        %2\r\n+a\r\n#t\r\n+b\r\n,1.5\r\n~1\r\n(123\r\n=7\r\ntxt:abc\r\n!6\r\nERR no\r\n\
        |1\r\n+ttl\r\n:3\r\n$2\r\nab\r\n";

    #[test]
    fn a_split_at_any_byte_changes_nothing() {
        let whole = decode_all(REPLIES).expect("replies");
        assert_eq!(whole.len(), 16);
        for piece in 1..=REPLIES.len() {
            assert_eq!(skip_all(REPLIES, piece).as_ref(), Ok(&whole), "{piece}");
        }
        for split in 1..REPLIES.len() {
            let (mut skipper, mut count) = (ReplySkipper::new(), 0);
            for part in [&REPLIES[..split], &REPLIES[split..]] {
                let mut consumed = 0;
                while skipper.skip(part, &mut consumed).expect("replies").is_some() {
                    count += 1;
                }
            }
            assert_eq!(count, whole.len(), "{split}");
        }
    }

    #[test]
    fn what_is_no_reply() {
        for (bytes, error) in [
            (&b"hm\r\n"[..], ReplyError::UnknownKind(b'h')),
            (b"$x\r\n", ReplyError::InvalidNumber),
            (b"$-2\r\n", ReplyError::InvalidNumber),
            (b"*9223372036854775807\r\n", ReplyError::InvalidNumber),
            (b":1\rx\n", ReplyError::InvalidLine),
            (b"+OK\n", ReplyError::InvalidLine),
            (b"$1\r\nabc\r\n", ReplyError::InvalidEnd),
            (b"$1\r\na\rb", ReplyError::InvalidEnd),
        ] {
            for piece in 1..=bytes.len() {
                assert_eq!(skip_all(bytes, piece), Err(error), "{}", bytes.escape_ascii());
            }
        }
        let endless = vec![b'+'; LINE_BYTES_MAX + 1];
        assert_eq!(skip_all(&endless, 1000), Err(ReplyError::InvalidLine));
        assert_eq!(skip_all(&endless, endless.len()), Err(ReplyError::InvalidLine));
    }

    #[test]
    fn nesting_without_end_takes_no_memory() {
        let deep = b"*2\r\n".repeat(100_000);
        assert_eq!(skip_all(&deep, 1000), Ok(Vec::new()));
    }

    proptest! {
        #[test]
        fn hostile_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), piece in 1usize..50) {
            let _ = skip_all(&bytes, piece);
        }

        #[test]
        fn what_decodes_is_skipped_alike(text in "([-+:$*_#,(=!~%>|][0-9tf]{0,3}\r\n){0,30}", piece in 1usize..50) {
            let decoded = decode_all(text.as_bytes());
            let skipped = skip_all(text.as_bytes(), piece);
            if let Ok(decoded) = decoded {
                prop_assert_eq!(skipped, Ok(decoded));
            }
        }
    }
}
