//! The bus of a cluster and its nodes.conf.

use dunlin_cluster::bus::{FRAME_BYTES_MAX, FrameReader, Message};
use dunlin_cluster::conf::Conf;
use dunlin_cluster::{Cluster, ClusterConfig, Facts, NoKeys, Ports, PrimaryLink, Start};
use dunlin_stdx::time::{Monotonic, Now};

/// A replica of `a...`, which knows `b...` too: every kind of message finds somebody whom it concerns.
const CONF: &str = "\
cccccccccccccccccccccccccccccccccccccccc 10.0.0.3:7000@17000 myself,slave \
aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa 0 0 0 connected
aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa 10.0.0.1:7000@17000 master - 0 0 1 connected 0-5460
bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb 10.0.0.2:7000@17000 master - 0 0 2 connected 5461-16383
vars currentEpoch 2 lastVoteEpoch 0
";

/// The frames of a link, and whether it was given up.
fn frames(pieces: &[&[u8]]) -> (Vec<Vec<u8>>, bool) {
    let mut reader = FrameReader::new();
    let mut frames = Vec::new();
    for piece in pieces {
        let mut input = *piece;
        loop {
            match reader.next(&mut input, FRAME_BYTES_MAX) {
                Ok(Some(frame)) => frames.push(frame.to_vec()),
                Ok(None) => break,
                Err(_) => return (frames, true),
            }
        }
    }
    (frames, false)
}

/// A link in two pieces gives the frames of the whole; a message that is read can be written and read
/// again; a cluster takes whatever comes, and what it remembers then can be read.
///
/// # Panics
/// When that is not so.
pub fn cluster_bus(data: &[u8]) {
    let Some((&cut, bytes)) = data.split_first() else { return };
    let cut = usize::from(cut) * 16 % (bytes.len() + 1);
    let (whole, is_given_up) = frames(&[bytes]);
    let (first, second) = bytes.split_at(cut);
    assert_eq!(frames(&[first, second]), (whole.clone(), is_given_up), "cut at {cut}");
    for frame in whole {
        if let Ok(message) = Message::decode(&frame.into()) {
            assert_eq!(Message::decode(&message.encode()), Ok(message));
        }
    }
    let mut cluster = cluster();
    for turn in 0..3 {
        let now = now(turn);
        let facts = Facts { offset: 7, primary_link: PrimaryLink::Never, keys: &NoKeys };
        let link = cluster.accepted(now, "10.0.0.9", "10.0.0.3");
        cluster.received(now, &facts, link, first);
        cluster.received(now, &facts, link, second);
        cluster.run_cron(now, &facts);
        cluster.before_sleep(now, &facts);
        while let Some(action) = cluster.poll_action() {
            if let dunlin_cluster::Action::SaveConf { text, .. } = action {
                assert!(Conf::parse(text.as_bytes(), false).is_ok(), "{text}");
            }
        }
    }
}

fn now(turn: u64) -> Now {
    let us = 1_000_000 + turn * 20_000_000;
    Now { unix_us: 1_700_000_000_000_000 + us as i64, monotonic: Monotonic(us) }
}

fn cluster() -> Cluster {
    let start = Start {
        conf: Some(CONF.as_bytes()),
        config: ClusterConfig::default(),
        ports: Ports { tcp: 7000, tls: 0, bus: 17000 },
        seed: 1,
        now: now(0),
    };
    Cluster::start(start).expect("a nodes.conf")
}

/// A nodes.conf that is read can be written, and what is written is read to the same.
///
/// # Panics
/// When it does not.
pub fn nodes_conf(data: &[u8]) {
    let Ok(Some(conf)) = Conf::parse(data, false) else { return };
    let written = conf.to_string();
    let again = Conf::parse(written.as_bytes(), false).expect("a nodes.conf").expect("with nodes");
    assert_eq!(again.to_string(), written);
}
