//! What a command answers instead of a reply. The texts on the wire are written here, once.

use std::borrow::Cow;

/// The outcome of a command: its reply is written, or this error is the reply.
pub type CommandResult = Result<(), CommandError>;

/// An error reply.
///
/// The first word of a text is its code, which clients match on and INFO's `errorstats` counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CommandError {
    /// The key holds a value of another type.
    WrongType,
    /// The words do not form a call of this command.
    Syntax,
    /// A word that should be a signed 64-bit integer is none.
    NotInteger,
    /// A word that should be a number is none.
    NotFloat,
    /// A number is of the right form but outside its range.
    OutOfRange,
    /// The key does not exist.
    NoSuchKey,
    /// Too few or too many words; holds the full name of the command, `config|get` for example.
    WrongArity(Cow<'static, str>),
    /// A time to live that is not positive or overflows; holds the name of the command.
    InvalidExpire(&'static str),
    /// Any other text, code included and without the leading `-`.
    Text(Cow<'static, str>),
    /// A text that repeats bytes of the client, which need not be UTF-8.
    Quoting(Vec<u8>),
    /// The keys are not (all) here: where they are, or why nobody serves them. The text, code
    /// included. It is told as it is, also by EXEC.
    Misplaced(Cow<'static, str>),
}

impl CommandError {
    /// An error with the general code `ERR`.
    #[must_use]
    pub fn err(text: impl AsRef<str>) -> Self {
        Self::Text(format!("ERR {}", text.as_ref()).into())
    }

    /// An error whose text, code included, is known at compile time.
    #[must_use]
    pub const fn fixed(text: &'static str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }

    /// [`CommandError::Misplaced`] with a text that is known at compile time.
    #[must_use]
    pub const fn misplaced(text: &'static str) -> Self {
        Self::Misplaced(Cow::Borrowed(text))
    }

    /// The words behind a subcommand do not fit it. `container` is the name in upper case,
    /// `subcommand` the word of the client.
    #[must_use]
    pub fn subcommand_syntax(container: &str, subcommand: &[u8]) -> Self {
        let subcommand = String::from_utf8_lossy(&subcommand[..subcommand.len().min(128)]);
        Self::err(format!(
            "unknown subcommand or wrong number of arguments for '{subcommand}'. \
             Try {container} HELP."
        ))
    }

    /// The text on the wire, code included and without the leading `-`.
    #[must_use]
    pub fn text(&self) -> Cow<'_, str> {
        match self {
            Self::WrongType => {
                "WRONGTYPE Operation against a key holding the wrong kind of value".into()
            }
            Self::Syntax => "ERR syntax error".into(),
            Self::NotInteger => "ERR value is not an integer or out of range".into(),
            Self::NotFloat => "ERR value is not a valid float".into(),
            Self::OutOfRange => "ERR index out of range".into(),
            Self::NoSuchKey => "ERR no such key".into(),
            Self::WrongArity(name) => {
                format!("ERR wrong number of arguments for '{name}' command").into()
            }
            Self::InvalidExpire(name) => {
                format!("ERR invalid expire time in '{name}' command").into()
            }
            Self::Text(text) | Self::Misplaced(text) => Cow::Borrowed(text),
            Self::Quoting(text) => String::from_utf8_lossy(text),
        }
    }

    /// The bytes on the wire: those of [`Self::text`], and what the client sent as it sent it.
    #[must_use]
    pub fn bytes(&self) -> Cow<'_, [u8]> {
        match self {
            Self::Quoting(text) => Cow::Borrowed(text),
            other => match other.text() {
                Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
                Cow::Owned(text) => Cow::Owned(text.into_bytes()),
            },
        }
    }
}
