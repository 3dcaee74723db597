//! Subscribing, unsubscribing and publishing: where sessions and the registry of subscriptions meet.

use std::rc::Rc;

use slab::Slab;

use crate::pubsub::{Delivery, Encoded, Message, SubscriptionKind};
use crate::session::{Session, SessionFlags};
use crate::sessions::{Sessions, Token};

impl Sessions {
    /// Subscribes a session; false if it was subscribed already.
    pub fn subscribe(&mut self, token: Token, kind: SubscriptionKind, name: &[u8]) -> bool {
        let Some(session) = self.slab.get_mut(token.0) else { return false };
        session.flags |= SessionFlags::PUBSUB;
        let own = session.subscriptions.get_or_insert_default();
        self.pubsub.subscribe(token, own, kind, name)
    }

    /// Ends a subscription of a session; false if there was none.
    pub fn unsubscribe(&mut self, token: Token, kind: SubscriptionKind, name: &[u8]) -> bool {
        let Some(session) = self.slab.get_mut(token.0) else { return false };
        let Some(own) = &mut session.subscriptions else { return false };
        self.pubsub.unsubscribe(own, kind, name)
    }

    /// The session is a subscriber no longer, if nothing is left that it has subscribed to. To be
    /// called when it has unsubscribed from all that it wanted to.
    pub fn end_subscriber(&mut self, token: Token) {
        if let Some(session) = self.slab.get_mut(token.0)
            && session.subscriptions.as_ref().is_none_or(|own| own.is_empty())
        {
            session.flags -= SessionFlags::PUBSUB;
            session.subscriptions = None;
        }
    }

    /// What a session has subscribed to, the oldest first.
    #[must_use]
    pub fn subscribed(&self, token: Token, kind: SubscriptionKind) -> Vec<Rc<[u8]>> {
        let own = self.slab.get(token.0).and_then(|session| session.subscriptions());
        own.map(|own| own.names(kind)).unwrap_or_default()
    }

    /// The number of subscriptions that SUBSCRIBE and its kin answer.
    #[must_use]
    pub fn subscription_count(&self, token: Token, kind: SubscriptionKind) -> usize {
        let own = self.slab.get(token.0).and_then(|session| session.subscriptions());
        own.map_or(0, |own| own.count_beside(kind))
    }

    /// Ends all subscriptions to shard channels that another server serves now, and tells their
    /// subscribers. O(shard channels).
    pub fn end_shard_subscriptions(&mut self, is_elsewhere: impl Fn(&[u8]) -> bool) {
        let kind = SubscriptionKind::ShardChannel;
        let names = self.pubsub.names(kind).into_iter().filter(|name| is_elsewhere(name));
        let names: Vec<Box<[u8]>> = names.map(Into::into).collect();
        for name in names {
            let audience = self.pubsub.shard_audience(&name);
            let subscribers: Vec<Token> = audience.map_or(Vec::new(), |all| all.iter().collect());
            for token in subscribers {
                self.unsubscribe(token, kind, &name);
                let left = self.subscription_count(token, kind);
                if let Some(reply) = self.write_to(token) {
                    reply.push(3);
                    reply.bulk(b"sunsubscribe");
                    reply.bulk(&name);
                    reply.integer(left as i64);
                }
                self.end_subscriber(token);
            }
        }
    }

    /// Sends a message to everybody who listens; returns how often it was sent. O(receivers +
    /// patterns).
    pub fn publish(&mut self, message: &Message<'_>, delivery: Delivery) -> usize {
        let Self { slab, pubsub, written, .. } = self;
        let mut outbox = Outbox { slab, written, output_limit: delivery.output_limit };
        if delivery.to_shard {
            let Some(subscribers) = pubsub.shard_audience(message.channel) else { return 0 };
            return outbox.send(&Encoded::of(message, "smessage"), subscribers.iter());
        }
        let mut receivers = 0;
        for (pattern, subscribers) in pubsub.audience(message.channel) {
            let encoded = match pattern {
                None => Encoded::of(message, "message"),
                Some(pattern) => Encoded::of_pattern(message, pattern),
            };
            receivers += outbox.send(&encoded, subscribers.iter());
        }
        receivers
    }
}

/// Where messages are put.
struct Outbox<'a> {
    slab: &'a mut Slab<Session>,
    written: &'a mut Vec<Token>,
    output_limit: usize,
}

impl Outbox<'_> {
    /// Sends one message to some; returns to how many.
    fn send(&mut self, message: &Encoded, receivers: impl Iterator<Item = Token>) -> usize {
        let mut count = 0;
        for token in receivers {
            count += 1;
            let Some(session) = self.slab.get_mut(token.0) else { continue };
            if session.is_open() {
                session.reply.output.set_limit(self.output_limit);
                if session.push(|reply| message.write_to(reply)) {
                    self.written.push(token);
                }
            }
        }
        count
    }
}
