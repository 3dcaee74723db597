//! `--scan`, and the walk over all keys that other modes make.

use std::io::Write;
use std::thread;

use dunlin_resp::Value;
use dunlin_stdx::words::quote;

use super::{Interrupt, Output, Stopped};
use crate::connection::Connection;
use crate::format::Format;
use crate::options::{Options, ScanOptions};

/// A walk over the keys of a database.
pub(super) struct Scanner<'a> {
    options: &'a ScanOptions,
    /// `None` when all keys have come.
    cursor: Option<Vec<u8>>,
}

impl<'a> Scanner<'a> {
    /// A walk from the beginning.
    pub(super) fn new(options: &'a ScanOptions) -> Self {
        Self { options, cursor: Some(b"0".to_vec()) }
    }

    /// Whether there may be more keys.
    pub(super) fn is_under_way(&self) -> bool {
        self.cursor.is_some()
    }

    /// Queues the next SCAN; `false` if there is nothing more to ask for.
    pub(super) fn queue(&self, connection: &mut Connection) -> bool {
        let Some(cursor) = &self.cursor else { return false };
        let count = self.options.count.to_string();
        let mut words: Vec<&[u8]> = vec![b"SCAN", cursor];
        if let Some(pattern) = &self.options.pattern {
            words.extend([&b"MATCH"[..], pattern]);
        }
        words.extend([&b"COUNT"[..], count.as_bytes()]);
        connection.queue(&words);
        true
    }

    /// Takes the reply to what was queued, and gives its keys.
    pub(super) fn receive(&mut self, connection: &mut Connection) -> Result<Vec<Vec<u8>>, Stopped> {
        let items = match connection.receive()? {
            Value::Error(text) => {
                let text = String::from_utf8_lossy(&text).into_owned();
                return Err(Stopped::because(format!("SCAN error: {text}")));
            }
            Value::Array(items) => items,
            _ => return Err(Stopped::because("Non ARRAY response from SCAN!")),
        };
        let Ok([cursor, keys]) = <[Value; 2]>::try_from(items) else {
            return Err(Stopped::because("Invalid element count from SCAN!"));
        };
        let (Value::Bulk(cursor), Value::Array(keys)) = (cursor, keys) else {
            return Err(Stopped::because("Invalid elements from SCAN!"));
        };
        self.cursor = (cursor != b"0").then_some(cursor);
        keys.into_iter()
            .map(|key| match key {
                Value::Bulk(key) => Ok(key),
                _ => Err(Stopped::because("Invalid elements from SCAN!")),
            })
            .collect()
    }

    /// The next keys; `None` at the end.
    pub(super) fn next(
        &mut self,
        connection: &mut Connection,
    ) -> Result<Option<Vec<Vec<u8>>>, Stopped> {
        if !self.queue(connection) {
            return Ok(None);
        }
        connection.flush()?;
        self.receive(connection).map(Some)
    }
}

/// DBSIZE, of which percentages are.
pub(super) fn key_count(connection: &mut Connection) -> Result<i64, Stopped> {
    match connection.ask(&[b"DBSIZE"])? {
        Value::Integer(count) => Ok(count),
        Value::Error(text) => {
            let text = String::from_utf8_lossy(&text).into_owned();
            Err(Stopped::because(format!("Couldn't determine DBSIZE: {text}")))
        }
        _ => Err(Stopped::because("Non INTEGER response from DBSIZE!")),
    }
}

/// Prints all keys, one a line.
pub(super) fn run(mut connection: Connection, options: &Options) -> Result<(), Stopped> {
    let (interrupt, mut out) = (Interrupt::new(), Output::new());
    let mut scanner = Scanner::new(&options.scan);
    let mut lines = Vec::new();
    while !interrupt.is_pressed()
        && let Some(keys) = scanner.next(&mut connection)?
    {
        lines.clear();
        for key in keys {
            if options.output.format == Format::Standard {
                quote(&key, &mut lines);
            } else {
                lines.extend_from_slice(&key);
            }
            lines.push(b'\n');
        }
        out.write_all(&lines)?;
        out.show()?;
        thread::sleep(options.interval);
    }
    Ok(out.flush()?)
}
