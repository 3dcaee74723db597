//! Writes, syncs and what becomes of them when the disk refuses.

use std::path::Path;
use std::sync::Arc;

use dunlin_aof::BaseForm;

use super::disk::TestDisk;
use crate::append::{
    AppendEvent, AppendFiles, AppendJob, AppendLog, AppendPaths, Appended, Incremental,
    WriteFailure,
};
use crate::events::Events;
use crate::job::{Job, Step};
use crate::snapshot::ReplicationAux;

struct Bench {
    disk: TestDisk,
    log: AppendLog,
    job: AppendJob,
    events: Events<AppendEvent>,
}

fn paths() -> AppendPaths {
    AppendPaths::new(Path::new("/srv"), b"appendonlydir", b"appendonly.aof")
}

impl Bench {
    fn new() -> Self {
        let disk = TestDisk::new(Path::new("/srv"));
        let (mut files, _) = AppendFiles::open(&disk.arc(), paths()).expect("opens");
        let open = files.start(BaseForm::Rdb, b"").expect("starts");
        files.take_log();
        let events = Events::new(Arc::new(|| ()));
        let (log, job) = AppendLog::new(files, Some(open), 0, events.clone());
        Self { disk, log, job, events }
    }

    fn file(&self) -> String {
        let bytes = self.disk.get(&paths().file(b"appendonly.aof.1.incr.aof"));
        String::from_utf8(bytes.expect("a log")).expect("text")
    }

    fn run(&mut self) -> Vec<AppendEvent> {
        while self.job.step() == Step::Working {}
        let events = std::iter::from_fn(|| self.events.next());
        events.filter(|event| !matches!(event, AppendEvent::Log(_))).collect()
    }
}

fn no_space(cut_error: Option<&str>) -> WriteFailure {
    let error = "No space left on device".to_owned();
    WriteFailure { error, cut_error: cut_error.map(str::to_owned) }
}

#[test]
fn the_command_thread_writes_while_the_job_is_idle() {
    let mut bench = Bench::new();
    assert_eq!(bench.log.write(b"one ", 1), Appended::Written);
    assert_eq!((bench.file().as_str(), bench.log.written(), bench.log.synced()), ("one ", 1, 0));
    assert!(bench.log.sync());
    // A sync waits: the bytes go behind it into the queue, and it takes them along.
    assert_eq!(bench.log.write(b"two", 2), Appended::Queued);
    assert!(!bench.log.is_idle());
    assert_eq!(bench.run(), [AppendEvent::Synced(2)]);
    assert_eq!(bench.file(), "one two");
    assert!(!bench.log.sync(), "all is synced");
    assert_eq!(bench.log.write(b"!", 3), Appended::Written);
    assert_eq!(bench.log.len_bytes(), 8);
}

#[test]
fn many_turns_take_one_write_and_one_sync() {
    let mut bench = Bench::new();
    let calls = bench.disk.calls();
    for end in 1..=100 {
        assert_eq!(bench.log.write_and_sync(b"x", end), Appended::Queued);
    }
    assert_eq!(bench.log.queued_bytes(), 100);
    assert_eq!(bench.run(), [AppendEvent::Synced(100)]);
    assert_eq!(bench.disk.calls() - calls, 2);
    assert_eq!((bench.log.queued_bytes(), bench.file().len()), (0, 100));
}

#[test]
fn the_command_thread_syncs_while_the_job_is_idle() {
    let mut bench = Bench::new();
    assert_eq!(bench.log.sync_here(), None, "nothing to sync");
    bench.log.write(b"one ", 1);
    let calls = bench.disk.calls();
    assert_eq!(bench.log.sync_here(), Some(Ok(1)));
    assert_eq!((bench.disk.calls() - calls, bench.log.synced()), (1, 1));
    assert_eq!((bench.run(), bench.log.sync_here()), (vec![], None));
    // What the job has to do comes first.
    bench.log.write(b"two ", 2);
    bench.log.begin_rewrite(Incremental::Listed);
    bench.log.write(b"three", 3);
    assert_eq!(bench.log.sync_here(), None);
    bench.run();
    assert_eq!((bench.log.synced(), bench.log.sync_here()), (2, Some(Ok(3))));
    bench.log.close();
    assert_eq!(bench.run(), [AppendEvent::Closed(Ok(()))]);
    assert_eq!(bench.log.sync_here(), None);
}

#[test]
fn a_sync_on_the_command_thread_that_fails_is_not_tried_again() {
    let mut bench = Bench::new();
    bench.log.write(b"one", 1);
    bench.disk.fail_next_sync();
    assert_eq!(bench.log.sync_here(), Some(Err("Input/output error".to_owned())));
    let calls = bench.disk.calls();
    assert!(matches!(bench.log.sync_here(), Some(Err(_))));
    bench.log.sync();
    assert!(matches!(bench.run()[..], [AppendEvent::SyncFailed(_)]));
    assert_eq!((bench.disk.calls(), bench.log.synced()), (calls, 0));
}

#[test]
fn what_could_not_be_written_is_not_synced_here() {
    let bench = Bench::new();
    bench.log.write(b"one ", 1);
    bench.disk.room(Some(2));
    assert!(matches!(bench.log.write(b"two", 2), Appended::Failed(_)));
    assert_eq!((bench.log.sync_here(), bench.log.synced()), (None, 0));
}

#[test]
fn a_short_write_is_cut_off_and_tried_again() {
    let mut bench = Bench::new();
    bench.log.write(b"one ", 1);
    bench.disk.room(Some(2));
    assert_eq!(bench.log.write(b"two ", 2), Appended::Failed(no_space(None)));
    assert_eq!(bench.file(), "one ");
    assert!(bench.log.is_failing());
    assert_eq!(bench.log.write(b"three", 3), Appended::Queued);
    assert_eq!(bench.run(), []);
    bench.log.retry();
    assert_eq!(bench.run(), [AppendEvent::WriteFailed(no_space(None))]);
    bench.disk.room(None);
    bench.log.retry();
    assert_eq!(bench.run(), [AppendEvent::Written(3)]);
    assert_eq!((bench.file().as_str(), bench.log.is_failing()), ("one two three", false));
}

#[test]
fn what_cannot_be_cut_off_is_gone_on_with() {
    let mut bench = Bench::new();
    bench.log.write(b"one ", 1);
    bench.disk.room(Some(2));
    bench.disk.fail_next_truncate();
    let failure = no_space(Some("Input/output error"));
    assert_eq!(bench.log.write(b"two", 2), Appended::Failed(failure));
    assert_eq!(bench.file(), "one tw");
    bench.disk.room(None);
    bench.log.retry();
    assert_eq!(bench.run(), [AppendEvent::Written(2)]);
    assert_eq!((bench.file().as_str(), bench.log.len_bytes()), ("one two", 7));
}

#[test]
fn a_file_whose_sync_failed_is_not_synced_again() {
    let mut bench = Bench::new();
    bench.log.write(b"one", 1);
    bench.disk.fail_next_sync();
    bench.log.sync();
    assert_eq!(bench.run(), [AppendEvent::SyncFailed("Input/output error".to_owned())]);
    let calls = bench.disk.calls();
    bench.log.sync();
    assert!(matches!(bench.run()[..], [AppendEvent::SyncFailed(_)]));
    assert_eq!((bench.disk.calls(), bench.log.synced()), (calls, 0));
    // No file that is named may follow it.
    bench.log.begin_rewrite(Incremental::Listed);
    assert!(matches!(bench.run()[..], [AppendEvent::RewriteNotBegun(_)]));
    bench.log.begin_rewrite(Incremental::Temporary);
    assert_eq!(bench.run(), [AppendEvent::RewriteBegun(Incremental::Temporary)]);
    assert_eq!(bench.log.write_and_sync(b"two", 2), Appended::Queued);
    assert_eq!(bench.run(), [AppendEvent::Synced(2)]);
    assert_eq!(bench.file(), "one");
    let base = Path::new("/srv/temp.aof");
    bench.disk.put(base, b"zero one");
    bench.log.commit_rewrite(base.to_owned(), BaseForm::Rdb, true);
    assert!(matches!(bench.run()[..], [AppendEvent::RewriteCommitted(_)]));
    let next = bench.disk.get(&paths().file(b"appendonly.aof.2.incr.aof"));
    assert_eq!(next.as_deref(), Some(&b"two"[..]));
    bench.log.close();
    assert_eq!(bench.run(), [AppendEvent::Closed(Ok(()))]);
}

#[test]
fn bytes_that_never_were_written_are_in_the_new_base() {
    let mut bench = Bench::new();
    bench.log.write(b"one ", 1);
    bench.disk.room(Some(0));
    assert!(matches!(bench.log.write(b"two ", 2), Appended::Failed(_)));
    bench.log.begin_rewrite(Incremental::Temporary);
    bench.disk.room(None);
    assert_eq!(bench.log.write(b"three", 3), Appended::Queued);
    let begun = AppendEvent::RewriteBegun(Incremental::Temporary);
    assert_eq!(bench.run(), [begun, AppendEvent::Written(3)]);
    assert_eq!(bench.file(), "one ");
    bench.log.abort_rewrite();
    bench.run();
    assert_eq!(bench.log.write(b"four", 4), Appended::Dropped);
    assert_eq!(bench.file(), "one ", "nothing follows the gap");
}

#[test]
fn closing_writes_and_syncs() {
    let mut bench = Bench::new();
    bench.log.write(b"one ", 1);
    bench.log.sync();
    bench.log.write(b"two", 2);
    bench.log.close();
    assert_eq!(bench.log.write(b"three", 3), Appended::Dropped);
    assert_eq!(bench.run(), [AppendEvent::Synced(2), AppendEvent::Closed(Ok(()))]);
    assert_eq!(bench.file(), "one two");
    // The lock is given up before the end is told, not when the job is dropped.
    AppendFiles::open(&bench.disk.arc(), paths()).expect("opens");
}

#[test]
fn closing_says_what_is_lost() {
    let mut bench = Bench::new();
    bench.disk.room(Some(0));
    bench.log.write(b"one", 1);
    bench.log.close();
    let error = "No space left on device".to_owned();
    let failed = AppendEvent::WriteFailed(no_space(None));
    assert_eq!(bench.run(), [failed, AppendEvent::Closed(Err(error))]);
}

#[test]
fn a_rewrite_splits_the_log_where_it_was_asked_for() {
    let mut bench = Bench::new();
    bench.log.write(b"one ", 1);
    bench.log.begin_rewrite(Incremental::Listed);
    bench.log.write(b"two", 2);
    let begun = AppendEvent::RewriteBegun(Incremental::Listed);
    assert_eq!(bench.run(), [AppendEvent::Synced(1), begun, AppendEvent::Written(2)]);
    assert_eq!(bench.file(), "one ");
    let next = bench.disk.get(&paths().file(b"appendonly.aof.2.incr.aof"));
    assert_eq!(next.as_deref(), Some(&b"two"[..]));
    assert_eq!(bench.log.len_bytes(), 3);
}

#[test]
fn a_rewrite_of_a_log_that_is_off_leaves_the_base_alone() {
    let mut bench = Bench::new();
    bench.log.write(b"one", 1);
    bench.log.close();
    bench.run();
    let files = AppendFiles::enable(&bench.disk.arc(), paths()).expect("enabled");
    (bench.log, bench.job) = AppendLog::new(files, None, 1, bench.events.clone());
    bench.log.begin_rewrite(Incremental::Off);
    assert_eq!(bench.run(), [AppendEvent::RewriteBegun(Incremental::Off)]);
    assert_eq!(bench.log.write(b"two", 2), Appended::Dropped);
    let base = Path::new("/srv/temp.aof");
    bench.disk.put(base, b"base");
    bench.log.commit_rewrite(base.to_owned(), BaseForm::Commands, true);
    assert!(matches!(bench.run()[..], [AppendEvent::RewriteCommitted(_)]));
    let manifest = bench.disk.get(&paths().manifest()).expect("a manifest");
    assert_eq!(manifest, b"file appendonly.aof.2.base.aof seq 2 type b\n");
    assert_eq!(bench.disk.names(), ["appendonly.aof.2.base.aof", "appendonly.aof.manifest"]);
}

#[test]
fn a_rewrite_is_done_when_what_it_replaces_is_gone_even_if_requests_never_cease() {
    let mut bench = Bench::new();
    let base = Path::new("/srv/temp.aof");
    let lines = |bench: &Bench| {
        let manifest = bench.disk.get(&paths().manifest()).expect("a manifest");
        String::from_utf8(manifest).expect("text").lines().count()
    };
    bench.log.begin_rewrite(Incremental::Listed);
    bench.disk.put(base, b"base");
    bench.log.commit_rewrite(base.to_owned(), BaseForm::Rdb, true);
    let mut number = 0;
    loop {
        number += 1;
        bench.log.write_and_sync(b"x", number);
        bench.job.step();
        let events = std::iter::from_fn(|| bench.events.next());
        if events.into_iter().any(|event| matches!(event, AppendEvent::RewriteCommitted(_))) {
            break;
        }
        assert!(number < 100);
    }
    assert_eq!(lines(&bench), 2);
    // History may be kept, and be removed later.
    bench.log.begin_rewrite(Incremental::Listed);
    bench.disk.put(base, b"base");
    bench.log.commit_rewrite(base.to_owned(), BaseForm::Rdb, false);
    bench.run();
    assert_eq!(lines(&bench), 4);
    bench.log.remove_history();
    bench.run();
    assert_eq!(lines(&bench), 2);
}

/// Both ends on threads of their own: whatever the job is doing when bytes come, they are in the
/// files in the order in which they came.
#[test]
fn bytes_keep_their_order_between_threads() {
    const COUNT: u64 = 20_000;
    let Bench { disk, log, mut job, events } = Bench::new();
    let worker = std::thread::spawn(move || {
        let signal = job.signal();
        loop {
            match job.step() {
                Step::Working => {}
                Step::Idle => {
                    signal.wait(std::time::Duration::from_secs(60));
                }
                Step::Done => break,
            }
        }
    });
    let mut queued = 0;
    for number in 1..=COUNT {
        let line = format!("{number}\n");
        let appended = match number % 7 {
            0 => log.write_and_sync(line.as_bytes(), number),
            _ => log.write(line.as_bytes(), number),
        };
        queued += u64::from(appended == Appended::Queued);
        if number % 11 == 0 {
            log.sync();
        }
        if number % 5000 == 0 {
            log.begin_rewrite(Incremental::Listed);
        }
    }
    log.close();
    worker.join().expect("the job ends");
    assert!(queued > 0);
    let mut synced = 0;
    while let Some(event) = events.next() {
        if let AppendEvent::Synced(upto) = event {
            assert!(upto >= synced);
            synced = upto;
        }
    }
    let (_, plan) = AppendFiles::open(&disk.arc(), paths()).expect("opens");
    let texts = plan.files.iter().map(|file| disk.get(&file.path).expect("a file"));
    let text = String::from_utf8(texts.collect::<Vec<_>>().concat()).expect("text");
    let expected: String = (1..=COUNT).map(|number| format!("{number}\n")).collect();
    assert!(text == expected, "the order is another one");
    assert!(plan.files.len() > 4);
}

#[test]
fn a_log_that_lasts_ends_with_its_position() {
    let position = ReplicationAux { stream_db: 2, id: [b'd'; 40], offset: 1234 };
    let line = |file_bytes| format!("#DUNLIN-POSITION:{} 1234 2 {file_bytes}\r\n", "d".repeat(40));
    let mut bench = Bench::new();
    bench.log.write(b"one ", 1);
    bench.log.close_at(position);
    assert_eq!(bench.run(), [AppendEvent::Closed(Ok(()))]);
    assert_eq!(bench.file(), format!("one {}", line(4)));
    let synced = bench.disk.synced(&paths().file(b"appendonly.aof.1.incr.aof"));
    assert_eq!(synced, Some(bench.file().into_bytes()), "it lasts");

    // Bytes that are lost speak against it.
    let mut bench = Bench::new();
    bench.disk.room(Some(2));
    bench.log.write(b"one ", 1);
    bench.log.close_at(position);
    bench.run();
    assert_eq!(bench.file(), "");
    // So does a sync that failed.
    let mut bench = Bench::new();
    bench.log.write(b"one ", 1);
    bench.disk.fail_next_sync();
    bench.log.close_at(position);
    assert!(matches!(bench.run()[..], [AppendEvent::Closed(Err(_))]));
    assert_eq!(bench.file(), "one ");
    // A line that cannot be written is no harm to what is there.
    let mut bench = Bench::new();
    bench.log.write(b"one ", 1);
    bench.disk.room(Some(5));
    bench.log.close_at(position);
    while bench.job.step() == Step::Working {}
    let events: Vec<_> = std::iter::from_fn(|| bench.events.next()).collect();
    let [AppendEvent::Log(warning), AppendEvent::Closed(Ok(()))] = &events[events.len() - 2..]
    else {
        panic!("{events:?}")
    };
    assert!(warning.text.contains("replication stream: No space left on device."), "{warning:?}");
    assert_eq!(bench.file(), "one ");
    // A file that counts for nothing yet gets none.
    let mut bench = Bench::new();
    bench.log.begin_rewrite(Incremental::Temporary);
    bench.log.write(b"two", 2);
    bench.log.close_at(position);
    bench.run();
    assert_eq!(bench.file(), "");
    assert_eq!(bench.disk.get(&paths().file(b"temp-appendonly.aof.incr")), None);
}
