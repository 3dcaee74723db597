//! `COMMAND INFO` and `COMMAND DOCS` as a walk over a spec, for whoever encodes them.

use crate::arg::Arg;
use crate::{BeginSearch, CommandSpec, FindKeys, KeySpec};

/// Takes the pieces of a reply in order; the counts announce how many values follow.
///
/// An encoder for RESP2 writes a set as an array and a map as an array of twice the length.
pub trait Sink {
    /// An array of `len` values follows.
    fn array(&mut self, len: usize);
    /// A set of `len` values follows.
    fn set(&mut self, len: usize);
    /// A map of `len` pairs of name and value follows.
    fn map(&mut self, len: usize);
    /// A text (bulk string).
    fn text(&mut self, text: &str);
    /// One of a closed set of words (simple string).
    fn word(&mut self, word: &str);
    /// An integer.
    fn integer(&mut self, value: i64);
}

/// The element that `COMMAND INFO` shows for a command; `subcommands` are those of a container.
pub fn info<S: Sink>(spec: &CommandSpec, subcommands: &[&CommandSpec], sink: &mut S) {
    let range = spec.key_range();
    sink.array(10);
    sink.text(spec.name);
    sink.integer(spec.arity().into());
    words(spec.all_flags().names(), sink);
    sink.integer(range.first.into());
    sink.integer(range.last.into());
    sink.integer(range.step.into());
    words(spec.acl_categories().names(), sink);
    sink.set(spec.doc.tips.len());
    for tip in spec.doc.tips {
        sink.text(tip);
    }
    sink.set(spec.keys.len());
    for key_spec in spec.keys {
        describe_key_spec(key_spec, sink);
    }
    // A container's subcommands are an array, no subcommands an empty set.
    if subcommands.is_empty() {
        sink.set(0);
    } else {
        sink.array(subcommands.len());
    }
    for subcommand in subcommands {
        info(subcommand, &[], sink);
    }
}

/// The map that `COMMAND DOCS` shows for a command; `subcommands` are those of a container.
pub fn docs<S: Sink>(spec: &CommandSpec, subcommands: &[&CommandSpec], sink: &mut S) {
    let doc = &spec.doc;
    let doc_flags = [(doc.deprecated.is_some(), "deprecated"), (doc.is_system, "syscmd")];
    let doc_flags = doc_flags.into_iter().filter(|(holds, _)| *holds).map(|(_, name)| name);
    let has_doc_flags = doc.deprecated.is_some() || doc.is_system;
    sink.map(
        3 + usize::from(doc.complexity.is_some())
            + usize::from(has_doc_flags)
            + 2 * usize::from(doc.deprecated.is_some())
            + usize::from(!doc.history.is_empty())
            + usize::from(!doc.args.is_empty())
            + usize::from(!subcommands.is_empty()),
    );
    pair("summary", doc.summary, sink);
    pair("since", doc.since, sink);
    pair("group", spec.group.name(), sink);
    if let Some(complexity) = doc.complexity {
        pair("complexity", complexity, sink);
    }
    if has_doc_flags {
        sink.text("doc_flags");
        words(doc_flags, sink);
    }
    if let Some(deprecated) = doc.deprecated {
        pair("deprecated_since", deprecated.since, sink);
        pair("replaced_by", deprecated.replaced_by, sink);
    }
    if !doc.history.is_empty() {
        sink.text("history");
        sink.set(doc.history.len());
        for (version, change) in doc.history {
            sink.array(2);
            sink.text(version);
            sink.text(change);
        }
    }
    if !doc.args.is_empty() {
        sink.text("arguments");
        describe_args(doc.args, sink);
    }
    if !subcommands.is_empty() {
        sink.text("subcommands");
        sink.map(subcommands.len());
        for subcommand in subcommands {
            sink.text(subcommand.name);
            docs(subcommand, &[], sink);
        }
    }
}

fn describe_key_spec<S: Sink>(spec: &KeySpec, sink: &mut S) {
    sink.map(3 + usize::from(spec.notes.is_some()));
    if let Some(notes) = spec.notes {
        pair("notes", notes, sink);
    }
    sink.text("flags");
    words(spec.flags.names(), sink);
    sink.text("begin_search");
    match spec.begin {
        BeginSearch::Unknown => search("unknown", 0, sink),
        BeginSearch::Index(index) => {
            search("index", 1, sink);
            number("index", i64::from(index), sink);
        }
        BeginSearch::Keyword { word, start_from } => {
            search("keyword", 2, sink);
            pair("keyword", word, sink);
            number("startfrom", i64::from(start_from), sink);
        }
    }
    sink.text("find_keys");
    match spec.find {
        FindKeys::Unknown => search("unknown", 0, sink),
        FindKeys::Range { last, step, limit } => {
            search("range", 3, sink);
            number("lastkey", i64::from(last), sink);
            number("keystep", i64::from(step), sink);
            number("limit", i64::from(limit), sink);
        }
        FindKeys::KeyNum { count_at, first, step } => {
            search("keynum", 3, sink);
            number("keynumidx", i64::from(count_at), sink);
            number("firstkey", i64::from(first), sink);
            number("keystep", i64::from(step), sink);
        }
    }
}

/// The head of one half of a key spec: its type, and a map of `field_count` fields.
fn search<S: Sink>(kind: &str, field_count: usize, sink: &mut S) {
    sink.map(2);
    pair("type", kind, sink);
    sink.text("spec");
    sink.map(field_count);
}

fn describe_args<S: Sink>(args: &[Arg], sink: &mut S) {
    sink.array(args.len());
    for arg in args {
        describe_arg(arg, sink);
    }
}

fn describe_arg<S: Sink>(arg: &Arg, sink: &mut S) {
    let has_args = !arg.args().is_empty();
    let flags = arg.flag_names();
    let has_flags = flags.clone().next().is_some();
    sink.map(
        // A choice or a block has arguments where others have a display text.
        3 + usize::from(arg.key_spec_index().is_some())
            + usize::from(arg.token_text().is_some())
            + usize::from(arg.since_version().is_some())
            + usize::from(arg.deprecated_version().is_some())
            + usize::from(has_flags),
    );
    pair("name", arg.name(), sink);
    pair("type", arg.kind().name(), sink);
    if !has_args {
        pair("display_text", arg.display_text(), sink);
    }
    if let Some(index) = arg.key_spec_index() {
        number("key_spec_index", i64::from(index), sink);
    }
    for (name, text) in [
        ("token", arg.token_text()),
        ("since", arg.since_version()),
        ("deprecated_since", arg.deprecated_version()),
    ] {
        if let Some(text) = text {
            pair(name, text, sink);
        }
    }
    if has_flags {
        sink.text("flags");
        words(flags, sink);
    }
    if has_args {
        sink.text("arguments");
        describe_args(arg.args(), sink);
    }
}

fn pair<S: Sink>(name: &str, text: &str, sink: &mut S) {
    sink.text(name);
    sink.text(text);
}

fn number<S: Sink>(name: &str, value: i64, sink: &mut S) {
    sink.text(name);
    sink.integer(value);
}

fn words<S: Sink>(names: impl Iterator<Item = &'static str>, sink: &mut S) {
    let names: smallvec::SmallVec<[_; 24]> = names.collect();
    sink.set(names.len());
    for name in names {
        sink.word(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Categories, Flags, Group, KeyFlags};

    /// Writes what it is given as text: `[n` array, `{n` map, `~n` set, `+word`.
    #[derive(Default)]
    struct Text(Vec<String>);

    impl Sink for Text {
        fn array(&mut self, len: usize) {
            self.0.push(format!("[{len}"));
        }
        fn set(&mut self, len: usize) {
            self.0.push(format!("~{len}"));
        }
        fn map(&mut self, len: usize) {
            self.0.push(format!("{{{len}"));
        }
        fn text(&mut self, text: &str) {
            self.0.push(text.to_owned());
        }
        fn word(&mut self, word: &str) {
            self.0.push(format!("+{word}"));
        }
        fn integer(&mut self, value: i64) {
            self.0.push(value.to_string());
        }
    }

    const GET: CommandSpec = CommandSpec::new("get", Group::String, 2)
        .summary("Returns it.")
        .since("1.0.0")
        .flags(&[Flags::READONLY, Flags::FAST])
        .categories(&[Categories::STRING])
        .keys(&[KeySpec::at(1, &[KeyFlags::RO, KeyFlags::ACCESS])])
        .args(&[Arg::key("key", 0).optional().multiple()]);

    #[test]
    fn info_of_a_command() {
        let mut sink = Text::default();
        info(&GET, &[], &mut sink);
        let expected = "[10 get 2 ~2 +readonly +fast 1 1 1 ~3 +@read +@string +@fast ~0 ~1 \
            {3 flags ~2 +RO +access begin_search {2 type index spec {1 index 1 \
            find_keys {2 type range spec {3 lastkey 0 keystep 1 limit 0 ~0";
        assert_eq!(sink.0.join(" "), expected);
    }

    #[test]
    fn docs_of_a_container() {
        const OUTER: CommandSpec = CommandSpec::new("outer", Group::Server, -2)
            .summary("Holds others.")
            .since("1.0.0")
            .deprecated("7.0.0", "nothing")
            .history(&[("6.0.0", "Grew.")]);
        let mut sink = Text::default();
        docs(&OUTER, &[&GET], &mut sink);
        let expected = "{8 summary Holds others. since 1.0.0 group server \
            doc_flags ~1 +deprecated deprecated_since 7.0.0 replaced_by nothing \
            history ~1 [2 6.0.0 Grew. subcommands {1 get \
            {4 summary Returns it. since 1.0.0 group string \
            arguments [1 {5 name key type key display_text key key_spec_index 0 \
            flags ~2 +optional +multiple";
        assert_eq!(sink.0.join(" "), expected);
    }
}
