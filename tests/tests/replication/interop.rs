//! A real Redis as the primary, as the replica, and in the middle: equal data after a load.

use dunlin_testkit::{Client, DEADLINE, Server, ServerBuilder, wait_for};

use crate::dataset::fill;
use crate::load::Load;
use crate::nodes::{
    assert_replicated, field, node, number, reference, replica_of, wait_in_sync, wait_until_up,
};

/// Who is the primary, who the replica.
fn directions() -> [(&'static str, ServerBuilder, ServerBuilder); 2] {
    [("ours to theirs", node(), reference()), ("theirs to ours", reference(), node())]
}

/// A primary with data of every type.
#[track_caller]
fn filled(builder: ServerBuilder) -> Server {
    let primary = builder.start();
    fill(&mut primary.client());
    primary
}

/// Snapshots over sockets and through files, into files and into memory, while clients write.
#[test]
fn a_full_synchronisation_under_load() {
    for diskless in ["yes", "no"] {
        for load in ["disabled", "on-empty-db", "swapdb"] {
            for (direction, primary, replica) in directions() {
                let what = format!("{direction}, diskless {diskless}, load {load}");
                let primary = filled(primary.config(&format!("repl-diskless-sync {diskless}")));
                let load_on_primary = Load::start(&primary);
                let replica =
                    replica_of(&primary, replica.config(&format!("repl-diskless-load {load}")));
                load_on_primary.wait_for_more(1000);
                load_on_primary.stop();
                assert_replicated(&primary, &replica, &what);
                assert_eq!(number(&primary, "sync_full"), 1, "{what}\n{}", primary.log());
            }
        }
    }
}

#[test]
fn chains_under_load() {
    let chains = [
        ("theirs, ours, theirs", reference(), node(), reference()),
        ("ours, theirs, ours", node(), reference(), node()),
        ("ours, ours, ours", node(), node(), node()),
    ];
    for (what, first, second, third) in chains {
        let first = filled(first);
        let load = Load::start(&first);
        let second = replica_of(&first, second);
        let third = replica_of(&second, third);
        load.wait_for_more(1000);
        // The link in the middle breaks and comes back: nothing is copied anew.
        let kill = "CLIENT KILL TYPE master";
        assert_eq!(second.client().show(kill), "1", "{what}");
        load.wait_for_more(1000);
        load.stop();
        wait_until_up(&second);
        assert_replicated(&first, &second, what);
        assert_replicated(&first, &third, what);
        assert_eq!(field(&first, "master_replid"), field(&third, "master_replid"), "{what}");
        assert_eq!(number(&first, "sync_full"), 1, "{what}\n{}", first.log());
        assert_eq!(number(&second, "sync_full"), 1, "{what}\n{}", second.log());
    }
}

/// The stream after a break, in both directions.
#[test]
fn a_partial_synchronisation_under_load() {
    for (direction, primary, replica) in directions() {
        let primary = filled(primary.config("repl-backlog-size 64mb"));
        let replica = replica_of(&primary, replica);
        let load = Load::start(&primary);
        for round in 1..=3 {
            assert_eq!(replica.client().show("CLIENT KILL TYPE master"), "1", "{direction}");
            load.wait_for_more(1000);
            wait_for("the link to be back", DEADLINE, || {
                number(&primary, "sync_partial_ok") == round
            });
            wait_until_up(&replica);
        }
        load.stop();
        assert_replicated(&primary, &replica, direction);
        assert_eq!(number(&primary, "sync_full"), 1, "{direction}");
    }
}

/// Keys expire at the primary only; the replica hides them until it is told.
#[test]
fn expiry_is_the_primarys_affair() {
    for (direction, primary, replica) in directions() {
        let primary = primary.start();
        let replica = replica_of(&primary, replica);
        let (mut of_primary, mut of_replica) = (primary.client(), replica.client());
        // The primary does not look by itself.
        assert_eq!(of_primary.show("DEBUG SET-ACTIVE-EXPIRE 0"), "OK");
        assert_eq!(of_primary.show("SET k v PX 20"), "OK");
        wait_in_sync(&primary, &replica);
        wait_for("the deadline", DEADLINE, || of_replica.show("GET k") == "(nil)");
        assert_eq!(of_replica.show("DBSIZE"), "1", "{direction}: it is still there");
        assert_eq!(of_replica.show("EXISTS k"), "0", "{direction}");
        assert_eq!(number(&replica, "expired_keys"), 0, "{direction}");
        // It looks because somebody asks.
        wait_for("the primary's clock", DEADLINE, || of_primary.show("GET k") == "(nil)");
        wait_for("DEL", DEADLINE, || of_replica.show("DBSIZE") == "0");
        assert_replicated(&primary, &replica, direction);
    }
}

#[test]
fn transactions_pops_and_messages() {
    for (direction, primary, replica) in directions() {
        let primary = primary.start();
        let replica = replica_of(&primary, replica);
        let mut subscriber = replica.client();
        subscriber.cmd("SUBSCRIBE news");
        let mut client = primary.client();
        let mut waiting: Vec<Client> = [
            "BLPOP list 0",
            "BRPOPLPUSH list moved 0",
            "BLMPOP 0 1 list RIGHT COUNT 2",
            "BZPOPMIN zset 0",
            "BZMPOP 0 1 zset MAX",
        ]
        .iter()
        .map(|line| {
            let mut waiting = primary.client();
            waiting.send(format!("{line}\r\n").as_bytes()).expect("sent");
            waiting
        })
        .collect();
        wait_for("clients to wait", DEADLINE, || number(&primary, "blocked_clients") == 5);
        for command in ["MULTI", "RPUSH list a b c d e", "ZADD zset 1 a 2 b 3 c", "INCR n", "EXEC"]
        {
            let reply = client.cmd(command);
            assert!(!reply.is_error(), "{direction}: {command}: {reply}");
        }
        waiting.iter_mut().for_each(|client| assert!(!client.read().is_error(), "{direction}"));
        client.cmd("PUBLISH news hello");
        assert_eq!(subscriber.read().to_string(), "[message, news, hello]", "{direction}");
        assert_replicated(&primary, &replica, direction);
    }
}

/// A message goes down a chain: whoever listens, wherever, hears it once and in order.
#[test]
fn messages_through_a_chain() {
    let chains = [
        ("ours, ours, ours", node(), node(), node()),
        ("ours, theirs, ours", node(), reference(), node()),
        ("theirs, ours, theirs", reference(), node(), reference()),
    ];
    for (what, first, second, third) in chains {
        let first = first.start();
        let second = replica_of(&first, second);
        let third = replica_of(&second, third);
        let servers = [&first, &second, &third];
        let mut listeners = servers.map(|server| {
            let mut listener = server.client();
            listener.cmd("SUBSCRIBE news");
            listener
        });
        let mut client = first.client();
        assert_eq!(client.show("PUBLISH news one"), "1", "{what}");
        for command in ["MULTI", "PUBLISH news two", "SET k v", "EXEC"] {
            assert!(!client.cmd(command).is_error(), "{what}: {command}");
        }
        assert_eq!(client.show("PUBLISH news three"), "1", "{what}");
        for listener in &mut listeners {
            for message in ["one", "two", "three"] {
                let heard = listener.read().to_string();
                assert_eq!(heard, format!("[message, news, {message}]"), "{what}");
            }
        }
        // What is said in the middle goes down only.
        assert_eq!(second.client().show("PUBLISH news middle"), "1", "{what}");
        assert_eq!(listeners[1].read().to_string(), "[message, news, middle]", "{what}");
        assert_eq!(client.show("PUBLISH news last"), "1", "{what}");
        assert_eq!(listeners[0].read().to_string(), "[message, news, last]", "{what}");
        assert_replicated(&first, &third, what);
    }
}

/// A replica that does not say what it has on its disk is not counted by WAITAOF, as in Redis 7.2.
#[test]
fn a_replica_that_does_not_tell_of_its_disk() {
    let primary = node().start();
    assert_eq!(primary.client().show("SET before v"), "OK");
    let theirs = replica_of(&primary, reference().config("appendonly yes\nappendfsync always"));
    let mut client = primary.client();
    assert_eq!(client.show("SET k v"), "OK");
    assert_eq!(client.show("WAIT 1 0"), "1");
    assert_eq!(client.show("WAITAOF 0 1 200"), "[0, 0]");
    let ours = replica_of(&primary, node().config("appendonly yes"));
    assert_eq!(client.show("SET k w"), "OK");
    assert_eq!(client.show("WAITAOF 0 1 0"), "[0, 1]");
    assert_eq!(client.show("WAITAOF 0 2 200"), "[0, 1]");
    assert_eq!(client.show("WAIT 2 0"), "2");
    drop((theirs, ours));
}

#[track_caller]
fn a_large_value(bytes: usize) {
    for (direction, primary, replica) in directions() {
        let primary = primary.start();
        let replica = replica_of(&primary, replica);
        let mut client = primary.client();
        client
            .send(format!("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n${bytes}\r\n").as_bytes())
            .expect("sent");
        let piece: Vec<u8> = (0..1 << 20).map(|at: usize| (at * 31 % 251) as u8).collect();
        (0..bytes >> 20).for_each(|_| client.send(&piece).expect("sent"));
        client.send(b"\r\n").expect("sent");
        assert_eq!(client.read().to_string(), "OK");
        wait_in_sync(&primary, &replica);
        let ask = "DEBUG DIGEST-VALUE k";
        assert_eq!(replica.client().show("STRLEN k"), bytes.to_string(), "{direction}");
        assert_eq!(replica.client().show(ask), client.show(ask), "{direction}");
        // And as a part of a snapshot.
        let other = replica_of(&primary, node());
        assert_eq!(other.client().show(ask), client.show(ask), "{direction}");
    }
}

#[test]
fn a_hundred_megabytes_in_one_value() {
    a_large_value(100 << 20);
}

#[test]
#[ignore = "slow: half a gigabyte, several times"]
fn the_largest_value() {
    a_large_value(512 << 20);
}

/// RESTORE of payloads that Redis 7.0 does not take: it gets others, and HDEL when a field is due.
#[test]
fn payloads_towards_a_replica_that_does_not_know_them() {
    let source = node().config("rdb-version 11").start();
    let mut maker = source.client();
    for command in [
        "HSET small f v g w",
        "HSET large f v g w",
        "SADD set a b",
        "HPEXPIRE small 3600000 FIELDS 1 f",
    ] {
        assert!(!maker.cmd(command).is_error(), "{command}");
    }
    for n in 0..200 {
        assert_eq!(maker.show(&format!("HSET large {n} {}", "x".repeat(100))), "1");
    }
    assert_eq!(maker.show("HPEXPIRE large 3600000 FIELDS 2 g 7"), "[1, 1]");

    let primary = node().start();
    let theirs = replica_of(&primary, reference());
    let ours = replica_of(&primary, node());
    let mut client = primary.client();
    for key in ["small", "large", "set"] {
        let payload = maker.cmd(&format!("DUMP {key}")).bytes().to_vec();
        let restore: [&[u8]; 4] = [b"RESTORE", key.as_bytes(), b"0", &payload];
        assert_eq!(client.call(&restore).to_string(), "OK", "{key}");
    }
    for replica in [&theirs, &ours] {
        wait_in_sync(&primary, replica);
        let mut replica = replica.client();
        assert_eq!(replica.show("HGETALL small"), client.show("HGETALL small"));
        assert_eq!(replica.show("HLEN large"), "202");
        assert_eq!(replica.show("SCARD set"), "2");
    }
    assert_eq!(
        client.show("HPEXPIRETIME small FIELDS 1 f"),
        maker.show("HPEXPIRETIME small FIELDS 1 f")
    );
    assert_eq!(client.show("HPEXPIRE large 1 FIELDS 2 g 7"), "[1, 1]");
    wait_for("the deadline", DEADLINE, || client.show("HLEN large") == "200");
    wait_in_sync(&primary, &theirs);
    assert_eq!(theirs.client().show("HLEN large"), "200");
    assert!(!theirs.log().contains("CRITICAL"), "{}", theirs.log());
    primary.wait_for_log("A replica does not know deadlines of hash fields");
    drop(theirs);
    // Without that replica the other one gets the payload as it is.
    wait_for("one replica", DEADLINE, || field(&primary, "connected_slaves") == "1");
    let payload = maker.cmd("DUMP small").bytes().to_vec();
    let restore: [&[u8]; 5] = [b"RESTORE", b"small", b"0", &payload, b"REPLACE"];
    assert_eq!(client.call(&restore).to_string(), "OK");
    wait_in_sync(&primary, &ours);
    let mut replica = ours.client();
    let asked = "HPEXPIRETIME small FIELDS 1 f";
    assert_eq!(replica.show(asked), maker.show(asked));
}

/// A replica that does not know deadlines of hash fields gets plain hashes, and HDEL in time.
#[test]
fn deadlines_of_hash_fields_towards_a_replica_that_does_not_know_them() {
    let primary = node().start();
    let mut client = primary.client();
    assert_eq!(client.show("HSET before f v g w"), "2");
    assert_eq!(client.show("HPEXPIRE before 100000 FIELDS 1 f"), "[1]");
    let theirs = replica_of(&primary, reference());
    let ours = replica_of(&primary, node());
    assert_eq!(client.show("HSET after f v g w h x"), "3");
    assert_eq!(client.show("HPEXPIRE after 30 FIELDS 1 f"), "[1]");
    assert_eq!(client.show("HPEXPIRE before 30 FIELDS 1 f"), "[1]");
    assert_eq!(client.show("HSETEX after PX 100000 FIELDS 1 h y"), "1");
    wait_for("the deadline", DEADLINE, || client.show("HLEN after") == "2");
    wait_for("the deadline", DEADLINE, || client.show("HLEN before") == "1");
    for replica in [&theirs, &ours] {
        wait_in_sync(&primary, replica);
        let mut replica = replica.client();
        assert_eq!(replica.show("HGET after h"), "y");
        assert_eq!(replica.show("HGETALL before"), "[g, w]");
        assert_eq!(replica.show("HEXISTS after f"), "0");
    }
    primary.wait_for_log("A replica does not know deadlines of hash fields");
    assert_eq!(number(&primary, "sync_full"), 2, "{}", primary.log());
    drop(theirs);
    // Without that replica, deadlines are told in full.
    wait_for("one replica", DEADLINE, || field(&primary, "connected_slaves") == "1");
    assert_eq!(client.show("HPEXPIRE after 200000 FIELDS 1 g"), "[1]");
    wait_in_sync(&primary, &ours);
    assert_eq!(
        ours.client().show("HPEXPIRETIME after FIELDS 1 g"),
        client.show("HPEXPIRETIME after FIELDS 1 g")
    );
}
