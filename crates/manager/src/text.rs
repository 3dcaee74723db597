//! What is said about nodes, in the words of two programs.

use dunlin_slots::SlotSet;

use crate::view::Node;

/// Whose words are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// `redis-cli --cluster` 7.2.
    Cli,
    /// `redis-trib.rb` 4.0.
    Trib,
}

/// What a line is, for its colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// Not coloured.
    Plain,
    /// What is being done.
    Info,
    /// All is well.
    Good,
    /// Something to look at.
    Warning,
    /// Something is wrong.
    Error,
}

/// A text with its tone, without its last line end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// What it is.
    pub tone: Tone,
    /// The words.
    pub text: String,
}

impl Note {
    /// A note.
    #[must_use]
    pub fn new(tone: Tone, text: impl Into<String>) -> Self {
        Self { tone, text: text.into() }
    }
}

/// `[0-5460],[7]`, or `0-5460,7`.
#[must_use]
pub fn slot_ranges(slots: &SlotSet, dialect: Dialect) -> String {
    let ranges: Vec<String> = slots
        .ranges()
        .map(|range| match dialect {
            Dialect::Cli => format!("[{range}]"),
            Dialect::Trib => range.to_string(),
        })
        .collect();
    ranges.join(",")
}

/// The paragraph about a node: role, name and address; slots; whom it follows or how many follow it.
/// `indent` blanks stand before it; redis-trib puts them before the first line only.
#[must_use]
pub fn block(node: &Node, dialect: Dialect, indent: usize) -> String {
    let outer = " ".repeat(indent);
    let inner = if dialect == Dialect::Cli { outer.as_str() } else { "" };
    let head = format!("{} {}", node.id, node.address());
    let mut text = if node.is_planned && node.primary.is_some() {
        format!("{outer}S: {head}")
    } else {
        let role = if node.is_primary() { 'M' } else { 'S' };
        let (slots, count) = (slot_ranges(&node.slots, dialect), node.slots.len());
        format!("{outer}{role}: {head}\n{inner}   slots:{slots} ({count} slots) {}", node.flags)
    };
    let told = match dialect {
        Dialect::Cli => node.replicas.filter(|count| *count > 0),
        Dialect::Trib => node.replicas.filter(|_| node.is_primary()),
    };
    match (node.primary, told) {
        (Some(primary), _) => text += &format!("\n{inner}   replicates {primary}"),
        (None, Some(count)) => text += &format!("\n{inner}   {count} additional replica(s)"),
        (None, None) => {}
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::tests::{id, view};

    #[test]
    fn blocks_in_both_dialects() {
        let view = view(&["a master 0-5460 7000", "b slave a", "c master"]);
        let (a, b, c) = (id('a'), id('b'), id('c'));
        for (node, dialect, indent, text) in [
            (
                0,
                Dialect::Cli,
                0,
                format!(
                    "M: {a} 127.0.0.1:7000\n   slots:[0-5460],[7000] (5462 slots) master\n   1 additional replica(s)"
                ),
            ),
            (
                0,
                Dialect::Cli,
                4,
                format!(
                    "    M: {a} 127.0.0.1:7000\n       slots:[0-5460],[7000] (5462 slots) master\n       1 additional replica(s)"
                ),
            ),
            (
                0,
                Dialect::Trib,
                4,
                format!(
                    "    M: {a} 127.0.0.1:7000\n   slots:0-5460,7000 (5462 slots) master\n   1 additional replica(s)"
                ),
            ),
            (
                1,
                Dialect::Cli,
                0,
                format!("S: {b} 127.0.0.1:7001\n   slots: (0 slots) slave\n   replicates {a}"),
            ),
            (2, Dialect::Cli, 0, format!("M: {c} 127.0.0.1:7002\n   slots: (0 slots) master")),
            (
                2,
                Dialect::Trib,
                0,
                format!(
                    "M: {c} 127.0.0.1:7002\n   slots: (0 slots) master\n   0 additional replica(s)"
                ),
            ),
        ] {
            assert_eq!(block(&view.nodes[node], dialect, indent), text);
        }
        let mut planned = view.nodes[2].clone();
        (planned.primary, planned.is_planned, planned.replicas) = (Some(a), true, None);
        assert_eq!(
            block(&planned, Dialect::Cli, 0),
            format!("S: {c} 127.0.0.1:7002\n   replicates {a}")
        );
    }
}
