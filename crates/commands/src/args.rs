//! Reading arguments: one wording for every arity, syntax and number error.

use bytes::Bytes;

use crate::error::CommandError;

/// The words of a request, the command's name included.
///
/// The words are slices of the input buffer; those that arrived as large arguments are also
/// available as shared bytes, which a value may keep without copying.
#[derive(Clone, Copy, Debug)]
pub struct Args<'a> {
    words: &'a [&'a [u8]],
    large: &'a [(u32, Bytes)],
    slot: Option<u16>,
}

impl<'a> Args<'a> {
    /// Words of a request without large arguments.
    #[must_use]
    pub const fn new(words: &'a [&'a [u8]]) -> Self {
        Self { words, large: &[], slot: None }
    }

    /// Words of a request, with those among them that are in shared memory.
    #[must_use]
    pub const fn with_large(words: &'a [&'a [u8]], large: &'a [(u32, Bytes)]) -> Self {
        Self { words, large, slot: None }
    }

    /// The same words, of which it is known that all their keys are in this cluster slot.
    #[must_use]
    #[inline]
    pub const fn in_slot(self, slot: Option<u16>) -> Self {
        Self { slot, ..self }
    }

    /// The cluster slot of all keys, if it has been computed.
    #[must_use]
    #[inline]
    pub const fn slot(&self) -> Option<u16> {
        self.slot
    }

    /// Number of words, the command's name included. Never zero.
    #[must_use]
    #[allow(clippy::len_without_is_empty)]
    pub const fn len(&self) -> usize {
        self.words.len()
    }

    /// All words.
    #[must_use]
    pub const fn words(&self) -> &'a [&'a [u8]] {
        self.words
    }

    /// The word at `index`.
    ///
    /// # Panics
    /// If there is no such word: the arity in the command's spec promises those a command names.
    #[must_use]
    #[inline]
    pub fn get(&self, index: usize) -> &'a [u8] {
        self.words[index]
    }

    /// The words that arrived as large arguments, by their numbers.
    #[must_use]
    pub const fn large(&self) -> &'a [(u32, Bytes)] {
        self.large
    }

    /// Shared memory of the word at `index`, if it arrived as a large argument.
    #[must_use]
    pub fn shared(&self, index: usize) -> Option<&'a Bytes> {
        self.large.iter().find(|(at, _)| *at as usize == index).map(|(_, bytes)| bytes)
    }

    /// The word at `index` as a signed 64-bit integer.
    ///
    /// # Errors
    /// [`CommandError::NotInteger`].
    pub fn integer(&self, index: usize) -> Result<i64, CommandError> {
        dunlin_stdx::number::parse_i64(self.get(index)).ok_or(CommandError::NotInteger)
    }

    /// The word at `index` as a signed 64-bit integer that is not negative: a count.
    ///
    /// # Errors
    /// "must be positive", whatever else the word is.
    pub fn non_negative(&self, index: usize) -> Result<i64, CommandError> {
        non_negative(self.get(index))
    }

    /// Whether the word at `index` is `word`, in any case.
    #[must_use]
    pub fn is(&self, index: usize, word: &str) -> bool {
        self.get(index).eq_ignore_ascii_case(word.as_bytes())
    }

    /// A cursor over the words from `index` on: options and their values.
    #[must_use]
    pub const fn cursor(&self, index: usize) -> Cursor<'a> {
        Cursor { args: *self, next: index }
    }
}

fn non_negative(word: &[u8]) -> Result<i64, CommandError> {
    const REFUSED: CommandError =
        CommandError::fixed("ERR value is out of range, must be positive");
    dunlin_stdx::number::parse_i64(word).filter(|count| *count >= 0).ok_or(REFUSED)
}

/// Walks through options and their values.
#[derive(Clone, Debug)]
pub struct Cursor<'a> {
    args: Args<'a>,
    next: usize,
}

impl<'a> Cursor<'a> {
    /// The next word, if there is one.
    pub fn next_word(&mut self) -> Option<&'a [u8]> {
        let word = self.args.words.get(self.next).copied()?;
        self.next += 1;
        Some(word)
    }

    /// The value of the option just read.
    ///
    /// # Errors
    /// [`CommandError::Syntax`] if the words end here.
    pub fn value(&mut self) -> Result<&'a [u8], CommandError> {
        self.next_word().ok_or(CommandError::Syntax)
    }

    /// The value of the option just read, as an integer.
    ///
    /// # Errors
    /// [`CommandError::Syntax`] if the words end here, [`CommandError::NotInteger`].
    pub fn integer(&mut self) -> Result<i64, CommandError> {
        dunlin_stdx::number::parse_i64(self.value()?).ok_or(CommandError::NotInteger)
    }

    /// Index of the next word.
    #[must_use]
    pub const fn position(&self) -> usize {
        self.next
    }

    /// Number of words left.
    #[must_use]
    pub const fn remaining(&self) -> usize {
        self.args.words.len().saturating_sub(self.next)
    }
}
