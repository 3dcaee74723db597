//! Which files are named, loaded, refused.

use std::path::{Path, PathBuf};

use dunlin_aof::BaseForm;

use super::disk::{AFTER, TestDisk};
use crate::append::{AppendError, AppendFiles, AppendPaths, Incremental};
use crate::disk::Disk;
use crate::load::{FileRole, LoadPlan};

fn paths() -> AppendPaths {
    AppendPaths::new(Path::new("/srv"), b"appendonlydir", b"appendonly.aof")
}

fn disk(files: &[(&str, &str)]) -> TestDisk {
    let disk = TestDisk::new(Path::new("/srv"));
    for (path, bytes) in files {
        disk.put(&Path::new("/srv").join(path), bytes.as_bytes());
    }
    disk
}

fn open(disk: &TestDisk) -> Result<(AppendFiles, LoadPlan), AppendError> {
    AppendFiles::open(&disk.arc(), paths())
}

fn refused(disk: &TestDisk) -> Vec<String> {
    open(disk).map(|_| ()).expect_err("refused").log_lines()
}

fn log(files: &mut AppendFiles) -> Vec<String> {
    files.take_log().into_iter().map(|line| line.text).collect()
}

/// Name, role, whether it may be cut.
fn show(plan: &LoadPlan) -> Vec<(&str, FileRole, bool)> {
    plan.files.iter().map(|file| (file.name.as_str(), file.role, file.may_be_cut)).collect()
}

const MANIFEST: &str = "file appendonly.aof.2.base.rdb seq 2 type b\n\
                        file appendonly.aof.1.base.rdb seq 1 type h\n\
                        file appendonly.aof.3.incr.aof seq 3 type i\n\
                        file appendonly.aof.4.incr.aof seq 4 type i\n";

fn whole() -> [(&'static str, &'static str); 5] {
    [
        ("appendonlydir/appendonly.aof.manifest", MANIFEST),
        ("appendonlydir/appendonly.aof.1.base.rdb", "history"),
        ("appendonlydir/appendonly.aof.2.base.rdb", "base"),
        ("appendonlydir/appendonly.aof.3.incr.aof", "three"),
        ("appendonlydir/appendonly.aof.4.incr.aof", "four"),
    ]
}

#[test]
fn a_first_start_makes_everything() {
    let disk = disk(&[]);
    let (mut files, plan) = open(&disk).expect("opens");
    assert_eq!(plan, LoadPlan::default());
    let log_file = files.start(BaseForm::Rdb, b"REDIS0010").expect("starts");
    assert_eq!(log_file.len_bytes(), 0);
    assert_eq!(
        log(&mut files),
        [
            "Creating AOF base file appendonly.aof.1.base.rdb on server start",
            "Creating AOF incr file appendonly.aof.1.incr.aof on server start",
        ]
    );
    assert_eq!(
        disk.get(&paths().manifest()).as_deref(),
        Some(
            &b"file appendonly.aof.1.base.rdb seq 1 type b\n\
               file appendonly.aof.1.incr.aof seq 1 type i\n"[..]
        )
    );
    let base = disk.get(&paths().file(b"appendonly.aof.1.base.rdb"));
    assert_eq!(base.as_deref(), Some(&b"REDIS0010"[..]));
}

#[test]
fn a_later_start_loads_in_order_and_goes_on() {
    let disk = disk(&whole());
    let (mut files, plan) = open(&disk).expect("opens");
    assert_eq!(
        show(&plan),
        [
            ("appendonly.aof.2.base.rdb", FileRole::Base, false),
            ("appendonly.aof.3.incr.aof", FileRole::Incremental, false),
            ("appendonly.aof.4.incr.aof", FileRole::Incremental, true),
        ]
    );
    assert_eq!((plan.total_bytes(), plan.base_bytes()), (13, 4));
    let open_log = files.start(BaseForm::Rdb, b"unused").expect("starts");
    assert_eq!(open_log.len_bytes(), 4);
    assert_eq!(
        log(&mut files),
        [
            "Opening AOF incr file appendonly.aof.4.incr.aof on server start",
            "Removing the history file appendonly.aof.1.base.rdb in the background",
        ]
    );
    assert_eq!(disk.get(&paths().file(b"appendonly.aof.1.base.rdb")), None);
    let manifest = disk.get(&paths().manifest()).expect("manifest");
    assert_eq!(String::from_utf8_lossy(&manifest).lines().count(), 3);
}

#[test]
fn a_cut_before_an_empty_file_is_at_the_end() {
    let mut files = whole();
    files[4].1 = "";
    let (_, plan) = open(&disk(&files)).expect("opens");
    let may_be_cut: Vec<bool> = plan.files.iter().map(|file| file.may_be_cut).collect();
    assert_eq!(may_be_cut, [false, true, true]);
}

#[test]
fn a_missing_file() {
    for missing in 2..5 {
        let files: Vec<_> = whole().into_iter().filter(|file| *file != whole()[missing]).collect();
        let name = whole()[missing].0.strip_prefix("appendonlydir/").expect("in it");
        let line =
            format!("Unable to obtain the AOF file {name} length. stat: No such file or directory");
        assert_eq!(refused(&disk(&files)), [line]);
    }
    // One that is no longer needed is not missed.
    let files: Vec<_> = whole().into_iter().filter(|file| *file != whole()[1]).collect();
    let disk = disk(&files);
    let (mut files, _) = open(&disk).expect("opens");
    files.start(BaseForm::Rdb, b"").expect("starts");
}

#[test]
fn a_swapped_file() {
    let lines: Vec<&str> = MANIFEST.lines().collect();
    let swapped = [lines[0], lines[3], lines[2], ""].join("\n");
    let mut files = whole();
    files[0].1 = &swapped;
    assert_eq!(
        refused(&disk(&files)),
        [
            "*** FATAL AOF MANIFEST FILE ERROR ***",
            "Reading the manifest file, at line 3",
            ">>> 'file appendonly.aof.3.incr.aof seq 3 type i'",
            "Found a non-monotonic sequence number",
        ]
    );
}

#[test]
fn an_extra_file() {
    let mut files = whole().to_vec();
    files.push(("appendonlydir/appendonly.aof.5.incr.aof", "five"));
    files.push(("appendonlydir/notes.txt", "notes"));
    let disk = disk(&files);
    let (mut files, plan) = open(&disk).expect("opens");
    assert_eq!(plan.files.len(), 3);
    assert_eq!(
        log(&mut files),
        ["1 AOF files are not named by the manifest appendonly.aof.manifest and are not used: \
          appendonly.aof.5.incr.aof"]
    );
}

#[test]
fn without_a_manifest_no_file_is_written_over() {
    let disk = disk(&whole()[1..]);
    let (mut files, plan) = open(&disk).expect("opens");
    assert_eq!(plan, LoadPlan::default());
    files.start(BaseForm::Commands, b"").expect("starts");
    assert_eq!(
        log(&mut files)[1..],
        [
            "Creating AOF base file appendonly.aof.3.base.aof on server start",
            "Creating AOF incr file appendonly.aof.5.incr.aof on server start",
        ]
    );
    assert_eq!(
        disk.get(&paths().file(b"appendonly.aof.4.incr.aof")).as_deref(),
        Some(&b"four"[..])
    );
}

#[test]
fn an_old_file_becomes_the_base() {
    let manifest = "file appendonly.aof seq 1 type b\n";
    // Before the first step, after it, and after the second.
    for files in [
        &[("appendonly.aof", "old")][..],
        &[("appendonly.aof", "old"), ("appendonlydir/notes", "")],
        &[("appendonly.aof", "old"), ("appendonlydir/appendonly.aof.manifest", manifest)],
    ] {
        let disk = disk(files);
        let (mut files, plan) = open(&disk).expect("opens");
        assert_eq!(show(&plan), [("appendonly.aof", FileRole::OldStyle, true)]);
        assert_eq!(
            log(&mut files),
            [
                "Successfully migrated an old-style AOF file (appendonly.aof) into the AOF directory \
              (appendonlydir)."
            ]
        );
        files.start(BaseForm::Rdb, b"").expect("starts");
        assert_eq!(disk.get(Path::new("/srv/appendonly.aof")), None);
        assert_eq!(disk.get(&paths().file(b"appendonly.aof")).as_deref(), Some(&b"old"[..]));
        drop(files);
        let (_, plan) = open(&disk).expect("opens again");
        assert_eq!(
            show(&plan),
            [
                ("appendonly.aof", FileRole::OldStyle, true),
                ("appendonly.aof.1.incr.aof", FileRole::Incremental, true),
            ]
        );
    }
}

#[test]
fn an_old_file_beside_a_log_is_a_stranger() {
    let mut files = whole().to_vec();
    files.push(("appendonly.aof", "old"));
    let disk = disk(&files);
    let (_, plan) = open(&disk).expect("opens");
    assert_eq!(plan.files.len(), 3);
    assert!(disk.get(Path::new("/srv/appendonly.aof")).is_some());
}

#[test]
fn an_old_file_does_not_replace_another() {
    let disk = disk(&[("appendonly.aof", "one"), ("appendonlydir/appendonly.aof", "another")]);
    assert!(refused(&disk)[0].contains("is there twice"));
}

#[test]
fn two_servers_do_not_share_a_log() {
    let in_use = AppendError::InUse(paths().manifest());
    // Neither where there is none yet ...
    let disk = disk(&[]);
    let (mut first, _) = open(&disk).expect("opens");
    assert_eq!(open(&disk).map(|_| ()), Err(in_use.clone()));
    let _log = first.start(BaseForm::Rdb, b"").expect("starts");
    assert_eq!(open(&disk).map(|_| ()), Err(in_use.clone()));
    // ... nor while the manifest is replaced.
    let _log = first.begin_rewrite(Incremental::Listed).expect("begins");
    assert_eq!(open(&disk).map(|_| ()), Err(in_use.clone()));
    assert_eq!(AppendFiles::enable(&disk.arc(), paths()).map(|_| ()), Err(in_use));
    // Another appendfilename in the same directory is another log.
    let other = AppendPaths::new(Path::new("/srv"), b"appendonlydir", b"other.aof");
    let (mut second, _) = AppendFiles::open(&disk.arc(), other).expect("opens");
    second.start(BaseForm::Rdb, b"").expect("starts");
    drop(first);
    open(&disk).expect("opens");
}

#[test]
fn a_manifest_that_cannot_be_written_keeps_others_out() {
    let disk = disk(&[]);
    let mut files = AppendFiles::enable(&disk.arc(), paths()).expect("enabled");
    let log = files.begin_rewrite(Incremental::Temporary).expect("begins");
    let base = PathBuf::from("/srv/temp-rewriteaof-bg-1.aof");
    disk.put(&base, b"base");
    disk.room(Some(0));
    let error = files
        .commit_rewrite(Incremental::Temporary, &base, BaseForm::Rdb)
        .expect_err("no room for a manifest");
    assert_eq!(
        error.to_string(),
        "Error trying to write the temporary AOF manifest file temp-appendonly.aof.manifest: \
         No space left on device"
    );
    assert!(matches!(AppendFiles::enable(&disk.arc(), paths()), Err(AppendError::InUse(_))));
    disk.room(None);
    drop(log);
    files.abort_rewrite(Incremental::Temporary);
    let _log = files.begin_rewrite(Incremental::Temporary).expect("begins again");
    disk.put(&base, b"base");
    let committed = files.commit_rewrite(Incremental::Temporary, &base, BaseForm::Rdb);
    assert_eq!(committed.expect("commits").base_bytes, 4);
    assert!(matches!(AppendFiles::enable(&disk.arc(), paths()), Err(AppendError::InUse(_))));
    drop(files);
    let (_, plan) = open(&disk).expect("opens");
    assert_eq!(plan.files.len(), 2);
}

#[test]
fn nothing_is_removed_before_the_manifest_lasts() {
    let disk = disk(&whole());
    let (mut files, _) = open(&disk).expect("opens");
    files.start(BaseForm::Rdb, b"").expect("starts");
    files.begin_rewrite(Incremental::Listed).expect("begins");
    let base = PathBuf::from("/srv/temp-rewriteaof-bg-1.aof");
    disk.put(&base, b"base three");
    disk.directory_syncs(Some(1));
    let committed = files.commit_rewrite(Incremental::Listed, &base, BaseForm::Rdb);
    assert_eq!(
        committed.expect_err("not synced").to_string(),
        "Fail to fsync AOF directory /srv/appendonlydir/appendonly.aof.manifest: \
         Input/output error."
    );
    assert!(!files.remove_history());
    // Whether the power loss takes the new manifest or not, what it names is there.
    for after in AFTER {
        let (_, plan) = open(&disk.found(after)).expect("opens");
        assert!(plan.files.len() == 2 || plan.files.len() == 4, "{plan:?}");
    }
    disk.directory_syncs(None);
    files.begin_rewrite(Incremental::Listed).expect("begins");
    assert!(files.remove_history(), "it lasts now");
}

#[test]
fn the_texts_of_a_rewrite() {
    let disk = disk(&whole());
    let (mut files, _) = open(&disk).expect("opens");
    files.start(BaseForm::Rdb, b"").expect("starts");
    log(&mut files);
    files.begin_rewrite(Incremental::Listed).expect("begins");
    let base = PathBuf::from("/srv/temp-rewriteaof-bg-1.aof");
    let error = files.commit_rewrite(Incremental::Listed, &base, BaseForm::Rdb);
    assert_eq!(
        error.expect_err("no base").to_string(),
        "Error trying to rename the temporary AOF base file temp-rewriteaof-bg-1.aof into \
         /srv/appendonlydir/appendonly.aof.3.base.rdb: entity not found"
    );
    disk.put(&base, b"base three");
    let committed = files.commit_rewrite(Incremental::Listed, &base, BaseForm::Rdb);
    assert_eq!(committed.expect("commits").base_bytes, 10);
    while files.remove_history() {}
    assert_eq!(
        log(&mut files),
        [
            "Creating AOF incr file appendonly.aof.5.incr.aof on background rewrite",
            "Successfully renamed the temporary AOF base file temp-rewriteaof-bg-1.aof into \
             appendonly.aof.3.base.rdb",
            "Removing the history file appendonly.aof.3.incr.aof in the background",
            "Removing the history file appendonly.aof.4.incr.aof in the background",
            "Removing the history file appendonly.aof.2.base.rdb in the background",
        ]
    );
    assert_eq!(
        disk.list(&paths().directory()).expect("names"),
        ["appendonly.aof.3.base.rdb", "appendonly.aof.5.incr.aof", "appendonly.aof.manifest"]
    );
}
