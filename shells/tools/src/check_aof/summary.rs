//! What commands there are.

use std::collections::HashMap;
use std::io::{self, Write};

use dunlin_aof::{Command, Commands, StreamPosition};
use dunlin_stdx::words;

/// More names than there are commands come from a file that is none; they are counted together.
const NAMES_MAX: usize = 1000;

/// The longest name that is shown.
const NAME_BYTES_MAX: usize = 64;

#[derive(Clone, Copy, Debug, Default)]
struct Count {
    commands: u64,
    bytes: u64,
}

impl Count {
    fn add(&mut self, bytes: usize) {
        self.commands += 1;
        self.bytes += bytes as u64;
    }
}

/// Commands by name, and when they were written.
#[derive(Debug, Default)]
pub(super) struct Summary {
    by_name: HashMap<Vec<u8>, Count>,
    others: Count,
    all: Count,
    times_s: Option<(i64, i64)>,
    /// Where the stream was when the log was closed, if nothing was met since.
    position: Option<StreamPosition>,
}

impl Summary {
    /// Counts the commands of a run; returns the last one.
    pub(super) fn count<'a>(&mut self, run: &'a [u8]) -> Option<Command<'a>> {
        let mut last = None;
        self.position = None;
        for command in Commands::new(run) {
            self.all.add(command.bytes.len());
            let name = command.name[..command.name.len().min(NAME_BYTES_MAX)].to_ascii_uppercase();
            let is_full = self.by_name.len() >= NAMES_MAX;
            match self.by_name.get_mut(&name) {
                Some(count) => count.add(command.bytes.len()),
                None if is_full => self.others.add(command.bytes.len()),
                None => self.by_name.entry(name).or_default().add(command.bytes.len()),
            }
            last = Some(command);
        }
        last
    }

    pub(super) fn timestamp(&mut self, time_s: i64) {
        let (first, last) = self.times_s.unwrap_or((time_s, time_s));
        self.times_s = Some((first.min(time_s), last.max(time_s)));
    }

    pub(super) const fn position(&mut self, position: StreamPosition) {
        self.position = Some(position);
    }

    pub(super) fn print(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "[info] {} commands, {} bytes", self.all.commands, self.all.bytes)?;
        let mut names: Vec<_> = self.by_name.iter().collect();
        names.sort_by(|(one, a), (other, b)| b.bytes.cmp(&a.bytes).then(one.cmp(other)));
        for (name, count) in names {
            print_line(out, &shown(name), *count)?;
        }
        if self.others.commands > 0 {
            print_line(out, "(others)", self.others)?;
        }
        if let Some((first, last)) = self.times_s {
            writeln!(out, "[info] written from {first} to {last} (Unix time)")?;
        }
        if let Some(StreamPosition { id, offset, .. }) = self.position {
            let id = String::from_utf8_lossy(&id);
            writeln!(out, "[info] closed at offset {offset} of the replication stream {id}")?;
        }
        Ok(())
    }
}

fn print_line(out: &mut dyn Write, name: &str, count: Count) -> io::Result<()> {
    writeln!(out, "[info] {name}: {} commands, {} bytes", count.commands, count.bytes)
}

fn shown(name: &[u8]) -> String {
    if !name.is_empty() && name.iter().all(|byte| byte.is_ascii_graphic()) {
        return String::from_utf8_lossy(name).into_owned();
    }
    let mut quoted = Vec::new();
    words::quote(name, &mut quoted);
    String::from_utf8_lossy(&quoted).into_owned()
}
