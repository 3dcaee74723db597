//! Files as the jobs see them: a narrow seam, so that a simulated disk can fail at each of its calls.

use std::ffi::OsString;
use std::io;
use std::path::Path;

/// A directory tree. Paths are those of the process; `dir` is its working directory.
///
/// Durability is as POSIX leaves it: bytes last after [`DiskFile::sync`], names (created, renamed,
/// removed) after [`Disk::sync_directory`] of the directory that holds them.
pub trait Disk: Send + Sync {
    /// Creates a file, or empties the one that is there, for writing and reading.
    ///
    /// # Errors
    /// The system's.
    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>>;

    /// Opens a file for writing at its end; creates it if it is missing.
    ///
    /// # Errors
    /// The system's.
    fn append(&self, path: &Path) -> io::Result<Box<dyn DiskFile>>;

    /// Opens a file for reading from its beginning.
    ///
    /// # Errors
    /// The system's; [`io::ErrorKind::NotFound`] if it is missing.
    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>>;

    /// A file without a name in `directory`, for writing and reading: it is gone when closed.
    ///
    /// # Errors
    /// The system's.
    fn temporary(&self, directory: &Path) -> io::Result<Box<dyn DiskFile>>;

    /// Gives a file another name, replacing the file of that name in one step.
    ///
    /// # Errors
    /// The system's.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a file.
    ///
    /// # Errors
    /// The system's.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// Creates a directory; one that is there is fine.
    ///
    /// # Errors
    /// The system's.
    fn create_directory(&self, path: &Path) -> io::Result<()>;

    /// Makes the names in a directory last.
    ///
    /// # Errors
    /// The system's.
    fn sync_directory(&self, path: &Path) -> io::Result<()>;

    /// The names in a directory, in any order; none if it is missing.
    ///
    /// # Errors
    /// The system's.
    fn list(&self, path: &Path) -> io::Result<Vec<OsString>>;

    /// The length of a file in bytes, `None` if it is missing.
    ///
    /// # Errors
    /// The system's.
    fn len_bytes(&self, path: &Path) -> io::Result<Option<u64>>;

    /// Whether there is a directory of this name.
    fn is_directory(&self, path: &Path) -> bool;
}

/// An open file.
pub trait DiskFile: Send {
    /// Writes some of `bytes` (at the end, if opened for that) and returns how many.
    ///
    /// # Errors
    /// The system's.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize>;

    /// Reads at the position of the last read; 0 at the end.
    ///
    /// # Errors
    /// The system's.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize>;

    /// Reads at this position, in bytes from the beginning; 0 at the end. Where the next read or write
    /// goes on stays as it is.
    ///
    /// # Errors
    /// The system's.
    fn read_at(&mut self, position: u64, buffer: &mut [u8]) -> io::Result<usize>;

    /// Moves the position of the next read, in bytes from the beginning.
    ///
    /// # Errors
    /// The system's.
    fn seek(&mut self, position: u64) -> io::Result<()>;

    /// Fills `buffer` with what stands at this position, in bytes from the beginning.
    ///
    /// # Errors
    /// The system's; [`io::ErrorKind::UnexpectedEof`] if the file ends before.
    fn read_exact_at(&mut self, position: u64, buffer: &mut [u8]) -> io::Result<()> {
        let mut filled = 0;
        while filled < buffer.len() {
            match self.read_at(position + filled as u64, &mut buffer[filled..]) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Makes what was written last, its length included.
    ///
    /// # Errors
    /// The system's. After one, nothing is known of the bytes written since the last success, and a
    /// later success says nothing about them: the file must not be synced again.
    fn sync(&mut self) -> io::Result<()>;

    /// Asks the system to begin bringing what was written to the disk, so that a later
    /// [`DiskFile::sync`] is short. Promises nothing; may wait.
    ///
    /// # Errors
    /// The system's; as after a failed [`DiskFile::sync`].
    fn sync_soon(&mut self) -> io::Result<()> {
        self.sync()
    }

    /// Cuts the file to `len_bytes`.
    ///
    /// # Errors
    /// The system's.
    fn truncate(&mut self, len_bytes: u64) -> io::Result<()>;

    /// Takes the file for this process alone; `false` if another one has it. Given up when the file
    /// is closed.
    ///
    /// # Errors
    /// The system's.
    fn lock(&mut self) -> io::Result<bool>;

    /// Writes all of `bytes`.
    ///
    /// # Errors
    /// The system's; [`io::ErrorKind::WriteZero`] if it takes nothing more. Some of the bytes may
    /// have been written.
    fn write_all(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            match self.write(bytes) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => bytes = &bytes[count..],
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

/// What the system calls an error, without Rust's ` (os error N)`: as Redis writes it.
#[must_use]
pub fn error_text(error: &io::Error) -> String {
    let mut text = error.to_string();
    if let Some(end) = text.rfind(" (os error ") {
        text.truncate(end);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_read_as_in_redis() {
        assert_eq!(error_text(&io::Error::from_raw_os_error(28)), "No space left on device");
        assert_eq!(error_text(&io::Error::other("torn")), "torn");
    }
}
