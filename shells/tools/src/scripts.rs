//! Scripts that people edit, and that call the programs.

use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use crate::link::LinkError;

/// A cluster on this machine.
pub const CREATE_CLUSTER: &str = include_str!("../scripts/create-cluster");
/// A server as a service, for a tree in which `src/dunlin` is beside the script's directory.
pub const INSTALL_SERVER: &str = include_str!("../scripts/install_server.sh");
/// The lines of [`INSTALL_SERVER`] that say where things are in such a tree.
const PROGRAM_LINE: &str = "DUNLIN=$SCRIPT_DIR/../src/dunlin\n";
const TEMPLATE_LINE: &str = "TEMPLATE=$SCRIPT_DIR/../redis.conf\n";
const _: () = assert!(contains(INSTALL_SERVER, PROGRAM_LINE));
const _: () = assert!(contains(INSTALL_SERVER, TEMPLATE_LINE));
/// An init script to be edited.
pub const INIT_SCRIPT: &str =
    concat!(include_str!("../scripts/redis_init_script"), include_str!("../scripts/init_actions"));
/// What an init script does.
pub(crate) const INIT_ACTIONS: &str = include_str!("../scripts/init_actions");

/// Writes `create-cluster` and `install_server.sh` into a directory and returns their paths. A
/// script that is there stays: it may have been edited.
///
/// # Errors
/// The first one that cannot be written.
pub fn write_scripts(executable: &Path, directory: &Path) -> Result<Vec<PathBuf>, LinkError> {
    let program = format!("DUNLIN={}\n", quoted(&executable.display().to_string()));
    // An installed script does not find the template of a tree: the built-in one is taken.
    let install =
        INSTALL_SERVER.replace(PROGRAM_LINE, &program).replace(TEMPLATE_LINE, "TEMPLATE=\n");
    let mut written = Vec::new();
    for (name, text) in [("create-cluster", CREATE_CLUSTER), ("install_server.sh", &install)] {
        let path = directory.join(name);
        match write_new(&path, text) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                return Err(LinkError { path, error });
            }
            _ => written.push(path),
        }
    }
    Ok(written)
}

fn write_new(path: &Path, text: &str) -> io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    let mut file = options.write(true).create_new(true).mode(0o755).open(path)?;
    file.write_all(text.as_bytes())
}

/// A word of a shell.
pub(crate) fn quoted(word: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-+:@%,=".contains(&byte);
    if !word.is_empty() && word.bytes().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// Whether a text contains another one, at compile time.
const fn contains(text: &str, part: &str) -> bool {
    let (text, part) = (text.as_bytes(), part.as_bytes());
    let mut start = 0;
    while start + part.len() <= text.len() {
        let mut at = 0;
        while at < part.len() && text[start + at] == part[at] {
            at += 1;
        }
        if at == part.len() {
            return true;
        }
        start += 1;
    }
    false
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn scripts_are_written_once() {
        let dir = tempfile::tempdir().expect("a directory");
        let executable = Path::new("/opt/it's here/dunlin");
        let written = write_scripts(executable, dir.path()).expect("written");
        assert_eq!(
            written,
            ["create-cluster", "install_server.sh"].map(|name| dir.path().join(name))
        );
        let text = std::fs::read_to_string(&written[1]).expect("read");
        assert!(text.contains("\nDUNLIN='/opt/it'\\''s here/dunlin'\nTEMPLATE=\n"), "{text}");
        let mode = written[0].metadata().expect("metadata").permissions().mode();
        assert_eq!(mode & 0o700, 0o700);
        std::fs::write(&written[0], "edited").expect("written");
        assert_eq!(write_scripts(executable, dir.path()).expect("written"), written);
        assert_eq!(std::fs::read_to_string(&written[0]).expect("read"), "edited");
    }

    #[test]
    fn errors_name_the_path() {
        let error =
            write_scripts(Path::new("/d"), Path::new("/nowhere")).expect_err("no directory");
        assert!(error.to_string().contains("/nowhere/create-cluster: No such file"), "{error}");
    }

    #[test]
    fn words_are_quoted_where_they_must_be() {
        for (word, expected) in [
            ("/usr/bin/x-1.2_a", "/usr/bin/x-1.2_a"),
            ("", "''"),
            ("a b", "'a b'"),
            ("$x", "'$x'"),
            ("it's", r"'it'\''s'"),
        ] {
            assert_eq!(quoted(word), expected);
        }
    }
}
