//! The terminal beside the lines that are read from it: colours, keys, passwords.

use std::io::{self, IsTerminal, Read};

use nix::sys::termios::{LocalFlags, SetArg, Termios, tcgetattr, tcsetattr};
use rustyline::highlight::{CmdKind, Highlighter};
use rustyline::history::MemHistory;
use rustyline::{Completer, Editor, Helper, Hinter, Validator};

/// Whether the terminal shows colours.
pub(crate) fn has_colours() -> bool {
    std::env::var_os("TERM").is_some_and(|name| name.to_string_lossy().contains("xterm"))
}

/// Single keys can be waited for while this lives, and they are not shown.
pub(crate) struct AnyKey(Option<Termios>);

impl AnyKey {
    /// Does nothing where standard input is no terminal.
    pub(crate) fn new() -> Self {
        let before = tcgetattr(io::stdin()).ok();
        if let Some(before) = &before {
            let mut mode = before.clone();
            mode.local_flags.remove(LocalFlags::ECHO | LocalFlags::ICANON);
            // A terminal that refuses waits for whole lines.
            let _ = tcsetattr(io::stdin(), SetArg::TCSANOW, &mode);
        }
        Self(before)
    }
}

impl Drop for AnyKey {
    fn drop(&mut self) {
        if let Some(before) = &self.0 {
            let _ = tcsetattr(io::stdin(), SetArg::TCSANOW, before);
        }
    }
}

/// Reads a password: from a terminal unseen, else a line. `None` if nothing came.
pub(crate) fn ask_password(prompt: &str) -> Option<Vec<u8>> {
    if io::stdin().is_terminal() {
        let mut editor = Editor::<Mask, MemHistory>::new().ok()?;
        editor.set_helper(Some(Mask));
        return editor.readline(prompt).ok().map(String::into_bytes);
    }
    // Not a byte more than the line: the rest may be for another reader.
    let mut line = Vec::new();
    let mut byte = [0];
    let mut input = io::stdin().lock();
    while let Ok(1) = input.read(&mut byte) {
        if byte == *b"\n" {
            return Some(line);
        }
        line.push(byte[0]);
    }
    (!line.is_empty()).then_some(line)
}

/// Shows a star for each character.
#[derive(Completer, Helper, Hinter, Validator)]
struct Mask;

impl Highlighter for Mask {
    fn highlight<'l>(&self, line: &'l str, _at: usize) -> std::borrow::Cow<'l, str> {
        "*".repeat(line.chars().count()).into()
    }

    fn highlight_char(&self, _line: &str, _at: usize, _kind: CmdKind) -> bool {
        true
    }
}
