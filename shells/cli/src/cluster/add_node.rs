//! `add-node`: one more node.

use dunlin_manager::Node;

use super::check::{Listing, inspect, judge};
use super::create::meet_request;
use super::members::{Member, Members, connect, introduce};
use super::{Failed, Host, Manager, Outcome, join, preflight};

/// `add-node new existing`. Ends when every node knows the new one, and it serves.
///
/// Differs: redis-cli ends when the new one has been told, and what is done next may find nodes that
/// do not know it.
pub(super) fn run(manager: &Manager<'_>) -> Outcome {
    let console = &manager.console;
    let (new, known) = (manager.host_at(0)?, manager.host_at(1)?);
    console.info(&format!(">>> Adding node {new} to cluster {known}"));
    let mut members = Members::load(manager, &known)?;
    let found = inspect(manager, &mut members, Listing::Full)?;
    judge(manager, &found)?;
    let primary = primary_for(manager, &members)?;
    members.push(new_node(manager, &new)?);
    let added = members.view.nodes.len() - 1;
    preflight::require_reach_of_newcomer(manager, &mut members)?;
    if manager.command.dry_run {
        return Ok(());
    }
    if primary.is_none() && !console.is_trib() {
        copy_functions(manager, &mut members, added)?;
    }
    console.info(&format!(">>> Send CLUSTER MEET to node {new} to make it join the cluster."));
    let request = meet_request(manager, &members.view.nodes[0])?;
    members.demand(manager, added, &request)?;
    match primary {
        None => {
            join::wait_until_known(manager, &mut members)?;
            join::wait_until_serving(&mut members, added);
        }
        Some(primary) => {
            join::wait_until_joined(manager, &mut members);
            let address = primary.address();
            console.info(&format!(">>> Configure node as replica of {address}."));
            members.demand(manager, added, &format!("CLUSTER REPLICATE {}", primary.id))?;
        }
    }
    console.good("[OK] New node added correctly.");
    Ok(())
}

/// Whom the new node is to follow, if it is to follow somebody.
fn primary_for(manager: &Manager<'_>, members: &Members) -> Result<Option<Node>, Failed> {
    if !manager.command.as_replica {
        return Ok(None);
    }
    let found = match &manager.command.primary_id {
        Some(id) => members.view.find(id).ok_or_else(|| format!("[ERR] No such master ID {id}")),
        None => members.view.least_followed().ok_or_else(|| "[ERR] There is no master".to_owned()),
    };
    let found = found.map_err(|text| {
        manager.console.error(&text);
        Failed
    })?;
    if manager.command.primary_id.is_none() {
        let address = members.address(found);
        manager.console.plain(&format!("Automatically selected master {address}"));
    }
    Ok(Some(members.view.nodes[found].clone()))
}

fn new_node(manager: &Manager<'_>, host: &Host) -> Result<Member, Failed> {
    let link = connect(manager, host).inspect_err(|_| {
        if !manager.console.is_trib() {
            manager.console.error(&format!("[ERR] Sorry, can't connect to node {host}"));
        }
    })?;
    let (mut member, _) = introduce(manager, host, link)?;
    preflight::require_empty(manager, &mut member)?;
    Ok(member)
}

/// Gives the new node the functions of the cluster, which every primary has.
fn copy_functions(manager: &Manager<'_>, members: &mut Members, added: usize) -> Outcome {
    let (console, new) = (&manager.console, members.address(added));
    console.info(">>> Getting functions from cluster");
    let dump = match members.ask_words(0, "FUNCTION DUMP") {
        Ok(dump) => dump.bytes().unwrap_or_default().to_vec(),
        Err(error) => {
            console.info(&format!(
                ">>> Failed retrieving Functions from the cluster, skip this step as Redis version \
                 do not support function command (error = '{error}')"
            ));
            return Ok(());
        }
    };
    console.info(&format!(">>> Send FUNCTION LIST to {new} to verify there is no functions in it"));
    let failed = |text: String| {
        // These lines end as redis-cli ends them.
        console.error(&format!("{text}\r"));
        Failed
    };
    let list = members.ask_words(added, "FUNCTION LIST");
    let list =
        list.map_err(|error| failed(format!(">>> Failed on CLUSTER LIST (error = '{error}')")))?;
    if list.items().is_some_and(|items| !items.is_empty()) {
        return Err(failed(
            ">>> New node already contains functions and can not be added to the cluster. Use \
             FUNCTION FLUSH and try again."
                .to_owned(),
        ));
    }
    console.info(&format!(">>> Send FUNCTION RESTORE to {new}"));
    members.ask(added, &[b"FUNCTION", b"RESTORE", &dump]).map_err(|error| {
        failed(format!(">>> Failed loading functions to the new node (error = '{error}')"))
    })?;
    Ok(())
}
