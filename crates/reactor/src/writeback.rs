//! Asking the system to begin writing a file to the disk.

#![allow(unsafe_code)] // one block, see `begin_writeback`

use std::fs::File;
use std::io;

/// Begins to bring what was written to `file` to the disk and does not wait for it, so that a later
/// sync is short. Promises nothing. Where the system cannot do that, nothing happens.
///
/// Source: sync_file_range(2).
///
/// # Errors
/// The system's.
#[cfg(target_os = "linux")]
pub fn begin_writeback(file: &File) -> io::Result<()> {
    use std::os::fd::AsRawFd;
    // SAFETY: the call takes no pointers, and the descriptor is open for as long as `file` is borrowed.
    let result =
        unsafe { libc::sync_file_range(file.as_raw_fd(), 0, 0, libc::SYNC_FILE_RANGE_WRITE) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Nothing: the system has no such call.
///
/// # Errors
/// None.
#[cfg(not(target_os = "linux"))]
pub fn begin_writeback(_: &File) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn a_file_is_as_it_was() {
        let mut file = tempfile::tempfile().expect("a file");
        file.write_all(b"written").expect("written");
        begin_writeback(&file).expect("begins");
        assert_eq!(file.metadata().expect("metadata").len(), 7);
    }
}
