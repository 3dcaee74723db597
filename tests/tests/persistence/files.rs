//! Snapshots and append-only files: what was written is there after a restart.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use dunlin_testkit::{Client, DEADLINE, Server, wait_for};

use crate::dataset::{assert_same, fill, picture};

/// Names of the files in a directory, sorted.
pub(crate) fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).expect("a directory");
    let name = |entry: std::io::Result<fs::DirEntry>| {
        entry.expect("an entry").file_name().to_string_lossy().into_owned()
    };
    let mut names: Vec<String> = entries.map(name).collect();
    names.sort();
    names
}

/// Where the append-only files of a server are.
pub(crate) fn append_directory(server: &Server) -> PathBuf {
    server.dir().join("appendonlydir")
}

/// One field of `INFO persistence`.
pub(crate) fn persistence(client: &mut Client, field: &str) -> String {
    let text = client.cmd("INFO persistence").text();
    let prefix = format!("{field}:");
    let line = text.lines().find_map(|line| line.strip_prefix(&prefix));
    line.unwrap_or_else(|| panic!("no {field} in:\n{text}")).to_owned()
}

/// Waits until a field of `INFO persistence` has a value.
#[track_caller]
pub(crate) fn wait_for_field(client: &mut Client, field: &str, value: &str) {
    wait_for(&format!("{field}:{value}"), DEADLINE, || persistence(client, field) == value);
}

/// Runs BGREWRITEAOF and waits until it has succeeded.
#[track_caller]
pub(crate) fn rewrite(client: &mut Client) {
    wait_for_field(client, "aof_rewrite_in_progress", "0");
    let started = client.show("BGREWRITEAOF");
    assert!(started.starts_with("Background append only file rewriting "), "{started}");
    wait_for_field(client, "aof_rewrite_scheduled", "0");
    wait_for_field(client, "aof_rewrite_in_progress", "0");
    assert_eq!(persistence(client, "aof_last_bgrewrite_status"), "ok");
}

/// Runs BGSAVE and waits until it has succeeded.
#[track_caller]
pub(crate) fn bgsave(client: &mut Client) {
    assert_eq!(client.show("BGSAVE"), "Background saving started");
    wait_for_field(client, "rdb_bgsave_in_progress", "0");
    assert_eq!(persistence(client, "rdb_last_bgsave_status"), "ok");
}

#[test]
fn a_snapshot_brings_back_every_type() {
    for command in ["SAVE", "BGSAVE"] {
        let mut server = Server::start();
        let mut client = server.client();
        fill(&mut client);
        let before = picture(&mut client);
        match command {
            "SAVE" => assert_eq!(client.show("SAVE"), "OK"),
            _ => bgsave(&mut client),
        }
        assert_eq!(client.show("SET string changed-later"), "OK");
        server.kill();
        server.start_again();
        assert_same(&picture(&mut server.client()), &before, command);
        server.wait_for_log("Done loading RDB, keys loaded: ");
    }
}

#[test]
fn an_append_only_file_brings_back_every_type() {
    for (preamble, policy) in [("yes", "always"), ("no", "everysec"), ("yes", "no")] {
        let mut server = Server::builder()
            .config(&format!("appendonly yes\nappendfsync {policy}"))
            .config(&format!("aof-use-rdb-preamble {preamble}"))
            .start();
        let mut client = server.client();
        fill(&mut client);
        rewrite(&mut client);
        fill_again(&mut client);
        let before = picture(&mut client);
        shut_down(&mut server);
        let base = if preamble == "yes" { "rdb" } else { "aof" };
        let expected = [
            format!("appendonly.aof.2.base.{base}"),
            "appendonly.aof.2.incr.aof".to_owned(),
            "appendonly.aof.manifest".to_owned(),
        ];
        assert_eq!(names(&append_directory(&server)), expected);
        server.start_again();
        assert_same(&picture(&mut server.client()), &before, base);
    }
}

/// Changes after the rewrite: part of each is in the base, part in the incremental file.
fn fill_again(client: &mut Client) {
    for command in [
        "APPEND string ' and more'",
        "RPUSH list 4",
        "SADD words c",
        "HDEL hash number",
        "ZINCRBY zset 2 a",
        "XADD stream 6-0 f v",
        "XACK stream readers 1-1",
        "DEL empty",
        "RENAME integers renamed",
        "COPY hash copy DB 3",
    ] {
        let reply = client.cmd(command);
        assert!(!reply.is_error(), "{command}: {reply}");
    }
}

/// Ends a server in order.
#[track_caller]
pub(crate) fn shut_down(server: &mut Server) {
    server.client().send(b"SHUTDOWN\r\n").expect("sent");
    assert_eq!(server.wait_exit(), "exit 0");
}

#[test]
fn save_points_save() {
    let server = Server::builder().config("save 1 3").start();
    let mut client = server.client();
    for _ in 0..3 {
        client.cmd("INCR n");
    }
    server.wait_for_log("3 changes in 1 seconds. Saving...");
    wait_for("the file", DEADLINE, || server.dir().join("dump.rdb").exists());
    wait_for_field(&mut client, "rdb_changes_since_last_save", "0");
}

#[test]
fn switched_on_and_off_at_runtime() {
    let mut server = Server::start();
    let mut client = server.client();
    fill(&mut client);
    assert_eq!(client.show("CONFIG SET appendonly yes"), "OK");
    wait_for_field(&mut client, "aof_rewrite_in_progress", "0");
    assert_eq!(client.show("SET after on"), "OK");
    assert_eq!(client.show("CONFIG SET appendonly no"), "OK");
    let before = picture(&mut client);
    assert_eq!(client.show("SET after off"), "OK");
    server.kill();
    let config = fs::read_to_string(server.config_file()).expect("the configuration");
    fs::write(server.config_file(), config + "appendonly yes\n").expect("written");
    server.start_again();
    assert_same(&picture(&mut server.client()), &before, "after the restart");
}

#[test]
fn switched_on_where_no_files_are_loads_nothing() {
    let mut server = Server::start();
    let mut client = server.client();
    fill(&mut client);
    assert_eq!(client.show("SAVE"), "OK");
    server.kill();
    let config = fs::read_to_string(server.config_file()).expect("the configuration");
    fs::write(server.config_file(), config + "appendonly yes\n").expect("written");
    server.start_again();
    assert_eq!(server.client().cmd("DBSIZE").integer(), 0, "dump.rdb is not loaded");
    assert!(server.dir().join("dump.rdb").exists(), "but it stays");
    server.wait_for_log("Creating AOF base file appendonly.aof.1.base.rdb on server start");
}

#[test]
fn one_file_of_old_times_is_taken_over() {
    let builder = Server::builder().config("appendonly yes");
    let old = "*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$3\r\nold\r\n";
    fs::write(builder.dir().join("appendonly.aof"), old).expect("written");
    let mut server = builder.start();
    assert_eq!(server.client().show("GET k"), "old");
    server.wait_for_log("Successfully migrated an old-style AOF file");
    assert!(!server.dir().join("appendonly.aof").exists(), "it was moved");
    assert_eq!(server.client().show("SET k new"), "OK");
    shut_down(&mut server);
    let manifest = fs::read_to_string(append_directory(&server).join("appendonly.aof.manifest"));
    let expected = "file appendonly.aof seq 1 type b\n\
                    file appendonly.aof.1.incr.aof seq 1 type i\n";
    assert_eq!(manifest.expect("the manifest"), expected);
    server.start_again();
    assert_eq!(server.client().show("GET k"), "new");
    rewrite(&mut server.client());
    wait_for("the old file to go", DEADLINE, || {
        !append_directory(&server).join("appendonly.aof").exists()
    });
}

#[test]
fn debug_reload_and_loadaof() {
    let server = Server::builder().config("appendonly yes").start();
    let mut client = server.client();
    fill(&mut client);
    let before = picture(&mut client);
    assert_eq!(client.show("DEBUG RELOAD"), "OK");
    assert_same(&picture(&mut client), &before, "after loading");
    assert_eq!(client.show("DEBUG LOADAOF"), "OK");
    assert_same(&picture(&mut client), &before, "after loading");
}

#[test]
fn rewriting_during_a_save_waits_for_it() {
    let mut server = Server::builder().config("appendonly yes").start();
    let mut client = server.client();
    fill(&mut client);
    client.send(b"BGSAVE\r\nBGREWRITEAOF\r\n").expect("sent together");
    assert_eq!(client.read().text(), "Background saving started");
    assert_eq!(client.read().text(), "Background append only file rewriting scheduled");
    assert_eq!(client.show("SET changed meanwhile"), "OK");
    let before = picture(&mut client);
    wait_for("both to end", DEADLINE, || {
        ["rdb_bgsave_in_progress", "aof_rewrite_scheduled", "aof_rewrite_in_progress"]
            .iter()
            .all(|field| persistence(&mut client, field) == "0")
    });
    assert_eq!(persistence(&mut client, "aof_last_bgrewrite_status"), "ok");
    assert_eq!(persistence(&mut client, "rdb_last_bgsave_status"), "ok");
    server.kill();
    server.start_again();
    assert_same(&picture(&mut server.client()), &before, "after the restart");
}

/// What begins a snapshot inside a transaction begins when that has ended: no file holds half of one.
#[test]
fn snapshots_asked_for_in_a_transaction_wait_for_its_end() {
    let mut server = Server::builder().config("save 3600 100000").start();
    let mut client = server.client();
    let script = "MULTI\r\nSET before 1\r\nCONFIG SET appendonly yes\r\nBGREWRITEAOF\r\nBGSAVE\r\n\
                  FLUSHALL\r\nSET behind 1\r\nEXEC\r\n";
    client.send(script.as_bytes()).expect("sent together");
    for _ in 0..7 {
        client.read();
    }
    let replies = client.read().to_string();
    assert!(replies.contains("Background append only file rewriting scheduled"), "{replies}");
    assert!(replies.contains("Background saving scheduled"), "{replies}");
    wait_for("all to end", DEADLINE, || {
        ["rdb_bgsave_in_progress", "aof_rewrite_scheduled", "aof_rewrite_in_progress"]
            .iter()
            .all(|field| persistence(&mut client, field) == "0")
    });
    let before = picture(&mut client);
    assert_eq!(client.show("KEYS *"), client.show("KEYS behind"));
    server.kill();
    server.start_again();
    // The configuration file says nothing of the append-only file: the snapshot is loaded.
    assert_same(&picture(&mut server.client()), &before, "after the restart");
}

/// `rdb-key-save-delay` slows a save down by as much for each key, also for those that are saved out
/// of turn because they are about to change.
#[test]
fn the_delay_between_keys_counts_every_key() {
    const KEYS: u32 = 40;
    const DELAY: Duration = Duration::from_millis(10);
    let config = format!("rdb-key-save-delay {}", DELAY.as_micros());
    let server = Server::builder().config(&config).start();
    let mut client = server.client();
    client.cmd(&format!("DEBUG POPULATE {KEYS}"));
    let began = Instant::now();
    client.cmd("BGSAVE");
    for key in 0..KEYS {
        client.cmd(&format!("SET key:{key} changed"));
    }
    wait_for_field(&mut client, "rdb_bgsave_in_progress", "0");
    assert!(began.elapsed() >= DELAY * KEYS, "{:?}", began.elapsed());
    assert_eq!(persistence(&mut client, "rdb_last_bgsave_status"), "ok");
}
