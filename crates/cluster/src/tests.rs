//! Rules that a network rarely shows: votes, epochs, bounds, what must be saved before what.

use std::fmt::Write as _;

use dunlin_slots::SlotSet;
use dunlin_stdx::time::{Monotonic, Now};

use crate::bus::{Body, Claim, Gossip, GossipEntry, Header, Message};
use crate::links::STRANGERS_MAX;
use crate::{
    Action, BusRequest, Cluster, ClusterConfig, DownReason, Facts, LinkId, NoKeys, NodeFlags,
    NodeId, Ports, PrimaryLink, Start,
};

/// Primaries `a`, `b` and `d` with slots, `c` a replica of `b`; `me` is one of them.
fn conf(me: char) -> String {
    let nodes =
        [('a', '-', "0-5460"), ('b', '-', "5461-10922"), ('c', 'b', ""), ('d', '-', "10923-16383")];
    let mut text = String::new();
    for (index, (id, primary, slots)) in nodes.into_iter().enumerate() {
        let role = if primary == '-' { "master" } else { "slave" };
        let role = if id == me { format!("myself,{role}") } else { role.to_owned() };
        let name = |id: char| id.to_string().repeat(if id == '-' { 1 } else { 40 });
        let (id, primary, epoch) = (name(id), name(primary), index + 1);
        writeln!(
            text,
            "{id} 10.0.0.{epoch}:7000@17000 {role} {primary} 0 0 {epoch} connected {slots}"
        )
        .unwrap();
    }
    text + "vars currentEpoch 9 lastVoteEpoch 8\n"
}

fn id(digit: char) -> NodeId {
    NodeId::parse(digit.to_string().repeat(40).as_bytes()).unwrap()
}

struct Bench {
    cluster: Cluster,
    now: Now,
    links: Vec<(LinkId, String)>,
    log: Vec<String>,
}

impl Bench {
    /// One of the nodes, linked to all others.
    fn new(me: char) -> Self {
        Self::of(&conf(me), ClusterConfig { node_timeout_ms: 1000, ..ClusterConfig::default() })
    }

    /// The node that a nodes.conf is of, linked to all others.
    fn of(conf: &str, config: ClusterConfig) -> Self {
        let now = Now { unix_us: 1_700_000_000_000_000, monotonic: Monotonic(1_000_000) };
        let start = Start {
            conf: Some(conf.as_bytes()),
            config,
            ports: Ports { tcp: 7000, tls: 0, bus: 17000 },
            seed: 1,
            now,
        };
        let cluster = Cluster::start(start).unwrap();
        let mut bench = Self { cluster, now, links: Vec::new(), log: Vec::new() };
        bench.turn(|_, _, _| {});
        bench.cron(1);
        for (link, _) in bench.links.clone() {
            bench.turn(|cluster, now, facts| cluster.connected(now, facts, link, ""));
        }
        bench
    }

    /// One turn; what is to be done in it.
    fn turn(&mut self, input: impl FnOnce(&mut Cluster, Now, &Facts<'_>)) -> Vec<Action> {
        let facts = Facts {
            offset: 7,
            primary_link: PrimaryLink::Up { last_interaction: self.now.monotonic },
            keys: &NoKeys,
        };
        input(&mut self.cluster, self.now, &facts);
        let mut actions: Vec<Action> = std::iter::from_fn(|| self.cluster.poll_action()).collect();
        self.cluster.before_sleep(self.now, &facts);
        actions.extend(std::iter::from_fn(|| self.cluster.poll_action()));
        for action in &actions {
            match action {
                Action::Bus(BusRequest::Connect { link, ip, .. }) => {
                    self.links.push((*link, ip.clone()));
                }
                Action::Log(line) => self.log.push(line.text.clone()),
                _ => {}
            }
        }
        actions
    }

    fn cron(&mut self, count: usize) {
        for _ in 0..count {
            self.now.unix_us += 100_000;
            self.now.monotonic = self.now.monotonic.plus_us(100_000);
            self.turn(|cluster, now, facts| cluster.run_cron(now, facts));
        }
    }

    fn header(&self, sender: char) -> Header {
        let node = self.cluster.node(&id(sender));
        Header {
            sender: id(sender),
            flags: node.map_or(NodeFlags::PRIMARY, |node| node.flags()),
            primary: node.and_then(|node| node.primary().copied()),
            current_epoch: 9,
            config_epoch: node.map_or(0, |node| self.cluster.shown_epoch(node)),
            offset: 7,
            slots: node.map_or_else(SlotSet::new, |node| {
                node.primary().and_then(|id| self.cluster.node(id)).unwrap_or(node).slots().clone()
            }),
            ip: node.map_or("", |node| &node.address().ip).into(),
            port: 7000,
            secondary_port: 0,
            bus_port: 17000,
            is_ok: true,
            is_paused: false,
            forces_vote: false,
        }
    }

    /// A message comes on a link of its own.
    fn hears(&mut self, header: Header, body: Body) -> Vec<Action> {
        let bytes = Message { header, body }.encode();
        self.turn(|cluster, now, facts| {
            let link = cluster.accepted(now, "10.0.0.77", "10.0.0.1");
            cluster.received(now, facts, link, &bytes);
        })
    }

    fn says(&self, text: &str) -> bool {
        self.log.iter().any(|line| line.contains(text))
    }
}

fn sent(actions: &[Action]) -> Vec<Body> {
    let messages = actions.iter().filter_map(|action| match action {
        Action::Bus(BusRequest::Send { bytes, .. }) => Some(Message::decode(bytes).unwrap().body),
        _ => None,
    });
    messages.collect()
}

fn gives_vote(actions: &[Action]) -> bool {
    sent(actions).contains(&Body::AuthAck)
}

#[test]
fn a_vote_is_on_disk_before_it_leaves() {
    let mut bench = Bench::new('a');
    bench.hears(bench.header('d'), Body::Fail(id('b')));
    let request = Header { current_epoch: 10, ..bench.header('c') };
    let actions = bench.hears(request, Body::AuthRequest);
    let saved = actions.iter().position(|action| {
        matches!(action, Action::SaveConf { text, fsync: true }
            if text.contains("currentEpoch 10 lastVoteEpoch 10"))
    });
    let left =
        actions.iter().position(|action| matches!(action, Action::Bus(BusRequest::Send { .. })));
    assert!(gives_vote(&actions) && saved.unwrap() < left.unwrap());
    assert!(bench.says("Failover auth granted to cccccccc"));
}

/// What others will say again is saved by the next run of the cron, however much of it there is; that a
/// slot has another owner at once.
#[test]
fn news_is_saved_soon_and_moves_of_slots_at_once() {
    let saved = |actions: &[Action]| {
        let saves = actions.iter().filter_map(|action| match action {
            Action::SaveConf { text, fsync: true } => Some(text.clone()),
            _ => None,
        });
        saves.collect::<Vec<String>>()
    };
    let mut bench = Bench::new('a');
    let stranger = GossipEntry {
        id: id('e'),
        ping_sent_s: 0,
        pong_received_s: 0,
        ip: "10.0.0.5".into(),
        port: 7000,
        bus_port: 17000,
        flags: NodeFlags::PRIMARY,
        secondary_port: 0,
    };
    let gossip = Gossip { entries: vec![stranger], extensions: None };
    let before = bench.cluster.version();
    let actions = bench.hears(bench.header('b'), Body::Pong(gossip));
    assert_eq!((saved(&actions).len(), bench.cluster.version()), (0, before + 1));
    let header = Header { config_epoch: 7, ..bench.header('d') };
    assert!(saved(&bench.hears(header, Body::Pong(Gossip::default()))).is_empty());
    let cron = |bench: &mut Bench| bench.turn(|cluster, now, facts| cluster.run_cron(now, facts));
    let texts = saved(&cron(&mut bench));
    let [text] = &texts[..] else { panic!("{} saves", texts.len()) };
    assert!(text.contains(id('e').as_str()) && text.contains(" 7 connected 10923-16383"), "{text}");
    assert!(saved(&cron(&mut bench)).is_empty());
    let mut header = Header { config_epoch: 8, ..bench.header('d') };
    header.slots.insert(0);
    let texts = saved(&bench.hears(header, Body::Pong(Gossip::default())));
    assert!(texts[0].contains(" 8 connected 0 10923-16383"), "{texts:?}");
    assert!(saved(&cron(&mut bench)).is_empty());
    // Whoever ends does not wait for the cron.
    let ends = |bench: &mut Bench| saved(&bench.turn(|cluster, now, _| cluster.ending(now)));
    assert!(ends(&mut bench).is_empty());
    let header = Header { config_epoch: 9, ..bench.header('d') };
    bench.hears(header, Body::Pong(Gossip::default()));
    assert!(ends(&mut bench)[0].contains(" 9 connected 0 10923-16383"));
}

#[test]
fn votes_that_are_denied() {
    let denied = |change: &dyn Fn(&mut Bench) -> Header, text: &str| {
        let mut bench = Bench::new('a');
        let header = change(&mut bench);
        let actions = bench.hears(header, Body::AuthRequest);
        assert!(!gives_vote(&actions), "{text}");
        assert!(bench.says(text), "{text}: {:?}", bench.log);
    };
    let fail = |bench: &mut Bench| {
        bench.hears(bench.header('d'), Body::Fail(id('b')));
    };
    denied(
        &|bench| {
            fail(bench);
            Header { current_epoch: 8, ..bench.header('c') }
        },
        "reqEpoch (8) < curEpoch(9)",
    );
    denied(&|bench| Header { current_epoch: 10, ..bench.header('c') }, "its master is up");
    denied(&|bench| Header { current_epoch: 10, ..bench.header('d') }, "it is a master node");
    denied(
        &|bench| {
            fail(bench);
            Header { current_epoch: 10, config_epoch: 1, ..bench.header('c') }
        },
        "slot 5461 epoch (2) > reqEpoch (1)",
    );
    denied(
        &|bench| {
            fail(bench);
            let first = Header { current_epoch: 10, ..bench.header('c') };
            bench.hears(first.clone(), Body::AuthRequest);
            first
        },
        "already voted for epoch 10",
    );
    denied(
        &|bench| {
            fail(bench);
            let first = Header { current_epoch: 10, ..bench.header('c') };
            bench.hears(first.clone(), Body::AuthRequest);
            Header { current_epoch: 11, ..first }
        },
        "can't vote about this master before 2000 milliseconds",
    );
}

/// After a restart the epoch of the last vote is remembered.
#[test]
fn no_second_vote_after_a_restart() {
    let mut bench = Bench::new('a');
    bench.cluster.epochs.last_vote = 9;
    bench.hears(bench.header('d'), Body::Fail(id('b')));
    let actions = bench.hears(bench.header('c'), Body::AuthRequest);
    assert!(!gives_vote(&actions) && bench.says("already voted for epoch 9"));
}

/// A replica's request for votes follows the news of the failure on every link, and each voter counts
/// once.
#[test]
fn an_election_step_by_step() {
    let mut bench = Bench::new('c');
    bench.hears(bench.header('a'), Body::Fail(id('b')));
    let mut asked = Vec::new();
    for _ in 0..6 {
        bench.now.monotonic = bench.now.monotonic.plus_us(100_000);
        asked.extend(bench.turn(|cluster, now, facts| cluster.run_cron(now, facts)));
    }
    let bodies = sent(&asked);
    let place = |wanted: &Body| bodies.iter().position(|body| body == wanted).unwrap();
    assert!(place(&Body::Fail(id('b'))) < place(&Body::AuthRequest));
    assert!(bench.says("Starting a failover election for epoch 10."));
    let vote = Header { current_epoch: 10, ..bench.header('a') };
    bench.hears(vote.clone(), Body::AuthAck);
    bench.hears(vote, Body::AuthAck);
    let old = Header { current_epoch: 9, ..bench.header('d') };
    bench.hears(old, Body::AuthAck);
    assert!(bench.cluster.myself().is_replica());
    let actions = bench.hears(Header { current_epoch: 10, ..bench.header('d') }, Body::AuthAck);
    assert!(bench.cluster.owns(5461) && bench.cluster.my_epoch() == 10);
    assert!(actions.contains(&Action::BecomePrimary));
    assert!(bench.says("configEpoch set to 10 after successful failover"));
}

/// The file of `c` in a cluster with one more replica.
fn conf_with_replica(replica: char, primary: char) -> String {
    let name = |id: char| id.to_string().repeat(40);
    let (replica, primary) = (name(replica), name(primary));
    let line = format!("{replica} 10.0.0.5:7000@17000 slave {primary} 0 0 1 connected\nvars");
    conf('c').replace("vars", &line)
}

/// Runs the cron for so long; whether votes are asked for meanwhile.
fn asks_within(bench: &mut Bench, ms: u64) -> bool {
    let mut asked = Vec::new();
    for _ in 0..ms / 50 {
        bench.now.monotonic = bench.now.monotonic.plus_us(50_000);
        asked.extend(bench.turn(|cluster, now, facts| cluster.run_cron(now, facts)));
    }
    sent(&asked).contains(&Body::AuthRequest)
}

#[test]
fn a_candidate_waits_for_offsets_and_lets_another_one_finish() {
    let config = ClusterConfig { node_timeout_ms: 5000, ..ClusterConfig::default() };
    let dying = || {
        let mut bench = Bench::of(&conf_with_replica('e', 'b'), config.clone());
        bench.hears(bench.header('a'), Body::Fail(id('b')));
        bench
    };
    // The other one has not said how much data it has; it may never do.
    let mut bench = dying();
    assert!(!asks_within(&mut bench, 450));
    assert!(asks_within(&mut bench, 200));
    let mut bench = dying();
    assert!(!asks_within(&mut bench, 450));
    bench.hears(Header { current_epoch: 10, ..bench.header('e') }, Body::AuthRequest);
    assert!(!asks_within(&mut bench, 250));
    assert!(asks_within(&mut bench, 150));
    assert!(bench.says("Starting a failover election for epoch 11."));
}

#[test]
fn a_candidate_asks_when_the_primaries_before_its_own_are_replaced() {
    let config = ClusterConfig { node_timeout_ms: 5000, ..ClusterConfig::default() };
    let mut bench = Bench::of(&conf_with_replica('e', 'a'), config);
    bench.hears(bench.header('d'), Body::Fail(id('a')));
    bench.hears(bench.header('d'), Body::Fail(id('b')));
    // Its turn comes after 300 ms.
    assert!(!asks_within(&mut bench, 250));
    let won = Header { primary: None, config_epoch: 10, current_epoch: 10, ..bench.header('e') };
    let actions = bench.hears(won, Body::Pong(Gossip::default()));
    assert!(sent(&actions).contains(&Body::AuthRequest));
    assert!(bench.says("Starting a failover election for epoch 11."));
}

#[test]
fn few_are_told_of_a_suspicion_in_a_large_cluster() {
    let mut text = String::new();
    for index in 0..40 {
        let flags = if index == 0 { "myself,master" } else { "master" };
        let (id, epoch, first) = (format!("{index:040x}"), index + 1, index * 400);
        let last = if index == 39 { 16_383 } else { first + 399 };
        let ip = format!("10.0.0.{epoch}");
        writeln!(text, "{id} {ip}:7000@17000 {flags} - 0 0 {epoch} connected {first}-{last}")
            .unwrap();
    }
    let text = text + "vars currentEpoch 40 lastVoteEpoch 0\n";
    let config = ClusterConfig { node_timeout_ms: 1000, ..ClusterConfig::default() };
    let mut bench = Bench::of(&text, config);
    assert_eq!(bench.cluster.size(), 40);
    // Number 30 is the only one that does not answer.
    let mut told = Vec::new();
    for _ in 0..15 {
        bench.now.monotonic = bench.now.monotonic.plus_us(100_000);
        for index in (1..40).filter(|index| *index != 30) {
            let node = bench.cluster.nodes().nth(index).unwrap();
            let header = Header {
                sender: *node.id(),
                config_epoch: node.config_epoch(),
                slots: node.slots().clone(),
                ip: node.address().ip.as_str().into(),
                ..bench.header('d')
            };
            bench.hears(header, Body::Pong(Gossip::default()));
        }
        let actions = bench.turn(|cluster, now, facts| {
            cluster.run_cron(now, facts);
        });
        let tells = |body: &&Body| {
            matches!(body, Body::Pong(gossip)
            if gossip.entries.iter().any(|entry| entry.flags.contains(NodeFlags::PFAIL)))
        };
        told.push(sent(&actions).iter().filter(tells).count());
    }
    assert_eq!(told.iter().filter(|count| **count > 0).collect::<Vec<_>>(), [&8]);
}

#[test]
fn old_data_does_not_stand_for_election() {
    let mut bench = Bench::new('c');
    bench.hears(bench.header('a'), Body::Fail(id('b')));
    bench.now.monotonic = bench.now.monotonic.plus_us(1_000_000);
    let facts = Facts { offset: 7, primary_link: PrimaryLink::Never, keys: &NoKeys };
    bench.cluster.run_cron(bench.now, &facts);
    bench.turn(|_, _, _| {});
    assert!(bench.says("Disconnected from master for longer than allowed."));
}

#[test]
fn stronger_claims_win_and_weaker_ones_are_corrected() {
    let mut bench = Bench::new('a');
    let mut weak = bench.header('b');
    weak.slots.insert(16383);
    let actions = bench.hears(weak.clone(), Body::Ping(Gossip::default()));
    assert_eq!(bench.cluster.owner(16383).unwrap().id(), &id('d'));
    let update = sent(&actions).into_iter().find_map(|body| match body {
        Body::Update(claim) => Some((claim.id, claim.config_epoch)),
        _ => None,
    });
    assert_eq!(update, Some((id('d'), 4)));
    let strong = Header { config_epoch: 5, current_epoch: 9, ..weak };
    bench.hears(strong, Body::Ping(Gossip::default()));
    assert_eq!(bench.cluster.owner(16383).unwrap().id(), &id('b'));
    // An UPDATE that is older than what is known changes nothing.
    let claim = Claim { id: id('d'), config_epoch: 4, slots: SlotSet::full() };
    bench.hears(bench.header('b'), Body::Update(claim));
    assert!(bench.cluster.owns(0));
    let claim = Claim { id: id('d'), config_epoch: 6, slots: SlotSet::full() };
    let actions = bench.hears(bench.header('b'), Body::Update(claim));
    assert_eq!(bench.cluster.myself().primary(), Some(&id('d')));
    let port = 7000;
    assert!(actions.contains(&Action::ReplicateFrom { ip: "10.0.0.4".into(), port }));
}

#[test]
fn equal_epochs_are_told_apart() {
    let mut bench = Bench::new('a');
    let header = Header { config_epoch: 1, ..bench.header('b') };
    bench.cluster.nodes.get_mut(bench.cluster.nodes.find(&id('b')).unwrap()).config_epoch = 1;
    bench.hears(header.clone(), Body::Ping(Gossip::default()));
    // It may have lost its slots meanwhile: with a new epoch it would win them back.
    assert_eq!(bench.cluster.down_reason(), Some(DownReason::Waiting));
    assert_eq!((bench.cluster.my_epoch(), bench.cluster.current_epoch()), (1, 9));
    bench.cluster.health.down = None;
    bench.hears(header, Body::Ping(Gossip::default()));
    assert_eq!((bench.cluster.my_epoch(), bench.cluster.current_epoch()), (10, 10));
}

/// Seed 2411 of the simulator: a primary settles a collision when it has just been cut off, and its
/// replica is elected in that same epoch.
#[test]
fn an_epoch_without_votes_yields() {
    for is_elected in [true, false] {
        let mut bench = Bench::new('a');
        bench.cluster.health.down = None;
        bench.cluster.epochs.current = 11;
        bench.cluster.nodes.myself_mut().config_epoch = 11;
        bench.cluster.epochs.settled = if is_elected { 0 } else { 11 };
        let slots = bench.cluster.myself().slots().clone();
        let claim = Header { config_epoch: 11, current_epoch: 11, slots, ..bench.header('d') };
        bench.hears(Header { primary: None, ..claim }, Body::Ping(Gossip::default()));
        assert_eq!(bench.cluster.owns(0), is_elected);
        assert_eq!(bench.cluster.my_epoch(), if is_elected { 12 } else { 11 });
    }
}

#[test]
fn nobody_is_suspected_before_the_timeout_nor_after_a_pause_of_this_node() {
    let mut bench = Bench::new('a');
    bench.cron(10);
    assert!(bench.cluster.nodes().all(|node| !node.is_suspected()));
    bench.cron(2);
    assert_eq!(bench.cluster.nodes().filter(|node| node.is_suspected()).count(), 3);
    assert_eq!(bench.cluster.down_reason(), Some(DownReason::Waiting));
    bench.cron(10);
    assert_eq!(bench.cluster.down_reason(), Some(DownReason::Minority));
    let mut bench = Bench::new('a');
    bench.now.monotonic = bench.now.monotonic.plus_us(60_000_000);
    bench.turn(|cluster, now, facts| cluster.run_cron(now, facts));
    assert!(bench.cluster.nodes().all(|node| !node.is_suspected()));
}

/// In a large cluster gossip makes most PINGs unnecessary: primaries that another one hears from are not
/// silent. Once it does not tell of them, they are.
#[test]
fn who_is_heard_of_is_not_silent() {
    const PRIMARIES: u16 = 60;
    let numbered = |number: u16| NodeId::parse(format!("{number:040x}").as_bytes()).unwrap();
    let mut conf = String::new();
    for number in 0..PRIMARIES {
        let (role, id) = (if number == 0 { "myself,master" } else { "master" }, numbered(number));
        let (first, last) = (number * 273, (number + 1) * 273 - 1);
        writeln!(
            conf,
            "{id} 10.0.1.{number}:7000@17000 {role} - 0 0 {} connected {first}-{last}",
            number + 1
        )
        .unwrap();
    }
    conf += "vars currentEpoch 99 lastVoteEpoch 0\n";
    let config = ClusterConfig {
        node_timeout_ms: 4000,
        require_full_coverage: false,
        ..ClusterConfig::default()
    };
    let mut bench = Bench::of(&conf, config);
    let header = |bench: &Bench, number: u16| {
        let node = bench.cluster.node(&numbered(number)).unwrap();
        let (sender, slots, config_epoch) = (*node.id(), node.slots().clone(), node.config_epoch());
        Header { sender, slots, config_epoch, ..bench.header('e') }
    };
    for (link, ip) in bench.links.clone() {
        let number = ip.rsplit('.').next().unwrap().parse().unwrap();
        let body = Body::Pong(Gossip::default());
        let bytes = Message { header: header(&bench, number), body }.encode();
        bench.turn(|cluster, now, facts| cluster.received(now, facts, link, &bytes));
    }
    for _ in 0..15 {
        let pong_received_s = u32::try_from(bench.now.unix_us / 1_000_000).unwrap();
        let entries = (2..PRIMARIES).map(|number| GossipEntry {
            id: numbered(number),
            ping_sent_s: 0,
            pong_received_s,
            ip: format!("10.0.1.{number}").as_str().into(),
            port: 7000,
            bus_port: 17000,
            flags: NodeFlags::PRIMARY,
            secondary_port: 0,
        });
        let gossip = Gossip { entries: entries.collect(), extensions: None };
        bench.hears(header(&bench, 1), Body::Pong(gossip));
        bench.cron(10);
        assert_ne!(bench.cluster.down_reason(), Some(DownReason::Minority), "{:?}", bench.now);
    }
    assert!(bench.cluster.is_ok());
    bench.cron(45);
    assert_eq!(bench.cluster.down_reason(), Some(DownReason::Minority));
}

/// Strangers may greet, and nothing else; what they can make this node keep is bounded.
#[test]
fn strangers() {
    let mut bench = Bench::new('a');
    bench.hears(bench.header('e'), Body::Fail(id('b')));
    bench.hears(
        bench.header('e'),
        Body::Update(Claim { id: id('b'), config_epoch: 99, slots: SlotSet::full() }),
    );
    let mut header = bench.header('e');
    header.current_epoch = 77;
    let actions = bench.hears(header, Body::Ping(Gossip::default()));
    assert!(matches!(sent(&actions)[..], [Body::Pong(_)]));
    assert_eq!(bench.cluster.nodes().count(), 4);
    assert_eq!(bench.cluster.current_epoch(), 9);
    assert!(bench.cluster.nodes().all(|node| !node.is_failed()));
    for port in 0..2000 {
        let header = Header { bus_port: 10_000 + port, ..bench.header('e') };
        bench.hears(header, Body::Meet(Gossip::default()));
    }
    assert_eq!(bench.cluster.nodes().filter(|node| node.is_in_handshake()).count(), 512);
    assert!(bench.cluster.links.iter().count() <= STRANGERS_MAX + 4);
    let absurd = Header { current_epoch: u64::MAX, ..bench.header('b') };
    bench.hears(absurd, Body::Ping(Gossip::default()));
    assert_eq!(bench.cluster.current_epoch(), 9);
}

/// However many nodes a peer makes up, not more are kept than there are slots.
#[test]
fn gossip_is_bounded() {
    let mut bench = Bench::new('a');
    let mut rng = fastrand::Rng::with_seed(3);
    for _ in 0..20 {
        let entries = (0..1000)
            .map(|_| GossipEntry {
                id: NodeId::random(&mut rng),
                ping_sent_s: 0,
                pong_received_s: u32::MAX,
                ip: "10.9.9.9".into(),
                port: 1,
                bus_port: 2,
                flags: NodeFlags::all(),
                secondary_port: 0,
            })
            .map(|entry| GossipEntry { flags: NodeFlags::PRIMARY, ..entry })
            .collect();
        bench.hears(bench.header('b'), Body::Pong(Gossip { entries, extensions: None }));
    }
    assert_eq!(bench.cluster.nodes().count(), usize::from(dunlin_slots::SLOTS));
}

#[test]
fn links_are_killed_and_messages_dropped_for_tests() {
    let mut bench = Bench::new('a');
    let id = id('b');
    let killed = bench.turn(|cluster, now, _| {
        let unknown = cluster.kill_links(now, b"x", None);
        assert_eq!(unknown, Err(crate::ClusterError::UnknownNode("x".to_owned())));
        cluster.kill_links(now, id.digits(), Some(crate::LinkDirection::From)).unwrap();
        cluster.kill_links(now, id.digits(), Some(crate::LinkDirection::To)).unwrap();
    });
    assert!(matches!(killed[..], [Action::Bus(BusRequest::Close { .. })]), "{killed:?}");
    let links = bench.links.len();
    bench.cron(1);
    assert_eq!(bench.links.len(), links + 1);
    bench.cluster.drop_messages(Some(crate::bus::MessageKind::Fail));
    bench.hears(bench.header('d'), Body::Fail(id));
    assert!(!bench.cluster.node(&id).unwrap().is_failed());
    assert!(bench.says("Dropping packet that matches debug drop filter"));
    assert!(!bench.says("reported node"));
    bench.cluster.drop_messages(None);
    bench.hears(bench.header('d'), Body::Fail(id));
    assert!(bench.cluster.node(&id).unwrap().is_failed());
}

#[test]
fn links_count_what_was_handed_out_until_the_server_says_what_is_unsent() {
    let mut bench = Bench::new('a');
    let links: Vec<_> = bench.links.iter().map(|(link, _)| *link).collect();
    links.iter().for_each(|link| bench.cluster.unsent(*link, 0));
    let before = bench.cluster.links_memory_bytes();
    bench.turn(|cluster, now, facts| {
        cluster.publish(now, facts, b"c", &[b'x'; 1000], false);
        assert!(cluster.links_memory_bytes() > before + 3 * 1000);
    });
    assert!(bench.cluster.links_memory_bytes() > before + 3 * 1000);
    links.iter().for_each(|link| bench.cluster.unsent(*link, 0));
    assert_eq!(bench.cluster.links_memory_bytes(), before);
}

#[test]
fn with_a_tiny_timeout_nodes_that_work_are_not_silent() {
    let mut bench = Bench::new('a');
    let config = ClusterConfig { node_timeout_ms: 1, ..bench.cluster.config().clone() };
    bench.turn(|cluster, now, _| cluster.set_config(now, config));
    for _ in 0..30 {
        for sender in ['b', 'd'] {
            bench.hears(bench.header(sender), Body::Pong(Gossip::default()));
        }
        bench.cron(1);
    }
    assert_eq!(bench.cluster.down_reason(), None);
}

#[test]
fn who_listens_to_the_channels_of_a_shard_is_told_when_its_slots_go() {
    let dropped = |actions: Vec<Action>| {
        let sets = actions.into_iter().filter_map(|action| match action {
            Action::DropSlotSubscriptions(slots) => Some(slots.to_string()),
            _ => None,
        });
        sets.collect::<Vec<_>>()
    };
    for me in ['b', 'c'] {
        let mut bench = Bench::new(me);
        let slots: SlotSet = "5460-5470".parse().unwrap();
        let deleted = bench.turn(|cluster, now, _| cluster.del_slots(now, &slots).unwrap());
        assert_eq!(dropped(deleted), ["5461-5470"], "{me}");
        let reset = bench.turn(|cluster, now, facts| {
            cluster.reset(now, facts, crate::ResetMode::Soft).unwrap();
        });
        assert_eq!(dropped(reset), ["5471-10922"], "{me}");
    }
}

#[test]
fn a_probe_says_once_whether_an_address_is_reached() {
    let probed = |actions: &[Action]| {
        let outcomes = actions.iter().filter_map(|action| match action {
            Action::Probed { link, port, outcome, .. } => Some((*link, *port, outcome.clone())),
            _ => None,
        });
        outcomes.collect::<Vec<_>>()
    };
    let begin = |bench: &mut Bench, port| {
        let mut begun = None;
        bench.turn(|cluster, now, _| begun = cluster.probe(now, "10.0.0.9", port).ok());
        begun
    };
    let mut bench = Bench::new('a');
    let (open, shut) = (begin(&mut bench, 1).unwrap(), begin(&mut bench, 2).unwrap());
    let links = bench.cluster.links().len();
    let actions = bench.turn(|cluster, now, facts| cluster.connected(now, facts, open, "10.0.0.9"));
    assert_eq!(probed(&actions), [(open, 1, Ok(()))]);
    assert!(actions.contains(&Action::Bus(BusRequest::Close { link: open })));
    assert!(sent(&actions).is_empty() && bench.cluster.links().len() == links);
    let actions = bench.turn(|cluster, now, _| cluster.connect_failed(now, shut, "No route"));
    assert_eq!(probed(&actions), [(shut, 2, Err("No route".to_owned()))]);
    // What is not answered ends by itself, and makes room.
    let silent: Vec<_> = (0..crate::probe::PROBES_MAX).map(|_| begin(&mut bench, 3)).collect();
    assert!(silent.iter().all(Option::is_some) && begin(&mut bench, 3).is_none());
    bench.cron(18);
    assert!(begin(&mut bench, 3).is_none());
    bench.now.monotonic = bench.now.monotonic.plus_us(100_000);
    let actions = bench.turn(|cluster, now, facts| cluster.run_cron(now, facts));
    let timed_out = Err("Connection timed out".to_owned());
    let expected: Vec<_> =
        silent.iter().flatten().map(|one| (*one, 3, timed_out.clone())).collect();
    let mut outcomes = probed(&actions);
    outcomes.sort();
    assert_eq!(outcomes, expected);
    let late = expected[0].0;
    let actions = bench.turn(|cluster, now, facts| cluster.connected(now, facts, late, "10.0.0.9"));
    assert!(probed(&actions).is_empty() && begin(&mut bench, 4).is_some());
}
