//! The memory that `ps` shows as the command line of this process.

#![allow(unsafe_code)] // one block, see `CommandLineArea::claim`

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;

/// The region of the initial stack that holds argv and the environment, as the kernel knows it.
///
/// The kernel shows what stands between `arg_start` and `arg_end`, and, when the last byte there
/// is not NUL, goes on into the environment up to the first NUL. So a title may use both regions
/// once the environment lives elsewhere.
#[derive(Debug)]
pub struct CommandLineArea {
    memory: File,
    start: u64,
    /// Length in bytes.
    len: usize,
}

impl CommandLineArea {
    /// Takes the region over, after giving every environment variable a new home on the heap.
    ///
    /// Words of argv that are needed later must have been copied before (as `std::env::args_os`
    /// does) and cannot be read from the process again.
    ///
    /// # Errors
    /// The system has no `/proc/self`, or does not let it be written.
    ///
    /// Where the environment cannot be moved (another thread runs already), the region is argv's
    /// part alone.
    pub fn claim() -> io::Result<Self> {
        let (arg_start, arg_end, env_start, env_end) = region()?;
        let memory = OpenOptions::new().write(true).open("/proc/self/mem")?;
        let mut end = arg_end;
        if env_start == arg_end && !has_threads() && rehome_environment() {
            end = env_end;
        }
        let len = usize::try_from(end.saturating_sub(arg_start)).unwrap_or(0);
        Ok(Self { memory, start: arg_start, len })
    }

    /// The longest title that fits, in bytes.
    #[must_use]
    pub const fn capacity(&self) -> usize {
        self.len.saturating_sub(1)
    }

    /// Shows `title`, cut to [`CommandLineArea::capacity`].
    ///
    /// # Errors
    /// The write fails.
    pub fn show(&self, title: &[u8]) -> io::Result<()> {
        let mut bytes = title[..title.len().min(self.capacity())].to_vec();
        bytes.resize(self.len, 0);
        self.memory.write_all_at(&bytes, self.start)
    }
}

/// `(arg_start, arg_end, env_start, env_end)` of this process.
///
/// Source: proc(5), `/proc/pid/stat`, fields 48 to 51.
fn region() -> io::Result<(u64, u64, u64, u64)> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    parse_region(&stat).ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "/proc/self/stat"))
}

fn parse_region(stat: &str) -> Option<(u64, u64, u64, u64)> {
    // The second field is the program's name in parentheses, which may hold blanks.
    let after_name = &stat[stat.rfind(')')? + 1..];
    let mut fields = after_name.split_ascii_whitespace().skip(48 - 3);
    let mut next = || fields.next()?.parse().ok();
    Some((next()?, next()?, next()?, next()?))
}

/// Whether another thread runs, which could be reading the environment.
fn has_threads() -> bool {
    std::fs::read_dir("/proc/self/task").map_or(true, |tasks| tasks.count() > 1)
}

/// Sets every variable to its own value, which makes the C library copy it; false if one cannot
/// be set that way.
fn rehome_environment() -> bool {
    let variables: Vec<_> = std::env::vars_os().collect();
    let is_plain = |name: &std::ffi::OsStr| {
        let bytes = name.as_encoded_bytes();
        !bytes.is_empty() && !bytes.contains(&b'=')
    };
    if !variables.iter().all(|(name, _)| is_plain(name)) {
        return false;
    }
    // Backwards, so that of a name that occurs twice the first value stays the one in force.
    for (name, value) in variables.into_iter().rev() {
        // SAFETY: `claim` has checked that this is the only thread, so nobody reads or writes the
        // environment meanwhile.
        unsafe { std::env::set_var(name, value) };
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn region_is_found_behind_any_program_name() {
        let mut stat = String::from("7 (a) b (c) S");
        for field in 4..=52 {
            stat += &format!(" {}", field * 10);
        }
        assert_eq!(parse_region(&stat), Some((480, 490, 500, 510)));
        assert_eq!(parse_region("7 (x) S 1 2"), None);
    }

    #[test]
    fn own_region_holds_the_command_line() {
        let (start, end, ..) = region().expect("proc");
        let memory = File::open("/proc/self/mem").expect("mem");
        let mut bytes = vec![0; usize::try_from(end - start).expect("length")];
        memory.read_exact_at(&mut bytes, start).expect("read");
        let shown = std::fs::read("/proc/self/cmdline").expect("cmdline");
        assert!(shown.starts_with(&bytes));
    }
}
