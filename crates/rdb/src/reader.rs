//! Reading a file, item by item.

use std::io::Read;

use dunlin_stdx::time::UnixMs;
use dunlin_values::{AccessHint, Entry};

use crate::error::{ReadError, ReadErrorCause, Result};
use crate::format::{MAGIC, VERSION_MAX, kind, opcode};
use crate::module;
use crate::source::{FileSource, Source};
use crate::text::{owned, text_into};
use crate::value::{LoadLimits, ValueReader};

/// Files of this version and later end in a checksum.
const CHECKSUM_SINCE: u16 = 5;

/// Something that a file holds.
#[derive(Debug)]
pub enum Item {
    /// Something about the file.
    Aux {
        /// Its name.
        key: Vec<u8>,
        /// What it is.
        value: Vec<u8>,
    },
    /// The keys that follow are those of this database.
    SelectDb(u64),
    /// How much the database holds, for who believes it.
    ResizeDb {
        /// Number of keys.
        keys: u64,
        /// Number of keys that expire.
        with_deadline: u64,
    },
    /// The source of a library of functions.
    Function(Vec<u8>),
    /// A key.
    Key {
        /// With its value and deadline.
        entry: Entry,
        /// How it was used.
        access: AccessHint,
    },
    /// A key of a collection without members: there are none, so it is passed over.
    EmptyKey(Vec<u8>),
    /// A key or something else that a module wrote, if that is passed over.
    Module {
        /// The name of the module's type.
        name: Box<str>,
        /// The key, if it was one.
        key: Option<Vec<u8>>,
    },
    /// The end. What follows is not part of it.
    End(ChecksumOutcome),
}

/// What became of the checksum of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChecksumOutcome {
    /// The file has none.
    Absent,
    /// Nobody wanted to know.
    Ignored,
    /// It agrees.
    Right,
    /// It does not.
    Wrong {
        /// What the file says.
        expected: u64,
        /// What its bytes say.
        found: u64,
    },
}

/// What the next key is about to be told about.
#[derive(Clone, Copy, Debug, Default)]
struct Prefixes {
    deadline: Option<UnixMs>,
    access: AccessHint,
}

/// What a reader is doing, for who wants to tell at which point a file is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// It reads what every file begins with.
    Start,
    /// It reads what comes next.
    Kind,
    /// It reads when the next key expires.
    Deadline,
    /// It reads the name of a key.
    Key,
    /// It reads the value of a key.
    Value,
    /// It reads the checksum.
    Checksum,
    /// It reads the number or the size of a database.
    Length,
    /// It reads something about the file.
    Aux,
    /// It reads what a module wrote besides values.
    ModuleAux,
    /// It reads a library of functions.
    Function,
}

/// Reads a file.
pub struct Reader<R> {
    source: FileSource<R>,
    values: ValueReader,
    version: u16,
    key: Vec<u8>,
    prefixes: Prefixes,
    skips_modules: bool,
    stage: Stage,
    last_kind: u8,
    patience: Option<Patience>,
}

/// What a reader remembers whose file is still arriving.
#[derive(Clone, Copy, Debug, Default)]
struct Patience {
    /// Whether the beginning of the file was read.
    has_begun: bool,
    /// Bytes that are to be there before the next item is tried once more.
    wanted_bytes: usize,
}

impl<R: Read> Reader<R> {
    /// Begins to read a file.
    ///
    /// # Errors
    /// If it does not begin as files do.
    pub fn open(file: R, limits: LoadLimits) -> Result<Self> {
        let mut reader = Self::new(file, limits, None);
        reader.begin()?;
        Ok(reader)
    }

    /// Reads a file that is still arriving: where `file` says [`WouldBlock`], so does
    /// [`Reader::next_item`] ([`ReadError::is_waiting`]), and can be called again when there is more.
    ///
    /// An item that has not wholly arrived is kept and read anew: each time twice as much of it has to
    /// be there, so that all attempts together take twice the work of one, and at most twice its bytes
    /// in memory.
    ///
    /// [`WouldBlock`]: std::io::ErrorKind::WouldBlock
    pub fn patient(file: R, limits: LoadLimits) -> Self {
        Self::new(file, limits, Some(Patience::default()))
    }

    fn new(file: R, limits: LoadLimits, patience: Option<Patience>) -> Self {
        Self {
            source: FileSource::new(file),
            values: ValueReader::new(limits),
            version: 0,
            key: Vec::new(),
            prefixes: Prefixes::default(),
            skips_modules: false,
            stage: Stage::Start,
            last_kind: kind::STRING,
            patience,
        }
    }

    /// Reads what every file begins with.
    fn begin(&mut self) -> Result<()> {
        let magic: [u8; 5] = self.source.array()?;
        if magic != *MAGIC {
            return Err(ReadError { offset: 0, cause: ReadErrorCause::Signature });
        }
        let digits: [u8; 4] = self.source.array()?;
        // As `atoi` reads them.
        self.version = digits
            .iter()
            .take_while(|digit| digit.is_ascii_digit())
            .fold(0, |number, digit| number * 10 + u16::from(digit - b'0'));
        if !(1..=VERSION_MAX).contains(&self.version) {
            return Err(ReadError { offset: 5, cause: ReadErrorCause::Version(self.version) });
        }
        Ok(())
    }

    /// Passes over what modules wrote, instead of refusing it.
    pub const fn skip_modules(&mut self) {
        self.skips_modules = true;
    }

    /// Does not compute the checksum.
    pub const fn ignore_checksum(&mut self) {
        self.source.ignore_checksum();
    }

    /// The version of the file.
    #[must_use]
    pub const fn version(&self) -> u16 {
        self.version
    }

    /// Place of the next byte.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.source.offset()
    }

    /// What it is doing, or was when it met an error.
    #[must_use]
    pub const fn stage(&self) -> Stage {
        self.stage
    }

    /// The key that was read last, also if its value could not be read.
    #[must_use]
    pub fn last_key(&self) -> &[u8] {
        &self.key
    }

    /// The type of the value that was read last, also if it could not be read.
    #[must_use]
    pub const fn last_kind(&self) -> u8 {
        self.last_kind
    }

    /// What was read behind the last item, and the rest of the file.
    pub fn into_rest(self) -> (Vec<u8>, R) {
        self.source.into_rest()
    }

    /// The next item.
    ///
    /// # Errors
    /// What is wrong with the file, and where. Nothing can be read behind that, unless it is only
    /// that a patient reader has to wait.
    pub fn next_item(&mut self) -> Result<Item> {
        if self.patience.is_some() {
            self.begin_attempt()?;
        }
        let item = self.item();
        if self.patience.is_some() {
            self.end_attempt(item.as_ref().err());
        }
        item
    }

    /// Before a patient reader tries an item.
    #[cold]
    fn begin_attempt(&mut self) -> Result<()> {
        let Some(Patience { has_begun, wanted_bytes }) = self.patience else { return Ok(()) };
        if wanted_bytes > 0 {
            match self.source.fill(wanted_bytes) {
                // What has arrived at the end of a file is all that will.
                Ok(()) | Err(ReadError { cause: ReadErrorCause::Ended, .. }) => {}
                Err(error) => return Err(error),
            }
        }
        self.patience = Some(Patience { has_begun, wanted_bytes: 0 });
        self.source.mark();
        if !has_begun {
            let begun = self.begin();
            self.end_attempt(begun.as_ref().err());
            begun?;
            self.patience = Some(Patience { has_begun: true, wanted_bytes: 0 });
            self.source.mark();
        }
        Ok(())
    }

    /// After a patient reader has tried an item: one that has not wholly arrived is tried anew.
    #[cold]
    fn end_attempt(&mut self, error: Option<&ReadError>) {
        if error.is_some_and(ReadError::is_waiting)
            && let Some(patience) = &mut self.patience
        {
            self.prefixes = Prefixes::default();
            patience.wanted_bytes = 2 * self.source.rewind().max(1);
        }
    }

    fn item(&mut self) -> Result<Item> {
        loop {
            let offset = self.source.offset();
            self.stage = Stage::Kind;
            match self.source.byte()? {
                kind @ ..=kind::MAX if kind::is_known(kind) => return self.key(kind),
                opcode::DEADLINE_MS => {
                    self.stage = Stage::Deadline;
                    self.prefixes.deadline = deadline(i64::from_le_bytes(self.source.array()?));
                }
                opcode::DEADLINE_SECONDS => {
                    self.stage = Stage::Deadline;
                    let seconds = i32::from_le_bytes(self.source.array()?);
                    let ms = i64::from(seconds) * 1000;
                    self.prefixes.deadline = Some(UnixMs(ms)).filter(|_| seconds != -1);
                }
                opcode::IDLE => {
                    self.prefixes.access = AccessHint::IdleSeconds(self.source.length()?);
                }
                opcode::FREQUENCY => {
                    self.prefixes.access = AccessHint::Frequency(self.source.byte()?);
                }
                opcode::SLOT_INFO => {
                    // The slot, its keys and those that expire: hints.
                    for _ in 0..3 {
                        self.source.length()?;
                    }
                }
                other => return self.other(other, offset),
            }
        }
    }

    /// What is not about a key.
    fn other(&mut self, code: u8, offset: u64) -> Result<Item> {
        let source = &mut self.source;
        self.stage = match code {
            opcode::AUX => Stage::Aux,
            opcode::SELECT_DB | opcode::RESIZE_DB => Stage::Length,
            opcode::FUNCTION => Stage::Function,
            opcode::MODULE_AUX => Stage::ModuleAux,
            opcode::END => Stage::Checksum,
            _ => Stage::Kind,
        };
        Ok(match code {
            opcode::AUX => Item::Aux { key: owned(source)?, value: owned(source)? },
            opcode::SELECT_DB => Item::SelectDb(source.length()?),
            opcode::RESIZE_DB => {
                Item::ResizeDb { keys: source.length()?, with_deadline: source.length()? }
            }
            opcode::FUNCTION => Item::Function(owned(source)?),
            opcode::FUNCTION_BEFORE_RELEASE => {
                return Err(ReadError { offset, cause: ReadErrorCause::FunctionBeforeRelease });
            }
            opcode::MODULE_AUX => {
                let name = module::name(source.length()?);
                if !self.skips_modules {
                    return Err(ReadError { offset, cause: ReadErrorCause::ModuleAux(name) });
                }
                module::skip(source, &mut self.key)?;
                Item::Module { name, key: None }
            }
            opcode::END => Item::End(self.end()?),
            other => return Err(ReadError { offset, cause: ReadErrorCause::Kind(other) }),
        })
    }

    fn key(&mut self, kind: u8) -> Result<Item> {
        let Prefixes { deadline, access } = std::mem::take(&mut self.prefixes);
        self.last_kind = kind;
        self.stage = Stage::Key;
        text_into(&mut self.source, &mut self.key)?;
        self.stage = Stage::Value;
        if kind == kind::MODULE && self.skips_modules {
            let name = module::name(self.source.length()?);
            module::skip(&mut self.source, &mut Vec::new())?;
            return Ok(Item::Module { name, key: Some(self.key.clone()) });
        }
        Ok(match self.values.read(kind, &mut self.source)? {
            Some(value) => Item::Key { entry: Entry::new(&self.key, value, deadline), access },
            None => Item::EmptyKey(self.key.clone()),
        })
    }

    fn end(&mut self) -> Result<ChecksumOutcome> {
        if self.version < CHECKSUM_SINCE {
            return Ok(ChecksumOutcome::Absent);
        }
        let found = self.source.checksum();
        let expected = u64::from_le_bytes(self.source.array()?);
        Ok(match found {
            _ if expected == 0 => ChecksumOutcome::Absent,
            None => ChecksumOutcome::Ignored,
            Some(found) if found == expected => ChecksumOutcome::Right,
            Some(found) => ChecksumOutcome::Wrong { expected, found },
        })
    }
}

/// A deadline as files hold it: minus one is none.
fn deadline(ms: i64) -> Option<UnixMs> {
    (ms != -1).then_some(UnixMs(ms))
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    /// Gives twenty bytes, then says that it has no more for now.
    struct Drops<'a> {
        bytes: &'a [u8],
        is_dry: bool,
    }

    impl Read for Drops<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.is_dry = !self.is_dry;
            if self.is_dry {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            let len = buffer.len().min(20);
            self.bytes.read(&mut buffer[..len])
        }
    }

    #[test]
    fn a_large_item_is_tried_again_when_twice_as_much_of_it_is_there() {
        let mut bytes = b"REDIS0011\x02\x01k\x80\x00\x00\xc3\x50".to_vec();
        for member in 0..50_000_u32 {
            bytes.push(8);
            bytes.extend_from_slice(format!("{member:08}").as_bytes());
        }
        let file = Drops { bytes: &bytes, is_dry: false };
        let mut reader = Reader::patient(file, LoadLimits::default());
        let (mut waits, mut wanted, mut held) = (0, Vec::new(), 0);
        let item = loop {
            match reader.next_item() {
                Err(error) => assert!(error.is_waiting(), "{error}"),
                Ok(item) => break item,
            }
            waits += 1;
            held = held.max(reader.source.buffer_bytes());
            wanted.extend(reader.patience.map(|patience| patience.wanted_bytes));
        };
        assert!(matches!(item, Item::Key { .. }));
        wanted.dedup();
        assert!(waits > 20_000 && wanted.len() < 20, "{waits} waits, {wanted:?}");
        assert!(held <= 2 * bytes.len() + (256 << 10), "{held} bytes for {}", bytes.len());
        assert!(wanted.windows(2).all(|pair| pair[1] >= 2 * pair[0]), "{wanted:?}");
    }
}
