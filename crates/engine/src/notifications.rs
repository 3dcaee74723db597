//! Keyspace notifications: what happened to keys, as messages on channels named after the key and
//! after the event.
//!
//! Events are gathered while a command runs and published when it has ended, in the order in which
//! they happened. Nothing is gathered while nobody is subscribed to anything.
//!
//! Source: redis.io, "Redis keyspace notifications".

use dunlin_commands::{KeyEvent, KeyEventClass};
use dunlin_session::{Delivery, Message};

use crate::engine::Engine;

impl Engine {
    /// Publishes the events gathered so far.
    #[inline]
    pub(crate) fn publish_events(&mut self) {
        if self.effects.has_events() {
            self.publish_all_events();
        }
    }

    #[cold]
    fn publish_all_events(&mut self) {
        let channels = self.effects.event_channels();
        let limit = self.config.network.client_output_buffer_limit.pubsub.hard_bytes;
        let delivery = Delivery { to_shard: false, output_limit: limit as usize };
        let mut channel = Vec::new();
        for event in self.effects.take_events() {
            if !self.effects.wants(event.class) {
                continue;
            }
            let KeyEvent { name, key, .. } = &event;
            let name = name.as_bytes();
            for (kind, prefix, subject, content) in [
                (KeyEventClass::KEYSPACE, "keyspace", &**key, name),
                (KeyEventClass::KEYEVENT, "keyevent", name, &**key),
            ] {
                if channels.contains(kind) {
                    channel.clear();
                    channel.extend_from_slice(format!("__{prefix}@{}__:", event.db).as_bytes());
                    channel.extend_from_slice(subject);
                    let message = Message { channel: &channel, content, shared: None };
                    self.sessions.publish(&message, delivery);
                }
            }
        }
    }
}
