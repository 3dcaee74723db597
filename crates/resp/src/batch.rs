//! Decoded requests, as places in the input.

use std::ops::Deref;

use bytes::Bytes;
use smallvec::SmallVec;

/// As many words are kept in a plain array, which takes half the instructions of a growing one.
const FEW: usize = 4;

/// The arguments of one request, command name first. [`Batch::arguments`] fills it.
#[derive(Debug, Default)]
pub struct Arguments<'a> {
    few: [&'a [u8]; FEW],
    /// How many of `few` there are; zero if the words are in `many`.
    few_count: usize,
    many: SmallVec<[&'a [u8]; 32]>,
}

impl Arguments<'_> {
    /// No arguments.
    #[must_use]
    #[inline]
    pub fn new() -> Self {
        Self::default()
    }
}

impl<'a> Deref for Arguments<'a> {
    type Target = [&'a [u8]];

    #[inline]
    fn deref(&self) -> &Self::Target {
        if self.few_count > 0 { &self.few[..self.few_count] } else { &self.many }
    }
}

/// Where an argument lies: `len` bytes of the input from `start`; or, if `start` is `u32::MAX`,
/// the large argument numbered `len` of its batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Offset in the input, in bytes.
    pub start: u32,
    /// Length in bytes.
    pub len: u32,
}

impl Span {
    /// A value of `start` that no input reaches: the decoder stops short of it.
    const LARGE: u32 = u32::MAX;

    pub(crate) const fn large(number: usize) -> Self {
        Self { start: Self::LARGE, len: number as u32 }
    }

    pub(crate) const fn is_large(self) -> bool {
        self.start == Self::LARGE
    }
}

/// One decoded request: `count` spans from `first`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request {
    /// Number of its first span in the batch.
    pub first: u32,
    /// Number of its arguments, at least one.
    pub count: u32,
    /// Offset in the input just behind this request.
    pub end: usize,
    /// Number of its first large argument in the batch.
    large_first: u32,
}

/// Requests decoded and not yet run; reused from turn to turn.
#[derive(Debug, Default)]
pub struct Batch {
    requests: Vec<Request>,
    spans: Vec<Span>,
    large: Vec<(u32, Bytes)>,
}

/// Spans kept by [`Batch::clear`]: one request of a million arguments must not hold 8 MB for good.
const SPANS_KEPT_MAX: usize = 64 * 1024;

impl Batch {
    /// An empty batch.
    #[must_use]
    pub const fn new() -> Self {
        Self { requests: Vec::new(), spans: Vec::new(), large: Vec::new() }
    }

    /// Count of requests.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.requests.len()
    }

    /// Memory held, in bytes: large arguments by length.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        self.requests.capacity() * size_of::<Request>()
            + self.spans.capacity() * size_of::<Span>()
            + self.large.capacity() * size_of::<(u32, Bytes)>()
            + self.large.iter().map(|(_, bytes)| bytes.len()).sum::<usize>()
    }

    /// Whether there is no request.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.requests.is_empty()
    }

    /// Forgets all requests and keeps the memory, within reason.
    pub fn clear(&mut self) {
        self.requests.clear();
        self.spans.clear();
        self.large.clear();
        if self.spans.capacity() > SPANS_KEPT_MAX {
            self.spans.shrink_to(SPANS_KEPT_MAX);
        }
    }

    /// Gives back the room it does not use: a request that waits may do so for a long time.
    pub fn shrink(&mut self) {
        self.requests.shrink_to_fit();
        self.spans.shrink_to_fit();
    }

    /// Request number `i`.
    ///
    /// # Panics
    /// If there are not so many.
    #[must_use]
    #[inline]
    pub fn request(&self, i: usize) -> Request {
        self.requests[i]
    }

    /// Replaces what is in `out` with the arguments of request `i`; `input` is the buffer that was decoded.
    ///
    /// # Panics
    /// If there are not so many requests, or the input has been compacted since.
    #[inline]
    pub fn arguments<'a>(&'a self, i: usize, input: &'a [u8], out: &mut Arguments<'a>) {
        let request = self.requests[i];
        let spans = &self.spans[request.first as usize..][..request.count as usize];
        if self.large.is_empty() && spans.len() <= FEW {
            for (word, span) in out.few.iter_mut().zip(spans) {
                *word = &input[span.start as usize..][..span.len as usize];
            }
            out.few_count = spans.len();
        } else {
            out.few_count = 0;
            out.many.clear();
            out.many.extend(spans.iter().map(|span| self.resolve(*span, input)));
        }
    }

    /// Argument `n` of request `i` (zero is the command's name), without the others.
    ///
    /// # Panics
    /// If there are not so many requests, or the input has been compacted since.
    #[must_use]
    #[inline]
    pub fn argument<'a>(&'a self, i: usize, n: usize, input: &'a [u8]) -> Option<&'a [u8]> {
        let request = self.requests[i];
        let spans = &self.spans[request.first as usize..][..request.count as usize];
        spans.get(n).map(|span| self.resolve(*span, input))
    }

    /// The name of request `i` and the argument behind it, if there is one.
    ///
    /// # Panics
    /// As [`Batch::argument`].
    #[must_use]
    #[inline]
    pub fn beginning<'a>(&'a self, i: usize, input: &'a [u8]) -> (&'a [u8], Option<&'a [u8]>) {
        let request = self.requests[i];
        match &self.spans[request.first as usize..][..request.count as usize] {
            [] => (b"", None),
            [name] => (self.resolve(*name, input), None),
            [name, second, ..] => (self.resolve(*name, input), Some(self.resolve(*second, input))),
        }
    }

    /// The large arguments of request `i` with their argument numbers, in ascending order.
    ///
    /// # Panics
    /// If there are not so many requests.
    #[must_use]
    #[inline]
    pub fn large(&self, i: usize) -> &[(u32, Bytes)] {
        if self.large.is_empty() {
            return &[];
        }
        let end =
            self.requests.get(i + 1).map_or(self.large.len(), |next| next.large_first as usize);
        &self.large[self.requests[i].large_first as usize..end]
    }

    #[inline]
    fn resolve<'a>(&'a self, span: Span, input: &'a [u8]) -> &'a [u8] {
        if span.is_large() {
            &self.large[span.len as usize].1
        } else {
            &input[span.start as usize..][..span.len as usize]
        }
    }

    /// Count of spans, those of an unfinished request included.
    pub(crate) const fn span_count(&self) -> usize {
        self.spans.len()
    }

    #[inline]
    pub(crate) fn push_span(&mut self, start: usize, len: usize) {
        debug_assert!(start < Span::LARGE as usize && len < Span::LARGE as usize);
        self.spans.push(Span { start: start as u32, len: len as u32 });
    }

    /// Adds a request made of these words, which are copied behind the end of `input`; those in
    /// `large`, by number of argument, are shared instead.
    pub fn push_copy(&mut self, words: &[&[u8]], large: &[(u32, Bytes)], input: &mut Vec<u8>) {
        let (first, first_large) = (self.spans.len(), self.large.len());
        let mut kept = Vec::new();
        for (number, word) in (0..).zip(words) {
            let shared = large.iter().find(|(at, _)| *at == number).map(|(_, bytes)| bytes.clone());
            let is_out_of_reach = input.len() + word.len() >= Span::LARGE as usize;
            let shared = shared.or_else(|| is_out_of_reach.then(|| Bytes::copy_from_slice(word)));
            if let Some(bytes) = shared {
                self.spans.push(Span::large(first_large + kept.len()));
                kept.push((number, bytes));
            } else {
                self.push_span(input.len(), word.len());
                input.extend_from_slice(word);
            }
        }
        self.push_request(first, input.len());
        self.large.extend(kept);
    }

    /// Completes a request whose spans are those from `first`.
    #[inline]
    pub(crate) fn push_request(&mut self, first: usize, end: usize) {
        self.requests.push(Request {
            first: first as u32,
            count: (self.spans.len() - first) as u32,
            end,
            large_first: self.large.len() as u32,
        });
    }

    /// Completes a request that was received in pieces: its spans count from `base`.
    pub(crate) fn push_assembled(
        &mut self,
        base: usize,
        spans: &[Span],
        large: Vec<(u32, Bytes)>,
        end: usize,
    ) {
        let (first, large_first) = (self.spans.len(), self.large.len());
        self.spans.extend(spans.iter().map(|span| match span.is_large() {
            true => Span::large(span.len as usize + large_first),
            false => Span { start: span.start + base as u32, len: span.len },
        }));
        self.push_request(first, end);
        self.large.extend(large);
    }

    /// The spans from `first` on, relative to `base`: the start of an unfinished request.
    pub(crate) fn take_spans(&mut self, first: usize, base: usize) -> Vec<Span> {
        let base = base as u32;
        let rebased = |span: Span| Span { start: span.start - base, len: span.len };
        self.spans.drain(first..).map(rebased).collect()
    }

    pub(crate) fn forget_spans(&mut self, first: usize) {
        self.spans.truncate(first);
    }
}
