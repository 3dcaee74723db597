//! The types of parameter values: how each is read, shown and written to a file.
//!
//! A type implements [`Value`] once; every row of the table with a field of that type uses it.

mod bind;
mod choice;
mod events;
mod number;
mod oom;
mod output_limits;
mod percentiles;
mod replicaof;
mod save;
mod share;
mod shutdown;
mod string;

pub use bind::BindAddresses;
pub use choice::{
    AclPubsubDefault, AppendFsync, DisklessLoad, EndpointType, LogLevel, MaxmemoryPolicy,
    OomScoreAdj, PropagationError, ProtectedAction, RdbVersion, SanitizePayload, SnapshotOverflow,
    Supervised, SyslogFacility, TlsAuthClients,
};
pub use events::KeyspaceEvents;
pub use oom::OomScores;
pub use output_limits::{OutputLimit, OutputLimits};
pub use percentiles::Percentiles;
pub use replicaof::ReplicaOf;
pub use save::{SavePoint, SavePoints};
pub use share::MemoryShare;
pub use shutdown::ShutdownOptions;

use crate::parameter::{Kind, Parameter};
use crate::{Config, Invalid};

/// The words given for a parameter, and where they stand.
#[derive(Clone, Copy)]
pub(crate) struct Words<'a> {
    pub(crate) words: &'a [&'a [u8]],
    /// A later line of a file for a parameter whose lines add up (`save`).
    pub(crate) adds: bool,
}

impl<'a> Words<'a> {
    pub(crate) fn new(words: &'a [&'a [u8]]) -> Words<'a> {
        Words { words, adds: false }
    }

    /// The only word.
    pub(crate) fn one(self) -> Result<&'a [u8], Invalid> {
        match self.words {
            [word] => Ok(word),
            _ => Err(Invalid::ArgumentCount),
        }
    }

    /// The words without a single empty one, which means "none".
    pub(crate) fn list(self) -> &'a [&'a [u8]] {
        match self.words {
            [b""] => &[],
            words => words,
        }
    }
}

/// A line that CONFIG REWRITE may write for a parameter.
pub(crate) struct Line {
    pub(crate) text: Vec<u8>,
    /// Written even when the file has no line for the parameter: it differs from the default.
    pub(crate) forced: bool,
}

/// A type of parameter value.
pub(crate) trait Value: Clone + PartialEq {
    /// Reads the words given for `parameter`, whose value so far is `before`.
    fn parse(words: Words<'_>, parameter: &Parameter, before: &Self) -> Result<Self, Invalid>;

    /// What CONFIG GET answers.
    fn show(&self, kind: &Kind) -> Vec<u8>;

    /// What stands behind the name in a file.
    fn written(&self, kind: &Kind) -> Vec<u8> {
        self.show(kind)
    }

    /// The lines of a file that give this value; none removes the parameter from the file.
    fn lines(&self, default: &Self, parameter: &Parameter) -> Vec<Line> {
        vec![line(parameter, &self.written(&parameter.kind), self != default)]
    }
}

/// The line `name value`.
pub(crate) fn line(parameter: &Parameter, value: &[u8], forced: bool) -> Line {
    let text = [parameter.name.as_bytes(), b" ", value].concat();
    Line { text, forced }
}

/// Assigns the words to a field; leaves it alone when they are refused.
pub(crate) fn assign<V: Value>(
    field: &mut V,
    parameter: &Parameter,
    words: Words<'_>,
) -> Result<(), Invalid> {
    *field = V::parse(words, parameter, field)?;
    Ok(())
}

/// The value that a row's default text stands for.
///
/// # Panics
/// When the text of the row is not a value of the row's kind.
pub(crate) fn initial<V: Value + Default>(parameter: &Parameter) -> V {
    let words = dunlin_stdx::words::split(parameter.default.as_bytes()).expect("default splits");
    let words: Vec<&[u8]> = words.iter().map(Vec::as_slice).collect();
    V::parse(Words::new(&words), parameter, &V::default())
        .unwrap_or_else(|invalid| panic!("default of {}: {invalid}", parameter.name))
}

/// `words` joined by single blanks.
pub(crate) fn join<W: AsRef<[u8]>>(words: impl IntoIterator<Item = W>) -> Vec<u8> {
    let mut joined = Vec::new();
    for word in words {
        if !joined.is_empty() {
            joined.push(b' ');
        }
        joined.extend_from_slice(word.as_ref());
    }
    joined
}

/// An integer of the shape that C's `strtoll` takes, without its leading blanks.
pub(crate) fn integer(word: &[u8]) -> Option<i64> {
    std::str::from_utf8(word).ok()?.parse().ok()
}

/// `Config` with every parameter at its default, for comparing.
pub(crate) fn defaults() -> &'static Config {
    static DEFAULTS: std::sync::OnceLock<Config> = std::sync::OnceLock::new();
    DEFAULTS.get_or_init(Config::default)
}

/// `word` as it may stand in a line: quoted only when it would not read back bare.
pub(crate) fn bare(word: &[u8]) -> Vec<u8> {
    let safe = |byte: &u8| byte.is_ascii_graphic() && !b"\"'\\".contains(byte);
    if !word.is_empty() && word.iter().all(safe) {
        return word.to_vec();
    }
    quoted(word)
}

/// `word` in double quotes.
pub(crate) fn quoted(word: &[u8]) -> Vec<u8> {
    let mut quoted = Vec::new();
    dunlin_stdx::words::quote(word, &mut quoted);
    quoted
}
