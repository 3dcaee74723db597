//! Restarts of either end: what may be continued is, and what may not be is copied anew.

use std::fs;
use std::path::PathBuf;

use dunlin_testkit::{DEADLINE, Server, wait_for};

use crate::load::Load;
use crate::nodes::{
    assert_replicated, field, node, number, replica_of, shut_down, wait_for_field, wait_in_sync,
    wait_until_up,
};

/// How a server keeps its data.
const KEPT: [&str; 2] = ["save 3600 1", "appendonly yes\nappendfsync everysec"];

/// A primary that ended in order is gone on with, and so is a replica.
#[test]
fn what_ended_in_order_continues() {
    for config in KEPT {
        let mut primary = node().config(config).start();
        let mut replica = replica_of(&primary, node().config(config));
        Load::start(&primary).stop();
        wait_in_sync(&primary, &replica);
        let old = field(&primary, "master_replid");
        shut_down(&mut primary);
        wait_for_field(&replica, "master_link_status", "down");
        primary.start_again();
        wait_until_up(&replica);
        assert_ne!(field(&primary, "master_replid"), old, "a history of its own");
        let load = Load::start(&primary);
        shut_down(&mut replica);
        load.wait_for_more(500);
        replica.start_again();
        wait_until_up(&replica);
        load.stop();
        assert_replicated(&primary, &replica, config);
        assert_eq!(number(&primary, "sync_full"), 0, "{config}\n{}", primary.log());
        assert_eq!(number(&primary, "sync_partial_ok"), 2, "{config}");
    }
}

/// Both end, and come back in either order.
#[test]
fn both_ends_restart() {
    for config in KEPT {
        for primary_first in [true, false] {
            let mut primary = node().config(config).start();
            let mut replica = replica_of(&primary, node().config(config));
            Load::start(&primary).stop();
            wait_in_sync(&primary, &replica);
            shut_down(&mut primary);
            shut_down(&mut replica);
            if primary_first {
                primary.start_again();
                replica.start_again();
            } else {
                replica.start_again();
                primary.start_again();
            }
            wait_until_up(&replica);
            assert_eq!(primary.client().show("INCR number"), "1");
            assert_replicated(&primary, &replica, config);
            assert_eq!(number(&primary, "sync_full"), 0, "{config}\n{}", primary.log());
        }
    }
}

/// The last incremental part of the append-only file.
fn last_part(server: &Server) -> PathBuf {
    let directory = server.dir().join("appendonlydir");
    let entries = fs::read_dir(directory).expect("the append-only files");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    paths.filter(|path| path.to_string_lossy().contains(".incr.")).max().expect("a part")
}

/// `kill -9` under everysec: the replica has what the primary's file lacks. It must not go on as if
/// nothing were missing, whether the file was cut or not, and wherever it was cut.
#[test]
fn a_replica_that_is_ahead_of_the_primarys_file_is_copied_anew() {
    for lost in ["nothing", "the end", "all since the last good end"] {
        let mut primary = node().config("appendonly yes\nappendfsync everysec").start();
        let replica = replica_of(&primary, node());
        assert_eq!(primary.client().show("SET k old"), "OK");
        wait_in_sync(&primary, &replica);
        shut_down(&mut primary);
        let file = last_part(&primary);
        let good_end = fs::metadata(&file).expect("a file").len();
        primary.start_again();
        wait_until_up(&replica);
        let mut client = primary.client();
        for n in 0..100 {
            assert_eq!(client.show(&format!("SET k:{n} {n}")), "OK");
        }
        wait_in_sync(&primary, &replica);
        let logged = || fs::read(&file).expect("a file");
        wait_for("the append-only file", DEADLINE, || logged().ends_with(b"k:99\r\n$2\r\n99\r\n"));
        primary.kill();
        let len = logged().len() as u64;
        let kept = match lost {
            "nothing" => len,
            "the end" => len - 100,
            _ => good_end,
        };
        let open = fs::OpenOptions::new().write(true).open(&file).expect("opened");
        open.set_len(kept).expect("cut");
        primary.start_again();
        // It goes on elsewhere than before.
        assert_eq!(primary.client().show("SET other way"), "OK");
        wait_until_up(&replica);
        assert_replicated(&primary, &replica, lost);
        assert_eq!(number(&primary, "sync_partial_ok"), 0, "{lost}\n{}", primary.log());
        assert_eq!(number(&primary, "sync_full"), 1, "{lost}");
    }
}

/// The same with snapshots: the last one is older than what the replica has.
#[test]
fn a_replica_that_is_ahead_of_the_primarys_snapshot_is_copied_anew() {
    let mut primary = node().start();
    let replica = replica_of(&primary, node());
    let mut client = primary.client();
    assert_eq!(client.show("SET k v"), "OK");
    assert_eq!(client.show("SAVE"), "OK");
    assert_eq!(client.show("SET lost v"), "OK");
    wait_in_sync(&primary, &replica);
    primary.kill();
    primary.start_again();
    wait_until_up(&replica);
    assert_replicated(&primary, &replica, "after the kill");
    assert_eq!(replica.client().show("KEYS *"), "[k]");
    assert_eq!(number(&primary, "sync_full"), 1);
    primary.wait_for_log("Partial resynchronization not accepted: Requested offset for second ID");
}

/// `kill -9` of a replica: what it has on disk says where it was, or a copy is made; never is it
/// taken for further than it is.
#[test]
fn a_replica_that_was_killed_comes_back_equal() {
    for config in KEPT {
        let primary = node().config("repl-backlog-size 64mb").start();
        let mut replica = replica_of(&primary, node().config(config));
        let load = Load::start(&primary);
        if config.starts_with("save") {
            let reply = replica.client().show("SAVE");
            assert_eq!(reply, "OK");
        }
        for _ in 0..3 {
            load.wait_for_more(500);
            replica.kill();
            load.wait_for_more(500);
            replica.start_again();
            wait_until_up(&replica);
        }
        load.stop();
        assert_replicated(&primary, &replica, config);
    }
}

/// A primary that has had no replica for long forgets the stream.
#[test]
fn a_backlog_that_nobody_wanted_for_long_is_freed() {
    let primary = node().config("repl-backlog-ttl 1").start();
    let mut replica = replica_of(&primary, node().config("save 3600 1"));
    let old = field(&primary, "master_replid");
    shut_down(&mut replica);
    primary.wait_for_log("Replication backlog freed after 1 seconds without connected replicas.");
    assert_eq!(field(&primary, "repl_backlog_active"), "0");
    assert_ne!(field(&primary, "master_replid"), old);
    replica.start_again();
    wait_until_up(&replica);
    assert_replicated(&primary, &replica, "afterwards");
    assert_eq!(number(&primary, "sync_full"), 2);
}
