//! The registry against a plain list of subscriptions.

use dunlin_resp::Protocol;
use dunlin_stdx::glob::{self, Case};
use dunlin_stdx::time::Now;
use proptest::prelude::*;

use super::*;
use crate::{ClientClass, Closing, Peer, Sessions};

const KINDS: [SubscriptionKind; 3] =
    [SubscriptionKind::Channel, SubscriptionKind::ShardChannel, SubscriptionKind::Pattern];

const NAMES: [&str; 6] = ["a", "ab", "b", "a*", "*", "[ab]"];

#[derive(Clone, Copy, Debug)]
enum Step {
    Subscribe(usize, usize, usize),
    Unsubscribe(usize, usize, usize),
    Publish(usize, bool),
    Leave(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let place = || (0..5_usize, 0..KINDS.len(), 0..NAMES.len());
    prop_oneof![
        4 => place().prop_map(|(client, kind, name)| Step::Subscribe(client, kind, name)),
        3 => place().prop_map(|(client, kind, name)| Step::Unsubscribe(client, kind, name)),
        2 => (0..NAMES.len(), any::<bool>()).prop_map(|(name, shard)| Step::Publish(name, shard)),
        1 => (0..5_usize).prop_map(Step::Leave),
    ]
}

/// Subscriptions in the order in which they were made: client, kind, name; and patterns in the order
/// in which they came to have subscribers.
#[derive(Default)]
struct Model(Vec<(usize, usize, usize)>, Vec<usize>);

impl Model {
    fn follow(&mut self) {
        let has = |pattern| self.0.iter().any(|&(_, kind, name)| (kind, name) == (2, pattern));
        self.1.retain(|&pattern| has(pattern));
        let new: Vec<usize> = (0..NAMES.len()).filter(|p| has(*p) && !self.1.contains(p)).collect();
        self.1.extend(new);
    }

    fn count(&self, wanted: impl Fn(usize, usize, usize) -> bool) -> usize {
        self.0.iter().filter(|&&(client, kind, name)| wanted(client, kind, name)).count()
    }

    /// Who receives a message, in order, and through what.
    fn receivers(&self, channel: usize, shard: bool) -> Vec<(usize, Option<&'static str>)> {
        let to = |wanted_kind: usize, wanted: usize, pattern: Option<&'static str>| {
            let of_it = self.0.iter().filter(move |&&(_, k, n)| (k, n) == (wanted_kind, wanted));
            of_it.map(move |&(client, _, _)| (client, pattern))
        };
        if shard {
            return to(1, channel, None).collect();
        }
        let mut receivers: Vec<_> = to(0, channel, None).collect();
        for &pattern in &self.1 {
            let text = NAMES[channel].as_bytes();
            if glob::matches(NAMES[pattern].as_bytes(), text, Case::Sensitive) {
                receivers.extend(to(2, pattern, Some(NAMES[pattern])));
            }
        }
        receivers
    }
}

fn connect(sessions: &mut Sessions) -> Token {
    let token = sessions.open(Peer::default(), Now::default());
    sessions.get_mut(token).expect("open").reply.protocol = Protocol::Resp3;
    token
}

fn take_output(sessions: &mut Sessions, token: Token) -> String {
    let output = &mut sessions.get_mut(token).expect("open").reply.output;
    let bytes = output.to_vec();
    output.advance(bytes.len());
    String::from_utf8(bytes).expect("text")
}

fn bulks(words: &[&str]) -> String {
    words.iter().map(|word| format!("${}\r\n{word}\r\n", word.len())).collect()
}

proptest! {
    #[test]
    fn behaves_as_a_plain_list(steps in prop::collection::vec(step(), 1..120)) {
        let (mut sessions, mut model) = (Sessions::default(), Model::default());
        let mut clients: Vec<Token> = (0..5).map(|_| connect(&mut sessions)).collect();
        for step in steps {
            match step {
                Step::Subscribe(client, kind, name) => {
                    let is_new = !model.0.contains(&(client, kind, name));
                    let word = NAMES[name].as_bytes();
                    prop_assert_eq!(sessions.subscribe(clients[client], KINDS[kind], word), is_new);
                    if is_new {
                        model.0.push((client, kind, name));
                    }
                }
                Step::Unsubscribe(client, kind, name) => {
                    let was_there = model.0.contains(&(client, kind, name));
                    let word = NAMES[name].as_bytes();
                    let left = sessions.unsubscribe(clients[client], KINDS[kind], word);
                    prop_assert_eq!(left, was_there);
                    sessions.end_subscriber(clients[client]);
                    model.0.retain(|&known| known != (client, kind, name));
                }
                Step::Publish(channel, shard) => {
                    let name = NAMES[channel];
                    let message = Message { channel: name.as_bytes(), content: b"x", shared: None };
                    let delivery = Delivery { to_shard: shard, output_limit: 0 };
                    let expected = model.receivers(channel, shard);
                    prop_assert_eq!(sessions.publish(&message, delivery), expected.len());
                    for (client, &token) in clients.iter().enumerate() {
                        let own = expected.iter().filter(|(receiver, _)| *receiver == client);
                        let expected: String = own.map(|(_, pattern)| match pattern {
                            None if shard => format!(">3\r\n{}", bulks(&["smessage", name, "x"])),
                            None => format!(">3\r\n{}", bulks(&["message", name, "x"])),
                            Some(p) => format!(">4\r\n{}", bulks(&["pmessage", p, name, "x"])),
                        }).collect();
                        prop_assert_eq!(take_output(&mut sessions, token), expected);
                    }
                }
                Step::Leave(client) => {
                    sessions.remove(clients[client]);
                    model.0.retain(|&(known, _, _)| known != client);
                    clients[client] = connect(&mut sessions);
                }
            }
            model.follow();
            for (kind, &subscription) in KINDS.iter().enumerate() {
                let mut names: Vec<usize> =
                    model.0.iter().filter(|s| s.1 == kind).map(|s| s.2).collect();
                names.sort_unstable();
                names.dedup();
                prop_assert_eq!(sessions.pubsub().len(subscription), names.len());
                for (name, text) in NAMES.iter().enumerate() {
                    let count = model.count(|_, k, n| (k, n) == (kind, name));
                    let subscribers = sessions.pubsub().subscribers(subscription, text.as_bytes());
                    prop_assert_eq!(subscribers, count);
                }
            }
            for (client, &token) in clients.iter().enumerate() {
                let is_subscriber = model.count(|c, _, _| c == client) > 0;
                let class = sessions.get(token).expect("open").class();
                prop_assert_eq!(class == ClientClass::Pubsub, is_subscriber);
            }
        }
    }
}

#[test]
fn names_come_in_order() {
    let mut sessions = Sessions::default();
    let token = connect(&mut sessions);
    for name in [b"c", b"a", b"b"] {
        sessions.subscribe(token, SubscriptionKind::Channel, name);
    }
    let own: Vec<_> = sessions.subscribed(token, SubscriptionKind::Channel);
    assert_eq!(own.concat(), b"cab");
    assert_eq!(sessions.pubsub().names(SubscriptionKind::Channel).concat(), b"abc");
    assert_eq!(sessions.subscription_count(token, SubscriptionKind::Pattern), 3);
    assert_eq!(sessions.subscription_count(token, SubscriptionKind::ShardChannel), 0);
}

#[test]
fn a_client_about_to_go_is_counted_but_not_written_to() {
    let mut sessions = Sessions::default();
    let token = connect(&mut sessions);
    sessions.subscribe(token, SubscriptionKind::Channel, b"c");
    sessions.close(token, Closing::Now);
    let message = Message { channel: b"c", content: b"x", shared: None };
    assert_eq!(sessions.publish(&message, Delivery::default()), 1);
    assert_eq!(take_output(&mut sessions, token), "");
}

#[test]
fn a_subscriber_who_does_not_read_is_named_for_each_chunk_and_cut_off_at_the_limit() {
    let mut sessions = Sessions::default();
    let token = connect(&mut sessions);
    sessions.subscribe(token, SubscriptionKind::Channel, b"c");
    let message = Message { channel: b"c", content: &[b'x'; 1000], shared: None };
    let delivery = Delivery { to_shard: false, output_limit: 100_000 };
    for _ in 0..200 {
        sessions.publish(&message, delivery);
    }
    let output = &sessions.get(token).expect("open").reply.output;
    assert!(output.has_overflowed() && output.memory_bytes() < 40_000);
    let named = std::iter::from_fn(|| sessions.next_written()).count();
    assert!((3..=10).contains(&named), "{named}");
}

#[test]
fn leaving_a_crowded_channel_is_cheap() {
    let mut sessions = Sessions::default();
    let tokens: Vec<Token> = (0..20_000).map(|_| connect(&mut sessions)).collect();
    for &token in &tokens {
        sessions.subscribe(token, SubscriptionKind::Channel, b"crowd");
    }
    for &token in tokens.iter().rev().step_by(2).chain(tokens.iter().step_by(2)) {
        sessions.remove(token);
    }
    assert_eq!(sessions.pubsub().len(SubscriptionKind::Channel), 0);
}
