//! The files that hold the data set, in the order in which they are read.

use std::path::PathBuf;

/// Files to be loaded, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LoadPlan {
    /// The files: of an append-only file the base, if there is one, then the incremental files, empty
    /// ones among them. What each holds, an RDB file or commands, is seen when it is read.
    pub files: Vec<LoadFile>,
}

/// A file to be loaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadFile {
    /// Where it is.
    pub path: PathBuf,
    /// What the log calls it.
    pub name: String,
    /// What it is.
    pub role: FileRole,
    /// Its length, as far as it is known beforehand.
    pub len_bytes: u64,
    /// Whether a crash may have cut it (it is the last one with anything in it): with
    /// `aof-load-truncated yes` it is then cut back to what is whole. A cut in another file means
    /// that commands are missing in the middle.
    pub may_be_cut: bool,
}

/// What a file is among those that hold the data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileRole {
    /// The one snapshot file: keys that have expired need not be loaded.
    Snapshot,
    /// A data set that a primary has sent.
    Received,
    /// The base of an append-only file: the commands behind it assume every key of it.
    Base,
    /// A base that is an append-only file of a version before 7.0.
    OldStyle,
    /// Commands that follow a base. The last one may end in the middle of a command.
    Incremental,
}

impl FileRole {
    /// Whether the file belongs to an append-only file.
    #[must_use]
    pub const fn is_append_only(self) -> bool {
        !matches!(self, Self::Snapshot | Self::Received)
    }
}

impl LoadPlan {
    /// The plan for one snapshot file.
    #[must_use]
    pub fn snapshot(path: PathBuf) -> Self {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let role = FileRole::Snapshot;
        Self { files: vec![LoadFile { path, name, role, len_bytes: 0, may_be_cut: false }] }
    }

    /// The plan for a data set that a primary has sent; zero bytes are an unknown length.
    #[must_use]
    pub fn received(name: String, len_bytes: u64) -> Self {
        let (path, role) = (PathBuf::from(&name), FileRole::Received);
        Self { files: vec![LoadFile { path, name, role, len_bytes, may_be_cut: false }] }
    }

    /// Length of all files; with zero there is nothing to load.
    #[must_use]
    pub fn total_bytes(&self) -> u64 {
        self.files.iter().map(|file| file.len_bytes).sum()
    }

    /// Length of the base, `aof_base_size` after a start.
    #[must_use]
    pub fn base_bytes(&self) -> u64 {
        let is_base = |file: &&LoadFile| matches!(file.role, FileRole::Base | FileRole::OldStyle);
        self.files.iter().filter(is_base).map(|file| file.len_bytes).sum()
    }
}
