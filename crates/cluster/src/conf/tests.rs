//! Files of servers, files that were cut, nonsense.

use super::*;
use proptest::prelude::*;

const A: &str = "07c37dfeb235213a872192d90877d0cd55635b91";
const B: &str = "67ed2db8d677e59ec4a4cefb06858cf2a1a89fa1";
const C: &str = "292f8b365bb7edb5e285caf0b7e6ddc7265d2f4f";
const S: &str = "e7d1eecce10fd6bb5eb35b9f99a514335d9ba9ca";

/// The form of 7.2.
fn text() -> String {
    format!(
        "{A} 127.0.0.1:30004@31004,,tls-port=0,shard-id={S} slave {B} 0 1426238317239 4 connected\n\
         {B} 127.0.0.1:30002@31002,host-2,tls-port=7,nodename=two,shard-id={S} myself,master - 0 0 2 \
         connected 5461-10922 [77-<-{A}] [93->-{C}]\n\
         {C} :0@0,,tls-port=0,shard-id={S} master,fail?,noaddr,nofailover - 1426238318243 0 3 \
         disconnected 0 10923-16383\n\
         vars currentEpoch 6 lastVoteEpoch 4\n"
    )
}

fn parse(text: &str) -> Conf {
    Conf::parse(text.as_bytes(), false).unwrap().unwrap()
}

#[test]
fn the_form_of_7_2() {
    let conf = parse(&text());
    assert_eq!(conf.to_string(), text());
    assert_eq!((conf.current_epoch, conf.last_vote_epoch), (6, 4));
    let b = &conf.nodes[1];
    assert_eq!((b.address.port, b.address.tls_port, b.address.bus_port), (30002, 7, 31002));
    assert_eq!((b.hostname.as_str(), b.human_name.as_str()), ("host-2", "two"));
    assert_eq!(b.open[&93], OpenSlot::Migrating(NodeId::parse(C.as_bytes()).unwrap()));
    assert_eq!(b.open[&77], OpenSlot::Importing(NodeId::parse(A.as_bytes()).unwrap()));
    let line = format!("{C} :0@0 master,fail?,noaddr,nofailover - 1426238318243 0 3 disconnected");
    assert_eq!(conf.nodes[2].to_string(), format!("{line} 0 10923-16383"));
}

#[test]
fn older_forms_and_other_orders() {
    let seven = format!(
        "vars lastVoteEpoch 4 unknown x currentEpoch 6\n\n{A} ::1:7000@17000 myself,master - 0 0 1 connected\n\
         {B} 10.0.0.1:7001@17001,host slave {A} 0 1 1 connected\n{C} :0@0 handshake - 0 0 0 disconnected\n"
    );
    let conf = parse(&seven);
    assert_eq!(conf.nodes.len(), 2);
    assert_eq!(conf.nodes[0].address.ip, "::1");
    assert_eq!((conf.nodes[1].hostname.as_str(), conf.nodes[1].shard_id), ("host", None));
    let three = format!("{A} 10.0.0.1:7000 myself,master - 0 0 1 connected\nvars currentEpoch 1\n");
    assert_eq!(parse(&three).nodes[0].address.bus_port, 17000);
    let order = format!(
        "{A} 1.2.3.4:7000@1,,shard-id={S},tcp-port=9 myself,master - 0 0 1 connected\nvars x 1\n"
    );
    let address = &parse(&order).nodes[0].address;
    assert_eq!((address.port, address.tls_port), (9, 7000));
}

#[test]
fn a_file_that_is_cut_is_refused() {
    let text = text();
    assert_eq!(Conf::parse(b"", false), Ok(None));
    for len in 1..text.len() {
        assert!(Conf::parse(&text.as_bytes()[..len], false).is_err(), "cut at {len}");
    }
}

#[test]
fn nonsense_is_refused() {
    let text = text();
    for (from, to, reason) in [
        ("myself,", "", "not exactly one node is this one"),
        ("slave", "myself,slave", "not exactly one node is this one"),
        ("fail?,", "sick,", "a flag is not known"),
        (" 4 connected", " x connected", "an epoch is no number"),
        (" 4 connected", " 4 happy", "a link is neither connected nor disconnected"),
        ("0 10923-16383", "0 5461", "a slot has two owners"),
        ("10923-16383", "10923-16384", "a slot is none"),
        ("->-", "->", "an open slot has no direction"),
        ("tls-port=7", "mystery=7", "a field is not known"),
        ("tls-port=7", "tls-port=70000", "a port is no number"),
        ("host-2", "host 2", "a flag is not known"),
        ("currentEpoch 6", "currentEpoch", "a variable without a value"),
        ("currentEpoch 6", "currentEpoch -6", "an epoch is no number"),
        ("vars", "bars", "a line is too short"),
        ("slave", "slave,master", "a node is neither primary nor replica"),
    ] {
        let changed = text.replacen(from, to, 1);
        let error = Conf::parse(changed.as_bytes(), false).unwrap_err();
        assert_eq!(error.reason, reason, "{from} -> {to}");
    }
    let twice = text.replacen(A, C, 1);
    let error = Conf::parse(twice.as_bytes(), false).unwrap_err();
    assert_eq!(error.to_string(), "line 0: a node is there twice");
}

proptest! {
    /// Whatever is read can be written, and what is written is read to the same.
    #[test]
    fn hostile_texts(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4)) {
        let mut text = text().into_bytes();
        for (at, byte) in changes {
            let at = at.index(text.len());
            text[at] = byte;
        }
        if let Ok(Some(conf)) = Conf::parse(&text, false) {
            let again = Conf::parse(conf.to_string().as_bytes(), false);
            prop_assert_eq!(again.unwrap().unwrap().to_string(), conf.to_string());
        }
    }
}
