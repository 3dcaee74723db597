//! What a user prefers: `:set` and `~/.redisclirc`.

use crate::client::is;

/// The preferences.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Preferences {
    /// The arguments that may follow are shown.
    pub(super) hints: bool,
}

impl Default for Preferences {
    fn default() -> Self {
        Self { hints: true }
    }
}

impl Preferences {
    /// Takes the words of a line such as `:set hints`.
    ///
    /// # Errors
    /// What is unknown about it.
    pub(super) fn set(&mut self, words: &[Vec<u8>]) -> Result<(), String> {
        let text = |index: usize| String::from_utf8_lossy(&words[index]).into_owned();
        if words.len() < 2 || !is(words, 0, ":set") {
            return Err(format!("unknown redis-cli internal command '{}'", text(0)));
        }
        if is(words, 1, "hints") {
            self.hints = true;
        } else if is(words, 1, "nohints") {
            self.hints = false;
        } else {
            return Err(format!("unknown redis-cli preference '{}'", text(1)));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_set() {
        let mut preferences = Preferences::default();
        let mut set = |line: &str| {
            let words: Vec<Vec<u8>> =
                line.split(' ').map(|word| word.as_bytes().to_vec()).collect();
            preferences.set(&words).map(|()| preferences.hints)
        };
        assert_eq!(set(":set nohints"), Ok(false));
        assert_eq!(set(":SET Hints"), Ok(true));
        assert_eq!(set(":set x"), Err("unknown redis-cli preference 'x'".to_owned()));
        assert_eq!(set(":x"), Err("unknown redis-cli internal command ':x'".to_owned()));
        assert_eq!(set(":set"), Err("unknown redis-cli internal command ':set'".to_owned()));
    }
}
