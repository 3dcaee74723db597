//! Why a configuration could not be loaded.

use std::fmt;

use crate::{Invalid, Text};

/// The version that the error names, the one INFO reports to clients.
const VERSION: &str = "7.2.4";

/// Where a directive stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// The file that was included, when it is not the configuration that was asked for.
    pub included: Option<Text>,
    /// Line number, from 1. Standard input and command line count on from the file's last line.
    pub line: usize,
    /// The line, without blanks around it.
    pub text: Text,
}

/// What stops a configuration from loading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// A quote stays open, or text follows a closing quote.
    UnbalancedQuotes,
    /// No such directive, or not with that many words.
    BadDirective,
    /// A parameter refuses its value.
    Invalid(Invalid),
    /// `module.parameter` without a value.
    ModuleValueMissing,
    /// A `sentinel` line outside sentinel mode.
    NotSentinel,
    /// `rename-command` of a command that does not exist. Found by whoever knows the commands.
    NoSuchCommand,
    /// `rename-command` to a name in use. Found by whoever knows the commands.
    CommandNameTaken,
    /// A `user` line that ACL refuses. Found by whoever knows the rules.
    User {
        /// The word it stumbled on.
        word: String,
        /// Its reason.
        reason: String,
    },
    /// The log file cannot be written: the system's words.
    LogFile(String),
    /// `replicaof` together with `cluster-enabled yes`.
    ReplicaOfInCluster,
    /// A configuration file cannot be read.
    CannotOpen {
        /// Its path.
        path: Text,
        /// The system's words.
        reason: String,
    },
    /// Files include each other without end.
    IncludedTooDeep,
}

/// The configuration cannot be loaded; the process says why on standard error and exits with 1.
///
/// [`fmt::Display`] gives the block that Redis prints, from its leading empty line on, without the
/// final line break. Where the line is in an included file, a last line names that file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FatalConfigError {
    /// Where, unless the problem is in no line.
    pub origin: Option<Box<Origin>>,
    /// What.
    pub problem: Problem,
}

impl FatalConfigError {
    /// A problem with a directive that was kept for later, such as a `user` line.
    pub fn at(origin: &Origin, problem: Problem) -> FatalConfigError {
        FatalConfigError { origin: Some(Box::new(origin.clone())), problem }
    }

    /// Whether this is a message for the log (at level warning) and not a block for standard
    /// error: so it is with a file that cannot be opened.
    pub fn is_log_message(&self) -> bool {
        matches!(self.problem, Problem::CannotOpen { .. })
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Problem::UnbalancedQuotes => f.write_str("Unbalanced quotes in configuration line"),
            Problem::BadDirective => f.write_str("Bad directive or wrong number of arguments"),
            Problem::Invalid(invalid) => invalid.fmt(f),
            Problem::ModuleValueMissing => f.write_str("Module config specified without value"),
            Problem::NotSentinel => f.write_str("sentinel directive while not in sentinel mode"),
            Problem::NoSuchCommand => f.write_str("No such command in rename-command"),
            Problem::CommandNameTaken => f.write_str("Target command name already exists"),
            Problem::User { word, reason } => {
                write!(f, "Error in user declaration '{word}': {reason}")
            }
            Problem::LogFile(reason) => write!(f, "Can't open the log file: {reason}"),
            Problem::ReplicaOfInCluster => {
                f.write_str("replicaof directive not allowed in cluster mode")
            }
            Problem::CannotOpen { path, reason } => {
                write!(f, "Fatal error, can't open config file '{path}': {reason}")
            }
            Problem::IncludedTooDeep => f.write_str("Too many levels of include"),
        }
    }
}

impl fmt::Display for FatalConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_log_message() {
            return self.problem.fmt(f);
        }
        write!(f, "\n*** FATAL CONFIG FILE ERROR (Redis {VERSION}) ***\n")?;
        if let Some(origin) = &self.origin {
            writeln!(f, "Reading the configuration file, at line {}", origin.line)?;
            writeln!(f, ">>> '{}'", origin.text)?;
        }
        self.problem.fmt(f)?;
        match self.origin.as_ref().and_then(|origin| origin.included.as_ref()) {
            Some(file) => write!(f, "\n(in the included file '{file}')"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for FatalConfigError {}
