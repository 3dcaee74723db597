//! `dunlin check-rdb FILE`, also redis-check-rdb: tells whether a file can be loaded, and what is in
//! it.
//!
//! Source: observed behaviour of redis-check-rdb 7.2.
//! Differs: behind the lines of redis-check-rdb stands a summary by type and database.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use dunlin_stdx::time::UnixMs;

/// Runs the tool. `title` is how it was called, `version` what `--version` says behind its name.
///
/// Exits with 0 if the file can be loaded, else with 1.
#[must_use]
pub fn check_rdb(title: &OsStr, arguments: &[OsString], version: &str) -> ExitCode {
    let [argument] = arguments else {
        eprintln!("Usage: {} <rdb-file-name>", title.display());
        return ExitCode::FAILURE;
    };
    if argument == "-v" || argument == "--version" {
        println!("redis-check-rdb {version}");
        return ExitCode::SUCCESS;
    }
    let mut out = BufWriter::new(io::stdout().lock());
    let outcome = check_file(argument, &mut out).and_then(|is_sound| {
        out.flush()?;
        Ok(is_sound)
    });
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{}: {error}", title.display());
            ExitCode::FAILURE
        }
    }
}

/// Checks a file; tells whether it can be loaded.
fn check_file(path: &OsStr, out: &mut dyn Write) -> io::Result<bool> {
    let name = path.to_string_lossy();
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) => {
            // Redis leaves it at that; the reason is worth a line.
            writeln!(out, "[offset 0] Checking RDB file {name}")?;
            out.flush()?;
            eprintln!("Cannot open {name}: {error}");
            return Ok(false);
        }
    };
    let checked = dunlin_rdb::check(&name, file, now(), out)?;
    if checked.is_sound {
        checked.summary.write(out)?;
    }
    Ok(checked.is_sound)
}

/// The time by which keys have expired or not.
pub(crate) fn now() -> UnixMs {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UnixMs(i64::try_from(now.as_millis()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_decides_about_the_exit_code() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("dump.rdb");
        // A file without keys, and without a checksum.
        let sound = b"REDIS0011\xff\0\0\0\0\0\0\0\0";
        for (bytes, is_sound, line) in [
            (&sound[..], true, "RDB looks OK!"),
            (&sound[..12], false, "[offset 10] Unexpected EOF reading RDB file"),
            (b"nothing", false, "--- RDB ERROR DETECTED ---"),
        ] {
            std::fs::write(&path, bytes).expect("written");
            let mut out = Vec::new();
            assert_eq!(check_file(path.as_os_str(), &mut out).expect("told"), is_sound);
            assert!(String::from_utf8_lossy(&out).contains(line), "{line}");
        }
        let missing = folder.path().join("missing");
        assert!(!check_file(missing.as_os_str(), &mut Vec::new()).expect("told"));
    }
}
