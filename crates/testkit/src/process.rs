//! What the operating system shows of a process: title, memory, descriptors, signals.

use std::fs;
use std::process::ExitStatus;

use nix::errno::Errno;
use nix::sys::signal::{self, Signal};
use nix::unistd::Pid;

/// A process by its number. It need not be a child of ours: daemons are looked at as well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Process(pub u32);

impl Process {
    /// Sends a signal; that the process has ended already is no error.
    ///
    /// # Panics
    /// When the signal may not be sent.
    #[track_caller]
    pub fn signal(self, which: Signal) {
        match signal::kill(self.pid(), which) {
            Ok(()) | Err(Errno::ESRCH) => {}
            Err(error) => panic!("{which} to process {}: {error}", self.0),
        }
    }

    /// Whether the process still runs; one that has ended and awaits its parent does not.
    pub fn is_running(self) -> bool {
        signal::kill(self.pid(), None).is_ok() && self.state() != Some('Z')
    }

    /// The letter of the process's state (`R`, `S`, `T`, `Z` ...), or `None` when it is gone.
    pub fn state(self) -> Option<char> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.0)).ok()?;
        // The name in parentheses may hold blanks, so count from the last parenthesis.
        stat.rsplit_once(") ")?.1.chars().next()
    }

    /// The command line as `ps` shows it, which is where a process title lives.
    pub fn title(self) -> String {
        let raw = fs::read(format!("/proc/{}/cmdline", self.0)).unwrap_or_default();
        let text = String::from_utf8_lossy(&raw).replace('\0', " ");
        text.trim_end().to_owned()
    }

    /// Resident memory, in bytes.
    ///
    /// # Panics
    /// When the process is gone.
    #[track_caller]
    pub fn resident_bytes(self) -> u64 {
        self.status_kilobytes("VmRSS:") * 1024
    }

    /// The largest resident memory so far, in bytes.
    ///
    /// # Panics
    /// When the process is gone.
    #[track_caller]
    pub fn peak_resident_bytes(self) -> u64 {
        self.status_kilobytes("VmHWM:") * 1024
    }

    /// How many file descriptors are open.
    pub fn open_files(self) -> usize {
        fs::read_dir(format!("/proc/{}/fd", self.0)).map_or(0, Iterator::count)
    }

    /// The session the process belongs to; a daemon leads its own.
    pub fn session(self) -> Option<u32> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.0)).ok()?;
        stat.rsplit_once(") ")?.1.split(' ').nth(3)?.parse().ok()
    }

    fn status_kilobytes(self, field: &str) -> u64 {
        let path = format!("/proc/{}/status", self.0);
        let status = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
        status
            .lines()
            .find_map(|line| line.strip_prefix(field)?.split_whitespace().next()?.parse().ok())
            .unwrap_or_else(|| panic!("{path} has no {field}"))
    }

    fn pid(self) -> Pid {
        Pid::from_raw(i32::try_from(self.0).expect("process numbers fit into an int"))
    }
}

/// Kills a process that is not a child of ours when the test ends, however it ends.
#[derive(Debug)]
pub struct KillOnDrop(pub Process);

impl Drop for KillOnDrop {
    fn drop(&mut self) {
        self.0.signal(Signal::SIGKILL);
    }
}

/// Describes how a process ended: `exit 1` or `signal 9`.
pub fn describe(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt;
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit {code}"),
        (None, Some(signal)) => format!("signal {signal}"),
        (None, None) => "unknown end".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sees_this_very_process() {
        let me = Process(std::process::id());
        assert!(me.is_running());
        assert!(me.resident_bytes() > 100_000);
        assert!(me.open_files() >= 3);
        assert!(me.title().contains("dunlin_testkit"));
    }

    #[test]
    fn a_process_that_never_was_is_not_running() {
        assert!(!Process(0x3fff_fff0).is_running());
        assert_eq!(Process(0x3fff_fff0).title(), "");
    }
}
