//! `--bigkeys` and `--memkeys`: the biggest key of each type, and how big keys are on average.
//!
//! Three things are asked of each batch of keys: SCAN gives them, TYPE says what they are, and a
//! command of that type how big. Each round trip carries the sizes of one batch, the types of the next
//! and the SCAN behind that, so that a batch costs one round trip instead of three.

use std::collections::HashMap;
use std::io::Write;
use std::thread;

use dunlin_resp::Value;
use dunlin_stdx::words::quote;

use super::scan::{Scanner, key_count};
use super::{Interrupt, Output, Stopped};
use crate::connection::Connection;
use crate::options::Options;

/// What is big about a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Measure {
    /// How many elements it has.
    Elements,
    /// How much memory it takes, by so many of its elements if the number is given.
    Memory(Option<i64>),
}

/// How often there is a sign of life.
const PROGRESS_KEYS: u64 = 1_000_000;
/// After so many SCANs comes the pause that was asked for.
const SCANS_PER_PAUSE: u64 = 100;

/// A type of keys and what was found of it.
struct Type {
    name: String,
    /// The command that says how big a key is, unless the type is one that we do not know.
    size_command: Option<&'static str>,
    unit: &'static str,
    count: u64,
    total: u64,
    biggest: u64,
    /// Quoted.
    biggest_key: Option<Vec<u8>>,
}

/// In the order of the summary, which is that of Redis's own client.
const TYPES: [(&str, &str, &str); 6] = [
    ("list", "LLEN", "items"),
    ("hash", "HLEN", "fields"),
    ("string", "STRLEN", "bytes"),
    ("stream", "XLEN", "entries"),
    ("set", "SCARD", "members"),
    ("zset", "ZCARD", "members"),
];

/// Keys on their way through the three questions.
#[derive(Default)]
struct Batch {
    keys: Vec<Vec<u8>>,
    /// Which type each is; `None` for a key that is gone.
    types: Vec<Option<usize>>,
}

struct Survey {
    measure: Measure,
    types: Vec<Type>,
    indices: HashMap<Vec<u8>, usize>,
    total_keys: i64,
    /// Keys whose type was looked up.
    looked_up: u64,
    sampled: u64,
    key_bytes: u64,
    percent: f64,
    out: Output,
}

/// Looks at all keys.
pub(super) fn run(
    mut connection: Connection,
    options: &Options,
    measure: Measure,
) -> Result<(), Stopped> {
    let interrupt = Interrupt::new();
    let mut survey = Survey::new(measure, key_count(&mut connection)?);
    survey.out.write_all(
        b"\n# Scanning the entire keyspace to find biggest keys as well as\n\
          # average sizes per key type.  You can use -i 0.1 to sleep 0.1 sec\n\
          # per 100 SCAN commands (not usually needed).\n\n",
    )?;
    let mut scanner = Scanner::new(&options.scan);
    // Whose types are asked for, and whose sizes.
    let mut scanned =
        Batch { keys: scanner.next(&mut connection)?.unwrap_or_default(), types: vec![] };
    let mut typed = Batch::default();
    let mut scans = 1u64;
    while !scanned.keys.is_empty() || !typed.keys.is_empty() || scanner.is_under_way() {
        survey.queue_sizes(&mut connection, &typed);
        for key in &scanned.keys {
            connection.queue(&[b"TYPE", key]);
        }
        let asked = !interrupt.is_pressed() && scanner.queue(&mut connection);
        connection.flush()?;
        survey.receive_sizes(&mut connection, &typed)?;
        typed = survey.receive_types(&mut connection, scanned)?;
        scanned = Batch::default();
        if asked {
            scanned.keys = scanner.receive(&mut connection)?;
            scans += 1;
        } else if interrupt.is_pressed() {
            break;
        }
        survey.out.show()?;
        if scans.is_multiple_of(SCANS_PER_PAUSE) {
            thread::sleep(options.interval);
        }
    }
    survey.summary(interrupt.is_pressed())
}

impl Survey {
    fn new(measure: Measure, total_keys: i64) -> Self {
        let types = TYPES.map(|(name, command, unit)| Type::new(name, Some(command), unit));
        let names = TYPES.iter().enumerate();
        Self {
            measure,
            types: types.into(),
            indices: names.map(|(at, (name, ..))| (name.as_bytes().to_vec(), at)).collect(),
            total_keys,
            looked_up: 0,
            sampled: 0,
            key_bytes: 0,
            percent: 0.0,
            out: Output::new(),
        }
    }

    fn receive_types(
        &mut self,
        connection: &mut Connection,
        mut batch: Batch,
    ) -> Result<Batch, Stopped> {
        for key in &batch.keys {
            let name = match connection.receive()? {
                Value::Simple(name) => name,
                Value::Error(text) => {
                    let text = String::from_utf8_lossy(&text).into_owned();
                    return Err(Stopped::because(format!("TYPE returned an error: {text}")));
                }
                _ => {
                    let key = String::from_utf8_lossy(key).into_owned();
                    let text = format!("Invalid reply type for TYPE on key '{key}'!");
                    return Err(Stopped::because(text));
                }
            };
            batch.types.push(self.type_named(name));
        }
        Ok(batch)
    }

    /// Types of modules are known by their name alone.
    fn type_named(&mut self, name: Vec<u8>) -> Option<usize> {
        self.looked_up += 1;
        if name == b"none" {
            return None;
        }
        if let Some(&index) = self.indices.get(&name) {
            return Some(index);
        }
        let index = self.types.len();
        self.types.push(Type::new(&String::from_utf8_lossy(&name), None, "?"));
        self.indices.insert(name, index);
        Some(index)
    }

    /// What to ask about a key of a type.
    fn size_command(&self, of: Option<usize>) -> Option<&'static str> {
        match self.measure {
            Measure::Elements => self.types[of?].size_command,
            Measure::Memory(_) => of.map(|_| "MEMORY USAGE"),
        }
    }

    fn queue_sizes(&self, connection: &mut Connection, batch: &Batch) {
        for (key, &of) in batch.keys.iter().zip(&batch.types) {
            let Some(command) = self.size_command(of) else { continue };
            match self.measure {
                Measure::Elements => connection.queue(&[command.as_bytes(), key]),
                Measure::Memory(None) => connection.queue(&[b"MEMORY", b"USAGE", key]),
                Measure::Memory(Some(samples)) => {
                    let samples = samples.to_string();
                    let samples = samples.as_bytes();
                    connection.queue(&[b"MEMORY", b"USAGE", key, b"SAMPLES", samples]);
                }
            }
        }
    }

    fn receive_sizes(&mut self, connection: &mut Connection, batch: &Batch) -> Result<(), Stopped> {
        if batch.keys.is_empty() {
            return Ok(());
        }
        // Of what was done before this batch.
        self.percent = 100.0 * self.sampled as f64 / self.total_keys as f64;
        for (key, &of) in batch.keys.iter().zip(&batch.types) {
            let Some(index) = of else { continue };
            let mut size = 0;
            if let Some(command) = self.size_command(of) {
                match connection.receive()? {
                    Value::Integer(value) => size = value.max(0).unsigned_abs(),
                    _ => {
                        let key = String::from_utf8_lossy(key);
                        eprintln!("Warning:  {command} on '{key}' failed (may have changed type)");
                    }
                }
            }
            self.count(index, key, size)?;
        }
        Ok(())
    }

    fn count(&mut self, index: usize, key: &[u8], size: u64) -> Result<(), Stopped> {
        let unit = self.unit(index);
        let of = &mut self.types[index];
        of.count += 1;
        of.total += size;
        self.key_bytes += key.len() as u64;
        self.sampled += 1;
        let percent = self.percent;
        if of.biggest < size {
            of.biggest = size;
            let mut quoted = Vec::new();
            quote(key, &mut quoted);
            write!(self.out, "[{percent:05.2}%] Biggest {:<6} found so far '", of.name)?;
            self.out.write_all(&quoted)?;
            writeln!(self.out, "' with {size} {unit}")?;
            of.biggest_key = Some(quoted);
        }
        if self.sampled.is_multiple_of(PROGRESS_KEYS) {
            writeln!(self.out, "[{percent:05.2}%] Sampled {} keys so far", self.sampled)?;
        }
        Ok(())
    }

    fn unit(&self, index: usize) -> &'static str {
        match self.measure {
            Measure::Elements => self.types[index].unit,
            Measure::Memory(_) => "bytes",
        }
    }

    fn summary(mut self, is_interrupted: bool) -> Result<(), Stopped> {
        self.out.write_all(b"\n-------- summary -------\n\n")?;
        if is_interrupted {
            write!(self.out, "[{:05.2}%] ", self.percent)?;
        }
        let (sampled, bytes) = (self.sampled, self.key_bytes);
        writeln!(self.out, "Sampled {sampled} keys in the keyspace!")?;
        let average = ratio(bytes, sampled);
        writeln!(self.out, "Total key length in bytes is {bytes} (avg len {average:.2})\n")?;
        let order = order(self.looked_up, self.types.len());
        for &index in &order {
            let unit = self.unit(index);
            let of = &self.types[index];
            if let Some(key) = &of.biggest_key {
                write!(self.out, "Biggest {:>6} found '", of.name)?;
                self.out.write_all(key)?;
                writeln!(self.out, "' has {} {unit}", of.biggest)?;
            }
        }
        self.out.write_all(b"\n")?;
        for index in order {
            let unit = self.unit(index);
            let of = &self.types[index];
            writeln!(
                self.out,
                "{} {}s with {} {unit} ({:05.2}% of keys, avg size {:.2})",
                of.count,
                of.name,
                of.total,
                100.0 * ratio(of.count, sampled),
                ratio(of.total, of.count)
            )?;
        }
        Ok(self.out.flush()?)
    }
}

impl Type {
    fn new(name: &str, size_command: Option<&'static str>, unit: &'static str) -> Self {
        let (count, total, biggest) = (0, 0, 0);
        let name = name.to_owned();
        Self { name, size_command, unit, count, total, biggest, biggest_key: None }
    }
}

/// The order of so many types in the summary. It is that of a hash table in Redis's client, which each
/// look-up brings nearer to its final size; the second does the last step.
fn order(looked_up: u64, types: usize) -> Vec<usize> {
    let first: &[usize] = match looked_up {
        0 => &[1, 0, 2],
        1 => &[2, 0, 1],
        _ => &[0, 1, 2],
    };
    first.iter().copied().chain(first.len()..types).collect()
}

/// A share, 0 of nothing.
fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}
