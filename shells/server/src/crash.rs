//! The last lines of a process that meets its own bug.

use std::fmt::Write as _;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::OnceLock;

use dunlin_reactor::report_crashes;
use nix::fcntl::{OFlag, open};
use nix::sys::signal::Signal;
use nix::sys::stat::Mode;

use crate::log::Log;
use crate::version::{DUNLIN_VERSION, REDIS_VERSION};

/// Everything the report needs, prepared while the process is sound: a signal handler must not
/// allocate.
struct Prepared {
    log_file: Option<std::path::PathBuf>,
    head: String,
}

static PREPARED: OnceLock<Prepared> = OnceLock::new();

/// Lets fatal signals and panics leave a report in the log.
pub(crate) fn prepare(log: &Log) {
    let pid = std::process::id();
    let head = format!(
        "\n\n=== REDIS BUG REPORT START: Cut & paste starting from here ===\n\
         {pid}:M # Redis {REDIS_VERSION} (dunlin {DUNLIN_VERSION}) crashed by signal: "
    );
    let _ = PREPARED.set(Prepared { log_file: log.file(), head });
    // Without a handler the system's default action follows, which is what comes after it anyway.
    let _ = report_crashes(report);
    let log = log.clone();
    std::panic::set_hook(Box::new(move |panic| {
        let backtrace = std::backtrace::Backtrace::force_capture();
        log.warning(format_args!("PANIC: {panic}\n{backtrace}"));
    }));
}

/// Writes the report; runs in the signal handler.
fn report(signal: Signal) {
    let Some(prepared) = PREPARED.get() else { return };
    let file = prepared.log_file.as_ref().and_then(|path| {
        let flags = OFlag::O_WRONLY | OFlag::O_APPEND | OFlag::O_CREAT | OFlag::O_CLOEXEC;
        open(path, flags, Mode::from_bits_truncate(0o644)).ok()
    });
    let stdout = std::io::stdout();
    let place: BorrowedFd<'_> = file.as_ref().map_or_else(|| stdout.as_fd(), OwnedFd::as_fd);
    let mut number = Digits::default();
    let _ = write!(number, "{}", signal as i32);
    for part in [prepared.head.as_bytes(), number.bytes(), TAIL] {
        let _ = nix::unistd::write(place, part);
    }
}

const TAIL: &[u8] = b"\n=== REDIS BUG REPORT END. Make sure to include from START to END. ===\n\n";

/// A number as text, without allocation.
#[derive(Default)]
struct Digits {
    bytes: [u8; 12],
    len: usize,
}

impl Digits {
    fn bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

impl std::fmt::Write for Digits {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        let end = self.len + text.len();
        let room = self.bytes.get_mut(self.len..end).ok_or(std::fmt::Error)?;
        room.copy_from_slice(text.as_bytes());
        self.len = end;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_become_text_in_place() {
        let mut digits = Digits::default();
        write!(digits, "{}", 11).expect("fits");
        assert_eq!(digits.bytes(), b"11");
        assert!(digits.write_str("too long for it").is_err());
    }
}
