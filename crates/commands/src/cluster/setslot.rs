//! `CLUSTER SETSLOT slot <IMPORTING node-id | MIGRATING node-id | NODE node-id | STABLE>`
//!
//! Moves a slot, step by step: its keys move while it is open on both sides, then it is given to
//! its new owner.
//!
//! Source: redis.io, CLUSTER SETSLOT; order of errors checked against a 7.2.6 server.

use dunlin_cluster::{ClusterError, SetSlot};
use dunlin_spec::{Arg, CommandSpec, Group};

use super::{ADMIN, refused, slot, with_cluster};
use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::{CommandError, CommandResult};

const SPEC: CommandSpec = CommandSpec::new("cluster|setslot", Group::Cluster, -4)
    .summary("Binds a hash slot to a node.")
    .since("3.0.0")
    .complexity("O(1)")
    .flags(ADMIN)
    .args(&[
        Arg::integer("slot"),
        Arg::one_of(
            "subcommand",
            &[
                Arg::string("importing").display("node-id").token("IMPORTING"),
                Arg::string("migrating").display("node-id").token("MIGRATING"),
                Arg::string("node").display("node-id").token("NODE"),
                Arg::literal("stable", "STABLE"),
            ],
        ),
    ]);

pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    with_cluster(cx, |cluster, now, facts| {
        if cluster.myself().is_replica() {
            return Err(refused(&ClusterError::SetSlotOnReplica));
        }
        let slot = slot(args.get(2))?;
        let wish = wish(args)?;
        cluster.set_slot(now, facts, slot, wish).map_err(|error| refused(&error))
    })?;
    cx.reply.ok();
    Ok(())
}

fn wish(args: Args<'_>) -> Result<SetSlot<'_>, CommandError> {
    let node = (args.len() == 5).then(|| args.get(4));
    match (args.get(3).to_ascii_lowercase().as_slice(), node) {
        (b"migrating", Some(id)) => Ok(SetSlot::Migrating(id)),
        (b"importing", Some(id)) => Ok(SetSlot::Importing(id)),
        (b"node", Some(id)) => Ok(SetSlot::Node(id)),
        (b"stable", None) if args.len() == 4 => Ok(SetSlot::Stable),
        _ => Err(CommandError::fixed(
            "ERR Invalid CLUSTER SETSLOT action or number of arguments. Try CLUSTER HELP",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{OTHER, node_that_knows_another};
    use crate::trial::Trial;

    #[test]
    fn a_slot_is_opened_and_closed() {
        let mut trial = node_that_knows_another();
        trial.run("CLUSTER ADDSLOTS 7");
        trial.check(&[
            (&format!("CLUSTER SETSLOT 7 MIGRATING {OTHER}"), "+OK"),
            (&format!("CLUSTER SETSLOT 8 importing {OTHER}"), "+OK"),
        ]);
        let shown = format!(" connected 7 [7->-{OTHER}] [8-<-{OTHER}]\n");
        assert!(trial.run("CLUSTER NODES").contains(&shown));
        trial.check(&[("CLUSTER SETSLOT 7 STABLE", "+OK"), ("CLUSTER SETSLOT 8 STABLE", "+OK")]);
        assert!(trial.run("CLUSTER NODES").contains(" connected 7\n"));
        trial.check(&[(&format!("CLUSTER SETSLOT 9 NODE {OTHER}"), "+OK")]);
        assert!(trial.run("CLUSTER NODES").contains(" disconnected 9\n"));
    }

    #[test]
    fn what_does_not_fit() {
        const ACTION: &str =
            "-ERR Invalid CLUSTER SETSLOT action or number of arguments. Try CLUSTER HELP";
        let mut trial = Trial::of_node();
        trial.check(&[
            ("CLUSTER SETSLOT x FOO", "-ERR Invalid or out of range slot"),
            ("CLUSTER SETSLOT 1 FOO", ACTION),
            ("CLUSTER SETSLOT 1 NODE", ACTION),
            ("CLUSTER SETSLOT 1 STABLE x", ACTION),
            ("CLUSTER SETSLOT 1 NODE x y", ACTION),
            ("CLUSTER SETSLOT 1 NODE foo", "-ERR Unknown node foo"),
            ("CLUSTER SETSLOT 1 MIGRATING foo", "-ERR I'm not the owner of hash slot 1"),
            ("CLUSTER SETSLOT 1 IMPORTING foo", "-ERR I don't know about node foo"),
            ("CLUSTER ADDSLOTS 1", "+OK"),
            ("CLUSTER SETSLOT 1 MIGRATING foo", "-ERR I don't know about node foo"),
            ("CLUSTER SETSLOT 1 IMPORTING foo", "-ERR I'm already the owner of hash slot 1"),
        ]);
    }
}
