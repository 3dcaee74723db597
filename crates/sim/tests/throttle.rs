//! `snapshot-overflow throttle`: clients that change data wait while a snapshot has no room, others do
//! not, and the snapshot holds its epoch.

use dunlin_config::{Config, SnapshotOverflow};
use dunlin_node::Token;
use dunlin_sim::{SimDisk, SimServer, SimTime};
use fastrand::Rng;

const KEYS: usize = 100;

/// A server whose snapshots have room for a megabyte of changes, with ten megabytes in it.
fn server(disk: SimDisk, overflow: SnapshotOverflow) -> SimServer {
    let mut config = Config::default();
    config.persistence.save.0.clear();
    config.persistence.rdbcompression = false;
    config.persistence.snapshot_buffer_limit = 1 << 20;
    config.persistence.snapshot_overflow = overflow;
    SimServer::start(disk, config, &SimTime::default(), 7)
}

/// Sends a request and returns the reply, nothing if there is none yet.
fn ask(server: &mut SimServer, client: Token, line: &str) -> String {
    server.send(client, format!("{line}\r\n").as_bytes());
    replies(server, client)
}

fn replies(server: &mut SimServer, client: Token) -> String {
    let outputs = server.output().into_iter().filter(|(token, _)| *token == client);
    outputs.map(|(_, bytes)| String::from_utf8_lossy(&bytes).into_owned()).collect()
}

fn fill(server: &mut SimServer, client: Token) {
    let value = "v".repeat(100_000);
    for n in 0..KEYS {
        assert_eq!(ask(server, client, &format!("SET k{n} {value}")), "+OK\r\n");
    }
}

/// Changes keys until a client gets no reply; how many it has changed.
fn change_until_it_waits(server: &mut SimServer, client: Token) -> usize {
    for n in 0..KEYS {
        let reply = ask(server, client, &format!("SETRANGE k{n} 5 changed"));
        if reply.is_empty() {
            return n;
        }
        assert_eq!(reply, ":100000\r\n");
    }
    KEYS
}

#[test]
fn writers_wait_and_readers_do_not() {
    let disk = SimDisk::new(7);
    let mut server = server(disk.clone(), SnapshotOverflow::Throttle);
    let mut random = Rng::with_seed(7);
    server.load(&mut random).expect("nothing is there");
    let [writer, reader, other] = [(); 3].map(|()| server.connect());
    fill(&mut server, writer);
    let epoch = server.digest();
    assert_eq!(ask(&mut server, writer, "BGSAVE"), "+Background saving started\r\n");

    // No thread has its turn: nothing is written, nothing spilled.
    let changed = change_until_it_waits(&mut server, writer);
    assert!((20..40).contains(&changed), "{changed}");
    assert!(server.node.input(writer).is_none(), "nothing more is read from it");
    server.turn();
    assert_eq!(replies(&mut server, writer), "");
    assert_eq!(ask(&mut server, reader, "STRLEN k0"), ":100000\r\n");
    assert!(ask(&mut server, reader, "INFO persistence").contains("snapshot_holds_writes:1"));
    assert_eq!(
        ask(&mut server, other, "MULTI\r\nINCR n\r\nEXEC"),
        "+OK\r\n",
        "as with CLIENT PAUSE"
    );

    // Threads work: the writer goes on, and the snapshot is completed.
    let (mut to_writer, mut to_other) = (String::new(), String::new());
    while server.step_job(&mut random) {
        server.turn();
        for (token, bytes) in server.output() {
            let to = if token == writer { &mut to_writer } else { &mut to_other };
            to.push_str(&String::from_utf8_lossy(&bytes));
        }
    }
    assert_eq!(to_writer, ":100000\r\n");
    assert_eq!(to_other, "+QUEUED\r\n*1\r\n:1\r\n");
    let info = ask(&mut server, reader, "INFO persistence");
    assert!(info.contains("rdb_bgsave_in_progress:0") && info.contains("rdb_saves:1"), "{info}");
    assert_ne!(server.digest(), epoch);
    server.backend().jobs().end();
    let disk = disk.kill();

    let mut again = self::server(disk, SnapshotOverflow::Throttle);
    again.load(&mut random).expect("the snapshot is whole");
    assert_eq!(again.digest(), epoch);
    again.end();
}

#[test]
fn otherwise_the_snapshot_is_given_up() {
    let disk = SimDisk::new(7);
    let mut server = server(disk, SnapshotOverflow::Abort);
    let mut random = Rng::with_seed(7);
    server.load(&mut random).expect("nothing is there");
    let client = server.connect();
    fill(&mut server, client);
    assert_eq!(ask(&mut server, client, "BGSAVE"), "+Background saving started\r\n");
    assert_eq!(change_until_it_waits(&mut server, client), KEYS);
    while server.step_job(&mut random) {
        server.turn();
    }
    let info = ask(&mut server, client, "INFO persistence");
    assert!(info.contains("rdb_last_bgsave_status:err"), "{info}");
    assert!(server.log().contains("the spill file does not keep up"), "{}", server.log());
    server.end();
}
