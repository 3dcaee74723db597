//! Messages byte by byte, what is refused, and what holds of all of them.

use super::*;
use crate::bus::{Claim, Extension, Gossip, GossipEntry, ModuleMessage, Publication};
use crate::flags::NodeFlags;
use crate::id::NodeId;
use dunlin_slots::SlotSet;
use proptest::prelude::*;

fn id(digit: u8) -> NodeId {
    NodeId::parse(&[digit; 40]).unwrap()
}

fn header() -> Header {
    Header {
        sender: id(b'a'),
        flags: NodeFlags::PRIMARY | NodeFlags::MYSELF | NodeFlags::MIGRATE_TO,
        primary: None,
        current_epoch: 0x0102_0304_0506_0708,
        config_epoch: 6,
        offset: 1000,
        slots: [0, 9, 16383].into_iter().collect(),
        ip: "10.1.2.3".into(),
        port: 7000,
        secondary_port: 7100,
        bus_port: 17000,
        is_ok: true,
        is_paused: false,
        forces_vote: false,
    }
}

fn entry(digit: u8) -> GossipEntry {
    GossipEntry {
        id: id(digit),
        ping_sent_s: 3,
        pong_received_s: 4,
        ip: "::1".into(),
        port: 1,
        bus_port: 2,
        flags: NodeFlags::REPLICA,
        secondary_port: 5,
    }
}

/// Each field stands where the table says, with gossip and extensions behind.
#[test]
fn a_pong_byte_by_byte() {
    let gossip = Gossip {
        entries: vec![entry(b'b'), entry(b'c')],
        extensions: Some(vec![Extension::Hostname("host-1".into()), Extension::ShardId(id(b'd'))]),
    };
    let bytes = Message { header: header(), body: Body::Pong(gossip) }.encode();
    assert_eq!(bytes.len(), 2256 + 2 * 104 + 16 + 48);
    let expected: [(usize, &[u8]); 21] = [
        (0, b"RCmb\0\0\x09\xe0"),
        (8, &[0, 1, 0x1b, 0x58, 0, 1, 0, 2]),
        (16, &[1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 0, 0, 0, 0, 6]),
        (32, &[0, 0, 0, 0, 0, 0, 3, 0xe8]),
        (40, &[b'a'; 40]),
        (80, &[1, 2, 0]),
        (2127, &[128]),
        (2128, &[0; 40]),
        (2168, b"10.1.2.3\0"),
        (2214, &[0, 2]),
        (2216, &[0; 30]),
        (2246, &[0x1b, 0xbc, 0x42, 0x68, 1, 17, 0]),
        (2253, &[4, 0, 0]),
        (2256, &[b'b'; 40]),
        (2296, &[0, 0, 0, 3, 0, 0, 0, 4]),
        (2304, b"::1\0"),
        (2350, &[0, 1, 0, 2, 0, 2, 0, 5, 0, 0]),
        (2360, &[b'c'; 40]),
        (2464, &[0, 0, 0, 16, 0, 0, 0, 0]),
        (2472, b"host-1\0\0"),
        (2480, &[0, 0, 0, 48, 0, 3, 0, 0]),
    ];
    for (at, part) in expected {
        assert_eq!(&bytes[at..at + part.len()], part, "at {at}");
    }
    assert_eq!(&bytes[2488..], &[b'd'; 40]);
}

#[test]
fn lengths_of_the_others() {
    let publication = Publication { channel: "news".into(), message: "hello".into() };
    let claim = Claim { id: id(b'b'), config_epoch: 7, slots: SlotSet::full() };
    let module = ModuleMessage { id: [9; 8], kind: 3, payload: "xyz".into() };
    for (body, len) in [
        (Body::Fail(id(b'b')), 2296),
        (Body::Publish(publication.clone()), 2273),
        (Body::PublishShard(publication), 2273),
        (Body::AuthRequest, 2256),
        (Body::AuthAck, 2256),
        (Body::ManualFailoverStart, 2256),
        (Body::Update(claim), 4352),
        (Body::Module(module), 2272),
    ] {
        let message = Message { header: header(), body };
        let bytes = message.encode();
        assert_eq!(bytes.len(), len);
        assert_eq!(usize::from(bytes[13]), message.body.kind() as usize);
        assert_eq!(Message::decode(&bytes), Ok(message));
    }
}

/// What a hand-made sender was answered by a real server.
#[test]
fn probes() {
    let ping = |extensions| {
        let body = Body::Ping(Gossip { entries: vec![entry(b'b')], extensions });
        Message { header: header(), body }.encode().to_vec()
    };
    let shard = || Some(vec![Extension::ShardId(id(b'd'))]);
    let verdict = |mut bytes: Vec<u8>| {
        let len = (bytes.len() as u32).to_be_bytes();
        bytes[4..8].copy_from_slice(&len);
        Message::decode(&bytes.into()).map(|_| ()).map_err(|refused| refused.refusal)
    };
    assert_eq!(verdict(ping(None)), Ok(()));
    assert_eq!(verdict(ping(Some(Vec::new()))), Ok(()));
    assert_eq!(verdict(ping(shard())), Ok(()));
    let changed = |mut bytes: Vec<u8>, at: usize, byte| {
        bytes[at] = byte;
        bytes
    };
    assert_eq!(verdict(changed(ping(shard()), 2253, 0)), Err(Refusal::Length));
    assert_eq!(verdict([ping(None), vec![0; 8]].concat()), Err(Refusal::Length));
    assert_eq!(verdict([ping(shard()), vec![0; 8]].concat()), Err(Refusal::Length));
    assert_eq!(verdict(changed(ping(shard()), 2256 + 104 + 3, 47)), Err(Refusal::Extension));
    assert_eq!(verdict(changed(ping(shard()), 2256 + 104 + 3, 56)), Err(Refusal::Extension));
    assert_eq!(verdict(changed(ping(shard()), 2256 + 104 + 3, 0)), Err(Refusal::Extension));
    assert_eq!(verdict(changed(ping(shard()), 2256 + 104 + 5, 9)), Ok(()));
    assert_eq!(verdict(changed(ping(None), 9, 2)), Err(Refusal::Version));
    assert_eq!(verdict(changed(ping(None), 13, 11)), Err(Refusal::Kind));
    assert_eq!(verdict(changed(ping(None), 13, 3)), Err(Refusal::Length));
    assert_eq!(verdict(changed(ping(None), 15, 2)), Err(Refusal::Length));
    assert_eq!(verdict(changed(ping(None), 40, b'G')), Err(Refusal::Id));
    assert_eq!(verdict(changed(ping(None), 2128, b'a')), Err(Refusal::Id));
    assert_eq!(verdict(changed(ping(None), 2168, b'\n')), Err(Refusal::Address));
    assert_eq!(verdict(changed(ping(None), 2256 + 48, b' ')), Err(Refusal::Address));
}

#[test]
fn names_that_cannot_be_written_are_none() {
    let named = |name: &str| {
        let extensions = Some(vec![Extension::HumanName(name.into())]);
        let body = Body::Ping(Gossip { entries: Vec::new(), extensions });
        let bytes = Message { header: header(), body }.encode();
        let Body::Ping(gossip) = Message::decode(&bytes).unwrap().body else { panic!() };
        gossip.extensions.unwrap().remove(0)
    };
    assert_eq!(named("node-1"), Extension::HumanName("node-1".into()));
    for name in ["a b", "a,b", "a\nb", "a=b", "é"] {
        assert_eq!(named(name), Extension::HumanName(String::new()), "{name:?}");
    }
}

fn ids() -> impl Strategy<Value = NodeId> {
    any::<u64>().prop_map(|seed| NodeId::random(&mut fastrand::Rng::with_seed(seed)))
}

fn slot_sets() -> impl Strategy<Value = SlotSet> {
    prop::collection::vec(0..16384u16, 0..20).prop_map(|slots| slots.into_iter().collect())
}

fn headers() -> impl Strategy<Value = Header> {
    let numbers = (any::<[u64; 3]>(), any::<[u16; 3]>(), any::<[bool; 3]>(), 0..1024u16);
    let ips = prop_oneof![Just(String::new()), "[0-9.:]{1,45}"];
    (ids(), prop::option::of(ids()), slot_sets(), ips, numbers).prop_map(
        |(sender, primary, slots, ip, (epochs, ports, flags, node))| Header {
            sender,
            flags: NodeFlags::from_bits_truncate(node),
            primary,
            current_epoch: epochs[0],
            config_epoch: epochs[1],
            offset: epochs[2],
            slots,
            ip: ip.as_str().into(),
            port: ports[0],
            secondary_port: ports[1],
            bus_port: ports[2],
            is_ok: flags[0],
            is_paused: flags[1],
            forces_vote: flags[2],
        },
    )
}

fn extensions() -> impl Strategy<Value = Extension> {
    prop_oneof![
        "[a-z0-9.-]{0,40}".prop_map(Extension::Hostname),
        "[a-z0-9_-]{0,40}".prop_map(Extension::HumanName),
        (ids(), any::<u64>()).prop_map(|(id, seconds)| Extension::Forgotten { id, seconds }),
        ids().prop_map(Extension::ShardId),
        (4..u16::MAX).prop_map(Extension::Unknown),
    ]
}

fn gossips() -> impl Strategy<Value = Gossip> {
    let entries = (ids(), any::<[u32; 2]>(), "[0-9.:]{0,45}", any::<[u16; 3]>(), 0..1024u16)
        .prop_map(|(id, times, ip, ports, flags)| GossipEntry {
            id,
            ping_sent_s: times[0],
            pong_received_s: times[1],
            ip: ip.as_str().into(),
            port: ports[0],
            bus_port: ports[1],
            flags: NodeFlags::from_bits_truncate(flags),
            secondary_port: ports[2],
        });
    let extensions = prop::option::of(prop::collection::vec(extensions(), 0..4));
    (prop::collection::vec(entries, 0..4), extensions)
        .prop_map(|(entries, extensions)| Gossip { entries, extensions })
}

fn bodies() -> impl Strategy<Value = Body> {
    let bytes = || prop::collection::vec(any::<u8>(), 0..50).prop_map(bytes::Bytes::from);
    let publications =
        move || (bytes(), bytes()).prop_map(|(channel, message)| Publication { channel, message });
    prop_oneof![
        gossips().prop_map(Body::Ping),
        gossips().prop_map(Body::Pong),
        gossips().prop_map(Body::Meet),
        ids().prop_map(Body::Fail),
        publications().prop_map(Body::Publish),
        publications().prop_map(Body::PublishShard),
        Just(Body::AuthRequest),
        Just(Body::AuthAck),
        Just(Body::ManualFailoverStart),
        (ids(), any::<u64>(), slot_sets()).prop_map(|(id, config_epoch, slots)| {
            Body::Update(Claim { id, config_epoch, slots })
        }),
        (any::<[u8; 8]>(), any::<u8>(), bytes())
            .prop_map(|(id, kind, payload)| { Body::Module(ModuleMessage { id, kind, payload }) }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn round_trip_and_truncation(header in headers(), body in bodies()) {
        let message = Message { header, body };
        let bytes = message.encode();
        prop_assert_eq!(Message::decode(&bytes), Ok(message));
        for len in (0..64).chain(HEADER_BYTES - 2..bytes.len()) {
            // Also with a length that agrees with the cut.
            prop_assert!(Message::decode(&bytes.slice(..len)).is_err());
            let mut cut = bytes[..len].to_vec();
            if len >= 8 {
                cut[4..8].copy_from_slice(&(len as u32).to_be_bytes());
            }
            prop_assert!(Message::decode(&cut.into()).is_err(), "cut at {}", len);
        }
    }

    #[test]
    fn hostile_bytes(header in headers(), body in bodies(), changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..20)) {
        let mut bytes = Message { header, body }.encode().to_vec();
        for (at, byte) in changes {
            let at = at.index(bytes.len() - 8) + 8;
            bytes[at] = byte;
        }
        if let Ok(message) = Message::decode(&bytes.into()) {
            prop_assert_eq!(Message::decode(&message.encode()), Ok(message));
        }
    }
}
