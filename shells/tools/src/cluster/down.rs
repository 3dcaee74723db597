//! `dunlin cluster down`.

use std::io::Write;
use std::time::{Duration, Instant};

use super::arguments::Down;
use super::failure::Failure;
use super::node::{self, Node};
use super::report;

/// A primary waits up to `shutdown-timeout` (10 s) for its replicas, then writes what is not on disk.
const END_WITHIN: Duration = Duration::from_secs(60);

/// Stops the servers of a directory, all at once, and waits until they have ended.
pub(super) fn down(
    wish: &Down,
    out: &mut dyn Write,
    progress: &mut dyn Write,
) -> Result<(), Failure> {
    let start = Instant::now();
    let dir = std::path::absolute(&wish.dir).map_err(Failure::file(&wish.dir))?;
    let nodes = node::found_in(&dir)?;
    if nodes.is_empty() {
        return Err(Failure::NoCluster { dir });
    }
    let running: Vec<(&Node, Option<i32>)> =
        nodes.iter().filter(|node| node.is_running()).map(|node| (node, node.pid())).collect();
    // Progress is for those who watch; that it cannot be shown stops nothing.
    let _ = writeln!(progress, "Stopping {} nodes ...", running.len());
    running.iter().for_each(|(node, _)| node.ask_to_end());
    let until = Instant::now() + END_WITHIN;
    for (node, pid) in &running {
        node.wait_until_it_ends(*pid, until)?;
    }
    let ports: Vec<u16> = running.iter().map(|(node, _)| node.port).collect();
    report::down(wish, &dir, &ports, start.elapsed(), out)
}
