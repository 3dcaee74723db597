//! Where the stream was, over the end of one process and the start of the next.

use dunlin_config::{Config, ShutdownOptions};
use dunlin_keyspace::{Freer, Garbage, Keyspace, Layout};
use dunlin_stdx::time::{Monotonic, Now};
use dunlin_values::NewValue;

use super::{Loaded, Persistence};
use crate::hand_backend::HandBackend;
use crate::memory_disk::MemoryDisk;
use crate::snapshot::ReplicationAux;

const NOW: Now = Now { unix_us: 1_700_000_000_000_000, monotonic: Monotonic(5_000_000) };
const INCR: &str = "./appendonlydir/appendonly.aof.1.incr.aof";
const SET: &[u8] = b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nv\r\n";

struct DropAtOnce;

impl Freer for DropAtOnce {
    fn free_later(&mut self, garbage: Garbage) {
        drop(garbage);
    }
}

/// A process that has loaded what is on the disk.
struct Server {
    backend: HandBackend,
    persistence: Persistence,
    keyspace: Keyspace,
    config: Config,
}

impl Server {
    fn start(disk: &MemoryDisk, appendonly: bool) -> Self {
        let backend = HandBackend::over(disk);
        let persistence = Persistence::new(Box::new(backend.clone()), NOW);
        let keyspace = Keyspace::new(16, Layout::OneTable, 7, Box::new(DropAtOnce));
        let mut config = Config::default();
        config.persistence.appendonly = appendonly;
        let mut server = Self { backend, persistence, keyspace, config };
        server.load();
        server
    }

    fn load(&mut self) {
        let Self { backend, persistence, keyspace, config } = self;
        keyspace.begin_turn(NOW.unix_ms());
        persistence.begin_load(keyspace, config, NOW);
        while persistence.load().is_some() {
            assert!(!persistence.is_lost(), "{:?}", persistence.take_journal());
            if let Loaded::Nothing = persistence.next_loaded(keyspace, config, NOW) {
                assert!(backend.step(), "nobody has anything to do");
            }
        }
    }

    fn append(&mut self, changes: &[u8]) {
        self.persistence.append(changes, &self.config, NOW);
    }

    fn finish(mut self, options: ShutdownOptions, position: Option<ReplicationAux>) {
        let Self { persistence, keyspace, config, .. } = &mut self;
        assert!(persistence.finish(keyspace, config, (options, position), NOW));
    }

    fn position(&self) -> Option<ReplicationAux> {
        self.persistence.loaded_position()
    }
}

fn position(offset: u64) -> Option<ReplicationAux> {
    Some(ReplicationAux { stream_db: 1, id: [b'e'; 40], offset })
}

#[test]
fn a_snapshot_tells_where_the_stream_was() {
    let disk = MemoryDisk::default();
    let mut server = Server::start(&disk, false);
    assert_eq!(server.position(), None);
    server.keyspace.slot(0, b"k").set(NewValue::Int(1), None);
    server.finish(ShutdownOptions::SAVE, position(7));
    let server = Server::start(&disk, false);
    assert_eq!(server.position(), position(7));
    assert_eq!(server.keyspace.database(0).len(), 1);
    server.finish(ShutdownOptions::SAVE, None);
    assert_eq!(Server::start(&disk, false).position(), None);
}

#[test]
fn a_log_that_was_closed_tells_it_and_one_that_was_not_does_not() {
    let disk = MemoryDisk::default();
    let mut server = Server::start(&disk, true);
    server.append(SET);
    drop(server);
    let mut server = Server::start(&disk, true);
    assert_eq!(server.position(), None, "it was killed");
    server.append(SET);
    server.finish(ShutdownOptions::NOSAVE, position(70));

    // Whoever starts and does nothing leaves it as it is, however he ends.
    for _ in 0..2 {
        assert_eq!(Server::start(&disk, true).position(), position(70));
    }
    let closed = disk.get(INCR).expect("a log");
    let mut server = Server::start(&disk, true);
    server.append(SET);
    drop(server);
    assert_eq!(Server::start(&disk, true).position(), None, "something follows");
    let written = disk.get(INCR).expect("a log");
    assert_eq!(written, [&closed[..], SET].concat());

    // A tail that was cut says that something followed.
    for cut in closed.len() + 1..written.len() {
        disk.put(INCR, &written[..cut]);
        assert_eq!(Server::start(&disk, true).position(), None, "{cut}");
        // But what followed is gone now, and with it every trace of it.
        assert_eq!(disk.get(INCR).as_ref(), Some(&closed));
    }
    Server::start(&disk, true).finish(ShutdownOptions::NOSAVE, None);
    assert_eq!(disk.get(INCR).as_ref(), Some(&closed));
    let mut server = Server::start(&disk, true);
    server.append(SET);
    server.finish(ShutdownOptions::NOSAVE, position(140));
    assert_eq!(Server::start(&disk, true).position(), position(140));
}

#[test]
fn a_log_that_is_switched_off_tells_nothing() {
    let disk = MemoryDisk::default();
    let mut server = Server::start(&disk, true);
    server.append(SET);
    server.persistence.set_replication(position(1));
    server.persistence.stop_log(&mut server.keyspace);
    server.backend.run();
    drop(server);
    assert_eq!(Server::start(&disk, true).position(), None);
}
