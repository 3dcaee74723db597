//! `backup`: a snapshot of each primary, and who is who.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use dunlin_cluster::NodeId;
use dunlin_manager::{Dialect, Node, slot_ranges};
use nix::errno::Errno;

use super::check::{Listing, inspect};
use super::members::Members;
use super::{Failed, Manager, Outcome};
use crate::connection::Connection;

/// One read of a snapshot.
const READ_BYTES: usize = 64 * 1024;
/// Length of the mark that ends a snapshot whose size is not known before.
const MARK_LEN: usize = 40;

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
        save(members.link(index), &path).map_err(|error| {
            let reason = match error.raw_os_error() {
                Some(code) => Errno::from_raw(code).desc().to_owned(),
                None => error.to_string(),
            };
            console.aside(&format!("Error opening '{}': {reason}", path.display()));
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

/// Writes the snapshot that a server sends its replicas.
fn save(link: &mut Connection, path: &Path) -> io::Result<()> {
    let broken = |broken: crate::connection::Broken| io::Error::other(broken.to_string());
    link.send(&[b"SYNC"]).map_err(broken)?;
    let mut input = Vec::new();
    let head = loop {
        // Line ends come while the snapshot is being made.
        let start = input.iter().position(|byte| *byte != b'\n').unwrap_or(input.len());
        input.drain(..start);
        if let Some(end) = input.windows(2).position(|pair| pair == b"\r\n") {
            break input.drain(..end + 2).take(end).collect::<Vec<u8>>();
        }
        more(link, &mut input)?;
    };
    let head = String::from_utf8_lossy(&head).into_owned();
    let refused = || io::Error::other(format!("SYNC failed: {head}"));
    let size = head.strip_prefix('$').ok_or_else(refused)?;
    let shown = path.display();
    let mut file = BufWriter::new(File::create(path)?);
    match size.strip_prefix("EOF:") {
        Some(mark) if mark.len() == MARK_LEN => {
            eprintln!(
                "SYNC sent to master, writing bytes of bulk transfer until EOF marker to '{shown}'"
            );
            copy_to_mark(link, input, mark.as_bytes(), &mut file)?;
        }
        _ => {
            let size = size.parse().map_err(|_| refused())?;
            eprintln!("SYNC sent to master, writing {size} bytes to '{shown}'");
            copy(link, input, size, &mut file)?;
        }
    }
    file.into_inner()?.sync_all()?;
    eprintln!("Transfer finished with success.");
    Ok(())
}

fn more(link: &mut Connection, input: &mut Vec<u8>) -> io::Result<()> {
    let mut buffer = [0; READ_BYTES];
    let len = link.read(&mut buffer).map_err(|broken| io::Error::other(broken.to_string()))?;
    input.extend_from_slice(&buffer[..len]);
    Ok(())
}

fn copy(
    link: &mut Connection,
    mut input: Vec<u8>,
    size: u64,
    file: &mut impl Write,
) -> io::Result<()> {
    let mut left = size;
    while left > 0 {
        if input.is_empty() {
            more(link, &mut input)?;
        }
        let len = input.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        file.write_all(&input[..len])?;
        left -= len as u64;
        // The stream of changes follows; it is not wanted.
        input.clear();
    }
    Ok(())
}

fn copy_to_mark(
    link: &mut Connection,
    mut input: Vec<u8>,
    mark: &[u8],
    file: &mut impl Write,
) -> io::Result<()> {
    while !input.ends_with(mark) {
        let sure = input.len().saturating_sub(MARK_LEN);
        file.write_all(&input[..sure])?;
        input.drain(..sure);
        more(link, &mut input)?;
    }
    file.write_all(&input[..input.len() - MARK_LEN])
}
