//! One command of many items: as many as fit into it.

use dunlin_resp::{write_count, write_word};

/// One command of many items: as many as fit into it are gathered before its head is known.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    words: Vec<u8>,
    words_count: usize,
    items: usize,
}

impl Gathered {
    /// Items in one command: replaying it is bounded work.
    ///
    /// Source: aof rewriting in Redis, "64 elements".
    const ITEMS_MAX: usize = 64;

    /// Adds a word of the item that is being gathered.
    pub(super) fn word(&mut self, word: &[u8]) {
        write_word(&mut self.words, word);
        self.words_count += 1;
    }

    /// The item is complete; writes the command if it is full.
    pub(super) fn end_item(&mut self, verb: &[u8], key: &[u8], out: &mut Vec<u8>) {
        self.items += 1;
        if self.items == Self::ITEMS_MAX {
            self.flush(verb, key, out);
        }
    }

    /// Writes the command with what was gathered, if anything was.
    pub(super) fn flush(&mut self, verb: &[u8], key: &[u8], out: &mut Vec<u8>) {
        if self.items == 0 {
            return;
        }
        write_count(out, b'*', self.words_count + 2);
        write_word(out, verb);
        write_word(out, key);
        out.extend_from_slice(&self.words);
        self.words.clear();
        (self.words_count, self.items) = (0, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_split_after_64_items() {
        let (mut gathered, mut out) = (Gathered::default(), Vec::new());
        for _ in 0..65 {
            gathered.word(b"x");
            gathered.end_item(b"SADD", b"s", &mut out);
        }
        gathered.flush(b"SADD", b"s", &mut out);
        gathered.flush(b"SADD", b"s", &mut out);
        let x = "$1\r\nx\r\n";
        let first = format!("*66\r\n$4\r\nSADD\r\n$1\r\ns\r\n{}", x.repeat(64));
        let second = format!("*3\r\n$4\r\nSADD\r\n$1\r\ns\r\n{x}");
        assert_eq!(String::from_utf8(out), Ok(first + &second));
    }
}
