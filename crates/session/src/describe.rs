//! A client as one line of text: CLIENT LIST, CLIENT INFO and the log.
//!
//! Source: redis.io, CLIENT LIST; order of fields and letters checked against a 7.2.6 server.

use std::fmt::Write;

use dunlin_resp::Protocol;
use dunlin_stdx::time::Monotonic;

use crate::attribute::shown_attribute;
use crate::pubsub::SubscriptionKind;
use crate::session::{Closing, Session, SessionFlags, Waiting};
use crate::tracking::TrackingMode;
use crate::usage::Running;

const US_PER_SECOND: u64 = 1_000_000;

/// The line of a client, without its end. `running` is what the client's own command has in use,
/// if it is the one that asks.
#[must_use]
pub fn describe(session: &Session, running: Option<Running<'_>>, now: Monotonic) -> String {
    let usage = session.usage(running);
    let protocol = running.map_or(&session.reply, |running| running.reply).protocol;
    let seconds_since = |earlier| now.since_us(earlier) / US_PER_SECOND;
    let text = |bytes: &[u8]| String::from_utf8_lossy(shown_attribute(bytes)).into_owned();
    let subscribed =
        |kind| session.subscriptions().map_or(0, |subscriptions| subscriptions.len(kind));
    let mut line = String::with_capacity(400);
    let peer = &session.peer;
    let written = write!(
        line,
        "id={} addr={} laddr={} fd={} name={} age={} idle={} flags={} db={} \
         sub={} psub={} ssub={} multi={} \
         qbuf={} qbuf-free={} argv-mem={} multi-mem={} rbs={} rbp={} obl={} oll={} omem={} \
         tot-mem={} events={} cmd={} user={} redir={} resp={} lib-name={} lib-ver={}",
        session.id.0,
        peer.address,
        peer.local_address,
        peer.fd,
        text(&session.name),
        seconds_since(session.created),
        seconds_since(session.last_interaction),
        letters(session),
        session.db,
        subscribed(SubscriptionKind::Channel),
        subscribed(SubscriptionKind::Pattern),
        subscribed(SubscriptionKind::ShardChannel),
        session.transaction.as_ref().map_or(-1, |queued| queued.len() as i64),
        usage.query,
        usage.query_free,
        usage.arguments,
        usage.queued,
        usage.reply_buffer,
        session.reply_peak_bytes,
        usage.reply,
        usage.reply_chunks,
        usage.reply_queue,
        usage.total,
        events(session, usage.output() > 0 && running.is_none()),
        session.last_command.unwrap_or("NULL"),
        session.user(),
        session.redirection(),
        match protocol {
            Protocol::Resp2 => 2,
            Protocol::Resp3 => 3,
        },
        text(&session.lib_name),
        text(&session.lib_version),
    );
    debug_assert!(written.is_ok(), "writing to a string does not fail");
    line
}

/// The properties as letters, `N` for none.
fn letters(session: &Session) -> String {
    let has = |flag| session.flags.contains(flag);
    let tracking = session.tracking.as_deref();
    let letters: String = [
        ('O', has(SessionFlags::MONITOR)),
        ('S', has(SessionFlags::REPLICA)),
        ('M', has(SessionFlags::PRIMARY)),
        ('P', has(SessionFlags::PUBSUB)),
        ('x', has(SessionFlags::MULTI)),
        ('b', session.is_blocked()),
        ('t', tracking.is_some()),
        ('R', tracking.is_some_and(|own| own.is_broken)),
        ('B', tracking.is_some_and(|own| own.options.mode == TrackingMode::Broadcast)),
        ('d', has(SessionFlags::WATCHED_CHANGED)),
        ('c', session.closing == Closing::AfterReply),
        ('A', session.closing == Closing::Now),
        ('U', session.peer.is_unix),
        ('r', has(SessionFlags::READONLY)),
        ('e', has(SessionFlags::NO_EVICT)),
        ('T', has(SessionFlags::NO_TOUCH)),
    ]
    .into_iter()
    .filter_map(|(letter, set)| set.then_some(letter))
    .collect();
    if letters.is_empty() { "N".into() } else { letters }
}

/// What the event loop waits for: `r` for requests, `w` for room to send.
fn events(session: &Session, has_output: bool) -> &'static str {
    let waits = matches!(
        session.waiting(),
        Some(Waiting::ForOutput | Waiting::ForPause | Waiting::ForKeys)
    );
    let reads = session.is_open() && !waits;
    match (reads, has_output) {
        (true, true) => "rw",
        (true, false) => "r",
        (false, true) => "w",
        (false, false) => "",
    }
}

#[cfg(test)]
mod tests {
    use dunlin_stdx::time::Now;

    use super::*;
    use crate::session::Peer;
    use crate::sessions::ClientId;

    #[test]
    fn the_fields_are_those_of_7_2_in_order() {
        let peer = Peer {
            address: "127.0.0.1:5000".into(),
            local_address: "127.0.0.1:6379".into(),
            fd: 8,
            ..Peer::default()
        };
        let mut session = Session::new(ClientId(3), peer, Now::default());
        session.name = b"worker".as_slice().into();
        session.flags = SessionFlags::NO_EVICT | SessionFlags::NO_TOUCH;
        session.last_command = Some("client|list");
        let expected = format!(
            "id=3 addr=127.0.0.1:5000 laddr=127.0.0.1:6379 fd=8 name=worker age=2 idle=2 flags=eT \
             db=0 sub=0 psub=0 ssub=0 multi=-1 qbuf=0 qbuf-free=0 argv-mem=0 multi-mem=0 rbs=0 \
             rbp=0 obl=0 oll=0 omem=0 tot-mem={} events=r cmd=client|list user=default redir=-1 \
             resp=2 lib-name= lib-ver=",
            session.usage(None).total
        );
        assert_eq!(describe(&session, None, Monotonic(2_999_999)), expected);
    }

    #[test]
    fn letters_follow_the_state() {
        let mut session = Session::new(ClientId(1), Peer::default(), Now::default());
        assert_eq!(letters(&session), "N");
        session.flags = SessionFlags::REPLICA | SessionFlags::PUBSUB;
        assert_eq!(letters(&session), "SP");
        session.flags = SessionFlags::PRIMARY;
        assert_eq!(letters(&session), "M");
        session.flags = SessionFlags::MONITOR;
        session.closing = Closing::AfterReply;
        session.peer.is_unix = true;
        assert_eq!(letters(&session), "OcU");
        assert_eq!(events(&session, true), "w");
    }
}
