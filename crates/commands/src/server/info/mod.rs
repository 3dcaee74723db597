//! `INFO [section [section ...]]`
//!
//! What a server tells about itself, in sections.
//!
//! One file for each section; a field is one row of its section's table.
//!
//! Source: Redis documentation, "INFO"; fields, order and formats of a 7.2.6 server.
//!
//! Differs: `dunlin_version` follows `redis_version`; what 7.2 says about forks stays zero, because
//! there are none.

mod clients;
mod cluster;
mod commands;
mod cpu;
mod debug;
mod errors;
mod keyspace;
mod memory;
mod modules;
mod persistence;
mod replication;
mod server;
mod stats;
mod view;

use std::io::Write;

use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group};

use self::view::{Value, View};
use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::CommandResult;

pub(crate) const SPEC: CommandSpec = CommandSpec::new("info", Group::Server, -1)
    .summary("Returns information and statistics about the server.")
    .since("1.0.0")
    .complexity("O(1)")
    .flags(&[Flags::LOADING, Flags::STALE, Flags::SENTINEL])
    .categories(&[Categories::DANGEROUS])
    .tips(&["nondeterministic_output", "request_policy:all_shards", "response_policy:special"])
    .history(&[("7.0.0", "Added support for taking multiple section arguments.")])
    .args(&[Arg::string("section").optional().multiple()]);

/// The INFO command.
pub const COMMAND: Command = Command::new(SPEC, run);

/// A field: its name, and how its value is found.
type Field = (&'static str, fn(&View<'_, '_>) -> Value);

/// A section.
struct Section {
    /// Its name, as a client asks for it.
    name: &'static str,
    /// Its heading.
    title: &'static str,
    /// When it is shown.
    shown: Shown,
    /// Its fields.
    fields: &'static [Field],
    /// Writes the lines behind the fields: those that are not always there, or not one by one.
    more: fn(&View<'_, '_>, &mut Vec<u8>),
}

/// When a section is shown. Its name always works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shown {
    /// Unless other sections are asked for.
    ByDefault,
    /// With `all` and `everything`.
    OnRequest,
    /// Only by its name.
    ByName,
}

/// The sections, in the order in which they are shown.
const SECTIONS: &[Section] = &[
    server::SECTION,
    clients::SECTION,
    memory::SECTION,
    persistence::SECTION,
    stats::SECTION,
    replication::SECTION,
    cpu::SECTION,
    modules::SECTION,
    commands::STATISTICS,
    errors::SECTION,
    commands::LATENCIES,
    cluster::SECTION,
    keyspace::SECTION,
    debug::SECTION,
];

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    cx.metrics.memory_used(cx.host.used_memory_bytes());
    let text = render(&View::new(cx), &args.words()[1..]);
    cx.reply.verbatim(*b"txt", &text);
    Ok(())
}

fn render(view: &View<'_, '_>, wanted: &[&[u8]]) -> Vec<u8> {
    let mut text = Vec::new();
    for section in SECTIONS.iter().filter(|section| is_wanted(section, wanted)) {
        if !text.is_empty() {
            text.extend_from_slice(b"\r\n");
        }
        put(&mut text, format_args!("# {}", section.title));
        for (name, value) in section.fields {
            put(&mut text, format_args!("{name}:{}", value(view)));
        }
        (section.more)(view, &mut text);
    }
    text
}

/// Whether a section is among those that a client asks for; no words ask for the default ones.
fn is_wanted(section: &Section, wanted: &[&[u8]]) -> bool {
    let asked = |word: &&[u8]| match word.to_ascii_lowercase().as_slice() {
        b"all" | b"everything" => section.shown != Shown::ByName,
        b"default" => section.shown == Shown::ByDefault,
        b"module_list" => section.name == modules::SECTION.name,
        word => word == section.name.as_bytes(),
    };
    (wanted.is_empty() && section.shown == Shown::ByDefault) || wanted.iter().any(asked)
}

/// Writes a line.
fn put(text: &mut Vec<u8>, line: std::fmt::Arguments<'_>) {
    text.write_fmt(line).expect("a Vec takes any bytes");
    text.extend_from_slice(b"\r\n");
}

/// A name as a field may contain it: what separates fields and lines is replaced.
fn safe(name: &[u8]) -> Vec<u8> {
    name.iter().map(|&byte| if b"#:\n\r".contains(&byte) { b'_' } else { byte }).collect()
}

/// For sections whose lines are all in their table.
const fn nothing_more(_: &View<'_, '_>, _: &mut Vec<u8>) {}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(line: &str) -> Vec<&'static str> {
        let words: Vec<&[u8]> = line.split_whitespace().map(str::as_bytes).collect();
        let sections = SECTIONS.iter().filter(|section| is_wanted(section, &words));
        sections.map(|section| section.title).collect()
    }

    #[test]
    fn sections_are_chosen_by_name_in_any_case() {
        assert_eq!(shown("keyspace SERVER nosuch"), ["Server", "Keyspace"]);
        assert_eq!(shown("module_list"), ["Modules"]);
        assert_eq!(shown("nosuch"), [""; 0]);
        let default = shown("");
        assert_eq!(default.len(), 11);
        assert_eq!(shown("default cpu"), default);
        assert_eq!(shown("default commandstats").len(), 12);
        assert_eq!(shown("all").len(), 13);
        assert_eq!(shown("everything"), shown("ALL"));
        assert_eq!(shown("debug"), ["Debug"]);
    }

    #[test]
    fn names_cannot_break_a_line() {
        assert_eq!(safe(b"a:b#c\r\nd|e"), b"a_b_c__d|e");
    }

    #[test]
    fn no_field_is_listed_twice() {
        let mut names: Vec<&str> = Vec::new();
        for (name, _) in SECTIONS.iter().flat_map(|section| section.fields) {
            assert!(!names.contains(name), "{name}");
            names.push(name);
        }
    }
}
