//! Arguments of commands as COMMAND DOCS describes them.

use dunlin_resp::Value;

use super::{pairs, text};

/// Arguments within arguments; those of real commands stay below five.
const DEPTH_MAX: usize = 32;

/// One argument, or several that belong together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Argument {
    /// How it is shown.
    pub(super) name: String,
    /// The word before it; empty for one that is an empty string.
    pub(super) token: Option<String>,
    pub(super) kind: Kind,
    pub(super) optional: bool,
    /// It may come several times.
    pub(super) repeats: bool,
    /// Each time with its token.
    pub(super) token_repeats: bool,
    /// The parts of [`Kind::OneOf`] and [`Kind::Block`].
    pub(super) parts: Vec<Argument>,
}

/// What stands in the place of an argument.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Kind {
    /// Any word.
    #[default]
    Word,
    Integer,
    Double,
    /// The token alone.
    Token,
    /// One of the parts.
    OneOf,
    /// All parts, in order.
    Block,
}

impl Argument {
    /// Reads a list of arguments.
    pub(super) fn list(value: &Value) -> Vec<Self> {
        Self::list_within(value, 0)
    }

    fn list_within(value: &Value, depth: usize) -> Vec<Self> {
        if depth == DEPTH_MAX {
            return Vec::new();
        }
        value.items().unwrap_or_default().iter().map(|each| Self::read(each, depth)).collect()
    }

    fn read(value: &Value, depth: usize) -> Self {
        let mut argument = Self::default();
        let mut display = None;
        for (field, value) in pairs(value) {
            match text(field).as_str() {
                "name" => argument.name = text(value),
                "display_text" => display = Some(text(value)),
                "token" => argument.token = Some(text(value)),
                "type" => argument.kind = Kind::named(&text(value)),
                "arguments" => argument.parts = Self::list_within(value, depth + 1),
                "flags" => {
                    for flag in value.items().unwrap_or_default() {
                        match text(flag).as_str() {
                            "optional" => argument.optional = true,
                            "multiple" => argument.repeats = true,
                            "multiple_token" => argument.token_repeats = true,
                            _ => {}
                        }
                    }
                }
                _ => {}
            }
        }
        argument.name = display.unwrap_or(argument.name);
        argument
    }
}

impl Kind {
    fn named(name: &str) -> Self {
        match name {
            "integer" | "unix-time" => Self::Integer,
            "double" => Self::Double,
            "pure-token" => Self::Token,
            "oneof" => Self::OneOf,
            "block" => Self::Block,
            _ => Self::Word,
        }
    }
}
