//! `call`: one command on all nodes.

use super::members::Members;
use super::{Manager, Outcome};
use crate::options::OutputOptions;

/// `call host:port command ...`
pub(super) fn run(manager: &Manager<'_>) -> Outcome {
    let mut members = Members::load(manager, &manager.host_at(0)?)?;
    let words: Vec<&[u8]> = manager.command.arguments[1..].iter().map(Vec::as_slice).collect();
    let shown: Vec<_> = words.iter().map(|word| String::from_utf8_lossy(word)).collect();
    // Only the first word has the colour.
    match manager.console.is_trib() {
        true => manager.console.info(&format!(">>> Calling {}", shown.join(" "))),
        false => {
            let line = manager.console.coloured(dunlin_manager::Tone::Info, ">>> Calling");
            let head = line.replacen('\n', "", 1);
            manager.console.write(&format!("{head} {}\n", shown.join(" ")));
        }
    }
    for index in 0..members.view.nodes.len() {
        let is_replica = members.view.nodes[index].primary.is_some();
        let skipped =
            if is_replica { manager.command.only_primaries } else { manager.command.only_replicas };
        if skipped {
            continue;
        }
        let address = members.address(index);
        match members.link(index).ask(&words) {
            Ok(value) => {
                let mut text = format!("{address}: ").into_bytes();
                crate::format::write_text(&mut text, &value, &OutputOptions::default());
                text.push(b'\n');
                manager.console.write_bytes(&text);
            }
            Err(_) => manager.console.plain(&format!("{address}: Failed!")),
        }
    }
    Ok(())
}
