//! Files that are damaged, missing, swapped or in the way: loaded, or refused with a reason.

use std::fs;
use std::path::Path;

use dunlin_testkit::server::is_dunlin;
use dunlin_testkit::{DEADLINE, Server, ServerBuilder, wait_for};

use crate::files::{append_directory, names, rewrite, shut_down, wait_for_field};

const MANIFEST: &str = "appendonly.aof.manifest";

fn set(key: &str, value: &str) -> String {
    format!("*3\r\n$3\r\nSET\r\n${}\r\n{key}\r\n${}\r\n{value}\r\n", key.len(), value.len())
}

/// A server whose append-only files are these.
fn with_files(files: &[(&str, &str)]) -> ServerBuilder {
    let builder = Server::builder().config("appendonly yes");
    let directory = builder.dir().join("appendonlydir");
    fs::create_dir(&directory).expect("made");
    for (name, content) in files {
        fs::write(directory.join(name), content).expect("written");
    }
    builder
}

/// Two incremental files, the first of which holds `first` and the second `second`.
fn two_files(first: &str, second: &str) -> ServerBuilder {
    with_files(&[
        (MANIFEST, "file a.1.aof seq 1 type i\nfile a.2.aof seq 2 type i\n"),
        ("a.1.aof", first),
        ("a.2.aof", second),
    ])
}

/// The server ends with code 1 and says why.
#[track_caller]
fn assert_refused(builder: ServerBuilder, reasons: &[&str]) {
    let done = builder.run();
    assert_eq!(done.end, "exit 1", "{}", done.stdout);
    for reason in reasons {
        assert!(done.stdout.contains(reason), "no '{reason}' in:\n{}", done.stdout);
    }
}

#[test]
fn a_torn_tail_is_cut_off() {
    let whole = set("k", "whole");
    let torn = set("k", "torn");
    for len in 1..torn.len() {
        if len % 7 != 1 && len < torn.len() - 2 {
            continue;
        }
        let server = two_files("", &format!("{whole}{}", &torn[..len])).start();
        assert_eq!(server.client().show("GET k"), "whole", "{len} bytes of the next command");
        let length = fs::metadata(append_directory(&server).join("a.2.aof")).expect("there").len();
        assert!(length >= whole.len() as u64, "cut into what is whole");
        server.wait_for_log(&format!("Truncating the AOF a.2.aof at offset {}", whole.len()));
    }
}

#[test]
fn half_a_transaction_is_cut_off() {
    let whole = set("k", "whole");
    let open = format!("{whole}*1\r\n$5\r\nMULTI\r\n{}{}", set("k", "half"), set("l", "half"));
    let server = two_files("", &open).start();
    assert_eq!(server.client().show("MGET k l"), "[whole, (nil)]");
    server.wait_for_log("Revert incomplete MULTI/EXEC transaction in AOF file");
}

#[test]
fn a_torn_tail_is_refused_where_that_is_asked() {
    let torn = format!("{}*3\r\n$3\r\nSE", set("k", "whole"));
    let builder = two_files("", &torn).config("aof-load-truncated no");
    assert_refused(builder, &["Unexpected end of file reading the append only file a.2.aof"]);
    // Only the last file may be torn.
    assert_refused(two_files(&torn, &set("k", "v")), &["a.1.aof"]);
}

#[test]
fn what_is_no_command_is_refused() {
    let builder = two_files("", &format!("{}garbage", set("k", "v")));
    assert_refused(builder, &["Bad file format reading the append only file a.2.aof"]);
    let builder = two_files("", "*1\r\n$7\r\nNONSUCH\r\n");
    assert_refused(builder, &["Unknown command 'NONSUCH' reading the append only file a.2.aof"]);
    let zeros = format!("{}\0\0\0\0\0\0\0\0", set("k", "v"));
    assert_refused(two_files("", &zeros), &["a.2.aof"]);
}

#[test]
fn a_missing_file_is_refused() {
    let builder = two_files(&set("k", "v"), "");
    fs::remove_file(builder.dir().join("appendonlydir/a.1.aof")).expect("removed");
    assert_refused(builder, &["a.1.aof", "No such file or directory"]);
}

#[test]
fn swapped_files_are_refused() {
    let builder = with_files(&[
        (MANIFEST, "file a.2.aof seq 2 type i\nfile a.1.aof seq 1 type i\n"),
        ("a.1.aof", ""),
        ("a.2.aof", ""),
    ]);
    let reasons = ["FATAL AOF MANIFEST FILE ERROR", "Found a non-monotonic sequence number"];
    assert_refused(builder, &reasons);
}

#[test]
fn a_file_that_the_manifest_does_not_name_is_left_alone() {
    let builder = two_files(&set("k", "v"), "");
    let stray = builder.dir().join("appendonlydir/appendonly.aof.9.incr.aof");
    fs::write(&stray, set("k", "stray")).expect("written");
    let server = builder.start();
    assert_eq!(server.client().show("GET k"), "v");
    rewrite(&mut server.client());
    assert_eq!(fs::read_to_string(stray).expect("still there"), set("k", "stray"));
}

#[test]
fn history_is_removed_at_the_next_start() {
    let builder = with_files(&[
        (
            MANIFEST,
            "file b.1.aof seq 1 type h\nfile a.1.aof seq 1 type h\nfile a.2.aof seq 2 type i\n",
        ),
        ("b.1.aof", ""),
        ("a.1.aof", ""),
        ("a.2.aof", &set("k", "v")),
    ]);
    let server = builder.start();
    assert_eq!(server.client().show("GET k"), "v");
    let directory = append_directory(&server);
    wait_for("history to go", DEADLINE, || {
        !directory.join("b.1.aof").exists() && !directory.join("a.1.aof").exists()
    });
}

fn flip_byte(path: &Path, at: usize) {
    let mut bytes = fs::read(path).expect("a file");
    bytes[at] ^= 0x40;
    fs::write(path, bytes).expect("written");
}

#[test]
fn a_damaged_snapshot_is_refused_with_its_place() {
    let mut server = Server::start();
    let mut client = server.client();
    for n in 0..100 {
        client.cmd(&format!("SET key:{n} value:{n}"));
    }
    assert_eq!(client.show("SAVE"), "OK");
    server.kill();
    let file = server.dir().join("dump.rdb");
    let good = fs::read(&file).expect("the snapshot");
    for at in [0, 6, good.len() / 2, good.len() - 4] {
        fs::write(&file, &good).expect("written");
        flip_byte(&file, at);
        server.start_again_unchecked();
        assert_eq!(server.wait_exit(), "exit 1", "byte {at}:\n{}", server.log());
        if is_dunlin() {
            let log = server.log();
            let last = log.lines().rev().take(6).collect::<Vec<_>>().join("\n");
            assert!(last.contains("dump.rdb"), "which file? {last}");
            assert!(last.contains("at byte"), "where? {last}");
        }
    }
    // Cut off anywhere, too.
    for len in [4, good.len() / 3, good.len() - 9] {
        fs::write(&file, &good[..len]).expect("written");
        server.start_again_unchecked();
        assert_eq!(server.wait_exit(), "exit 1", "{len} bytes:\n{}", server.log());
    }
}

#[test]
fn an_empty_snapshot_file_is_refused() {
    let builder = Server::builder();
    fs::write(builder.dir().join("dump.rdb"), "").expect("written");
    let done = builder.run();
    assert_eq!(done.end, "exit 1", "{}", done.stdout);
}

#[test]
fn the_error_reply_of_a_snapshot_that_cannot_be_written() {
    let server = Server::builder().config("save 3600 1").start();
    let mut client = server.client();
    assert_eq!(client.show("SET k v"), "OK");
    let file = server.dir().join("dump.rdb");
    fs::create_dir(&file).expect("in the way");
    assert!(client.show("SAVE").starts_with("(error) ERR"));
    assert_eq!(client.show("BGSAVE"), "Background saving started");
    wait_for_field(&mut client, "rdb_last_bgsave_status", "err");
    let refused = client.show("SET k w");
    assert!(refused.starts_with("(error) MISCONF Redis is configured to save RDB"), "{refused}");
    assert_eq!(client.show("GET k"), "v");
    fs::remove_dir(&file).expect("out of the way");
    assert_eq!(client.show("BGSAVE"), "Background saving started");
    wait_for_field(&mut client, "rdb_last_bgsave_status", "ok");
    assert_eq!(client.show("SET k w"), "OK");
    let temporary = names(server.dir()).into_iter().find(|name| name.starts_with("temp-"));
    assert_eq!(temporary, None);
}

/// Two servers with one set of files: the second one must not spoil what the first one has.
#[test]
fn two_servers_in_one_directory() {
    if !is_dunlin() {
        return;
    }
    let mut first = Server::builder().config("appendonly yes\nappendfsync always").start();
    let mut client = first.client();
    assert_eq!(client.show("SET k first"), "OK");
    let second = Server::builder()
        .config("appendonly yes")
        .config(&format!("dir {}", first.dir().display()))
        .run();
    assert_eq!(second.end, "exit 1", "{}", second.stdout);
    assert!(second.stdout.contains("appendonlydir"), "which? {}", second.stdout);
    assert_eq!(client.show("SET k still-first"), "OK");
    shut_down(&mut first);
    first.start_again();
    assert_eq!(first.client().show("GET k"), "still-first");
}
