//! `REPLCONF option value [option value ...]`
//!
//! A replica introduces itself, and later says what it has (ACK, which is not answered).
//!
//! Source: the protocol as observed on 7.0.15 and 7.2.6 servers; texts of 7.2.6.

use dunlin_replication::{Filter, ReplconfError, Wish};
use dunlin_spec::{CommandSpec, Flags, Group};
use dunlin_stdx::number::parse_i64;

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::{CommandError, CommandResult};

const SPEC: CommandSpec = CommandSpec::new("replconf", Group::Server, -1)
    .summary("An internal command for configuring the replication stream.")
    .since("3.0.0")
    .complexity("O(1)")
    .flags(&[Flags::ADMIN, Flags::NOSCRIPT, Flags::LOADING, Flags::STALE, Flags::ALLOW_BUSY])
    .system();

/// REPLCONF's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    if args.len().is_multiple_of(2) {
        return Err(CommandError::Syntax);
    }
    let Some(number) = cx.replica_number() else { return Ok(()) };
    for pair in args.words()[1..].chunks_exact(2) {
        match pair[0].to_ascii_lowercase().as_slice() {
            b"ack" => return acknowledge(cx, args),
            // It is a primary that asks for this, and nobody but our own is answered.
            b"getack" => return Ok(()),
            _ => cx.replication.announcement(number).set(pair[0], pair[1]).map_err(refused)?,
        }
    }
    let announced = cx.replication.announcement(number);
    if announced.filter != Filter::All && !announced.capabilities.end_mark {
        return Err(refused(ReplconfError::FilterNeedsEndMark));
    }
    cx.reply.ok();
    Ok(())
}

#[expect(clippy::needless_pass_by_value, reason = "an error is mapped")]
fn refused(error: ReplconfError) -> CommandError {
    CommandError::Quoting([b"ERR ".as_slice(), &error.text()].concat())
}

/// ACK: what the replica has of the stream; behind FACK, what of it is on its disk.
fn acknowledge(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let Some(number) = cx.replica_number() else { return Ok(()) };
    let (mut offset, mut durable) = (None, None);
    for pair in args.words()[1..].chunks_exact(2) {
        let value = parse_i64(pair[1]).and_then(|offset| u64::try_from(offset).ok());
        if pair[0].eq_ignore_ascii_case(b"ack") {
            offset = value;
        } else if pair[0].eq_ignore_ascii_case(b"fack") {
            durable = value;
        }
    }
    if let Some(offset) = offset
        && cx.replication.replicas.acknowledge(number, offset, durable, cx.now.monotonic)
    {
        cx.replication.wish(Wish::ServeAcknowledged(number));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::trial::Trial;

    #[test]
    fn options_come_in_pairs_and_are_known() {
        let mut trial = Trial::of_client();
        trial.check(&[
            ("REPLCONF listening-port", "-ERR syntax error"),
            ("REPLCONF", "+OK"),
            ("REPLCONF listening-port 7001 capa eof capa psync2", "+OK"),
            ("REPLCONF capa whatever", "+OK"),
            ("REPLCONF version 8.0.0", "-ERR Unrecognized REPLCONF option: version"),
            ("REPLCONF rdb-filter-only functions", "+OK"),
            ("REPLCONF rdb-filter-only keys", "-ERR Unsupported rdb-filter-only option: keys"),
        ]);
        assert_eq!(trial.run("REPLCONF ACK 5"), "");
        assert_eq!(trial.run("REPLCONF GETACK *"), "");
        Trial::of_client().check(&[(
            "REPLCONF rdb-filter-only functions",
            "-ERR Filtered replica requires EOF capability",
        )]);
    }
}
