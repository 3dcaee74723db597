//! `set-timeout`: the node timeout of all nodes.

use super::members::Members;
use super::{Failed, Manager, Outcome};
use crate::number::leading_integer;

/// A shorter timeout takes healthy nodes for dead.
const TIMEOUT_MIN_MS: i64 = 100;

/// `set-timeout host:port ms`
pub(super) fn run(manager: &Manager<'_>) -> Outcome {
    let console = &manager.console;
    let host = manager.host_at(0)?;
    let timeout = leading_integer(manager.argument(1).as_bytes());
    if timeout < TIMEOUT_MIN_MS {
        let text = "Setting a node timeout of less than 100 milliseconds is a bad idea.";
        match console.is_trib() {
            true => console.plain(text),
            false => console.aside(text),
        }
        return Err(Failed);
    }
    let mut members = Members::load(manager, &host)?;
    console.info(">>> Reconfiguring node timeout in every cluster node...");
    let (mut good, mut bad) = (0, 0);
    for index in 0..members.view.nodes.len() {
        let set = format!("CONFIG SET cluster-node-timeout {timeout}");
        let done = members.ask_words(index, &set);
        let done = done.and_then(|_| members.ask_words(index, "CONFIG REWRITE"));
        let address = members.address(index);
        match done {
            Ok(_) => {
                good += 1;
                console.warn(&format!("*** New timeout set for {address}"));
            }
            Err(error) => {
                bad += 1;
                // The spelling is redis-trib's.
                let timeout = if console.is_trib() { "node-timeot" } else { "node-timeout" };
                console.error(&format!("ERR setting {timeout} for {address}: {error}"));
            }
        }
    }
    console.info(&format!(">>> New node timeout set. {good} OK, {bad} ERR."));
    Ok(())
}
