//! What leaves one server and arrives at another.

use dunlin_testkit::{Client, DEADLINE, Server, ServerBuilder, wait_for};

use crate::dataset::fill;

/// A real Redis.
///
/// # Panics
/// When there is none on this machine.
pub(crate) fn reference() -> ServerBuilder {
    Server::reference().expect("redis-server is needed: ./test installs it")
}

/// `MIGRATE` to a server, up to the timeout.
pub(crate) fn migrate(to: &Server, key: &str, db: u32) -> String {
    format!("MIGRATE 127.0.0.1 {} {key} {db} 5000", to.port())
}

/// Who is the source, who the target.
fn directions() -> [(&'static str, ServerBuilder, ServerBuilder); 3] {
    [
        ("ours to theirs", Server::builder(), reference()),
        ("theirs to ours", reference(), Server::builder()),
        ("ours to ours", Server::builder(), Server::builder()),
    ]
}

/// All keys of the selected database, in order.
fn keys(client: &mut Client) -> Vec<Vec<u8>> {
    let mut keys: Vec<_> =
        client.cmd("KEYS *").items().iter().map(|key| key.bytes().to_vec()).collect();
    keys.sort();
    keys
}

/// A key with the digest of its value, and its deadline.
fn describe(client: &mut Client, key: &[u8]) -> (String, i64) {
    let digest = client.call::<&[u8]>(&[b"DEBUG", b"DIGEST-VALUE", key]).to_string();
    let deadline = client.call::<&[u8]>(&[b"PEXPIRETIME", key]).to_string();
    let line = format!("{} {digest}", key.escape_ascii());
    (line, deadline.trim_start_matches("(integer) ").parse().expect("a number"))
}

/// Moves everything that is in a database.
fn move_all(client: &mut Client, to: &Server, db: u32, options: &[&[u8]]) -> String {
    let (port, db) = (to.port().to_string(), db.to_string());
    let mut words: Vec<&[u8]> = vec![b"MIGRATE", b"127.0.0.1"];
    words.extend([port.as_bytes(), b"", db.as_bytes(), b"5000"]);
    words.extend(options);
    let all = keys(client);
    words.push(b"KEYS");
    words.extend(all.iter().map(Vec::as_slice));
    client.call(&words).to_string()
}

#[test]
fn keys_of_every_type_arrive_as_they_were() {
    for (direction, source, target) in directions() {
        let (source, target) = (source.start(), target.start());
        let (mut here, mut there) = (source.client(), target.client());
        fill(&mut here);
        for db in [0, 3, 15] {
            let select = format!("SELECT {db}");
            here.cmd(&select);
            there.cmd(&select);
            let before: Vec<_> =
                keys(&mut here).iter().map(|key| describe(&mut here, key)).collect();
            assert!(!before.is_empty());
            assert_eq!(move_all(&mut here, &target, db, &[]), "OK", "{direction}, {db}");
            assert_eq!(here.show("DBSIZE"), "0", "{direction}");
            let after: Vec<_> =
                keys(&mut there).iter().map(|key| describe(&mut there, key)).collect();
            assert_eq!(before.len(), after.len(), "{direction}");
            for ((key, deadline), (found, found_deadline)) in before.iter().zip(&after) {
                assert_eq!(key, found, "{direction}");
                // What is left of a deadline counts from when it arrives.
                assert!((deadline - found_deadline).abs() < 10_000, "{direction}: {key}");
            }
        }
    }
}

/// Beyond all that is made at a stretch, in both directions.
#[test]
fn large_values_arrive_as_they_were() {
    for (direction, source, target) in directions() {
        let (source, target) = (source.start(), target.start());
        let (mut here, mut there) = (source.client(), target.client());
        for first in (0..60_000).step_by(1000) {
            for (command, form) in [
                ("SADD set", "member:%"),
                ("HSET hash", "field:% value:%"),
                ("ZADD scores", "%.5 member:%"),
                ("RPUSH list", "an-element-of-the-list:%"),
            ] {
                let words: Vec<String> = (first..first + 1000)
                    .map(|number: i32| form.replace('%', &number.to_string()))
                    .collect();
                here.cmd(&format!("{command} {}", words.join(" ")));
            }
        }
        here.cmd("SETRANGE string 5000000 x");
        for number in 1..=5000 {
            here.cmd(&format!("XADD stream {number}-1 field {}", "v".repeat(100)));
        }
        let names = keys(&mut here);
        assert_eq!(names.len(), 6);
        let before: Vec<_> = names.iter().map(|key| describe(&mut here, key)).collect();
        assert_eq!(move_all(&mut here, &target, 0, &[]), "OK", "{direction}");
        let after: Vec<_> = names.iter().map(|key| describe(&mut there, key)).collect();
        assert_eq!(before, after, "{direction}");
    }
}

#[test]
fn options_say_what_becomes_of_keys_here_and_there() {
    for (direction, source, target) in directions() {
        let (source, target) = (source.start(), target.start());
        let (mut here, mut there) = (source.client(), target.client());
        here.cmd("SET k new");
        there.cmd("SET k old");
        let busy = "(error) ERR Target instance replied with error: BUSYKEY Target key name \
                    already exists.";
        let to = migrate(&target, "k", 0);
        assert_eq!(here.show(&to), busy, "{direction}");
        assert_eq!(here.show(&format!("{to} COPY")), busy, "{direction}");
        assert_eq!(here.show(&format!("{to} COPY REPLACE")), "OK", "{direction}");
        assert_eq!((here.show("GET k"), there.show("GET k")), ("new".into(), "new".into()));
        assert_eq!(here.show(&migrate(&target, "k", 7)), "OK", "{direction}");
        assert_eq!(here.show("EXISTS k"), "0", "{direction}");
        assert_eq!(here.show(&migrate(&target, "k", 7)), "NOKEY", "{direction}");
        here.cmd("SET k v");
        let error = "(error) ERR Target instance replied with error: ERR DB index is out of range";
        assert_eq!(here.show(&migrate(&target, "k", 16)), error, "{direction}");
    }
}

#[test]
fn one_busy_key_among_many_stays() {
    for (direction, source, target) in directions() {
        let (source, target) = (source.start(), target.start());
        let (mut here, mut there) = (source.client(), target.client());
        (0..100).for_each(|n| {
            here.cmd(&format!("SET key:{n} v"));
        });
        there.cmd("SET key:42 there");
        let reply = move_all(&mut here, &target, 0, &[]);
        assert!(reply.contains("BUSYKEY"), "{direction}: {reply}");
        assert_eq!(keys(&mut here), [b"key:42".to_vec()], "{direction}");
        assert_eq!(there.show("DBSIZE"), "100", "{direction}");
        assert_eq!(there.show("GET key:42"), "there", "{direction}");
        assert_eq!(move_all(&mut here, &target, 0, &[b"REPLACE"]), "OK", "{direction}");
        assert_eq!(there.show("GET key:42"), "v", "{direction}");
    }
}

#[test]
fn targets_with_passwords_and_users() {
    for (direction, source, target) in directions() {
        let (source, target) = (source.start(), target.config("requirepass secret").start());
        let mut here = source.client();
        here.cmd("SET k v");
        let to = migrate(&target, "k", 0);
        let error = "(error) ERR Target instance replied with error: NOAUTH Authentication \
                     required.";
        assert_eq!(here.show(&to), error, "{direction}");
        let error = "(error) ERR Target instance replied with error: WRONGPASS invalid \
                     username-password pair or user is disabled.";
        for wrong in ["AUTH wrong", "AUTH2 nobody secret", "AUTH2 default wrong"] {
            assert_eq!(here.show(&format!("{to} {wrong}")), error, "{direction}: {wrong}");
        }
        assert_eq!(here.show(&format!("{to} COPY AUTH secret")), "OK", "{direction}");
        let with_user = format!("{to} REPLACE AUTH2 default secret");
        assert_eq!(here.show(&with_user), "OK", "{direction}");
        assert_eq!(here.show("EXISTS k"), "0", "{direction}");
        // Credentials are not shown.
        assert!(!here.show("SLOWLOG GET 10").contains("secret"), "{direction}");
    }
}

/// What has gone is gone at a replica and in the append-only file as well.
#[test]
fn followers_delete_what_has_left() {
    let mut source = Server::builder().config("appendonly yes\nappendfsync always").start();
    let target = reference().start();
    let replica = reference().config(&format!("replicaof 127.0.0.1 {}", source.port())).start();
    let (mut here, mut at_replica) = (source.client(), replica.client());
    for command in ["SET a 1", "RPUSH b 1", "SET c 1"] {
        here.cmd(command);
    }
    wait_for("the replica", DEADLINE, || at_replica.show("DBSIZE") == "3");
    let port = target.port();
    let command = format!("MIGRATE 127.0.0.1 {port} \"\" 0 5000 KEYS a nosuch b");
    assert_eq!(here.show(&command), "OK");
    wait_for("DEL at the replica", DEADLINE, || at_replica.show("DBSIZE") == "1");
    let calls = at_replica.cmd("INFO commandstats").text();
    assert!(calls.contains("cmdstat_del:calls=1,"), "{calls}");
    source.kill();
    source.start_again();
    assert_eq!(source.client().show("KEYS *"), "[c]");
    assert_eq!(target.client().show("DBSIZE"), "2");
}
