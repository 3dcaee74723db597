//! `dunlin cluster up`.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Child;
use std::thread;
use std::time::{Duration, Instant};

use super::arguments::Up;
use super::failure::Failure;
use super::form::Members;
use super::node::{self, Node, PAUSE};
use super::report;
use super::table::Line;

/// How long servers of a cluster that did not come about may take to end.
const END_WITHIN: Duration = Duration::from_secs(10);

/// Starts what the directory holds, or a new cluster in it.
pub(super) fn up(
    executable: &Path,
    wish: &Up,
    out: &mut dyn Write,
    progress: &mut dyn Write,
) -> Result<(), Failure> {
    let start = Instant::now();
    let dir = std::path::absolute(&wish.dir).map_err(Failure::file(&wish.dir))?;
    let mut nodes = node::found_in(&dir)?;
    let is_new = nodes.is_empty();
    if is_new {
        nodes = new_nodes(wish, &dir);
    } else {
        check(&nodes, wish, &dir)?;
    }
    nodes.iter().try_for_each(Node::check_ports)?;
    let mut children = Vec::new();
    let lines = if is_new { nodes.iter().try_for_each(Node::prepare) } else { Ok(()) }
        .and_then(|()| start_all(executable, &nodes, &mut children, progress))
        .and_then(|()| become_one(&nodes, &mut children, wish, &dir, progress));
    // Nobody expects processes behind a command that has failed.
    let lines = lines.inspect_err(|_| {
        end(&nodes, &mut children, is_new);
        if is_new {
            remove(&nodes, &dir);
        }
    })?;
    report::up(wish, &dir, &nodes, &lines, start.elapsed(), out)
}

fn new_nodes(wish: &Up, dir: &Path) -> Vec<Node> {
    (0..wish.new_nodes()).map(|index| Node::new(wish.new_port() + index, dir)).collect()
}

/// What a directory holds is started as it is.
fn check(found: &[Node], wish: &Up, dir: &Path) -> Result<(), Failure> {
    let ports: Vec<u16> = found.iter().map(|node| node.port).collect();
    let running: Vec<u16> =
        found.iter().filter(|node| node.is_running()).map(|node| node.port).collect();
    let dir = dir.to_owned();
    if !running.is_empty() {
        return Err(Failure::AlreadyRuns { dir, ports: running });
    }
    let is_other_count = wish.nodes.is_some_and(|count| usize::from(count) != ports.len());
    let is_other_port = wish.port.is_some_and(|port| port != ports[0]);
    if is_other_count || is_other_port {
        return Err(Failure::OtherShape { dir, ports });
    }
    Ok(())
}

fn start_all(
    executable: &Path,
    nodes: &[Node],
    children: &mut Vec<Child>,
    progress: &mut dyn Write,
) -> Result<(), Failure> {
    tell(progress, &format!("Starting {} nodes", nodes.len()));
    for node in nodes {
        children.push(node.start(executable)?);
    }
    Ok(())
}

/// Waits until the nodes serve as one cluster, of which they are made first if they are strangers;
/// returns how the first one sees it.
fn become_one(
    nodes: &[Node],
    children: &mut [Child],
    wish: &Up,
    dir: &Path,
    progress: &mut dyn Write,
) -> Result<Vec<Line>, Failure> {
    let mut members = Members::connect(nodes, children)?;
    if members.are_strangers()? {
        tell(progress, "Joining them");
        members.form(wish.replicas)?;
    } else if members.lines(0)?.len() != nodes.len() {
        return Err(Failure::HalfMade { dir: dir.to_owned() });
    }
    tell(progress, "Waiting until all of them serve");
    members.wait_until_they_serve()?;
    members.lines(0)
}

/// Ends what was started; new nodes hold nothing that anybody wants back.
fn end(nodes: &[Node], children: &mut [Child], is_new: bool) {
    if !is_new {
        nodes.iter().filter(|node| node.is_running()).for_each(Node::ask_to_end);
    }
    let until = Instant::now() + END_WITHIN;
    for child in children {
        while !is_new && Instant::now() < until && matches!(child.try_wait(), Ok(None)) {
            thread::sleep(PAUSE);
        }
        // Both fail for one that has ended, which is what we want. What went wrong before is told.
        let _ = child.kill();
        let _ = child.wait();
    }
}

/// Leaves nothing of a cluster that did not come about.
fn remove(nodes: &[Node], dir: &Path) {
    // What is not there need not go, and what cannot go is in nobody's way.
    nodes.iter().for_each(|node| drop(fs::remove_dir_all(&node.dir)));
    // Stays when there is anything else in it.
    let _ = fs::remove_dir(dir);
}

/// Progress is for those who watch; that it cannot be shown stops nothing.
fn tell(progress: &mut dyn Write, what: &str) {
    let _ = writeln!(progress, "{what} ...");
}
