//! `del-node`: a node leaves.

use super::members::Members;
use super::{Failed, Manager, Outcome};

/// `del-node host:port id`. All others forget the node; then it forgets them, or, with redis-trib,
/// ends.
pub(super) fn run(manager: &Manager<'_>) -> Outcome {
    let console = &manager.console;
    let (host, mut id) = (manager.host_at(0)?, manager.argument(1));
    if console.is_trib() {
        id.make_ascii_lowercase();
    }
    console.info(&format!(">>> Removing node {id} from cluster {host}"));
    let mut members = Members::load(manager, &host)?;
    let Some(gone) = members.view.find(&id) else {
        console.error(&format!("[ERR] No such node ID {id}"));
        return Err(Failed);
    };
    if !members.view.nodes[gone].slots.is_empty() {
        let address = members.address(gone);
        let advice = "is not empty! Reshard data away and try again.";
        console.error(&format!("[ERR] Node {address} {advice}"));
        return Err(Failed);
    }
    if manager.command.dry_run {
        return Ok(());
    }
    console.info(">>> Sending CLUSTER FORGET messages to the cluster...");
    let gone_id = members.view.nodes[gone].id;
    for index in (0..members.view.nodes.len()).filter(|index| *index != gone) {
        if members.view.nodes[index].primary == Some(gone_id) {
            hand_over(manager, &mut members, index, gone)?;
        }
        members.demand(manager, index, &format!("CLUSTER FORGET {gone_id}"))?;
    }
    if console.is_trib() {
        console.info(">>> SHUTDOWN the node.");
        // It ends without an answer.
        let _ = members.ask_words(gone, "SHUTDOWN");
        return Ok(());
    }
    console.info(">>> Sending CLUSTER RESET SOFT to the deleted node.");
    members.demand(manager, gone, "CLUSTER RESET SOFT")?;
    Ok(())
}

/// A replica of the node that leaves follows another primary.
fn hand_over(manager: &Manager<'_>, members: &mut Members, replica: usize, gone: usize) -> Outcome {
    let nodes = &members.view.nodes;
    let primaries = members.view.primaries().filter(|index| *index != gone);
    let Some(primary) = primaries.min_by_key(|index| nodes[*index].replicas) else {
        manager.console.error("[ERR] There is no other master for its replicas.");
        return Err(Failed);
    };
    let id = nodes[primary].id;
    let (address, follows) = (members.address(replica), members.address(primary));
    manager.console.info(&format!(">>> {address} as replica of {follows}"));
    members.demand(manager, replica, &format!("CLUSTER REPLICATE {id}"))?;
    let count = &mut members.view.nodes[primary].replicas;
    *count = count.map(|count| count + 1);
    Ok(())
}
