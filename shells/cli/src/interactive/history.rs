//! Lines that were typed, kept in a file for the next session.

use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use crate::client::is;

/// So many lines are kept.
const LINES_MAX: usize = 1000;

/// The lines and where they are kept.
#[derive(Debug, Default)]
pub(super) struct History {
    lines: Vec<String>,
    file: Option<PathBuf>,
}

impl History {
    /// What the file of former sessions holds.
    pub(super) fn load() -> Self {
        let file = dot_file("REDISCLI_HISTFILE", ".rediscli_history");
        let text = file.as_ref().and_then(|file| fs::read(file).ok()).unwrap_or_default();
        let text = String::from_utf8_lossy(&text).into_owned();
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        lines.drain(..lines.len().saturating_sub(LINES_MAX));
        Self { lines, file }
    }

    /// The lines, the oldest first.
    pub(super) fn lines(&self) -> &[String] {
        &self.lines
    }

    /// Keeps a line, unless it is the same as the last.
    pub(super) fn add(&mut self, line: &str) {
        if self.lines.last().is_some_and(|last| last == line) {
            return;
        }
        self.lines.push(line.to_owned());
        if self.lines.len() > LINES_MAX {
            self.lines.remove(0);
        }
        // A history that cannot be kept is no reason to disturb.
        let _ = self.save();
    }

    fn save(&self) -> std::io::Result<()> {
        let Some(file) = &self.file else { return Ok(()) };
        let mut open = fs::OpenOptions::new();
        // Others need not read along.
        let mut file = open.write(true).create(true).truncate(true).mode(0o600).open(file)?;
        let mut text = self.lines.join("\n");
        text.push('\n');
        file.write_all(text.as_bytes())
    }
}

/// A file of the user: at the path of a variable, else in the home directory; `None` for `/dev/null`
/// and where there is no home.
pub(super) fn dot_file(variable: &str, name: &str) -> Option<PathBuf> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    match set(variable) {
        Some(path) if path == "/dev/null" => None,
        Some(path) => Some(PathBuf::from(path)),
        None => set("HOME").map(|home| PathBuf::from(home).join(name)),
    }
}

/// Whether a command holds a secret, so that it should not be kept.
pub(super) fn is_sensitive(words: &[Vec<u8>]) -> bool {
    let count = words.len();
    let word = |index: usize, name: &str| is(words, index, name);
    if word(0, "auth") {
        return true;
    }
    if word(0, "acl") && word(1, "setuser") {
        return true;
    }
    if word(0, "config") && word(1, "set") {
        let secret = ["masterauth", "masteruser", "requirepass"];
        return (2..count).step_by(2).any(|at| secret.iter().any(|name| word(at, name)));
    }
    if word(0, "hello") {
        return has_login_of_hello(words);
    }
    if word(0, "migrate") && count > 7 {
        let rest = 6..count;
        let keys = rest.clone().find(|&at| word(at, "keys") && at + 1 < count).unwrap_or(count);
        return rest.take_while(|&at| at < keys).any(|at| {
            (word(at, "auth") && at + 1 < count) || (word(at, "auth2") && at + 2 < count)
        });
    }
    false
}

/// `HELLO 3 [SETNAME name] AUTH user password`
fn has_login_of_hello(words: &[Vec<u8>]) -> bool {
    let mut at = 2;
    while at < words.len() {
        if is(words, at, "auth") {
            return at + 2 < words.len();
        }
        if !is(words, at, "setname") {
            return false;
        }
        at += 2;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_not_kept() {
        let sensitive = |line: &str| {
            let words: Vec<Vec<u8>> =
                line.split(' ').map(|word| word.as_bytes().to_vec()).collect();
            is_sensitive(&words)
        };
        for line in [
            "AUTH x",
            "acl SETUSER u >p",
            "config set maxmemory 1 requirepass x",
            "CONFIG SET masterauth x",
            "hello 3 auth u p",
            "hello 3 setname n auth u p",
            "migrate h 1 k 0 10 copy auth p",
            "migrate h 1 k 0 10 auth2 u p keys a",
        ] {
            assert!(sensitive(line), "{line}");
        }
        for line in [
            "set auth x",
            "acl list",
            "config get requirepass",
            "config set maxmemory 1",
            "hello 3 setname auth",
            "migrate h 1 k 0 10 keys auth p",
        ] {
            assert!(!sensitive(line), "{line}");
        }
    }

    #[test]
    fn a_line_is_kept_once() {
        let mut history = History::default();
        ["a", "a", "b", "a"].iter().for_each(|line| history.add(line));
        assert_eq!(history.lines(), ["a", "b", "a"]);
        (0..LINES_MAX).for_each(|number| history.add(&number.to_string()));
        assert_eq!((history.lines().len(), history.lines()[0].as_str()), (LINES_MAX, "0"));
    }
}
