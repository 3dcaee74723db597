//! Verifying a file before anything depends on it.

use std::io::{self, Read};

use dunlin_rdb::{ChecksumOutcome, Item, Reader};

use crate::disk::DiskFile;
use crate::load::{LoadError, LoadErrorCause, LoadRules};

/// Items that are decoded in one step.
const STEP_ITEMS: usize = 512;

/// Bytes after which a step ends.
const STEP_BYTES: u64 = 256 << 10;

/// An open file that is read from its beginning.
pub(super) struct FileReader(pub(super) Box<dyn DiskFile>);

impl Read for FileReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

/// Decodes a file to its end, by the rules by which it will be loaded, and keeps nothing of it.
pub(super) struct Check {
    reader: Reader<FileReader>,
    rules: LoadRules,
    name: String,
    len_bytes: u64,
}

impl Check {
    /// Begins with a file of `len_bytes`.
    pub(super) fn begin(
        mut file: Box<dyn DiskFile>,
        name: String,
        len_bytes: u64,
        rules: LoadRules,
    ) -> Result<Self, LoadError> {
        let failed = |offset, cause| failure(&name, offset, cause);
        file.seek(0).map_err(|error| failed(0, LoadErrorCause::Read(error)))?;
        let reader = Reader::open(FileReader(file), rules.limits)
            .map_err(|error| failed(error.offset, error.into()))?;
        let mut check = Self { reader, rules, name, len_bytes };
        if !check.rules.checksum {
            check.reader.ignore_checksum();
        }
        Ok(check)
    }

    /// Decodes some items; whether there are more.
    pub(super) fn step(&mut self) -> Result<bool, LoadError> {
        let from = self.reader.offset();
        for _ in 0..STEP_ITEMS {
            let item = self.reader.next_item();
            let item = item.map_err(|error| self.failed(error.offset, error.into()))?;
            match item {
                Item::SelectDb(number) if number >= u64::from(self.rules.databases) => {
                    let databases = self.rules.databases;
                    let cause = LoadErrorCause::Database { number, databases };
                    return Err(self.failed(self.reader.offset(), cause));
                }
                Item::End(outcome) => return self.end(outcome).map(|()| false),
                _ => {}
            }
            if self.reader.offset() - from >= STEP_BYTES {
                break;
            }
        }
        Ok(true)
    }

    fn end(&self, outcome: ChecksumOutcome) -> Result<(), LoadError> {
        let offset = self.reader.offset();
        match outcome {
            ChecksumOutcome::Wrong { expected, found } => {
                Err(self.failed(offset, LoadErrorCause::Checksum { expected, found }))
            }
            _ if offset < self.len_bytes => Err(self.failed(offset, LoadErrorCause::Trailing)),
            _ => Ok(()),
        }
    }

    fn failed(&self, offset: u64, cause: LoadErrorCause) -> LoadError {
        failure(&self.name, offset, cause)
    }

    /// The file, as open as before.
    pub(super) fn into_file(self) -> Box<dyn DiskFile> {
        self.reader.into_rest().1.0
    }
}

fn failure(name: &str, offset: u64, cause: LoadErrorCause) -> LoadError {
    LoadError { file: name.to_owned(), is_append_only: false, offset, cause }
}
