//! Clients that change data of every type, until they are told to stop.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;

use dunlin_testkit::{Client, DEADLINE, Server, wait_for};
use fastrand::Rng;

/// Requests that are sent before their replies are read.
const PIPELINED: usize = 50;

/// A load on a server. Dropping it ends it.
pub(crate) struct Load {
    address: SocketAddr,
    ends: Arc<AtomicBool>,
    requests: Arc<AtomicU64>,
    writers: Vec<JoinHandle<()>>,
}

impl Load {
    /// Begins, and returns when the load is going.
    #[track_caller]
    pub(crate) fn start(server: &Server) -> Load {
        let (ends, requests) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let address = server.address();
        // That it is there already is no error here.
        server.client().cmd("XGROUP CREATE stream readers $ MKSTREAM");
        let writers = (1..=2)
            .map(|seed| {
                let (ends, requests) = (Arc::clone(&ends), Arc::clone(&requests));
                std::thread::spawn(move || write(address, seed, &ends, &requests))
            })
            .collect();
        let load = Load { address, ends, requests, writers };
        load.wait_for_more(1000);
        load
    }

    /// Waits until so many more requests were answered.
    #[track_caller]
    pub(crate) fn wait_for_more(&self, requests: u64) {
        let wanted = self.requests.load(Ordering::Relaxed) + requests;
        wait_for("the load to go on", DEADLINE, || self.requests.load(Ordering::Relaxed) >= wanted);
    }

    /// Ends the load and returns when everything has been answered and what was to live briefly is
    /// gone.
    #[track_caller]
    pub(crate) fn stop(mut self) {
        self.ends.store(true, Ordering::Relaxed);
        for writer in self.writers.drain(..) {
            writer.join().expect("the writer ends well");
        }
        let keys: String = (0..20).map(|key| format!(" brief:{key}")).collect();
        let mut client = Client::connect(self.address);
        let ask = format!("EXISTS{keys}");
        wait_for("deadlines to pass", DEADLINE, || client.show(&ask) == "0");
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::Relaxed);
        for writer in self.writers.drain(..) {
            // A writer that panicked has said so.
            let _ = writer.join();
        }
    }
}

fn write(address: SocketAddr, seed: u64, ends: &AtomicBool, requests: &AtomicU64) {
    let mut client = Client::connect(address);
    let mut random = Rng::with_seed(seed);
    while !ends.load(Ordering::Relaxed) {
        let mut batch: Vec<String> = (0..PIPELINED).map(|_| command(&mut random)).collect();
        if random.bool() {
            batch.insert(PIPELINED / 2, "MULTI".to_owned());
            batch.push("EXEC".to_owned());
        }
        let lines = batch.iter().map(|line| format!("{line}\r\n")).collect::<String>();
        client.send(lines.as_bytes()).expect("sent");
        for line in &batch {
            let reply = client.read();
            assert!(!reply.is_error(), "{line}: {reply}");
        }
        requests.fetch_add(batch.len() as u64, Ordering::Relaxed);
    }
}

/// A change of some key.
fn command(random: &mut Rng) -> String {
    let (key, member, other) = (random.u8(..20), random.u8(..100), random.u8(..20));
    let number = random.i32(-1000..1000);
    match random.u8(..42) {
        0 => format!("SET string:{key} value:{number}"),
        1 => format!("APPEND text:{key} {number}"),
        2 => format!("SETRANGE text:{key} {member} x"),
        3 => format!("SETBIT bits:{key} {member} 1"),
        4 => format!("INCRBY number:{key} {number}"),
        5 => format!("INCRBYFLOAT float:{key} {number}.25"),
        6 => format!("SET brief:{key} v PX {}", 1 + member),
        7 => format!("SET lasting:{key} v EX {}", 1000 + u32::from(member)),
        8 => format!("EXPIRE text:{key} {}", 5000 + u32::from(member)),
        9 => format!("PERSIST text:{key}"),
        10 => format!("DEL string:{key} number:{other}"),
        11 => format!("GETDEL string:{key}"),
        12 => format!("PFADD log-log:{key} {number} {member}"),
        13 => format!("RPUSH list:{key} a {number} b"),
        14 => format!("LPUSH list:{key} {number}"),
        15 => format!("LPOP list:{key} 2"),
        16 => format!("LMOVE list:{key} list:{other} LEFT RIGHT"),
        17 => format!("LINSERT list:{key} BEFORE a {number}"),
        18 => format!("LTRIM list:{key} 0 200"),
        19 => format!("BLPOP list:{key} list:{other} 0.001"),
        20 => format!("BLMPOP 0.001 1 list:{key} LEFT COUNT 3"),
        21 => format!("SADD set:{key} {member} {number} text"),
        22 => format!("SPOP set:{key}"),
        23 => format!("SPOP set:{key} 3"),
        24 => format!("SMOVE set:{key} set:{other} {member}"),
        25 => format!("SUNIONSTORE set:all set:{key} set:{other}"),
        26 => format!("HSET hash:{key} f{member} {number} g {member}"),
        27 => format!("HINCRBYFLOAT hash:{key} float{member} 1.5"),
        28 => format!("HDEL hash:{key} f{member}"),
        29 => format!("ZADD zset:{key} {number} m{member} {member} n"),
        30 => format!("ZINCRBY zset:{key} 0.5 m{member}"),
        31 => format!("ZPOPMIN zset:{key} 2"),
        32 => format!("ZRANGESTORE zset:all zset:{key} 0 10"),
        33 => format!("GEOADD geo:{key} 13.{member} 38.{member} p{member}"),
        34 => format!("XADD stream:{key} MAXLEN ~ 300 * f {number}"),
        35 => format!("XADD stream:{key} * f {member} g {number}"),
        36 => format!("XTRIM stream:{key} MAXLEN 250"),
        37 => format!("COPY list:{key} copy:{other} REPLACE"),
        38 => format!("MOVE string:{key} {}", 1 + other % 3),
        39 => "XREADGROUP GROUP readers alice COUNT 2 STREAMS stream >".to_owned(),
        40 => "XADD stream * f v".to_owned(),
        _ => format!("PUBLISH channel {number}"),
    }
}
