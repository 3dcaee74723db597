//! Checking a file, in the words of redis-check-rdb.

use std::io::{self, Read, Write};

use dunlin_stdx::time::UnixMs;

use crate::error::{ReadError, ReadErrorCause};
use crate::format::kind;
use crate::reader::{ChecksumOutcome, Item, Reader, Stage};
use crate::summary::Summary;
use crate::value::LoadLimits;

/// What a check came to.
#[derive(Debug, Default)]
pub struct Checked {
    /// Whether the file can be loaded.
    pub is_sound: bool,
    /// Where it ended, in bytes from its beginning; where it was broken otherwise.
    pub end: u64,
    /// What is in it.
    pub summary: Summary,
}

/// Checks the file `name` as redis-check-rdb does, and writes the same lines to `out`. Keys whose
/// deadline is before `now` count as expired. What follows the end of the file is not looked at.
///
/// # Errors
/// Those of `out`; what is wrong with the file is an outcome.
pub fn check(name: &str, file: impl Read, now: UnixMs, out: &mut dyn Write) -> io::Result<Checked> {
    writeln!(out, "[offset 0] Checking RDB file {name}")?;
    let mut check = Check { summary: Summary::new(now), was_in_key: false, out };
    let mut reader = match Reader::open(file, LoadLimits::default()) {
        Ok(reader) => reader,
        Err(error) => {
            let offset = match error.cause {
                ReadErrorCause::Ended | ReadErrorCause::Io(_) => 0,
                _ => error.offset.max(9),
            };
            let place = Place { offset, stage: Stage::Start, kind: Some(kind::STRING), key: None };
            check.broken(&place, &wording(&error, 0))?;
            return Ok(Checked { is_sound: false, end: offset, summary: check.summary });
        }
    };
    reader.skip_modules();
    let is_sound = check.items(&mut reader)?;
    if is_sound {
        writeln!(check.out, "[offset {}] \\o/ RDB looks OK! \\o/", reader.offset())?;
        check.summary.write_counts(check.out)?;
    }
    Ok(Checked { is_sound, end: reader.offset(), summary: check.summary })
}

/// Where a file is broken.
struct Place<'a> {
    offset: u64,
    stage: Stage,
    kind: Option<u8>,
    key: Option<&'a [u8]>,
}

struct Check<'a> {
    summary: Summary,
    /// Whether a key was met: until then redis-check-rdb says that it reads a string.
    was_in_key: bool,
    out: &'a mut dyn Write,
}

impl Check<'_> {
    /// Reads to the end; tells whether nothing is wrong.
    fn items<R: Read>(&mut self, reader: &mut Reader<R>) -> io::Result<bool> {
        loop {
            let from = reader.offset();
            match reader.next_item() {
                Ok(Item::End(outcome)) => return self.end(reader, outcome),
                Ok(item) => {
                    self.item(&item, reader.offset(), reader.offset() - from)?;
                }
                Err(error) => {
                    self.error(reader, &error)?;
                    return Ok(false);
                }
            }
        }
    }

    fn item(&mut self, item: &Item, offset: u64, len_bytes: u64) -> io::Result<()> {
        self.was_in_key |= matches!(
            item,
            Item::Key { .. } | Item::EmptyKey(_) | Item::Module { key: Some(_), .. }
        );
        self.summary.add(item, len_bytes);
        match item {
            Item::SelectDb(number) => {
                writeln!(self.out, "[offset {offset}] Selecting DB ID {number}")
            }
            Item::Aux { key, value } => {
                write!(self.out, "[offset {offset}] AUX FIELD ")?;
                self.out.write_all(key)?;
                self.out.write_all(b" = '")?;
                self.out.write_all(value)?;
                self.out.write_all(b"'\n")
            }
            Item::Module { name, key: None } => {
                writeln!(self.out, "[offset {offset}] MODULE AUX for: {name}")
            }
            _ => Ok(()),
        }
    }

    fn end<R: Read>(&mut self, reader: &Reader<R>, outcome: ChecksumOutcome) -> io::Result<bool> {
        let offset = reader.offset();
        match outcome {
            ChecksumOutcome::Wrong { .. } => {
                let place = Place { offset, stage: Stage::Checksum, ..self.place(reader) };
                self.broken(&place, "RDB CRC error")?;
                return Ok(false);
            }
            ChecksumOutcome::Absent if reader.version() >= 5 => writeln!(
                self.out,
                "[offset {offset}] RDB file was saved with checksum disabled: no check performed."
            )?,
            ChecksumOutcome::Right => writeln!(self.out, "[offset {offset}] Checksum OK")?,
            ChecksumOutcome::Absent | ChecksumOutcome::Ignored => {}
        }
        Ok(true)
    }

    fn error<R: Read>(&mut self, reader: &Reader<R>, error: &ReadError) -> io::Result<()> {
        if reader.stage() == Stage::Value {
            self.summary.keys += 1;
        }
        let place = self.place(reader);
        self.broken(&place, &wording(error, reader.version()))
    }

    fn place<'r, R: Read>(&self, reader: &'r Reader<R>) -> Place<'r> {
        let stage = reader.stage();
        let is_in_key = matches!(stage, Stage::Key | Stage::Value);
        let kind = match is_in_key {
            true => Some(reader.last_kind()),
            false => (!self.was_in_key).then_some(kind::STRING),
        };
        let key = (stage == Stage::Value).then(|| reader.last_key());
        Place { offset: reader.offset(), stage, kind, key }
    }

    fn broken(&mut self, place: &Place<'_>, text: &str) -> io::Result<()> {
        let out = &mut *self.out;
        writeln!(out, "--- RDB ERROR DETECTED ---")?;
        writeln!(out, "[offset {}] {text}", place.offset)?;
        writeln!(out, "[additional info] While doing: {}", stage_name(place.stage))?;
        if let Some(key) = place.key {
            out.write_all(b"[additional info] Reading key '")?;
            out.write_all(key)?;
            out.write_all(b"'\n")?;
        }
        if let Some(kind) = place.kind {
            let name = kind::NAMES.get(usize::from(kind)).unwrap_or(&"unknown");
            writeln!(out, "[additional info] Reading type {kind} ({name})")?;
        }
        self.summary.write_counts(out)
    }
}

fn wording(error: &ReadError, version: u16) -> String {
    match &error.cause {
        ReadErrorCause::Signature => "Wrong signature trying to load DB from file".to_owned(),
        ReadErrorCause::Version(number) => format!("Can't handle RDB format version {number}"),
        ReadErrorCause::Ended => "Unexpected EOF reading RDB file".to_owned(),
        ReadErrorCause::Kind(kind) => format!("Invalid object type: {kind}"),
        ReadErrorCause::FunctionBeforeRelease => {
            format!("Pre-release function format not supported {version}")
        }
        cause => format!("Internal error in RDB reading offset {} -> {cause}", error.offset),
    }
}

const fn stage_name(stage: Stage) -> &'static str {
    match stage {
        Stage::Start => "start",
        Stage::Kind => "read-type",
        Stage::Deadline => "read-expire",
        Stage::Key => "read-key",
        Stage::Value => "read-object-value",
        Stage::Checksum => "check-sum",
        Stage::Length => "read-len",
        Stage::Aux => "read-aux",
        Stage::ModuleAux => "read-module-aux",
        Stage::Function => "read-functions",
    }
}
