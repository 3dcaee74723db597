//! What DEBUG does to the bus of a cluster.

use dunlin_cluster::LinkDirection;
use dunlin_cluster::bus::MessageKind;

use crate::args::Args;
use crate::context::Context;
use crate::error::{CommandError, CommandResult};

const NO_CLUSTER: CommandError =
    CommandError::fixed("ERR Debug option only available for cluster mode enabled setup!");

/// CLUSTERLINK KILL <to|from|all> node-id.
///
/// Differs: a direction that is none is an error; Redis says OK behind it, as a second reply.
pub(super) fn kill_links(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    if !args.is(2, "kill") {
        return Err(CommandError::subcommand_syntax("DEBUG", args.get(1)));
    }
    let cluster = cx.cluster.as_deref_mut().ok_or(NO_CLUSTER)?;
    let direction = match args.get(3).to_ascii_lowercase().as_slice() {
        b"to" => Ok(Some(LinkDirection::To)),
        b"from" => Ok(Some(LinkDirection::From)),
        b"all" => Ok(None),
        _ => Err(args.get(3)),
    };
    let id = args.get(4);
    let refused = |error: dunlin_cluster::ClusterError| CommandError::err(error.to_string());
    // Redis looks the node up first.
    cluster.count_failure_reports(id).map_err(refused)?;
    let direction = direction.map_err(|word| {
        CommandError::Quoting([b"ERR Unknown direction ".as_slice(), word].concat())
    })?;
    cluster.kill_links(cx.now, id, direction).map_err(refused)?;
    cx.reply.ok();
    Ok(())
}

/// DROP-CLUSTER-PACKET-FILTER packet-type.
pub(super) fn drop_messages(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let kind = u16::try_from(args.integer(2)?).ok().and_then(MessageKind::from_wire);
    if let Some(cluster) = cx.cluster.as_deref_mut() {
        cluster.drop_messages(kind);
    }
    cx.reply.ok();
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::trial::Trial;

    #[test]
    fn links_are_killed_and_messages_dropped() {
        let mut trial = Trial::of_node();
        let id = trial.run("CLUSTER MYID").replace("$40\r\n", "");
        let id = id.trim_end();
        trial.check(&[
            ("DEBUG CLUSTERLINK KILL ALL foo", "-ERR Unknown node foo"),
            (&format!("DEBUG CLUSTERLINK KILL x {id}"), "-ERR Unknown direction x"),
            (&format!("DEBUG CLUSTERLINK KILL to {id}"), "+OK"),
            (&format!("DEBUG CLUSTERLINK KILL FROM {id}"), "+OK"),
            ("DEBUG DROP-CLUSTER-PACKET-FILTER 0", "+OK"),
            ("DEBUG DROP-CLUSTER-PACKET-FILTER -1", "+OK"),
            ("DEBUG DROP-CLUSTER-PACKET-FILTER x", "-ERR value is not an integer or out of range"),
        ]);
        Trial::of_client().check(&[(
            "DEBUG CLUSTERLINK KILL ALL foo",
            "-ERR Debug option only available for cluster mode enabled setup!",
        )]);
    }
}
