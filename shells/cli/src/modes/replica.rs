//! `--replica`, SYNC and PSYNC: the commands that a primary sends to its replicas.

use std::io::Write;
use std::time::{Duration, Instant};

use dunlin_resp::Value;

use super::sync::{Answer, End, answer, payload, replconf};
use super::{Output, Stopped};
use crate::client::Client;
use crate::connection::{Broken, Connection};
use crate::format::{self, Format};
use crate::options::OutputOptions;

/// A replica that says nothing for a minute is taken for dead; one that has not said anything is
/// sent nothing.
const ACK_INTERVAL: Duration = Duration::from_secs(1);

/// Asks for everything and prints what follows.
pub(super) fn run(client: &mut Client) -> Result<(), Stopped> {
    let Some(connection) = &mut client.connection else { return Ok(()) };
    replconf(connection, "capa", "eof")?;
    replconf(connection, "rdb-filter-only", "")?;
    connection.send(&[b"SYNC"]).map_err(|_| Stopped::because("Error writing to master"))?;
    follow_stream(connection)
}

/// Reads the answer to SYNC or PSYNC, drops the data set and prints the commands behind it until the
/// connection ends.
pub(crate) fn follow_stream(connection: &mut Connection) -> Result<(), Stopped> {
    match answer(connection)? {
        Answer::Full(end) => {
            let info = "Full resync";
            match &end {
                End::Mark(_) => eprintln!(
                    "{info} with master, discarding bytes of bulk transfer until EOF marker..."
                ),
                End::Length(length) => {
                    eprintln!("{info} with master, discarding {length} bytes of bulk transfer...");
                }
            }
            let what_failed = "Error reading RDB payload while Full resyncing";
            let length = payload(connection, &end, what_failed, |_| Ok(()))?;
            match end {
                End::Mark(mark) => {
                    let length = length + mark.len() as u64;
                    eprintln!("{info} done after {length} bytes. Logging commands from master.");
                    eprintln!("sending REPLCONF ACK 0");
                }
                End::Length(_) => eprintln!("{info} done. Logging commands from master."),
            }
        }
        Answer::Partial => {
            eprintln!("Partial resync with master...");
            eprintln!("Partial resync done. Logging commands from master.");
        }
    }
    print_stream(connection)
}

fn print_stream(connection: &mut Connection) -> Result<(), Stopped> {
    let options = OutputOptions { format: Format::Csv, ..OutputOptions::default() };
    let mut out = Output::new();
    let mut line = Vec::new();
    connection.set_read_timeout(Some(ACK_INTERVAL));
    let mut acknowledged: Option<Instant> = None;
    loop {
        if acknowledged.is_none_or(|at| at.elapsed() >= ACK_INTERVAL) {
            // It has no reply.
            connection.send(&[b"REPLCONF", b"ACK", b"0"])?;
            acknowledged = Some(Instant::now());
        }
        match connection.receive_any() {
            Ok(value) => {
                line.clear();
                format::write(&mut line, &value, &options);
                out.write_all(&line)?;
                out.flush()?;
                if let Value::Error(_) = value {
                    return Ok(());
                }
            }
            Err(Broken::TimedOut) => {}
            Err(broken) => return Err(Stopped::because(format!("Error: {broken}"))),
        }
    }
}
