//! Scripts of commands whose replies were recorded from a real Redis 7.2.
//!
//! A *script* (`tests/oracle/<capability>/<name>.script`) is written by people:
//! one command per line, quoted as in redis-cli, with directives that start with `@`
//! ([`script`] lists them). The *vector* beside it (`.vector`) holds every reply in order
//! and is written by `cargo xtask record` ([`vector`]). The test `oracle` of
//! `dunlin-tests` plays each script against the program under test and compares
//! byte for byte, in RESP2 and in RESP3 ([`play`]).
//!
//! [`sums`] holds the same idea in a compact form for INCRBYFLOAT, where thousands of
//! random inputs matter more than readable scripts.

pub mod play;
pub mod script;
pub mod sums;
pub mod vector;

use std::fs;
use std::path::{Path, PathBuf};

use play::Stage;
use script::{Script, Step};
use vector::Vector;

pub use play::Protocol;

/// Where the scripts of this repository are.
pub fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/oracle")
}

/// The scripts below `root` in a fixed order, those whose `capability/name` starts with
/// `only` if that is given.
///
/// # Panics
/// When a directory cannot be read.
pub fn scripts(root: &Path, only: Option<&str>) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut dirs = vec![root.to_owned()];
    while let Some(dir) = dirs.pop() {
        let entries = fs::read_dir(&dir).unwrap_or_else(|e| panic!("{}: {e}", dir.display()));
        for entry in entries {
            let path = entry.expect("a directory entry").path();
            if path.is_dir() {
                dirs.push(path);
            } else if path.extension().is_some_and(|extension| extension == "script") {
                found.push(path);
            }
        }
    }
    found.retain(|path| only.is_none_or(|only| name_of(root, path).starts_with(only)));
    found.sort();
    found
}

/// `capability/name` of a script.
pub fn name_of(root: &Path, path: &Path) -> String {
    let relative = path.strip_prefix(root).unwrap_or(path).with_extension("");
    relative.display().to_string()
}

/// What came of comparing scripts with their vectors.
#[derive(Debug, Default)]
pub struct Report {
    /// How many scripts were played.
    pub scripts: usize,
    /// How many replies were compared.
    pub replies: usize,
    /// How many of them agreed.
    pub agreed: usize,
    /// One paragraph for each script that differs.
    pub failures: Vec<String>,
}

/// Plays the scripts below `root` against `program` and compares with their vectors.
pub fn check(program: &Path, root: &Path, only: Option<&str>) -> Report {
    let mut report = Report::default();
    let mut stage = Stage::new(program);
    for path in scripts(root, only) {
        report.scripts += 1;
        if let Err(failure) = check_one(&mut stage, &path, &mut report) {
            report.failures.push(format!("{}\n{failure}", name_of(root, &path)));
        }
    }
    report
}

fn check_one(stage: &mut Stage, path: &Path, report: &mut Report) -> Result<(), String> {
    let script = Script::load(path)?;
    let vector = Vector::load(&path.with_extension("vector"))?;
    vector.matches(&script)?;
    let mut differences = String::new();
    for protocol in script.protocols.iter().copied() {
        let outcomes = match stage.play(&script, protocol) {
            Ok(outcomes) => outcomes,
            Err(why) => {
                differences.push_str(&format!("  ({protocol}) {}\n", why.trim()));
                continue;
            }
        };
        for ((step, entry), got) in script.steps.iter().zip(&vector.entries).zip(&outcomes) {
            let expected = entry.outcome(protocol);
            report.replies += 1;
            if expected == got.as_deref() {
                report.agreed += 1;
            } else {
                let expected = ("expected", expected.unwrap_or("nothing"));
                let got = ("got", got.as_deref().unwrap_or("nothing"));
                differences.push_str(&difference(step, protocol, expected, got));
            }
        }
    }
    if differences.is_empty() { Ok(()) } else { Err(differences) }
}

/// The part of two texts where they begin to differ, so that a difference in a long reply
/// is seen at once; scripts and vectors hold the whole texts.
fn excerpts(expected: &str, got: &str) -> (String, String) {
    const CHARS_MAX: usize = 160;
    const CHARS_BEFORE: usize = 60;
    let same = expected.chars().zip(got.chars()).take_while(|(a, b)| a == b).count();
    let from = if expected.chars().count().max(got.chars().count()) <= CHARS_MAX {
        0
    } else {
        same.saturating_sub(CHARS_BEFORE)
    };
    let cut = |text: &str| {
        let part: String = text.chars().skip(from).take(CHARS_MAX).collect();
        let before = if from > 0 { "..." } else { "" };
        let after = if text.chars().count() > from + CHARS_MAX { "..." } else { "" };
        format!("{before}{part}{after}")
    };
    (cut(expected), cut(got))
}

/// One paragraph about a step whose replies differ.
fn difference(
    step: &Step,
    protocol: Protocol,
    first: (&str, &str),
    second: (&str, &str),
) -> String {
    let (a, b) = excerpts(first.1, second.1);
    let (source, _) = excerpts(&step.source, "");
    format!(
        "  line {} ({protocol}): {source}\n    {:8} {a}\n    {:8} {b}\n",
        step.line, first.0, second.0
    )
}

/// Plays the scripts against `program` twice and writes down what it replied.
///
/// # Errors
/// Scripts that cannot be read or whose replies differ between the two runs: a vector
/// must not depend on the time or on chance. One paragraph each; the others are written.
pub fn record(program: &Path, root: &Path, only: Option<&str>) -> Result<usize, Vec<String>> {
    let mut stage = Stage::new(program);
    let mut failures = Vec::new();
    let mut written = 0;
    for path in scripts(root, only) {
        let result = Script::load(&path).and_then(|script| {
            let vector = recorded(&mut stage, &script)?;
            let target = path.with_extension("vector");
            fs::write(&target, vector.to_string())
                .map_err(|error| format!("{}: {error}", target.display()))
        });
        match result {
            Ok(()) => written += 1,
            Err(failure) => failures.push(format!("{}\n{failure}", name_of(root, &path))),
        }
    }
    if failures.is_empty() { Ok(written) } else { Err(failures) }
}

fn recorded(stage: &mut Stage, script: &Script) -> Result<Vector, String> {
    let mut vector = Vector::of(script);
    for protocol in script.protocols.iter().copied() {
        let first = stage.play(script, protocol)?;
        let second = stage.play(script, protocol)?;
        for (index, (a, b)) in first.into_iter().zip(second).enumerate() {
            if a != b {
                let step = &script.steps[index];
                let first = ("once", a.as_deref().unwrap_or("nothing"));
                let second = ("then", b.as_deref().unwrap_or("nothing"));
                return Err(difference(step, protocol, first, second));
            }
            if let Some(outcome) = a {
                vector.entries[index].set(protocol, outcome);
            }
        }
    }
    Ok(vector)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_excerpt_shows_where_two_replies_part() {
        assert_eq!(excerpts("+OK", "+NO"), ("+OK".to_owned(), "+NO".to_owned()));
        let long = "x".repeat(500);
        let (a, b) = excerpts(&format!("{long}a{long}"), &format!("{long}b"));
        assert!(a.starts_with("...xxx") && a.contains("xa") && a.ends_with("x..."), "{a}");
        assert!(b.ends_with("xb"), "{b}");
    }
}
