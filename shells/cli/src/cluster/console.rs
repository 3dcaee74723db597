//! What is said and asked: colours of two dialects, answers in whole lines.

use std::io::{self, BufRead, IsTerminal, Write};

use dunlin_manager::{Dialect, Tone};

/// Standard output and input.
pub(crate) struct Console {
    /// Whose words are used.
    pub(crate) dialect: Dialect,
    is_coloured: bool,
    /// Standard output is for a program, standard error for people.
    pub(crate) is_json: bool,
}

impl Console {
    /// The console of this process. Colours follow `TERM`, even where the output is no terminal.
    pub(crate) fn new(dialect: Dialect, is_json: bool) -> Self {
        let term = std::env::var("TERM").unwrap_or_default();
        let is_coloured = match dialect {
            Dialect::Cli => term.contains("xterm"),
            Dialect::Trib => term == "xterm",
        };
        Self { dialect, is_coloured, is_json }
    }

    /// Whether redis-trib's words are used.
    pub(crate) fn is_trib(&self) -> bool {
        self.dialect == Dialect::Trib
    }

    /// One line without a colour.
    pub(crate) fn plain(&self, text: &str) {
        self.write(&format!("{text}\n"));
    }

    /// What is being done.
    pub(crate) fn info(&self, text: &str) {
        self.say(Tone::Info, text);
    }

    /// All is well.
    pub(crate) fn good(&self, text: &str) {
        self.say(Tone::Good, text);
    }

    /// Something to look at.
    pub(crate) fn warn(&self, text: &str) {
        self.say(Tone::Warning, text);
    }

    /// Something is wrong.
    pub(crate) fn error(&self, text: &str) {
        self.say(Tone::Error, text);
    }

    /// A line with its colour.
    pub(crate) fn say(&self, tone: Tone, text: &str) {
        self.write(&self.coloured(tone, text));
    }

    /// A line that redis-trib does not colour.
    pub(crate) fn say_plain_in_trib(&self, tone: Tone, text: &str) {
        match self.dialect {
            Dialect::Cli => self.say(tone, text),
            Dialect::Trib => self.plain(text),
        }
    }

    /// A line as it is written, its end included.
    pub(crate) fn coloured(&self, tone: Tone, text: &str) -> String {
        let colour = match self.dialect {
            _ if !self.is_coloured => None,
            Dialect::Cli => cli_colour(tone),
            Dialect::Trib => trib_colour(text),
        };
        match (colour, self.dialect) {
            (None, _) => format!("{text}\n"),
            (Some(colour), Dialect::Cli) => format!("\x1b[{colour}m{text}\n\x1b[0m"),
            (Some(colour), Dialect::Trib) => format!("\x1b[{colour}m{text}\x1b[0m\n"),
        }
    }

    /// Text as it is, at once.
    pub(crate) fn write(&self, text: &str) {
        self.write_bytes(text.as_bytes());
    }

    /// Bytes as they are, at once.
    pub(crate) fn write_bytes(&self, bytes: &[u8]) {
        // Who closed our output does not want to know.
        let _ = match self.is_json {
            true => io::stderr().write_all(bytes),
            false => {
                let mut out = io::stdout().lock();
                out.write_all(bytes).and_then(|()| out.flush())
            }
        };
    }

    /// What a program is to read, if one does.
    pub(crate) fn json(&self, text: impl FnOnce() -> String) {
        if self.is_json {
            let mut out = io::stdout().lock();
            let _ = writeln!(out, "{}", text()).and_then(|()| out.flush());
        }
    }

    /// Something that belongs to standard error, after all that was said.
    pub(crate) fn aside(&self, text: &str) {
        let _ = io::stdout().flush();
        let _ = writeln!(io::stderr(), "{text}");
    }

    /// Asks and reads a line; `None` when there is no more input.
    pub(crate) fn ask(&self, question: &str) -> Option<String> {
        self.write(question);
        let mut line = Vec::new();
        let len = io::stdin().lock().read_until(b'\n', &mut line).unwrap_or(0);
        (len > 0).then(|| String::from_utf8_lossy(&line).trim_end_matches(['\r', '\n']).to_owned())
    }
}

/// Whether standard error is a terminal, for what is drawn there.
pub(crate) fn draws() -> bool {
    io::stderr().is_terminal()
}

fn cli_colour(tone: Tone) -> Option<&'static str> {
    match tone {
        Tone::Plain => None,
        Tone::Info => Some("29;1"),
        Tone::Good => Some("32;1"),
        Tone::Warning => Some("33;1"),
        Tone::Error => Some("31;1"),
    }
}

/// redis-trib looks at how a line begins.
fn trib_colour(text: &str) -> Option<&'static str> {
    match text.get(..3)? {
        ">>>" => Some("29;1"),
        "[ER" | "[WA" => Some("31;1"),
        "[OK" => Some("32"),
        "[FA" | "***" => Some("33"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours() {
        let cli = Console { dialect: Dialect::Cli, is_coloured: true, is_json: false };
        assert_eq!(cli.coloured(Tone::Good, "[OK] x"), "\x1b[32;1m[OK] x\n\x1b[0m");
        assert_eq!(cli.coloured(Tone::Plain, "x"), "x\n");
        let trib = Console { dialect: Dialect::Trib, is_coloured: true, is_json: false };
        assert_eq!(trib.coloured(Tone::Good, "[OK] x"), "\x1b[32m[OK] x\x1b[0m\n");
        assert_eq!(trib.coloured(Tone::Error, "x"), "x\n");
        let grey = Console { dialect: Dialect::Cli, is_coloured: false, is_json: false };
        assert_eq!(grey.coloured(Tone::Good, "[OK] x"), "[OK] x\n");
    }
}
