//! `PSYNC replicationid offset [FAILOVER]`
//!
//! A replica asks for the stream from an offset on; it gets that, or a snapshot and what follows it.
//! With FAILOVER, its primary asks this replica to take over.
//!
//! Source: the protocol as observed on 7.0.15 and 7.2.6 servers; texts of 7.2.6.

use dunlin_replication::{LinkState, Wish};
use dunlin_spec::{Arg, CommandSpec, Flags, Group};

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::{CommandError, CommandResult};

pub(super) const FLAGS: &[Flags] =
    &[Flags::ADMIN, Flags::NOSCRIPT, Flags::NO_ASYNC_LOADING, Flags::NO_MULTI];

const SPEC: CommandSpec = CommandSpec::new("psync", Group::Server, -3)
    .summary("An internal command used in replication.")
    .since("2.8.0")
    .flags(FLAGS)
    .args(&[Arg::string("replicationid"), Arg::integer("offset")]);

/// PSYNC's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    if cx.is_for_replica() {
        return Ok(());
    }
    let Some(number) = cx.replica_number() else { return Ok(()) };
    let replid = args.get(1).to_vec();
    if args.len() > 3 && args.is(3, "failover") {
        if !cx.replication.is_replica() {
            let text = "ERR PSYNC FAILOVER can't be sent to a master.";
            return Err(CommandError::fixed(text));
        }
        // A replica that has lost its data set is on no history.
        let is_here = cx.replication.has_position && cx.replication.history.replid().is(&replid);
        if !is_here {
            let text = "ERR PSYNC FAILOVER replid must match my replid.";
            return Err(CommandError::fixed(text));
        }
        let offset = args.integer(2)?;
        cx.replication.wish(Wish::TakeOver { number, replid, offset });
        return Ok(());
    }
    check(cx)?;
    let offset = args.integer(2)?;
    cx.replication.wish(Wish::Attach { number, position: Some((replid, offset)) });
    Ok(())
}

/// What must hold before anybody is given the stream.
pub(super) fn check(cx: &mut Context<'_>) -> CommandResult {
    if cx.replication.failover.is_some() {
        return Err(CommandError::fixed("NOMASTERLINK Can't SYNC while failing over"));
    }
    let link = cx.replication.link.as_ref();
    if link.is_some_and(|link| link.state() != LinkState::Connected) {
        let text = "NOMASTERLINK Can't SYNC while not connected with my master";
        return Err(CommandError::fixed(text));
    }
    if cx.reply.len_bytes() > 0 {
        let text = "ERR SYNC and PSYNC are invalid with pending output";
        return Err(CommandError::fixed(text));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::trial::Trial;

    #[test]
    fn a_primary_does_not_take_over_from_itself() {
        Trial::of_client().check(&[
            ("PSYNC ? x", "-ERR value is not an integer or out of range"),
            ("PSYNC ? -1 FAILOVER", "-ERR PSYNC FAILOVER can't be sent to a master."),
        ]);
    }
}
