//! Data of every type in every size, and a picture of what a server holds.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use dunlin_testkit::Client;

/// Deadlines lie far ahead: 2100.
const DEADLINE_MS: u64 = 4_102_444_800_000;

/// Commands that make keys of every type, small and large, in three databases, some with deadlines.
pub(crate) fn commands() -> Vec<String> {
    let mut commands: Vec<String> = [
        "SET string text",
        "SET empty \"\"",
        "SET integer -9223372036854775808",
        "SET small-integer 7",
        "SET binary \"\\x00\\xff\\r\\n\"",
        "SET \"key \\x00 of bytes\" v",
        "SETRANGE bits 1000 \\x01",
        "PFADD log-log a b c d",
        "RPUSH list a b 3",
        "SADD integers 1 2 -70000",
        "SADD words a b 3",
        "HSET hash field value number 12",
        "ZADD zset 1 a 2.5 b -inf c inf d 3 3",
        "GEOADD geo 13.361389 38.115556 Palermo 15.087269 37.502669 Catania",
        "XADD stream 1-1 f v",
        "XADD stream 1-2 f v g w",
        "XADD stream 5-0 other \"\\x00\"",
        "XDEL stream 1-2",
        "XGROUP CREATE stream readers 0",
        "XGROUP CREATE stream others $",
        "XGROUP CREATECONSUMER stream readers idle",
        "XREADGROUP GROUP readers alice COUNT 1 STREAMS stream >",
        "XREADGROUP GROUP readers bob COUNT 1 STREAMS stream >",
        "XGROUP CREATE bare-stream g $ MKSTREAM",
        "XADD gone-stream 1-1 a b",
        "XDEL gone-stream 1-1",
    ]
    .map(str::to_owned)
    .to_vec();
    commands.push(format!("SET compressible {}", "abcd".repeat(3000)));
    commands.push(format!("SET with-deadline v PXAT {DEADLINE_MS}"));
    commands.push("SADD set-with-deadline a".to_owned());
    commands.push(format!("PEXPIREAT set-with-deadline {}", DEADLINE_MS + 1));
    // Beyond the thresholds of all small encodings.
    for first in (0..1500).step_by(100) {
        let numbers = first..first + 100;
        let words =
            |form: &dyn Fn(i32) -> String| numbers.clone().map(form).collect::<Vec<_>>().join(" ");
        commands.push(format!("RPUSH big-list {}", words(&|i| format!("element:{i}"))));
        commands.push(format!("SADD big-integers {}", words(&|i| (i * 7).to_string())));
        commands.push(format!("SADD big-set {}", words(&|i| format!("member:{i}"))));
        commands.push(format!("HSET big-hash {}", words(&|i| format!("field:{i} value:{i}"))));
        commands.push(format!("ZADD big-zset {}", words(&|i| format!("{i}.25 member:{i}"))));
        commands.extend(numbers.map(|i| format!("XADD big-stream {}-0 n {i}", i + 1)));
    }
    commands.push(format!("RPUSH long-elements {0} b {0}", "x".repeat(9000)));
    commands.push(format!("HSET long-field f {}", "y".repeat(5000)));
    commands.extend(
        ["SELECT 3", "SET string other", "RPUSH list z", "SELECT 15", "SET last v"]
            .map(str::to_owned),
    );
    commands.push("SELECT 0".to_owned());
    commands
}

/// Fills a server with [`commands`].
#[track_caller]
pub(crate) fn fill(client: &mut Client) {
    for command in commands() {
        let reply = client.cmd(&command);
        assert!(!reply.is_error(), "{command:.60}: {reply}");
    }
}

/// What a server holds, key by key, and its digest.
pub(crate) type Picture = BTreeMap<String, String>;

/// What a server holds.
pub(crate) fn picture(client: &mut Client) -> Picture {
    let mut picture = Picture::new();
    for database in 0..16 {
        client.cmd(&format!("SELECT {database}"));
        let mut keys: Vec<Vec<u8>> =
            client.cmd("KEYS *").items().iter().map(|key| key.bytes().to_vec()).collect();
        keys.sort();
        for key in keys {
            let name = format!("{database}: {}", String::from_utf8_lossy(&key));
            picture.insert(name, describe(client, &key));
        }
    }
    client.cmd("SELECT 0");
    picture.insert("digest".to_owned(), client.show("DEBUG DIGEST"));
    picture
}

/// Both servers hold the same.
///
/// # Panics
/// When they do not, with the keys that differ.
#[track_caller]
pub(crate) fn assert_same(found: &Picture, expected: &Picture, what: &str) {
    let mut keys: Vec<&String> = found.keys().chain(expected.keys()).collect();
    keys.dedup();
    let differences: Vec<String> = keys
        .into_iter()
        .filter(|key| found.get(*key) != expected.get(*key))
        .map(|key| format!("{key}\n  {:?}\n  {:?}", found.get(key), expected.get(key)))
        .collect();
    assert!(differences.is_empty(), "{what}: found, expected:\n{}", differences.join("\n"));
}

fn describe(client: &mut Client, key: &[u8]) -> String {
    let kind = client.call::<&[u8]>(&[b"TYPE", key]).text();
    let digest = client.call::<&[u8]>(&[b"DEBUG", b"DIGEST-VALUE", key]);
    let deadline = client.call::<&[u8]>(&[b"PEXPIRETIME", key]);
    let mut text = format!("{kind} {digest} deadline {deadline}");
    if kind == "stream" {
        describe_groups(client, key, &mut text);
    }
    text
}

/// Counters and groups of a stream, which its digest leaves out; without what depends on the time.
fn describe_groups(client: &mut Client, key: &[u8], text: &mut String) {
    let stream = client.call::<&[u8]>(&[b"XINFO", b"STREAM", key]).items();
    for pair in stream.chunks(2) {
        if !pair[0].text().starts_with("radix-tree") {
            let _ = write!(text, "; {} {}", pair[0], pair[1]);
        }
    }
    for group in client.call::<&[u8]>(&[b"XINFO", b"GROUPS", key]).items() {
        let parts = group.items();
        // What it has read in all and what it lags is not part of an append-only file.
        let _ = write!(text, "; group {} at {}", parts[1], parts[7]);
        let name = parts[1].bytes().to_vec();
        let pending: [&[u8]; 6] = [b"XPENDING", key, &name, b"-", b"+", b"100"];
        for entry in client.call(&pending).items() {
            let parts = entry.items();
            let _ = write!(text, ", {} of {} {} times", parts[0], parts[1], parts[3]);
        }
        for consumer in client.call::<&[u8]>(&[b"XINFO", b"CONSUMERS", key, &name]).items() {
            let parts = consumer.items();
            let _ = write!(text, ", consumer {} has {}", parts[1], parts[3]);
        }
    }
}
