//! What a file is, by its first bytes.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use super::report::{Stop, error_text};

/// An RDB file has a header of so many bytes at least.
const RDB_BYTES_MIN: u64 = 8;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Names the files of a log.
    Manifest,
    /// Commands.
    Log,
    /// An RDB file, and commands behind it.
    RdbAndLog,
}

impl Kind {
    pub(super) fn of(path: &Path) -> Result<Self, Stop> {
        if is_manifest(path)? {
            Ok(Self::Manifest)
        } else if is_rdb(path)? {
            Ok(Self::RdbAndLog)
        } else {
            Ok(Self::Log)
        }
    }
}

/// Whether the first line that is no comment begins with `file`.
fn is_manifest(path: &Path) -> Result<bool, Stop> {
    let line = first_line(&mut BufReader::new(open(path)?));
    let line = line.map_err(|_| Stop::line(format!("Cannot read file: {}", path.display())))?;
    Ok(line.starts_with(b"file"))
}

/// The first line that is no comment, or the beginning of it.
fn first_line(file: &mut impl BufRead) -> io::Result<Vec<u8>> {
    loop {
        let mut line = Vec::new();
        file.by_ref().take(dunlin_aof::LINE_BYTES_MAX as u64).read_until(b'\n', &mut line)?;
        if line.first() != Some(&b'#') {
            return Ok(line);
        }
    }
}

/// Whether it begins as RDB files do.
pub(super) fn is_rdb(path: &Path) -> Result<bool, Stop> {
    let file = open(path)?;
    let mut head = Vec::new();
    let read = file.take(RDB_BYTES_MIN).read_to_end(&mut head);
    read.map_err(|_| Stop::line(format!("Cannot read file: {}", path.display())))?;
    Ok(head.len() as u64 == RDB_BYTES_MIN && dunlin_aof::is_rdb(&head))
}

fn open(path: &Path) -> Result<File, Stop> {
    File::open(path).map_err(|error| {
        Stop::line(format!("Cannot open file {}: {}", path.display(), error_text(&error)))
    })
}
