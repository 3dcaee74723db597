//! The file system, as reading a configuration sees it.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use dunlin_config::{FileSource, Text};
use dunlin_reactor::os_error_text;
use dunlin_stdx::glob;

/// Files of this machine; relative paths count from the working directory.
pub(crate) struct Disk;

impl FileSource for Disk {
    fn read(&self, path: &Text) -> Result<Vec<u8>, String> {
        fs::read(path.as_path()).map_err(|error| os_error_text(&error))
    }

    fn matching(&self, pattern: &Text) -> Vec<Text> {
        let path = pattern.as_path();
        let mut found = Vec::new();
        let start = if path.is_absolute() { PathBuf::from("/") } else { PathBuf::new() };
        let parts: Vec<&OsStr> = path
            .components()
            .filter_map(|part| match part {
                std::path::Component::RootDir | std::path::Component::Prefix(_) => None,
                part => Some(part.as_os_str()),
            })
            .collect();
        collect(start, &parts, &mut found);
        found.sort();
        found.into_iter().map(|path| Text::from(path.into_os_string().into_vec())).collect()
    }

    fn enter(&self, path: &Text) -> Result<Text, String> {
        let entered = std::env::set_current_dir(path.as_path());
        let here = entered.and_then(|()| std::env::current_dir());
        let here = here.map_err(|error| os_error_text(&error))?;
        Ok(Text::from(here.into_os_string().into_vec()))
    }

    fn check_log(&self, path: &Text) -> Result<(), String> {
        let opened = fs::OpenOptions::new().append(true).create(true).open(path.as_path());
        opened.map(drop).map_err(|error| os_error_text(&error))
    }
}

/// Adds the paths below `base` that match the pattern's parts, as a shell would: names that begin
/// with a dot are met only by a pattern that does.
fn collect(base: PathBuf, parts: &[&OsStr], found: &mut Vec<PathBuf>) {
    let Some((part, rest)) = parts.split_first() else {
        found.push(base);
        return;
    };
    if !part.as_bytes().iter().any(|byte| b"*?[".contains(byte)) {
        let path = base.join(part);
        if path.symlink_metadata().is_ok() {
            collect(path, rest, found);
        }
        return;
    }
    let directory = if base.as_os_str().is_empty() { Path::new(".") } else { &base };
    let Ok(entries) = fs::read_dir(directory) else { return };
    for name in entries.flatten().map(|entry| entry.file_name()) {
        let is_hidden = name.as_bytes().starts_with(b".") && !part.as_bytes().starts_with(b".");
        if !is_hidden && glob::matches(part.as_bytes(), name.as_bytes(), glob::Case::Sensitive) {
            collect(base.join(&name), rest, found);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_find_files_in_order() {
        let dir = tempfile::tempdir().expect("dir");
        for name in ["b/x.conf", "a/x.conf", "a/.hidden.conf", "a/x.txt"] {
            let path = dir.path().join(name);
            fs::create_dir_all(path.parent().expect("parent")).expect("create");
            fs::write(path, name).expect("write");
        }
        let pattern = format!("{}/*/*.conf", dir.path().display());
        let found = Disk.matching(&Text::from(pattern.as_str()));
        let base = dir.path().display();
        let expected: Vec<Text> =
            ["a", "b"].map(|d| Text::from(format!("{base}/{d}/x.conf").as_str())).into();
        assert_eq!(found, expected);
        assert_eq!(Disk.read(&found[0]), Ok(b"a/x.conf".to_vec()));
        assert!(Disk.matching(&Text::from("/nonexistent/*.conf")).is_empty());
    }

    #[test]
    fn errors_are_in_the_systems_words() {
        let missing = Text::from("/nonexistent/x");
        assert_eq!(Disk.read(&missing), Err("No such file or directory".to_owned()));
        assert_eq!(Disk.check_log(&missing), Err("No such file or directory".to_owned()));
        assert_eq!(Disk.enter(&missing), Err("No such file or directory".to_owned()));
    }
}
