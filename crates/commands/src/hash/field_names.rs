//! `FIELDS numfields field [field ...]`: how commands on deadlines name fields.
//!
//! Source: Redis documentation, HEXPIRE.

use dunlin_spec::Arg;

use crate::args::Args;
use crate::error::CommandError;

/// The argument as COMMAND DOCS shows it.
pub(super) const NAMES: Arg =
    Arg::block("fields", &[Arg::integer("numfields"), Arg::string("field").multiple()])
        .token("FIELDS");

/// The names, whose block begins at word `at` and ends the request.
///
/// # Errors
/// Texts of our own: FIELDS is not there, or the number is not positive or not that of the names.
pub(super) fn parse<'a>(args: Args<'a>, at: usize) -> Result<&'a [&'a [u8]], CommandError> {
    parse_words(args, at, 1)
}

/// The names are not where they should be.
pub(super) const fn missing() -> CommandError {
    CommandError::fixed("ERR Mandatory argument FIELDS is missing or not at the right position")
}

/// As [`parse`], where each field has `words_each` words: its name, or its name and value.
pub(super) fn parse_words<'a>(
    args: Args<'a>,
    at: usize,
    words_each: usize,
) -> Result<&'a [&'a [u8]], CommandError> {
    if at + 1 >= args.len() || !args.is(at, "FIELDS") {
        return Err(missing());
    }
    let count = args.integer(at + 1).ok().and_then(|count| usize::try_from(count).ok());
    let count = count
        .filter(|count| *count > 0)
        .ok_or(CommandError::fixed("ERR Parameter `numFields` should be greater than 0"))?;
    let words = &args.words()[at + 2..];
    if count.checked_mul(words_each) != Some(words.len()) {
        return Err(CommandError::fixed(
            "ERR The `numfields` parameter must match the number of arguments",
        ));
    }
    Ok(words)
}
