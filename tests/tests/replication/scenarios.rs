//! What operators' guides do with a primary and its replicas, step by step.

use dunlin_testkit::{DEADLINE, Server, assert_in_order, wait_for};

use crate::nodes::{
    assert_replicated, field, follow, log_after, node, number, replica_of, replicaof, shut_down,
    wait_for_field, wait_in_sync, wait_until_up,
};

const READ_ONLY: &str = "(error) READONLY You can't write against a read only replica.";

/// Guide 3.1: `replicaof` and `slaveof` in the file, `--replicaof` on the command line.
#[test]
fn the_permanent_forms() {
    let primary = node().start();
    assert_eq!(primary.client().show("SET k v"), "OK");
    let port = primary.port();
    for builder in [
        node().config(&format!("replicaof 127.0.0.1 {port}")),
        node().config(&format!("slaveof 127.0.0.1 {port}")),
        node().args(&replicaof(&primary).each_ref().map(String::as_str)),
    ] {
        let replica = builder.start();
        wait_until_up(&replica);
        assert_eq!(replica.client().show("GET k"), "v");
        assert_eq!(field(&replica, "role"), "slave");
    }
}

/// Guides 3.2, 3.3, 3.4: attached while they run, what INFO shows, and that replicas are read only.
#[test]
fn two_replicas_by_hand() {
    let primary = node().start();
    let replicas = [(); 2].map(|()| node().config("replica-announce-ip 127.0.0.2").start());
    for (replica, form) in replicas.iter().zip(["slaveof", "REPLICAOF"]) {
        let command = format!("{form} 127.0.0.1 {}", primary.port());
        assert_eq!(replica.client().show(&command), "OK");
        wait_until_up(replica);
        assert_eq!(replica.client().show(&command), "OK Already connected to specified master");
    }
    let mut client = primary.client();
    assert_eq!(client.show("SET num 123"), "OK");
    for (replica, value) in replicas.iter().zip(["666", "888"]) {
        wait_in_sync(&primary, replica);
        assert_eq!(replica.client().show("GET num"), "123");
        assert_eq!(replica.client().show(&format!("SET num {value}")), READ_ONLY);
    }
    wait_for("acknowledgements", DEADLINE, || {
        let found = info(&primary);
        let offset = line_of(&found, "master_repl_offset");
        found.matches(&format!("offset={offset},")).count() == 2
    });
    assert_primary_info(&primary, &replicas);
    assert_replica_info(&replicas[0], &primary);
}

/// INFO replication without its heading.
fn info(server: &Server) -> String {
    let text = server.client().cmd("INFO replication").text();
    text.trim_start_matches("# Replication\r\n").replace("\r\n", "\n")
}

/// The value of one of its lines.
fn line_of<'a>(info: &'a str, name: &str) -> &'a str {
    let found = info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    found.unwrap_or_else(|| panic!("no {name} in:\n{info}"))
}

#[track_caller]
fn assert_primary_info(primary: &Server, replicas: &[Server; 2]) {
    let found = info(primary);
    let value = |name| line_of(&found, name);
    let offset = value("master_repl_offset");
    let line = |index: usize| {
        let (name, port) = (format!("slave{index}"), replicas[index].port());
        let part = |key: &str| {
            let (_, rest) = line_of(&found, &name).split_once(key).expect("a part of the line");
            rest.split(',').next().expect("its value").to_owned()
        };
        let (acknowledged, lag) = (part("offset="), part("lag="));
        assert!(["0", "1", "2"].contains(&lag.as_str()), "{found}");
        format!("{name}:ip=127.0.0.2,port={port},state=online,offset={acknowledged},lag={lag}\n")
    };
    let expected = format!(
        "role:master\nconnected_slaves:2\n{}{}master_failover_state:no-failover\n\
         master_replid:{}\nmaster_replid2:{}\nmaster_repl_offset:{offset}\n\
         second_repl_offset:-1\nrepl_backlog_active:1\nrepl_backlog_size:1048576\n\
         repl_backlog_first_byte_offset:1\nrepl_backlog_histlen:{offset}\n",
        line(0),
        line(1),
        value("master_replid"),
        "0".repeat(40),
    );
    assert_eq!(found, expected);
}

#[track_caller]
fn assert_replica_info(replica: &Server, primary: &Server) {
    let found = info(replica);
    let names: Vec<&str> =
        found.lines().map(|line| line.split(':').next().expect("a name")).collect();
    let expected = "role master_host master_port master_link_status master_last_io_seconds_ago \
         master_sync_in_progress slave_read_repl_offset slave_repl_offset slave_priority \
         slave_read_only replica_announced connected_slaves master_failover_state master_replid \
         master_replid2 master_repl_offset second_repl_offset repl_backlog_active \
         repl_backlog_size repl_backlog_first_byte_offset repl_backlog_histlen";
    assert_eq!(names.join(" "), expected);
    assert_eq!(field(replica, "master_port"), primary.port().to_string());
    assert_eq!(field(replica, "master_replid"), field(primary, "master_replid"));
    let role = replica.client().show("ROLE");
    assert!(role.starts_with(&format!("[slave, 127.0.0.1, {}, connected, ", primary.port())));
}

/// Guide 3.5: a server with data of its own gives that up.
#[test]
fn own_data_goes() {
    let (primary, replica) = (node().start(), node().start());
    assert_eq!(primary.client().show("SET k1 aaa"), "OK");
    assert_eq!(replica.client().show("SET key2 ccc"), "OK");
    assert_eq!(primary.client().show("GET key2"), "(nil)");
    follow(&replica, &primary);
    assert_eq!(replica.client().show("KEYS *"), "[k1]");
}

/// A replica that is given its primary on the command line, and the primary with one key.
fn pair_by_argument(config: &str) -> (Server, Server) {
    let primary = node().start();
    assert_eq!(primary.client().show("SET k1 v"), "OK");
    let arguments = replicaof(&primary);
    let replica = node()
        .config("save 3600 1 300 100 60 10000")
        .config(config)
        .args(&arguments.each_ref().map(String::as_str))
        .start();
    wait_until_up(&replica);
    (primary, replica)
}

#[track_caller]
fn write_while_down(primary: &Server) {
    let mut client = primary.client();
    for n in 2..=6 {
        assert_eq!(client.show(&format!("SET k{n} v")), "OK");
    }
}

/// Guide 3.6: a replica that was down for a while goes on where it was.
#[test]
fn a_restart_continues() {
    let (primary, mut replica) = pair_by_argument("");
    shut_down(&mut replica);
    write_while_down(&primary);
    replica.start_again();
    wait_until_up(&replica);
    assert_eq!(replica.client().show("DBSIZE"), "6");
    assert_replicated(&primary, &replica, "after the restart");
    let id = field(&primary, "master_replid");
    let log = replica.log();
    assert_in_order(
        &log,
        &[
            "Full resync from master: ",
            &format!("Trying a partial resynchronization (request {id}:"),
            "MASTER <-> REPLICA sync: Master accepted a Partial Resynchronization.",
        ],
    );
    let log = primary.log();
    let accepted = format!(
        "Partial resynchronization request from 127.0.0.1:{} accepted. Sending ",
        replica.port()
    );
    let line = log.lines().find(|line| line.contains(&accepted));
    let line = line.unwrap_or_else(|| panic!("no '{accepted}' in:\n{log}"));
    assert!(line.contains(" bytes of backlog starting from offset "), "{line}");
    assert_eq!(number(&primary, "sync_full"), 1);
    assert_eq!(number(&primary, "sync_partial_ok"), 1);
}

/// Guide 3.7: a snapshot is there, but the append-only file is what counts, and it has not been
/// begun: a full synchronisation, and a new append-only file.
#[test]
fn a_restart_with_an_append_only_file_that_was_not_there() {
    let (primary, replica) = pair_by_argument("");
    let mut replica = replica;
    shut_down(&mut replica);
    write_while_down(&primary);
    let file = replica.config_file();
    let mut text = std::fs::read_to_string(&file).expect("the configuration");
    text.push_str("appendonly yes\n");
    std::fs::write(&file, text).expect("written");
    replica.start_again();
    wait_until_up(&replica);
    assert_replicated(&primary, &replica, "after the restart");
    replica.wait_for_log("Background AOF rewrite terminated with success");
    let id = field(&primary, "master_replid");
    assert_in_order(
        &log_after(&replica, "Server initialized"),
        &[
            &format!("Full resync from master: {id}:"),
            "MASTER <-> REPLICA sync: receiving streamed RDB from master with EOF to disk",
            "MASTER <-> REPLICA sync: Flushing old data",
            "MASTER <-> REPLICA sync: Loading DB in memory",
            "MASTER <-> REPLICA sync: Finished with success",
            "Background AOF rewrite terminated with success",
        ],
    );
    // What arrives now is in the new file.
    assert_eq!(primary.client().show("SET k7 v"), "OK");
    wait_in_sync(&primary, &replica);
    let before = replica.client().show("DEBUG DIGEST");
    replica.kill();
    replica.start_again_unchecked();
    wait_for("the append-only file", DEADLINE, || replica.log().contains("DB loaded from"));
    wait_until_up(&replica);
    assert_eq!(replica.client().show("DEBUG DIGEST"), before);
}

/// Guide 3.8: a replica becomes the primary, and the other one follows it without a new copy.
#[test]
fn promotion_by_hand() {
    let primary = node().start();
    assert_eq!(primary.client().show("SET k v"), "OK");
    let (first, second) = (replica_of(&primary, node()), replica_of(&primary, node()));
    wait_in_sync(&primary, &first);
    wait_in_sync(&primary, &second);
    let old = field(&primary, "master_replid");
    let offset = number(&first, "master_repl_offset");
    assert_eq!(first.client().show("REPLICAOF no one"), "OK");
    first.wait_for_log("MASTER MODE enabled (user request from 'id=");
    assert_eq!(field(&first, "role"), "master");
    assert_eq!(field(&first, "master_replid2"), old);
    assert_eq!(number(&first, "second_repl_offset"), offset + 1);
    assert_ne!(field(&first, "master_replid"), old);
    assert_eq!(second.client().show(&format!("REPLICAOF 127.0.0.1 {}", first.port())), "OK");
    wait_for_field(&second, "master_port", &first.port().to_string());
    wait_until_up(&second);
    assert_eq!(first.client().show("SET k after"), "OK");
    assert_replicated(&first, &second, "after the promotion");
    // The former primary comes, too.
    follow(&primary, &first);
    assert_replicated(&first, &primary, "the former primary");
    assert_eq!(number(&first, "sync_full"), 0);
    assert_eq!(number(&first, "sync_partial_ok"), 2);
    second.wait_for_log("Master replication ID changed to ");
}

/// Guide 3.9: what guides set, and that it works.
#[test]
fn directives_of_guides() {
    let primary = node()
        .config("requirepass secret\nmin-replicas-to-write 1\nmin-replicas-max-lag 10")
        .config("repl-diskless-sync no\nrepl-backlog-size 64mb")
        .start();
    let mut client = primary.client();
    assert_eq!(client.show("AUTH secret"), "OK");
    let refused = "(error) NOREPLICAS Not enough good replicas to write.";
    assert_eq!(client.show("SET k v"), refused);
    let replica = node()
        .config(&format!("replicaof 127.0.0.1 {}\nmasterauth secret", primary.port()))
        .config("replica-serve-stale-data no\nreplica-read-only no")
        .start();
    wait_until_up(&replica);
    wait_for("a replica for writes", DEADLINE, || client.show("SET k v") == "OK");
    assert_eq!(client.show("CONFIG GET repl-backlog-size"), "[repl-backlog-size, 67108864]");
    replica.wait_for_log(" bytes from master to disk");
    let mut local = replica.client();
    assert_eq!(local.show("SET own v"), "OK", "a writable replica");
    drop(primary);
    let stale = "(error) MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set \
                 to 'no'.";
    wait_for("MASTERDOWN", DEADLINE, || local.show("GET own") == stale);
    assert_eq!(local.show("CONFIG SET replica-serve-stale-data yes"), "OK");
    assert_eq!(local.show("GET own"), "v");
}
