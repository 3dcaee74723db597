//! What loading reads, and what it gives.

use std::collections::BTreeSet;
use std::fmt;

use crate::error::Origin;
use crate::{Config, Text};

/// One piece of the configuration. Pieces take effect in their order; a later line wins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A file (or a pattern that holds `*`, `?` or `[`), read through `FileSource`.
    File(Text),
    /// What came on standard input.
    Stdin(Text),
    /// What [`crate::Arguments`] made of the command line.
    Arguments(Text),
}

/// What kind of process reads the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// A server with data.
    Server,
    /// A sentinel: port 26379 and no protected mode unless told otherwise.
    Sentinel,
}

/// A line kept for whoever understands it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Directive {
    /// Its words, the directive's name in lower case included.
    pub words: Vec<Text>,
    /// Where it stands, for `FatalConfigError::at`.
    pub origin: Origin,
}

/// Something to log at level warning when the process starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Warning {
    /// Cluster mode has one database; this many were asked for.
    OneDatabaseInCluster(u32),
    /// `bind` without `protected-mode` switched protected mode off.
    ProtectedModeOff,
    /// `oom-score-adj-values` fall, which an unprivileged process may not do.
    OomScoresFall,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Warning::OneDatabaseInCluster(databases) => write!(
                f,
                "WARNING: Changing databases number from {databases} to 1 since we are in cluster \
                 mode"
            ),
            Warning::ProtectedModeOff => f.write_str(
                "WARNING: Protected mode is off because the configuration has a 'bind' directive \
                 and says nothing about 'protected-mode'. Clients of other machines that reach \
                 these addresses need no password unless one is set. To keep protected mode, \
                 write 'protected-mode yes'.",
            ),
            Warning::OomScoresFall => f.write_str(
                "The oom-score-adj-values configuration may not work for non-privileged \
                 processes! Please consult the documentation.",
            ),
        }
    }
}

/// A configuration that was read.
#[derive(Clone, Debug, Default)]
pub struct Loaded {
    /// All values.
    pub config: Config,
    /// Primary names of the parameters that a line set.
    pub explicit: BTreeSet<&'static str>,
    /// `rename-command` lines, of three words.
    pub renamed_commands: Vec<Directive>,
    /// `user` lines.
    pub users: Vec<Directive>,
    /// `loadmodule` lines.
    pub modules: Vec<Directive>,
    /// `sentinel` lines, in sentinel mode.
    pub sentinel: Vec<Directive>,
    /// `module.parameter value` lines; values joined by blanks, a later one replaces an earlier.
    pub module_values: Vec<(Text, Text)>,
    /// What to log at start.
    pub warnings: Vec<Warning>,
}
