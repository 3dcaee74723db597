//! Bytes of a connection to requests.

use bytes::Bytes;
use dunlin_stdx::number::parse_i64;

use crate::batch::{Batch, Span};
use crate::error::ProtocolError;
use crate::header::{Line, line, short_header};
use crate::inline;

/// A bulk that has not wholly arrived is received into a buffer of its own from this length on
/// (`PROTO_MBULK_BIG_ARG`): below it, copying is cheaper than an allocation and a second read.
pub const LARGE_ARGUMENT_BYTES_MIN: usize = 32 * 1024;

/// What is reserved for a large argument on its announcement alone. The rest is reserved, all at
/// once, when so much has really arrived: an announcement of 512 MB costs the sender 128 MB
/// first, an argument up to 128 MB is never moved, a longer one at most once.
pub const FIRST_RESERVE_BYTES_MAX: usize = 128 * 1024 * 1024;

/// Requests decoded per call: enough for every usual pipeline, little enough that the batch stays
/// in the second-level cache (1,024 requests of three arguments: 48 KB).
pub const REQUESTS_PER_CALL_MAX: usize = 1024;

/// An unfinished request of fewer arguments is parsed again from its start when more has arrived:
/// cheaper than an allocation to remember them, and still bounded work per read.
const REMEMBERED_SPANS_MIN: usize = 64;

const UNAUTHENTICATED_ARGUMENTS_MAX: usize = 10;
const UNAUTHENTICATED_BULK_BYTES_MAX: usize = 16 * 1024;
const ARGUMENTS_MAX: i64 = i32::MAX as i64;

/// Limits that hold for one call.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// `proto-max-bulk-len`, in bytes; `usize::MAX` for a link from a primary.
    pub max_bulk_len: usize,
    /// `client-query-buffer-limit`, in bytes.
    pub query_buffer_max: usize,
    /// Whether the client may send long requests. While it may not, a call decodes one request,
    /// because that one may be AUTH.
    pub authenticated: bool,
}

impl Default for Limits {
    /// The defaults of redis.conf, for a client that needs no password.
    fn default() -> Self {
        Self { max_bulk_len: 512 << 20, query_buffer_max: 1 << 30, authenticated: true }
    }
}

impl Limits {
    /// Below these, a request needs no further checks.
    fn short(&self) -> ShortLimits {
        ShortLimits {
            count_max: if self.authenticated { usize::MAX } else { UNAUTHENTICATED_ARGUMENTS_MAX },
            len_max: self.max_bulk_len.min(UNAUTHENTICATED_BULK_BYTES_MAX),
        }
    }

    fn check_count(&self, text: &[u8]) -> Result<usize, ProtocolError> {
        match parse_i64(text) {
            Some(count) if count <= ARGUMENTS_MAX => {
                let count = count.max(0) as usize;
                if count > UNAUTHENTICATED_ARGUMENTS_MAX && !self.authenticated {
                    return Err(ProtocolError::UnauthenticatedMultibulkLength);
                }
                Ok(count)
            }
            _ => Err(ProtocolError::InvalidMultibulkLength),
        }
    }

    #[inline(always)]
    fn check_len(&self, len: usize) -> Result<usize, ProtocolError> {
        if len > self.max_bulk_len {
            Err(ProtocolError::InvalidBulkLength)
        } else if len > UNAUTHENTICATED_BULK_BYTES_MAX && !self.authenticated {
            Err(ProtocolError::UnauthenticatedBulkLength)
        } else {
            Ok(len)
        }
    }
}

/// How far a call came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct Progress {
    /// Offset behind the last complete request (or blank line): decode from here next time.
    pub consumed: usize,
    /// The call stopped at its bound on requests: decode again before reading.
    pub more: bool,
}

/// Decodes the requests of one connection; 8 bytes while no long request is under way.
#[derive(Debug, Default)]
pub struct RequestDecoder {
    partial: Option<Box<Partial>>,
}

/// A request whose beginning is worth remembering. Places count from its first byte.
#[derive(Debug, Default)]
struct Partial {
    /// Where to go on.
    at: usize,
    /// Arguments still to come, the one being received included.
    missing: usize,
    spans: Vec<Span>,
    large: Vec<(u32, Bytes)>,
    receiving: Option<Receiving>,
    argument_bytes: usize,
}

/// A large argument that is arriving.
#[derive(Debug)]
struct Receiving {
    /// Takes the argument and its line end.
    buffer: Vec<u8>,
    len: usize,
}

/// Why the arguments of a request stop.
enum Stop {
    Complete,
    Incomplete,
    /// A large argument begins; its payload stands at this place.
    Large {
        payload: usize,
        len: usize,
    },
}

/// Where parsing of a multibulk request stands.
struct Cursor {
    at: usize,
    missing: usize,
}

impl RequestDecoder {
    /// A decoder at the start of a connection.
    #[must_use]
    pub const fn new() -> Self {
        Self { partial: None }
    }

    /// Decodes what is complete of `input[from..]` and appends it to `batch`, up to
    /// [`REQUESTS_PER_CALL_MAX`] requests. `from` must be what [`Progress::consumed`] said last,
    /// less what [`Self::compact`] has dropped since.
    ///
    /// The end of `input` may be taken away (into a large argument). Words with quotes are
    /// decoded in place. O(bytes), whatever the pieces in which they arrive.
    ///
    /// # Errors
    /// Those of [`ProtocolError`]. The requests before the error are in `batch`; the connection
    /// is to be closed after their replies and the error's.
    pub fn decode(
        &mut self,
        input: &mut Vec<u8>,
        from: usize,
        limits: &Limits,
        batch: &mut Batch,
    ) -> Result<Progress, ProtocolError> {
        // Spans are 32-bit; more than 4 GB can only be one request of endless short arguments.
        if input.len() >= u32::MAX as usize {
            return Err(ProtocolError::QueryBufferLimit);
        }
        let requests_max = if limits.authenticated { REQUESTS_PER_CALL_MAX } else { 1 };
        let requests_max = batch.len() + requests_max;
        let short = limits.short();
        let mut at = from;
        if self.partial.is_some() {
            match self.resume(input, from, limits, batch)? {
                Some(end) => at = end,
                None => return Ok(Progress { consumed: from, more: false }),
            }
        }
        while at < input.len() {
            if batch.len() >= requests_max {
                return Ok(Progress { consumed: at, more: true });
            }
            if let Some(end) = short_request(input, at, &short, batch) {
                at = end;
                continue;
            }
            let end = if input[at] == b'*' {
                self.multibulk(input, at, limits, batch)?
            } else {
                inline::decode(input, at, batch)?
            };
            match end {
                Some(end) => at = end,
                // A line without an end has a bound of its own, far below that of the buffer.
                None => break,
            }
        }
        Ok(Progress { consumed: at, more: false })
    }

    /// Where the next read must go: the large argument being received, whose spare capacity is
    /// never zero and never more than it needs, or else `input`, for which the caller reserves.
    #[inline]
    pub fn fill_target<'a>(&'a mut self, input: &'a mut Vec<u8>) -> &'a mut Vec<u8> {
        match self.partial.as_deref_mut() {
            Some(Partial { receiving: Some(receiving), .. }) => receiving.target(),
            _ => input,
        }
    }

    /// Whether a request has begun that is not complete.
    #[must_use]
    pub const fn is_partial(&self) -> bool {
        self.partial.is_some()
    }

    /// Gives back the room that waits for the rest of a large argument, of a client that has
    /// stopped in the middle of it. It is reserved again when more arrives.
    pub fn shrink(&mut self) {
        if let Some(Partial { receiving: Some(receiving), .. }) = self.partial.as_deref_mut() {
            receiving.buffer.shrink_to_fit();
        }
    }

    /// Whether [`Self::fill_target`] is a large argument.
    #[must_use]
    pub fn receives_large(&self) -> bool {
        self.partial.as_ref().is_some_and(|partial| partial.receiving.is_some())
    }

    /// Drops the first `consumed` bytes of `input`, all of which must belong to requests that
    /// have run; decoding goes on at `from - consumed`. O(bytes that remain).
    pub fn compact(&mut self, input: &mut Vec<u8>, consumed: usize) {
        // What is remembered counts from the first byte of its request, so nothing moves here.
        input.drain(..consumed);
    }

    /// Bytes held beside the input buffer: the large arguments and places of an unfinished
    /// request.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        self.partial.as_ref().map_or(0, |partial| {
            let received: usize = partial.large.iter().map(|(_, bytes)| bytes.len()).sum();
            size_of::<Partial>()
                + partial.spans.capacity() * size_of::<Span>()
                + partial.large.capacity() * size_of::<(u32, Bytes)>()
                + received
                + partial.receiving.as_ref().map_or(0, |receiving| receiving.buffer.capacity())
        })
    }

    /// Bytes that were taken out of the input buffer and belong to a request that is not complete.
    #[must_use]
    pub fn taken_bytes(&self) -> usize {
        const LINE_END_BYTES: usize = 2;
        self.partial.as_ref().map_or(0, |partial| {
            let complete = partial.large.iter().map(|(_, bytes)| bytes.len() + LINE_END_BYTES);
            complete.sum::<usize>() + self.receiving_bytes()
        })
    }

    /// Bytes of the large argument that have arrived; part of the query buffer for CLIENT LIST.
    #[must_use]
    pub fn receiving_bytes(&self) -> usize {
        let receiving = self.partial.as_ref().and_then(|partial| partial.receiving.as_ref());
        receiving.map_or(0, |receiving| receiving.buffer.len())
    }

    /// Bytes of the arguments that are complete in an unfinished long request (`argv-mem`).
    #[must_use]
    pub fn pending_argument_bytes(&self) -> usize {
        self.partial.as_ref().map_or(0, |partial| partial.argument_bytes)
    }

    /// Decodes any multibulk request at `start` and returns the place behind it.
    #[inline(never)]
    fn multibulk(
        &mut self,
        input: &mut Vec<u8>,
        start: usize,
        limits: &Limits,
        batch: &mut Batch,
    ) -> Result<Option<usize>, ProtocolError> {
        let (count, header) = match line(&input[start..]) {
            Line::Whole(text, header) => (limits.check_count(&text[1..])?, header),
            Line::Incomplete => return Ok(None),
            Line::TooLong => return Err(ProtocolError::TooBigMultibulkCount),
        };
        if count == 0 {
            return Ok(Some(start + header));
        }
        let first = batch.span_count();
        let mut cursor = Cursor { at: start + header, missing: count };
        match arguments(input, &mut cursor, limits, batch) {
            Ok(Stop::Complete) => {
                batch.push_request(first, cursor.at);
                Ok(Some(cursor.at))
            }
            Ok(stop) => {
                let stop = Unfinished { start, first, cursor, stop };
                self.remember(input, &stop, limits, batch)?;
                Ok(None)
            }
            Err(error) => {
                batch.forget_spans(first);
                Err(error)
            }
        }
    }

    /// Keeps what is known of an unfinished request, if that is worth it.
    #[cold]
    fn remember(
        &mut self,
        input: &mut Vec<u8>,
        unfinished: &Unfinished,
        limits: &Limits,
        batch: &mut Batch,
    ) -> Result<(), ProtocolError> {
        let Unfinished { first, cursor, stop, .. } = unfinished;
        let count = batch.span_count() - first;
        if count < REMEMBERED_SPANS_MIN && !matches!(stop, Stop::Large { .. }) {
            batch.forget_spans(*first);
        } else {
            let mut partial = Box::<Partial>::default();
            partial.suspend(input, unfinished, batch)?;
            self.partial = Some(partial);
        }
        self.check_unfinished(input.len().saturating_sub(cursor.at), limits)
    }

    /// Goes on with the remembered request, which begins at `start`; returns the place behind it.
    #[cold]
    fn resume(
        &mut self,
        input: &mut Vec<u8>,
        start: usize,
        limits: &Limits,
        batch: &mut Batch,
    ) -> Result<Option<usize>, ProtocolError> {
        let Some(mut partial) = self.partial.take() else { return Ok(Some(start)) };
        if !partial.receive(input, start)? {
            self.partial = Some(partial);
            self.check_unfinished(0, limits)?;
            return Ok(None);
        }
        let first = batch.span_count();
        let mut cursor = Cursor { at: start + partial.at, missing: partial.missing };
        let stop = arguments(input, &mut cursor, limits, batch)
            .inspect_err(|_| batch.forget_spans(first))?;
        let end = cursor.at;
        let complete = matches!(stop, Stop::Complete);
        partial.suspend(input, &Unfinished { start, first, cursor, stop }, batch)?;
        if complete {
            let Partial { spans, large, .. } = *partial;
            batch.push_assembled(start, &spans, large, end);
            return Ok(Some(end));
        }
        self.partial = Some(partial);
        self.check_unfinished(input.len().saturating_sub(start), limits)?;
        Ok(None)
    }

    /// What counts against the limit is the whole unfinished request.
    ///
    /// Differs: Redis counts only what has not yet become an argument, so that a request of many
    /// arguments may take any amount of memory.
    fn check_unfinished(&self, unfinished: usize, limits: &Limits) -> Result<(), ProtocolError> {
        let complete = self
            .partial
            .as_ref()
            .map_or(0, |partial| partial.large.iter().map(|(_, bytes)| bytes.len()).sum::<usize>());
        if unfinished + complete + self.receiving_bytes() > limits.query_buffer_max {
            return Err(ProtocolError::QueryBufferLimit);
        }
        Ok(())
    }
}

/// A request that stopped before its end.
struct Unfinished {
    /// Its first byte.
    start: usize,
    /// Its first span in the batch.
    first: usize,
    cursor: Cursor,
    stop: Stop,
}

/// What [`short_request`] takes.
struct ShortLimits {
    count_max: usize,
    len_max: usize,
}

/// Decodes the request at `start` if it is complete, well-formed, and its numbers have one or two
/// digits: the path of nearly every request. `None` says nothing about any other.
#[inline(always)]
fn short_request(
    input: &[u8],
    start: usize,
    limits: &ShortLimits,
    batch: &mut Batch,
) -> Option<usize> {
    let (count, header) = short_header(input, start, b'*')?;
    if count.wrapping_sub(1) >= limits.count_max {
        return None;
    }
    let first = batch.span_count();
    let mut at = start + header;
    for _ in 0..count {
        let (payload, len) = match short_header(input, at, b'$') {
            Some((len, header)) if len <= limits.len_max => (at + header, len),
            _ => {
                batch.forget_spans(first);
                return None;
            }
        };
        at = payload + len + 2;
        if at > input.len() {
            batch.forget_spans(first);
            return None;
        }
        batch.push_span(payload, len);
    }
    batch.push_request(first, at);
    Some(at)
}

/// Decodes arguments into the batch until they are complete or the input ends.
fn arguments(
    input: &[u8],
    cursor: &mut Cursor,
    limits: &Limits,
    batch: &mut Batch,
) -> Result<Stop, ProtocolError> {
    while cursor.missing > 0 {
        let (len, header) = match short_header(input, cursor.at, b'$') {
            Some(short) => short,
            None => match long_header(&input[cursor.at..])? {
                Some(long) => long,
                None => return Ok(Stop::Incomplete),
            },
        };
        limits.check_len(len)?;
        let payload = cursor.at + header;
        // Two bytes end the argument. Redis does not look at them either.
        if input.len() - payload < len + 2 {
            if len >= LARGE_ARGUMENT_BYTES_MIN {
                return Ok(Stop::Large { payload, len });
            }
            return Ok(Stop::Incomplete);
        }
        batch.push_span(payload, len);
        cursor.at = payload + len + 2;
        cursor.missing -= 1;
    }
    Ok(Stop::Complete)
}

/// Any header of an argument; `None` if it has not wholly arrived.
fn long_header(rest: &[u8]) -> Result<Option<(usize, usize)>, ProtocolError> {
    let (text, header) = match line(rest) {
        Line::Whole(text, header) => (text, header),
        Line::Incomplete => return Ok(None),
        Line::TooLong => return Err(ProtocolError::TooBigBulkCount),
    };
    if rest[0] != b'$' {
        return Err(ProtocolError::ExpectedBulk(rest[0]));
    }
    let len = parse_i64(&text[1..]).and_then(|len| usize::try_from(len).ok());
    Ok(Some((len.ok_or(ProtocolError::InvalidBulkLength)?, header)))
}

impl Partial {
    /// Takes over the spans found in this call and, if a large argument begins, its bytes.
    fn suspend(
        &mut self,
        input: &mut Vec<u8>,
        unfinished: &Unfinished,
        batch: &mut Batch,
    ) -> Result<(), ProtocolError> {
        let Unfinished { start, first, cursor, stop } = unfinished;
        let spans = batch.take_spans(*first, *start);
        self.argument_bytes += spans.iter().map(|span| span.len as usize).sum::<usize>();
        self.spans.extend(spans);
        self.missing = cursor.missing;
        self.at = cursor.at - start;
        if let Stop::Large { payload, len } = *stop {
            let mut receiving = Receiving { buffer: Vec::new(), len };
            receiving.take(input, payload)?;
            self.at = payload - start;
            self.receiving = Some(receiving);
        }
        Ok(())
    }

    /// Closes the large argument if it has arrived; false if it still is on its way.
    fn receive(&mut self, input: &mut Vec<u8>, start: usize) -> Result<bool, ProtocolError> {
        let Some(receiving) = &mut self.receiving else { return Ok(true) };
        receiving.take(input, start + self.at)?;
        if receiving.missing() > 0 {
            return Ok(false);
        }
        if let Some(Receiving { mut buffer, len }) = self.receiving.take() {
            let excess = buffer.get(len + 2..).unwrap_or_default();
            let place = start + self.at;
            input.splice(place..place, excess.iter().copied());
            buffer.truncate(len);
            let number = self.large.len();
            self.large.push((self.spans.len() as u32, Bytes::from(buffer)));
            self.spans.push(Span::large(number));
            self.argument_bytes += len;
            self.missing -= 1;
        }
        Ok(true)
    }
}

impl Receiving {
    /// The buffer, with room for at least a part of what is missing: it has none after
    /// [`RequestDecoder::shrink`].
    #[inline]
    fn target(&mut self) -> &mut Vec<u8> {
        if self.buffer.len() == self.buffer.capacity() {
            self.buffer.reserve_exact(self.missing().min(FIRST_RESERVE_BYTES_MAX));
        }
        &mut self.buffer
    }

    /// Bytes still to come, line end included.
    fn missing(&self) -> usize {
        (self.len + 2).saturating_sub(self.buffer.len())
    }

    /// Moves what belongs to the argument from `input[place..]` here and sees to it that the next
    /// read has room.
    fn take(&mut self, input: &mut Vec<u8>, place: usize) -> Result<(), ProtocolError> {
        let count = (input.len() - place).min(self.missing());
        if self.buffer.capacity() == 0 {
            self.reserve((self.len + 2).min(FIRST_RESERVE_BYTES_MAX.max(count)))?;
        } else if self.buffer.capacity() - self.buffer.len() < count {
            self.reserve(self.missing())?;
        }
        self.buffer.extend_from_slice(&input[place..place + count]);
        input.drain(place..place + count);
        if self.buffer.len() == self.buffer.capacity() {
            self.reserve(self.missing())?;
        }
        Ok(())
    }

    fn reserve(&mut self, additional: usize) -> Result<(), ProtocolError> {
        self.buffer.try_reserve_exact(additional).map_err(|_| ProtocolError::OutOfMemory)
    }
}
