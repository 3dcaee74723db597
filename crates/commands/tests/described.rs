//! What COMMAND and COMMAND DOCS show of each command, against what Redis 7.2.6 shows.
//!
//! `recorded/command_info_7.2.txt` and `command_docs_7.2.txt` hold one line for each command of
//! 7.2: its name and its description, with subcommands sorted by name. Words stand in the order of
//! the reply: `[n` begins an array, `~n` a set, `{n` a map of n pairs, `"text"` is a bulk string,
//! `+word` a simple string, `:n` an integer.

use std::collections::HashMap;

use dunlin_commands::Table;
use dunlin_spec::CommandSpec;
use dunlin_spec::describe::{self, Sink};

const INFO: &str = include_str!("recorded/command_info_7.2.txt");
const DOCS: &str = include_str!("recorded/command_docs_7.2.txt");

/// Commands that Redis 7.2 does not have: those on deadlines of fields, from 7.4 and 8.0.
const NEWER: &[&str] = &[
    "hexpire",
    "hexpireat",
    "hexpiretime",
    "hgetdel",
    "hgetex",
    "hpersist",
    "hpexpire",
    "hpexpireat",
    "hpexpiretime",
    "hpttl",
    "hsetex",
    "httl",
];

/// Writes a description as a recorded line has it.
#[derive(Default)]
struct Line(String);

impl Line {
    fn word_of_line(&mut self, word: &str) {
        if !self.0.is_empty() {
            self.0.push(' ');
        }
        self.0.push_str(word);
    }
}

impl Sink for Line {
    fn array(&mut self, len: usize) {
        self.word_of_line(&format!("[{len}"));
    }

    fn set(&mut self, len: usize) {
        self.word_of_line(&format!("~{len}"));
    }

    fn map(&mut self, len: usize) {
        self.word_of_line(&format!("{{{len}"));
    }

    fn text(&mut self, text: &str) {
        let escaped = text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
        self.word_of_line(&format!("\"{escaped}\""));
    }

    fn word(&mut self, word: &str) {
        self.word_of_line(&format!("+{word}"));
    }

    fn integer(&mut self, value: i64) {
        self.word_of_line(&format!(":{value}"));
    }
}

/// Describes a command as a line.
type Describe = fn(&CommandSpec, &[&CommandSpec], &mut Line);

fn line(describe: Describe, spec: &CommandSpec, subcommands: &[&CommandSpec]) -> String {
    let mut line = Line::default();
    describe(spec, subcommands, &mut line);
    line.0
}

/// Checks every command that we have; subcommands that we do not have yet are no difference.
/// `bracket` begins the list of subcommands.
fn check(recorded: &str, describe: Describe, bracket: &str) {
    let recorded: HashMap<&str, &str> =
        recorded.lines().filter_map(|line| line.split_once(' ')).collect();
    for (_, registered) in Table::new().named() {
        let spec = &registered.command.spec;
        if NEWER.contains(&spec.name()) {
            continue;
        }
        let known = recorded[spec.name()];
        let subcommands = registered.command.listed_subcommands();
        let own = line(describe, spec, &subcommands);
        if subcommands.is_empty() {
            assert_eq!(own, known);
            continue;
        }
        let list = format!(" {bracket}{} ", subcommands.len());
        let (head, _) = own.split_once(&list).expect("a list of subcommands");
        assert!(known.starts_with(&format!("{head} {bracket}")), "{head}\n{known}");
        for subcommand in subcommands {
            let own = format!(" {} ", line(describe, subcommand, &[]));
            assert!(format!("{known} ").contains(&own), "{own}\n{known}");
        }
    }
}

#[test]
fn commands_declare_what_they_do_in_redis() {
    check(INFO, describe::info, "[");
}

#[test]
fn commands_are_documented_as_in_redis() {
    check(DOCS, describe::docs, "{");
}
