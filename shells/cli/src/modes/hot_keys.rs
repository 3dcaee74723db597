//! `--hotkeys`: the keys that are used most, where an LFU policy counts.

use std::io::Write;
use std::thread;

use dunlin_resp::Value;
use dunlin_stdx::words::quote;

use super::scan::{Scanner, key_count};
use super::{Interrupt, Output, Stopped};
use crate::connection::Connection;
use crate::options::Options;

/// So many keys are told of.
const HOTTEST: usize = 16;
const PROGRESS_KEYS: u64 = 1_000_000;
const SCANS_PER_PAUSE: u64 = 100;

/// Looks at all keys.
pub(super) fn run(mut connection: Connection, options: &Options) -> Result<(), Stopped> {
    let (interrupt, mut out) = (Interrupt::new(), Output::new());
    let total = key_count(&mut connection)?;
    out.write_all(
        b"\n# Scanning the entire keyspace to find hot keys as well as\n\
          # average sizes per key type.  You can use -i 0.1 to sleep 0.1 sec\n\
          # per 100 SCAN commands (not usually needed).\n\n",
    )?;
    let mut scanner = Scanner::new(&options.scan);
    let mut hottest = Hottest::default();
    let (mut sampled, mut scans, mut percent) = (0u64, 0u64, 0.0);
    while !interrupt.is_pressed()
        && let Some(keys) = scanner.next(&mut connection)?
    {
        scans += 1;
        percent = 100.0 * sampled as f64 / total.max(1) as f64;
        for key in &keys {
            connection.queue(&[b"OBJECT", b"FREQ", key]);
        }
        connection.flush()?;
        for key in &keys {
            let counter = frequency(&mut connection, key)?;
            sampled += 1;
            if sampled.is_multiple_of(PROGRESS_KEYS) {
                writeln!(out, "[{percent:05.2}%] Sampled {sampled} keys so far")?;
            }
            if let Some(quoted) = hottest.offer(counter, key) {
                write!(out, "[{percent:05.2}%] Hot key '")?;
                out.write_all(quoted)?;
                writeln!(out, "' found so far with counter {counter}")?;
            }
        }
        out.show()?;
        if scans.is_multiple_of(SCANS_PER_PAUSE) {
            thread::sleep(options.interval);
        }
    }
    out.write_all(b"\n-------- summary -------\n\n")?;
    if interrupt.is_pressed() {
        write!(out, "[{percent:05.2}%] ")?;
    }
    writeln!(out, "Sampled {sampled} keys in the keyspace!")?;
    for (counter, key) in hottest.0.iter().rev() {
        write!(out, "hot key found with counter: {counter}\tkeyname: ")?;
        out.write_all(key)?;
        out.write_all(b"\n")?;
    }
    Ok(out.flush()?)
}

fn frequency(connection: &mut Connection, key: &[u8]) -> Result<u64, Stopped> {
    match connection.receive()? {
        Value::Integer(counter) => Ok(counter.max(0).unsigned_abs()),
        Value::Error(text) => {
            Err(Stopped::because(format!("Error: {}", String::from_utf8_lossy(&text))))
        }
        _ => {
            let mut quoted = Vec::new();
            quote(key, &mut quoted);
            let quoted = String::from_utf8_lossy(&quoted);
            eprintln!("Warning: OBJECT freq on '{quoted}' failed (may have been deleted)");
            Ok(0)
        }
    }
}

/// The hottest keys so far, quoted, the least hot first.
#[derive(Default)]
struct Hottest(Vec<(u64, Vec<u8>)>);

impl Hottest {
    /// Takes a key if it is among the hottest, and gives its quoted form then. Of equal ones the
    /// later comes before the earlier, and one that is not hotter than the least hot stays out.
    fn offer(&mut self, counter: u64, key: &[u8]) -> Option<&[u8]> {
        let place = self.0.partition_point(|(other, _)| *other < counter);
        let is_full = self.0.len() == HOTTEST;
        if counter == 0 || (is_full && place == 0) {
            return None;
        }
        let mut quoted = Vec::new();
        quote(key, &mut quoted);
        self.0.insert(place, (counter, quoted));
        let place = if is_full {
            self.0.remove(0);
            place - 1
        } else {
            place
        };
        Some(&self.0[place].1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hottest_remain_in_order() {
        let mut hottest = Hottest::default();
        assert_eq!(hottest.offer(0, b"cold"), None);
        for counter in 1..=20 {
            let key = format!("k{counter}");
            let quoted = format!("\"k{counter}\"");
            assert_eq!(hottest.offer(counter, key.as_bytes()), Some(quoted.as_bytes()));
        }
        let counters: Vec<u64> = hottest.0.iter().map(|(counter, _)| *counter).collect();
        assert_eq!(counters, (5..=20).collect::<Vec<u64>>());
        assert_eq!(hottest.offer(5, b"late"), None);
        assert_eq!(hottest.offer(6, b"late"), Some(&b"\"late\""[..]));
        assert_eq!(hottest.0[0], (6, b"\"late\"".to_vec()));
    }
}
