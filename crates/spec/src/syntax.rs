//! The syntax of a command in one line, and its row in `docs/commands.md`.

use std::fmt::{self, Write};

use crate::arg::Repeats;
use crate::{Arg, ArgKind, CommandSpec};

/// The first two lines of the table whose rows are [`CommandSpec::doc_row`].
pub const DOC_TABLE_HEADER: &str = "| Command | What it does | Since | Cost |\n|---|---|---|---|\n";

impl CommandSpec {
    /// Names and arguments in the notation of the command reference:
    /// `GETEX key [EX seconds|PX milliseconds|PERSIST]`.
    #[must_use]
    pub fn syntax(&self) -> String {
        let hints = self.hints();
        let separator = if hints.is_empty() { "" } else { " " };
        format!("{}{separator}{hints}", self.name.replace('|', " ").to_ascii_uppercase())
    }

    /// The arguments alone, as the command line client hints at them.
    #[must_use]
    pub fn hints(&self) -> String {
        Sequence(self.doc.args, " ").to_string()
    }

    /// The row of this command in `docs/commands.md`.
    #[must_use]
    pub fn doc_row(&self) -> String {
        let mut summary = String::from(self.doc.summary);
        if let Some(deprecated) = self.doc.deprecated {
            let _ = write!(
                summary,
                " Deprecated since {}, replaced by {}.",
                deprecated.since, deprecated.replaced_by
            );
        }
        let cells = [
            format!("`{}`", self.syntax()),
            summary,
            self.doc.since.to_owned(),
            self.doc.complexity.unwrap_or_default().to_owned(),
        ];
        format!("| {} |\n", cells.map(|cell| cell.replace('|', "\\|")).join(" | "))
    }
}

/// Arguments one after the other.
struct Sequence<'a>(&'a [Arg], &'a str);

impl fmt::Display for Sequence<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, arg) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str(self.1)?;
            }
            arg.fmt(f)?;
        }
        Ok(())
    }
}

/// The value of an argument, without its token.
struct Value<'a>(&'a Arg);

impl fmt::Display for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let arg = self.0;
        match arg.kind() {
            ArgKind::PureToken => match arg.token_text() {
                None => f.write_str(arg.display_text()),
                Some("") => f.write_str("\"\""),
                Some(_) => Ok(()),
            },
            ArgKind::Block => Sequence(arg.args(), " ").fmt(f),
            // Brackets already enclose an optional choice that nothing else stands in.
            ArgKind::OneOf if arg.is_optional() && arg.token_text().is_none() => {
                Sequence(arg.args(), "|").fmt(f)
            }
            ArgKind::OneOf => write!(f, "<{}>", Sequence(arg.args(), "|")),
            _ => f.write_str(arg.display_text()),
        }
    }
}

impl fmt::Display for Arg {
    /// The argument in the notation of the command reference.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = Value(self).to_string();
        let token = self.token_text().unwrap_or_default();
        let space = if token.is_empty() || value.is_empty() { "" } else { " " };
        let once = format!("{token}{space}{value}");
        let text = match self.repeats() {
            Repeats::Never => once,
            Repeats::Value => format!("{once} [{value} ...]"),
            Repeats::WithToken => format!("{once} [{once} ...]"),
        };
        if self.is_optional() { write!(f, "[{text}]") } else { f.write_str(&text) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Group;

    const MODES: &[Arg] = &[Arg::literal("nx", "NX"), Arg::literal("xx", "XX")];
    const PAIR: &[Arg] = &[Arg::key("key", 0), Arg::string("value")];

    #[track_caller]
    fn check(arg: Arg, expected: &str) {
        assert_eq!(arg.to_string(), expected);
    }

    #[test]
    fn notation() {
        check(Arg::key("key", 0).multiple(), "key [key ...]");
        check(Arg::string("section").optional().multiple(), "[section [section ...]]");
        check(Arg::integer("count").token("COUNT").optional(), "[COUNT count]");
        check(
            Arg::pattern("get-pattern").display("pattern").token("GET").multiple_token(),
            "GET pattern [GET pattern ...]",
        );
        check(Arg::one_of("mode", MODES).optional(), "[NX|XX]");
        check(Arg::one_of("mode", MODES), "<NX|XX>");
        check(Arg::one_of("mode", MODES).token("IF").optional(), "[IF <NX|XX>]");
        check(Arg::literal("empty-string", ""), "\"\"");
        check(Arg::word("help"), "help");
        check(Arg::block("data", PAIR).multiple(), "key value [key value ...]");
    }

    const SPEC: CommandSpec = CommandSpec::new("x|y", Group::Generic, -1)
        .summary("Does x.")
        .since("1.0.0")
        .deprecated("2.0.0", "`Y`")
        .args(&[Arg::key("key", 0), Arg::one_of("mode", MODES).optional()]);

    #[test]
    fn syntax_starts_with_the_names() {
        assert_eq!(SPEC.syntax(), "X Y key [NX|XX]");
        assert_eq!(CommandSpec::new("ping", Group::Connection, -1).syntax(), "PING");
    }

    #[test]
    fn a_row_escapes_bars() {
        assert_eq!(
            SPEC.doc_row(),
            "| `X Y key [NX\\|XX]` | Does x. Deprecated since 2.0.0, replaced by `Y`. | 1.0.0 |  |\n"
        );
    }
}
