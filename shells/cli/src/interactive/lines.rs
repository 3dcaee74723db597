//! Where lines come from: an editor on a terminal, else a pipe.

use std::borrow::Cow;
use std::fs;
use std::io::{self, BufRead, BufReader, IsTerminal, Stdin};

use dunlin_stdx::words;
use rustyline::completion::Completer;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::history::MemHistory;
use rustyline::{CompletionType, Config, Context, Editor, Helper, Validator};

use super::history::{History, dot_file};
use super::preferences::Preferences;
use crate::client::print_bytes;
use crate::help::Help;

/// Lines of a session.
pub(crate) struct Lines {
    source: Source,
    history: History,
}

enum Source {
    Terminal(Box<Editor<Assistant, MemHistory>>),
    Pipe(BufReader<Stdin>),
}

impl Lines {
    /// From standard input.
    pub(crate) fn new() -> Self {
        Self { source: Source::of_standard_input(), history: History::default() }
    }

    /// Reads the history and the preferences of the user.
    pub(super) fn load(&mut self) {
        let Source::Terminal(editor) = &mut self.source else { return };
        self.history = History::load();
        for line in self.history.lines() {
            // Refused if it is the same as the last.
            let _ = editor.add_history_entry(line);
        }
        let file = dot_file("REDISCLI_RCFILE", ".redisclirc");
        let text = file.and_then(|file| fs::read(file).ok()).unwrap_or_default();
        for line in text.split(|byte| *byte == b'\n') {
            if let Ok(words) = words::split(line)
                && !words.is_empty()
            {
                self.set_preference(&words, ".redisclirc: ");
            }
        }
    }

    /// What completion and hints come from.
    pub(super) fn set_help(&mut self, help: Help) {
        if let Source::Terminal(editor) = &mut self.source
            && let Some(assistant) = editor.helper_mut()
        {
            assistant.help = help;
        }
    }

    /// Takes a line such as `:set hints`; what is wrong with it is told behind `origin`.
    pub(super) fn set_preference(&mut self, words: &[Vec<u8>], origin: &str) {
        let mut unused = Preferences::default();
        let preferences = match &mut self.source {
            Source::Terminal(editor) => {
                editor.helper_mut().map_or(&mut unused, |assistant| &mut assistant.preferences)
            }
            Source::Pipe(_) => &mut unused,
        };
        if let Err(error) = preferences.set(words) {
            print_bytes(format!("{origin}{error}\n").as_bytes());
        }
    }

    /// The next line, without its end; `None` at the end of input, and after Ctrl-C.
    pub(super) fn next(&mut self, prompt: &str) -> Option<Vec<u8>> {
        match &mut self.source {
            Source::Terminal(editor) => editor.readline(prompt).ok().map(String::into_bytes),
            Source::Pipe(input) => {
                let mut line = Vec::new();
                match input.read_until(b'\n', &mut line) {
                    Ok(0) | Err(_) => None,
                    Ok(_) => {
                        line.pop_if(|last| *last == b'\n');
                        Some(line)
                    }
                }
            }
        }
    }

    /// Keeps a line for later.
    pub(super) fn remember(&mut self, line: &[u8]) {
        if let Source::Terminal(editor) = &mut self.source {
            let line = String::from_utf8_lossy(line);
            let _ = editor.add_history_entry(line.as_ref());
            self.history.add(&line);
        }
    }

    /// Whether input was read that no line was made of yet.
    pub(super) fn have_more(&self) -> bool {
        match &self.source {
            Source::Terminal(_) => false,
            Source::Pipe(input) => !input.buffer().is_empty(),
        }
    }
}

impl Source {
    fn of_standard_input() -> Self {
        if !io::stdin().is_terminal() {
            return Self::Pipe(BufReader::new(io::stdin()));
        }
        let config = Config::builder()
            .completion_type(CompletionType::Circular)
            .auto_add_history(false)
            .build();
        let history = MemHistory::with_config(&config);
        match Editor::with_history(config, history) {
            Ok(mut editor) => {
                editor.set_helper(Some(Assistant::default()));
                Self::Terminal(Box::new(editor))
            }
            Err(_) => Self::Pipe(BufReader::new(io::stdin())),
        }
    }
}

/// Completes and hints while a line is typed.
#[derive(Default, Helper, Validator)]
struct Assistant {
    help: Help,
    preferences: Preferences,
}

impl Completer for Assistant {
    type Candidate = String;

    fn complete(
        &self,
        line: &str,
        at: usize,
        _context: &Context<'_>,
    ) -> rustyline::Result<(usize, Vec<String>)> {
        Ok((0, self.help.completions(&line[..at])))
    }
}

impl Hinter for Assistant {
    type Hint = String;

    fn hint(&self, line: &str, at: usize, _context: &Context<'_>) -> Option<String> {
        if !self.preferences.hints || at < line.len() {
            return None;
        }
        let hint = self.help.hint(line)?;
        let spaced = line.ends_with(|last: char| last.is_ascii_whitespace());
        Some(if spaced { hint } else { format!(" {hint}") })
    }
}

impl Highlighter for Assistant {
    fn highlight_hint<'h>(&self, hint: &'h str) -> Cow<'h, str> {
        Cow::Owned(format!("\x1b[0;90;49m{hint}\x1b[0m"))
    }
}
