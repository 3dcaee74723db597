//! `cargo xtask docs`: documents that are derived from the tables of the code.
//!
//! Needs the feature `docs`, because it links the commands and the configuration;
//! without the feature it calls itself again with it.

use crate::Options;

/// Writes the documents, or checks them with `--check`.
///
/// # Errors
/// With `--check`, the documents that are stale.
#[cfg(feature = "docs")]
pub(crate) fn run(options: &Options) -> Result<(), String> {
    let docs = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs");
    for (name, text) in
        [("commands.md", render::commands()), ("config.md", dunlin_config::markdown())]
    {
        let path = docs.join(name);
        if options.check {
            if std::fs::read_to_string(&path).ok().as_deref() != Some(&text) {
                return Err(format!("docs/{name} is stale: run `cargo xtask docs`"));
            }
        } else {
            std::fs::create_dir_all(&docs)
                .and_then(|()| std::fs::write(&path, text))
                .map_err(|error| format!("{}: {error}", path.display()))?;
        }
    }
    Ok(())
}

/// Calls this chore again with the feature that it needs.
#[cfg(not(feature = "docs"))]
pub(crate) fn run(options: &Options) -> Result<(), String> {
    let mut cargo = std::process::Command::new(env!("CARGO"));
    cargo.args(["run", "--quiet", "--package", "xtask", "--features", "docs", "--", "docs"]);
    if options.check {
        cargo.arg("--check");
    }
    let status = cargo.status().map_err(|error| format!("cargo: {error}"))?;
    if status.success() { Ok(()) } else { Err("the documents were not made".to_owned()) }
}

#[cfg(feature = "docs")]
mod render {
    use std::collections::BTreeMap;
    use std::fmt::Write as _;

    use dunlin_commands::Table;
    use dunlin_spec::DOC_TABLE_HEADER;

    const NOTE: &str = "<!-- Written by `cargo xtask docs`; edit the tables in the code. -->\n";

    /// Every command by group, in alphabetical order.
    pub(super) fn commands() -> String {
        let mut groups: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for registered in Table::new().all() {
            let spec = registered.command.spec;
            groups.entry(format!("{:?}", spec.group())).or_default().push(spec.doc_row());
        }
        let mut text = format!("{NOTE}\n# Commands\n");
        for (group, mut rows) in groups {
            rows.sort();
            let _ = write!(text, "\n## {group}\n\n{DOC_TABLE_HEADER}");
            for row in rows {
                text.push_str(row.trim_end());
                text.push('\n');
            }
        }
        text
    }
}
