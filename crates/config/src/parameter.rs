//! What a row of the parameter table holds, and finding a row by name.

use std::sync::OnceLock;

use crate::Invalid;
use crate::table::{Config, groups};
use crate::value::{Line, Words};

bitflags::bitflags! {
    /// When a parameter may change, and how it is shown. None of these: CONFIG SET at any time.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Class: u8 {
        /// Read at start alone: `can't set immutable config`.
        const IMMUTABLE = 1;
        /// CONFIG SET needs `enable-protected-configs`: `can't set protected config`.
        const PROTECTED = 1 << 1;
        /// Left out of CONFIG GET patterns; its full name still answers.
        const HIDDEN = 1 << 2;
        /// A secret: the slow log, MONITOR and the log must not show it.
        const SENSITIVE = 1 << 3;
        /// CONFIG SET is refused while the data set loads.
        const NOT_LOADING = 1 << 4;
        /// Takes several words in one line.
        const MULTI = 1 << 5;
        /// Names a file whose content may have changed: setting the same value again takes effect.
        const VOLATILE = 1 << 6;
    }
}

/// What values a parameter takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `yes` or `no`.
    Flag,
    /// A decimal integer.
    Integer {
        /// Least value.
        min: i128,
        /// Greatest value.
        max: i128,
    },
    /// An octal number, as file permissions are.
    Octal {
        /// Greatest value; the least is 0.
        max: u64,
    },
    /// Digits with an optional unit: `b`, `k` = 1000, `kb` = 1024, `m`, `mb`, `g`, `gb`.
    Bytes {
        /// Least value.
        min: i128,
        /// Greatest value.
        max: i128,
    },
    /// As [`Kind::Bytes`], or `N%`.
    BytesOrPercent,
    /// Any string; an empty one is a value like another.
    Text,
    /// A string that is absent when empty, and then has no line in the file.
    Optional,
    /// The name of a file (`filename`) or directory (`dirname`), without any `/`.
    BaseName {
        /// `filename` or `dirname`, for the message.
        what: &'static str,
        /// Whether the empty name is taken.
        may_be_empty: bool,
    },
    /// A directory; CONFIG REWRITE always writes it.
    Directory,
    /// A host name that other nodes are told; absent when empty.
    Hostname,
    /// A name of this node for people; absent when empty.
    NodeName,
    /// A process title with variables in braces.
    TitleTemplate,
    /// One of these names, case-insensitive.
    Choice(&'static [&'static str]),
    /// Words with a syntax of their own, shown to people as this text.
    Words(&'static str),
}

/// One parameter: the only place where its name, default, range and documentation are written.
pub struct Parameter {
    /// Name as in redis.conf, lower case.
    pub name: &'static str,
    /// Older name that is accepted everywhere.
    pub alias: Option<&'static str>,
    /// What values it takes.
    pub kind: Kind,
    /// When it may change.
    pub class: Class,
    /// Built-in default, as it would be written in a file.
    pub default: &'static str,
    /// What it is for, in a sentence or two.
    pub doc: &'static str,
    /// The group of [`Config`] it is in.
    pub group: &'static str,
    pub(crate) assign: fn(&mut Config, &Parameter, Words<'_>) -> Result<(), Invalid>,
    pub(crate) show: fn(&Config, &Parameter) -> Vec<u8>,
    pub(crate) lines: fn(&Config, &Config, &Parameter) -> Vec<Line>,
}

impl Parameter {
    /// Every parameter, in the order of the table.
    pub fn all() -> impl Iterator<Item = &'static Parameter> {
        groups().into_iter().flatten()
    }

    /// The parameter called `name` or whose alias it is, in any letter case. O(log n).
    pub fn find(name: &[u8]) -> Option<&'static Parameter> {
        find_name(name).map(|named| named.parameter)
    }

    /// Whether values of this parameter are secrets.
    pub fn is_sensitive(&self) -> bool {
        self.class.contains(Class::SENSITIVE)
    }
}

impl std::fmt::Debug for Parameter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Parameter").field(&self.name).finish()
    }
}

/// A name that CONFIG answers to: a parameter's own or its alias.
#[derive(Clone, Copy)]
pub(crate) struct Named {
    pub(crate) name: &'static str,
    pub(crate) parameter: &'static Parameter,
}

/// All names, sorted.
pub(crate) fn names() -> &'static [Named] {
    static NAMES: OnceLock<Vec<Named>> = OnceLock::new();
    NAMES.get_or_init(|| {
        let mut names: Vec<Named> = Parameter::all()
            .flat_map(|parameter| {
                [Some(parameter.name), parameter.alias]
                    .into_iter()
                    .flatten()
                    .map(move |name| Named { name, parameter })
            })
            .collect();
        names.sort_unstable_by_key(|named| named.name);
        names
    })
}

pub(crate) fn find_name(name: &[u8]) -> Option<Named> {
    let names = names();
    let lower = |byte: &u8| byte.to_ascii_lowercase();
    names
        .binary_search_by(|named| named.name.bytes().cmp(name.iter().map(lower)))
        .ok()
        .map(|place| names[place])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_lower_case() {
        let names = names();
        assert!(names.is_sorted_by(|a, b| a.name < b.name));
        assert!(names.iter().all(|named| !named.name.contains(|c: char| c.is_uppercase())));
    }

    /// The type of every field must hold the whole range of its row.
    #[test]
    fn ends_of_a_range_can_be_assigned() {
        let mut config = Config::default();
        for parameter in Parameter::all() {
            let (min, max) = match parameter.kind {
                Kind::Integer { min, max } => (min.to_string(), max.to_string()),
                Kind::Bytes { min, max } => (min.to_string(), max.to_string()),
                Kind::Octal { max } => ("0".to_owned(), format!("{max:o}")),
                _ => continue,
            };
            for end in [min, max] {
                let words = [end.as_bytes()];
                let assigned = (parameter.assign)(&mut config, parameter, Words::new(&words));
                assert_eq!(assigned, Ok(()), "{} {end}", parameter.name);
                let shown = (parameter.show)(&config, parameter);
                assert_eq!(String::from_utf8_lossy(&shown), end, "{}", parameter.name);
            }
        }
    }

    #[test]
    fn documentation_is_there() {
        for parameter in Parameter::all() {
            assert!(parameter.doc.trim().ends_with('.'), "{}", parameter.name);
        }
    }
}
