//! The parameter table as a page for people.

use crate::parameter::{Class, Kind, Parameter};

/// `docs/config.md`.
pub fn markdown() -> String {
    let mut page = String::from(
        "# Configuration parameters\n\nDerived from the parameter table of `crates/config`; do \
         not edit by hand.\n\nEvery name can stand in `redis.conf`, on the command line \
         (`--name value`) and in CONFIG GET; those not marked *start* also in CONFIG SET.\n\
         Marks: *start* only at start; *protected* CONFIG SET needs `enable-protected-configs`; \
         *not while loading* CONFIG SET is refused while data loads; *secret* hidden from logs; \
         *hidden* left out of CONFIG GET patterns.\n",
    );
    let mut group = "";
    for parameter in Parameter::all() {
        if parameter.group != group {
            group = parameter.group;
            let (first, rest) = group.split_at(1);
            page.push_str(&format!(
                "\n## {}{rest}\n\n| Parameter | Default | Values | Marks | Meaning |\n\
                 |---|---|---|---|---|\n",
                first.to_uppercase()
            ));
        }
        page.push_str(&row(parameter));
    }
    page
}

fn row(parameter: &Parameter) -> String {
    let alias = parameter.alias.map(|alias| format!(" (`{alias}`)")).unwrap_or_default();
    format!(
        "| `{}`{alias} | `{}` | {} | {} | {} |\n",
        parameter.name,
        parameter.default,
        values(&parameter.kind).replace('|', "\\|"),
        marks(parameter.class),
        parameter.doc.trim().replace('|', "\\|"),
    )
}

fn values(kind: &Kind) -> String {
    match kind {
        Kind::Flag => "yes, no".to_owned(),
        Kind::Integer { min, max } => range(*min, *max),
        Kind::Octal { max } => format!("octal 0..{max:o}"),
        Kind::Bytes { min, max } => format!("bytes {}", range(*min, *max)),
        Kind::BytesOrPercent => "bytes or N%".to_owned(),
        Kind::Text => "text".to_owned(),
        Kind::Optional => "text or nothing".to_owned(),
        Kind::BaseName { what, .. } => format!("{what} without `/`"),
        Kind::Directory => "directory".to_owned(),
        Kind::Hostname => "host name".to_owned(),
        Kind::NodeName => "name".to_owned(),
        Kind::TitleTemplate => "template".to_owned(),
        Kind::Choice(names) => names.join(", "),
        Kind::Words(syntax) => (*syntax).to_owned(),
    }
}

/// A range; an end that only the type sets is left open.
fn range(min: i128, max: i128) -> String {
    let is_open = max >= i128::from(i32::MAX);
    let min = if min <= i128::from(i32::MIN) { String::new() } else { min.to_string() };
    if is_open { format!("{min}..") } else { format!("{min}..{max}") }
}

fn marks(class: Class) -> String {
    let marks = [
        (Class::IMMUTABLE, "start"),
        (Class::PROTECTED, "protected"),
        (Class::NOT_LOADING, "not while loading"),
        (Class::SENSITIVE, "secret"),
        (Class::HIDDEN, "hidden"),
    ];
    let marks = marks.iter().filter(|(flag, _)| class.contains(*flag)).map(|(_, mark)| *mark);
    marks.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_parameter_has_a_row_of_five_cells() {
        let page = markdown();
        for parameter in Parameter::all() {
            let start = format!("| `{}`", parameter.name);
            let row = page.lines().find(|line| line.starts_with(&start)).expect("a row");
            assert_eq!(row.replace("\\|", "").matches('|').count(), 6, "{row}");
        }
        assert!(page.contains("| `port` | `6379` | 0..65535 |  | TCP port"));
        assert!(page.contains("(`slave-priority`)"));
    }
}
