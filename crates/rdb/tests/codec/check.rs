//! A check tells of a file in the words of redis-check-rdb 7.2.

use dunlin_rdb::{Checksum, Draft, Version, WriteOptions, check, checksum_bytes};
use dunlin_stdx::time::UnixMs;
use dunlin_values::{AccessHint, Entry, NewValue, PackedKind};

const NOW: UnixMs = UnixMs(5000);

fn file() -> Vec<u8> {
    let mut draft = Draft::new();
    draft.magic(Version::V10);
    draft.aux(b"redis-ver", b"7.2.4");
    draft.aux(b"aof-base", b"0");
    draft.select_db(3);
    draft.resize_db(3, 2);
    let hash = b"\x0d\0\0\0\x02\0\x81f\x02\x81v\x02\xff";
    let entries = [
        Entry::new(b"a", NewValue::string(b"hello"), Some(UnixMs(4999))),
        Entry::new(b"b", NewValue::string(b"hello"), Some(UnixMs(5000))),
        Entry::new(b"h", NewValue::Packed(PackedKind::Hash, hash), None),
    ];
    for entry in &entries {
        draft.entry(entry, AccessHint::None, &WriteOptions::default());
    }
    draft.end();
    let mut bytes = draft.to_vec();
    let checksum = Checksum::of(&bytes);
    bytes.extend_from_slice(&checksum_bytes(Some(checksum)));
    bytes
}

/// The lines of a check, and whether the file is sound.
fn lines(bytes: &[u8]) -> (Vec<String>, bool) {
    let mut out = Vec::new();
    let checked = check("dump.rdb", bytes, NOW, &mut out).expect("memory takes everything");
    if checked.is_sound {
        checked.summary.write(&mut out).expect("memory takes everything");
    }
    let text = String::from_utf8_lossy(&out).into_owned();
    (text.lines().map(str::to_owned).collect(), checked.is_sound)
}

#[test]
fn a_sound_file_is_told_of() {
    let bytes = file();
    let end = bytes.len();
    let (lines, is_sound) = lines(&bytes);
    assert!(is_sound);
    let expected = [
        "[offset 0] Checking RDB file dump.rdb",
        "[offset 26] AUX FIELD redis-ver = '7.2.4'",
        "[offset 38] AUX FIELD aof-base = '0'",
        "[offset 40] Selecting DB ID 3",
        &format!("[offset {end}] Checksum OK"),
        &format!("[offset {end}] \\o/ RDB looks OK! \\o/"),
        "[info] 3 keys read",
        "[info] 2 expires",
        "[info] 1 already expired",
        "[summary] string: 2 keys, 2 expire, 36 bytes in the file, largest 'a' with 18",
        "[summary] hash: 1 keys, 0 expire, 17 bytes in the file, largest 'h' with 17",
        "[summary] database 3: 3 keys",
    ];
    assert_eq!(lines, expected);
}

#[test]
fn what_follows_the_file_is_left_alone() {
    let mut bytes = file();
    let end = bytes.len() as u64;
    bytes.extend_from_slice(b"*1\r\n");
    let checked = check("f", &bytes[..], NOW, &mut Vec::new()).expect("memory takes everything");
    assert_eq!((checked.is_sound, checked.end), (true, end));
}

fn broken(bytes: &[u8]) -> Vec<String> {
    let (lines, is_sound) = lines(bytes);
    assert!(!is_sound);
    let at = lines.iter().position(|line| line == "--- RDB ERROR DETECTED ---");
    lines[at.expect("an error") + 1..].to_vec()
}

#[test]
fn a_broken_file_is_told_of() {
    let bytes = file();
    let nothing = ["[info] 0 keys read", "[info] 0 expires", "[info] 0 already expired"];
    let all = ["[info] 3 keys read", "[info] 2 expires", "[info] 1 already expired"];
    let cut = broken(&bytes[..9]);
    assert_eq!(
        cut[..2],
        ["[offset 9] Unexpected EOF reading RDB file", "[additional info] While doing: read-type"]
    );
    assert_eq!(cut[2], "[additional info] Reading type 0 (string)");
    assert_eq!(cut[3..], nothing);
    let cut = broken(&bytes[..bytes.len() - 12]);
    let value_at = bytes.len() - 9 - 13;
    assert_eq!(
        cut,
        [
            &format!("[offset {value_at}] Unexpected EOF reading RDB file"),
            "[additional info] While doing: read-object-value",
            "[additional info] Reading key 'h'",
            "[additional info] Reading type 16 (hash-listpack)",
            all[0],
            all[1],
            all[2],
        ]
    );
    let mut signature = bytes.clone();
    signature[0] = b'r';
    let lines = broken(&signature);
    assert_eq!(lines[0], "[offset 9] Wrong signature trying to load DB from file");
    assert_eq!(lines[1], "[additional info] While doing: start");
    let mut version = bytes.clone();
    version[8] = b'3';
    assert_eq!(broken(&version)[0], "[offset 9] Can't handle RDB format version 13");
    let mut checksum = bytes.clone();
    *checksum.last_mut().expect("a checksum") ^= 1;
    let end = bytes.len();
    let lines = broken(&checksum);
    assert_eq!(lines[0], format!("[offset {end}] RDB CRC error"));
    assert_eq!(lines[1], "[additional info] While doing: check-sum");
    assert_eq!(lines[2..], all);
    let mut listpack = bytes.clone();
    listpack[value_at] = 14;
    let text = "Internal error in RDB reading offset";
    assert!(broken(&listpack)[0].contains(text), "{:?}", broken(&listpack));
}

#[test]
fn a_file_without_a_checksum_is_sound() {
    let mut bytes = file();
    let end = bytes.len();
    bytes[end - 8..].fill(0);
    let (lines, is_sound) = lines(&bytes);
    assert!(is_sound);
    let line = "RDB file was saved with checksum disabled: no check performed.";
    assert!(lines.contains(&format!("[offset {end}] {line}")), "{lines:?}");
}
