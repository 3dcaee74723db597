//! Checking one file of a log.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, Read, Write};
use std::path::PathBuf;

use dunlin_aof::{Annotation, Item, LogError, LogFault, LogReader};

use super::arguments::Mode;
use super::preamble;
use super::report::{Stop, error_text};
use super::summary::Summary;

/// Bytes that are read at once.
const PIECE_BYTES: u64 = 1 << 20;

/// One file.
pub(super) struct Part {
    /// What the lines about it call it.
    pub(super) name: String,
    pub(super) path: PathBuf,
    /// Whether it may be cut: nothing follows it.
    pub(super) is_last: bool,
    pub(super) has_preamble: bool,
}

/// What became of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Valid,
    Empty,
    Truncated,
    TruncatedToTime(i64),
}

pub(super) struct Checker<'a> {
    pub(super) mode: Mode,
    input: &'a mut dyn BufRead,
    pub(super) out: &'a mut dyn Write,
    pub(super) summary: Summary,
    /// Lines of all files so far, as Redis counts them.
    lines: u64,
}

/// How reading a file ended.
enum End {
    /// Where its good part ends, and what is behind it, if anything is.
    File { ok_up_to: u64, error: Option<LogError> },
    /// Here it goes beyond the time.
    Time { at: u64 },
}

/// The log in a file, as it is read.
struct Log {
    file: File,
    /// Bytes that were not handed on yet.
    buffer: Vec<u8>,
    /// Bytes of the file that were not read yet.
    unread: u64,
    reader: LogReader,
    /// Where what was read last began, as Redis remembers it: the last word of the last command, or
    /// the last annotation.
    last_place: u64,
}

impl<'a> Checker<'a> {
    pub(super) fn new(mode: Mode, input: &'a mut dyn BufRead, out: &'a mut dyn Write) -> Self {
        Self { mode, input, out, summary: Summary::default(), lines: 1 }
    }

    pub(super) fn check(&mut self, part: &Part) -> Result<Outcome, Stop> {
        let name = &part.name;
        let changes = self.mode != Mode::Look;
        let opened = OpenOptions::new().read(true).write(changes).open(&part.path);
        let mut file = opened.map_err(|error| {
            let (path, error) = (part.path.display(), error_text(&error));
            Stop::line(format!("Cannot open file {path}: {error}, aborting..."))
        })?;
        let metadata = file.metadata();
        let cannot_stat = |_| Stop::line(format!("Cannot stat file: {name}, aborting..."));
        let size = metadata.map_err(cannot_stat)?.len();
        if size == 0 {
            return Ok(Outcome::Empty);
        }
        let start = self.check_preamble(part, &mut file)?;
        let mut log = Log::at(file, start, size)?;
        let end = self.read(part, &mut log)?;
        self.lines += log.reader.lines();
        match end {
            End::Time { at } => self.cut_at_time(part, &log.file, at),
            End::File { ok_up_to, error } => {
                if let Some(error) = error {
                    self.print_error(part, error, &log)?;
                }
                self.judge(part, &log.file, size, ok_up_to)
            }
        }
    }

    /// Where the log begins behind an RDB file.
    fn check_preamble(&mut self, part: &Part, file: &mut File) -> Result<u64, Stop> {
        if !part.has_preamble {
            return Ok(0);
        }
        let Some(end) = preamble::check(&part.path, file, self.out)? else {
            let line = "RDB preamble of AOF file is not sane, aborting.";
            return Err(Stop::line(line.to_owned()));
        };
        writeln!(self.out, "RDB preamble is OK, proceeding with AOF tail...")?;
        Ok(end)
    }

    /// Reads a log to its end, or to where it goes beyond the time that is asked for.
    fn read(&mut self, part: &Part, log: &mut Log) -> Result<End, Stop> {
        let failed = |_| Stop::line(format!("Failed to read from AOF {}, aborting...", part.name));
        let mut at = 0;
        loop {
            match log.reader.next(&log.buffer[at..]) {
                Ok(Item::Commands { len_bytes, .. }) => {
                    let last = self.summary.count(&log.buffer[at..at + len_bytes]);
                    let word = last.and_then(|command| command.arguments().last());
                    let word_bytes = word.map_or(0, <[u8]>::len) as u64;
                    log.last_place = log.reader.position() - word_bytes - 2;
                    at += len_bytes;
                }
                Ok(Item::Annotation { len_bytes, annotation }) => {
                    log.last_place = log.reader.position() - len_bytes as u64;
                    at += len_bytes;
                    if let Annotation::Position(position) = annotation
                        && position.file_bytes == log.last_place
                    {
                        self.summary.position(position);
                    }
                    if self.is_beyond(annotation)? {
                        let at = log.reader.ok_up_to().min(log.last_place);
                        return Ok(End::Time { at });
                    }
                }
                Ok(Item::Incomplete) => {
                    log.buffer.drain(..at);
                    at = 0;
                    let more = log.more().map_err(failed)?;
                    if !more {
                        let error = log.reader.finish(&log.buffer).err();
                        return Ok(End::File { ok_up_to: log.reader.ok_up_to(), error });
                    }
                }
                Err(error) => {
                    let ok_up_to = log.reader.ok_up_to();
                    return Ok(End::File { ok_up_to, error: Some(error) });
                }
            }
        }
    }

    fn is_beyond(&mut self, annotation: Annotation) -> Result<bool, Stop> {
        match (annotation, self.mode.limit_s()) {
            (Annotation::Timestamp(time_s), Some(limit_s)) if time_s > limit_s => Ok(true),
            (Annotation::Timestamp(time_s), _) => {
                self.summary.timestamp(time_s);
                Ok(false)
            }
            (Annotation::MalformedTimestamp, Some(_)) => {
                Err(Stop::line("Invalid timestamp annotation".to_owned()))
            }
            (Annotation::MalformedTimestamp | Annotation::Position(_) | Annotation::Other, _) => {
                Ok(false)
            }
        }
    }

    fn cut_at_time(&mut self, part: &Part, file: &File, at: u64) -> Result<Outcome, Stop> {
        let (path, time_s) = (part.path.display(), self.mode.limit_s().unwrap_or(0));
        if at == 0 {
            return Err(Stop::line(format!(
                "AOF {path} has nothing before timestamp {time_s}, aborting..."
            )));
        }
        if !part.is_last {
            let lines = vec![
                format!(
                    "Failed to truncate AOF {path} to timestamp {time_s} to offset {at} because \
                     it is not the last file."
                ),
                "If you insist, please delete all files after this file according to the manifest \
                 file and delete the corresponding records in manifest file manually. Then re-run \
                 redis-check-aof."
                    .to_owned(),
            ];
            return Err(Stop { lines });
        }
        cut(file, at).map_err(|_| {
            Stop::line(format!("Failed to truncate AOF {path} to timestamp {time_s}"))
        })?;
        Ok(Outcome::TruncatedToTime(time_s))
    }

    fn print_error(&mut self, part: &Part, error: LogError, log: &Log) -> io::Result<()> {
        let LogError { mut offset, fault } = error;
        let path = part.path.display();
        let text = match fault {
            LogFault::Format | LogFault::AnnotationTooLong => {
                return writeln!(self.out, "AOF {} format error", part.name);
            }
            LogFault::UnexpectedMulti | LogFault::UnexpectedExec => {
                format!("{fault} in AOF {path}")
            }
            LogFault::EndInCommand if !log.reader.is_in_transaction() => return Ok(()),
            LogFault::EndInCommand => LogFault::EndInTransaction.to_string(),
            LogFault::EndInTransaction => {
                offset = log.last_place;
                fault.to_string()
            }
            LogFault::EndInArgument { expected, got } => {
                // Not all of what is there was read.
                LogFault::EndInArgument { expected, got: got + log.unread }.to_string()
            }
            _ => fault.to_string(),
        };
        writeln!(self.out, "0x{offset:16x}: {text}")
    }

    /// Says how far a file is good, and cuts it there if that is asked for.
    fn judge(
        &mut self,
        part: &Part,
        file: &File,
        size: u64,
        ok_up_to: u64,
    ) -> Result<Outcome, Stop> {
        let (name, diff) = (&part.name, size.saturating_sub(ok_up_to));
        if let (0, Some(time_s)) = (diff, self.mode.limit_s()) {
            writeln!(self.out, "Truncate nothing in AOF {name} to timestamp {time_s}")?;
            return Ok(Outcome::Valid);
        }
        writeln!(
            self.out,
            "AOF analyzed: filename={name}, size={size}, ok_up_to={ok_up_to}, \
             ok_up_to_line={}, diff={diff}",
            self.lines
        )?;
        match self.mode {
            _ if diff == 0 => Ok(Outcome::Valid),
            Mode::Fix if !part.is_last => Err(Stop::line(format!(
                "Failed to truncate AOF {name} because it is not the last file"
            ))),
            Mode::Fix => {
                writeln!(
                    self.out,
                    "This will shrink the AOF {name} from {size} bytes, with {diff} bytes, to \
                     {ok_up_to} bytes"
                )?;
                write!(self.out, "Continue? [y/N]: ")?;
                self.out.flush()?;
                if !self.is_confirmed() {
                    return Err(Stop::line("Aborting...".to_owned()));
                }
                let failed = |_| Stop::line(format!("Failed to truncate AOF {name}"));
                cut(file, ok_up_to).map_err(failed)?;
                Ok(Outcome::Truncated)
            }
            Mode::Look | Mode::TruncateToTime(_) => Err(Stop::line(format!(
                "AOF {name} is not valid. Use the --fix option to try fixing it."
            ))),
        }
    }

    fn is_confirmed(&mut self) -> bool {
        let mut answer = [0];
        let is_there = self.input.read_exact(&mut answer).is_ok();
        is_there && answer[0].eq_ignore_ascii_case(&b'y')
    }
}

fn cut(file: &File, len_bytes: u64) -> io::Result<()> {
    file.set_len(len_bytes)?;
    file.sync_all()
}

impl Log {
    fn at(mut file: File, start: u64, size: u64) -> Result<Self, Stop> {
        io::Seek::seek(&mut file, io::SeekFrom::Start(start))?;
        let reader = LogReader::at(start);
        let unread = size.saturating_sub(start);
        Ok(Self { file, buffer: Vec::new(), unread, reader, last_place: start })
    }

    /// Reads on. `false` if the file has no more, or less than a damaged length asks for: a file
    /// that is larger than memory is not read for its sake.
    fn more(&mut self) -> io::Result<bool> {
        let needed = self.reader.needed_bytes() as u64;
        if needed > self.unread {
            return Ok(false);
        }
        let want = needed.max(PIECE_BYTES).min(self.unread);
        let read = (&mut self.file).take(want).read_to_end(&mut self.buffer)? as u64;
        // Somebody may cut the file meanwhile.
        self.unread = if read < want { 0 } else { self.unread - read };
        Ok(read > 0)
    }
}
