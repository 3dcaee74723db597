//! `CLUSTER PROBE ip bus-port`: whether this node reaches the port of another one's bus.
//!
//! Differs: Redis has no such command. Those who make clusters ask with it before they change
//! anything. So that lists of commands are those of Redis, COMMAND does not list it, nor does CLUSTER
//! HELP.

use dunlin_session::TimeoutReply;
use dunlin_spec::{Arg, CommandSpec, Flags, Group};

use super::{DISABLED, refused, require_cluster};
use crate::args::Args;
use crate::blocking::{Awaited, Timeout};
use crate::command::Command;
use crate::context::Context;
use crate::error::{CommandError, CommandResult};

const SPEC: CommandSpec = CommandSpec::new("cluster|probe", Group::Cluster, 4)
    .summary(
        "Tells whether a node reaches the port of another node's bus, within two seconds. Dunlin's \
         own; not listed by COMMAND.",
    )
    .since("dunlin 0.1.0")
    .complexity("O(1)")
    .flags(&[
        Flags::ADMIN,
        Flags::STALE,
        Flags::NO_ASYNC_LOADING,
        Flags::NOSCRIPT,
        Flags::NO_MULTI,
        Flags::UNLISTED,
    ])
    .args(&[Arg::string("ip"), Arg::integer("cluster-bus-port")]);

pub(super) const COMMAND: Command = Command::new(SPEC, run);

const MAY_NOT_WAIT: CommandError =
    CommandError::fixed("ERR CLUSTER PROBE must wait, which is not possible here");

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    require_cluster(cx)?;
    let port = args.integer(3).ok().and_then(|port| u16::try_from(port).ok());
    let port = port.filter(|port| *port != 0).ok_or_else(|| {
        let text = [b"ERR Invalid bus port specified: ".as_slice(), args.get(3)];
        CommandError::Quoting(text.concat())
    })?;
    if !cx.may_block() {
        return Err(MAY_NOT_WAIT);
    }
    let ip = String::from_utf8_lossy(args.get(2));
    let cluster = cx.cluster.as_deref_mut().ok_or(DISABLED)?;
    let probe = cluster.probe(cx.now, &ip, port).map_err(|error| refused(&error))?;
    let ends_by_itself = Timeout { ms: 0, deadline: None };
    cx.block_for_others(Awaited::Probe(probe.0), ends_by_itself, TimeoutReply::Nothing);
    Ok(())
}

/// What the client is told when its probe has ended.
///
/// # Errors
/// The address could not be reached.
pub fn outcome_of_probe(ip: &str, port: u16, outcome: Result<(), String>) -> CommandResult {
    outcome.map_err(|reason| CommandError::err(format!("cannot reach {ip}:{port}: {reason}")))
}

#[cfg(test)]
mod tests {
    use crate::trial::Trial;

    #[test]
    fn what_can_be_probed() {
        let mut trial = Trial::of_node();
        trial.check(&[
            ("CLUSTER PROBE 127.0.0.1 x", "-ERR Invalid bus port specified: x"),
            ("CLUSTER PROBE 127.0.0.1 0", "-ERR Invalid bus port specified: 0"),
            ("CLUSTER PROBE 127.0.0.1 70000", "-ERR Invalid bus port specified: 70000"),
            ("CLUSTER PROBE foo 7000", "-ERR Invalid node address specified: foo:7000"),
        ]);
    }

    #[test]
    fn it_is_in_no_list() {
        let mut trial = Trial::of_node();
        for list in ["COMMAND LIST", "COMMAND INFO cluster", "COMMAND DOCS cluster", "CLUSTER HELP"]
        {
            let reply = trial.run(list).to_ascii_lowercase();
            assert!(reply.contains("meet") && !reply.contains("probe"), "{list}: {reply}");
        }
        assert!(trial.run("COMMAND INFO cluster|probe").contains("cluster|probe"));
    }
}
