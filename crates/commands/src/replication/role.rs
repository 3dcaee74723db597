//! `ROLE`
//!
//! Role, replication offset, and who follows or is followed. `master` and `slave` are the words of
//! this reply in 7.2, which tools look for.
//!
//! Source: Redis documentation, "ROLE"; texts and shapes of a 7.2.6 server.

use dunlin_replication::{LinkState, PrimaryLink};
use dunlin_spec::{Categories, CommandSpec, Flags, Group};

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::CommandResult;

const SPEC: CommandSpec = CommandSpec::new("role", Group::Server, 1)
    .summary("Returns the replication role.")
    .since("2.8.12")
    .complexity("O(1)")
    .flags(&[Flags::NOSCRIPT, Flags::LOADING, Flags::STALE, Flags::FAST, Flags::SENTINEL])
    .categories(&[Categories::ADMIN, Categories::DANGEROUS]);

/// The ROLE command.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, _: Args<'_>) -> CommandResult {
    let offset = cx.replication.history.offset() as i64;
    if let Some((host, port, link)) = cx.primary() {
        let state = link.map_or(LinkState::Connect, PrimaryLink::state);
        let (host, offset) =
            (host.to_owned(), if cx.replication.has_position { offset } else { -1 });
        cx.reply.array(5);
        cx.reply.bulk(b"slave");
        cx.reply.bulk(host.as_bytes());
        cx.reply.integer(port.into());
        cx.reply.bulk(state.name().as_bytes());
        cx.reply.integer(offset);
        return Ok(());
    }
    let (reply, replication) = (&mut *cx.reply, &*cx.replication);
    reply.array(3);
    reply.bulk(b"master");
    reply.integer(offset);
    let online = || replication.replicas.iter().filter(|replica| replica.state.is_online());
    reply.array(online().count());
    for replica in online() {
        reply.array(3);
        reply.bulk(replica.address().as_bytes());
        reply.bulk_integer(replica.announcement.port.into());
        reply.bulk_integer(replica.acknowledged as i64);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::trial::Trial;

    #[test]
    fn a_primary_without_replicas() {
        Trial::new().check(&[("ROLE", "*3\r\n$6\r\nmaster\r\n:0\r\n*0")]);
    }
}
