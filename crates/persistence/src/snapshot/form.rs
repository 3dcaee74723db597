//! What stands in front of the records and behind them.

use bytes::Bytes;
use dunlin_rdb::{Checksum, Draft, Version, WriteOptions, checksum_bytes};
use dunlin_resp::write_request;
use dunlin_stdx::lzf::Compressor;
use dunlin_stdx::time::UnixMs;

use super::Target;

/// How keys are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Form {
    /// As an RDB file.
    Rdb(RdbForm),
    /// As commands.
    Commands(CommandForm),
}

/// The form of an RDB file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RdbForm {
    /// The version its header names: [`Version::V12`] if any field of a hash has a deadline.
    pub version: Version,
    /// Whether the deadlines of fields are left out of hashes.
    pub plain_hashes: bool,
    /// Whether long strings are compressed (`rdbcompression`).
    pub compression: bool,
    /// Whether a checksum ends the file (`rdbchecksum`).
    pub checksum: bool,
    /// The version of the server, as its files tell it.
    pub server_version: &'static str,
    /// When it was taken.
    pub created: UnixMs,
    /// The memory in use then.
    pub used_memory_bytes: u64,
}

/// The form of commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CommandForm {
    /// What the timestamp at the beginning says, if there is to be one (`aof-timestamp-enabled`).
    pub timestamp: Option<UnixMs>,
}

/// Where the stream of changes was at the epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReplicationAux {
    /// The database selected in the stream.
    pub stream_db: u32,
    /// The identity of the stream, in hexadecimal digits.
    pub id: [u8; 40],
    /// Its length in bytes.
    pub offset: u64,
}

/// The sum of what a target got.
pub(super) struct Sum(Option<Checksum>);

impl Sum {
    pub(super) fn update(&mut self, bytes: &[u8]) {
        if let Some(checksum) = &mut self.0 {
            checksum.update(bytes);
        }
    }
}

impl Form {
    /// How a target is summed up.
    pub(super) fn sum(&self) -> Sum {
        match self {
            Self::Rdb(form) => Sum(form.checksum.then(Checksum::new)),
            Self::Commands(_) => Sum(None),
        }
    }

    /// What compresses long strings, if anything does.
    pub(super) fn compressor(&self) -> Option<Compressor> {
        match self {
            Self::Rdb(form) => form.compression.then(Compressor::new),
            Self::Commands(_) => None,
        }
    }

    /// How records are written.
    pub(super) const fn write_options(&self) -> Option<WriteOptions> {
        match self {
            Self::Rdb(form) => {
                Some(WriteOptions { version: form.version, plain_hashes: form.plain_hashes })
            }
            Self::Commands(_) => None,
        }
    }

    /// The bytes in front of the records.
    pub(super) fn header(&self, target: &Target, libraries: &[Bytes]) -> Vec<u8> {
        match self {
            Self::Rdb(form) => rdb_header(form, target, libraries),
            Self::Commands(form) => command_header(*form, libraries),
        }
    }

    /// The bytes behind the records, which `sum` is the sum of.
    pub(super) fn footer(&self, sum: &mut Sum) -> Vec<u8> {
        if let Self::Commands(_) = self {
            return Vec::new();
        }
        let mut end = Draft::new();
        end.end();
        let mut footer = end.to_vec();
        sum.update(&footer);
        footer.extend_from_slice(&checksum_bytes(sum.0.as_ref().map(Checksum::value)));
        footer
    }
}

fn rdb_header(form: &RdbForm, target: &Target, libraries: &[Bytes]) -> Vec<u8> {
    let mut draft = Draft::new();
    let mut digits = itoa::Buffer::new();
    draft.magic(form.version);
    draft.aux(b"redis-ver", form.server_version.as_bytes());
    draft.aux(b"redis-bits", digits.format(usize::BITS).as_bytes());
    draft.aux(b"ctime", digits.format(form.created.seconds()).as_bytes());
    draft.aux(b"used-mem", digits.format(form.used_memory_bytes).as_bytes());
    if let Some(replication) = &target.replication {
        draft.aux(b"repl-stream-db", digits.format(replication.stream_db).as_bytes());
        draft.aux(b"repl-id", &replication.id);
        draft.aux(b"repl-offset", digits.format(replication.offset).as_bytes());
    }
    draft.aux(b"aof-base", if target.is_aof_base { b"1" } else { b"0" });
    libraries.iter().for_each(|library| draft.function(library));
    draft.to_vec()
}

fn command_header(form: CommandForm, libraries: &[Bytes]) -> Vec<u8> {
    let mut bytes = Vec::new();
    if let Some(at) = form.timestamp {
        bytes.extend_from_slice(format!("#TS:{}\r\n", at.seconds()).as_bytes());
    }
    for library in libraries {
        write_request(&mut bytes, &[b"FUNCTION", b"LOAD", library]);
    }
    bytes
}
