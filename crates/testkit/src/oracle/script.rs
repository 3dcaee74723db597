//! The format of scripts.
//!
//! ```text
//! # A comment. Blank lines are skipped.
//! SET key "\x00\xff"            a command, quoted as in redis-cli
//!
//! @resp2 | @resp3 | @both       protocols to play the script in (both unless said)
//! @config LINE                  a line of the configuration; the script gets its own server
//! @fresh                        own server, for scripts that change its settings
//! @client NAME                  the following lines go over this connection ("a" at first)
//! @close                        closes the current connection
//! @raw "BYTES"                  sends bytes as they are and reads one reply
//! @send "BYTES"                 sends bytes without reading
//! @read                         reads one reply more
//! @expect-close                 the server must close; what came before is part of the reply
//! ```
//!
//! `{id:NAME}` in a command stands for the number (CLIENT ID) of the connection of that name, which
//! must have been used before.
//!
//! These change how the reply of the *next* command is compared:
//!
//! ```text
//! @unordered                    elements (pairs of a map) in any order
//! @unordered-deep               the same at every depth
//! @unordered-pairs              a flat array of pairs, in any order
//! @ignore-value                 numbers and strings may differ, the shape may not
//! @kind                         only the type of the reply counts
//! @field-names                  of "a=1 b=2" text only the names count
//! @about N TOLERANCE            an integer that may be off by TOLERANCE
//! @no-reply                     the command is not answered
//! @blocks                       its client waits then; the script goes on when it does
//! ```

use std::fs;
use std::path::Path;

use super::play::Protocol;
use crate::words;

/// How a word begins that stands for the number of a connection.
const CLIENT_ID: &[u8] = b"{id:";

/// The connection whose number a word stands for.
pub(super) fn connection_named(word: &[u8]) -> Option<&str> {
    std::str::from_utf8(word.strip_prefix(CLIENT_ID)?.strip_suffix(b"}")?).ok()
}

/// A script, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Script {
    /// Lines for the server's configuration.
    pub config: Vec<String>,
    /// Whether it must not share a server with other scripts.
    pub own_server: bool,
    /// The protocols to play it in.
    pub protocols: Vec<Protocol>,
    /// What to do, in order.
    pub steps: Vec<Step>,
}

/// One step of a script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Its line in the file, from 1.
    pub line: usize,
    /// The line as written.
    pub source: String,
    /// The connection it uses.
    pub client: String,
    /// What to do.
    pub action: Action,
    /// How to compare the reply.
    pub compare: Compare,
}

/// What a step does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Sends bytes and reads one reply.
    Exchange(Vec<u8>),
    /// Sends words, among them the numbers of connections, and reads one reply.
    Call(Vec<Vec<u8>>),
    /// Sends bytes.
    Send(Vec<u8>),
    /// Sends bytes and waits until one more client of the server is blocked.
    Block(Vec<u8>),
    /// Reads one reply.
    Read,
    /// Reads until the server closes.
    ExpectClose,
    /// Closes the connection.
    Close,
}

/// How a reply is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compare {
    /// Byte for byte.
    Exact,
    /// Elements in any order.
    Unordered,
    /// Elements in any order, at every depth.
    UnorderedDeep,
    /// Pairs of a flat array in any order.
    UnorderedPairs,
    /// Types, lengths of aggregates and error codes.
    Shape,
    /// Only the type.
    Kind,
    /// The names of `name=value` text.
    FieldNames,
    /// An integer within a tolerance.
    About(i64, i64),
}

impl Script {
    /// Reads a script file.
    ///
    /// # Errors
    /// One sentence with the path and the line.
    pub fn load(path: &Path) -> Result<Script, String> {
        let text =
            fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
        Script::parse(&text).map_err(|error| format!("{}: {error}", path.display()))
    }

    /// Reads a script.
    ///
    /// # Errors
    /// One sentence with the line.
    pub fn parse(text: &str) -> Result<Script, String> {
        let mut reader = Reader {
            script: Script {
                config: Vec::new(),
                own_server: false,
                protocols: vec![Protocol::Resp2, Protocol::Resp3],
                steps: Vec::new(),
            },
            client: "a".to_owned(),
            compare: Compare::Exact,
            no_reply: false,
            blocks: false,
        };
        for (index, line) in text.lines().enumerate() {
            let line = line.trim();
            if !line.is_empty() && !line.starts_with('#') {
                reader.line(index + 1, line).map_err(|why| format!("line {}: {why}", index + 1))?;
            }
        }
        Ok(reader.script)
    }
}

struct Reader {
    script: Script,
    client: String,
    /// Set by a directive, used by the next step.
    compare: Compare,
    no_reply: bool,
    blocks: bool,
}

impl Reader {
    fn line(&mut self, number: usize, line: &str) -> Result<(), String> {
        let Some(directive) = line.strip_prefix('@') else {
            let words = words::split(line).map_err(|_| "unbalanced quotes".to_owned())?;
            if !self.no_reply && words.iter().any(|word| word.starts_with(CLIENT_ID)) {
                self.step(number, line, Action::Call(words));
                return Ok(());
            }
            let bytes = crate::client::request(&words);
            let action = match (self.no_reply, self.blocks) {
                (_, true) => Action::Block(bytes),
                (true, false) => Action::Send(bytes),
                (false, false) => Action::Exchange(bytes),
            };
            self.step(number, line, action);
            return Ok(());
        };
        let (name, rest) = directive.split_once(' ').unwrap_or((directive, ""));
        match name {
            "resp2" => self.script.protocols = vec![Protocol::Resp2],
            "resp3" => self.script.protocols = vec![Protocol::Resp3],
            "both" => self.script.protocols = vec![Protocol::Resp2, Protocol::Resp3],
            "config" => {
                self.script.config.push(rest.to_owned());
                self.script.own_server = true;
            }
            "fresh" => self.script.own_server = true,
            "client" => rest.clone_into(&mut self.client),
            "close" => self.step(number, line, Action::Close),
            "raw" => self.step(number, line, Action::Exchange(one_word(rest)?)),
            "send" => self.step(number, line, Action::Send(one_word(rest)?)),
            "read" => self.step(number, line, Action::Read),
            "expect-close" => self.step(number, line, Action::ExpectClose),
            "unordered" => self.compare = Compare::Unordered,
            "unordered-deep" => self.compare = Compare::UnorderedDeep,
            "unordered-pairs" => self.compare = Compare::UnorderedPairs,
            "ignore-value" => self.compare = Compare::Shape,
            "kind" => self.compare = Compare::Kind,
            "field-names" => self.compare = Compare::FieldNames,
            "about" => self.compare = about(rest)?,
            "no-reply" => self.no_reply = true,
            "blocks" => self.blocks = true,
            _ => return Err(format!("unknown directive @{name}")),
        }
        Ok(())
    }

    fn step(&mut self, line: usize, source: &str, action: Action) {
        self.script.steps.push(Step {
            line,
            source: source.to_owned(),
            client: self.client.clone(),
            action,
            compare: std::mem::replace(&mut self.compare, Compare::Exact),
        });
        (self.no_reply, self.blocks) = (false, false);
    }
}

fn one_word(text: &str) -> Result<Vec<u8>, String> {
    match words::split(text).as_deref() {
        Ok([word]) => Ok(word.clone()),
        _ => Err("expected one quoted string".to_owned()),
    }
}

fn about(text: &str) -> Result<Compare, String> {
    let numbers: Option<Vec<i64>> = text.split_whitespace().map(|word| word.parse().ok()).collect();
    match numbers.as_deref() {
        Some([value, tolerance]) => Ok(Compare::About(*value, *tolerance)),
        _ => Err("expected a value and a tolerance".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_commands_and_directives() {
        let script = Script::parse(
            "# a test\n@resp3\n@config maxclients 5\nGET k\n@client b\n@about 10 2\nTTL k\n\
             @raw \"*1\\r\\n\"\n@no-reply\nCLIENT REPLY OFF\nPING\n",
        )
        .expect("a valid script");
        assert_eq!(script.protocols, [Protocol::Resp3]);
        assert_eq!(script.config, ["maxclients 5"]);
        assert!(script.own_server);
        let seen: Vec<_> = script
            .steps
            .iter()
            .map(|step| (step.line, step.client.as_str(), step.action.clone(), step.compare))
            .collect();
        let get = b"*2\r\n$3\r\nGET\r\n$1\r\nk\r\n".to_vec();
        assert_eq!(seen[0], (4, "a", Action::Exchange(get), Compare::Exact));
        assert_eq!(seen[1].3, Compare::About(10, 2));
        assert_eq!(seen[2], (8, "b", Action::Exchange(b"*1\r\n".to_vec()), Compare::Exact));
        assert!(matches!(seen[3].2, Action::Send(_)));
        assert!(matches!(seen[4].2, Action::Exchange(_)));
    }

    #[test]
    fn names_the_line_that_is_wrong() {
        for (text, error) in [
            ("\n@nonsense", "line 2: unknown directive @nonsense"),
            ("SET \"", "line 1: unbalanced quotes"),
            ("@about x", "line 1: expected a value and a tolerance"),
            ("@raw a b", "line 1: expected one quoted string"),
        ] {
            assert_eq!(Script::parse(text), Err(error.to_owned()));
        }
    }
}
