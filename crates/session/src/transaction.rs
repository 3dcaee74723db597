//! MULTI: the requests that a client wants run together, kept until it says EXEC.

use bytes::Bytes;
use dunlin_resp::{Arguments, Batch};
use dunlin_spec::Flags;

/// The requests queued since MULTI, with copies of their words.
#[derive(Debug, Default)]
pub struct Transaction {
    words: Vec<u8>,
    batch: Batch,
    /// Numbers of the commands, as the command table has them.
    commands: Vec<u16>,
    /// Flags that at least one of the commands has.
    any: Flags,
    /// Flags that at least one of the commands lacks.
    lacking: Flags,
    /// A request was refused: EXEC refuses them all.
    is_broken: bool,
}

impl Transaction {
    /// Adds a request: the command's number in the table, its flags and its words, of which those
    /// in `large` are shared instead of copied.
    pub fn push(&mut self, command: u16, flags: Flags, words: &[&[u8]], large: &[(u32, Bytes)]) {
        self.batch.push_copy(words, large, &mut self.words);
        self.commands.push(command);
        self.any |= flags;
        self.lacking |= !flags;
    }

    /// A transaction of as many requests, for CLIENT LIST alone.
    pub(crate) fn without_words(&self) -> Self {
        Self { commands: self.commands.clone(), ..Self::default() }
    }

    /// Count of requests.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.commands.len()
    }

    /// Whether nothing is queued.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.commands.is_empty()
    }

    /// The number of the command of request `i`, and its words.
    ///
    /// # Panics
    /// If there are not so many.
    #[must_use]
    pub fn request(&self, i: usize) -> (u16, Arguments<'_>, &[(u32, Bytes)]) {
        let mut words = Arguments::new();
        self.batch.arguments(i, &self.words, &mut words);
        (self.commands[i], words, self.batch.large(i))
    }

    /// Whether one of the commands has one of these flags.
    #[must_use]
    pub const fn has_any(&self, flags: Flags) -> bool {
        self.any.intersects(flags)
    }

    /// Whether one of the commands lacks one of these flags.
    #[must_use]
    pub const fn lacks_any(&self, flags: Flags) -> bool {
        self.lacking.intersects(flags)
    }

    /// A request was refused.
    pub const fn mark_broken(&mut self) {
        self.is_broken = true;
    }

    /// Whether a request was refused.
    #[must_use]
    pub const fn is_broken(&self) -> bool {
        self.is_broken
    }

    /// Memory held, in bytes (`multi-mem`).
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        size_of::<Self>()
            + self.words.capacity()
            + self.batch.memory_bytes()
            + self.commands.capacity() * size_of::<u16>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_come_back_as_they_were() {
        let mut transaction = Transaction::default();
        let large = Bytes::from(vec![b'v'; 100]);
        let words: [&[u8]; 3] = [b"SET", b"", &large];
        transaction.push(7, Flags::WRITE, &words, &[(2, large.clone())]);
        transaction.push(9, Flags::FAST, &[b"PING"], &[]);
        assert_eq!(transaction.len(), 2);
        let (number, found, shared) = transaction.request(0);
        assert_eq!((number, &*found), (7, words.as_slice()));
        assert_eq!(shared[0].1.as_ptr(), large.as_ptr());
        let (number, found, shared) = transaction.request(1);
        assert_eq!((number, &*found), (9, [b"PING".as_slice()].as_slice()));
        assert!(shared.is_empty());
        assert!(transaction.has_any(Flags::WRITE) && transaction.lacks_any(Flags::WRITE));
        assert!(!transaction.has_any(Flags::ADMIN));
    }
}
