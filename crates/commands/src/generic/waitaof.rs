//! `WAITAOF numlocal numreplicas timeout`
//!
//! Replies where the client's writes are on disk: here (0 or 1), and on how many replicas.
//!
//! Source: redis.io, WAITAOF; texts checked against a 7.2.6 server.

use dunlin_replication::Wish;
use dunlin_session::TimeoutReply;
use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group};

use crate::args::Args;
use crate::blocking::{Awaited, Durable, Timeout};
use crate::command::Command;
use crate::context::Context;
use crate::error::{CommandError, CommandResult};

const SPEC: CommandSpec = CommandSpec::new("waitaof", Group::Generic, 4)
    .summary(
        "Blocks until all of the preceding write commands sent by the connection are written to \
         the append-only file of the master and/or replicas.",
    )
    .since("7.2.0")
    .complexity("O(1)")
    .flags(&[Flags::NOSCRIPT])
    .categories(&[Categories::CONNECTION])
    .tips(&["request_policy:all_shards", "response_policy:agg_min"])
    .args(&[Arg::integer("numlocal"), Arg::integer("numreplicas"), Arg::integer("timeout")]);

/// WAITAOF's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

const NO_FILE: CommandError = CommandError::fixed(
    "ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled.",
);

const ON_REPLICA: CommandError = CommandError::fixed(
    "ERR WAITAOF cannot be used with replica instances. Please also note that writes to replicas \
     are just local and are not propagated.",
);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let local = args.integer(1)?;
    if !(0..=1).contains(&local) {
        return Err(CommandError::fixed("ERR value is out of range, value must between 0 and 1"));
    }
    let replicas = args
        .integer(2)
        .ok()
        .filter(|count| *count >= 0)
        .ok_or(CommandError::fixed("ERR value is out of range, must be positive"))?;
    let timeout = Timeout::milliseconds(args.get(3), cx.now)?;
    if cx.replication.is_replica() {
        return Err(ON_REPLICA);
    }
    if local > 0 && !cx.persistence.is_log_wanted() {
        return Err(NO_FILE);
    }
    let ends = cx.session().map(|session| (session.logged_up_to, session.replicated_up_to));
    let (log, offset) = ends.unwrap_or_default();
    let durable = Durable::of((log, offset), cx.persistence, cx.replication);
    if durable.local >= local && durable.replicas >= replicas || !cx.may_block() {
        durable.write(cx.reply);
        return Ok(());
    }
    let awaited = Awaited::Durability {
        log: (local > 0).then_some(log),
        offset,
        replicas: replicas as usize,
    };
    cx.block_for_others(awaited, timeout, TimeoutReply::Durable);
    if replicas > 0 {
        cx.replication.wish(Wish::AskForAcknowledgement);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::trial::Trial;

    #[test]
    fn there_is_no_file_and_no_replica() {
        let positive = "-ERR value is out of range, must be positive";
        let range = "-ERR value is out of range, value must between 0 and 1";
        Trial::new().check(&[
            ("WAITAOF 0 0 0", "*2\r\n:0\r\n:0"),
            ("WAITAOF 0 1 0", "*2\r\n:0\r\n:0"),
            ("WAITAOF 2 0 0", range),
            ("WAITAOF -1 x 0", range),
            ("WAITAOF a 0 0", "-ERR value is not an integer or out of range"),
            ("WAITAOF 0 -1 0", positive),
            ("WAITAOF 0 b 0", positive),
            ("WAITAOF 1 0 c", "-ERR timeout is not an integer or out of range"),
            (
                "WAITAOF 1 0 0",
                "-ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled.",
            ),
        ]);
    }
}
