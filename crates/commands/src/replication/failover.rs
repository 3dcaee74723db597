//! `FAILOVER [TO host port [FORCE]] [ABORT] [TIMEOUT milliseconds]`
//!
//! Hands the role of the primary to a replica: writes are paused until it has everything, then it is
//! asked to take over.
//!
//! Source: Redis documentation, FAILOVER; texts checked against a 7.2.6 server.

use dunlin_replication::{Failover, FailoverStage, FailoverTarget, SyncState, Wish};
use dunlin_spec::{Arg, CommandSpec, Flags, Group};

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::{CommandError, CommandResult};

const SPEC: CommandSpec = CommandSpec::new("failover", Group::Server, -1)
    .summary("Starts a coordinated failover from a server to one of its replicas.")
    .since("6.2.0")
    .complexity("O(1)")
    .flags(&[Flags::ADMIN, Flags::NOSCRIPT, Flags::STALE])
    .args(&[
        Arg::block(
            "target",
            &[Arg::string("host"), Arg::integer("port"), Arg::literal("force", "FORCE").optional()],
        )
        .token("TO")
        .optional(),
        Arg::literal("abort", "ABORT").optional(),
        Arg::integer("milliseconds").token("TIMEOUT").optional(),
    ]);

/// FAILOVER's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

/// What the words ask for.
#[derive(Default)]
struct Options {
    target: Option<FailoverTarget>,
    timeout_ms: Option<u64>,
    force: bool,
    abort: bool,
}

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    if cx.config.cluster.cluster_enabled {
        return Err(CommandError::fixed(
            "ERR FAILOVER not allowed in cluster mode. Use CLUSTER FAILOVER command instead.",
        ));
    }
    let options = parse(args)?;
    if options.abort {
        if cx.replication.failover.is_none() {
            return Err(CommandError::fixed("ERR No failover in progress."));
        }
        cx.replication.wish(Wish::AbortFailover);
        cx.reply.ok();
        return Ok(());
    }
    check(cx, &options)?;
    let now = cx.now.monotonic;
    let target = options.target;
    let told = match &target {
        Some(target) => format!("FAILOVER requested to {}:{}.", target.host, target.port),
        None => "FAILOVER requested to any replica.".to_owned(),
    };
    cx.host.log_notice(&told);
    cx.replication.failover = Some(Failover {
        stage: FailoverStage::WaitsForSync,
        target,
        force: options.force,
        deadline: options.timeout_ms.map(|ms| now.plus_us(ms.saturating_mul(1000))),
    });
    cx.replication.wish(Wish::BeginFailover);
    cx.reply.ok();
    Ok(())
}

fn parse(args: Args<'_>) -> Result<Options, CommandError> {
    let mut options = Options::default();
    let mut words = args.cursor(1);
    while let Some(word) = words.next_word() {
        match word.to_ascii_lowercase().as_slice() {
            b"timeout" if options.timeout_ms.is_none() && words.remaining() > 0 => {
                let ms = words.integer()?;
                let ms = u64::try_from(ms).ok().filter(|ms| *ms > 0);
                options.timeout_ms = Some(
                    ms.ok_or(CommandError::fixed("ERR FAILOVER timeout must be greater than 0"))?,
                );
            }
            b"abort" if args.len() == 2 => options.abort = true,
            b"to" if options.target.is_none() && words.remaining() > 1 => {
                let host = String::from_utf8_lossy(words.value()?).into_owned();
                let port = words.integer()?;
                let port = u16::try_from(port).map_err(|_| CommandError::NotInteger)?;
                options.target = Some(FailoverTarget { host, port });
            }
            b"force" if !options.force => options.force = true,
            _ => return Err(CommandError::Syntax),
        }
    }
    Ok(options)
}

fn check(cx: &Context<'_>, options: &Options) -> CommandResult {
    let refuse = |text| Err(CommandError::fixed(text));
    let replication = &*cx.replication;
    if replication.failover.is_some() {
        return refuse("ERR FAILOVER already in progress.");
    }
    if replication.is_replica() {
        return refuse("ERR FAILOVER is not valid when server is a replica.");
    }
    if replication.replicas.is_empty() {
        return refuse("ERR FAILOVER requires connected replicas.");
    }
    if options.force && (options.timeout_ms.is_none() || options.target.is_none()) {
        return refuse(
            "ERR FAILOVER with force option requires both a timeout and target HOST and IP.",
        );
    }
    if let Some(target) = &options.target {
        match replication.replicas.iter().find(|replica| target.is(replica)) {
            None => return refuse("ERR FAILOVER target HOST and PORT is not a replica."),
            Some(replica) if replica.state != SyncState::Online => {
                return refuse("ERR FAILOVER target replica is not online.");
            }
            Some(_) => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::trial::Trial;

    #[test]
    fn what_cannot_be_handed_over_is_refused() {
        Trial::of_client().check(&[
            ("FAILOVER ABORT", "-ERR No failover in progress."),
            ("FAILOVER", "-ERR FAILOVER requires connected replicas."),
            ("FAILOVER TIMEOUT 0", "-ERR FAILOVER timeout must be greater than 0"),
            ("FAILOVER TIMEOUT x", "-ERR value is not an integer or out of range"),
            ("FAILOVER TO 127.0.0.1", "-ERR syntax error"),
            ("FAILOVER TO 127.0.0.1 1 ABORT", "-ERR syntax error"),
            ("FAILOVER TO 127.0.0.1 1", "-ERR FAILOVER requires connected replicas."),
        ]);
    }
}
