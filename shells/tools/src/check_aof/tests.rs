//! Tests of check-aof.

use std::ffi::OsString;
use std::fs;
use std::path::Path;

use super::*;

fn command(words: &[&str]) -> Vec<u8> {
    let mut out = format!("*{}\r\n", words.len()).into_bytes();
    for word in words {
        out.extend_from_slice(format!("${}\r\n{word}\r\n", word.len()).as_bytes());
    }
    out
}

/// An RDB file without keys or checksum.
const RDB: &[u8] = b"REDIS0011\xff\0\0\0\0\0\0\0\0";

struct Folder(tempfile::TempDir);

impl Folder {
    fn new(files: &[(&str, &[u8])]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        for (name, bytes) in files {
            fs::write(folder.path().join(name), bytes).expect("a file");
        }
        Self(folder)
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn bytes(&self, name: &str) -> Vec<u8> {
        fs::read(self.path().join(name)).expect("a file")
    }

    /// Runs the check on a file; whether it succeeds, and what it prints, the folder as `DIR`.
    fn check(&self, options: &[&str], name: &str, answer: &str) -> (bool, String) {
        let mut arguments: Vec<OsString> = options.iter().map(OsString::from).collect();
        arguments.push(self.path().join(name).into());
        let mut out = Vec::new();
        let code = check_aof("check-aof", &arguments, &mut answer.as_bytes(), &mut out);
        let text = String::from_utf8(out).expect("text");
        let succeeds = format!("{code:?}") == format!("{:?}", ExitCode::SUCCESS);
        (succeeds, text.replace(&self.path().display().to_string(), "DIR"))
    }
}

#[test]
fn a_good_log_and_its_summary() {
    let bytes = [
        &b"#TS:100\r\n"[..],
        &command(&["SELECT", "0"]),
        &command(&["set", "k", "v"]),
        b"#TS:107\r\n",
        &command(&["SET", "k", "w"]),
    ]
    .concat();
    let folder = Folder::new(&[("a.aof", &bytes)]);
    let expected = "Start checking Old-Style AOF\n\
        AOF analyzed: filename=DIR/a.aof, size=95, ok_up_to=95, ok_up_to_line=20, diff=0\n\
        AOF DIR/a.aof is valid\n\
        [info] 3 commands, 77 bytes\n\
        [info] SET: 2 commands, 54 bytes\n\
        [info] SELECT: 1 commands, 23 bytes\n\
        [info] written from 100 to 107 (Unix time)\n";
    assert_eq!(folder.check(&[], "a.aof", ""), (true, expected.to_owned()));
}

#[test]
fn a_log_that_was_closed_in_good_order_says_where() {
    let (set, id) = (command(&["SET", "k", "v"]), "a".repeat(40));
    let end = format!("#DUNLIN-POSITION:{id} 77 0 {}\r\n", set.len());
    let closed = [&set[..], end.as_bytes()].concat();
    let further = [&closed[..], &set].concat();
    let edited = [&set[..], &set, end.as_bytes()].concat();
    let files = [("closed", &closed[..]), ("further", &further), ("edited", &edited)];
    let folder = Folder::new(&files);
    let line = format!("[info] closed at offset 77 of the replication stream {id}\n");
    for (name, is_told) in [("closed", true), ("further", false), ("edited", false)] {
        let (is_good, text) = folder.check(&[], name, "");
        assert!(is_good, "{text}");
        assert_eq!(text.ends_with(&line), is_told, "{text}");
    }
}

#[test]
fn a_cut_log_is_fixed_when_told_so() {
    let (ping, set) = (command(&["PING"]), command(&["SET", "a", "abcde"]));
    let bytes = [&ping[..], &set[..set.len() - 5]].concat();
    let folder = Folder::new(&[("t.aof", &bytes)]);
    let analysis = "Start checking Old-Style AOF\n\
        0x              26: Expected to read 7 bytes, got 2 bytes\n\
        AOF analyzed: filename=DIR/t.aof, size=40, ok_up_to=14, ok_up_to_line=10, diff=26\n";
    let invalid =
        format!("{analysis}AOF DIR/t.aof is not valid. Use the --fix option to try fixing it.\n");
    assert_eq!(folder.check(&[], "t.aof", ""), (false, invalid));
    let asked = format!(
        "{analysis}This will shrink the AOF DIR/t.aof from 40 bytes, with 26 bytes, to 14 bytes\n\
         Continue? [y/N]: "
    );
    let (succeeds, text) = folder.check(&["--fix"], "t.aof", "n\n");
    assert_eq!((succeeds, text), (false, format!("{asked}Aborting...\n")));
    assert_eq!(folder.bytes("t.aof"), bytes);
    let (succeeds, text) = folder.check(&["--fix"], "t.aof", "Yes\n");
    assert!(succeeds && text.starts_with(&asked), "{text}");
    assert!(text.contains("Successfully truncated AOF DIR/t.aof\n"), "{text}");
    assert_eq!(folder.bytes("t.aof"), ping);
}

#[test]
fn an_open_transaction_is_cut_off_as_a_whole() {
    let bytes = [command(&["PING"]), command(&["MULTI"]), command(&["SET", "k", "v"])].concat();
    let folder = Folder::new(&[("m.aof", &bytes)]);
    let (_, text) = folder.check(&[], "m.aof", "");
    assert!(
        text.contains("0x              35: Reached EOF before reading EXEC for MULTI\n"),
        "{text}"
    );
    assert!(text.contains("size=56, ok_up_to=14, ok_up_to_line=14, diff=42\n"), "{text}");
}

#[test]
fn a_damaged_length_does_not_fill_the_memory() {
    let bytes = [&command(&["PING"])[..], b"*1\r\n$9000000000000000000\r\nabc"].concat();
    let folder = Folder::new(&[("d.aof", &bytes)]);
    let (succeeds, text) = folder.check(&[], "d.aof", "");
    assert!(!succeeds);
    let line = "0x              28: Expected to read 9000000000000000002 bytes, got 3 bytes\n";
    assert!(text.contains(line), "{text}");
}

const MANIFEST: &[u8] = b"file base seq 1 type b\nfile one seq 1 type i\nfile two seq 2 type i\n";

#[test]
fn all_files_of_a_manifest_are_checked() {
    let set = command(&["SET", "k", "v"]);
    let folder = Folder::new(&[("m", MANIFEST), ("base", RDB), ("one", b""), ("two", &set)]);
    let (succeeds, text) = folder.check(&[], "m", "");
    let expected = "Start checking Multi Part AOF\n\
        Start to check BASE AOF (RDB format).\n";
    assert!(succeeds && text.starts_with(expected), "{text}");
    let expected = "RDB preamble is OK, proceeding with AOF tail...\n\
        AOF analyzed: filename=base, size=18, ok_up_to=18, ok_up_to_line=1, diff=0\n\
        BASE AOF base is valid\n\
        Start to check INCR files.\n\
        INCR AOF one is empty\n\
        AOF analyzed: filename=two, size=27, ok_up_to=27, ok_up_to_line=8, diff=0\n\
        INCR AOF two is valid\n\
        All AOF files and manifest are valid\n\
        [info] 1 commands, 27 bytes\n\
        [info] SET: 1 commands, 27 bytes\n";
    assert!(text.ends_with(expected), "{text}");
}

#[test]
fn a_missing_and_a_damaged_file_of_a_manifest() {
    let set = command(&["SET", "k", "v"]);
    let folder = Folder::new(&[("m", MANIFEST), ("base", &set), ("one", &set)]);
    let (succeeds, text) = folder.check(&[], "m", "");
    let expected =
        "INCR AOF one is valid\nCannot open file DIR/two: No such file or directory, aborting...\n";
    assert!(!succeeds && text.ends_with(expected), "{text}");
    let folder = Folder::new(&[("m", MANIFEST), ("base", &set), ("one", &set[1..]), ("two", &set)]);
    let (succeeds, text) = folder.check(&["--fix"], "m", "y");
    let expected = "AOF one format error\n\
        AOF analyzed: filename=one, size=26, ok_up_to=0, ok_up_to_line=8, diff=26\n\
        Failed to truncate AOF one because it is not the last file\n";
    assert!(!succeeds && text.ends_with(expected), "{text}");
    let folder = Folder::new(&[("m", MANIFEST), ("base", &RDB[..12]), ("one", b""), ("two", b"")]);
    let (succeeds, text) = folder.check(&[], "m", "");
    assert!(
        !succeeds && text.ends_with("RDB preamble of AOF file is not sane, aborting.\n"),
        "{text}"
    );
}

#[test]
fn a_damaged_manifest() {
    let folder = Folder::new(&[("m", b"file a seq 1 type b\nfile b seq 1 type b\n")]);
    let expected = "Start checking Multi Part AOF\n\
        *** FATAL AOF MANIFEST FILE ERROR ***\n\
        Reading the manifest file, at line 2\n\
        >>> 'file b seq 1 type b'\n\
        Found duplicate base file information\n";
    assert_eq!(folder.check(&[], "m", ""), (false, expected.to_owned()));
}

#[test]
fn a_log_is_cut_at_a_time() {
    let set = command(&["SET", "k", "v"]);
    let (multi, exec) = (command(&["MULTI"]), command(&["EXEC"]));
    let before = [&b"#TS:100\r\n"[..], &set].concat();
    let bytes = [&before[..], &multi, b"#TS:105\r\n", &set, &exec, &set].concat();
    let folder = Folder::new(&[("a.aof", &bytes)]);
    let option = |time| ["--truncate-to-timestamp", time];
    let (succeeds, text) = folder.check(&option("99"), "a.aof", "");
    assert!(
        !succeeds && text.ends_with("AOF DIR/a.aof has nothing before timestamp 99, aborting...\n")
    );
    let (succeeds, text) = folder.check(&option("105"), "a.aof", "");
    assert!(
        succeeds && text.contains("Truncate nothing in AOF DIR/a.aof to timestamp 105\n"),
        "{text}"
    );
    assert_eq!(folder.bytes("a.aof"), bytes);
    let (succeeds, text) = folder.check(&option("104"), "a.aof", "");
    assert!(succeeds && text.contains("Successfully truncated AOF DIR/a.aof to timestamp 104\n"));
    assert_eq!(folder.bytes("a.aof"), before, "not within the transaction");
    let folder = Folder::new(&[("m", MANIFEST), ("base", &bytes), ("one", b""), ("two", b"")]);
    let (succeeds, text) = folder.check(&option("104"), "m", "");
    let line = "Failed to truncate AOF DIR/base to timestamp 104 to offset 36 because it is not the last file.\n";
    assert!(!succeeds && text.contains(line), "{text}");
}

#[test]
fn an_rdb_file_with_a_log_behind_it() {
    let bytes = [RDB, &command(&["SET", "k", "v"])].concat();
    let folder = Folder::new(&[("a.aof", &bytes), ("short", b"REDIS"), ("empty", b"")]);
    let (succeeds, text) = folder.check(&[], "a.aof", "");
    assert!(succeeds && text.contains("size=45, ok_up_to=45, ok_up_to_line=8, diff=0\n"), "{text}");
    let (succeeds, text) = folder.check(&[], "short", "");
    assert!(!succeeds && text.contains("AOF DIR/short format error\n"), "{text}");
    let (succeeds, text) = folder.check(&[], "empty", "");
    assert!(succeeds && text.contains("AOF DIR/empty is empty\n"), "{text}");
    let (succeeds, text) = folder.check(&[], "none", "");
    assert_eq!(
        (succeeds, text.as_str()),
        (false, "Cannot open file DIR/none: No such file or directory\n")
    );
}
