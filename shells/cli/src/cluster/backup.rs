//! `backup`: a snapshot of each primary, and who is who.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use dunlin_cluster::NodeId;
use dunlin_manager::{Dialect, Node, slot_ranges};

use super::check::{Listing, inspect};
use super::members::{Members, connect};
use super::{Failed, Manager, Outcome};
use crate::modes::{Stopped, fetch};

/// `backup host:port directory`
pub(super) fn run(manager: &Manager<'_>) -> Outcome {
    let console = &manager.console;
    let (host, directory) = (manager.host_at(0)?, manager.argument(1));
    let mut members = Members::load(manager, &host)?;
    let found = inspect(manager, &mut members, Listing::Full)?;
    let errors = if found.is_good { 0 } else { found.errors };
    let mut nodes = Vec::new();
    for index in 0..members.view.nodes.len() {
        let node = members.view.nodes[index].clone();
        nodes.push(json(&node, errors));
        if node.primary.is_some() {
            continue;
        }
        console.info(&format!(">>> Node {} -> Saving RDB...", node.address()));
        let name = format!("redis-node-{}-{}-{}.rdb", node.host, node.port, node.id);
        let path = Path::new(&directory).join(name);
        let link = connect(manager, &members.host(index))?;
        fetch(link, &path).map_err(|stopped| {
            if let Stopped::Because(reason) = stopped {
                console.aside(&reason);
            }
            Failed
        })?;
    }
    let path = PathBuf::from(&directory).join("nodes.json");
    let shown = path.display();
    console.info(&format!("Saving cluster configuration to: {shown}"));
    if std::fs::write(&path, format!("[\n{}\n]", nodes.join(",\n"))).is_err() {
        console.error(&format!("Could not save nodes to: {shown}"));
        console.good("[ERR] Failed to back cluster!");
        return Err(Failed);
    }
    if !found.is_good {
        console.warn(
            "*** Cluster seems to have some problems, please be aware of it if you're going to \
             restore this backup.",
        );
    }
    console.good(&format!("[OK] Backup created into: {directory}"));
    Ok(())
}

/// A node in `nodes.json`.
fn json(node: &Node, errors: usize) -> String {
    let primary = node.primary.map_or("null".to_owned(), |id| format!("\"{id}\""));
    let slots = slot_ranges(&node.slots, Dialect::Cli).replace('-', ",");
    let mut text = format!(
        "  {{\n    \"name\": \"{}\",\n    \"host\": \"{}\",\n    \"port\": {},\n    \
         \"replicate\": {primary},\n    \"slots\": [{slots}],\n    \"slots_count\": {},\n    \
         \"flags\": \"{}\",\n    \"current_epoch\": {}",
        node.id,
        node.host,
        node.port,
        node.slots.len(),
        node.flags,
        node.config_epoch
    );
    if errors > 0 {
        let _ = write!(text, ",\n    \"cluster_errors\": {errors}");
    }
    for (name, list) in [("migrating", &node.migrating), ("importing", &node.importing)] {
        if !list.is_empty() {
            let pair = |(slot, peer): &(u16, NodeId)| format!("\"{slot}\": \"{peer}\"");
            let pairs: Vec<String> = list.iter().map(pair).collect();
            let _ = write!(text, ",\n    \"{name}\": {{{}}}", pairs.join(","));
        }
    }
    text + "\n  }"
}
