//! The format of vectors: what a real server replied to each step of a script.
//!
//! ```text
//! > GET key                     the step as the script has it
//! = $5\r\nvalue\r\n             its reply in both protocols
//! > GET missing
//! 2 $-1\r\n                     in RESP2
//! 3 _\r\n                       in RESP3
//! ```
//!
//! Replies are raw bytes in escaped form, one line each; a step without a reply has none.

use std::fmt;
use std::fs;
use std::path::Path;

use super::play::Protocol;
use super::script::Script;

/// The recorded replies of one script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vector {
    /// One entry for each step of the script.
    pub entries: Vec<Entry>,
}

/// The recorded replies to one step.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Entry {
    source: String,
    resp2: Option<String>,
    resp3: Option<String>,
}

impl Entry {
    /// What was recorded under `protocol`; `None` when nothing is awaited.
    pub fn outcome(&self, protocol: Protocol) -> Option<&str> {
        match protocol {
            Protocol::Resp2 => self.resp2.as_deref(),
            Protocol::Resp3 => self.resp3.as_deref(),
        }
    }

    /// Writes down an outcome.
    pub fn set(&mut self, protocol: Protocol, outcome: String) {
        match protocol {
            Protocol::Resp2 => self.resp2 = Some(outcome),
            Protocol::Resp3 => self.resp3 = Some(outcome),
        }
    }
}

impl Vector {
    /// A vector for `script` without any replies.
    pub fn of(script: &Script) -> Vector {
        let entry = |source: &str| Entry { source: source.to_owned(), ..Entry::default() };
        Vector { entries: script.steps.iter().map(|step| entry(&step.source)).collect() }
    }

    /// Reads a vector file.
    ///
    /// # Errors
    /// One sentence with the path and the line.
    pub fn load(path: &Path) -> Result<Vector, String> {
        let text = fs::read_to_string(path).map_err(|error| {
            format!("{}: {error} (`cargo xtask record` writes it)", path.display())
        })?;
        Vector::parse(&text).map_err(|error| format!("{}: {error}", path.display()))
    }

    /// Reads a vector.
    ///
    /// # Errors
    /// One sentence with the line.
    pub fn parse(text: &str) -> Result<Vector, String> {
        let mut entries: Vec<Entry> = Vec::new();
        for (index, line) in text.lines().enumerate() {
            if let Some(source) = line.strip_prefix("> ") {
                entries.push(Entry { source: source.to_owned(), ..Entry::default() });
                continue;
            }
            let (mark, reply) = line.split_once(' ').unwrap_or((line, ""));
            let entry = entries.last_mut();
            match (mark, entry) {
                ("=", Some(entry)) => {
                    entry.resp2 = Some(reply.to_owned());
                    entry.resp3 = Some(reply.to_owned());
                }
                ("2", Some(entry)) => entry.resp2 = Some(reply.to_owned()),
                ("3", Some(entry)) => entry.resp3 = Some(reply.to_owned()),
                _ => return Err(format!("line {} is neither step nor reply", index + 1)),
            }
        }
        Ok(Vector { entries })
    }

    /// Checks that the vector was recorded from this script.
    ///
    /// # Errors
    /// The first line that differs.
    pub fn matches(&self, script: &Script) -> Result<(), String> {
        let stale = |line: usize| {
            format!("  the vector is older than the script (line {line}): `cargo xtask record`\n")
        };
        for (index, step) in script.steps.iter().enumerate() {
            if self.entries.get(index).is_none_or(|entry| entry.source != step.source) {
                return Err(stale(step.line));
            }
        }
        if self.entries.len() > script.steps.len() {
            return Err(stale(script.steps.last().map_or(0, |step| step.line)));
        }
        Ok(())
    }
}

impl fmt::Display for Vector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for entry in &self.entries {
            writeln!(f, "> {}", entry.source)?;
            match (&entry.resp2, &entry.resp3) {
                (Some(two), Some(three)) if two == three => writeln!(f, "= {two}")?,
                (two, three) => {
                    for (mark, reply) in [("2", two), ("3", three)] {
                        if let Some(reply) = reply {
                            writeln!(f, "{mark} {reply}")?;
                        }
                    }
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_round_trip() {
        let text = "> GET a\n2 $-1\\r\\n\n3 _\\r\\n\n> PING\n= +PONG\\r\\n\n> @send \"x\"\n";
        let vector = Vector::parse(text).expect("a valid vector");
        assert_eq!(vector.to_string(), text);
        assert_eq!(vector.entries[0].outcome(Protocol::Resp3), Some("_\\r\\n"));
        assert_eq!(vector.entries[2].outcome(Protocol::Resp2), None);
    }

    #[test]
    fn notices_that_the_script_has_changed() {
        let vector = Vector::parse("> PING\n= +PONG\\r\\n\n").expect("a valid vector");
        let matches = |text| vector.matches(&Script::parse(text).expect("a script")).is_ok();
        assert!(matches("PING"));
        assert!(!matches("PING x"));
        assert!(!matches("PING\nPING"));
        assert!(!matches(""));
    }
}
