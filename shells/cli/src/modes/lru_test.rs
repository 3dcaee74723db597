//! `--lru-test`: a cache in use, half reads and half writes, few keys asked for often.

use std::io::Write;
use std::time::{Duration, Instant};

use dunlin_resp::Value;

use super::{Output, Stopped, power_law};
use crate::connection::Connection;

/// A line of figures comes so often.
const CYCLE: Duration = Duration::from_secs(1);
/// Requests sent at once.
const PIPELINE: usize = 250;
/// A fifth of the keys for four requests of five.
const ALPHA: f64 = 6.2;

/// Runs for ever over so many keys.
pub(super) fn run(mut connection: Connection, keys: i64) -> Result<(), Stopped> {
    let mut out = Output::new();
    let mut random = fastrand::Rng::new();
    loop {
        let start = Instant::now();
        let (mut hits, mut misses) = (0u64, 0u64);
        while start.elapsed() < CYCLE {
            let mut key = || format!("lru:{}", power_law::draw(random.f64(), 1, keys, ALPHA));
            let names: Vec<String> = (0..2 * PIPELINE).map(|_| key()).collect();
            for name in &names[..PIPELINE] {
                let value: String = (0..5).map(|_| random.alphabetic()).collect();
                connection.queue(&[b"SET", name.as_bytes(), value.as_bytes()]);
            }
            connection.flush().map_err(broken)?;
            for _ in 0..PIPELINE {
                connection.receive().map_err(broken)?;
            }
            for name in &names[PIPELINE..] {
                connection.queue(&[b"GET", name.as_bytes()]);
            }
            connection.flush().map_err(broken)?;
            for _ in 0..PIPELINE {
                match connection.receive().map_err(broken)? {
                    Value::Error(text) => eprintln!("{}", String::from_utf8_lossy(&text)),
                    Value::Null => misses += 1,
                    _ => hits += 1,
                }
            }
        }
        let percent = |part: u64| part as f64 / (hits + misses) as f64 * 100.0;
        writeln!(
            out,
            "{} Gets/sec | Hits: {hits} ({:.2}%) | Misses: {misses} ({:.2}%)",
            hits + misses,
            percent(hits),
            percent(misses)
        )?;
        out.flush()?;
    }
}

fn broken(_: crate::connection::Broken) -> Stopped {
    Stopped::because("I/O error during LRU test")
}
