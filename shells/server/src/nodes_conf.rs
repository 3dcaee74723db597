//! The file in which a node of a cluster keeps what it knows (`cluster-config-file`): locked against
//! a second process, and replaced in one step.
//!
//! Source: log lines as observed on 7.2.6 servers.
//!
//! Differs: the lock is on the file that has the name at any moment. Redis keeps the lock on the file
//! that was there at its start, and a second process may begin when that has been replaced.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use dunlin_config::Text;
use dunlin_reactor::os_error_text;

use crate::closing::CloseThread;
use crate::log::Log;

/// The file cannot be used; the log says why.
#[derive(Debug)]
pub(crate) struct Unusable;

/// The file, open and locked.
pub(crate) struct NodesConf {
    path: PathBuf,
    /// As the operator wrote it, for messages.
    name: Text,
    /// Holds the lock.
    locked: File,
    closing: CloseThread,
}

impl NodesConf {
    /// Opens and locks the file, which is made if there is none; returns its text, too.
    ///
    /// # Errors
    /// [`Unusable`] if it cannot be opened, is locked by another process, or cannot be read.
    pub(crate) fn open(name: &Text, log: &Log) -> Result<(Self, Vec<u8>), Unusable> {
        // `dir` may change later; the file stays where it is.
        let path = std::path::absolute(name.as_path()).unwrap_or_else(|_| name.as_path().into());
        let refuse = |what: String| {
            log.warning(what);
            Unusable
        };
        let mut options = OpenOptions::new();
        let file = options.read(true).write(true).create(true).truncate(false).open(&path);
        let mut locked = file.map_err(|error| {
            let error = os_error_text(&error);
            refuse(format!("Can't open {name} in order to acquire a lock: {error}"))
        })?;
        locked.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => refuse(format!(
                "Sorry, the cluster configuration file {name} is already used by a different \
                 Redis Cluster node. Please make sure that different nodes use different cluster \
                 configuration files."
            )),
            TryLockError::Error(error) => {
                refuse(format!("Impossible to lock {name}: {}", os_error_text(&error)))
            }
        })?;
        let mut text = Vec::new();
        locked.read_to_end(&mut text).map_err(|error| {
            let error = os_error_text(&error);
            refuse(format!("Loading the cluster node config from {name}: {error}"))
        })?;
        let closing = CloseThread::start().map_err(|error| {
            refuse(format!("Can't start a thread for {name}: {}", os_error_text(&error)))
        })?;
        Ok((Self { path, name: name.clone(), locked, closing }, text))
    }

    /// The file as the operator named it.
    pub(crate) const fn name(&self) -> &Text {
        &self.name
    }

    /// Replaces the text. With `fsync` it is on disk when this returns.
    ///
    /// # Errors
    /// A line for the log. The file is as it was, or as it is to be.
    pub(crate) fn save(&mut self, text: &str, fsync: bool) -> Result<(), String> {
        let say = |what: &str, error: &io::Error| format!("{what}: {}", os_error_text(error));
        let mut name = self.path.file_name().unwrap_or_default().to_owned();
        name.push(format!(".tmp-{}", std::process::id()));
        let temporary = self.path.with_file_name(name);
        let mut options = OpenOptions::new();
        let mut file = options
            .write(true)
            .create(true)
            .truncate(true)
            .open(&temporary)
            .map_err(|error| say("Could not open temp cluster config file", &error))?;
        let replaced = self.replace(&temporary, &mut file, text, fsync);
        if replaced.is_err() {
            let _ = fs::remove_file(&temporary);
        }
        replaced.map_err(|(what, error)| say(what, &error))?;
        self.closing.close(std::mem::replace(&mut self.locked, file));
        if fsync {
            sync_directory(&self.path)
                .map_err(|error| say("Could not sync cluster config file dir", &error))?;
        }
        Ok(())
    }

    fn replace(
        &self,
        temporary: &Path,
        file: &mut File,
        text: &str,
        fsync: bool,
    ) -> Result<(), (&'static str, io::Error)> {
        file.write_all(text.as_bytes())
            .map_err(|error| ("Failed writing to tmp cluster config file", error))?;
        if fsync {
            file.sync_all().map_err(|error| ("Could not sync tmp cluster config file", error))?;
        }
        // From here on this is the file that others find under the name.
        file.try_lock()
            .map_err(|error| ("Could not lock tmp cluster config file", error.into()))?;
        fs::rename(temporary, &self.path)
            .map_err(|error| ("Could not rename tmp cluster config file", error))
    }
}

fn sync_directory(path: &Path) -> io::Result<()> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    File::open(directory.unwrap_or(Path::new(".")))?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_process_is_refused_also_after_the_file_was_replaced() {
        let dir = tempfile::tempdir().expect("dir");
        let name: Text = dir.path().join("nodes.conf").to_str().expect("utf-8").into();
        let log = Log::new();
        let (mut conf, text) = NodesConf::open(&name, &log).expect("free");
        assert!(text.is_empty());
        NodesConf::open(&name, &log).map(drop).expect_err("locked");
        for (text, fsync) in [("one", true), ("two", false)] {
            conf.save(text, fsync).expect("saved");
            assert_eq!(fs::read_to_string(name.as_path()).expect("read"), text);
            NodesConf::open(&name, &log).map(drop).expect_err("still locked");
        }
        assert_eq!(fs::read_dir(dir.path()).expect("list").count(), 1);
        drop(conf);
        let (_, text) = NodesConf::open(&name, &log).expect("free again");
        assert_eq!(text, b"two");
    }

    #[test]
    fn what_cannot_be_replaced_is_as_it_was() {
        let dir = tempfile::tempdir().expect("dir");
        let place = dir.path().join("gone");
        fs::create_dir(&place).expect("dir");
        let name: Text = place.join("nodes.conf").to_str().expect("utf-8").into();
        let (mut conf, _) = NodesConf::open(&name, &Log::new()).expect("free");
        fs::remove_dir_all(&place).expect("removed");
        assert_eq!(
            conf.save("text", true).expect_err("no directory"),
            "Could not open temp cluster config file: No such file or directory"
        );
    }
}
