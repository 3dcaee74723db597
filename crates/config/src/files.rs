//! The files that loading reads, as a trait.

use std::collections::BTreeMap;

use dunlin_stdx::glob::{self, Case};

use crate::Text;

/// The file system as loading needs it. Errors are the system's words, such as
/// `No such file or directory`.
pub trait FileSource {
    /// The content of a file.
    ///
    /// # Errors
    /// The system's words.
    fn read(&self, path: &Text) -> Result<Vec<u8>, String>;

    /// The paths that match a shell pattern, sorted; none when nothing does.
    fn matching(&self, pattern: &Text) -> Vec<Text>;

    /// Makes `path` the working directory, from which later relative paths count, and answers
    /// its absolute path.
    ///
    /// # Errors
    /// The system's words.
    fn enter(&self, path: &Text) -> Result<Text, String>;

    /// Checks that the log file can be appended to.
    ///
    /// # Errors
    /// The system's words.
    fn check_log(&self, path: &Text) -> Result<(), String>;
}

/// Files in memory, for tests and simulations. Every directory exists.
#[derive(Clone, Debug, Default)]
pub struct MemoryFiles(pub BTreeMap<Vec<u8>, Vec<u8>>);

impl MemoryFiles {
    /// Files with these paths and contents.
    pub fn new(files: &[(&str, &str)]) -> MemoryFiles {
        let file = |(path, content): &(&str, &str)| {
            (path.as_bytes().to_vec(), content.as_bytes().to_vec())
        };
        MemoryFiles(files.iter().map(file).collect())
    }
}

const MISSING: &str = "No such file or directory";

impl FileSource for MemoryFiles {
    fn read(&self, path: &Text) -> Result<Vec<u8>, String> {
        self.0.get(&**path).cloned().ok_or_else(|| MISSING.to_owned())
    }

    fn matching(&self, pattern: &Text) -> Vec<Text> {
        let matches = |path: &&Vec<u8>| glob::matches(pattern, path, Case::Sensitive);
        self.0.keys().filter(matches).map(|path| Text::from(path.as_slice())).collect()
    }

    /// Paths below `/missing` do not exist.
    fn enter(&self, path: &Text) -> Result<Text, String> {
        match path.starts_with(b"/missing") {
            true => Err(MISSING.to_owned()),
            false => Ok(path.clone()),
        }
    }

    fn check_log(&self, path: &Text) -> Result<(), String> {
        self.enter(path).map(drop)
    }
}
