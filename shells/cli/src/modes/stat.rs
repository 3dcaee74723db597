//! `--stat`: a line about the server every second.

use std::io::Write;
use std::thread;
use std::time::Duration;

use dunlin_resp::Value;

use super::{Lasting, Output, Stopped};
use crate::connection::Connection;
use crate::number::leading_integer;
use crate::options::Options;

/// Between two lines, unless `-i` says otherwise.
const INTERVAL: Duration = Duration::from_secs(1);
/// The header is repeated after so many lines.
const LINES_PER_HEADER: u64 = 20;
const HEADER: &str = "\
------- data ------ --------------------- load -------------------- - child -
keys       mem      clients blocked requests            connections         \x20
";

/// Prints lines for ever.
pub(super) fn run(connection: Connection, options: &Options) -> Result<(), Stopped> {
    let mut server = Lasting::new(connection, options);
    let mut out = Output::new();
    let interval = if options.interval.is_zero() { INTERVAL } else { options.interval };
    let (mut lines, mut requests) = (0u64, 0);
    loop {
        let info = match server.ask(&[b"INFO"])? {
            Value::Error(text) => {
                let text = String::from_utf8_lossy(&text).into_owned();
                return Err(Stopped::because(format!("ERROR: {text}")));
            }
            value => String::from_utf8_lossy(value.bytes().unwrap_or_default()).into_owned(),
        };
        if lines.is_multiple_of(LINES_PER_HEADER) {
            out.write_all(HEADER.as_bytes())?;
        }
        lines += 1;
        writeln!(out, "{}", line(&Info(&info), &mut requests))?;
        out.flush()?;
        thread::sleep(interval);
    }
}

/// A reply to INFO.
struct Info<'a>(&'a str);

impl Info<'_> {
    fn number(&self, field: &str) -> i64 {
        let value = self.0.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
        value.map_or(0, |value| leading_integer(value.as_bytes()))
    }

    /// Keys of all databases: `db0:keys=1,expires=0,...`.
    fn keys(&self) -> i64 {
        self.0
            .lines()
            .filter_map(|line| {
                let (number, rest) = line.strip_prefix("db")?.split_once(":keys=")?;
                number.parse::<u32>().ok()?;
                Some(leading_integer(rest.as_bytes()))
            })
            .sum()
    }

    /// What runs beside the requests.
    fn job(&self) -> &'static str {
        let runs = |field: &str| self.number(field) != 0;
        match (runs("rdb_bgsave_in_progress"), runs("aof_rewrite_in_progress"), runs("loading")) {
            (true, false, false) => "SAVE",
            (false, true, false) => "AOF",
            (true, true, false) => "SAVE+AOF",
            (false, false, true) => "LOAD",
            _ => "",
        }
    }
}

/// A line; `requests` were counted at the last one, 0 before the first.
fn line(info: &Info<'_>, requests: &mut i64) -> String {
    let now = info.number("total_commands_processed");
    let since = if *requests == 0 { 0 } else { now - *requests };
    *requests = now;
    format!(
        "{:<11}{:<8} {:<8}{:<8}{:<19} {:<12}{}",
        info.keys(),
        human(info.number("used_memory")),
        info.number("connected_clients"),
        info.number("blocked_clients"),
        format!("{now} (+{since})"),
        info.number("total_connections_received"),
        info.job()
    )
}

fn human(bytes: i64) -> String {
    let mut value = bytes as f64;
    if bytes.abs() < 1024 {
        return format!("{bytes}B");
    }
    for unit in ["K", "M", "G"] {
        value /= 1024.0;
        if value.abs() < 1024.0 {
            return format!("{value:.2}{unit}");
        }
    }
    format!("{:.2}T", value / 1024.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_those_of_the_header() {
        let info = "# Server\r\nused_memory:1040916\r\nused_memory_rss:9\r\nconnected_clients:1\r\n\
            blocked_clients:0\r\nloading:0\r\nrdb_bgsave_in_progress:1\r\n\
            aof_rewrite_in_progress:0\r\ntotal_commands_processed:12\r\n\
            total_connections_received:3\r\ndb0:keys=5,expires=0\r\ndb3:keys=2,expires=0\r\n";
        let mut requests = 0;
        let first = line(&Info(info), &mut requests);
        let expected = "7          1016.52K 1       0       12 (+0)             3           SAVE";
        assert_eq!(first, expected);
        requests = 2;
        assert!(line(&Info(info), &mut requests).contains("12 (+10) "));
    }

    #[test]
    fn sizes_for_people() {
        for (bytes, text) in [
            (0, "0B"),
            (1023, "1023B"),
            (1024, "1.00K"),
            (1 << 20, "1.00M"),
            (3 << 29, "1.50G"),
            (1 << 40, "1.00T"),
        ] {
            assert_eq!(human(bytes), text);
        }
    }
}
