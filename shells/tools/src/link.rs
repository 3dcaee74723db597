//! Names for the programs that live in the one executable.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// A name that could not be made.
#[derive(Debug)]
pub struct LinkError {
    /// The path of the name.
    pub path: PathBuf,
    /// What the system said.
    pub error: io::Error,
}

impl fmt::Display for LinkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot make {}: {}", self.path.display(), self.error)
    }
}

impl std::error::Error for LinkError {}

/// Makes each of `names` in `directory` another name of `executable`, and returns their paths.
///
/// Hard links where the file system allows, copies elsewhere: guides copy and move these programs,
/// and a symbolic link would not survive that. A name that exists is replaced in one step, so that
/// a running program keeps its file.
///
/// # Errors
/// The first name that cannot be made; those before it stay.
pub fn link(
    executable: &Path,
    directory: &Path,
    names: &[&str],
) -> Result<Vec<PathBuf>, LinkError> {
    let at = |path: &Path| {
        let path = path.to_owned();
        move |error| LinkError { path, error }
    };
    std::fs::create_dir_all(directory).map_err(at(directory))?;
    let mut made = Vec::new();
    for name in names {
        let path = directory.join(name);
        let is_itself = std::fs::canonicalize(&path).is_ok_and(|target| target == executable);
        if !is_itself || path.is_symlink() {
            replace(executable, &path).map_err(at(&path))?;
        }
        made.push(path);
    }
    Ok(made)
}

fn replace(executable: &Path, path: &Path) -> io::Result<()> {
    let temporary = path.with_extension(format!("new-{}", std::process::id()));
    if std::fs::hard_link(executable, &temporary).is_err() {
        std::fs::copy(executable, &temporary)?;
    }
    let renamed = std::fs::rename(&temporary, path);
    // Renaming onto another link of the same file does nothing and leaves the first name.
    let _ = std::fs::remove_file(&temporary);
    renamed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_replace_what_was_there() {
        let dir = tempfile::tempdir().expect("dir");
        let executable = dir.path().join("dunlin");
        std::fs::write(&executable, "program").expect("write");
        let bin = dir.path().join("usr/bin");
        for _ in 0..2 {
            let made = link(&executable, &bin, &["redis-server", "dunlin"]).expect("link");
            assert_eq!(made, [bin.join("redis-server"), bin.join("dunlin")]);
        }
        assert_eq!(std::fs::read_dir(&bin).expect("read").count(), 2);
        std::fs::remove_file(made_path(&bin)).expect("remove");
        std::os::unix::fs::symlink(&executable, made_path(&bin)).expect("symlink");
        link(&executable, &bin, &["redis-server"]).expect("link");
        assert!(!made_path(&bin).is_symlink());
        assert_eq!(std::fs::read_to_string(made_path(&bin)).expect("read"), "program");
        link(&executable, dir.path(), &["dunlin"]).expect("its own name");
        assert!(executable.exists());
    }

    fn made_path(bin: &Path) -> PathBuf {
        bin.join("redis-server")
    }

    #[test]
    fn errors_name_the_path() {
        let dir = tempfile::tempdir().expect("dir");
        let executable = dir.path().join("missing");
        let error = link(&executable, dir.path(), &["redis-server"]).expect_err("no executable");
        assert!(error.to_string().contains("redis-server: No such file"), "{error}");
    }
}
