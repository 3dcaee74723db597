//! `cargo xtask tidy`: what neither rustfmt nor clippy looks at.
//!
//! - Every module opens with its front page (`//!`).
//! - Every crate forbids unsafe code, except the few that are built around it.
//! - No notes to ourselves are left in the code, no blanks at line ends.
//! - Files are named after an idea.

use std::fs;
use std::path::{Path, PathBuf};

/// Crates that may use unsafe code, each for the reason ARCHITECTURE.md gives.
const UNSAFE_ALLOWED: &[&str] = &["crates/table", "crates/values", "crates/reactor", "bin/dunlin"];

/// Names that say nothing about what is inside.
const IDLE_NAMES: &[&str] = &["utils.rs", "util.rs", "common.rs", "helpers.rs", "misc.rs"];

/// Folders that hold our code.
const FOLDERS: &[&str] = &["crates", "shells", "bin", "tests", "xtask", "fuzz"];

/// Checks every source file.
///
/// # Errors
/// One line for each file and rule that it breaks.
pub(crate) fn check() -> Result<(), String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut wrong = Vec::new();
    for path in FOLDERS.iter().flat_map(|folder| sources(&root.join(folder))) {
        let text = fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))?;
        let name = path.strip_prefix(&root).unwrap_or(&path).display().to_string();
        wrong.extend(objections(&name, &text).into_iter().map(|why| format!("{name}: {why}")));
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n")) }
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    // A folder that does not exist yet has no files.
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() && !path.ends_with("target") {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn objections(name: &str, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    if !text.lines().any(|line| line.starts_with("//!")) {
        found.push("has no front page (//!)".to_owned());
    }
    let is_root = name.ends_with("src/lib.rs") || name.ends_with("src/main.rs");
    let may_be_unsafe = UNSAFE_ALLOWED.iter().any(|folder| name.starts_with(folder));
    if is_root && !may_be_unsafe && !text.contains("#![forbid(unsafe_code)]") {
        found.push("does not forbid unsafe code".to_owned());
    }
    if let Some(idle) = IDLE_NAMES.iter().find(|&&idle| name.ends_with(&format!("/{idle}"))) {
        found.push(format!("{idle} says nothing: name it after the idea"));
    }
    for (index, line) in text.lines().enumerate() {
        if let Some(note) = notes().into_iter().find(|note| line.contains(note.as_str())) {
            found.push(format!("line {}: {note} is left", index + 1));
        }
        if line.ends_with([' ', '\t']) {
            found.push(format!("line {}: blanks at the end", index + 1));
        }
    }
    found
}

/// Words that mark unfinished work, put together here so that this file does not hold them.
fn notes() -> [String; 4] {
    [("TO", "DO"), ("FIX", "ME"), ("todo", "!("), ("unimplemented", "!(")]
        .map(|(start, end)| format!("{start}{end}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_to_what_the_rules_name() {
        let note = &notes()[0];
        for (name, text, expected) in [
            ("crates/a/src/b.rs", "//! B.\n".to_owned(), None),
            ("crates/a/src/b.rs", "fn b() {}\n".to_owned(), Some("front page")),
            ("crates/a/src/lib.rs", "//! A.\n".to_owned(), Some("unsafe")),
            ("crates/table/src/lib.rs", "//! T.\n".to_owned(), None),
            ("crates/a/src/utils.rs", "//! U.\n".to_owned(), Some("name it")),
            ("crates/a/src/b.rs", format!("//! B.\n// {note}\n"), Some("line 2")),
            ("crates/a/src/b.rs", "//! B. \n".to_owned(), Some("blanks")),
        ] {
            let found = objections(name, &text).join("; ");
            match expected {
                Some(part) => assert!(found.contains(part), "{name}: {found}"),
                None => assert_eq!(found, "", "{name}"),
            }
        }
    }
}
