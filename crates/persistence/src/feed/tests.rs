//! Feeds, stepped by hand.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;

use super::pipe::REPLICA_IS_GONE;
use super::*;
use crate::disk::DiskFile;
use crate::job::{Job, Signal, Step};
use crate::memory_disk::MemoryDisk;
use crate::snapshot::Outlet;

const MARK: [u8; 40] = [b'm'; 40];

/// Counts how often somebody was woken.
#[derive(Clone, Default)]
struct Woken(Arc<AtomicUsize>);

impl Woken {
    fn waker(&self) -> Arc<dyn Fn() + Send + Sync> {
        let woken = self.clone();
        Arc::new(move || {
            woken.0.fetch_add(1, Ordering::Relaxed);
        })
    }

    fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

fn take_all(feed: &mut Feed) -> Vec<u8> {
    let mut all = Vec::new();
    while let Some(bytes) = feed.take(100) {
        assert!(bytes.len() <= 100);
        all.extend_from_slice(&bytes);
    }
    all
}

#[test]
fn what_goes_in_comes_out_between_its_marks() {
    let woken = Woken::default();
    let (mut outlet, mut feed) = Feed::new(Framing::Mark(MARK), woken.waker());
    assert_eq!((feed.take(1), feed.state()), (None, FeedState::Running));
    assert_eq!(outlet.write(b"REDIS"), Ok(5));
    assert_eq!(outlet.write_shared(&Bytes::from_static(b"..abc"), 2), Ok(3));
    assert_eq!((woken.count(), feed.queued_bytes()), (1, 47 + 8));
    assert_eq!(outlet.finish(), Ok(true));
    assert_eq!(feed.state(), FeedState::Running);
    let mark = "m".repeat(40);
    assert_eq!(take_all(&mut feed), format!("$EOF:{mark}\r\nREDISabc{mark}").as_bytes());
    assert_eq!((feed.state(), feed.queued_bytes()), (FeedState::Finished, 0));
}

#[test]
fn whoever_found_nothing_is_woken_once() {
    let woken = Woken::default();
    let (mut outlet, mut feed) = Feed::new(Framing::Length(3), woken.waker());
    for piece in [b"a", b"b", b"c"] {
        let before = woken.count();
        assert_eq!(outlet.write(piece), Ok(1));
        assert_eq!(outlet.write(b""), Ok(0));
        assert_eq!(woken.count(), before + 1);
        assert!(!take_all(&mut feed).is_empty());
    }
    assert_eq!(outlet.finish(), Ok(true));
    assert_eq!((woken.count(), feed.state()), (4, FeedState::Finished));
}

#[test]
fn blocks_are_shared_and_not_copied() {
    let (mut outlet, mut feed) = Feed::new(Framing::Length(3), Arc::new(|| ()));
    let block = Bytes::from(vec![b'x'; 1000]);
    assert_eq!(outlet.write_shared(&block, 10), Ok(990));
    assert_eq!(feed.take(1 << 20).as_deref(), Some(&b"$3\r\n"[..]));
    let taken = feed.take(500).expect("it is there");
    assert_eq!(taken.as_ptr(), block[10..].as_ptr());
}

#[test]
fn a_full_feed_takes_more_when_half_of_it_was_taken() {
    let (mut outlet, mut feed) = Feed::new(Framing::Length(9), Arc::new(|| ()));
    let signal = Arc::new(Signal::default());
    outlet.attach(Arc::clone(&signal));
    let block = Bytes::from(vec![b'x'; 3 << 20]);
    let taken = outlet.write_shared(&block, 0).expect("it is open");
    assert!((1 << 19..=1 << 20).contains(&taken), "{taken}");
    while outlet.write_shared(&block, taken) != Ok(0) {}
    assert!(feed.queued_bytes() < (1 << 20) + 100);
    while feed.queued_bytes() > 1 << 19 {
        assert!(!signal.wait(std::time::Duration::ZERO));
        drop(feed.take(64 << 10));
    }
    assert!(signal.wait(std::time::Duration::ZERO));
    assert!(outlet.write_shared(&block, taken).is_ok_and(|more| more > 0));
}

#[test]
fn a_replica_that_is_gone_and_a_snapshot_that_is() {
    let (mut outlet, feed) = Feed::new(Framing::Mark(MARK), Arc::new(|| ()));
    let signal = Arc::new(Signal::default());
    outlet.attach(Arc::clone(&signal));
    drop(feed);
    assert!(signal.wait(std::time::Duration::ZERO), "the writer is to see it at once");
    let gone = Err(REPLICA_IS_GONE.to_owned());
    assert_eq!((outlet.check(), outlet.write(b"x")), (gone.clone().map(|_: usize| ()), gone));
    assert!(outlet.finish().is_err());

    let woken = Woken::default();
    let (mut outlet, mut feed) = Feed::new(Framing::Mark(MARK), woken.waker());
    assert_eq!(outlet.write(b"x"), Ok(1));
    outlet.abandon("disk full");
    drop(outlet);
    assert_eq!((feed.take(1), woken.count()), (None, 2));
    assert_eq!(feed.state(), FeedState::Failed("disk full".to_owned()));

    let (outlet, feed) = Feed::new(Framing::Mark(MARK), Arc::new(|| ()));
    drop(outlet);
    assert_eq!(feed.state(), FeedState::Failed("the snapshot was given up".to_owned()));
}

fn sync_file(disk: &MemoryDisk, bytes: &[u8], len_bytes: u64) -> SyncFile {
    use crate::disk::Disk;
    let mut file: Box<dyn DiskFile> = disk.create("dump.rdb".as_ref()).expect("made");
    file.write_all(bytes).expect("written");
    SyncFile::new(file, len_bytes)
}

#[test]
fn replicas_are_sent_one_file_each_at_its_own_pace() {
    let disk = MemoryDisk::default();
    let bytes: Vec<u8> = (0..3_000_000_u32).map(|n| (n / 1000) as u8).collect();
    let file = sync_file(&disk, &bytes, bytes.len() as u64);
    let (mut fast, mut fast_feed) = FileSender::new(file.clone(), Arc::new(|| ()));
    let (mut slow, mut slow_feed) = FileSender::new(file, Arc::new(|| ()));
    disk.put("dump.rdb", b"another one");
    let mut expected = b"$3000000\r\n".to_vec();
    expected.extend_from_slice(&bytes);
    let (mut fast_got, mut slow_got) = (Vec::new(), Vec::new());
    while slow.step() == Step::Working {}
    while fast.step() != Step::Done {
        fast_got.extend(take_all(&mut fast_feed));
    }
    fast_got.extend(take_all(&mut fast_feed));
    assert!(fast_got == expected);
    assert_eq!(slow.step(), Step::Idle);
    loop {
        slow_got.extend_from_slice(&slow_feed.take(100_000).unwrap_or_default());
        if slow.step() == Step::Done {
            break;
        }
    }
    slow_got.extend(take_all(&mut slow_feed));
    assert!(slow_got == expected);
    assert_eq!((slow_feed.state(), slow.step()), (FeedState::Finished, Step::Done));
}

#[test]
fn what_is_wrong_with_the_file_is_told() {
    let disk = MemoryDisk::default();
    let end = |mut sender: FileSender, feed: &Feed| {
        while sender.step() == Step::Working {}
        feed.state()
    };
    let (sender, feed) = FileSender::new(sync_file(&disk, b"short", 6), Arc::new(|| ()));
    let why = "Read error sending DB to replica: premature EOF".to_owned();
    assert_eq!(end(sender, &feed), FeedState::Failed(why));

    let (sender, feed) = FileSender::new(sync_file(&disk, b"short", 5), Arc::new(|| ()));
    disk.fail_at(0);
    let why = "Read error sending DB to replica: made to fail".to_owned();
    assert_eq!(end(sender, &feed), FeedState::Failed(why));

    let (mut sender, feed) = FileSender::new(sync_file(&disk, b"short", 5), Arc::new(|| ()));
    drop(feed);
    assert_eq!(sender.step(), Step::Done);
}
