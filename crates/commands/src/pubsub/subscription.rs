//! What SUBSCRIBE, PSUBSCRIBE and SSUBSCRIBE have in common, and what ends it.
//!
//! Each channel is answered by a push of its own. Pushes reach a client even if it wants no replies
//! (CLIENT REPLY OFF).
//!
//! Source: redis.io, "Redis Pub/Sub", sections "Format of pushed messages" and "RESP3".

use dunlin_resp::Reply;
use dunlin_session::{SessionFlags, SubscriptionKind, Token};

use crate::args::Args;
use crate::context::Context;
use crate::error::{CommandError, CommandResult};

const NO_CONNECTION: CommandError = CommandError::fixed("ERR This command needs a connection");

const DENIED: CommandError =
    CommandError::fixed("ERR SSUBSCRIBE isn't allowed for a DENY BLOCKING client");

/// Subscribes to every channel or pattern that is named.
pub(super) fn subscribe(
    cx: &mut Context<'_>,
    args: Args<'_>,
    kind: SubscriptionKind,
) -> CommandResult {
    let token = cx.caller.client().ok_or(NO_CONNECTION)?;
    let event = match kind {
        SubscriptionKind::Channel => "subscribe",
        SubscriptionKind::ShardChannel => "ssubscribe",
        SubscriptionKind::Pattern => "psubscribe",
    };
    // The others may be queued, because clients have relied on it since before there were shards.
    if kind == SubscriptionKind::ShardChannel && !cx.may_block() {
        return Err(DENIED);
    }
    for name in &args.words()[1..] {
        cx.sessions.subscribe(token, kind, name);
        confirm(cx, token, event, kind, Some(name));
    }
    cx.follow_subscribers();
    Ok(())
}

/// Unsubscribes from what is named, or from all of the kind if nothing is.
pub(super) fn unsubscribe(
    cx: &mut Context<'_>,
    args: Args<'_>,
    kind: SubscriptionKind,
) -> CommandResult {
    let token = cx.caller.client().ok_or(NO_CONNECTION)?;
    let event = match kind {
        SubscriptionKind::Channel => "unsubscribe",
        SubscriptionKind::ShardChannel => "sunsubscribe",
        SubscriptionKind::Pattern => "punsubscribe",
    };
    if args.len() > 1 {
        for name in &args.words()[1..] {
            cx.sessions.unsubscribe(token, kind, name);
            confirm(cx, token, event, kind, Some(name));
        }
    } else {
        let names = cx.sessions.subscribed(token, kind);
        for name in &names {
            cx.sessions.unsubscribe(token, kind, name);
            confirm(cx, token, event, kind, Some(name));
        }
        if names.is_empty() {
            confirm(cx, token, event, kind, None);
        }
    }
    cx.sessions.end_subscriber(token);
    cx.follow_subscribers();
    Ok(())
}

/// Tells the client what it has subscribed to or unsubscribed from, and how much is left.
fn confirm(
    cx: &mut Context<'_>,
    token: Token,
    event: &str,
    kind: SubscriptionKind,
    name: Option<&[u8]>,
) {
    let count = cx.sessions.subscription_count(token, kind);
    let reply = push_to(cx, token);
    reply.push(3);
    reply.bulk(event.as_bytes());
    match name {
        Some(name) => reply.bulk(name),
        None => reply.null(),
    }
    reply.integer(count as i64);
}

/// Where a push to the caller goes: into its reply, or past it if replies are left out.
fn push_to<'a>(cx: &'a mut Context<'_>, token: Token) -> &'a mut Reply {
    let silent = SessionFlags::REPLY_OFF.union(SessionFlags::REPLY_SKIP);
    let is_silent = cx.sessions.get(token).is_some_and(|session| session.flags.intersects(silent));
    if is_silent && let Some(reply) = cx.sessions.write_to(token) {
        return reply;
    }
    cx.reply
}

#[cfg(test)]
mod tests {
    use crate::trial::Trial;

    #[test]
    fn every_name_is_confirmed_with_what_is_left() {
        let mut trial = Trial::of_client();
        assert_eq!(
            trial.run("SUBSCRIBE a b a"),
            "*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n\
             *3\r\n$9\r\nsubscribe\r\n$1\r\nb\r\n:2\r\n\
             *3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:2\r\n"
        );
        assert_eq!(trial.run("PSUBSCRIBE x*"), "*3\r\n$10\r\npsubscribe\r\n$2\r\nx*\r\n:3\r\n");
        assert_eq!(trial.run("SSUBSCRIBE a"), "*3\r\n$10\r\nssubscribe\r\n$1\r\na\r\n:1\r\n");
        assert_eq!(trial.run("UNSUBSCRIBE z"), "*3\r\n$11\r\nunsubscribe\r\n$1\r\nz\r\n:3\r\n");
        assert_eq!(
            trial.run("UNSUBSCRIBE"),
            "*3\r\n$11\r\nunsubscribe\r\n$1\r\na\r\n:2\r\n\
             *3\r\n$11\r\nunsubscribe\r\n$1\r\nb\r\n:1\r\n"
        );
        assert_eq!(trial.run("UNSUBSCRIBE"), "*3\r\n$11\r\nunsubscribe\r\n$-1\r\n:1\r\n");
        assert_eq!(trial.run("PUNSUBSCRIBE"), "*3\r\n$12\r\npunsubscribe\r\n$2\r\nx*\r\n:0\r\n");
        assert_eq!(trial.run("SUNSUBSCRIBE"), "*3\r\n$12\r\nsunsubscribe\r\n$1\r\na\r\n:0\r\n");
    }
}
