//! Requests on their way out: the stream of changes, logs, the handshake with a primary.

use itoa::Integer;

/// Appends a request of these words.
pub fn write_request(out: &mut Vec<u8>, words: &[&[u8]]) {
    write_count(out, b'*', words.len());
    words.iter().for_each(|word| write_word(out, word));
}

/// Appends one word of a request.
pub fn write_word(out: &mut Vec<u8>, word: &[u8]) {
    write_count(out, b'$', word.len());
    out.extend_from_slice(word);
    out.extend_from_slice(b"\r\n");
}

/// Appends the head of a request (`*`) or of a word (`$`).
pub fn write_count(out: &mut Vec<u8>, kind: u8, count: impl Integer) {
    out.push(kind);
    out.extend_from_slice(itoa::Buffer::new().format(count).as_bytes());
    out.extend_from_slice(b"\r\n");
}

/// Bytes that [`write_request`] would append.
#[must_use]
pub fn request_bytes(words: &[&[u8]]) -> u64 {
    let word_bytes = |word: &&[u8]| count_bytes(word.len()) + word.len() as u64 + 2;
    count_bytes(words.len()) + words.iter().map(word_bytes).sum::<u64>()
}

/// Bytes that [`write_count`] would append.
#[must_use]
pub fn count_bytes(count: usize) -> u64 {
    u64::from(count.checked_ilog10().unwrap_or(0)) + 4
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_as_long_as_was_said() {
        let long = vec![b'x'; 1000];
        for words in [&[b"PING".as_slice()][..], &[b"SET", b"", &long], &[b"a".as_slice(); 10], &[]]
        {
            let mut bytes = Vec::new();
            write_request(&mut bytes, words);
            assert_eq!(bytes.len() as u64, request_bytes(words));
        }
        let mut bytes = Vec::new();
        write_request(&mut bytes, &[b"GET", b"k"]);
        assert_eq!(bytes, b"*2\r\n$3\r\nGET\r\n$1\r\nk\r\n");
    }
}
