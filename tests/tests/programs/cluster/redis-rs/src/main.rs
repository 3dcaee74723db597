//! As load.py, with the redis crate. Arguments: the ports of the nodes.

#![forbid(unsafe_code)]

use std::collections::BTreeMap;
use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use redis::cluster::{ClusterClient, ClusterConnection};
use redis::{RedisResult, TypedCommands};

const KEYS: usize = 200;

#[derive(Default)]
struct Counts {
    writes: u64,
    reads: u64,
    lost: usize,
    wrong: u64,
    errors: u64,
}

#[derive(Default)]
struct Ledger {
    /// By key: all values in order; the last one is what must be there.
    acknowledged: BTreeMap<String, Vec<String>>,
    /// By key: values that may have been written, because no answer came.
    unsure: BTreeMap<String, Vec<String>>,
    counts: Counts,
}

impl Ledger {
    fn attempt<T>(&mut self, result: RedisResult<T>) -> Option<T> {
        result
            .inspect_err(|error| {
                self.counts.errors += 1;
                let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                println!("error {} {}", now.as_millis(), error.to_string().replace('\n', " "));
            })
            .ok()
    }

    fn check(&mut self, key: &str, value: Option<String>) {
        let known = self.acknowledged.entry(key.to_owned()).or_default();
        if value.as_ref() == known.last() {
            return;
        }
        let may_be = |value: &String| self.unsure.get(key).is_some_and(|all| all.contains(value));
        match value {
            Some(value) if may_be(&value) => known.push(value),
            value => {
                let at = value.as_ref().map(|value| known.iter().position(|one| one == value));
                match at {
                    Some(None) => {
                        self.counts.wrong += 1;
                        println!("wrong {key} {value:?} {:?}", known.last());
                    }
                    at => {
                        let left = at.flatten().map_or(0, |at| at + 1);
                        self.counts.lost += known.len() - left;
                        known.truncate(left);
                    }
                }
            }
        }
    }
}

fn turn(ledger: &mut Ledger, connection: &mut ClusterConnection, number: u64) {
    let any = || format!("key:{}", fastrand::usize(..KEYS));
    let key = any();
    let value = format!("{key}={number}");
    let map = match ledger.attempt(connection.set(&key, &value)) {
        Some(()) => {
            ledger.counts.writes += 1;
            &mut ledger.acknowledged
        }
        None => &mut ledger.unsure,
    };
    map.entry(key).or_default().push(value);
    let key = any();
    if let Some(value) = ledger.attempt(connection.get(&key)) {
        ledger.counts.reads += 1;
        ledger.check(&key, value);
    }
}

fn main() -> RedisResult<()> {
    let nodes: Vec<String> =
        std::env::args().skip(1).map(|port| format!("redis://127.0.0.1:{port}/")).collect();
    let client = ClusterClient::builder(nodes)
        .connection_timeout(Duration::from_secs(2))
        .response_timeout(Duration::from_secs(2))
        .build()?;
    let mut connection = client.get_connection()?;
    let stopped = Arc::new(AtomicBool::new(false));
    let stops = Arc::clone(&stopped);
    std::thread::spawn(move || {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        stops.store(true, Ordering::Relaxed);
    });
    let (mut ledger, mut number) = (Ledger::default(), 0);
    while !stopped.load(Ordering::Relaxed) {
        turn(&mut ledger, &mut connection, number);
        number += 1;
        if number == 200 {
            println!("ready");
        }
    }
    for n in 0..KEYS {
        let key = format!("key:{n}");
        let value = connection.get(&key)?;
        ledger.check(&key, value);
    }
    let Counts { writes, reads, lost, wrong, errors } = ledger.counts;
    println!("done writes={writes} reads={reads} lost={lost} wrong={wrong} errors={errors}");
    Ok(())
}
