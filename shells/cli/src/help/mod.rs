//! What is known about commands: for `help`, for completion and for hints.
//!
//! It comes from COMMAND DOCS of the server, else from the table of our own commands, in the same form.

mod argument;
mod builtin;
mod hint;

use std::collections::BTreeSet;

use dunlin_resp::Value;
use dunlin_stdx::words;

use argument::Argument;

pub(crate) use hint::Hints;

/// All commands with their subcommands, and the groups they are in.
#[derive(Debug, Default)]
pub(crate) struct Help {
    /// By name.
    commands: Vec<Command>,
    /// `@string`, by name.
    groups: Vec<String>,
}

/// One command.
#[derive(Debug)]
struct Command {
    /// In upper case: `CONFIG`, `GET`.
    words: Vec<String>,
    summary: String,
    since: Option<String>,
    group: String,
    arguments: Vec<Argument>,
}

impl Help {
    /// What our own server says about its commands.
    pub(crate) fn builtin() -> Self {
        Self::from_docs(&builtin::docs())
    }

    /// Whether nothing is known: COMMAND DOCS came with Redis 7.
    pub(crate) fn is_empty(&self) -> bool {
        self.commands.is_empty()
    }

    /// Reads a reply to COMMAND DOCS, of either protocol.
    pub(crate) fn from_docs(docs: &Value) -> Self {
        let mut help = Self::default();
        for (name, command) in pairs(docs) {
            help.add(None, name, command);
        }
        help.commands.sort_by_key(Command::name);
        let groups: BTreeSet<&String> = help.commands.iter().map(|each| &each.group).collect();
        help.groups = groups.into_iter().map(|group| format!("@{group}")).collect();
        help
    }

    fn add(&mut self, container: Option<&str>, name: &Value, docs: &Value) {
        let name = text(name);
        // A subcommand comes as `config|get`.
        let own = name.split_once('|').map_or(name.as_str(), |(_, own)| own).to_ascii_uppercase();
        let mut command = Command {
            words: container.into_iter().map(str::to_owned).chain([own.clone()]).collect(),
            summary: String::new(),
            since: None,
            group: String::new(),
            arguments: Vec::new(),
        };
        for (field, value) in pairs(docs) {
            match text(field).as_str() {
                "summary" => command.summary = text(value),
                "since" => command.since = Some(text(value)),
                "group" => command.group = text(value),
                "arguments" => command.arguments = Argument::list(value),
                "subcommands" if container.is_none() => {
                    for (name, docs) in pairs(value) {
                        self.add(Some(&own), name, docs);
                    }
                }
                _ => {}
            }
        }
        self.commands.push(command);
    }

    /// What `help` with these words prints.
    pub(crate) fn about(&self, words: &[Vec<u8>]) -> String {
        let asked: Vec<String> =
            words.iter().map(|word| String::from_utf8_lossy(word).to_ascii_uppercase()).collect();
        let mut out = String::new();
        if let Some(group) = asked.first().and_then(|word| word.strip_prefix('@')) {
            let of_group = |each: &&Command| each.group.eq_ignore_ascii_case(group);
            self.commands.iter().filter(of_group).for_each(|each| each.describe(&mut out, false));
        } else {
            let found = |each: &&Command| each.words.starts_with(&asked);
            self.commands.iter().filter(found).for_each(|each| each.describe(&mut out, true));
        }
        out + "\r\n"
    }

    /// Lines that the beginning of a line may become.
    pub(crate) fn completions(&self, line: &str) -> Vec<String> {
        let is_help = line.get(..5).is_some_and(|start| start.eq_ignore_ascii_case("help "));
        let typed = if is_help { line[5..].trim_start() } else { line };
        let kept = &line[..line.len() - typed.len()];
        let groups = self.groups.iter().filter(|_| is_help).cloned();
        groups
            .chain(self.commands.iter().map(Command::name))
            .filter(|name| {
                name.get(..typed.len()).is_some_and(|start| start.eq_ignore_ascii_case(typed))
            })
            .map(|name| format!("{kept}{name}"))
            .collect()
    }

    /// What may follow a line: `None` if it begins with no command. The last word counts once there
    /// is a space behind it.
    pub(crate) fn hint(&self, line: &str) -> Option<String> {
        let mut typed = words::split(line.as_bytes()).ok()?;
        if !line.ends_with(|last: char| last.is_ascii_whitespace()) {
            typed.pop();
        }
        let command = self.command_at(&typed)?;
        Some(Hints::behind(&command.arguments, &typed[command.words.len()..]))
    }

    /// The command of the longest name with which the words begin.
    fn command_at(&self, typed: &[Vec<u8>]) -> Option<&Command> {
        let begins = |command: &&Command| {
            command.words.len() <= typed.len()
                && command
                    .words
                    .iter()
                    .zip(typed)
                    .all(|(name, word)| word.eq_ignore_ascii_case(name.as_bytes()))
        };
        self.commands.iter().filter(begins).max_by_key(|command| command.words.len())
    }
}

impl Command {
    fn name(&self) -> String {
        self.words.join(" ")
    }

    fn describe(&self, out: &mut String, with_group: bool) {
        let (name, arguments) = (self.name(), Hints::of(&self.arguments));
        *out += &format!("\r\n  \x1b[1m{name}\x1b[0m \x1b[90m{arguments}\x1b[0m\r\n");
        *out += &format!("  \x1b[33msummary:\x1b[0m {}\r\n", self.summary);
        if let Some(since) = &self.since {
            *out += &format!("  \x1b[33msince:\x1b[0m {since}\r\n");
        }
        if with_group {
            *out += &format!("  \x1b[33mgroup:\x1b[0m {}\r\n", self.group);
        }
    }
}

/// What `help` alone prints.
pub(crate) fn general(version: &str) -> String {
    format!(
        "redis-cli {version}\n\
         To get help about Redis commands type:\n      \
         \"help @<group>\" to get a list of commands in <group>\n      \
         \"help <command>\" for help on <command>\n      \
         \"help <tab>\" to get a list of possible help topics\n      \
         \"quit\" to exit\n\n\
         To set redis-cli preferences:\n      \
         \":set hints\" enable online hints\n      \
         \":set nohints\" disable online hints\n\
         Set your preferences in ~/.redisclirc\n"
    )
}

/// Names and values of a map, which is a flat array in RESP2.
fn pairs(value: &Value) -> Vec<(&Value, &Value)> {
    match value {
        Value::Map(pairs) => pairs.iter().map(|(name, value)| (name, value)).collect(),
        Value::Array(items) => {
            items.as_chunks().0.iter().map(|[name, value]| (name, value)).collect()
        }
        _ => Vec::new(),
    }
}

fn text(value: &Value) -> String {
    String::from_utf8_lossy(value.bytes().unwrap_or_default()).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn help() -> Help {
        Help::builtin()
    }

    #[test]
    fn commands_are_described() {
        let get = "\r\n  \x1b[1mGET\x1b[0m \x1b[90mkey\x1b[0m\r\n  \x1b[33msummary:\x1b[0m ";
        let about = help().about(&[b"get".to_vec()]);
        assert!(about.starts_with(get), "{about}");
        assert!(about.ends_with("\x1b[33mgroup:\x1b[0m string\r\n\r\n"), "{about}");
        let about = help().about(&[b"@Transactions".to_vec()]);
        assert!(about.contains("\x1b[1mMULTI\x1b[0m \x1b[90m\x1b[0m\r\n"), "{about}");
        assert!(!about.contains("group:"));
        assert_eq!(help().about(&[b"bogus".to_vec()]), "\r\n");
        assert!(help().about(&[b"config".to_vec()]).contains("CONFIG GET"));
    }

    #[test]
    fn names_are_completed() {
        let help = help();
        assert_eq!(help.completions("getd"), ["GETDEL"]);
        assert_eq!(help.completions("config s"), ["CONFIG SET"]);
        assert_eq!(help.completions("help @tr"), ["help @transactions"]);
        assert_eq!(help.completions("HELP   getd"), ["HELP   GETDEL"]);
        assert!(help.completions("@").is_empty());
        assert!(help.completions("é").is_empty());
    }

    #[test]
    fn a_reply_of_either_protocol_says_the_same() {
        let docs = builtin::docs();
        let Value::Map(pairs) = docs else { panic!("a map") };
        let flat = pairs.iter().flat_map(|(name, value)| [name.clone(), value.clone()]).collect();
        let shown = |help: &Help| format!("{help:?}");
        let flat = Help::from_docs(&Value::Array(flat));
        assert_eq!(shown(&flat), shown(&Help::from_docs(&Value::Map(pairs))));
        assert!(Help::from_docs(&Value::Error(b"ERR".to_vec())).is_empty());
    }
}
