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
    for (name, text) in [("commands.md", render::commands()), ("config.md", render::config())] {
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
    use dunlin_config::{Class, Kind, Parameter};
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

    /// Every parameter by group, in the order of the table.
    pub(super) fn config() -> String {
        let mut text = format!("{NOTE}\n# Configuration parameters\n");
        let mut group = "";
        for parameter in Parameter::all() {
            if parameter.class.contains(Class::HIDDEN) {
                continue;
            }
            if parameter.group != group {
                group = parameter.group;
                let _ = write!(
                    text,
                    "\n## {group}\n\n\
                     | Parameter | Default | Values | Change | What it is for |\n|---|---|---|---|---|\n"
                );
            }
            let alias = parameter.alias.map(|alias| format!(" (`{alias}`)")).unwrap_or_default();
            let _ = writeln!(
                text,
                "| `{}`{alias} | `{}` | {} | {} | {} |",
                parameter.name,
                if parameter.default.is_empty() { "\"\"" } else { parameter.default },
                values(parameter.kind),
                change(parameter.class),
                parameter.doc.trim()
            );
        }
        text
    }

    fn values(kind: Kind) -> String {
        match kind {
            Kind::Flag => "yes, no".to_owned(),
            Kind::Integer { min, max } => range(min, max),
            Kind::Octal { max } => format!("octal, up to {max:o}"),
            Kind::Bytes { min, max } => format!("bytes: {}", range(min, max)),
            Kind::BytesOrPercent => "bytes, or N%".to_owned(),
            Kind::Text | Kind::Optional => "text".to_owned(),
            Kind::BaseName { what, .. } => what.to_owned(),
            Kind::Directory => "directory".to_owned(),
            Kind::Hostname => "host name".to_owned(),
            Kind::NodeName => "name".to_owned(),
            Kind::TitleTemplate => "text with {variables}".to_owned(),
            Kind::Choice(names) => names.join(", "),
            Kind::Words(syntax) => syntax.replace('|', "\\|"),
        }
    }

    /// Limits that a machine word sets say nothing to a reader.
    fn range(min: i128, max: i128) -> String {
        let unlimited = i128::from(i32::MAX);
        match (min <= -unlimited, max >= unlimited) {
            (true, true) => "any integer".to_owned(),
            (true, false) => format!("up to {max}"),
            (false, true) => format!("{min} or more"),
            (false, false) => format!("{min} to {max}"),
        }
    }

    fn change(class: Class) -> &'static str {
        if class.contains(Class::IMMUTABLE) {
            "at start"
        } else if class.contains(Class::PROTECTED) {
            "protected"
        } else {
            "any time"
        }
    }
}
