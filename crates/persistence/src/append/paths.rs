//! Where the files are.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use dunlin_aof::Names;

/// The places that `dir`, `appenddirname` and `appendfilename` name.
#[derive(Clone, Debug)]
pub struct AppendPaths {
    dir: PathBuf,
    directory_name: Vec<u8>,
    /// What the files are called.
    pub names: Names,
}

impl AppendPaths {
    /// `dir` is the path of the server's directory, the others are plain names.
    #[must_use]
    pub fn new(dir: &Path, directory_name: &[u8], file_name: &[u8]) -> Self {
        let dir = if dir.as_os_str().is_empty() { Path::new(".") } else { dir };
        Self {
            dir: dir.to_owned(),
            directory_name: directory_name.to_vec(),
            names: Names::new(file_name),
        }
    }

    /// The server's directory.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The directory of the log.
    #[must_use]
    pub fn directory(&self) -> PathBuf {
        self.dir.join(OsStr::from_bytes(&self.directory_name))
    }

    /// A file of the log.
    #[must_use]
    pub fn file(&self, name: &[u8]) -> PathBuf {
        self.directory().join(OsStr::from_bytes(name))
    }

    /// The manifest.
    #[must_use]
    pub fn manifest(&self) -> PathBuf {
        self.file(&self.names.manifest())
    }

    /// The one file of Redis up to 6.2, before it is moved.
    #[must_use]
    pub fn old_style(&self) -> PathBuf {
        self.dir.join(OsStr::from_bytes(self.names.old_style()))
    }

    /// `appenddirname` as text for the log.
    #[must_use]
    pub fn directory_name(&self) -> String {
        text(&self.directory_name)
    }
}

/// A name as text for the log.
pub(super) fn text(name: &[u8]) -> String {
    String::from_utf8_lossy(name).into_owned()
}
