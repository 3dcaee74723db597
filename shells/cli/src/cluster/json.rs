//! `--json`: what a subcommand found or did, for programs. What is for people goes to standard error
//! then.

use std::fmt::Write as _;

use dunlin_cluster::NodeId;
use dunlin_manager::{Dialect, Health, Node};
use dunlin_slots::SlotSet;

use super::members::Members;
use super::mover::Job;

/// A string in quotes.
fn string(text: &str) -> String {
    let mut quoted = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' | '\\' => quoted.extend(['\\', letter]),
            '\n' => quoted.push_str("\\n"),
            letter if letter.is_control() => {
                let _ = write!(quoted, "\\u{:04x}", u32::from(letter));
            }
            letter => quoted.push(letter),
        }
    }
    quoted + "\""
}

fn list(items: impl Iterator<Item = String>) -> String {
    format!("[{}]", items.collect::<Vec<_>>().join(","))
}

fn node(node: &Node) -> String {
    let role = if node.is_primary() { "primary" } else { "replica" };
    let primary = node.primary.map_or("null".to_owned(), |id| format!("\"{id}\""));
    let open = |list: &[(u16, NodeId)]| {
        let pairs: Vec<String> =
            list.iter().map(|(slot, peer)| format!("\"{slot}\":\"{peer}\"")).collect();
        format!("{{{}}}", pairs.join(","))
    };
    format!(
        "{{\"id\":\"{}\",\"address\":{},\"role\":\"{role}\",\"primary\":{primary},\"flags\":{},\
         \"slots\":\"{}\",\"slot_count\":{},\"replicas\":{},\"config_epoch\":{},\"migrating\":{},\
         \"importing\":{}}}",
        node.id,
        string(&node.address()),
        string(&node.flags),
        node.slots,
        node.slots.len(),
        node.replicas.unwrap_or(0),
        node.config_epoch,
        open(&node.migrating),
        open(&node.importing),
    )
}

/// What a check found; `is_good` is whether all is well now.
pub(super) fn check(members: &Members, health: &Health, is_good: bool) -> String {
    let problems = health.problems.iter();
    let problems = problems.map(|one| string(one.text(&members.view, Dialect::Cli).trim_end()));
    format!(
        "{{\"ok\":{is_good},\"problems\":{},\"open_slots\":{},\"uncovered_slots\":\"{}\",\
         \"unreachable_primaries\":{},\"nodes\":{}}}",
        list(problems),
        list(health.open.iter().map(|slot| slot.to_string())),
        health.uncovered,
        members.view.unreachable_primaries,
        list(members.view.nodes.iter().map(node)),
    )
}

/// The primaries with their keys.
pub(super) fn info(members: &Members, keys: &[(usize, i64)]) -> String {
    let total: i64 = keys.iter().map(|(_, keys)| keys).sum();
    let nodes = keys.iter().map(|(index, keys)| {
        let node = &members.view.nodes[*index];
        format!(
            "{{\"id\":\"{}\",\"address\":{},\"keys\":{keys},\"slot_count\":{},\"replicas\":{}}}",
            node.id,
            string(&node.address()),
            node.slots.len(),
            node.replicas.unwrap_or(0)
        )
    });
    format!("{{\"keys\":{total},\"primaries\":{}}}", list(nodes))
}

/// What moves, and how many slots have.
pub(super) fn moves(members: &Members, jobs: &[Job], moved: usize) -> String {
    let moves = jobs.iter().map(|job| {
        let slots: SlotSet = job.slots.iter().copied().collect();
        let id = |node: usize| members.view.nodes[node].id;
        format!(
            "{{\"source\":\"{}\",\"target\":\"{}\",\"slots\":\"{slots}\",\"slot_count\":{}}}",
            id(job.source),
            id(job.target),
            job.slots.len()
        )
    });
    format!("{{\"moved_slots\":{moved},\"moves\":{}}}", list(moves))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings() {
        assert_eq!(string("a\"b\\c\nd\u{1}é"), "\"a\\\"b\\\\c\\nd\\u0001é\"");
        assert_eq!(list(["1".to_owned(), "2".to_owned()].into_iter()), "[1,2]");
    }
}
