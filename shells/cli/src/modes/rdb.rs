//! `--rdb` and `--functions-rdb`: the data set of a server as a file.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use super::Stopped;
use super::sync::{Answer, End, answer, payload, replconf};
use crate::connection::Connection;

/// What the file is to hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Content {
    Everything,
    Functions,
}

/// Copies the data set to `file`, or to standard output if that is `-`.
pub(super) fn run(
    mut connection: Connection,
    file: &Path,
    content: Content,
) -> Result<(), Stopped> {
    replconf(&mut connection, "capa", "eof")?;
    replconf(&mut connection, "rdb-only", "1")?;
    if content == Content::Functions && !replconf(&mut connection, "rdb-filter-only", "functions")?
    {
        let text = "Failed requesting functions only RDB from server, aborting";
        return Err(Stopped::because(text));
    }
    fetch(connection, file)
}

/// SYNC, and the data set to `file`.
pub(crate) fn fetch(mut connection: Connection, file: &Path) -> Result<(), Stopped> {
    let name = file.display();
    connection.send(&[b"SYNC"]).map_err(|_| Stopped::because("Error writing to master"))?;
    let end = match answer(&mut connection)? {
        Answer::Full(end) => end,
        Answer::Partial => return Err(Stopped::because("SYNC with master failed: no data set")),
    };
    match &end {
        End::Mark(_) => eprintln!(
            "SYNC sent to master, writing bytes of bulk transfer until EOF marker to '{name}'"
        ),
        End::Length(length) => {
            eprintln!("SYNC sent to master, writing {length} bytes to '{name}'");
        }
    }
    let mut target = Target::open(file)
        .map_err(|error| Stopped::because(format!("Error opening '{name}': {}", words(&error))))?;
    let what_failed = "I/O Error reading RDB payload from socket";
    let length = payload(&mut connection, &end, what_failed, |piece| {
        target.write_all(piece).map_err(|error| {
            Stopped::because(format!("Error writing data to file: {}", words(&error)))
        })
    })?;
    match end {
        End::Mark(_) => eprintln!("Transfer finished with success after {length} bytes"),
        End::Length(_) => eprintln!("Transfer finished with success."),
    }
    // The server should not have to wait for the disk.
    drop(connection);
    target
        .sync()
        .map_err(|error| Stopped::because(format!("Fail to fsync '{name}': {}", words(&error))))
}

/// Where the data set goes.
enum Target {
    File(File),
    StandardOutput(io::Stdout),
}

impl Target {
    fn open(path: &Path) -> io::Result<Self> {
        if path == Path::new("-") {
            return Ok(Self::StandardOutput(io::stdout()));
        }
        Ok(Self::File(File::create(path)?))
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::File(file) => file.write_all(bytes),
            Self::StandardOutput(out) => out.write_all(bytes),
        }
    }

    fn sync(&mut self) -> io::Result<()> {
        match self {
            Self::File(file) => file.sync_all(),
            Self::StandardOutput(out) => out.flush(),
        }
    }
}

/// The system's words, without the number that std adds.
fn words(error: &io::Error) -> String {
    match error.raw_os_error() {
        Some(number) => nix::errno::Errno::from_raw(number).desc().to_owned(),
        None => error.to_string(),
    }
}
