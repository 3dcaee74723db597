//! Requests typed by hand: a line of words.

use dunlin_stdx::words;

use crate::batch::Batch;
use crate::error::ProtocolError;
use crate::header::LINE_BYTES_MAX;

/// Decodes the inline request at `start` and returns the place behind it, or `None` if its line
/// has not arrived. A blank line is skipped: it adds no request.
///
/// Quoted words are decoded where they stand in the input.
pub(crate) fn decode(
    input: &mut [u8],
    start: usize,
    batch: &mut Batch,
) -> Result<Option<usize>, ProtocolError> {
    let rest = &mut input[start..];
    let line_feed = match memchr::memchr2(b'\n', 0, rest) {
        Some(at) if rest[at] == b'\n' => at,
        _ if rest.len() > LINE_BYTES_MAX => return Err(ProtocolError::TooBigInlineRequest),
        _ => return Ok(None),
    };
    let ends_with_return = rest[..line_feed].ends_with(b"\r");
    let line = &mut rest[..line_feed - usize::from(ends_with_return)];
    let first = batch.span_count();
    words::split_in_place(line, |word| batch.push_span(start + word.start, word.len())).map_err(
        |words::UnbalancedQuotes| {
            batch.forget_spans(first);
            ProtocolError::UnbalancedQuotes
        },
    )?;
    let end = start + line_feed + 1;
    if batch.span_count() > first {
        batch.push_request(first, end);
    }
    Ok(Some(end))
}
