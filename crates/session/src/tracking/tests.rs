//! Tracking against plain lists of who has read what.

use dunlin_resp::Protocol;
use dunlin_stdx::time::Now;
use proptest::prelude::*;

use super::*;
use crate::{ClientId, Peer, Sessions, Token};

const KEYS: [&str; 7] = ["", "a", "ab", "abc", "b", "ba", "c"];
const PREFIXES: [&str; 4] = ["", "a", "ab", "b"];
const CLIENTS: usize = 4;

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

fn message(keys: &[&str]) -> String {
    let keys: String = keys.iter().map(|key| format!("${}\r\n{key}\r\n", key.len())).collect();
    let count = keys.matches('$').count();
    format!(">2\r\n$10\r\ninvalidate\r\n*{count}\r\n{keys}")
}

fn options(mode: TrackingMode, no_loop: bool) -> TrackingOptions {
    TrackingOptions { mode, redirect: None, no_loop }
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Start(usize, bool, bool),
    Stop(usize),
    Leave(usize),
    Read(usize, usize),
    Change(usize, Option<usize>),
    Flush,
    Limit(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let client = || 0..CLIENTS;
    prop_oneof![
        3 => (client(), any::<bool>(), any::<bool>())
            .prop_map(|(client, broadcast, no_loop)| Step::Start(client, broadcast, no_loop)),
        1 => client().prop_map(Step::Stop),
        1 => client().prop_map(Step::Leave),
        8 => (client(), 0..KEYS.len()).prop_map(|(client, key)| Step::Read(client, key)),
        8 => (0..KEYS.len(), prop::option::of(client()))
            .prop_map(|(key, client)| Step::Change(key, client)),
        1 => Just(Step::Flush),
        1 => (0..4_usize).prop_map(Step::Limit),
    ]
}

/// What a client asked for: broadcast, no loop.
type Mode = Option<(bool, bool)>;

/// Who tracks how, who has read what (clients that left included), and what was changed by whom
/// since the last broadcast.
#[derive(Default)]
struct Model {
    modes: [Mode; CLIENTS],
    read: Vec<(usize, ClientId)>,
    changed: Vec<(usize, Option<usize>)>,
}

impl Model {
    /// What a client that listens to prefixes is told at the end of the turn.
    fn broadcast(&self, client: usize) -> String {
        let Some((true, no_loop)) = self.modes[client] else { return String::new() };
        let mut told = String::new();
        for prefix in PREFIXES.iter().filter(|prefix| own_prefixes(client).contains(prefix)) {
            let mut keys: Vec<&str> = Vec::new();
            for (key, name) in KEYS.iter().enumerate() {
                let last = self.changed.iter().rev().find(|(changed, _)| *changed == key);
                if let Some((_, by)) = last
                    && name.starts_with(prefix)
                    && !(no_loop && *by == Some(client))
                {
                    keys.push(name);
                }
            }
            if !keys.is_empty() {
                told += &message(&keys);
            }
        }
        told
    }
}

/// Clients differ in their prefixes, and share some.
fn own_prefixes(client: usize) -> &'static [&'static str] {
    [&["a", "b"][..], &["ab"], &["b", "ab"], &[""]][client]
}

proptest! {
    #[test]
    fn behaves_as_a_plain_list(steps in prop::collection::vec(step(), 1..150)) {
        let (mut sessions, mut model) = (Sessions::default(), Model::default());
        let mut clients: Vec<Token> = (0..CLIENTS).map(|_| connect(&mut sessions)).collect();
        for step in steps {
            let id_of = |sessions: &Sessions, client: usize| {
                sessions.get(clients[client]).expect("open").id
            };
            let mut expected = vec![String::new(); CLIENTS];
            match step {
                Step::Start(client, broadcast, no_loop) => {
                    // A client may not switch between the two without stopping.
                    sessions.stop_tracking(clients[client]);
                    let mode =
                        if broadcast { TrackingMode::Broadcast } else { TrackingMode::Default };
                    let prefixes: Vec<&[u8]> =
                        own_prefixes(client).iter().map(|prefix| prefix.as_bytes()).collect();
                    let prefixes: &[&[u8]] = if broadcast { &prefixes } else { &[] };
                    sessions.start_tracking(clients[client], options(mode, no_loop), prefixes);
                    model.modes[client] = Some((broadcast, no_loop));
                }
                Step::Stop(client) => {
                    sessions.stop_tracking(clients[client]);
                    model.modes[client] = None;
                }
                Step::Leave(client) => {
                    sessions.remove(clients[client]);
                    clients[client] = connect(&mut sessions);
                    model.modes[client] = None;
                }
                Step::Read(client, key) => {
                    sessions.remember_keys(clients[client], [KEYS[key].as_bytes()]);
                    let read = (key, id_of(&sessions, client));
                    if matches!(model.modes[client], Some((false, _))) && !model.read.contains(&read)
                    {
                        model.read.push(read);
                    }
                }
                Step::Change(key, by) => {
                    let current = by.map(|client| clients[client]);
                    let modification = Modification { current, runs: true, by_command: true };
                    sessions.invalidate(KEYS[key].as_bytes(), modification);
                    for (client, expected) in expected.iter_mut().enumerate() {
                        let Some((false, no_loop)) = model.modes[client] else { continue };
                        let has_read = model.read.contains(&(key, id_of(&sessions, client)));
                        if has_read && !(no_loop && by == Some(client)) {
                            *expected = message(&[KEYS[key]]);
                        }
                    }
                    model.read.retain(|(read, _)| *read != key);
                    let any_prefix = |client: usize| {
                        matches!(model.modes[client], Some((true, _)))
                            && own_prefixes(client).iter().any(|p| KEYS[key].starts_with(p))
                    };
                    if (0..CLIENTS).any(any_prefix) {
                        model.changed.push((key, by));
                    }
                    if let Some(current) = current {
                        prop_assert!(take_output(&mut sessions, current).is_empty(), "too early");
                        sessions.send_pending(current);
                    }
                    prop_assert_eq!(sessions.tracking().has_broadcasts(), !model.changed.is_empty());
                    let broadcasts: Vec<String> =
                        (0..CLIENTS).map(|client| model.broadcast(client)).collect();
                    sessions.broadcast_invalidations();
                    model.changed.clear();
                    for (client, told) in broadcasts.into_iter().enumerate() {
                        expected[client] += &told;
                    }
                }
                Step::Flush => {
                    sessions.invalidate_all(None);
                    model.read.clear();
                    for (client, mode) in model.modes.iter().enumerate() {
                        if mode.is_some() {
                            expected[client] = ">2\r\n$10\r\ninvalidate\r\n_\r\n".to_owned();
                        }
                    }
                }
                Step::Limit(max) => {
                    let before = sessions.tracking().key_count();
                    sessions.limit_tracked_keys(max, None, || 12_345);
                    let after = sessions.tracking().key_count();
                    prop_assert_eq!(after, if max == 0 { before } else { before.min(max) });
                    // Which keys went is the table's choice.
                    let left: Vec<Vec<u8>> =
                        sessions.tracking.keys.entries().map(|(name, _)| name.to_vec()).collect();
                    let kept = |key: usize| left.iter().any(|name| name == KEYS[key].as_bytes());
                    for (key, name) in KEYS.iter().enumerate() {
                        if kept(key) {
                            continue;
                        }
                        for (client, expected) in expected.iter_mut().enumerate() {
                            let was_read = model.read.contains(&(key, id_of(&sessions, client)));
                            if was_read && matches!(model.modes[client], Some((false, _))) {
                                *expected += &message(&[name]);
                            }
                        }
                    }
                    model.read.retain(|(key, _)| kept(*key));
                    // They may come in any order.
                    for (client, &token) in clients.iter().enumerate() {
                        let told = take_output(&mut sessions, token);
                        prop_assert_eq!(told.len(), expected[client].len());
                        expected[client].clear();
                    }
                }
            }
            for (client, &token) in clients.iter().enumerate() {
                prop_assert_eq!(take_output(&mut sessions, token), expected[client].clone());
            }
            let mut keys: Vec<usize> = model.read.iter().map(|(key, _)| *key).collect();
            keys.sort_unstable();
            keys.dedup();
            prop_assert_eq!(sessions.tracking().key_count(), keys.len());
            prop_assert_eq!(sessions.tracking().item_count(), model.read.len());
            let tracking = model.modes.iter().flatten().count();
            prop_assert_eq!(sessions.tracking().clients(), tracking);
            let is_listened_to = |prefix: &&&str| {
                (0..CLIENTS).any(|client| {
                    matches!(model.modes[client], Some((true, _)))
                        && own_prefixes(client).contains(*prefix)
                })
            };
            let prefixes = PREFIXES.iter().filter(is_listened_to).count();
            prop_assert_eq!(sessions.tracking().prefix_count(), prefixes);
        }
    }
}

#[test]
fn a_redirection_ends_with_the_client_it_leads_to() {
    let mut sessions = Sessions::default();
    let [reader, receiver] = [(); 2].map(|()| connect(&mut sessions));
    sessions.get_mut(receiver).expect("open").reply.protocol = Protocol::Resp2;
    let redirect = Some(sessions.get(receiver).expect("open").id);
    let options = TrackingOptions { redirect, ..TrackingOptions::default() };
    sessions.start_tracking(reader, options, &[]);
    let change = |sessions: &mut Sessions| {
        sessions.remember_keys(reader, [b"k".as_slice()]);
        sessions.invalidate(b"k", Modification::default());
    };
    change(&mut sessions);
    assert_eq!(take_output(&mut sessions, receiver), "", "a client of RESP2 must subscribe");
    sessions.subscribe(receiver, crate::SubscriptionKind::Channel, b"__redis__:invalidate");
    change(&mut sessions);
    let expected = "*3\r\n$7\r\nmessage\r\n$20\r\n__redis__:invalidate\r\n*1\r\n$1\r\nk\r\n";
    assert_eq!(take_output(&mut sessions, receiver), expected);
    sessions.invalidate_all(None);
    let expected = "*3\r\n$7\r\nmessage\r\n$20\r\n__redis__:invalidate\r\n_\r\n";
    assert_eq!(take_output(&mut sessions, receiver), expected, "the null of who tracks");
    sessions.remove(receiver);
    change(&mut sessions);
    let expected = ">2\r\n$21\r\ntracking-redir-broken\r\n:2\r\n";
    assert_eq!(take_output(&mut sessions, reader), expected);
    assert!(sessions.get(reader).and_then(|s| s.tracking.as_ref()).expect("on").is_broken);
}

#[test]
fn options_decide_what_is_remembered() {
    let check = |mode, caching, expected: usize| {
        let mut sessions = Sessions::default();
        let token = connect(&mut sessions);
        sessions.start_tracking(token, options(mode, false), &[]);
        let session = sessions.get_mut(token).expect("open");
        session.tracking.as_mut().expect("on").caching = caching;
        sessions.remember_keys(token, [b"a".as_slice(), b"b", b"a"]);
        assert_eq!(sessions.tracking().item_count(), expected, "{mode:?} {caching}");
    };
    check(TrackingMode::Default, false, 2);
    check(TrackingMode::OptIn, false, 0);
    check(TrackingMode::OptIn, true, 2);
    check(TrackingMode::OptOut, false, 2);
    check(TrackingMode::OptOut, true, 0);
    check(TrackingMode::Broadcast, false, 0);
}

#[test]
fn prefixes_overlap_when_one_begins_with_the_other() {
    let mut sessions = Sessions::default();
    let token = connect(&mut sessions);
    let broadcast = options(TrackingMode::Broadcast, false);
    sessions.start_tracking(token, broadcast, &[b"foo", b"bar"]);
    let own = sessions.get(token).and_then(|session| session.tracking.as_ref()).expect("on");
    let check = |prefix: &str, expected: Option<&str>| {
        assert_eq!(own.overlapping(prefix.as_bytes()), expected.map(str::as_bytes), "{prefix}");
    };
    check("foo", Some("foo"));
    check("f", Some("foo"));
    check("food", Some("foo"));
    check("", Some("bar"));
    check("fob", None);
}
