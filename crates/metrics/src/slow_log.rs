//! Commands that ran long (SLOWLOG).
//!
//! Source: Redis documentation, "SLOWLOG"; lengths checked against a 7.2.6 server.

use std::collections::VecDeque;

/// Words of a command that an entry keeps; the last one then tells how many were left out.
const WORDS_MAX: usize = 32;

/// Bytes of a word that an entry keeps, before it tells how many were left out.
const WORD_BYTES_MAX: usize = 128;

/// A command that ran long, as its caller knows it.
#[derive(Clone, Copy, Debug)]
pub struct SlowCommand<'a> {
    /// Wall clock when it ended, in seconds since the Unix epoch.
    pub unix_seconds: i64,
    /// How long it ran, in microseconds.
    pub duration_us: u64,
    /// Its words; secrets have been replaced.
    pub words: &'a [&'a [u8]],
    /// Address and port of the client.
    pub address: &'a str,
    /// Name of the client, empty for none.
    pub client_name: &'a [u8],
}

/// An entry of the slow log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlowLogEntry {
    /// Its number, never used twice, also after SLOWLOG RESET.
    pub id: u64,
    /// Wall clock when the command ended, in seconds since the Unix epoch.
    pub unix_seconds: i64,
    /// How long it ran, in microseconds.
    pub duration_us: u64,
    /// Its words, cut.
    pub words: Vec<Box<[u8]>>,
    /// Address and port of the client.
    pub address: Box<str>,
    /// Name of the client, empty for none.
    pub client_name: Box<[u8]>,
}

/// The last commands that ran long.
#[derive(Clone, Debug, Default)]
pub struct SlowLog {
    /// Newest first.
    entries: VecDeque<SlowLogEntry>,
    next_id: u64,
}

impl SlowLog {
    /// Adds a command; the oldest entries beyond `len_max` (`slowlog-max-len`) go.
    pub fn record(&mut self, command: &SlowCommand<'_>, len_max: usize) {
        let entry = SlowLogEntry {
            id: self.next_id,
            unix_seconds: command.unix_seconds,
            duration_us: command.duration_us,
            words: cut_words(command.words),
            address: command.address.into(),
            client_name: command.client_name.into(),
        };
        self.next_id += 1;
        self.entries.push_front(entry);
        self.entries.truncate(len_max);
    }

    /// Drops the oldest entries beyond `len_max`, after `slowlog-max-len` shrank.
    pub fn truncate(&mut self, len_max: usize) {
        self.entries.truncate(len_max);
    }

    /// The entries, newest first.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &SlowLogEntry> {
        self.entries.iter()
    }

    /// Number of entries.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is no entry.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Forgets all entries. Ids go on where they were.
    pub fn reset(&mut self) {
        self.entries = VecDeque::new();
    }
}

fn cut_words(words: &[&[u8]]) -> Vec<Box<[u8]>> {
    if words.len() <= WORDS_MAX {
        return words.iter().map(|word| cut_word(word)).collect();
    }
    let (kept, left_out) = words.split_at(WORDS_MAX - 1);
    let remark = format!("... ({} more arguments)", left_out.len());
    kept.iter().map(|word| cut_word(word)).chain([remark.into_bytes().into()]).collect()
}

fn cut_word(word: &[u8]) -> Box<[u8]> {
    if word.len() <= WORD_BYTES_MAX {
        return word.into();
    }
    let (kept, left_out) = word.split_at(WORD_BYTES_MAX);
    [kept, format!("... ({} more bytes)", left_out.len()).as_bytes()].concat().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(log: &mut SlowLog, words: &[&[u8]], len_max: usize) {
        let command = SlowCommand {
            unix_seconds: 7,
            duration_us: 12,
            words,
            address: "127.0.0.1:1",
            client_name: b"me",
        };
        log.record(&command, len_max);
    }

    #[test]
    fn the_newest_entries_stay_and_ids_go_on() {
        let mut log = SlowLog::default();
        for word in [b"a", b"b", b"c"] {
            record(&mut log, &[word], 2);
        }
        let ids: Vec<u64> = log.iter().map(|entry| entry.id).collect();
        assert_eq!(ids, [2, 1]);
        log.reset();
        assert!(log.is_empty());
        record(&mut log, &[b"d"], 2);
        assert_eq!(log.iter().next().map(|entry| entry.id), Some(3));
        log.truncate(0);
        assert_eq!(log.len(), 0);
        record(&mut log, &[b"e"], 0);
        assert_eq!(log.len(), 0);
    }

    #[test]
    fn long_commands_are_cut() {
        let mut log = SlowLog::default();
        let words: Vec<&[u8]> = vec![b"x"; 33];
        record(&mut log, &words, 9);
        record(&mut log, &words[..32], 9);
        record(&mut log, &[&[b'A'; 128], &[b'B'; 129]], 9);
        let entries: Vec<_> = log.iter().collect();
        assert_eq!(entries[2].words.len(), 32);
        assert_eq!(&*entries[2].words[31], b"... (2 more arguments)");
        assert_eq!(&*entries[1].words[31], b"x");
        assert_eq!(entries[0].words[0].len(), 128);
        assert!(entries[0].words[1].ends_with(b"BB... (1 more bytes)"));
    }
}
