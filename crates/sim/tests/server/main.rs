//! Whole servers on a disk that fails: random commands of several clients, snapshots and rewrites,
//! and an end at any moment. What is loaded afterwards is a state the server had between two
//! commands, never within a transaction, and no older than what was promised.

mod commands;
mod history;
mod story;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::Duration;

use dunlin_sim::{Call, Fault, SimDisk, SimServer, SimTime, SyncPlace, seeds};
use dunlin_stdx::time::Monotonic;
use fastrand::Rng;
use story::{Plot, Story};

const PLAIN: Plot = Plot { always: true, faults: None, clock_steps: false, preamble: true };

fn run(name: &str, count: u64, plot: Plot) {
    seeds(name, count, |seed| run_one(seed, plot));
}

fn run_one(seed: u64, plot: Plot) {
    let mut story = Story::new(seed, plot);
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| story.run())) {
        eprintln!("{}\n{}", story.disk.log(), story.log);
        resume_unwind(panic);
    }
}

#[test]
fn always_keeps_what_anybody_was_told() {
    run("always", 40, PLAIN);
    run("always, commands", 10, Plot { preamble: false, ..PLAIN });
}

#[test]
fn everysec_keeps_what_was_synced() {
    run("everysec", 40, Plot { always: false, ..PLAIN });
    run("everysec, commands", 10, Plot { always: false, preamble: false, ..PLAIN });
}

#[test]
fn the_clock_is_set_back_and_forth() {
    run("clock", 15, Plot { clock_steps: true, ..PLAIN });
    run("clock, everysec", 15, Plot { clock_steps: true, always: false, ..PLAIN });
}

#[test]
fn a_full_disk_takes_nothing_back() {
    for always in [true, false] {
        let faults = |disk: &SimDisk, _: &mut Rng| {
            disk.fail_by_chance(Call::Write, 30_000, Fault::ENOSPC);
            disk.fail_by_chance(Call::Write, 100_000, Fault::Short);
        };
        run("full", 25, Plot { always, faults: Some(faults), ..PLAIN });
    }
}

#[test]
fn a_failed_sync_is_never_taken_for_success() {
    for always in [true, false] {
        let faults = |disk: &SimDisk, _: &mut Rng| {
            disk.fail_by_chance(Call::Sync, 30_000, Fault::EIO);
            disk.fail_by_chance(Call::SyncSoon, 30_000, Fault::EIO);
        };
        run("sync", 25, Plot { always, faults: Some(faults), ..PLAIN });
    }
}

#[test]
fn any_call_may_fail() {
    for always in [true, false] {
        let faults = |disk: &SimDisk, _: &mut Rng| {
            let calls = [
                Call::Create,
                Call::Append,
                Call::Rename,
                Call::Remove,
                Call::Look,
                Call::SyncDirectory,
            ];
            for call in calls {
                disk.fail_by_chance(call, 30_000, Fault::EIO);
            }
            disk.fail_by_chance(Call::Write, 10_000, Fault::ENOSPC);
            disk.fail_by_chance(Call::Sync, 10_000, Fault::EIO);
        };
        run("any", 25, Plot { always, faults: Some(faults), ..PLAIN });
    }
}

/// Lets a server work until its log is on and complete.
fn settle(server: &mut SimServer, time: &SimTime, random: &mut Rng) {
    let is_settled = |server: &mut SimServer| {
        let persistence = &server.node.engine_mut().persistence;
        persistence.is_log_wanted()
            && !persistence.is_busy()
            && !persistence.is_rewrite_scheduled()
            && persistence.synced_up_to() == persistence.end()
    };
    for _ in 0..10_000 {
        server.step_job(random);
        time.advance(Duration::from_millis(20));
        server.turn();
        server.output();
        if is_settled(server) && !server.node.is_loading() {
            return;
        }
    }
    panic!("it does not come to rest:\n{}", server.log());
}

/// CONFIG SET appendonly yes while the data set is loaded made a base of what had come so far: at the
/// next start the rest was gone. It is refused until everything is there, as in Redis.
#[test]
fn the_log_is_switched_on_while_the_data_set_is_loaded() {
    seeds("while loading", 10, |seed| {
        let (disk, time, mut random) =
            (SimDisk::new(seed), SimTime::default(), Rng::with_seed(seed));
        let mut config = story::config(PLAIN);
        config.persistence.appendonly = false;
        let mut server = SimServer::start(disk.clone(), config.clone(), &time, seed);
        server.load(&mut random).expect("nothing to load");
        let client = server.connect();
        for n in 0..3000 {
            server.send(client, format!("SET key:{n} {n}\r\n").as_bytes());
            server.output();
        }
        server.send(client, b"SAVE\r\n");
        let held = server.digest();
        server.end();
        let mut server = SimServer::start(disk.kill(), config.clone(), &time, seed);
        for _ in 0..random.usize(..4) {
            server.step_job(&mut random);
            server.turn();
        }
        let client = server.connect();
        loop {
            let is_loading = server.node.is_loading();
            server.send(client, b"CONFIG SET appendonly yes\r\n");
            let reply: Vec<u8> = server.output().into_iter().flat_map(|(_, bytes)| bytes).collect();
            if reply == b"+OK\r\n" {
                break assert!(!is_loading, "{}", server.log());
            }
            assert!(is_loading && reply.starts_with(b"-LOADING"), "{}", reply.escape_ascii());
            server.step_job(&mut random);
            server.turn();
        }
        settle(&mut server, &time, &mut random);
        assert_eq!(server.digest(), held);
        let (disk, log) = (server.backend().sim_disk().clone(), server.log());
        server.end();
        config.persistence.appendonly = true;
        let mut server = SimServer::start(disk.kill(), config, &time, seed);
        server.load(&mut random).expect("what was written");
        assert_eq!(server.digest(), held, "{log}");
    });
}

/// The log is switched on and off, the data set is flushed and databases are swapped at any moment
/// of walks; once the log is on and its rewrite is complete, a kill loses nothing.
#[test]
fn the_log_is_switched_in_mid_walk() {
    const LINES: [&str; 9] = [
        "BGREWRITEAOF",
        "BGREWRITEAOF",
        "BGSAVE",
        "CONFIG SET appendonly no",
        "CONFIG SET appendonly yes",
        "FLUSHALL",
        "SWAPDB 0 1",
        "RENAME l0 l1",
        "SAVE",
    ];
    seeds("switched", 60, |seed| {
        let (disk, time, mut random) =
            (SimDisk::new(seed), SimTime::default(), Rng::with_seed(seed));
        let mut server = SimServer::start(disk.clone(), story::config(PLAIN), &time, seed);
        server.load(&mut random).expect("nothing to load");
        let client = server.connect();
        for _ in 0..300 {
            let words = match random.u8(..8) {
                0 => commands::words(random.choice(LINES).expect("some")),
                1 | 2 => commands::random(&mut random),
                _ => Vec::new(),
            };
            if !words.is_empty() {
                server.send(client, &commands::request(&words));
            }
            server.step_job(&mut random);
            time.advance(Duration::from_millis(random.u64(..20)));
            server.turn();
            server.output();
        }
        server.send(client, b"CONFIG SET appendonly yes\r\n");
        settle(&mut server, &time, &mut random);
        let (held, log) = (server.digest(), server.log());
        server.end();
        let mut server = SimServer::start(disk.kill(), story::config(PLAIN), &time, seed);
        server.load(&mut random).expect("what was written");
        assert_eq!(server.digest(), held, "{log}");
    });
}

/// A rewrite of an empty data set in the form of commands wrote no file, and the one that a dead
/// process of the same number had left became the base.
#[test]
fn an_empty_base_of_commands_is_a_file_too() {
    run_one(515, Plot { preamble: false, ..PLAIN });
    let disk = SimDisk::new(1);
    disk.put("temp-rewriteaof-bg-1.aof", b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$5\r\nstale\r\n");
    let plot = Plot { preamble: false, ..PLAIN };
    let (time, mut random) = (SimTime::default(), Rng::with_seed(1));
    let mut server = SimServer::start(disk.clone(), story::config(plot), &time, 1);
    server.load(&mut random).expect("nothing to load");
    let empty = server.digest();
    let client = server.connect();
    server.send(client, b"BGREWRITEAOF\r\n");
    while !disk.log().contains("Rename ./appendonlydir/appendonly.aof.2.base.aof") {
        server.turn();
        server.step_job(&mut random);
    }
    server.end();
    let mut server = SimServer::start(disk.kill(), story::config(plot), &time, 1);
    server.load(&mut random).expect("what was written");
    assert_eq!(server.digest(), empty);
}

/// A server with `appendfsync always` that syncs on its command thread, and a client of it.
fn server_that_syncs_here(disk: &SimDisk, time: &SimTime) -> (SimServer, dunlin_node::Token) {
    let mut server = SimServer::start(disk.clone(), story::config(PLAIN), time, 1);
    server.load(&mut Rng::with_seed(1)).expect("nothing to load");
    server.backend().sync_at(SyncPlace::Here);
    while server.step_job(&mut Rng::with_seed(1)) {}
    server.turn();
    let client = server.connect();
    (server, client)
}

/// When all clients wait for a sync, no job has to run: their replies leave in the same turn, and what
/// they tell lasts.
#[test]
fn the_command_thread_syncs_when_everybody_waits() {
    let (disk, time) = (SimDisk::new(1), SimTime::default());
    let (mut server, client) = server_that_syncs_here(&disk, &time);
    server.send(client, b"SET k v\r\n");
    assert_eq!(server.output(), [(client, b"+OK\r\n".to_vec())]);
    let persistence = &server.node.engine_mut().persistence;
    assert_eq!(persistence.synced_up_to(), persistence.end());
    // WAITAOF hears of it.
    server.send(client, b"SET k w\r\nWAITAOF 1 0 0\r\n");
    assert_eq!(server.output(), [(client, b"+OK\r\n*2\r\n:1\r\n:0\r\n".to_vec())]);
    let held = server.digest();
    server.end();
    let disk = disk.crash(&mut Rng::with_seed(2));
    let mut server = SimServer::start(disk, story::config(PLAIN), &time, 1);
    server.load(&mut Rng::with_seed(1)).expect("what was synced");
    assert_eq!(server.digest(), held);
}

/// Where others can be served, they are: the sync waits for a turn without input, and all replies of
/// the turns between wait for it.
#[test]
fn the_command_thread_serves_others_before_it_syncs() {
    let (disk, time) = (SimDisk::new(1), SimTime::default());
    let (mut server, writer) = server_that_syncs_here(&disk, &time);
    let reader = server.connect();
    for _ in 0..10 {
        // So many syncs say how long one takes.
        server.turn();
        server.send(writer, b"INCR n\r\n");
        while server.output().is_empty() {
            server.step_job(&mut Rng::with_seed(1));
            server.turn();
        }
    }
    server.turn();
    server.send(writer, b"INCR n\r\n");
    assert_eq!(server.output(), []);
    assert_eq!(server.node.next_deadline(), Monotonic(0), "it looks who is there");
    server.turn();
    server.send(reader, b"GET n\r\n");
    let mut outputs = server.output();
    outputs.sort();
    assert_eq!(outputs, [(writer, b":11\r\n".to_vec()), (reader, b"$2\r\n11\r\n".to_vec())]);
}

/// Nobody gets a reply that a failed sync would have had to come before.
#[test]
fn a_failed_sync_on_the_command_thread_is_the_end() {
    let (disk, time) = (SimDisk::new(1), SimTime::default());
    let (mut server, client) = server_that_syncs_here(&disk, &time);
    disk.fail(Call::Sync, ".incr.", 0, 1, Fault::EIO);
    server.send(client, b"SET k v\r\n");
    assert_eq!(server.output(), []);
    assert!(server.has_ended());
    assert_eq!(server.logged("Can't persist AOF for fsync error"), 1, "{}", server.log());
}
