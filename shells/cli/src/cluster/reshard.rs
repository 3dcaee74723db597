//! `reshard`: a number of slots goes to one node.

use std::fmt::Write as _;

use dunlin_manager::{Source, Step, block, reshard};
use dunlin_slots::SLOTS;

use super::check::{Listing, inspect};
use super::confirm::confirm_plan;
use super::members::Members;
use super::mover::{Job, Telling, move_slots};
use super::{Failed, Manager, Outcome, join, json};

/// `reshard host:port`
pub(super) fn run(manager: &Manager<'_>) -> Outcome {
    let mut members = Members::load(manager, &manager.host_from(0)?)?;
    if inspect(manager, &mut members, Listing::Full)?.errors > 0 {
        say(manager, "*** Please fix your cluster problems before resharding");
        return Err(Failed);
    }
    let count = slot_count(manager)?;
    let target = target(manager, &members)?;
    let sources = sources(manager, &members, target)?;
    if sources.is_empty() {
        let end = if manager.console.is_trib() { "" } else { "." };
        say(manager, &format!("*** No source nodes given, operation aborted{end}"));
        return Err(Failed);
    }
    let plan = plan(&members, &sources, count);
    tell(manager, &members, target, &sources, &plan, count);
    let jobs = jobs(&plan, target);
    if manager.command.dry_run {
        manager.console.json(|| json::moves(&members, &jobs, 0));
        return Ok(());
    }
    confirm_plan(manager)?;
    join::settle(&mut members, join::GOSSIP);
    move_slots(manager, &members, &jobs, Telling::Lines)?;
    join::wait_until_agreed(manager, &mut members);
    Ok(())
}

/// What redis-cli has on standard error.
fn say(manager: &Manager<'_>, text: &str) {
    match manager.console.is_trib() {
        true => manager.console.plain(text),
        false => manager.console.aside(text),
    }
}

/// Asks until there is an answer that is of use.
fn ask<T>(
    manager: &Manager<'_>,
    question: &str,
    read: impl Fn(&str) -> Option<T>,
) -> Result<T, Failed> {
    loop {
        let Some(line) = manager.console.ask(question) else {
            manager.console.aside("\n*** No more answers, operation aborted.");
            return Err(Failed);
        };
        if let Some(answer) = read(line.trim()) {
            return Ok(answer);
        }
    }
}

fn slot_count(manager: &Manager<'_>) -> Result<usize, Failed> {
    if manager.command.slots != 0 {
        return usize::try_from(manager.command.slots).map_err(|_| {
            manager.console.error("*** The number of slots must not be negative.");
            Failed
        });
    }
    let question = format!("How many slots do you want to move (from 1 to {SLOTS})? ");
    ask(manager, &question, |line| {
        line.parse().ok().filter(|count| (1..=usize::from(SLOTS)).contains(count))
    })
}

fn target(manager: &Manager<'_>, members: &Members) -> Result<usize, Failed> {
    let is_trib = manager.console.is_trib();
    if let Some(id) = &manager.command.to {
        return primary(manager, members, id, "not known or not a master").ok_or(Failed);
    }
    let text = |line: &str| (!line.is_empty()).then(|| line.to_owned());
    loop {
        let id = ask(manager, "What is the receiving node ID? ", text)?;
        match primary(manager, members, &id, "not known or not a master") {
            Some(target) => return Ok(target),
            // redis-cli says "retry" and ends.
            None if !is_trib => return Err(Failed),
            None => {}
        }
    }
}

/// The primary of a name; tells if there is none.
fn primary(manager: &Manager<'_>, members: &Members, id: &str, what: &str) -> Option<usize> {
    let found = members.view.find(id).filter(|node| members.view.nodes[*node].is_primary());
    if found.is_none() {
        let name = if manager.console.is_trib() { String::new() } else { format!(" ({id})") };
        let text = format!("*** The specified node{name} is {what}, please retry.");
        manager.console.error(&text);
    }
    found
}

/// Who gives slots: what was named, or all but the target.
fn sources(manager: &Manager<'_>, members: &Members, target: usize) -> Result<Vec<usize>, Failed> {
    let all = || members.view.primaries().filter(|node| *node != target).collect();
    let mut found = Vec::new();
    if let Some(names) = &manager.command.from {
        for name in names.split(',').filter(|name| !name.is_empty()) {
            if name == "all" {
                return Ok(all());
            }
            source(manager, members, target, name, &mut found).ok_or(Failed)?;
        }
        if manager.console.is_trib() && found.contains(&target) {
            let text = "*** Target node is also listed among the source nodes!";
            manager.console.error(text);
            return Err(Failed);
        }
        return Ok(found);
    }
    manager.console.write(
        "Please enter all the source node IDs.\n  \
         Type 'all' to use all the nodes as source nodes for the hash slots.\n  \
         Type 'done' once you entered all the source nodes IDs.\n",
    );
    loop {
        let blank = if manager.console.is_trib() { "" } else { " " };
        let question = format!("Source node #{}:{blank}", found.len() + 1);
        let line = ask(manager, &question, |line| Some(line.to_owned()))?;
        match line.as_str() {
            "done" => return Ok(found),
            "all" => return Ok(all()),
            name => {
                let is_known = source(manager, members, target, name, &mut found).is_some();
                if !is_known && !manager.console.is_trib() {
                    return Err(Failed);
                }
            }
        }
    }
}

/// Adds a source; `None` if there is no such primary. The target is refused and may be retried.
fn source(
    manager: &Manager<'_>,
    members: &Members,
    target: usize,
    name: &str,
    found: &mut Vec<usize>,
) -> Option<()> {
    let what = if manager.console.is_trib() {
        "not known or is not a master"
    } else {
        "not known or not a master"
    };
    let node = primary(manager, members, name, what)?;
    // Of sources that stand in the command line redis-trib says so in other words.
    let is_refused_later = manager.console.is_trib() && manager.command.from.is_some();
    if node == target && !is_refused_later {
        let text = "*** It is not possible to use the target node as source node.";
        manager.console.error(text);
    } else if !found.contains(&node) {
        found.push(node);
    }
    Some(())
}

fn plan(members: &Members, sources: &[usize], count: usize) -> Vec<Step> {
    let sources: Vec<Source> = sources
        .iter()
        .map(|node| Source { node: *node, slots: members.view.nodes[*node].slots.clone() })
        .collect();
    reshard(&sources, count)
}

fn tell(
    manager: &Manager<'_>,
    members: &Members,
    target: usize,
    sources: &[usize],
    plan: &[Step],
    count: usize,
) {
    let indented = |node: usize| block(&members.view.nodes[node], manager.console.dialect, 4);
    let mut text = format!("\nReady to move {count} slots.\n  Source nodes:\n");
    for source in sources {
        let _ = writeln!(text, "{}", indented(*source));
    }
    let _ = writeln!(text, "  Destination node:\n{}\n  Resharding plan:", indented(target));
    for step in plan {
        let id = members.view.nodes[step.source].id;
        let _ = writeln!(text, "    Moving slot {} from {id}", step.slot);
    }
    manager.console.write(&text);
}

/// The steps of each source together, as they stand in the plan.
fn jobs(plan: &[Step], target: usize) -> Vec<Job> {
    let groups = plan.chunk_by(|left, right| left.source == right.source);
    groups
        .map(|steps| Job {
            source: steps[0].source,
            target,
            slots: steps.iter().map(|step| step.slot).collect(),
        })
        .collect()
}
