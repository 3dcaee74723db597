//! `dunlin check-aof`, redis-check-aof: is an append-only file whole, and if not, where is it cut?
//!
//! What it prints, and when it fails, is as in Redis 7.2, so that scripts which read it go on to
//! work; a summary of the commands follows. The file may be a manifest, whose files are checked one
//! by one, or a single log, which may begin with an RDB file.
//!
//! Differs: a file that ends within an annotation is not valid (what a server appends would become
//! part of it); `--truncate-to-timestamp` never cuts a transaction in two; a command without words
//! is an error; a directory is no manifest.

mod arguments;
mod kind;
mod preamble;
mod report;
mod single;
mod summary;

use std::ffi::OsString;
use std::io::{self, BufRead, Write};
use std::path::Path;
use std::process::ExitCode;

use dunlin_aof::{LogFile, Manifest};

use arguments::Request;
use kind::Kind;
use report::Stop;
use single::{Checker, Outcome, Part};

/// Checks the file that `arguments` name, as `title` was asked to; prints to `out`, and asks
/// `input` before a file is changed.
pub fn check_aof(
    title: &str,
    arguments: &[OsString],
    input: &mut dyn BufRead,
    out: &mut dyn Write,
) -> ExitCode {
    match run(title, arguments, input, out) {
        Ok(()) => ExitCode::SUCCESS,
        Err(stop) => {
            // Where nobody reads, there is nobody to tell.
            let _ = stop.lines.iter().try_for_each(|line| writeln!(out, "{line}"));
            let _ = out.flush();
            ExitCode::FAILURE
        }
    }
}

fn run(
    title: &str,
    arguments: &[OsString],
    input: &mut dyn BufRead,
    out: &mut dyn Write,
) -> Result<(), Stop> {
    let Request { path, mode } = Request::parse(title, arguments)?;
    let mut checker = Checker::new(mode, input, out);
    match Kind::of(&path)? {
        Kind::Manifest => check_parts(&path, &mut checker)?,
        kind @ (Kind::Log | Kind::RdbAndLog) => {
            writeln!(checker.out, "Start checking Old-Style AOF")?;
            let part = Part {
                name: path.display().to_string(),
                path: path.clone(),
                is_last: true,
                has_preamble: kind == Kind::RdbAndLog,
            };
            let outcome = checker.check(&part)?;
            print_outcome(&mut checker, outcome, "AOF", &part.name)?;
        }
    }
    let Checker { summary, out, .. } = checker;
    summary.print(out)?;
    out.flush()?;
    Ok(())
}

/// Checks all files that a manifest names.
fn check_parts(manifest_path: &Path, checker: &mut Checker<'_>) -> Result<(), Stop> {
    writeln!(checker.out, "Start checking Multi Part AOF")?;
    let bytes = std::fs::read(manifest_path).map_err(|error| {
        let (path, error) = (manifest_path.display(), report::error_text(&error));
        Stop::line(format!(
            "Fatal error: can't open the AOF manifest file {path} for reading: {error}"
        ))
    })?;
    let manifest = Manifest::parse(&bytes).map_err(|error| Stop { lines: error.log_lines() })?;
    let directory = match manifest_path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    if let Some(base) = manifest.base() {
        let mut part = part(directory, base, manifest.incremental().is_empty());
        let has_rdb = kind::is_rdb(&part.path)?;
        part.has_preamble = has_rdb;
        let form = if has_rdb { "RDB" } else { "RESP" };
        writeln!(checker.out, "Start to check BASE AOF ({form} format).")?;
        let outcome = checker.check(&part)?;
        print_outcome(checker, outcome, "BASE AOF", &part.name)?;
    }
    if !manifest.incremental().is_empty() {
        writeln!(checker.out, "Start to check INCR files.")?;
    }
    let count = manifest.incremental().len();
    for (number, file) in manifest.incremental().iter().enumerate() {
        let part = part(directory, file, number + 1 == count);
        let outcome = checker.check(&part)?;
        print_outcome(checker, outcome, "INCR AOF", &part.name)?;
    }
    writeln!(checker.out, "All AOF files and manifest are valid")?;
    Ok(())
}

fn part(directory: &Path, file: &LogFile, is_last: bool) -> Part {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    let name = String::from_utf8_lossy(&file.name).into_owned();
    let path = directory.join(OsStr::from_bytes(&file.name));
    Part { name, path, is_last, has_preamble: false }
}

fn print_outcome(
    checker: &mut Checker<'_>,
    outcome: Outcome,
    what: &str,
    name: &str,
) -> io::Result<()> {
    let out = &mut checker.out;
    match outcome {
        Outcome::Valid => writeln!(out, "{what} {name} is valid"),
        Outcome::Empty => writeln!(out, "{what} {name} is empty"),
        Outcome::Truncated => writeln!(out, "Successfully truncated AOF {name}"),
        Outcome::TruncatedToTime(time_s) => {
            writeln!(out, "Successfully truncated AOF {name} to timestamp {time_s}")
        }
    }
}

#[cfg(test)]
mod tests;
