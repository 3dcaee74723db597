//! The argument tree of a command, as `COMMAND DOCS` shows it.

/// What an argument is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArgKind {
    /// Any bytes.
    String,
    /// A signed integer.
    Integer,
    /// A floating point number.
    Double,
    /// The name of a key.
    Key,
    /// A glob-style pattern.
    Pattern,
    /// A point in time, in seconds or milliseconds since 1970.
    UnixTime,
    /// Its token and nothing else.
    PureToken,
    /// One of the arguments below it.
    OneOf,
    /// All of the arguments below it, in that order.
    Block,
}

impl ArgKind {
    /// The name in `COMMAND DOCS`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Integer => "integer",
            Self::Double => "double",
            Self::Key => "key",
            Self::Pattern => "pattern",
            Self::UnixTime => "unix-time",
            Self::PureToken => "pure-token",
            Self::OneOf => "oneof",
            Self::Block => "block",
        }
    }
}

/// One argument of a command: a constructor says what it is, the methods say how it appears.
///
/// ```
/// use dunlin_spec::Arg;
///
/// const TTL: Arg = Arg::one_of(
///     "expiration",
///     &[Arg::integer("seconds").token("EX"), Arg::literal("keepttl", "KEEPTTL")],
/// )
/// .optional();
/// assert_eq!(TTL.args().len(), 2);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arg {
    name: &'static str,
    kind: ArgKind,
    display: Option<&'static str>,
    key_spec: Option<u8>,
    token: Option<&'static str>,
    since: Option<&'static str>,
    deprecated_since: Option<&'static str>,
    optional: bool,
    repeats: Repeats,
    args: &'static [Arg],
}

/// How often an argument may stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Repeats {
    Never,
    /// After its token, which stands once.
    Value,
    /// Each time with its token.
    WithToken,
}

impl Arg {
    const fn new(name: &'static str, kind: ArgKind) -> Self {
        Self {
            name,
            kind,
            display: None,
            key_spec: None,
            token: None,
            since: None,
            deprecated_since: None,
            optional: false,
            repeats: Repeats::Never,
            args: &[],
        }
    }

    /// A key, found by the key spec of that index.
    #[must_use]
    pub const fn key(name: &'static str, key_spec: u8) -> Self {
        Self::new(name, ArgKind::Key).key_spec(key_spec)
    }

    /// Any bytes.
    #[must_use]
    pub const fn string(name: &'static str) -> Self {
        Self::new(name, ArgKind::String)
    }

    /// A signed integer.
    #[must_use]
    pub const fn integer(name: &'static str) -> Self {
        Self::new(name, ArgKind::Integer)
    }

    /// A floating point number.
    #[must_use]
    pub const fn double(name: &'static str) -> Self {
        Self::new(name, ArgKind::Double)
    }

    /// A glob-style pattern.
    #[must_use]
    pub const fn pattern(name: &'static str) -> Self {
        Self::new(name, ArgKind::Pattern)
    }

    /// A point in time.
    #[must_use]
    pub const fn unix_time(name: &'static str) -> Self {
        Self::new(name, ArgKind::UnixTime)
    }

    /// A word that stands for itself, such as `NX`.
    #[must_use]
    pub const fn literal(name: &'static str, token: &'static str) -> Self {
        Self::new(name, ArgKind::PureToken).token(token)
    }

    /// A word that stands for itself under the argument's own name, with no token in the
    /// documentation.
    #[must_use]
    pub const fn word(name: &'static str) -> Self {
        Self::new(name, ArgKind::PureToken)
    }

    /// One of several arguments.
    #[must_use]
    pub const fn one_of(name: &'static str, args: &'static [Arg]) -> Self {
        let mut arg = Self::new(name, ArgKind::OneOf);
        arg.args = args;
        arg
    }

    /// Several arguments that stand together.
    #[must_use]
    pub const fn block(name: &'static str, args: &'static [Arg]) -> Self {
        let mut arg = Self::new(name, ArgKind::Block);
        arg.args = args;
        arg
    }

    /// The word that stands before the argument, such as `EX` before seconds.
    #[must_use]
    pub const fn token(mut self, token: &'static str) -> Self {
        self.token = Some(token);
        self
    }

    /// The name shown to people where it differs from the argument's own.
    #[must_use]
    pub const fn display(mut self, display: &'static str) -> Self {
        self.display = Some(display);
        self
    }

    /// The index of the key spec that finds the key this argument names.
    #[must_use]
    pub const fn key_spec(mut self, index: u8) -> Self {
        self.key_spec = Some(index);
        self
    }

    /// The argument may be left out.
    #[must_use]
    pub const fn optional(mut self) -> Self {
        self.optional = true;
        self
    }

    /// The argument may stand several times (after one token, where it has one).
    #[must_use]
    pub const fn multiple(mut self) -> Self {
        self.repeats = Repeats::Value;
        self
    }

    /// The argument may stand several times, each time with its token.
    #[must_use]
    pub const fn multiple_token(mut self) -> Self {
        self.repeats = Repeats::WithToken;
        self
    }

    /// The version that brought the argument, where it is younger than the command.
    #[must_use]
    pub const fn since(mut self, version: &'static str) -> Self {
        self.since = Some(version);
        self
    }

    /// The version that deprecated the argument.
    #[must_use]
    pub const fn deprecated_since(mut self, version: &'static str) -> Self {
        self.deprecated_since = Some(version);
        self
    }

    /// The arguments below it; empty unless it is a block or a choice.
    #[must_use]
    pub const fn args(&self) -> &'static [Arg] {
        self.args
    }

    /// What it is.
    #[must_use]
    pub const fn kind(&self) -> ArgKind {
        self.kind
    }

    /// The name of the argument.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// The name to show to people.
    #[must_use]
    pub fn display_text(&self) -> &'static str {
        self.display.unwrap_or(self.name)
    }

    /// The word before it, or the word that it is.
    #[must_use]
    pub const fn token_text(&self) -> Option<&'static str> {
        self.token
    }

    /// Whether it may be left out.
    #[must_use]
    pub const fn is_optional(&self) -> bool {
        self.optional
    }

    /// Whether it may be given several times.
    #[must_use]
    pub const fn is_multiple(&self) -> bool {
        !matches!(self.repeats, Repeats::Never)
    }

    /// Whether each repetition has its token again.
    #[must_use]
    pub const fn is_multiple_with_token(&self) -> bool {
        matches!(self.repeats, Repeats::WithToken)
    }

    pub(crate) const fn repeats(&self) -> Repeats {
        self.repeats
    }

    pub(crate) const fn key_spec_index(&self) -> Option<u8> {
        self.key_spec
    }

    pub(crate) const fn since_version(&self) -> Option<&'static str> {
        self.since
    }

    pub(crate) const fn deprecated_version(&self) -> Option<&'static str> {
        self.deprecated_since
    }

    /// The flags of the argument in `COMMAND DOCS`, in its order.
    pub(crate) fn flag_names(&self) -> impl Iterator<Item = &'static str> + Clone {
        [
            (self.optional, "optional"),
            (self.repeats != Repeats::Never, "multiple"),
            (self.repeats == Repeats::WithToken, "multiple_token"),
        ]
        .into_iter()
        .filter(|(holds, _)| *holds)
        .map(|(_, name)| name)
    }
}
